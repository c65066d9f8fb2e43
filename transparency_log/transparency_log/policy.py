"""Whose cosignatures are enough, and what a quorum says about time: trust policies (C2SP tlog-policy).

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> all|any|<k> <member>...
    quorum <name>|none

Each name is a member at most once, so the quorum is a tree of thresholds with the witnesses as its leaves,
and every question below is one walk over that tree.

A witness may have two keys, Ed25519 and ML-DSA-44, under the one name that its lines carry. They are two witnesses to
this file and one to its reader, so they may only stand in for each other: below one `any` group.

Read by the letter: comments are whole lines, keys are distinct, a log's key is of a kind that logs sign
with (0x01, 0x06) and a witness's of a kind that witnesses cosign with (0x04, 0x06). Other parsers are
laxer. Tessera's takes a comment at the end of a line, one key under two names, and a witness's 0x01 key,
which it quietly turns into a 0x04 key; here all three are refused, for the file then does not say what it
means.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final, Self

from transparency_log.checkpoint import Cosignature
from transparency_log.encoding import decode_decimal
from transparency_log.errors import NoteError, PolicyError
from transparency_log.note import COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44, ED25519, Verifier

NONE: Final = "none"  # the quorum that asks for no witness

_LOG_ALGORITHMS = (ED25519, COSIGNATURE_ML_DSA_44)
_WITNESS_ALGORITHMS = (COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_WHITESPACE = " \t"  # and nothing else: Python's own idea of space is much wider


@dataclass(frozen=True, slots=True)
class Log:
    """A log whose checkpoints are accepted; its key's name is its origin."""

    verifier: Verifier
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness under the name that groups call it by."""

    name: str
    verifier: Verifier
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Members (witnesses or earlier groups) of which `threshold` are enough."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """Logs, witnesses, groups, and the quorum: a name, "none", or None where the file does not state one."""

    logs: tuple[Log, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    groups: tuple[Group, ...] = ()
    quorum: str | None = None

    def __post_init__(self) -> None:
        _check_keys("log", [log.verifier for log in self.logs], _LOG_ALGORITHMS)
        _check_keys("witness", [witness.verifier for witness in self.witnesses], _WITNESS_ALGORITHMS)
        for url in [log.url for log in self.logs] + [witness.url for witness in self.witnesses]:
            _check_url(url)
        defined = {NONE}
        for witness in self.witnesses:
            _define(witness.name, defined)
        members: set[str] = set()
        for group in self.groups:
            _check_members(group, defined, members)
            _define(group.name, defined)
        if self.quorum is not None and self.quorum not in defined:
            raise PolicyError("name-undefined", name=self.quorum, used_by="quorum")
        _check_voices(self)

    @classmethod
    def parse(cls, text: str, *, require_quorum: bool = True) -> Self:
        """Read a policy file.

        Without `require_quorum` the quorum line may be missing, which is not the same as `quorum none`.
        The file is octets to the specification: decode one that is not UTF-8 with `surrogateescape`.

        Raises:
            PolicyError: Anything that is not the grammar above; `line` is counted from 1.
        """
        if found := _CONTROL.search(text):
            raise PolicyError("control-character", at=found.start(), found=f"U+{ord(found.group()):04X}")
        if text and not text.endswith("\n"):
            raise PolicyError("line-not-terminated", line=text.count("\n") + 1)
        parser = _Parser()
        for number, line in enumerate(text.split("\n"), 1):
            words = [word for word in re.split("[ \t]+", line) if word]
            if words and not words[0].startswith("#"):
                parser.read(number, words)
        if require_quorum and parser.quorum is None:
            raise PolicyError("no-quorum", expected="one quorum line")
        return cls(tuple(parser.logs), tuple(parser.witnesses), tuple(parser.groups), parser.quorum)

    def format(self) -> str:
        """Return the policy as a file that `parse` reads back; comments are not kept."""
        lines = [["log", log.verifier.vkey, log.url] for log in self.logs]
        lines += [["witness", w.name, w.verifier.vkey, w.url] for w in self.witnesses]
        lines += [["group", group.name, str(group.threshold), *group.members] for group in self.groups]
        if self.quorum is not None:
            lines.append(["quorum", self.quorum])
        return "".join(" ".join(word for word in line if word is not None) + "\n" for line in lines)


def suffices(policy: Policy, cosignatures: Iterable[Cosignature]) -> bool:
    """Whether the cosignatures make the quorum, whatever their times. `quorum none` asks for none."""
    if policy.quorum == NONE:
        return True
    seen = {cosignature.verifier for cosignature in cosignatures}
    return _walk(policy, lambda w: 0 if w.verifier in seen else math.inf, _kth_smallest) == 0


def order_time(policy: Policy, cosignatures: Iterable[Cosignature]) -> int | None:
    """Return the least t such that the cosignatures not later than t make the quorum: seen by then.

    Of one key's lines the smallest timestamp above 0 counts; 0 states no time. None if they make no quorum,
    and for `quorum none`, with which nobody states a time.
    """
    times: dict[Verifier, int] = {}
    for cosignature in cosignatures:
        if cosignature.timestamp > 0:
            known = times.get(cosignature.verifier, cosignature.timestamp)
            times[cosignature.verifier] = min(known, cosignature.timestamp)
    return _time(_walk(policy, lambda w: times.get(w.verifier, math.inf), _kth_smallest))


def freshness_time(policy: Policy, cosignatures: Iterable[Cosignature]) -> int | None:
    """Return the greatest t such that the cosignatures not earlier than t make the quorum: still newest then.

    Of one key's lines the largest timestamp counts. None as for `order_time`.
    """
    times: dict[Verifier, int] = {}
    for cosignature in cosignatures:
        if cosignature.timestamp > 0:
            known = times.get(cosignature.verifier, cosignature.timestamp)
            times[cosignature.verifier] = max(known, cosignature.timestamp)
    return _time(_walk(policy, lambda w: times.get(w.verifier, -math.inf), _kth_largest))


def can_split(policy: Policy) -> bool:
    """Whether two quorums without a common witness exist: then honest witnesses may cosign two forks."""
    return colluders_to_fork(policy) == 0


def colluders_to_fork(policy: Policy) -> int:
    """Return the least number of witnesses that two quorums share: so many must cosign both sides of a fork.

    0 where no quorum is stated or none is asked for.
    """
    # Two quorums take 2k places among a group's n members: at least 2k − n members sit in both.
    return int(_walk(_merged(policy), _one, lambda shared, k: sum(sorted(shared)[: max(0, 2 * k - len(shared))])) or 0)


def colluders_to_backdate(policy: Policy) -> int:
    """Return the size of the smallest quorum: so many witnesses must state a time that was not.

    0 where no quorum is stated or none is asked for.
    """
    return int(_walk(policy, _one, lambda sizes, k: sum(sorted(sizes)[:k])) or 0)


def missing(policy: Policy, cosignatures: Iterable[Cosignature]) -> tuple[str, ...]:
    """Return the names of the policy's witnesses that have not cosigned, in the file's order."""
    seen = {cosignature.verifier for cosignature in cosignatures}
    return tuple(witness.name for witness in policy.witnesses if witness.verifier not in seen)


def _walk(
    policy: Policy, of_witness: Callable[[Witness], float], of_group: Callable[[list[float], int], float]
) -> float | None:
    """Return the quorum's value: each witness has one, a group's follows from its members' and threshold."""
    values = {witness.name: of_witness(witness) for witness in policy.witnesses}
    for group in policy.groups:  # its members are defined before it
        values[group.name] = of_group([values[name] for name in group.members], group.threshold)
    return None if policy.quorum is None else values.get(policy.quorum)


