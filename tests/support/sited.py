"""Sites of stories: what the public site of a log shows, as files in memory."""

from pathlib import Path
from typing import Any

import fairdraw
from fairdraw.audit import read_ledger
from fairdraw.calendar import published
from fairdraw.messages import Catalogue
from fairdraw.regulation import Regulation
from fairdraw.site import Look, Material, Memory, Register, build, register
from support.story import BUREAU, Told, trust, trust_text
from transparency_log.checkpoint import Checkpoint
from transparency_log.log import Log
from transparency_log.note import Note
from transparency_log.state import MemoryState
from transparency_log.storage import Directory

HERE = Path(fairdraw.__file__).parent
LANGUAGES = [Catalogue.parse((HERE / "wording" / f"{lang}.toml").read_bytes(), lang=lang) for lang in ("zh", "en")]
TEMPLATES = {path.name: path.read_text("utf-8") for path in sorted((HERE / "templates").glob("site-*.html"))}
LOOK = Look(title="", url="https://gs.example.cn/", script="sha384-s", style="sha384-c", verifier="00" * 32)
TRUST = b"fairdraw/trust v1\n"
LOGS: dict[Path, Log] = {}  # what `served` has written so far


def rows(told: Told, *, as_of: int | None = None, given: bool = False) -> Register:
    """Return the rows of a story's log at a time, default its own clock."""
    time = told.story.now if as_of is None else as_of
    ledger = read_ledger(told.log(), trust(told.story), log=told.story.origin, bureau=BUREAU, as_of=time,
                         calendar=published())  # fmt: skip
    return register([ledger], as_of=time, as_of_given=given)


def material(regulations: tuple[Regulation, ...] = (), **look: str) -> Material:
    """Return what test sites are made with; the browser's part has its own tests."""
    fields: dict[str, Any] = {name: getattr(LOOK, name) for name in ("title", "url", "script", "style", "verifier")}
    return Material(
        look=Look(**(fields | look)),
        catalogues=LANGUAGES,
        templates=TEMPLATES,
        regulations=regulations,
        files={"fairdraw.js": b"js", "fairdraw.css": b"css", "verify.html": b"html", "trust": TRUST},
        version="0",
    )


class Site:
    """A site's folder in memory, built again and again as a log grows."""

    def __init__(self, told: Told) -> None:
        self.told = told
        self.files: dict[str, bytes] = {}
        self.memory: Memory | None = None

    def build(self, *, as_of: int | None = None, given: bool = False, **look: str) -> list[str]:
        """Build the site; returns the paths whose bytes changed."""
        artifacts = {f"artifact/{digest}" for digest in self.told.story.artifacts}
        made = build(
            rows(self.told, as_of=as_of, given=given),
            material(**look),
            self.memory,
            lambda path: path in self.files or path in artifacts,
        )
        changed = []
        self.made: list[str] = []
        for file in made:
            self.made.append(file.path)
            if self.files.get(file.path) != file.data:
                changed.append(file.path)
            if file.data is None:
                self.files.pop(file.path, None)
            else:
                self.files[file.path] = file.data
        self.memory = Memory.parse(self.files["site.json"])
        return changed

    def text(self, path: str) -> str:
        """Return a file's text."""
        return self.files[path].decode("utf-8-sig")


def site(told: Told, **changes: Any) -> Site:
    """Return the site of a story, built once."""
    made = Site(told)
    made.build(**changes)
    return made


def served(told: Told, folder: Path) -> Path:
    """Write a story's log as the files that a log serves, and its trust file beside; returns the log's folder."""
    story, witnesses = told.story, [key.verifier for key in told.story.witness_keys]
    log, storage = folder / "log", Directory(folder / "log")
    if log not in LOGS:
        log.mkdir(parents=True)
        LOGS[log] = Log.create(storage, story.log_key, state=MemoryState())
    writer = LOGS[log]
    for data in story.checkpoints:
        note = Note.parse(data)
        size = Checkpoint.parse(note.text).size
        if size > writer.size:
            writer.append_many(story.entries[writer.size : size])
        writer.add_cosignatures(size, note.signatures[1:], witnesses)
    for digest, data in story.artifacts.items():
        storage.create(f"artifact/{digest}", data)
    (folder / "trust").write_text(trust_text(story), "utf-8")
    return log
