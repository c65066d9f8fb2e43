"""The trust file: what a reader brings of its own and never takes from a bundle or a server. specs/trust.md.

It is a C2SP tlog-policy (log, witness, group, quorum) with lines of ours for bureaus, supervisors and beacons.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Final

from fairdraw import encoding
from fairdraw.beacon import CHAINS, PRACTICE_GROUP_HASH, PRACTICE_PERIOD, Chain, check_chain
from fairdraw.errors import BeaconError, EncodingError, TrustError
from fairdraw.events import EVENTS
from fairdraw.nist import SCHEME as NIST
from fairdraw.nist import check_nist_chain
from fairdraw.statement import ED25519
from transparency_log.errors import LogError
from transparency_log.note import Verifier
from transparency_log.policy import Policy, can_split

HEADER: Final = "fairdraw/trust v1"
REHEARSAL: Final = "/rehearsal"
DEFAULT_MARGIN: Final = 60  # seconds: nobody is a minute ahead of a beacon
DEFAULT_FRESHNESS: Final = 172_800  # two days: a log older than that may hide a void (attack 26)
DAY: Final = 86_400  # seconds
POLICY_WORDS: Final = frozenset({"log", "witness", "group", "quorum"})


@dataclass(frozen=True, slots=True)
class Bureau:
    """A bureau's key under one origin; `since` and `until` bound the `time` of what it signs, POSIX seconds."""

    name: str
    key: Verifier
    origin: str
    since: int | None
    until: int | None

    def covers(self, time: int) -> bool:
        """Say whether what was signed at a time is within the line's bounds."""
        return (self.since is None or self.since <= time) and (self.until is None or time <= self.until)


@dataclass(frozen=True, slots=True)
class Supervisor:
    """A supervisor's key and role."""

    name: str
    role: str
    key: Verifier


@dataclass(frozen=True, slots=True)
class Second:
    """Four eyes (双人复核): one who may sign a bureau's announcements and draws beside it; `since` is a date."""

    bureau: str
    name: str
    since: str | None

    def reaches(self, window: str, due: int | None) -> bool:
        """Say whether inspections, or a round that is due then, are on the line's first day or later."""
        if self.since is None or self.since <= window:
            return True
        return due is not None and encoding.end_of_day(self.since) - DAY <= due


@dataclass(frozen=True, kw_only=True)
class Trust:
    """A parsed trust file. `digest` is the SHA-256 of its bytes, which is printed with every verdict."""

    policy: Policy
    bureaus: tuple[Bureau, ...]
    supervisors: Mapping[str, Supervisor]
    seconds: tuple[Second, ...]
    chains: Mapping[str, Chain]
    retired: Mapping[str, int]
    margin: int
    freshness: int
    receipts: int
    rehearsal: bool
    digest: str

    def log_key(self, origin: str) -> Verifier | None:
        """Return the key of the log with this origin."""
        return next((log.verifier for log in self.policy.logs if log.verifier.name == origin), None)

    def former_origins(self, name: str, origin: str) -> tuple[str, ...]:
        """Return the other origins under which a bureau was before this one."""
        since = min((line.since or 0 for line in self.bureau_keys(name, origin)), default=0)
        others = (line for line in self._lines.get(name, ()) if line.origin != origin)
        return tuple(sorted({line.origin for line in others if (line.since or 0) < since}))

    def seconds_of(self, bureau: str, window: str, due: int | None = None) -> tuple[str, ...]:
        """Return who must sign, one of them at least, beside a bureau for a draw whose window ends on this day.

        The day is that of the inspections, for whoever dates a statement back cannot move it before the round. A slip
        does not show whether somebody did: there `due`, the time of the first round, counts where it is later.
        """
        return tuple(line.name for line in self.seconds if line.bureau == bureau and line.reaches(window, due))

    def bureau_keys(self, name: str, origin: str) -> tuple[Bureau, ...]:
        """Return the lines that bind a bureau's name to a log."""
        return tuple(line for line in self._lines.get(name, ()) if line.origin == origin)

    @cached_property
    def _lines(self) -> Mapping[str, tuple[Bureau, ...]]:
        """The lines of each bureau: of a province's file each draw asks for one of a thousand."""
        told: dict[str, list[Bureau]] = {}
        for line in self.bureaus:
            told.setdefault(line.name, []).append(line)
        return {name: tuple(lines) for name, lines in told.items()}

    @cached_property
    def supervisor_keys(self) -> dict[str, Verifier]:
        """The supervisors' keys as the file has them."""
        return {name: one.key for name, one in self.supervisors.items()}


