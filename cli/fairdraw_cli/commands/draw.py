"""`draw`: the round is due, the lots are drawn, the record is logged, and bundle and record are written."""

from collections.abc import Sequence
from pathlib import Path

import click

from fairdraw import encoding
from fairdraw.announcement import key_material
from fairdraw.bundle import Bundle, artifact_names, bundle_of, left_out, read_file
from fairdraw.draw import draw_lots
from fairdraw.errors import WorkspaceError
from fairdraw.exclusion import looks_back
from fairdraw.record import make_record
from fairdraw.render import fingerprint
from fairdraw.schema import Draw, ItemList, Opening, SnapshotStatement
from fairdraw.statement import Entry
from fairdraw.values import PulseValue
from fairdraw_cli.casework import Matter, check_ready, earlier_of, find, pulses_of, seeds_of
from fairdraw_cli.cosigning import Request, pending, second_of, signed_by_all, still_asked
from fairdraw_cli.desk import published, writing
from fairdraw_cli.files import PRIVATE, PUBLIC, read, write
from fairdraw_cli.helping import command
from fairdraw_cli.papers import write_record
from fairdraw_cli.pulses import finder
from fairdraw_cli.session import Session
from transparency_log.checkpoint import cosignatures
from transparency_log.note import Note
from transparency_log.policy import order_time


def bundle_path(matter: Matter, *, sealed: bool = False) -> Path:
    """Return where a draw's bundle lies; a sealed draw's private one, with the embargo, has a name of its own."""
    suffix = ".sealed.fairdraw.json" if sealed else ".fairdraw.json"
    return matter.desk.workspace.draw(matter.name) / f"{matter.name}{suffix}"


def make(matter: Matter, drawn: Entry, pulses: tuple[PulseValue, ...], *, whole: bool) -> Bundle:
    """Return a draw's bundle; without `whole` it is that of a sealed draw, with no drawn number in it."""
    desk, said = matter.desk, matter.said
    snapshots = [matter.named(ref).of(SnapshotStatement) for ref in (said.objects, said.inspectors, *said.joint)]
    draws = [drawn.of(Draw)] if whole else []
    plan = matter.plan()
    items = None if plan.items is None else desk.history.named(plan.items.text).of(ItemList)
    rules = None if said.regulation is None else desk.workspace.artifact(said.regulation.digest)
    earlier = _earlier_open(matter)
    names = artifact_names(said, snapshots, [*draws, *earlier], items, pulses=pulses, regulation=rules)
    names = sorted({*names} - left_out(said.roster for said in snapshots))
    embargo = matter.embargo() if whole else None
    return bundle_of(
        desk.history.statements,
        desk.proofs(),
        announcement=matter.announcement,
        draw=drawn,
        pulses=pulses,
        artifacts={name: desk.workspace.artifact(name) for name in names},
        embargo=None if embargo is None else embargo.hex(),
    )


def _earlier_open(matter: Matter) -> list[Draw]:
    """Return the year's earlier draws that the caps count, but for those that are still sealed."""
    if not looks_back(matter.plan(), matter.said.slots):
        return []
    desk = matter.desk
    opened = {opening.of.text for _, opening in desk.history.all(Opening, desk.workspace.bureau)}
    draws = [entry for entry, _, _ in earlier_of(desk, matter.plan(), matter.announcement.index)]
    return [entry.of(Draw) for entry in draws if entry.of(Draw).key is not None or entry.text_hash in opened]


def _is_witnessed(matter: Matter, path: Path) -> bool:
    """Say whether a bundle is there whose checkpoint carries a quorum: it is final."""
    if not path.exists():
        return False
    policy = matter.desk.workspace.trust.policy
    note = Note.parse(encoding.from_base64(read_file(read(path)).checkpoint))
    return order_time(policy, cosignatures(note, [witness.verifier for witness in policy.witnesses])) is not None


def write_bundles(matter: Matter, drawn: Entry, *, anew: bool = False) -> list[Path]:
    """Write what people are given of a draw, unless it is there already; returns the paths."""
    pulses = drawn.of(Draw).pulses
    hidden = matter.hidden
    paths = [bundle_path(matter)] + ([bundle_path(matter, sealed=True)] if hidden else [])
    for path in paths:
        private = path != paths[0]
        if anew or not _is_witnessed(matter, path):
            bundle = make(matter, drawn, pulses, whole=private or not hidden)
            write(path, bundle.format(), mode=PRIVATE if private else PUBLIC)
    return paths


def request_path(matter: Matter) -> Path:
    """Return where a record waits for the second signature."""
    return matter.desk.workspace.draw(matter.name) / "record.request"


