"""What an examination finds, and what it may use: the clock, the folder, and whom to ask."""

import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

from fairdraw.beacon import CHAINS, Chain
from fairdraw.errors import Error
from fairdraw.nist import SCHEME as NIST
from fairdraw.trust import Trust
from fairdraw_cli.workspace import Workspace
from transparency_log.errors import LogError
from transparency_log.note import Verifier

State = Literal["ok", "warn", "fail", "unknown"]
WAIT: Final = 5.0  # seconds for all that is asked over the network


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: `code` names its sentence, `mend` is the command that mends it ("" where none)."""

    code: str
    state: State
    params: Mapping[str, object] = field(default_factory=dict)
    mend: str = ""


@dataclass(frozen=True)
class Examined:
    """What an examination is of. `place` is None where there is no workspace; with no `wait` nobody is asked.

    `paper` is the folder into which sheets are written before they are printed.
    """

    place: Workspace | None
    clock: Callable[[], float] = time.time
    wait: float = WAIT
    relays: Sequence[str] | None = None
    paper: Path | None = None

    @cached_property
    def trust(self) -> Trust | None:
        """The office's trust file, None where there is none that can be used."""
        try:
            return self.place.trust if self.place else None
        except (Error, LogError):
            return None

    @cached_property
    def key(self) -> Verifier | None:
        """The log's key as the trust file names it: no private key is opened to examine."""
        return self.trust.log_key(self.place.origin) if self.trust and self.place else None

    @property
    def chain(self) -> Chain:
        """The chain that tells the time best: of those of drand that the office pins, the one with most rounds."""
        pinned = self.trust.chains.values() if self.trust else ()
        public = [chain for chain in pinned if chain.scheme != NIST and not chain.practice]
        return min(public, key=lambda chain: chain.period, default=CHAINS["quicknet"])

    def command(self, *words: object) -> str:
        """Return a command of ours for this workspace, as one types it."""
        folder = ["-C", str(self.place.root)] if self.place and self.place.root != Path() else []
        return shlex.join(["fairdraw", *map(str, words), *folder])
