"""A supervisor's phone, as the desk knows it: what it hands in, honest or not."""

import os
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path

from fairdraw.encoding import canonical, digest, format_time
from fairdraw.enrolment import Enrolment
from fairdraw_cli.main import run
from transparency_log.checkpoint import cosign
from transparency_log.note import COSIGNATURE_ED25519, Note, Signer

ORIGIN = "log.example.cn/ybj/rehearsal"
BUREAU = "ybj.example.cn/rehearsal"
NOW = 1_788_806_700  # 2026-09-07T18:45:00Z


@dataclass
class Phone:
    """Two keys under one name, and a chain of statements."""

    name: str = "lixin.example.cn/rehearsal"
    role: str = "discipline"
    said: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.own = Signer.from_seed(self.name, os.urandom(32))
        self.witness = Signer.from_seed(self.name, os.urandom(32), COSIGNATURE_ED25519)

    def enrolment(self, log: str = ORIGIN) -> Enrolment:
        """Return what the phone hands in to be enrolled, unsigned."""
        return Enrolment(log=log, role=self.role, supervisor=self.own.verifier, witness=self.witness.verifier)

    def enrolled(self, log: str = ORIGIN) -> bytes:
        """Return the signed enrolment."""
        return self.enrolment(log).sign(self.own)

    def cosigned(self, checkpoint: bytes, at: int = NOW, by: Signer | None = None) -> bytes:
        """Return a checkpoint with the log's line and the phone's."""
        note = Note.parse(checkpoint)
        return Note(note.text, (note.signatures[0], cosign(by or self.witness, note.text, at))).format()

    def entry(self, kind: str = "sign-off", *, by: Signer | None = None, **fields: object) -> bytes:
        """Return the phone's next entry, which counts as said whether or not it is handed in."""
        statement = {
            "v": 0, "type": kind, "log": ORIGIN, "bureau": BUREAU, "by": self.name, "with": [],
            "seq": len(self.said), "prev": digest(self.said[-1]) if self.said else None,
            "time": format_time(NOW), **fields,
        }  # fmt: skip
        text = canonical(statement) + b"\n"
        self.said.append(text)
        signer = by or self.own
        return Note(text.decode(), (signer.sign(text.decode()),)).format()


PLAN = """
id = "2026"
slots = ["2026/fund-use/1"]
objects = "institutions"
inspectors = "staff"
strata = []
ratio = "1/4"
voids = ["wrong-date"]
"""
DRAW = """
id = "fund-1"
slots = ["2026/fund-use/1"]
window = 2026-10-31
[[beacon]]
chain = "quicknet"
at = 2026-09-07T18:36:36Z
"""
STEPS = (
    ("10:00:00", "plan", "log", "plan.toml"),
    ("10:01:00", "freeze", "institutions", "institutions.csv"),
    ("10:01:00", "freeze", "staff", "staff.csv"),
    ("10:02:00", "announce", "draw.toml"),
    ("18:36:40", "draw", "fund-1"),
)


def office(folder: Path) -> Path:
    """Make a rehearsal's workspace with one draw."""
    rows = {"institutions": "".join(f"H-{i:02d},Hospital {i}\n" for i in range(1, 21)),
            "staff": "".join(f"I-{i},Inspector {i}\n" for i in range(1, 9))}  # fmt: skip
    for name, text in {"plan.toml": PLAN, "draw.toml": DRAW}.items():
        (folder / name).write_text(text, "utf-8")
    for name, text in rows.items():
        (folder / f"{name}.csv").write_text(f"no,private.name\n{text}", "utf-8")
    with chdir(folder):
        assert run(["init", "office", "--rehearsal", "--bureau", BUREAU, "--origin", ORIGIN]) == 0
        for at, *words in STEPS:
            assert run([*words, "-C", "office", "--clock", f"2026-09-07T{at}Z"]) == 0
    return folder / "office"
