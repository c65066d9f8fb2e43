"""What the operator can do. Each act changes the notebook, or logs a statement as its command would; none chooses.

There is no act that draws again, moves a round, or takes a statement back: only the log can do the first, by `void` and
a new announcement where the plan allows it, and nothing can do the others.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any, Final

from fairdraw.announcement import artifact_of
from fairdraw.beacon import Chain, Pulse, format_pulse
from fairdraw.encoding import digest
from fairdraw.errors import Error, WorkspaceError
from fairdraw.nist import SCHEME as NIST
from fairdraw.schema import Evidence
from fairdraw_cli.aftermath import add_act, drawn_of
from fairdraw_cli.casework import find
from fairdraw_cli.ceremony.clocks import RehearsalClock
from fairdraw_cli.ceremony.house import COSIGNED, REQUEST, House, form_to_log, notes_for
from fairdraw_cli.ceremony.state import State, after, before, skips_to
from fairdraw_cli.commands.announce import announce_form
from fairdraw_cli.commands.later import close_reveals
from fairdraw_cli.cosigning import Request
from fairdraw_cli.desk import published
from fairdraw_cli.files import PRIVATE, read, write
from fairdraw_cli.pulses import store_taken
from fairdraw_cli.scan import check_scan, unsigned_records
from transparency_log.note import Note

INVITED: Final = (
    "people-congress", "cppcc", "discipline", "legal", "social", "superior", "department", "inspecting-unit",
)  # fmt: skip
MAX_PRESENT: Final = 99  # of one role
MAX_DIGITS: Final = 200  # of a published seed (specs/seed.md)
MAX_NOTE: Final = 64 << 10  # bytes of a signed note
MAX_SCAN: Final = 12 << 20  # bytes
CLOCK_FAULTS: Final = frozenset({"clock-slow", "clock-fast", "clock-behind-witnesses"})
_DIGITS: Final = re.compile(r"[0-9A-Za-z]{1,40}", re.ASCII)
_ROUND: Final = re.compile(r"\s*(?P<round>[1-9][0-9]{0,18})[\s:,;]+(?P<signature>[0-9a-fA-F]{96,192})\s*", re.ASCII)
_SUFFIX: Final = re.compile(r"\.[a-z0-9]{1,8}", re.ASCII)

Told = Mapping[str, Any]


def act(house: House, told: object) -> None:
    """Do what the operator asked for; `told` is the request's JSON.

    Raises:
        WorkspaceError: `ceremony-request`: no such act, or a value of the wrong kind; `ceremony-moved`: the screen is
            not the one on which the key was pressed; or what the act itself refuses.
    """
    match told:
        case {"do": str(name), "seen": str(seen), **values} if name in ACTS:
            state = house.state()
            if seen != state.screen:
                # A key that is pressed twice, or on a page that has not heard the news, must not count twice.
                raise WorkspaceError("ceremony-moved")
            ACTS[name](house, state, {str(key): value for key, value in values.items()})
        case _:
            raise WorkspaceError("ceremony-request", found=str(told)[:80])


def _value(told: Told, name: str, kind: type[Any], *, fits: Callable[[Any], bool] = lambda _: True) -> Any:
    value = told.get(name)
    if type(value) is not kind or not fits(value):
        raise WorkspaceError("ceremony-request", found=f"{name}: {str(value)[:40]}")
    return value


def _next(house: House, state: State, _told: Told) -> None:
    house.notebook.change(step=after(state.screen, state.facts, state.now), page=None)


def _back(house: House, state: State, _told: Told) -> None:
    house.notebook.change(step=before(state.screen, state.facts, state.now), page=None)


def _language(house: House, _state: State, told: Told) -> None:
    house.notebook.change(lang=_value(told, "lang", str, fits=lambda lang: lang in ("zh", "en")))


def _page(house: House, _state: State, told: Told) -> None:
    page = None if told.get("page") is None else _value(told, "page", int, fits=lambda page: 0 <= page < 100_000)
    house.notebook.change(page=page)


def _present(house: House, state: State, told: Told) -> None:
    role = _role(house, told)
    count = _value(told, "count", int, fits=lambda count: 0 <= count <= MAX_PRESENT)
    house.notebook.change(present=tuple(sorted({**dict(state.notes.present), role: count}.items())))


def roles_of(house: House) -> list[str]:
    """Return the roles in which somebody may be in the hall: those that regulations invite, and the trust file's."""
    ours = {one.role for one in house.place.trust.supervisors.values()}
    return [*INVITED, *sorted(ours - set(INVITED))]


