"""Cases of bundle.json about who inspects whom (verification.md §6, assignment.md)."""

from typing import Any

import stories
from book import Book, edited
from formats import canonical
from stories import begin, cosigned, specialists

from support.story import recusal, team


def bent(book: Book) -> None:
    """Bend the results of draws with specialists, experts, a pool and a switch chain."""
    told, chained = stories.staffed(), stories.staffed(chain=True)
    file, results = stories.bundle(told), told.draw.statement.results.digest
    line = next(line for line in stories.lines_of(told) if line.get("attempt"))
    first, second = line["team"]
    changes = (
        ("an expert counted as an inspector", {"team": [["", line["experts"][0]], second]}),
        ("an inspector counted as an expert", {"experts": [first[1]]}),
        ("a team without an accountant", {"team": [["", "I-02"], ["", "I-03"]]}),
        ("an own attempt that failed", {"attempt": line["attempt"] - 1}),
    )
    swaps = ((name, canonical(line), canonical(line | change)) for name, change in changes)
    for name, old, new in swaps:
        book.fail(name, "assignment", "team-differs", like="specialists, experts and a pool",
                  patch=edited(file, results, old, new))  # fmt: skip
    block = chained.draw.statement.blocks[0]
    bends = (
        ("another pool", stories.statement(pool=7), {}),
        ("no pool", stories.statement(pool=None), {}),
        ("a switch chain that is said not to have been walked", stories.statement(blocks=((block[0], 0, 2),)),
         {"chain": True}),
    )  # fmt: skip
    for name, bend, how in bends:
        story = stories.restaffed(bend, **how)
        like = "a switch chain" if how else "specialists, experts and a pool"
        book.fail_story(name, "assignment", "attempts-differ", story, like=like)


def impossible(book: Book) -> None:
    """Add announcements under whose rules nobody can be drawn."""
    expert = {"expert": "expert", "eligible": ()}
    true = {"rule": "true", "object": None, "inspector": "qualified"}
    few = [recusal("H-000001", f"I-{i:02d}") for i in range(1, 6)]
    tight = {"cap": 1, "limit": 1}
    cases: tuple[tuple[str, str, dict[str, Any], dict[str, Any]], ...] = (
        ("rules that no inspector satisfies", "too-few-eligible", {}, {"eligible": (
            {"rule": "same", "object": "region", "inspector": "department"},)}),
        ("a speciality that nobody has", "no-such-team", {"people": specialists}, {"specialities": (
            {"field": "skills", "value": "law", "number": 1},)}),
        ("more experts than there are", "too-few-experts", {"people": specialists}, {
            "experts": {"number": 3} | expert}),
        ("an attribute that inspectors have not", "unknown-attribute", {}, {"eligible": (
            true | {"inspector": "licensed"},)}),
        ("a rule with an attribute too many", "bad-rule", {}, {"eligible": (true | {"object": "type"},)}),
        ("a comparison of texts as numbers", "rule-type", {}, {"eligible": (
            {"rule": "at-least", "object": "type", "inspector": "department"},)}),
        ("a cap that no matching keeps", "cap-infeasible", {}, tight | {"beyond": "switch-chain", "steps": 12}),
        ("attempts that run out", "attempts-exhausted", {}, tight | {"beyond": "void"}),
    )  # fmt: skip
    for name, reason, how, rules in cases:
        told = begin(plan={"team": team(**rules), "ratio": "1/4"}, recusals=b"", **how)
        book.fail_story(name, "assignment", reason, cosigned(told), known=True)
    told = begin(plan={"ratio": "1/1"}, recusals=b"".join(line + b"\n" for line in few))
    book.fail_story("an object whom everybody recuses", "assignment", "too-few-eligible", cosigned(told), known=True)
