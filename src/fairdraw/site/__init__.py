"""The public site (公示网站): static pages beside a log's tiles, made from the log alone.

It shows what a log says, and proves nothing: each draw's page lets the reader's own browser verify the draw with the
log's tiles, and a page that cannot says what to do instead. The modules: `register` (rows and states), `dossier` (one
draw), `pages`, `feed` and `tables` (what is written of them), `build` (which files, and which of them anew).

Reading and writing files is done by the caller; equal logs and materials give equal bytes.
"""

from fairdraw.site.build import MEMORY, File, Material, Memory, build, unproven
from fairdraw.site.pages import Look
from fairdraw.site.register import Register, register

__all__ = ["MEMORY", "File", "Look", "Material", "Memory", "Register", "build", "register", "unproven"]
