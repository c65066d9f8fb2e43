"""Cases of bundle.json about what a draw is made from: history, days, lists, seeds, quotas (verification.md §5, §6)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import stories
from book import FILE_ONLY, Book, edited, replaced
from stories import CONTRIBUTORS, begin, cosigned

from fairdraw import encoding
from fairdraw.announcement import artifact_of
from fairdraw.record import Record
from fairdraw.registry import Registry, Row
from fairdraw.roster import listing_of
from fairdraw.rules import Batch
from fairdraw.schema import Commitment, Committed, Contributor, Former, Reveal, RevealsClosed, Until
from fairdraw.seed import commitment, embargo_commitment
from fairdraw.statement import Entry
from support.story import SLOT, Story, Told, every, rebundled, rule, secret, trust_text
from transparency_log import merkle

_, S1 = CONTRIBUTORS
SECOND = "2026/fund-use/2"
BOTH = (SLOT, SECOND)

# -- earlier draws of the year --------------------------------------------------------------------------------------


def second(story: Story | None = None, *, bend: Any = None, seal: bool = False, **plan: Any) -> Told:
    """Return a second draw of the year, which may draw nobody whom the first drew."""
    story = story or Story()
    first = cosigned(begin(story, plan={"slots": BOTH, "yearly_cap": 1, **plan}, **(_sealed() if seal else {})))
    if seal:
        first.embargo = stories.EMBARGO
    first.go_on(bend=bend)
    if seal and first.record is not None:
        del first.story.artifacts[encoding.digest(first.record.artifact)]
    return first.announce_again(slots=[SECOND], exclusions=_drawn(first, again="schedule" in plan)).later()


def _sealed() -> dict[str, Any]:
    return {"disclosure": Until(kind="until", date=stories.SEALED, embargo=embargo_commitment(SLOT, stories.EMBARGO))}


def instalments() -> Told:
    """Return the second half of a year's quota, of which nobody is drawn twice."""
    days = [Batch(slot=slot, first="2026-09-01", last="2026-12-31", share=share)
            for slot, share in zip(BOTH, ("1/2", "1/1"), strict=True)]  # fmt: skip
    return second(schedule=tuple(days), ratio="1/2").go_on()


def _unreadable(record: Record) -> Record:
    """Say of a result list that it is an empty array."""
    data = b"[]\n"
    listing = listing_of(data, merkle.Tree([merkle.leaf_hash(b"[]")]))
    return replace(record, artifact=data, statement=record.statement.model_copy(update={"results": listing}))


def special() -> Told:
    """Return a draw under a special plan of the same year, which stands in the log behind a first draw."""
    story, slot = Story(), "special/fund-use/1"
    first = cosigned(begin(story, plan={"slots": BOTH, "yearly_cap": 1})).go_on()
    plan = {"plan": "special", "kind": "special", "slots": (slot,), "yearly_cap": 1}
    return cosigned(begin(story, plan=plan, slots=[slot], exclusions=_drawn(first))).go_on()


def _drawn(told: Told, *, again: bool = False) -> bytes:
    """Return the list that excludes whoever was drawn; `again`: from the same item's next instalment too."""
    drawn = [one.no for one in told.outcome().selection.drawn]
    out = [{"item": None, "no": no, "reason": "yearly-cap"} for no in drawn]
    out += [{"item": "fund-use", "no": no, "reason": "drawn-before"} for no in drawn if again]
    return encoding.lines(sorted(map(encoding.canonical, out)))


def cut(told: Told) -> Any:
    """Return the bundle of a draw under a later plan, which begins with that plan and shows no earlier draw."""
    kept = [entry for entry in every(told) if entry.index >= told.plan.index]
    return encoding.parse(rebundled(told, kept).format()[:-1])


# -- honest draws ---------------------------------------------------------------------------------------------------


def floored() -> Told:
    """Return a draw by credit grades and regions under a legal floor, which nobody tops up."""
    grades = ({"grade": "hospital", "factor": "1/2", "rounding": "floor", "whole": False},
              {"grade": "pharmacy", "factor": "1/1", "rounding": "nearest", "whole": False})  # fmt: skip
    ratios = ({"of": (), "ratio": "1/3", "rounding": "ceil", "floor": "1/2"},)
    graded = rule(SLOT, strata=(), ratios=ratios, grade="type", grades=grades, top_up=(), region="region",
                  each_region=True)  # fmt: skip
    return cosigned(begin(plan={"rules": (graded,)})).go_on()