@dataclass(slots=True)
class _Draft:
    """What is collected line by line."""

    policy: list[str] = field(default_factory=list)
    bureaus: list[Bureau] = field(default_factory=list)
    supervisors: dict[str, Supervisor] = field(default_factory=dict)
    seconds: list[Second] = field(default_factory=list)
    chains: dict[str, Chain] = field(default_factory=dict)
    retired: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    rehearsal: bool = False


def _key(text: str, name: str) -> Verifier:
    key = Verifier.parse(text)
    if key.name != name or key.algorithm != ED25519:
        raise TrustError("key-of-another-name", expected=name, found=key.name)
    if key.weak:
        raise TrustError("weak-key", name=name)
    return key


def _bureau(draft: _Draft, words: list[str]) -> None:
    name, key, origin, *bounds = words
    since, until = (None if w == "-" else encoding.parse_time(w) for w in [*bounds, "-", "-"][:2])
    if any((b.name, b.origin) == (name, origin) and b.key == _key(key, name) for b in draft.bureaus):
        raise TrustError("said-twice", found=name)
    draft.bureaus.append(Bureau(name, _key(key, name), origin, since, until))


def _supervisor(draft: _Draft, words: list[str]) -> None:
    name, role, key = words
    told = Supervisor(name, role, _key(key, name))
    # One supervisor under two names would count twice.
    if name in draft.supervisors or any(
        one.key.public_key == told.key.public_key for one in draft.supervisors.values()
    ):
        raise TrustError("said-twice", found=name)
    draft.supervisors[name] = told


def _second(draft: _Draft, words: list[str]) -> None:
    bureau, name, *since = words
    for day in since:
        encoding.check_date(day)
    if any((line.bureau, line.name) == (bureau, name) for line in draft.seconds):
        raise TrustError("said-twice", found=name)
    draft.seconds.append(Second(bureau, name, since[0] if since else None))


def _beacon(draft: _Draft, words: list[str]) -> None:
    name, chain_hash, key, scheme, period, genesis = words
    if name in draft.chains:
        raise TrustError("said-twice", found=name)
    if name == EVENTS:
        # A chain of this name would pass for a lottery.
        raise TrustError("reserved-name", found=name)
    unnamed = "" if scheme == NIST else PRACTICE_GROUP_HASH
    group = CHAINS[name].group_hash if name in CHAINS else unnamed
    chain = Chain(
        id=name,
        hash=chain_hash,
        key=key,
        scheme=scheme,
        period=_number(period),
        genesis=_number(genesis),
        group_hash=group,
    )
    if name in CHAINS and chain != CHAINS[name]:
        raise TrustError("not-the-known-chain", expected=CHAINS[name].hash, found=chain_hash)
    if scheme == NIST:
        check_nist_chain(chain)
    elif name not in CHAINS:
        if chain.period != PRACTICE_PERIOD:
            raise TrustError("not-a-practice-chain", expected=PRACTICE_PERIOD, found=chain.period)
        check_chain(chain)
    draft.chains[name] = chain


def _retired(draft: _Draft, words: list[str]) -> None:
    name, time = words
    if name in draft.retired:
        raise TrustError("said-twice", found=name)
    draft.retired[name] = encoding.parse_time(time)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or str(int(text[:20])) != text:
        raise TrustError("not-a-number", found=text[:40])
    return int(text)


_WORDS: Final[Mapping[str, tuple[Callable[[_Draft, list[str]], None], tuple[int, ...]]]] = {
    "bureau": (_bureau, (3, 4, 5)),
    "supervisor": (_supervisor, (3,)),
    "second": (_second, (2, 3)),
    "beacon": (_beacon, (6,)),
    "retired": (_retired, (2,)),
}
_NUMBERS: Final = frozenset({"margin", "freshness", "receipts"})


def _line(draft: _Draft, line: str) -> None:
    # Spaces and tabs, as in a tlog-policy: Python's own idea of space takes an ideographic one.
    word, *rest = (part for part in re.split("[ \t]+", line) if part)
    if word in POLICY_WORDS:
        draft.policy.append(line)
    elif word in _WORDS:
        read, lengths = _WORDS[word]
        if len(rest) not in lengths:
            raise TrustError("wrong-number-of-words", expected=lengths, found=len(rest))
        read(draft, rest)
    elif word in _NUMBERS:
        if word in draft.numbers or len(rest) != 1:
            raise TrustError("said-twice" if word in draft.numbers else "wrong-number-of-words", found=word)
        draft.numbers[word] = _number(rest[0])
    elif word == "rehearsal":
        if draft.rehearsal or rest:
            raise TrustError("said-twice", found=word)
        draft.rehearsal = True
    else:
        expected = sorted({*POLICY_WORDS, *_WORDS, *_NUMBERS, "rehearsal"})
        raise TrustError("unknown-word", expected=expected, found=word)


