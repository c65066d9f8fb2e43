"""Optional parts of the program: who lacks one is told the one command that installs it."""

from importlib.util import find_spec
from typing import Final, Literal

from fairdraw.errors import WorkspaceError

Extra = Literal["arrow", "dask", "fast", "pdf", "pkcs11", "server"]
# What `pyproject.toml` lists under each extra, by the name under which Python imports it.
MODULES: Final[dict[Extra, tuple[str, ...]]] = {
    "arrow": ("pyarrow",),
    "dask": ("distributed", "pyarrow"),
    "fast": ("numba", "numpy"),
    "pdf": ("typst", "pylopdf_fonts_zh_cn"),
    "pkcs11": ("pkcs11",),
    "server": ("fastapi", "prometheus_client", "uvicorn"),
}


def installed(extra: Extra) -> bool:
    """Say whether an extra is there, without importing it."""
    return all(find_spec(module) is not None for module in MODULES[extra])


def install_command(extra: Extra) -> str:
    """Return the command that installs an extra."""
    return f'pip install "fairdraw[{extra}]"'


def need(extra: Extra) -> None:
    """Return if an extra is installed.

    Raises:
        WorkspaceError: `extra-missing`.
    """
    if not installed(extra):
        raise WorkspaceError("extra-missing", extra=extra, command=install_command(extra))