def _role(house: House, told: Told) -> str:
    return str(_value(told, "role", str, fits=lambda role: role in roles_of(house)))


def _digits(house: House, state: State, told: Told) -> None:
    _before_lock(state)
    if house.form is not None and house.form.seed.kind != "published":
        raise WorkspaceError("ceremony-seed-committed")
    role, digits = _role(house, told), str(_value(told, "digits", str))
    whole = (house.form.seed.digits if house.form else "") + state.notes.seed + digits
    if not _DIGITS.fullmatch(digits) or len(whole) > MAX_DIGITS:
        raise WorkspaceError("ceremony-digits", expected="[0-9A-Za-z]{1,40}", found=digits[:40])
    house.notebook.change(digits=(*state.notes.digits, (role, digits)))


def _undo_digits(house: House, state: State, _told: Told) -> None:
    _before_lock(state)
    house.notebook.change(digits=state.notes.digits[:-1])


def _before_lock(state: State) -> None:
    if state.facts.announced is not None or state.facts.waiting:
        # Digits after the announcement would be a lever on the result.
        raise WorkspaceError("ceremony-locked")


def _look(house: House, state: State, told: Told) -> None:
    role = _value(told, "role", str, fits=lambda role: role in ("objects", "inspectors"))
    no = _value(told, "no", str, fits=lambda no: len(no) <= 40)
    house.notebook.change(looked=house.reader.found(role, no.strip(), state.now) if no.strip() else None)


def _lock(house: House, state: State, _told: Told) -> None:
    if state.screen != "check":
        raise WorkspaceError("ceremony-not-now")
    _check_clock(house)
    session = house.quiet()
    with house.at_desk(session) as desk:
        text = house.place.announced(house.name)
        if text is None or desk.history.find(text) is None:  # else a crash came after it had been signed
            form, data = form_to_log(house)
            request = house.place.draw(house.name) / REQUEST
            signed = notes_for(house, request)
            announce_form(session, desk, form, data, folder=house.reader.folder, answers=signed)
    if house.state().facts.announced is not None:
        house.notebook.change(step="lock", looked=None)


def _check_clock(house: House) -> None:
    """Refuse to lock by a clock that relays contradict: order is what the log is there to prove.

    Raises:
        WorkspaceError: `ceremony-clock`.
    """
    house.findings, house.examined = house.examine(), house.clock.now()
    if any(one.code in CLOCK_FAULTS and one.state == "fail" for one in house.findings):
        raise WorkspaceError("ceremony-clock")


def _examine(house: House, _state: State, _told: Told) -> None:
    house.look()


def _pulse(house: House, state: State, told: Told) -> None:
    """Take a round that somebody carried in: a file's text, a relay's answer, or round and signature of a QR code."""
    said, text = state.facts.announced, _value(told, "text", str, fits=lambda text: len(text) <= 64 << 10)
    if said is None or state.now < said.due:
        raise WorkspaceError("ceremony-not-now")
    chains = house.place.trust.chains
    lacking = [one for one in said.rounds if one.randomness is None and one.chain in chains]
    if not lacking:
        raise WorkspaceError("ceremony-round-there")
    for at, one in enumerate(lacking, 1):  # of two chains the text is one's, and its own signature says whose
        try:
            take(house, chains[one.chain], one.number, text)
            break
        except Error:
            if at == len(lacking):
                raise
    house.fault = None