def parse_trust(data: bytes) -> Trust:
    """Return the trust that a file's bytes state.

    Raises:
        TrustError: naming the line, what was expected and what was found.
    """
    draft = _Draft()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TrustError("not-utf-8", at=error.start) from None
    meant = [
        (number, line.strip(" \t"))
        for number, line in enumerate(text.split("\n"), 1)
        if line.strip(" \t") and not line.strip(" \t").startswith("#")
    ]
    if not meant or meant[0][1] != HEADER:
        # Given by mistake it may be a private key, or a row of private data: it is not quoted.
        raise TrustError("not-a-trust-file", expected=HEADER)
    for number, line in meant[1:]:
        try:
            _line(draft, line)
        except (TrustError, EncodingError, BeaconError, LogError) as error:
            raise TrustError("bad-line", line=number, found=line[:80], reason=str(error)) from None
    try:
        policy = Policy.parse("".join(f"{line}\n" for line in draft.policy), require_quorum=False)
    except LogError as error:
        raise TrustError("bad-policy", reason=str(error)) from None
    keys = [log.verifier for log in policy.logs] + [witness.verifier for witness in policy.witnesses]
    if weak := [key.name for key in keys if key.weak]:
        # Whoever gave the reader such a key has a signature of it that fits many texts.
        raise TrustError("bad-policy", reason=f"weak-key: {weak[0]}")
    trust = Trust(
        policy=policy,
        bureaus=tuple(draft.bureaus),
        supervisors=draft.supervisors,
        seconds=tuple(draft.seconds),
        chains=draft.chains,
        retired=draft.retired,
        margin=draft.numbers.get("margin", DEFAULT_MARGIN),
        freshness=draft.numbers.get("freshness", DEFAULT_FRESHNESS),
        receipts=draft.numbers.get("receipts", 0),
        rehearsal=draft.rehearsal,
        digest=encoding.digest(data),
    )
    _check(trust)
    return trust


def _check(trust: Trust) -> None:
    if not trust.policy.logs:
        raise TrustError("no-log")
    if trust.policy.quorum == "none":
        raise TrustError("quorum-none")
    if trust.policy.quorum is not None and can_split(trust.policy):
        # Two disjoint honest quorums could cosign two forks (attack 22).
        raise TrustError("quorum-can-split")
    logs = {log.verifier.public_key for log in trust.policy.logs}
    if found := [witness.name for witness in trust.policy.witnesses if witness.verifier.public_key in logs]:
        # Its own second signature would count as somebody else's word.
        raise TrustError("log-is-witness", found=found[0])
    _check_origins(trust)
    bureaus = {line.name for line in trust.bureaus}
    for second in trust.seconds:
        # A bureau is no supervisor, so the second pair of eyes is never its own.
        if second.bureau not in bureaus or second.name not in trust.supervisors:
            raise TrustError("second-unknown", bureau=second.bureau, found=second.name)
    names = [log.verifier.name for log in trust.policy.logs]
    names += [bureau.origin for bureau in trust.bureaus] + [bureau.name for bureau in trust.bureaus]
    names += [witness.verifier.name for witness in trust.policy.witnesses] + list(trust.supervisors)
    for name in names:
        if name.endswith(REHEARSAL) != trust.rehearsal:
            raise TrustError("rehearsal-mixed", expected=trust.rehearsal, found=name)
    if not trust.rehearsal and (practice := [name for name, chain in trust.chains.items() if chain.practice]):
        raise TrustError("practice-chain", found=practice[0])


def _check_origins(trust: Trust) -> None:
    """Check that a bureau has one origin at a time, and no supervisor that is the bureau itself."""
    people = {supervisor.key.public_key for supervisor in trust.supervisors.values()}
    for line in trust.bureaus:
        if line.key.public_key in people or line.name in trust.supervisors:
            raise TrustError("supervises-itself", found=line.name)
    for one, other in combinations(trust.bureaus, 2):
        # Under two origins at once every slot could be drawn twice, each draw the first of its log.
        apart = one.name != other.name or one.origin == other.origin
        if not apart and not _before(one, other) and not _before(other, one):
            raise TrustError("two-origins-at-once", name=one.name, found=sorted((one.origin, other.origin)))


def _before(one: Bureau, other: Bureau) -> bool:
    return one.until is not None and other.since is not None and one.until < other.since


def witness_group(names: list[str]) -> str:
    """Return the `group` and `quorum` lines over these witnesses: all of up to two, else a majority."""
    needed = len(names) if len(names) <= 2 else len(names) // 2 + 1
    return f"group witnesses {needed} {' '.join(names)}\nquorum witnesses\n"
