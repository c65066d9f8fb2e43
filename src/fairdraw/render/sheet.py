"""What a record shows (抽取记录), without words or layout: sections of facts, tables, sentences and commands.

`text` and `page` lay the same sheet out, so that paper and screen cannot say different things. Numbers only: no name of
an institution or a person is known here. The record of a sealed draw, made without an outcome, has neither key nor
drawn number: whoever finds it on a desk learns nothing before the inspection (attack 33).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Self

from fairdraw.announcement import Inputs
from fairdraw.assignment import Assignment
from fairdraw.beacon import Chain
from fairdraw.compliance import articles_of
from fairdraw.draw import Outcome, loads
from fairdraw.encoding import parse_time
from fairdraw.permalink import permalink
from fairdraw.quota import is_singled_out
from fairdraw.randomness import names_artifact, time_of
from fairdraw.regulation import Regulation, digest
from fairdraw.render.access import Access
from fairdraw.render.parts import (
    Phrase,
    Section,
    Shown,
    by_hand,
    fingerprint,
    local_time,
    named,
    randomness,
)
from fairdraw.schema import Announcement, Draw, Plan, Until
from fairdraw.statement import Entry
from fairdraw.tickets import KeyMaterial
from fairdraw.trust import REHEARSAL
from fairdraw.values import Source
from transparency_log.checkpoint import Cosignature
from transparency_log.note import Verifier
from transparency_log.policy import Policy

SHORT: Final = 16  # hex digits of a ticket or root in a table; the result list has it whole
ROLES: Final = ("congress", "cppcc", "discipline", "social", "legal")  # where no regulation says who watches
PARTIES: Final = ("inspecting-unit", "bureau")
NOT_PROVEN: Final = ("not-complete", "not-other-draw", "not-conflicts", "not-inspected", "not-fingerprint")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigners:
    """Who cosigned the checkpoint of `size` that includes the announcement.

    `lines` are every witness of the policy with its time in POSIX seconds, None where it is missing; `quorum_time` is
    the least time by which they suffice, None if they do not.
    """

    size: int
    quorum_time: int | None
    lines: tuple[tuple[str, int | None], ...]

    @classmethod
    def of(cls, size: int, quorum_time: int | None, found: Iterable[Cosignature], policy: Policy) -> Self:
        """Return who these cosignatures are of; of two by one witness the earlier counts."""
        times: dict[Verifier, int] = {}
        for line in found:
            times[line.verifier] = min(line.timestamp, times.get(line.verifier, line.timestamp))
        lines = tuple((witness.name, times.get(witness.verifier)) for witness in policy.witnesses)
        return cls(size=size, quorum_time=quorum_time, lines=lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A record as it is printed: `text_hash` is the draw's, `link` what its code holds, `roles` who sign by hand."""

    bureau: str
    origin: str
    text_hash: str
    link: str
    rehearsal: bool
    sections: tuple[Section, ...]
    roles: tuple[str, ...] = (*ROLES, *PARTIES)

    @property
    def fingerprint(self) -> str:
        """Return the draw's fingerprint."""
        return fingerprint(self.text_hash)


def make_sheet(
    inputs: Inputs,
    draw: Entry,
    *,
    outcome: Outcome | None,
    material: KeyMaterial | None,
    chains: Mapping[str, Chain],
    cosigners: Cosigners,
    access: Access,
    regulation: Regulation | None = None,
) -> Sheet:
    """Return the sheet of a logged draw.

    `outcome` and `material` (what the key is made of) are None while the draw is sealed, and then nothing of the result
    is shown. `chains` are those of the trust file, by beacon id.
    """
    sections = [
        _draw(inputs, draw),
        _lock(inputs, cosigners),
        _beacon(inputs, draw, chains, cosigners),
        _snapshots(inputs),
    ]
    if regulation is not None:
        sections.append(_regulation(regulation))
    if outcome is None or material is None:
        sections.append(_sealed(draw))
    else:
        sections += _result(inputs, outcome, regulation)
        sections.append(_by_hand(draw, outcome, material))
    sections += [access.section(), _proven(inputs, chains, cosigners)]
    sections.append(Section(code="proves-not", notes=tuple(Phrase("sheet", code) for code in NOT_PROVEN)))
    statement = draw.statement
    return Sheet(
        bureau=statement.bureau,
        origin=statement.log,
        text_hash=draw.text_hash,
        link=permalink(access.site, statement.log, index=inputs.announcement.index, text=draw.text_hash),
        rehearsal=statement.log.endswith(REHEARSAL),
        sections=tuple(sections),
        roles=seats(regulation),
    )


def seats(regulation: Regulation | None) -> tuple[str, ...]:
    """Return who signs a record by hand: those whom the regulation invites, anybody else who came, and the parties."""
    invited = () if regulation is None or regulation.supervisors is None else regulation.supervisors.value.roles
    signing = () if regulation is None else regulation.sign_offs_of("draw")
    named = dict.fromkeys(role for role in (*invited, *signing) if role not in {"any", *PARTIES})
    return (*(named or ROLES), "other", *PARTIES)


