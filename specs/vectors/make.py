"""Write the vectors beside this script: `python specs/vectors/make.py`; with `--check`, compare them instead.

The vectors are data that any implementation can read. The script is needed by nobody but the project's own maintainers.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tests")]

import after  # noqa: E402
import bundles  # noqa: E402
import codes  # noqa: E402
import compliances  # noqa: E402
import filters  # noqa: E402
import formats  # noqa: E402
import lists  # noqa: E402
import logs  # noqa: E402
import matching  # noqa: E402
import misstated  # noqa: E402
import phones  # noqa: E402
import records  # noqa: E402
import regulations  # noqa: E402
import slips  # noqa: E402
import sources  # noqa: E402
import texts  # noqa: E402

WIDTH = 100
MAKERS: dict[str, tuple[str, Callable[[], tuple[formats.Cases, formats.Cases]]]] = {
    "encoding": ("specs/encoding.md, written by hand", formats.encoding),
    "log": ("specs/log.md §6, §7, by a second writing of RFC 6962", logs.log),
    "filter": ("specs/filter.md, worked out by hand", filters.filter_),
    "calendar": ("specs/calendar.md, worked out by hand", filters.calendar),
    "regulation": ("specs/regulation.md, written by hand", regulations.regulation),
    "sources": ("specs/events.md and specs/beacon.md §10, §11: recorded pulses, and written by hand", sources.sources),
    "tickets": ("specs/tickets.md, by a second writing of its formulas", formats.tickets),
    "commitments": ("specs/seed.md, by a second writing of its formulas", formats.commitments),
    "seals": ("specs/snapshot.md §2, §4, by a second writing of its formulas", formats.seals),
    "roster": ("specs/snapshot.md §3, written by hand", formats.roster),
    "statements": ("specs/statements.md; keys of labels, see texts.py", misstated.all_statements),
    "compliance": ("specs/compliance.md, a small regulation written by hand", compliances.compliance),
    "quotas": ("specs/plan.md §2, §3, worked out by hand", formats.quotas),
    "selection": ("specs/selection.md, by a second writing of its rule", formats.selection),
    "assignment": ("specs/assignment.md, by a second writing of its rules", matching.assignment),
    "acts": ("specs/acts.md, by a second writing of its rules", after.acts),
    "lists": ("specs/announcement.md §3, compliance.md §2, snapshot.md §4, record.md §1, §3, by hand", lists.lists),
    "record": ("specs/record.md, of the small draws of stories.py", records.record),
    "trust": ("specs/trust.md, written by hand", texts.trust),
    "bundle": ("specs/bundle.md and specs/verification.md, the small draws of stories.py", bundles.bundle),
    "slip": ("specs/slip.md, the small draws of stories.py", slips.slip),
    "phone": ("specs/phone.md, by a second writing of its forms", phones.phone),
    "slipcode": ("specs/slip.md §6, by a second writing of its rules; one slip as it was printed", codes.slipcode),
}


def _write(name: str) -> str:
    source, make = MAKERS[name]
    accept, refuse = make()
    parts = ",\n".join(f' "{part}": [\n{_cases(cases)}\n ]' for part, cases in (("accept", accept), ("refuse", refuse)))
    return f'{{\n "v": 0,\n "source": {_short(source)},\n{parts}\n}}\n'


def _cases(cases: formats.Cases) -> str:
    return ",\n".join(f"  {_spread(case, 2)}" for case in cases)


def _spread(value: Any, depth: int) -> str:
    """Write a field a line, and of an array an element a line: what lies deeper is for programs to read."""
    inside = " " * (depth + 1)
    if isinstance(value, dict) and value:
        rows = [f"{_short(name)}: {_spread(one, depth + 1)}" for name, one in value.items()]
        return "{\n" + ",\n".join(inside + row for row in rows) + f"\n{' ' * depth}}}"
    if isinstance(value, list) and len(_short(value)) > WIDTH:
        return "[\n" + ",\n".join(inside + _short(one) for one in value) + f"\n{' ' * depth}]"
    return _short(value)


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def main(arguments: list[str]) -> int:
    """Write or check every file, or those named; return 1 where one differs."""
    differing = []
    for name in [one for one in arguments if one in MAKERS] or MAKERS:
        file, text = HERE / f"{name}.json", _write(name)
        if not file.exists() or file.read_text("utf-8") != text:
            differing.append(file.name)
            if "--check" not in arguments:
                file.write_text(text, "utf-8", newline="\n")
    sys.stdout.write(f"differing: {' '.join(differing) or 'none'}\n")
    return 1 if differing and "--check" in arguments else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
