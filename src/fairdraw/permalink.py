"""Where a reader finds a draw: the address that paper and pages give. specs/slip.md §6.

The hash stands behind the `#`, which a browser keeps to itself: no server learns who looks up which number.
"""

import re
from typing import Final

from fairdraw.errors import WorkspaceError

MAX_SITE: Final = 120  # characters: the address is printed, and in every code
MAX_PORT: Final = 65_535
VERIFIER: Final = "verify.html"
_SITE: Final = re.compile(
    r"""(?-i:https?)://(?:[a-z0-9-]+\.)*[a-z0-9-]+ (?::(?P<port>[1-9][0-9]{0,4}))?
        (?:/ (?!\.) (?:[a-z0-9._~-] | %[89a-f][0-9a-f])+)* /?""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)


def check_site(url: str) -> str:
    """Return the address of a public site as links are made from it, without the last slash.

    Neither user nor query nor fragment: a link must be what it looks like, and the fragment is the draw's. Nor a hidden
    folder or one above, however it is escaped: browsers go elsewhere. Hosts are spelled in ASCII, with numbers as IPv4.

    Raises:
        WorkspaceError: `bad-site`.
    """
    match = _SITE.fullmatch(url)
    if match is None or len(url) > MAX_SITE or int(match["port"] or 0) > MAX_PORT:
        raise WorkspaceError("bad-site", expected="https://…", found=url)
    return url.rstrip("/")


def permalink(site: str | None, origin: str, *, index: int, text: str, no: str | None = None) -> str:
    """Return the link of a draw, or of one number in it.

    `index` is the announcement's place in the log, `text` the text hash of the draw. Without a site it is no address,
    but still what a page compares with.
    """
    fragment = text if no is None else f"{text}.{no}"
    return f"fairdraw:{origin}#{fragment}" if site is None else f"{site}/d/{index}/#{fragment}"


def verifier_link(site: str | None, origin: str) -> str:
    """Return what stands before the `#` of a slip's codes."""
    return f"fairdraw:{origin}" if site is None else f"{site}/{VERIFIER}"
