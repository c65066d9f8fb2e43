"""A process that is a witness, for others to kill: `python witness.py STATE` tells its address on standard output."""

import sys
import time
from hashlib import sha256
from pathlib import Path

from transparency_log.endpoint import WitnessSite
from transparency_log.note import COSIGNATURE_ED25519, Signer
from transparency_log.seen import SqliteWitnessState
from transparency_log.web import Server
from transparency_log.witness import MAX_REQUEST, Witness

LOG = Signer.from_seed("log.example/kills", sha256(b"the log of the kills").digest())
SIGNER = Signer.from_seed("w1.example", sha256(b"the witness that is killed").digest(), COSIGNATURE_ED25519)
NOW = 1_790_000_000


def main(state: Path) -> None:
    """Serve until killed."""
    with SqliteWitnessState(state) as opened:
        # Between looking and storing there is time for the other side of a fork.
        witness = Witness(SIGNER, opened, hold=lambda _: time.sleep(0.01))
        site = WitnessSite(witness, logs=lambda: {LOG.name: LOG.verifier}, clock=lambda: NOW)
        server = Server(site, max_body=MAX_REQUEST)
        sys.stdout.write(f"{server.address[1]}\n")
        sys.stdout.flush()
        server.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