def directed() -> Told:
    """Return a draw of the pharmacies of two regions, two strata of two of which one is drawn each."""
    rules = rule(SLOT, ratio="1/5", filter='type = "pharmacy" and region under "3701"', strata=("region", "type"))
    return cosigned(begin(plan={"rules": (rules,)})).go_on()


def honest(book: Book) -> None:
    """Add draws whose quotas are made in every way."""
    book.hold_story("the second draw of a year with a cap", "holds", second().go_on())
    book.hold_story("the second instalment", "holds", instalments())
    book.hold_story("grades, regions, and a floor that is not reached", "holds", floored(), "below-floor")
    book.hold_story("a directed draw of few", "holds", directed(), "singled-out")
    book.hold_story("more wanted than may be drawn", "holds", second(ratio="1/1").go_on(), "quota-short")
    book.hold_story("after an earlier draw that is still sealed", "unknown", second(seal=True))
    story = Story()
    story.change_key(former=Former(log="log.example.cn/before/rehearsal", index=7, text="11" * 32))
    book.hold_story("a cap, and a bureau that came from another log", "unknown", second(story))


# -- closed inputs --------------------------------------------------------------------------------------------------


def under(slot: str, **plan: Any) -> Told:
    """Return an announcement under another plan than the one it was made with, which the library would refuse."""
    story = Story()
    other = story.plan(slots=(slot,), **plan)
    return cosigned(begin(story)).retold(plan=other.ref, slots=(slot,))


def bad_list() -> Told:
    """Return an announcement with a recusal that is none."""
    told = cosigned(begin())
    data = told.story.keep(b'{"declarer":"nobody"}\n')
    return told.retold(recusals=artifact_of(data))


def closed(book: Book) -> None:
    """Add what fails of history, days and lists."""
    book.fail_story("an earlier draw whose list cannot be read", "closed-inputs", "bad-result-list",
                    second(bend=_unreadable))  # fmt: skip
    told = special()
    book.hold("a special plan of a year with a cap", "holds", file=stories.bundle(told), **stories.make(told))
    book.fail("an earlier draw that was left out", "closed-inputs", "history-cut",
              like="a special plan of a year with a cap", file=cut(told))  # fmt: skip
    unknown = rule(SLOT, filter='level = "3A"')
    days = (Batch(slot=SLOT, first="2026-09-01", last="2026-10-31", share=None),)
    cases: tuple[tuple[str, str, Told], ...] = (
        ("a history beyond the announcement", "history-after-announcement", cosigned(begin(history_size=99))),
        ("another regulation than the plan's", "another-regulation",
         cosigned(begin()).retold(regulation=artifact_of(b"a regulation\n"))),
        ("a recusal that is none", "bad-list", bad_list()),
        ("a last day before the round", "window-before-round", cosigned(begin()).retold(window="2026-09-06")),
        ("a last day outside the schedule", "window-outside-schedule",
         cosigned(begin(plan={"schedule": days})).retold(window="2026-11-01")),
        ("a plan of the next year", "plan-of-another-year",
         under("2027/fund-use/1", plan="2027", year=2027)),
        ("a filter for what the roster has not", "filter-unknown-attribute",
         under("special/fund-use/1", plan="special", rules=(unknown,))),
    )  # fmt: skip
    for name, reason, story in cases:
        book.fail_story(name, "closed-inputs", reason, story)


# -- seeds ----------------------------------------------------------------------------------------------------------


def seeded(
    *,
    commits: Callable[[str], str] | None = None,
    names: Callable[[Any], Any] = lambda contributors: contributors,
    reveals: Callable[[list[Entry], list[Entry]], list[Entry | None]] = lambda _, told: list(told),
    opens: Callable[[str], str] = lambda name: secret(f"seed of {name}").hex(),
    required: bool = False,
    minimum: int = 0,
) -> Told:
    """Return a draw's announcement with two contributors, each step of which may be bent."""
    committed: list[Entry] = []

    def commit(story: Story) -> dict[str, Any]:
        for name in CONTRIBUTORS:
            value = commits(name) if commits else commitment(SLOT, name, secret(f"seed of {name}"))
            committed.append(story.add(story.head(name).make(Commitment, slot=SLOT, commitment=value)))
        told = tuple(Contributor(name=name, commitment=entry.ref, required=required)
                     for name, entry in zip(CONTRIBUTORS, committed, strict=True))  # fmt: skip
        return {"seed": Committed(kind="committed", contributors=names(told), minimum=minimum)}

    told = begin(before=commit)
    story = told.story
    revealed = [story.add(story.head(name).make(Reveal, commitment=entry.ref, seed=opens(name)))
                for name, entry in zip(CONTRIBUTORS, committed, strict=True)]  # fmt: skip
    refs = tuple(None if one is None else one.ref for one in reveals(committed, revealed))
    story.add(story.head().make(RevealsClosed, announcement=told.announcement.ref, reveals=refs))
    return told.later()


