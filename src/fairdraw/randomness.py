"""The sources of a draw's randomness together: chains, NIST-format pulses, events. specs/beacon.md §11.

Several sources are unpredictable if one of them is. They are unbiased only if the last of them cannot be chosen by
anybody, so that whatever can be influenced is closed before a round of drand is due.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from fairdraw import encoding
from fairdraw.beacon import RETIRED, Chain, Pulse, check_pulse
from fairdraw.errors import AnnouncementError, BeaconError
from fairdraw.events import (
    ENOUGH,
    EVENTS,
    LONGEST,
    MINUTE,
    Definition,
    Told,
    check_values,
    read_definition,
    read_values,
)
from fairdraw.nist import SCHEME as NIST
from fairdraw.nist import check_nist_pulse
from fairdraw.values import HASH, PulseValue, Source

Read = Callable[[str], bytes]
"""Returns an artifact's bytes by its digest, or raises what its caller raises where they cannot be had."""

WITNESSES: Final = 2
"""How many supervisors must have seen the values of events: one alone could misread, or lie."""


Timed = Chain | Definition
"""What an announcement takes its rounds from."""


def named_sources(sources: Sequence[tuple[Timed, int]], *, margin: int) -> tuple[Source, ...]:
    """Return how an announcement names its rounds, once they are checked like a reader will check them.

    Raises:
        AnnouncementError: `retired-chain`, `weak-sources` or `sources-order`.
        BeaconError: `wrong-round`: the first event of a definition is due in another minute.
    """
    told = tuple(Source(beacon=one.id, hash=one.hash, round=number) for one, number in sources)
    chains = {one.id: one for one, _ in sources if isinstance(one, Chain)}
    definitions = {one.hash: one.format() for one, _ in sources if isinstance(one, Definition)}
    check_sources(told, chains, margin=margin, read=definitions.__getitem__)
    return told


def closes_at(timed: Timed, number: int) -> int:
    """Return the POSIX second from which on nothing of a round's value can change: its time, or a deadline."""
    return timed.closes if isinstance(timed, Definition) else timed.time_of(number)


def names_artifact(value: PulseValue) -> bool:
    """Say whether a pulse's `signature` is an artifact's digest: signatures of drand are longer."""
    return HASH.fullmatch(value.signature) is not None


def artifacts_of(sources: Sequence[Source], pulses: Sequence[PulseValue]) -> set[str]:
    """Return the digests of all that a verifier needs beside the pulses: definitions, certificates, documents."""
    documents = {value.beacon: value.signature for value in pulses if names_artifact(value)}
    named = {source.hash for source in sources if source.beacon == EVENTS or source.beacon in documents}
    return named | set(documents.values())


def chain_of(source: Source, chains: Mapping[str, Chain]) -> Chain:
    """Return the chain of a source, from those of the reader's trust file.

    Raises:
        AnnouncementError: `unknown-chain` or `retired-chain`.
    """
    chain = chains.get(source.beacon)
    if chain is None or chain.hash != source.hash:
        raise AnnouncementError("unknown-chain", expected=sorted(chains), found=source.beacon)
    if source.beacon in RETIRED:
        raise AnnouncementError("retired-chain", found=source.beacon)
    return chain


def time_of(source: Source, chains: Mapping[str, Chain]) -> int:
    """Return the POSIX second from which on something of a source's value may be known.

    Raises:
        AnnouncementError: `unknown-chain` or `retired-chain`.
    """
    return source.round * MINUTE if source.beacon == EVENTS else chain_of(source, chains).time_of(source.round)


def definition_of(source: Source, read: Read) -> Definition:
    """Return the definition that a source of events names.

    Raises:
        BeaconError: `bad-events`, or `wrong-round`: its first event is due in another minute.
    """
    definition = read_definition(_artifact(source.hash, read))
    if definition.round != source.round:
        raise BeaconError("wrong-round", expected=definition.round, found=source.round)
    return definition


def is_drand(source: Source, chain: Chain) -> bool:
    """Say whether a source is a round of drand: its value stands for itself, and needs no artifact beside it."""
    return source.beacon != EVENTS and chain.scheme != NIST


