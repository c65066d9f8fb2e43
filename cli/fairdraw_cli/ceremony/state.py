"""What the hall sees at one moment: a pure function of what is logged, what was noted at the desk, and the time.

Nothing here remembers: a program that is killed and started again computes the same screen, and no key that somebody
presses can make a result, undo one, or hold one back.
"""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Screen: TypeAlias = Literal[
    "prepare", "check", "lock", "cosign", "countdown", "reveal", "print", "sign", "done", "failed", "voided"
]
STEPS: Final[tuple[Screen, ...]] = (
    "prepare", "check", "lock", "cosign", "countdown", "reveal", "print", "sign", "done",
)  # fmt: skip
LATE: Final = 5  # seconds after the round is due: relays need a moment
BEFORE: Final = 10  # seconds that are left after a rehearsal has skipped ahead
CARRY: Final = 600  # seconds of waiting after which the round should come by another road


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """A frozen registry of the draw: whom it lists, its id, and how many rows it has."""

    role: str
    id: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """An announced round, and its randomness once it is at hand and verified."""

    chain: str
    number: int
    due: int
    randomness: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigner:
    """A witness, and when it cosigned the announcement."""

    name: str
    time: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What else must be cosigned before the limit: deposits of a sealed draw, or reveals of committed seeds.

    `void` says that, were it over now, anybody could see that it lacks: a reason to void that a machine can check.
    """

    kind: Literal["deposits", "reveals"]
    found: int
    needed: int
    settled: bool
    void: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """The logged announcement."""

    index: int
    text: str
    fingerprint: str
    link: str
    limit: int
    due: int
    rounds: tuple[Round, ...]
    sealed: str | None
    cosigners: tuple[Cosigner, ...]
    needed: int
    witnessed: int | None
    seen: bool
    pending: tuple[Pending, ...]
    voids: tuple[str, ...]

    @property
    def reason_to_void(self) -> str | None:
        """The reason that a machine can check for a draw that came too late, None where there is none.

        Where a single witness had signed in time it could still complete the quorum by a line dated back; so that is no
        reason (specs/verification.md §4.2).
        """
        if not self.seen:
            return "quorum-not-shown"
        if any(one.void for one in self.pending):
            return "required-seed-missing"
        return None

    @property
    def ready(self) -> bool:
        """Whether all that has to happen before the limit has happened."""
        return self.witnessed is not None and all(one.settled for one in self.pending)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The logged draw: numbers in ticket order, each with its inspectors; None while they are sealed."""

    index: int
    text: str
    fingerprint: str
    link: str
    count: int
    numbers: tuple[tuple[str, ...], ...] | None
    final: bool
    signed: tuple[str, ...]
    scans: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What log and workspace say of the draw: everybody with the same log sees the same.

    `recusals` counts the pairs that must not meet, None where the list cannot be read; `committed` says that the seed
    is of commitments, not of digits that the hall calls; `unwitnessed`, that the newest checkpoint lacks its quorum.
    """

    name: str
    bureau: str
    slots: tuple[str, ...]
    rehearsal: bool
    registries: tuple[Registry, ...]
    recusals: int | None = 0
    committed: bool = False
    unwitnessed: bool = False
    announced: Announced | None = None
    waiting: tuple[str, ...] = ()
    voided: str | None = None
    drawn: Drawn | None = None
    papers: tuple[str, ...] = ()
    filed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A number that a supervisor asked for, and its row in the frozen registry; `row` 0 where there is none."""

    role: str
    no: str
    row: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What stands in no log: which step is shown, who is there by role, digits for the seed, who signed on paper."""

    step: Screen = "prepare"
    present: tuple[tuple[str, int], ...] = ()
    digits: tuple[tuple[str, str], ...] = ()
    looked: Found | None = None
    signed: tuple[str, ...] = ()
    lang: Literal["zh", "en"] = "zh"
    page: int | None = None
    time: int = 0

    @property
    def seed(self) -> str:
        """All digits, in the order in which they were told."""
        return "".join(digits for _, digits in self.digits)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is shown."""

    screen: Screen
    trouble: str | None
    facts: Facts
    notes: Notes
    now: int


def skips_to(facts: Facts, now: int) -> int | None:
    """Return to when a rehearsal's clock may skip: just before the limit, or the round, whichever is waited for."""
    said = facts.announced
    if not facts.rehearsal or said is None or facts.drawn is not None or facts.voided is not None:
        return None
    target = (said.due if said.ready else said.limit) - BEFORE
    return target if now < target else None


def state_of(facts: Facts, notes: Notes, now: int) -> State:
    """Return the state: the noted step, held within what is logged and due."""
    return State(screen=_screen(facts, notes, now), trouble=_trouble(facts, now), facts=facts, notes=notes, now=now)


def bounds(facts: Facts, now: int) -> tuple[Screen, Screen]:
    """Return the first and the last screen that the facts allow; they are equal where nobody has a choice."""
    if facts.drawn is not None:
        return "reveal", "done"
    if facts.voided is not None:
        return "voided", "voided"
    said = facts.announced
    if said is None:
        return "prepare", "check"
    if now < said.limit:
        return "lock", "countdown" if said.ready else "cosign"
    # What was not cosigned before the limit can never be proven to have preceded the round (attack 20).
    return ("countdown", "countdown") if said.ready else ("failed", "failed")


def _screen(facts: Facts, notes: Notes, now: int) -> Screen:
    first, last = bounds(facts, now)
    if first not in STEPS:
        return first
    return STEPS[min(max(STEPS.index(notes.step), STEPS.index(first)), STEPS.index(last))]


def _trouble(facts: Facts, now: int) -> str | None:
    said, drawn = facts.announced, facts.drawn
    if drawn is not None:
        return None if drawn.final else "not-final"
    if said is None or facts.voided is not None or not said.ready:
        return None
    lacking = any(one.randomness is None for one in said.rounds)
    if not lacking or now < said.due + LATE:
        return None
    return "carry" if now >= said.due + CARRY else "late"


def after(screen: Screen, facts: Facts, now: int) -> Screen:
    """Return the step after a screen, if the facts allow it, else the screen itself."""
    return _moved(screen, 1, facts, now)


def before(screen: Screen, facts: Facts, now: int) -> Screen:
    """Return the step before a screen, if the facts allow it, else the screen itself."""
    return _moved(screen, -1, facts, now)


def _moved(screen: Screen, by: int, facts: Facts, now: int) -> Screen:
    first, last = bounds(facts, now)
    if screen not in STEPS or first not in STEPS:
        return screen
    return STEPS[min(max(STEPS.index(screen) + by, STEPS.index(first)), STEPS.index(last))]
