"""A log in memory that tests read as followers and mirrors do, with witnesses, artifacts, and forks of it."""

from hashlib import sha256

from support.keys import ORIGIN, log_signer, witness_signer
from transparency_log.checkpoint import Checkpoint, cosign, sign_checkpoint
from transparency_log.log import Log
from transparency_log.mirror import ArtifactRefs
from transparency_log.policy import Policy
from transparency_log.state import MemoryState
from transparency_log.storage import Memory

SIGNER = log_signer()
VERIFIER = SIGNER.verifier
W1, W2 = witness_signer("w1.example"), witness_signer("w2.example")
TIME = 1_790_000_000
POLICY = Policy.parse(
    f"log {VERIFIER.vkey}\nwitness one {W1.verifier.vkey}\nwitness two {W2.verifier.vkey}\n"
    "group both all one two\nquorum both\n"
)


def entries(count, start=0, name="entry"):
    return [b"%s %d" % (name.encode(), number) for number in range(start, start + count)]


def digest(data):
    return sha256(data).hexdigest()


def naming(data):
    """An entry that names an artifact."""
    return f"names {digest(data)} {len(data)}".encode()


def withdrawing(data):
    return f"withdraws {digest(data)}".encode()


def named_by(entry):
    """What `naming` and `withdrawing` say."""
    match entry.decode("ascii", "replace").split(" "):
        case ["names", named, length]:
            return ArtifactRefs(((named, int(length)),))
        case ["withdraws", withdrawn]:
            return ArtifactRefs(withdrawn=(withdrawn,))
    return ArtifactRefs()


class Source:
    """A log whose files lie in memory; `read` counts, and can be made to fail."""

    def __init__(self, count=0, *, name="entry"):
        self.storage = Memory()
        self.log = Log.create(self.storage, SIGNER, state=MemoryState())
        self.name = name
        self.asked = []
        self.grow(count)

    @property
    def files(self):
        return self.storage.files

    def read(self, path):
        self.asked.append(path)
        return self.storage.read(path)

    def grow(self, count):
        self.log.append_many(entries(count, self.log.size, self.name))

    def publish(self, data):
        """Name an artifact in an entry and serve it."""
        self.files[f"artifact/{digest(data)}"] = data
        self.log.append(naming(data))

    def cosign(self, *, at=TIME, by=(W1, W2)):
        """Let witnesses cosign the newest checkpoint."""
        lines = [cosign(signer, self.log.checkpoint.note.text, at) for signer in by]
        self.log.add_cosignatures(self.log.size, lines, [W1.verifier, W2.verifier])


def signed_note(size, root):
    """What only the log's own key can make: a checkpoint of any tree it likes."""
    return sign_checkpoint(Checkpoint(ORIGIN, size, root), SIGNER).format()
