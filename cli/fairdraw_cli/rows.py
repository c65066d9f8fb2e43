"""Bad rows of a file, as people are told of them."""

from fairdraw.registry import Problem
from fairdraw_cli.session import Session


def bad_row(session: Session, problem: Problem) -> dict[str, object]:
    """Return the parameters of the sentence `freeze.bad-row`."""
    words = session.words
    known = words.has("expected", problem.expected)
    return {
        "line": problem.line,
        "field": problem.field or "—",
        "reason": words.say("error", problem.code),
        "expected": words.say("expected", problem.expected) if known else problem.expected,
        "found": problem.found or None,
    }