def seeds(book: Book) -> None:
    """Add what fails of committed seeds."""
    swapped = lambda told: tuple(  # noqa: E731 - read where it is used
        one.model_copy(update={"commitment": other.commitment}) for one, other in zip(told, told[::-1], strict=True)
    )
    cases: tuple[tuple[str, str, Told], ...] = (
        ("commitments under each other's names", "commitment-of-another", seeded(names=swapped)),
        ("two equal commitments", "equal-commitments", seeded(commits=lambda _: "11" * 32)),
        ("fewer places than contributors", "reveals-do-not-fit", seeded(reveals=lambda _, told: told[:1])),
        ("a commitment as a reveal", "not-a-reveal", seeded(reveals=lambda first, told: [told[0], first[1]])),
        ("reveals under each other's names", "reveal-of-another", seeded(reveals=lambda _, told: told[::-1])),
        ("another seed than was committed to", "reveal-does-not-open", seeded(opens=lambda _: "22" * 32)),
        ("an indispensable seed missing", "required-seed-missing",
         seeded(required=True, reveals=lambda _, told: [told[0], None])),
        ("too few reveals", "too-few-reveals", seeded(minimum=2, reveals=lambda _, told: [told[0], None])),
    )  # fmt: skip
    for name, reason, story in cases:
        book.fail_story(name, "seed", reason, story, like="committed")
    trust = trust_text(Story())
    without = "".join(f"{line}\n" for line in trust.splitlines() if not line.startswith(f"supervisor {S1} "))
    book.fail("a contributor whom the reader does not know", "seed", "unknown-person", like="committed", trust=without)


# -- disclosure, quotas ---------------------------------------------------------------------------------------------


def specialised() -> Registry:
    """Return three objects whose only attribute is a list."""
    rows = tuple(Row(f"H-{i:06d}", {"fields": ("dental", "eyes")[:i]}, ()) for i in range(1, 4))
    return Registry((("fields", "strings"),), (), rows)


def counted(book: Book) -> None:
    """Add embargo keys that do not fit, and plans that give a stratum no quota."""
    book.fail("an embargo key of an open draw", "disclosure", "another-embargo", like="committed",
              patch=replaced("/embargo", "00" * 32))  # fmt: skip
    book.fail("another embargo key", "disclosure", "another-embargo", like="sealed",
              patch=replaced("/embargo", "00" * 32))  # fmt: skip
    plain = stories.plain()
    results = plain.record.statement.results.digest if plain.record else ""
    file = book.file_of("plain")
    book.fail("a result list that cannot be read", "quotas", "bad-result-list", like=FILE_ONLY,
              patch=edited(file, results, '"quota":2', '"quota":true'))  # fmt: skip
    ratio = {"ratio": "1/4", "rounding": "ceil", "floor": None}
    grades = ({"grade": "hospital", "factor": "1/1", "rounding": "nearest", "whole": False},)
    cases: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("a stratum without a ratio", "stratum-without-ratio", rule(SLOT, ratios=({"of": ("hospital",)} | ratio,))),
        ("a grade without a rule", "grade-without-rule", rule(SLOT, strata=(), grade="type", grades=grades)),
        ("strata by what the roster has not", "unknown-attribute", rule(SLOT, strata=("size",))),
    )
    for name, reason, bent in cases:
        book.fail_story(name, "quotas", reason, cosigned(begin(plan={"rules": (bent,)})))
    listed = begin(plan={"rules": (rule(SLOT, strata=("fields",)),)}, things=specialised, recusals=b"")
    book.fail_story("strata by a list", "quotas", "list-as-stratum", cosigned(listed))
