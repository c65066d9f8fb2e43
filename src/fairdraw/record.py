"""The record of a draw and its result list: specs/record.md.

The record is a function of the inputs in every byte but `seq`, `prev`, `time`, `with` and the signatures, so that a
verifier rebuilds it and compares, and nothing can be "corrected" in its format or order (attack 13).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeVar

from fairdraw import encoding
from fairdraw.announcement import Inputs
from fairdraw.errors import EncodingError
from fairdraw.roster import listing_of
from fairdraw.schema import Announcement, Counts, Draw, Until
from fairdraw.statement import Head
from fairdraw.values import Count, Hash, Id, Listing, Number, PulseValue, Scalar, Value
from transparency_log import merkle

if TYPE_CHECKING:  # whoever reads a record, as a slip's reader does, draws nothing
    from fairdraw.draw import Outcome

FREE: Final = frozenset({"seq", "prev", "time", "with_"})
"""What of a record does not follow from the inputs: its place in the chain, and who signed beside the bureau."""

NONCE_LABEL: Final = "fairdraw/v1/nonce"
StratumValues = tuple[Scalar, ...]
L = TypeVar("L", "StratumLine", "DrawnLine")


class StratumLine(Value):
    """A leaf of the result list: one stratum, its quota with derivation, and the largest drawn ticket."""

    item: Id
    stratum: StratumValues
    total: Count
    base: Count
    eligible: Count
    excluded: Count
    quota: Count
    derivation: str
    cutoff: Hash | None


class DrawnLine(Value):
    """A leaf of the result list: a drawn object, its team, and how many inspectors were eligible for it."""

    no: Number
    strata: tuple[tuple[Id, StratumValues], ...]
    ticket: Hash
    eligible: Count
    team: tuple[tuple[str, Number], ...]
    experts: tuple[Number, ...]
    attempt: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The `draw` statement, its result lines with their tree, and the artifact that it names.

    The artifact is the lines, or, under an embargo, the sealed array of nonce and content.
    """

    statement: Draw
    lines: tuple[bytes, ...]
    tree: merkle.Tree
    artifact: bytes


def result_lines(outcome: "Outcome") -> tuple[bytes, ...]:
    """Return the leaves of the result list: strata in order, then drawn objects by (ticket, number)."""
    assignment, strata = outcome.assignment, outcome.strata
    told: list[dict[str, object]] = [
        {
            "item": stratum.item,
            "stratum": stratum.values,
            "total": stratum.total,
            "base": stratum.base,
            "eligible": len(stratum.eligible),
            "excluded": stratum.base - len(stratum.eligible),
            "quota": stratum.quota,
            "derivation": stratum.derivation,
            "cutoff": None if cutoff is None else cutoff.hex(),
        }
        for stratum, cutoff in zip(strata, outcome.selection.cutoffs, strict=True)
    ]
    told += [
        {
            "no": one.no,
            "strata": [(strata[at].item, strata[at].values) for at in one.strata],
            "ticket": one.ticket.hex(),
            "eligible": assignment.eligible[one.no],
            "team": assignment.teams[one.no],
            "experts": assignment.experts.get(one.no, ()),
            "attempt": assignment.attempts.get(one.no, 0),
        }
        for one in outcome.selection.drawn
    ]
    return tuple(map(encoding.canonical, told))


def read_lines(data: bytes) -> tuple[tuple[StratumLine, ...], tuple[DrawnLine, ...]]:
    """Return the strata and the drawn objects of a result list's artifact.

    Raises:
        EncodingError: a line is not one of the two kinds.
    """
    strata, drawn = [], []
    for line in encoding.split_lines(data):
        value = encoding.parse(line)
        if isinstance(value, dict) and "ticket" in value:
            drawn.append(_line(DrawnLine, line))
        else:
            strata.append(_line(StratumLine, line))
    return tuple(strata), tuple(drawn)


def _line(kind: type[L], line: bytes) -> L:
    try:
        return kind.model_validate_json(line)
    except ValueError:
        raise EncodingError("bad-result-line", expected=kind.__name__, found=repr(line[:80])) from None


def nonce_of(embargo: bytes) -> str:
    """Return the 64 hex digits that keep anybody from trying out contents against a sealed artifact's digest."""
    return sha256(f"{NONCE_LABEL}\n{embargo.hex()}\n".encode()).hexdigest()


def seal(lines: Sequence[bytes], blocks: object, pool: int | None, embargo: bytes) -> bytes:
    """Return the sealed artifact of a result list (specs/record.md §3).

    The nonce keeps anybody from trying out results against the digest; it is made from the embargo key, so that the
    record stays a function of its inputs.
    """
    told = [encoding.parse(line) for line in lines]
    return encoding.canonical([nonce_of(embargo), {"blocks": blocks, "lines": told, "pool": pool}])


def unseal(data: bytes) -> bytes:
    """Return the result list's lines that a sealed artifact holds (specs/record.md §3).

    Raises:
        EncodingError: `bad-sealed-artifact`.
    """
    match encoding.parse(data):
        case [str(), {"lines": list(lines)}]:
            return encoding.lines(encoding.canonical(line) for line in lines)
    raise EncodingError("bad-sealed-artifact", found=repr(data[:40]))


def drawn_items(data: bytes, drew: Draw) -> dict[str, tuple[str, ...]]:
    """Return each drawn object's items, from the artifact of a draw's result list, sealed or not.

    Raises:
        EncodingError: `wrong-digest`, or it is no result list.
    """
    if (encoding.digest(data), len(data)) != (drew.results.digest, drew.results.length):
        raise EncodingError("wrong-digest", expected=drew.results.digest, found=encoding.digest(data))
    _, drawn = read_lines(unseal(data) if drew.key is None else data)
    return {line.no: tuple(item for item, _ in line.strata) for line in drawn}


def make_record(
    head: Head, inputs: Inputs, *, pulses: Sequence[PulseValue], outcome: "Outcome", embargo: bytes | None,
    with_: Sequence[str] = (),
) -> Record:  # fmt: skip
    """Return the record of an outcome, as the next statement of the bureau's chain; `with_` sign beside it."""
    lines = result_lines(outcome)
    tree = merkle.Tree.over(lines)
    blocks = outcome.assignment.blocks
    sealed = isinstance(inputs.announcement.of(Announcement).disclosure, Until)
    if sealed != (embargo is not None):
        raise RuntimeError("an embargo key goes with a sealed draw, and with no other")
    artifact = encoding.lines(lines) if embargo is None else seal(lines, blocks, outcome.assignment.pool, embargo)
    listing: Listing = listing_of(artifact, tree)
    statement = head.make(
        Draw,
        with_=with_,
        announcement=inputs.announcement.ref,
        pulses=tuple(pulses),
        # Until the opening nothing may tell a hospital that it was drawn: not the key, not a block's first number.
        key=None if sealed else outcome.key.hex(),
        results=listing,
        counts=Counts(
            objects=len(inputs.objects.rows),
            inspectors=len(inputs.staff),
            strata=len(outcome.strata),
            drawn=len(outcome.selection.drawn),
        ),
        blocks=None if sealed else blocks,
        pool=None if sealed else outcome.assignment.pool,
    )
    return Record(statement=statement, lines=lines, tree=tree, artifact=artifact)


def same_record(one: Draw, other: Draw) -> bool:
    """Say whether two `draw` statements agree in every field that the inputs determine."""
    return one.model_dump(exclude=set(FREE)) == other.model_dump(exclude=set(FREE))
