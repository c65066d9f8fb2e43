"""The announcement (抽取公告): all that a draw depends on, fixed before its randomness is. specs/announcement.md."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fairdraw import encoding, tickets
from fairdraw.beacon import RETIRED, Chain
from fairdraw.errors import AnnouncementError, EncodingError
from fairdraw.exclusion import DRAWN_BEFORE, YEARLY_CAP, Exclusion
from fairdraw.filter import check, parse
from fairdraw.randomness import Timed, closes_at, named_sources, time_of
from fairdraw.roster import Roster, RosterRow
from fairdraw.schema import (
    Announcement,
    AtOnce,
    Committed,
    Plan,
    Published,
    SnapshotStatement,
    SubstitutionCall,
    Until,
)
from fairdraw.statement import Entry, Head
from fairdraw.values import HASH, NUMBER, Artifact, Ref

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """All that a draw is a function of, besides its key.

    `joint` are the inspectors of further departments, in the order of the plan; `recusals` are pairs of an object's
    number and an inspector's.
    """

    announcement: Entry
    plan: Plan
    objects: Roster
    inspectors: Roster
    joint: tuple[Roster, ...]
    recusals: frozenset[Pair]
    exclusions: frozenset[Exclusion]

    @property
    def staff(self) -> Sequence[RosterRow]:
        """Return the inspectors of all departments, sorted by number.

        Raises:
            AnnouncementError: `number-in-two-registries`, or `joint-schema-differs`.
        """
        rows = [row for roster in (self.inspectors, *self.joint) for row in roster.rows]
        if not self.joint:
            return rows
        # One number for two people would let either come, or one be drawn twice.
        if twice := [no for no, times in Counter(row.no for row in rows).items() if times > 1]:
            raise AnnouncementError("number-in-two-registries", found=min(twice))
        if len({tuple(row.attrs) for row in rows}) > 1:
            raise AnnouncementError("joint-schema-differs", expected=sorted(rows[0].attrs))
        return tuple(sorted(rows, key=lambda row: row.no))

    def recused_strangers(self) -> tuple[str, ...]:
        """Return the numbers of the recusal list that are in no registry."""
        known = self.objects.numbers, {row.no for row in self.staff}
        return tuple(sorted({no for pair in self.recusals for no, numbers in zip(pair, known, strict=True)
                             if no not in numbers}))  # fmt: skip


def artifact_of(data: bytes) -> Artifact:
    """Return digest and length of an artifact's bytes."""
    return Artifact(digest=encoding.digest(data), length=len(data))


def announce(  # noqa: PLR0913 - each is a field of the announcement
    head: Head,
    *,
    plan: Entry,
    objects: Entry,
    inspectors: Entry,
    joint: Sequence[Entry] = (),
    slots: Sequence[str],
    recusals: bytes,
    exclusions: bytes,
    sources: Sequence[tuple[Timed, int]],
    seed: Published | Committed,
    disclosure: AtOnce | Until,
    window: str,
    margin: int,
    history_size: int,
    replaces: Ref | None = None,
    seconds: Sequence[str] = (),
) -> Announcement:
    """Return the announcement of a draw; `sources` are (chain or events, round), `window` is the last inspection day.

    `seconds` sign beside the bureau and the departments of a joint draw (specs/trust.md §3).

    Raises:
        AnnouncementError: the plan, snapshots, slots, round or window do not fit together, as in `check_days`.
        FilterError: a filter asks for what the objects have not.
        StatementError: a field is malformed.
    """
    rules = plan.of(Plan)
    named = [(objects, rules.objects), (inspectors, rules.inspectors)]
    named += zip(joint, (department.inspectors for department in rules.joint), strict=True)
    for entry, registry in named:
        if (found := entry.of(SnapshotStatement).registry) != registry:
            raise AnnouncementError("wrong-registry", expected=registry, found=found)
    for rule in rules.rules:
        check(parse(rule.filter), objects.of(SnapshotStatement).attrs)
    if unknown := sorted(set(slots) - set(rules.slots)):
        raise AnnouncementError("slot-not-in-plan", expected=list(rules.slots), found=unknown[0])
    if retired := [chain.id for chain, _ in sources if chain.id in RETIRED]:
        raise AnnouncementError("retired-chain", found=retired[0])
    due = min(chain.time_of(number) for chain, number in sources)
    if due - margin <= head.time:
        raise AnnouncementError(
            "round-too-soon",
            expected=encoding.format_time(head.time + margin),
            found=encoding.format_time(due),
        )
    check_days(rules, slots, window, max(closes_at(timed, number) for timed, number in sources))
    return head.make(
        Announcement,
        with_=(*(department.name for department in rules.joint), *seconds),
        slots=tuple(sorted(slots)),
        plan=plan.ref,
        objects=objects.ref,
        inspectors=inspectors.ref,
        joint=tuple(entry.ref for entry in joint),
        recusals=artifact_of(recusals),
        exclusions=artifact_of(exclusions),
        beacon=named_sources(sources, margin=margin),
        seed=seed,
        disclosure=disclosure,
        window=window,
        margin=margin,
        history_size=history_size,
        regulation=rules.regulation,
        replaces=replaces,
    )


