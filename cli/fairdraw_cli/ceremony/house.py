"""The ceremony as one object: its workspace, its draw, its clock and notebook, and the state that follows from them."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Final

from fairdraw.announcement import limit_of
from fairdraw.beacon import Chain, Pulse
from fairdraw.encoding import format_time
from fairdraw.errors import Error, WorkspaceError
from fairdraw.schema import Announcement, Statement
from fairdraw_cli.ceremony.clocks import Clock
from fairdraw_cli.ceremony.facts import Reader
from fairdraw_cli.ceremony.notebook import Notebook
from fairdraw_cli.ceremony.state import State, state_of
from fairdraw_cli.checks.finding import Finding
from fairdraw_cli.commands.announce import announce_form
from fairdraw_cli.cosigning import Request
from fairdraw_cli.desk import Desk, writing
from fairdraw_cli.files import read
from fairdraw_cli.forms import DrawForm, read_form
from fairdraw_cli.session import Place, Session
from fairdraw_cli.workspace import Workspace
from transparency_log.errors import LogError
from transparency_log.note import Note

WAIT: Final = 5  # seconds for witnesses, while somebody waits for the answer

MOMENT: Final = 0.25  # seconds
REQUEST: Final = "announcement.request"
COSIGNED: Final = "cosigned"

Fetch = Callable[[Workspace, Chain, int], Pulse | bytes]
Examine = Callable[[], list[Finding]]
FORESEEN: Final = (Error, LogError, OSError)


@dataclass
class Quiet(Session):
    """A session that prints nothing: what happens is seen in the log. Its clock is the ceremony's."""

    time_told: int = 0

    def now(self, place: Place) -> int:  # noqa: ARG002 - the ceremony's clock was chosen when it began
        """Return the ceremony's time."""
        return self.time_told

    def line(self, text: str = "") -> None:
        """Print nothing."""

    def note(self, key: str, /, **params: object) -> None:
        """Print nothing."""

    def answer(self, value: Mapping[str, object]) -> None:
        """Print nothing."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong at the desk, to be told in both languages; `lasting` if trying again would change nothing."""

    error: Exception
    lasting: bool


@dataclass
class House:
    """One ceremony. Everything that writes to the log does so through `at_desk`, one at a time."""

    place: Workspace
    reader: Reader
    notebook: Notebook
    clock: Clock
    fetch: Fetch
    examine: Examine
    data: bytes = b""
    ahead: int | None = None
    fault: Fault | None = None
    relays: Sequence[tuple[str, str]] = ()
    findings: Sequence[Finding] = ()
    tried: Exception | None = None
    examined: int | None = None
    desk_lock: Lock = field(default_factory=Lock)
    _reading: Lock = field(default_factory=Lock)
    _glanced: tuple[float, State] | None = None

    @property
    def name(self) -> str:
        """The draw's id."""
        return self.reader.name

    @property
    def form(self) -> DrawForm | None:
        """The draw's form, where there is one."""
        return self.reader.form

    def state(self) -> State:
        """Return the state now."""
        with self._reading:
            now = self.clock.now()
            return state_of(self.reader.facts(now), self.notebook.notes, now)

    def glance(self) -> State:
        """Return the state as it was a moment ago: however many ask in the hall, it is read four times a second."""
        now = time.monotonic()
        if self._glanced is None or now - self._glanced[0] >= MOMENT:
            self._glanced = now, self.state()
        return self._glanced[1]

    def onlooker(self) -> Desk:
        """Return a desk at which one only looks: nobody who has work at the log waits for that."""
        with self._reading:
            return self.reader.desk(self.clock.now())

    def look(self) -> None:
        """Examine the machine, and try whether the draw could be announced as it stands."""
        self.findings, self.tried = self.examine(), self._try()
        self.examined = self.clock.now()

    def _try(self) -> Exception | None:
        """Return why the draw could not be announced now, None where it could or is."""
        if self.state().facts.announced is not None:
            return None
        session = self.quiet(wait=0)
        try:
            form, data = form_to_log(self)
            announce_form(session, self.onlooker(), form, data, folder=self.reader.folder, dry_run=True)
        except FORESEEN as error:
            return error
        return None

    def quiet(self, wait: int = WAIT) -> Quiet:
        """Return a session for one piece of work at the desk."""
        return Quiet(folder=self.place.root, wait=wait, time_told=self.clock.now())

    @contextmanager
    def at_desk(self, session: Quiet) -> Iterator[Desk]:
        """Open the log for writing.

        Raises:
            WorkspaceError: `ceremony-busy`: somebody is at it, and pressing twice does nothing twice.
        """
        if not self.desk_lock.acquire(blocking=False):
            raise WorkspaceError("ceremony-busy")
        try:
            with writing(session, self.place) as desk:
                yield desk
        finally:
            self.desk_lock.release()


