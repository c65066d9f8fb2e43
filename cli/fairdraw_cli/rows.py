"""Bad rows of a file, as people are told of them."""

import re
from collections.abc import Mapping
from typing import Final

from fairdraw.registry import Problem
from fairdraw_cli.session import Session

LINE: Final = re.compile("line ([0-9]+)", re.ASCII)
"""What a problem says it found where an earlier row has the same."""


def bad_row(session: Session, problem: Problem, called: Mapping[str, str] | None = None) -> dict[str, object]:
    """Return the parameters of the sentence `freeze.bad-row`; `called` says which column each field came from."""
    words = session.words
    known = words.has("expected", problem.expected)
    field = (called or {}).get(problem.field, problem.field)
    earlier = LINE.fullmatch(problem.found)
    return {
        "line": problem.line,
        "field": f"{problem.cell} {field}".strip() or "—",
        "reason": words.say("error", problem.code),
        "expected": words.say("expected", problem.expected) if known else problem.expected,
        "found": session.word("freeze.line", line=earlier[1]) if earlier else problem.found or None,
    }
