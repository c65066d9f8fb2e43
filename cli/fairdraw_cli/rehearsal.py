"""Rehearsals (演练): practice witnesses that live in the workspace, a practice beacon, and recorded rounds.

Nothing of it can be taken for the real thing: every name ends in `/rehearsal`, and a trust file says `rehearsal`.
"""

import json
import os
from importlib.resources import files
from pathlib import Path
from typing import Final

from fairdraw.beacon import CHAINS, Chain, Pulse, practice_chain
from fairdraw.encoding import parse_time
from fairdraw.errors import WorkspaceError
from fairdraw.schema import Draw
from fairdraw.trust import REHEARSAL
from fairdraw_cli.desk import Desk
from fairdraw_cli.files import create_private, read_secret
from fairdraw_cli.keys import make_key, open_key
from fairdraw_cli.workspace import Workspace
from transparency_log.errors import NoteError
from transparency_log.note import COSIGNATURE_ED25519, Signer, SigningKey
from transparency_log.seen import SqliteWitnessState
from transparency_log.witness import Witness, add_checkpoint_request

WITNESSES: Final = ("witness-1", "witness-2")
BEACON: Final = "practice"
BEACON_FILE: Final = "practice.beacon"
GENESIS: Final = 1_575_158_400  # 2019-12-01T00:00:00Z, before the first regulation of the package was in force


def make_witnesses(root: Path, origin: str) -> dict[str, Signer]:
    """Make the two practice witnesses of a new workspace; returns them by the name in the trust file."""
    base = origin.removesuffix(REHEARSAL)
    made = {}
    for name in WITNESSES:
        file = root / "witnesses" / name / "key"
        signer = make_key(file, f"{base}/{name}{REHEARSAL}", COSIGNATURE_ED25519)
        SqliteWitnessState.create(root / "witnesses" / name / "state.sqlite").close()
        made[name] = signer
    return made


def make_beacon(root: Path) -> Chain:
    """Make the practice chain of a new workspace: whoever has its secret knows every round."""
    secret = os.urandom(32)
    create_private(root / "secrets" / BEACON_FILE, f"{secret.hex()}\n".encode())
    return practice_chain(secret, id=BEACON, genesis=GENESIS)


def beacon_secret(place: Workspace) -> bytes:
    """Return the secret of the practice chain."""
    return read_secret(place.secret(BEACON_FILE))


def witness_keys(place: Workspace) -> list[tuple[Path, SigningKey]]:
    """Return the practice witnesses of a workspace: each one's folder and key.

    Raises:
        WorkspaceError: `not-a-witness-key`, naming the file and quoting nothing of it.
    """
    told = []
    for folder in sorted((place.root / "witnesses").iterdir()):
        try:
            told.append((folder, open_key(folder / "key")))
        except NoteError:
            raise WorkspaceError("not-a-witness-key", found=str(folder / "key")) from None
    return told


def cosign_all(desk: Desk) -> None:
    """Let each practice witness of the trust file cosign the newest checkpoint at the desk's time."""
    place, signed = desk.workspace, desk.log.checkpoint
    size = signed.checkpoint.size
    logs = {place.origin: place.log_verifier}
    known = {witness.verifier for witness in place.trust.policy.witnesses}
    for folder, signer in witness_keys(place):
        if signer.verifier not in known:
            continue
        with SqliteWitnessState(folder / "state.sqlite") as state:
            seen = state.read(place.origin)
            old = 0 if seen is None else seen.size
            proof = place.reader().consistency_proof(old, size)
            body = add_checkpoint_request(old, proof, signed.note)
            lines = Witness(signer, state).add_checkpoint(body, now=desk.now, floor=_floor(desk), logs=logs)
        desk.add_cosignatures(size, lines)


def _floor(desk: Desk) -> int:
    """Return a time that has certainly passed: of the newest statement, and of every round that a draw has used."""
    chains = desk.workspace.trust.chains
    times = [parse_time(entry.statement.time) for entry in desk.history.entries]
    used = (pulse for _, draw in desk.history.all(Draw) for pulse in draw.pulses if pulse.beacon in chains)
    times += [chains[pulse.beacon].time_of(pulse.round) for pulse in used]
    return max(times, default=0)


def recorded(chain: str, number: int) -> Pulse | None:
    """Return a recorded round from the package's data, or None. It proves itself like any other pulse."""
    data = json.loads((files("fairdraw_cli") / "data" / "rounds.json").read_text("utf-8"))
    if data["chain"] != chain:
        return None
    found = (r["signature"] for r in data["rounds"] if r["round"] == number)
    signature = next(found, None)
    return None if signature is None else Pulse(chain=CHAINS[chain].hash, round=number, signature=signature)