def open_house(
    place: Workspace, asked: str, *, clock: Clock, fetch: Fetch, examine: Examine, ahead: int | None = None
) -> House:
    """Return the ceremony of a draw, told by its file or, once it is announced, by its id.

    Raises:
        WorkspaceError: neither is there, or the draw's file has a mistake.
    """
    path = Path(asked)
    form, data, folder, name = None, b"", Path(), asked
    if path.suffix == ".toml" or path.is_file():
        form, data = read_form(path, DrawForm)
        folder, name = path.parent, form.id
    reader = Reader(place, name, form, folder)
    reader.facts(clock.now())  # what is wrong with the draw is told before the hall is there
    return House(place, reader, Notebook(place, name), clock, fetch, examine, data, ahead)


def form_to_log(house: House) -> tuple[DrawForm, bytes]:
    """Return the form that is announced, and its file: the bureau's own, with the hall's digits and the round."""
    form = house.form
    if form is None:
        raise WorkspaceError("ceremony-no-form", found=house.name)
    folder = house.place.draw(house.name)
    if (folder / REQUEST).exists() and _in_time(house, Request.read(read(folder / REQUEST)).said):
        return read_form(folder / "draw.toml", DrawForm)  # what others are asked to sign must not change meanwhile
    told = form
    if digits := house.notebook.notes.seed:
        told = told.model_copy(update={"seed": form.seed.model_copy(update={"digits": form.seed.digits + digits})})
    if house.ahead is not None:
        at = house.clock.now() + house.ahead
        beacon = tuple(b if b.at is None else b.model_copy(update={"at": at}) for b in form.beacon)
        told = told.model_copy(update={"beacon": beacon})
    return told, house.data if told == form else format_form(told)


def _in_time(house: House, said: Statement) -> bool:
    """Say whether an announcement that waits for signatures could still be cosigned: else another one is asked for."""
    trust = house.place.trust
    return isinstance(said, Announcement) and house.clock.now() < limit_of(said, trust.chains, trust.margin)


def notes_for(house: House, request: Path) -> list[Path]:
    """Return what departments or a second person have signed of a request, and handed in at the desk."""
    if not request.exists():
        return []
    text = Request.read(read(request)).said.text().decode()
    folder = house.place.draw(house.name) / COSIGNED
    notes = sorted(folder.glob("*.note")) if folder.is_dir() else []
    return [path for path in notes if Note.parse(read(path)).text == text]


def format_form(form: DrawForm) -> bytes:
    """Write a draw's form as the file that reads back as it."""

    def quoted(value: object) -> str:
        return json.dumps(value, ensure_ascii=False)  # a string of JSON is one of TOML

    fields = {
        "id": form.id, "objects": form.objects, "inspectors": form.inspectors, "window": form.window,
        "recusals": form.recusals, "margin": form.margin,
    }  # fmt: skip
    out = [f"{name} = {quoted(value)}" for name, value in fields.items() if value is not None]
    out.append(f"slots = [{', '.join(map(quoted, form.slots))}]")
    sealed = form.disclosure
    out.append('disclosure = "at-once"' if sealed is None else f"disclosure = {{ until = {quoted(sealed.until)} }}")
    for beacon in form.beacon:
        out.append("\n[[beacon]]")
        if beacon.at is None:
            out.append(f"events = {quoted(beacon.events)}")
        else:
            out += [f"chain = {quoted(beacon.chain)}", f"at = {quoted(format_time(beacon.at))}"]
    seed = form.seed
    out += ["\n[seed]", f"kind = {quoted(seed.kind)}", f"digits = {quoted(seed.digits)}"]
    out += [] if seed.minimum is None else [f"minimum = {seed.minimum}"]
    for one in seed.contributors:
        out += ["\n[[seed.contributors]]", f"name = {quoted(one.name)}", f"required = {str(one.required).lower()}"]
    return ("\n".join(out) + "\n").encode()


def sentences(error: Exception) -> dict[str, str]:
    """Return an error in both languages."""
    told = {"code": getattr(error, "code", "system")}
    for lang in ("zh", "en"):
        session = replace(Session(), lang=lang)
        if isinstance(error, (Error, LogError)):
            told[lang] = session.error(error)
        else:
            reason = getattr(error, "strerror", None) or type(error).__name__
            told[lang] = session.word("system.failed", file=getattr(error, "filename", None) or "", reason=reason)
    return told