def _none() -> Phrase:
    return Phrase("word", "none")


def _draw(inputs: Inputs, draw: Entry) -> Section:
    said = inputs.announcement.of(Announcement)
    sealed = said.disclosure
    disclosure = (
        Phrase("sheet", "until", {"date": sealed.date}) if isinstance(sealed, Until) else Phrase("sheet", "at-once")
    )
    return Section(
        code="draw",
        facts=(
            ("bureau", said.bureau),
            ("origin", said.log),
            ("slots", ", ".join(said.slots)),
            ("draw-entry", f"{draw.index}"),
            ("draw-time", local_time(parse_time(draw.statement.time))),
            ("plan", Phrase("sheet", "plan-entry", {"plan": inputs.plan.plan, "index": said.plan.index})),
            ("window", said.window),
            ("disclosure", disclosure),
            ("seed", _seed(said)),
            ("recusals", f"{len(inputs.recusals)}"),
            ("exclusions", f"{len(inputs.exclusions)}"),
            # A regulation that nobody loaded checked nothing: better said than passed over.
            ("regulation", said.regulation.digest if said.regulation else Phrase("sheet", "no-regulation")),
        ),
    )


def _seed(said: Announcement) -> Phrase:
    if said.seed.kind == "published":
        return Phrase("sheet", "published", {"digits": said.seed.digits or "-"})
    names = tuple(contributor.name for contributor in said.seed.contributors)
    return Phrase("sheet", "committed", {"names": names, "minimum": said.seed.minimum})


def _lock(inputs: Inputs, cosigners: Cosigners) -> Section:
    entry = inputs.announcement
    quorum = cosigners.quorum_time
    return Section(
        code="lock",
        facts=(
            ("announcement-entry", f"{entry.index}"),
            ("announcement-time", local_time(parse_time(entry.statement.time))),
            ("announcement-hash", entry.text_hash),
            ("announcement-fingerprint", fingerprint(entry.text_hash)),
            ("checkpoint-size", f"{cosigners.size}"),
            ("cosigned", Phrase("sheet", "no-quorum") if quorum is None else local_time(quorum)),
        ),
        header=("witness", "cosigned-at"),
        rows=tuple(
            (name, Phrase("sheet", "missing") if time is None else local_time(time)) for name, time in cosigners.lines
        ),
    )


def _beacon(inputs: Inputs, draw: Entry, chains: Mapping[str, Chain], cosigners: Cosigners) -> Section:
    facts: list[tuple[str, Shown]] = []
    for source, pulse in zip(inputs.announcement.of(Announcement).beacon, draw.of(Draw).pulses, strict=True):
        due = time_of(source, chains)
        before = "not-locked" if cosigners.quorum_time is None or cosigners.quorum_time >= due else "seconds"
        facts += [
            ("beacon-id", source.beacon),
            ("chain-hash", source.hash),
            ("round", f"{source.round}"),
            ("round-time", local_time(due)),
            ("locked-before", Phrase("sheet", before, {"count": due - (cosigners.quorum_time or due)})),
            # Of a pulse that names a document the randomness is in the key's own lines, where they are shown.
            ("document", pulse.signature) if names_artifact(pulse) else ("randomness", randomness(pulse.signature)),
        ]
    return Section(code="beacon", facts=tuple(facts))


def _snapshots(inputs: Inputs) -> Section:
    said = inputs.announcement.of(Announcement)
    departments = zip(inputs.plan.joint, said.joint, inputs.joint, strict=True)
    rosters = (
        (inputs.plan.objects, "objects", said.objects.index, inputs.objects),
        (inputs.plan.inspectors, "inspectors", said.inspectors.index, inputs.inspectors),
        *((of.inspectors, "inspectors", ref.index, roster) for of, ref, roster in departments),
    )
    return Section(
        code="snapshots",
        header=("registry", "what", "entry", "count", "root"),
        rows=tuple(
            (name, Phrase("sheet", what), f"{index}", f"{len(roster)}", roster.root.hex())
            for name, what, index, roster in rosters
        ),
    )


def _sealed(draw: Entry) -> Section:
    said = draw.of(Draw)
    return Section(
        code="sealed",
        facts=(
            ("drawn-count", f"{said.counts.drawn}"),
            ("result-root", said.results.root),
            ("result-digest", said.results.digest),
        ),
        notes=(Phrase("sheet", "sealed-note"),),
    )


def _ratio(quota: int, base: int) -> str:
    hundredths = round(Fraction(10_000 * quota, base))
    return f"{quota}/{base} = {hundredths // 100}.{hundredths % 100:02d}%"


def _result(inputs: Inputs, outcome: Outcome, regulation: Regulation | None) -> list[Section]:
    sections = [_strata(inputs.plan, outcome, regulation), _drawn(outcome)]
    if outcome.assignment.blocks:
        rows = tuple((no, f"{attempt + 1}", f"{cap}") for no, attempt, cap in outcome.assignment.blocks)
        sections.append(Section(code="blocks", header=("first-object", "attempts", "cap"), rows=rows))
    return [*sections, _loads(outcome), _audit(outcome), _findings(outcome)]


