"""The announcement (抽取公告): all that a draw depends on, fixed before its randomness is. specs/announcement.md."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fairdraw import encoding
from fairdraw.beacon import RETIRED, Chain
from fairdraw.errors import AnnouncementError, EncodingError
from fairdraw.schema import (
    HASH,
    NUMBER,
    Announcement,
    Artifact,
    AtOnce,
    Committed,
    Plan,
    Published,
    Ref,
    SnapshotStatement,
    Source,
    Until,
)
from fairdraw.snapshot import Roster
from fairdraw.statement import Entry, Head

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """All that a draw is a function of, besides its key.

    `recusals` are (object number, inspector number) pairs; `exclusions` are object numbers.
    """

    announcement: Entry
    plan: Plan
    objects: Roster
    inspectors: Roster
    recusals: frozenset[Pair]
    exclusions: frozenset[str]


def artifact_of(data: bytes) -> Artifact:
    """Return digest and length of an artifact's bytes."""
    return Artifact(digest=encoding.digest(data), length=len(data))


def announce(  # noqa: PLR0913 - each is a field of the announcement
    head: Head,
    *,
    plan: Entry,
    objects: Entry,
    inspectors: Entry,
    slots: Sequence[str],
    recusals: bytes,
    exclusions: bytes,
    sources: Sequence[tuple[Chain, int]],
    seed: Published | Committed,
    disclosure: AtOnce | Until,
    window: str,
    margin: int,
    history_size: int,
    replaces: Ref | None = None,
) -> Announcement:
    """Return the announcement of a draw; `sources` are (chain, round), `window` is the last inspection day.

    Raises:
        AnnouncementError: the plan, snapshots, slots, round or window do not fit together.
        StatementError: a field is malformed.
    """
    rules = plan.of(Plan)
    for entry, registry in ((objects, rules.objects), (inspectors, rules.inspectors)):
        if (found := entry.of(SnapshotStatement).registry) != registry:
            raise AnnouncementError("wrong-registry", expected=registry, found=found)
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
    if encoding.end_of_day(window) <= max(chain.time_of(number) for chain, number in sources):
        raise AnnouncementError("window-before-round", expected=encoding.format_time(due), found=window)
    return head.make(
        Announcement,
        slots=tuple(sorted(slots)),
        plan=plan.ref,
        objects=objects.ref,
        inspectors=inspectors.ref,
        recusals=artifact_of(recusals),
        exclusions=artifact_of(exclusions),
        beacon=tuple(Source(beacon=chain.id, hash=chain.hash, round=number) for chain, number in sources),
        seed=seed,
        disclosure=disclosure,
        window=window,
        margin=margin,
        history_size=history_size,
        regulation=None,
        replaces=replaces,
    )


def limit_of(announcement: Announcement, chains: Mapping[str, Chain], minimum: int) -> int:
    """Return the time before which the quorum must have cosigned: POSIX seconds (specs/verification.md, Order).

    It is the earliest round's time less the announced margin, or less the reader's own minimum where that is larger:
    a bureau that announces a margin of zero gains nothing (attack 19).

    Raises:
        AnnouncementError: `unknown-chain`.
    """
    for source in announcement.beacon:
        if source.beacon not in chains or chains[source.beacon].hash != source.hash:
            raise AnnouncementError("unknown-chain", expected=sorted(chains), found=source.beacon)
        if source.beacon in RETIRED:
            raise AnnouncementError("retired-chain", found=source.beacon)
    rounds = [chains[source.beacon].time_of(source.round) for source in announcement.beacon]
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


def read_exclusions(data: bytes) -> frozenset[str]:
    """Return the object numbers of an exclusion list: canonical lines `{"no":…,"reason":…}`.

    Raises:
        AnnouncementError: `bad-list`.
    """
    numbers = set()
    for row in _canonical_lines(data, "exclusions"):
        if row.keys() != {"no", "reason"} or not _is_number(row["no"]):
            raise AnnouncementError("bad-list", what="exclusions", expected=["no", "reason"], found=str(row)[:80])
        numbers.add(str(row["no"]))
    return frozenset(numbers)