def settled_at(sources: Sequence[Source], chains: Mapping[str, Chain], artifacts: Mapping[str, bytes]) -> int:
    """Return the POSIX second from which on nothing of the sources' values can change.

    Where a definition is not among the artifacts, or not well formed, the latest deadline is meant that it could have.

    Raises:
        AnnouncementError: `unknown-chain` or `retired-chain`.
    """
    told = []
    for source in sources:
        try:
            events = source.beacon == EVENTS
            told.append(definition_of(source, artifacts.__getitem__).closes if events else time_of(source, chains))
        except (KeyError, BeaconError):
            told.append(source.round * MINUTE + LONGEST)
    return max(told)


def last_drand(sources: Sequence[Source], chains: Mapping[str, Chain]) -> int | None:
    """Return when the last round of drand among the sources is due, None where there is none.

    Raises:
        AnnouncementError: `unknown-chain` or `retired-chain`.
    """
    drand = [s for s in sources if s.beacon != EVENTS and chain_of(s, chains).scheme != NIST]
    return max((time_of(source, chains) for source in drand), default=None)


def check_sources(sources: Sequence[Source], chains: Mapping[str, Chain], *, margin: int, read: Read) -> None:
    """Check that the sources together cannot be chosen by anybody (specs/beacon.md §11).

    `margin` is in seconds, the larger of the announced one and the reader's own.

    Raises:
        AnnouncementError: `unknown-chain`, `retired-chain`, `weak-sources` or `sources-order`.
        BeaconError: what `definition_of` raises.
    """
    last = last_drand(sources, chains)
    for source in sources:
        if source.beacon == EVENTS:
            closes, bits = (definition := definition_of(source, read)).closes, definition.bits
        elif chain_of(source, chains).scheme == NIST:
            closes, bits = time_of(source, chains), 0
        else:
            continue
        # Else a lottery's thousand outcomes would be tried out, or one operator would know the result (attack 28).
        if last is None and (len(sources) > 1 or bits < ENOUGH):
            raise AnnouncementError("weak-sources", expected=ENOUGH, found=bits)
        # What somebody can influence while the last value is known is chosen by whoever knows it.
        if last is not None and closes + margin >= last:
            expected = encoding.format_time(min(closes + margin, encoding.LAST_TIME))
            raise AnnouncementError("sources-order", name=source.beacon, expected=expected,
                                    found=encoding.format_time(min(last, encoding.LAST_TIME)))  # fmt: skip


def check_value(source: Source, value: PulseValue, chains: Mapping[str, Chain], *, read: Read) -> bytes:
    """Return the 32 random bytes that a source gave, once they are proven as far as the value itself can prove them.

    That enough supervisors have seen the values of events is checked beside this.

    Raises:
        AnnouncementError: `unknown-chain` or `retired-chain`.
        BeaconError: what `check_pulse`, `check_nist_pulse` and `check_events` raise.
    """
    if source.beacon == EVENTS:
        return check_events(source, value, read=read).randomness
    chain = chain_of(source, chains)
    if chain.scheme != NIST:
        pulse = Pulse(chain=chain.hash, round=value.round, signature=value.signature, previous=value.previous)
        return check_pulse(chain, pulse, round=source.round)
    _check_form(value)
    certificate, document = _artifact(source.hash, read), _artifact(value.signature, read)
    return check_nist_pulse(chain, certificate=certificate, document=document, round=source.round)


def check_events(source: Source, value: PulseValue, *, read: Read) -> Told:
    """Return what a source of events gave.

    Raises:
        BeaconError: `bad-events`, `wrong-round`, `values-of-another`, `event-value` or `not-an-artifact`.
    """
    _check_form(value)
    return check_values(definition_of(source, read), read_values(_artifact(value.signature, read)))


def _check_form(value: PulseValue) -> None:
    if not names_artifact(value) or value.previous is not None:
        raise BeaconError("not-an-artifact", expected="a digest, and no previous", found=value.signature[:80])


def _artifact(digest: str, read: Read) -> bytes:
    data = read(digest)
    if (found := encoding.digest(data)) != digest:
        raise BeaconError("wrong-digest", expected=digest, found=found)
    return data
