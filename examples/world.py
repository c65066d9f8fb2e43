"""A rehearsal in memory: a log with witnesses, a bureau and those who watch it, a practice beacon, and a clock.

Whoever wants to see what an attacker could do gives a `bend`, which may change, or keep back, every statement before
it is signed. Everything else is what the library does for a real log.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Final

from fairdraw.announcement import artifact_of
from fairdraw.beacon import Chain, practice_chain, practice_pulse
from fairdraw.encoding import parse_time
from fairdraw.schema import Statement
from fairdraw.statement import Entry, Head, read_entry, sign
from fairdraw.trust import Trust, parse_trust, witness_group
from fairdraw.values import Artifact, PulseValue, Source
from fairdraw.verify import LogView
from transparency_log import merkle
from transparency_log.checkpoint import Checkpoint, cosign, cosignatures, sign_checkpoint
from transparency_log.cosigned import SignedSize
from transparency_log.note import Note, Signer
from transparency_log.policy import order_time

END: Final = "/rehearsal"
ORIGIN: Final = f"log.example.cn{END}"
BUREAU: Final = f"ybj.example.cn{END}"
UNIT: Final = f"unit.example.cn{END}"
HEALTH: Final = f"health.example.cn{END}"
ROLES: Final[Mapping[str, str]] = {
    f"approver.example.cn{END}": "approver",
    f"congress.example.cn{END}": "people-congress",
    f"discipline.example.cn{END}": "discipline",
    HEALTH: "department",
    f"legal.example.cn{END}": "legal",
    f"social.example.cn{END}": "social",
    f"superior.example.cn{END}": "superior",
    UNIT: "inspecting-unit",
}
"""Those whom the readers' trust file knows besides the bureau, each with one role."""

WITNESSES: Final = ("witness-1", "witness-2")
GENESIS: Final = "2019-12-01T00:00:00Z"  # before the first regulation was in force

Bend = Callable[["World", str, Statement], Statement | None]


def secret(label: str) -> bytes:
    """Return 32 bytes that stand for chance, the same in every run: this is a rehearsal."""
    return sha256(label.encode()).digest()


def name_of(role: str) -> str:
    """Return the key name of whoever has a role."""
    return next(name for name, known in ROLES.items() if known == role)


@dataclass
class World:
    """A log under way. `steps` tells which entry each step of the year became, by the step's name."""

    now: int
    bend: Bend | None = None
    entries: list[bytes] = field(default_factory=list)
    checkpoints: list[bytes] = field(default_factory=list)
    artifacts: dict[str, bytes] = field(default_factory=dict)
    steps: dict[str, Entry] = field(default_factory=dict)
    _heads: dict[str, tuple[int, str | None]] = field(default_factory=dict)
    _leaves: list[bytes] = field(default_factory=list)

    @cached_property
    def keys(self) -> dict[str, Signer]:
        """The keys of the bureau and of everybody with a role."""
        return {name: Signer.from_seed(name, secret(f"key of {name}")) for name in (BUREAU, *ROLES)}

    @cached_property
    def log_key(self) -> Signer:
        """The log's own key."""
        return Signer.from_seed(ORIGIN, secret("key of the log"))

    @cached_property
    def witnesses(self) -> list[Signer]:
        """The witnesses' keys."""
        return [Signer.from_seed(f"{name}.example.cn{END}", secret(f"key of {name}"), 4) for name in WITNESSES]

    @cached_property
    def chain(self) -> Chain:
        """The practice beacon: whoever has its secret knows every round."""
        return practice_chain(secret("beacon"), id="practice", genesis=parse_time(GENESIS))

    @cached_property
    def trust(self) -> Trust:
        """The trust of a reader of this log."""
        return parse_trust(self.trust_file)

    @cached_property
    def trust_file(self) -> bytes:
        """The trust file of a reader of this log."""
        lines = ["fairdraw/trust v1", f"log {self.log_key.verifier.vkey}"]
        lines += [f"witness {name} {key.verifier.vkey}" for name, key in zip(WITNESSES, self.witnesses, strict=True)]
        lines += witness_group(WITNESSES).splitlines()
        lines.append(f"bureau {BUREAU} {self.keys[BUREAU].verifier.vkey} {ORIGIN}")
        lines += [f"supervisor {name} {role} {self.keys[name].verifier.vkey}" for name, role in ROLES.items()]
        c = self.chain
        lines += [f"beacon {c.id} {c.hash} {c.key} {c.scheme} {c.period} {c.genesis}", "rehearsal"]
        return "".join(f"{line}\n" for line in lines).encode()

    # -- time -------------------------------------------------------------------------------------------------------

    def until(self, time: str) -> None:
        """Let the clock go on to a day (to its noon in China) or a time, if that is not past already."""
        told = parse_time(time if "T" in time else f"{time}T04:00:00Z")
        self.now = max(self.now, told)

    def pulses(self, sources: Sequence[Source]) -> tuple[PulseValue, ...]:
        """Return the beacon's announced rounds."""
        told = []
        for source in sources:
            pulse = practice_pulse(secret("beacon"), self.chain, source.round)
            told.append(
                PulseValue(beacon=source.beacon, round=source.round, signature=pulse.signature, previous=pulse.previous)
            )
        return tuple(told)

    # -- the log ----------------------------------------------------------------------------------------------------

    def head(self, by: str = BUREAU) -> Head:
        """Return where somebody's chain stands."""
        seq, prev = self._heads.get(by, (0, None))
        return Head(log=ORIGIN, bureau=BUREAU, by=by, seq=seq, prev=prev, time=self.now)

    def add(self, step: str, statement: Statement) -> Entry:
        """Log the statement of a step a minute later than the last, signed by all who must.

        If `bend` keeps it back it is signed, and lies in nobody's log.
        """
        bent = statement if self.bend is None else self.bend(self, step, statement)
        kept = statement if bent is None else bent
        data = sign(kept, [self.keys[name] for name in kept.signers])
        entry = read_entry(data, len(self.entries))
        self.steps[step] = entry
        if bent is not None:
            self.entries.append(data)
            self._leaves.append(merkle.leaf_hash(data))
            self._heads[kept.by] = (kept.seq + 1, entry.text_hash)
        self.now += 60
        return entry

    def keep(self, data: bytes) -> Artifact:
        """Serve an artifact beside the log."""
        told = artifact_of(data)
        self.artifacts[told.digest] = data
        return told

    def checkpoint(self) -> None:
        """Sign the log as it stands, and let the witnesses cosign it."""
        note = sign_checkpoint(Checkpoint(ORIGIN, len(self.entries), merkle.root(self._leaves)), self.log_key)
        extra = tuple(cosign(key, note.text, self.now) for key in self.witnesses)
        self.checkpoints.append(Note(note.text, note.signatures + extra).format())
        self.now += 60

    def sizes(self) -> list[SignedSize]:
        """Return the signed checkpoints, each with the time of its quorum."""
        policy, told = self.trust.policy, []
        for data in self.checkpoints:
            note = Note.parse(data)
            found = cosignatures(note, [witness.verifier for witness in policy.witnesses])
            told.append(SignedSize(Checkpoint.parse(note.text).size, data, order_time(policy, found)))
        return told

    def view(self) -> LogView:
        """Return the log as any reader gets it."""
        return LogView(list(self.entries), list(self.checkpoints), dict(self.artifacts))