def check_days(plan: Plan, slots: Iterable[str], window: str, settled: int) -> None:
    """Check that the days of a draw fit the plan; `settled` is when its last round is due, POSIX seconds.

    Raises:
        AnnouncementError: `window-before-round`, `plan-of-another-year` or `window-outside-schedule`.
    """
    if encoding.end_of_day(window) <= settled:
        raise AnnouncementError("window-before-round", expected=encoding.format_time(settled), found=window)
    if (year := encoding.year_of(settled)) != plan.year:
        # Else a plan of next year would dodge this year's cap.
        raise AnnouncementError("plan-of-another-year", expected=year, found=plan.year)
    for slot in slots:
        batch = plan.batch_of(slot)
        if batch is not None and not batch.first <= window <= batch.last:
            days = [batch.first, batch.last]
            raise AnnouncementError("window-outside-schedule", slot=slot, expected=days, found=window)


def key_material(
    announcement: Entry,
    *,
    seeds: Sequence[tuple[str, str]],
    pulses: Sequence[bytes],
    embargo: bytes | None,
) -> tickets.KeyMaterial:
    """Return what an announcement's key is made of; `pulses` are the 32-byte randomness values in announced order."""
    sources = announcement.of(Announcement).beacon
    return tickets.KeyMaterial(
        statement="announcement",
        text=announcement.text_hash,
        seeds=tuple(seeds),
        pulses=tuple((source.hash, source.round, value.hex()) for source, value in zip(sources, pulses, strict=True)),
        embargo=None if embargo is None else embargo.hex(),
    )


def limit_of(announcement: Announcement | SubstitutionCall, chains: Mapping[str, Chain], minimum: int) -> int:
    """Return the time before which the quorum must have cosigned: POSIX seconds (specs/verification.md, Order).

    It is the earliest round's time less the announced margin, or less the reader's own minimum where that is larger:
    a bureau that announces a margin of zero gains nothing (attack 19).

    Raises:
        AnnouncementError: `unknown-chain`.
    """
    rounds = [time_of(source, chains) for source in announcement.beacon]
    if max(rounds) > encoding.LAST_TIME:
        raise AnnouncementError("round-too-far", expected=encoding.LAST_TIME, found=max(rounds))
    return min(rounds) - max(announcement.margin, minimum)


def _canonical_lines(data: bytes, what: str) -> list[dict[str, encoding.Value]]:
    rows = []
    try:
        lines = encoding.split_lines(data)
        for line in lines:
            value = encoding.parse(line)
            if not isinstance(value, dict):
                raise AnnouncementError("bad-list", what=what, expected="an object", found=repr(line[:80]))
            rows.append(value)
    except EncodingError as error:
        raise AnnouncementError("bad-list", what=what, expected="canonical lines", found=str(error)) from None
    if lines != sorted(set(lines)):
        raise AnnouncementError("bad-list", what=what, expected="sorted lines without repeats", found="another order")
    return rows


def _is_number(value: object) -> bool:
    return isinstance(value, str) and NUMBER.fullmatch(value) is not None


def _is_coded(row: Mapping[str, object]) -> bool:
    # Who declared it, why, and the digest of the signed form: codes, for a log cannot forget a person's circumstances.
    reason, form = row["reason"], row["form"]
    return (
        row["declarer"] in DECLARERS
        and isinstance(reason, str)
        and REASON.fullmatch(reason) is not None
        and (form is None or (isinstance(form, str) and HASH.fullmatch(form) is not None))
    )


DECLARERS = ("object", "inspector", "bureau")
REASON = re.compile(r"[a-z][a-z0-9-]{0,39}", re.ASCII)
ITEM = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}", re.ASCII)
EXCLUSION_FIELDS = frozenset({"item", "no", "reason"})
RECUSAL_FIELDS = frozenset({"declarer", "form", "inspector", "object", "reason"})


def read_recusals(data: bytes) -> frozenset[Pair]:
    """Return the (object, inspector) pairs of a recusal list (specs/announcement.md §3).

    Raises:
        AnnouncementError: `bad-list`.
    """
    pairs = set()
    for row in _canonical_lines(data, "recusals"):
        pair = row.get("object"), row.get("inspector")
        if row.keys() != RECUSAL_FIELDS or not all(map(_is_number, pair)) or not _is_coded(row):
            raise AnnouncementError("bad-list", what="recusals", expected=sorted(RECUSAL_FIELDS), found=str(row)[:80])
        pairs.add((str(pair[0]), str(pair[1])))
    return frozenset(pairs)


def read_exclusions(data: bytes) -> frozenset[Exclusion]:
    """Return an exclusion list: canonical lines `{"item":…,"no":…,"reason":…}`, `item` null where it is for all items.

    Raises:
        AnnouncementError: `bad-list`.
    """
    told = set()
    for row in _canonical_lines(data, "exclusions"):
        item, no, reason = row.get("item"), row.get("no"), row.get("reason")
        known = item is None or (isinstance(item, str) and ITEM.fullmatch(item) is not None)
        fitting = known and _is_number(no) and reason in (YEARLY_CAP, DRAWN_BEFORE)
        if row.keys() != EXCLUSION_FIELDS or not fitting:
            expected = sorted(EXCLUSION_FIELDS)
            raise AnnouncementError("bad-list", what="exclusions", expected=expected, found=str(row)[:80])
        told.add(Exclusion(None if item is None else str(item), str(no), str(reason)))
    return frozenset(told)