def drafted(matter: Matter, given: Sequence[Path], second: str | None) -> Draw:
    """Draw and store the result; return the record, nobody's yet.

    Raises:
        WorkspaceError: the draw is not ready.
        AssignmentError: no team can be drawn under the announced rules.
    """
    check_ready(matter)
    desk, request = matter.desk, request_path(matter)
    waiting = pending(desk, request, Draw)
    if (
        waiting is not None
        and waiting.announcement.text == matter.announcement.text_hash
        and still_asked(desk.workspace, waiting, matter.said.window, second)
    ):
        return waiting
    pulses, randomness = pulses_of(matter, finder(desk.workspace, tuple(given), several=len(matter.said.beacon) > 1))
    embargo = matter.embargo()
    material = key_material(matter.announcement, seeds=seeds_of(matter), pulses=randomness, embargo=embargo)
    inputs = matter.inputs()
    outcome = draw_lots(inputs, material.key())
    beside = second_of(desk.workspace, matter.said.window, second)
    record = make_record(desk.head, inputs, pulses=pulses, outcome=outcome, embargo=embargo, with_=beside)
    # A sealed result is nobody's to read before its day, so it does not lie beside the tiles.
    desk.workspace.keep(record.artifact, record.statement.results.digest, public=matter.sealed is None)
    if beside:
        Request(record.statement, None, None).write(request)
    return record.statement


def log_record(matter: Matter, said: Draw, *, keys: Sequence[Path] = (), answers: Sequence[Path] = ()) -> Entry | None:
    """Log a record once its second has signed it; None as long as it waits for that."""
    signed = signed_by_all(matter.desk, said, keys, answers)
    if signed is None:
        return None
    entry = matter.desk.add_signed(signed)
    request_path(matter).unlink(missing_ok=True)
    return entry


def draw_now(matter: Matter, given: Sequence[Path], *, answers: Sequence[Path] = ()) -> Entry:
    """Draw, store the result and log the record.

    Raises:
        WorkspaceError: the draw is not ready; or `waits-for-second`, whose signature is not at hand.
        AssignmentError: no team can be drawn under the announced rules.
    """
    said = drafted(matter, given, None)
    entry = log_record(matter, said, answers=answers)
    if entry is None:
        raise WorkspaceError("waits-for-second", expected=list(said.with_), found=str(request_path(matter)))
    return entry


def _tell_waiting(session: Session, matter: Matter, said: Draw) -> None:
    """Say whose signature a record waits for; nothing of the draw is told before both have signed."""
    request, shown = request_path(matter), fingerprint(said.text_hash())
    session.say("cosigning.waiting", names=list(said.with_), file=request)
    session.say("cosigning.how-to", file=request)
    session.say("draw.fingerprint", fingerprint=shown)
    session.answer({"id": matter.name, "request": str(request), "with": list(said.with_), "fingerprint": shown})


@command(
    click.argument("name", metavar="DRAW-ID"),
    click.option("--pulse", "given", multiple=True, metavar="FILE", type=click.Path(path_type=Path)),
    click.option("--second", metavar="NAME"),
    click.option("--key", "keys", multiple=True, metavar="FILE", type=click.Path(path_type=Path)),
    click.option("--cosigned", "answers", multiple=True, metavar="FILE", type=click.Path(path_type=Path)),
    json=True,
    clock=True,
    wait=True,
)
def draw(
    session: Session, name: str, given: tuple[Path, ...], second: str | None, keys: tuple[Path, ...],
    answers: tuple[Path, ...],
) -> None:  # fmt: skip
    """Draw the lots of an announced draw."""
    with writing(session) as desk:
        matter = find(desk, name)
        if matter.draw is None:
            said = drafted(matter, given, second)
            logged = log_record(matter, said, keys=keys, answers=answers)
            if logged is None:
                _tell_waiting(session, matter, said)
                return
            drawn, matter = logged, find(desk, name)
            session.say("draw.drawn", id=name)
        else:
            drawn = matter.draw
            session.say("draw.already", id=name, index=drawn.index)
        told = published(session, desk, drawn.index)
        if not told["quorum"]:
            session.say("draw.not-final", id=name)
        paths = write_bundles(matter, drawn)
        text, papers = write_record(session, matter, drawn)
        statement = drawn.of(Draw)
        if matter.sealed is None or not matter.hidden:
            session.line()
            session.line(text.rstrip("\n"))
            session.line()
        else:
            session.say("draw.sealed", date=matter.sealed.date, drawn=statement.counts.drawn)
        session.say("draw.fingerprint", fingerprint=fingerprint(drawn.text_hash))
        for path in (*paths, *papers):
            private = path.stat().st_mode & 0o077 == 0
            sealed = "draw.written-sealed" if path in paths else "draw.written-private"
            session.say(sealed if private else "draw.written", file=path)
        session.say("print.how", id=name)
        session.answer(
            {"id": name, "text": drawn.text_hash, "fingerprint": fingerprint(drawn.text_hash),
             "counts": statement.counts.model_dump(), "results": statement.results.model_dump(),
             "files": [str(path) for path in (*paths, *papers)], **told}
        )  # fmt: skip
