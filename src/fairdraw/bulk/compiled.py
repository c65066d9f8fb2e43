"""Where the compiled way of sealing CSV is found: it is used after it has made what the plain way makes."""

from types import ModuleType
from typing import Final

from fairdraw.bulk.sealing import seal_rows
from fairdraw.registry.layout import Layout, lay_out
from fairdraw.registry.mapping import default_map
from fairdraw.registry.tabular import make_table
from transparency_log import fast

_COLUMNS: Final = ("no", "attr.kind", "private.name", "private.town", "closed.note")
_ROWS: Final = (
    ("H-2", "a", "第二医院", "济南", ""),
    ("H-1", "b", "", "x" * 60, 'said "no"'),
    ("H-3", "a", "y" * 120, "Ⅲ", "-"),
)


def quick() -> ModuleType | None:
    """Return the module `bulk.quick`, None where there is no fast path."""
    return fast.load(_import, _agrees)


def _import() -> ModuleType:
    from fairdraw.bulk import quick  # noqa: PLC0415 - compiled, or read from numba's cache, when it is needed

    return quick


def _layout() -> Layout:
    return lay_out(default_map(list(_COLUMNS)), make_table(_COLUMNS, iter(())))


def _agrees(module: ModuleType) -> bool:
    layout, secret = _layout(), bytes(range(32))
    text = "".join(",".join('"{}"'.format(cell.replace('"', '""')) for cell in row) + "\n" for row in _ROWS)
    expected = seal_rows(enumerate(_ROWS, 2), layout, secret)
    return bool(module.QuickSealer(layout, secret).csv(text.encode(), 2) == expected)