def _merged(policy: Policy) -> Policy:
    """Return the policy with one key for each group whose keys are all of one witness."""
    voices = _voices(policy)
    groups = [replace(g, threshold=1, members=g.members[:1]) if len(voices[g.name]) == 1 else g for g in policy.groups]
    return replace(policy, groups=tuple(groups))


def _voices(policy: Policy) -> dict[str, frozenset[str]]:
    """Return for each witness and group whose lines count below it, by the names in the lines."""
    voices = {witness.name: frozenset([witness.verifier.name]) for witness in policy.witnesses}
    for group in policy.groups:
        voices[group.name] = frozenset().union(*(voices[name] for name in group.members))
    return voices


def _one(_witness: Witness) -> float:
    return 1


def _kth_smallest(values: list[float], k: int) -> float:
    return sorted(values)[k - 1]


def _kth_largest(values: list[float], k: int) -> float:
    return sorted(values)[-k]


def _time(value: float | None) -> int | None:
    return None if value is None or math.isinf(value) else int(value)


class _Parser:
    """Takes the lines of a policy file one by one; what they mean together `Policy` checks."""

    def __init__(self) -> None:
        self.logs: list[Log] = []
        self.witnesses: list[Witness] = []
        self.groups: list[Group] = []
        self.quorum: str | None = None
        self._defined = {NONE}

    def read(self, line: int, words: list[str]) -> None:
        match words:
            case ["log", vkey, *url] if len(url) <= 1:
                self.logs.append(Log(_parse_key(line, vkey), *url))
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self.witnesses.append(Witness(name, _parse_key(line, vkey), *url))
                self._defined.add(name)
            case ["group", name, threshold, *members] if members:
                self._check_defined(line, members)
                self.groups.append(Group(name, _parse_threshold(line, threshold, len(members)), tuple(members)))
                self._defined.add(name)
            case ["quorum", name]:
                if self.quorum is not None:
                    raise PolicyError("quorum-repeated", line=line, first=self.quorum)
                self._check_defined(line, [name])
                self.quorum = name
            case _:
                raise PolicyError("line", line=line, expected="log, witness, group or quorum", found=" ".join(words))

    def _check_defined(self, line: int, names: list[str]) -> None:
        # A definition must precede its use, so that no group can contain itself.
        for name in names:
            if name not in self._defined:
                raise PolicyError("name-undefined", line=line, name=name)