def _regulation(regulation: Regulation) -> Section:
    """Return what the draw was made under, and how each rule that can be read in two ways was read."""
    document, validity = regulation.document, regulation.validity
    term = _none() if validity is None else f"{validity.value.from_} – {validity.value.until or '…'}"
    return Section(
        code="regulation-section",
        facts=(
            ("regulation-title", document.title),
            ("regulation-issuer", document.issuer or _none()),
            ("regulation-number", document.number or _none()),
            ("regulation-term", term),
            ("regulation", digest(regulation)),
        ),
        header=("reading", "article"),
        rows=tuple((Phrase(f"reading.{one.code}", one.value), " ".join(one.cite)) for one in regulation.readings),
    )


def _strata(plan: Plan, outcome: Outcome, regulation: Regulation | None) -> Section:
    def article(item: str, values: tuple[str | int | bool | None, ...]) -> tuple[str, ...]:
        return (" ".join(articles_of(regulation, plan, item, values)),) if regulation is not None else ()

    return Section(
        code="strata",
        header=("item", "stratum", "excluded", "share", "derivation", *(("article",) if regulation else ()), "cutoff"),
        rows=tuple(
            (
                stratum.item,
                named(stratum.values),
                f"{stratum.base - len(stratum.eligible)}",
                _ratio(stratum.quota, stratum.base),
                stratum.derivation,
                *article(stratum.item, stratum.values),
                _none() if cutoff is None else cutoff.hex()[:SHORT],
            )
            for stratum, cutoff in zip(outcome.strata, outcome.selection.cutoffs, strict=True)
        ),
    )


def _drawn(outcome: Outcome) -> Section:
    assignment = outcome.assignment
    return Section(
        code="drawn",
        header=("order", "object", "items", "stratum", "ticket", "eligible", "team"),
        rows=tuple(
            (
                f"{order}",
                one.no,
                "; ".join(outcome.strata[at].item for at in one.strata),
                named(outcome.strata[one.strata[0]].values),
                one.ticket.hex()[:SHORT],
                f"{assignment.eligible[one.no]}",
                _team(assignment, one.no),
            )
            for order, one in enumerate(outcome.selection.drawn, 1)
        ),
    )


def _team(assignment: Assignment, no: str) -> str:
    members = [f"{inspector}({part})" if part else inspector for part, inspector in assignment.teams[no]]
    return " ".join([*members, *(f"+{expert}" for expert in assignment.experts.get(no, ()))])


def _loads(outcome: Outcome) -> Section:
    by_load: dict[int, list[str]] = {}
    for inspector, load in loads(outcome.assignment.teams).items():
        by_load.setdefault(load, []).append(inspector)
    rows = tuple(
        (f"{load}", f"{len(by_load[load])}", " ".join(sorted(by_load[load]))) for load in sorted(by_load, reverse=True)
    )
    return Section(code="loads", header=("load", "inspector-count", "inspectors"), rows=rows)


def _audit(outcome: Outcome) -> Section:
    objects, inspectors = outcome.audit
    return Section(
        code="audit",
        facts=(("objects", " ".join(objects) or _none()), ("inspectors", " ".join(inspectors) or _none())),
        notes=(Phrase("sheet", "audit-note"),),
    )


def _findings(outcome: Outcome) -> Section:
    notes = [
        Phrase("finding", "singled-out", {"item": s.item, "stratum": s.values, "drawn": s.quota, "base": s.base})
        for s in outcome.strata
        if is_singled_out(s)
    ]
    notes += [
        Phrase("finding", "forced-team", {"object": no, "eligible": outcome.assignment.eligible[no]})
        for no in sorted(outcome.assignment.forced)
    ]
    return Section(code="findings", notes=tuple(notes) or (_none(),))


def random_claim(sources: Iterable[Source], chains: Mapping[str, Chain]) -> str:
    """Return the code of what may be claimed of the randomness of some sources."""
    known = [chains[source.beacon] for source in sources if source.beacon in chains]
    # One person holds a practice chain's key: nothing is claimed of it that only a public beacon gives.
    practice = any(chain.practice for chain in known) and all(chain.practice for chain in known)
    return "practice-random" if practice else "proves-random" if known else "proves-events"


def _proven(inputs: Inputs, chains: Mapping[str, Chain], cosigners: Cosigners) -> Section:
    sources = inputs.announcement.of(Announcement).beacon
    due = min(time_of(source, chains) for source in sources)
    codes = [random_claim(sources, chains), "proves-rules", "proves-log"]
    if cosigners.quorum_time is not None and cosigners.quorum_time < due:
        codes.insert(0, "proves-before")
    return Section(code="proves", notes=tuple(Phrase("sheet", code) for code in codes))


def _by_hand(draw: Entry, outcome: Outcome, material: KeyMaterial) -> Section:
    drawn = outcome.selection.drawn
    first = (drawn[0].no, drawn[0].ticket.hex()) if drawn else None
    commands = by_hand(draw.of(Draw).pulses, material, first)
    return Section(code="by-hand", commands=commands, notes=(Phrase("sheet", "by-hand-note"),))
