"""The site's tables for spreadsheets: all draws, and one draw's result. docs/site.md says what each column holds."""

from collections.abc import Iterator

from fairdraw.messages import Catalogue
from fairdraw.render import local_time
from fairdraw.render.csvfile import Cell, csv_text
from fairdraw.schema import Draw
from fairdraw.site.dossier import Dossier
from fairdraw.site.register import Gap, Register, Row

DRAWS = ("entry", "bureau", "slots", "items", "state", "state-word", "locked", "round", "draw", "drawn",
         "announcement-hash", "draw-hash", "page")  # fmt: skip
RESULTS = ("object", "items", "team", "experts", "now", "ticket", "verification")


def draws_csv(register: Register, words: Catalogue, *, url: str, unproven: set[int]) -> str:
    """Return every row of the register, the oldest first; `words` are those of the readers' language."""
    return csv_text(_header(DRAWS, words), _draws(register, words, url, unproven))


def _header(names: tuple[str, ...], words: Catalogue) -> list[str]:
    """Return a header that programs find by its first word and people read by its second."""
    return [f"{name} {words.say('site', f'csv-{name}')}" for name in names]


def _draws(register: Register, words: Catalogue, url: str, unproven: set[int]) -> Iterator[tuple[Cell, ...]]:
    for row in register.rows:
        if isinstance(row, Gap):
            lost = None if row.first is None else f"{row.first}-{row.last}"
            yield (row.index, row.entry.statement.bureau, lost, None, "missing", words.say("site", "state-missing"),
                   local_time(row.shown), None, None, None, None, None, None)  # fmt: skip
            continue
        badges = [*row.badges, *(["unproven"] if row.index in unproven else [])]
        names = "、".join(name for name, _ in row.names)
        yield (
            row.index, row.said.bureau, " ".join(row.said.slots), names, " ".join(badges),
            "、".join(words.say("site", f"state-{badge}") for badge in badges), local_time(row.shown),
            local_time(row.due) if row.due else None, *_drawn(row), row.entry.text_hash,
            None if row.draw is None else row.draw.text_hash, f"{url}d/{row.index}/",
        )  # fmt: skip


def _drawn(row: Row) -> tuple[Cell, Cell]:
    return (None, None) if row.draw is None else (row.draw.index, row.draw.of(Draw).counts.drawn)


def results_csv(dossier: Dossier, words: Catalogue) -> str:
    """Return a draw's result, each line with what this site's own verification says of the whole."""
    failed = f"{words.say('site', 'state-unproven')}: {' '.join(dossier.failed)}" if dossier.failed else None
    return csv_text(
        _header(RESULTS, words),
        (
            (line.no, " ".join(line.items), " ".join(line.team), " ".join(line.experts),
             " ".join(line.now) if line.now else None, line.ticket, failed)
            for line in dossier.drawn
        ),
    )  # fmt: skip