def _parse_key(line: int, vkey: str) -> Verifier:
    try:
        return Verifier.parse(vkey)
    except NoteError as error:
        raise PolicyError("key", line=line, reason=str(error)) from None


def _parse_threshold(line: int, word: str, members: int) -> int:
    named = {"all": members, "any": 1}
    threshold = named[word] if word in named else decode_decimal(word)
    if threshold is None:
        raise PolicyError("threshold", line=line, expected="all, any or a decimal", found=word)
    return threshold


def _check_keys(of: str, verifiers: list[Verifier], algorithms: tuple[int, ...]) -> None:
    seen: dict[bytes, str] = {}
    for verifier in verifiers:
        _check_word(verifier.name)
        if verifier.algorithm not in algorithms:
            raise PolicyError("key-algorithm", of=of, name=verifier.name, expected=algorithms, found=verifier.algorithm)
        # One key under two names would be two voices of one witness.
        if verifier.public_key in seen:
            raise PolicyError("key-repeated", of=of, name=verifier.name, first=seen[verifier.public_key])
        seen[verifier.public_key] = verifier.name


def _check_voices(policy: Policy) -> None:
    voices = _voices(policy)
    for group in policy.groups:
        counted = Counter(voice for member in group.members for voice in voices[member])
        twice = [voice for voice, times in counted.items() if times > 1]
        # Else one witness with two keys would be two of those that must agree.
        if twice and group.threshold > 1:
            raise PolicyError("witness-twice", name=twice[0], used_by=group.name)


def _check_word(word: str) -> None:
    if not word or any(c in _WHITESPACE or c == "\n" for c in word) or _CONTROL.search(word):
        raise PolicyError("word", expected="octets without whitespace and control", found=word)


def _check_url(url: str | None) -> None:
    if url is None:
        return
    _check_word(url)
    if url.startswith("#"):  # somebody meant a comment, which only a whole line can be
        raise PolicyError("url", found=url)


def _define(name: str, defined: set[str]) -> None:
    _check_word(name)
    if name in defined:
        raise PolicyError("name-repeated", name=name)
    defined.add(name)


def _check_members(group: Group, defined: set[str], members: set[str]) -> None:
    if not 1 <= group.threshold <= len(group.members):
        raise PolicyError("threshold", group=group.name, members=len(group.members), found=group.threshold)
    for name in group.members:
        if name == NONE or name not in defined:
            raise PolicyError("name-undefined", name=name, used_by=group.name)
        # Else a witness could count in two places.
        if name in members:
            raise PolicyError("member-repeated", name=name, used_by=group.name)
        members.add(name)
