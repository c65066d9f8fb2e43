"""A notice to a drawn object (检查告知书): when it is inspected, of what, by whom, and what it may ask for.

It is the only paper with names: the bureau prints it from its own private file, keeps it to itself, and gives it to the
one object. Where nobody may be told beforehand (不提前告知) it is handed over at the door, and the paper says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from fairdraw.draw import Outcome
from fairdraw.permalink import permalink
from fairdraw.regulation import Item, Regulation
from fairdraw.render.access import Access
from fairdraw.render.parts import Phrase, Section, Shown, fingerprint
from fairdraw.schema import Announcement, Plan, Until, item_of
from fairdraw.statement import Entry
from fairdraw.substitution import Standing
from fairdraw.trust import REHEARSAL

NAME: Final = "name"
CERTIFICATE: Final = "certificate"
RIGHTS: Final = ("right-papers", "right-recusal", "right-defence", "right-check", "duty-cooperate")
SEATS: Final = ("seat-issuer", "seat-inspectors", "seat-object", "seat-refused")

Names = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notice as it is printed: `to` addresses the object, `lead` is its first sentence, `seats` are who sign it.

    `secrecy` says who may see it and when; `link` leads to the object's slip.
    """

    no: str
    bureau: str
    text_hash: str
    rehearsal: bool
    secrecy: Phrase
    to: Phrase
    lead: Phrase
    sections: tuple[Section, ...]
    link: str
    seats: tuple[str, ...] = SEATS

    @property
    def fingerprint(self) -> str:
        """Return the draw's fingerprint."""
        return fingerprint(self.text_hash)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visits:
    """What the notices of one draw have in common.

    `names` are private fields of objects by number, `staff` those of inspectors, as far as the bureau has them: an
    object may have the number of an inspector, and not the name. `items` is the item list that the plan names, empty
    where it names none. `deferred` says until when an object's inspection was put off, and `vacant` which inspector of
    which object has dropped out and is not replaced yet.
    """

    announcement: Entry
    draw: Entry
    plan: Plan
    names: Names
    staff: Names
    items: Sequence[Item]
    regulation: Regulation | None
    access: Access
    deferred: Mapping[str, str] = field(default_factory=dict)
    vacant: frozenset[tuple[str, str]] = frozenset()

    @property
    def at_the_door(self) -> bool:
        """Whether nobody may be told before the inspectors are there."""
        rule = None if self.regulation is None else self.regulation.disclosure
        sealed = isinstance(self.announcement.of(Announcement).disclosure, Until)
        return sealed or (rule is not None and rule.value == "until-visit")


def make_notices(visits: Visits, outcome: Outcome, standing: Standing) -> list[Notice]:
    """Return the notices of all drawn objects by number; the teams are those that stand after substitutions."""
    items = {one.no: [outcome.strata[at].item for at in one.strata] for one in outcome.selection.drawn}
    return [_notice(visits, no, items[no], standing) for no in sorted(items)]


def _notice(visits: Visits, no: str, items: Sequence[str], standing: Standing) -> Notice:
    entry, draw = visits.announcement, visits.draw
    said = entry.of(Announcement)
    name = visits.names.get(no, {}).get(NAME)
    return Notice(
        no=no,
        bureau=draw.statement.bureau,
        text_hash=draw.text_hash,
        rehearsal=said.log.endswith(REHEARSAL),
        secrecy=Phrase("notice", "at-the-door" if visits.at_the_door else "internal"),
        to=Phrase("notice", "to", {"name": name, "no": no}) if name else Phrase("notice", "to-number", {"no": no}),
        lead=Phrase("notice", "lead", {"plan": visits.plan.plan, "entry": draw.index, "no": no}),
        sections=(
            _items(visits, no, items),
            *_grounds(visits.regulation),
            _inspectors(visits, no, standing),
            Section(code="rights", notes=tuple(Phrase("notice", code) for code in RIGHTS)),
        ),
        link=permalink(visits.access.site, said.log, index=entry.index, text=draw.text_hash, no=no),
    )


def _items(visits: Visits, no: str, items: Sequence[str]) -> Section:
    said, rules = visits.announcement.of(Announcement), visits.regulation
    known = {item.id: item for item in (*(() if rules is None else rules.items), *visits.items)}
    methods = {} if rules is None else {one.code: f"{one.zh} {one.en}" for one in rules.methods}

    def period(slot: str) -> Phrase:
        batch = visits.plan.batch_of(slot)
        if no in visits.deferred:
            return Phrase("notice", "deferred", {"date": visits.deferred[no]})
        if batch:
            return Phrase("notice", "from-to", {"first": batch.first, "last": batch.last})
        return Phrase("notice", "by", {"date": said.window})

    def row(slot: str) -> tuple[Shown, ...]:
        item, none = known.get(item_of(slot)), Phrase("word", "none")
        if item is None:
            return item_of(slot), none, none, period(slot)
        how = "; ".join(methods.get(code, code) for code in item.methods)
        return (
            f"{item.name} {item.name_en}",
            how or none,
            "；".join(item.basis) or none,
            period(slot),
        )

    rows = tuple(row(slot) for slot in said.slots if item_of(slot) in items)
    return Section(code="visit", header=("item", "method", "basis", "period"), rows=rows)


def _grounds(regulation: Regulation | None) -> list[Section]:
    """Return on which grounds somebody must not inspect, as far as the regulation names them."""
    if regulation is None or not regulation.recusal_reasons:
        return []
    rows = tuple((f"{one.zh} {one.en}", " ".join(one.cite)) for one in regulation.recusal_reasons)
    return [Section(code="recusal-grounds", header=("ground", "article"), rows=rows)]


def _inspectors(visits: Visits, no: str, standing: Standing) -> Section:
    none, ours, expert = Phrase("word", "none"), Phrase("notice", "ours"), Phrase("notice", "expert")

    def row(number: str, place: Shown) -> tuple[Shown, ...]:
        if (no, number) in visits.vacant:
            return number, none, none, Phrase("notice", "vacant")  # who stays away must not be announced
        told = visits.staff.get(number, {})
        return number, told.get(NAME) or none, told.get(CERTIFICATE) or none, place

    return Section(
        code="visitors",
        header=("inspector", "name", "certificate", "place"),
        rows=(
            *(row(number, department or ours) for department, number in standing.teams[no]),
            *(row(number, expert) for number in standing.experts.get(no, ())),
        ),
    )