def take(house: House, chain: Chain, number: int, text: str) -> None:
    """Verify a round and store it: it does not matter who brought it.

    Raises:
        BeaconError: it is another round, another chain's, or not signed.
    """
    if chain.scheme != NIST and (found := _ROUND.fullmatch(text)):
        pulse = Pulse(chain=chain.hash, round=int(found["round"]), signature=found["signature"].lower())
        store_taken(house.place, chain, number, format_pulse(pulse))
    else:
        store_taken(house.place, chain, number, text.encode())


def _cosigned(house: House, state: State, told: Told) -> None:
    """Take what a department or a second person has signed of the announcement, or of the record."""
    data = _value(told, "text", str, fits=lambda text: len(text) <= MAX_NOTE).encode()
    text, folder = Note.parse(data).text, house.place.draw(house.name)
    requests = [path for path in (folder / REQUEST, folder / "record.request") if path.exists()]
    if text not in [Request.read(read(path)).said.text().decode() for path in requests]:
        raise WorkspaceError("answer-of-another", found=text.partition("\n")[0][:40])
    write(folder / COSIGNED / f"{digest(data)}.note", data, mode=PRIVATE)
    house.fault = None
    if state.screen == "check":
        _lock(house, state, told)


def _signed(house: House, state: State, told: Told) -> None:
    role, on = _role(house, told), _value(told, "on", bool)
    if state.facts.drawn is None:
        raise WorkspaceError("ceremony-not-now")
    signed = {*state.notes.signed, role} if on else set(state.notes.signed) - {role}
    house.notebook.change(signed=tuple(sorted(signed)))


def _scan(house: House, state: State, told: Told) -> None:
    """Keep the scan of a signed sheet, and log its digest beside the draw."""
    if state.facts.drawn is None:
        raise WorkspaceError("ceremony-not-now")
    suffix = PurePath(_value(told, "name", str)).suffix.lower()
    try:
        data = base64.b64decode(_value(told, "data", str), validate=True)
    except binascii.Error:
        raise WorkspaceError("ceremony-request", found="data") from None
    if not data or len(data) > MAX_SCAN:
        raise WorkspaceError("ceremony-scan", expected=MAX_SCAN, found=len(data))
    named, session = artifact_of(data), house.quiet()
    file = f"{named.digest}{suffix if _SUFFIX.fullmatch(suffix) else ''}"
    with house.at_desk(session) as desk:
        matter = find(desk, house.name)
        drawn = drawn_of(matter)
        check_scan(data, unsigned_records(matter, drawn), file=str(told["name"])[:80])
        write(house.place.draw(house.name) / "scans" / file, data, mode=PRIVATE)
        entry, _ = add_act(desk, Evidence, regulation=None, of=drawn.ref, files=(named,))
        published(session, desk, entry.index)


def _close_seeds(house: House, _state: State, _told: Told) -> None:
    """Close the list of revealed seeds; while one that is needed lacks, nothing is closed."""
    session = house.quiet()
    with house.at_desk(session) as desk:
        close_reveals(session, find(desk, house.name))


def _retry(house: House, _state: State, _told: Told) -> None:
    house.fault = None


def _skip(house: House, state: State, _told: Told) -> None:
    """Let a rehearsal's clock skip ahead to just before what is waited for."""
    clock, to = house.clock, skips_to(state.facts, state.now)
    if not isinstance(clock, RehearsalClock):
        raise WorkspaceError("ceremony-only-rehearsal")
    if to is None:
        raise WorkspaceError("ceremony-not-now")
    clock.skip(to)
    house.notebook.change(time=clock.now())


Act = Callable[[House, State, Told], None]
ACTS: Final[Mapping[str, Act]] = {
    "next": _next,
    "back": _back,
    "language": _language,
    "page": _page,
    "present": _present,
    "digits": _digits,
    "undo-digits": _undo_digits,
    "look": _look,
    "lock": _lock,
    "examine": _examine,
    "pulse": _pulse,
    "cosigned": _cosigned,
    "signed": _signed,
    "scan": _scan,
    "close-seeds": _close_seeds,
    "retry": _retry,
    "skip": _skip,
}
