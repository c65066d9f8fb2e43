"""`freeze` for registries of any size: what the command does in memory, done with files (docs/scale.md).

A freeze that was cut off, by whatever, goes on when the same command is given again: under the same secret, so that the
roster is the same, and one that is in the log already is not logged again.
"""

import filecmp
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import disk_usage, rmtree
from typing import TYPE_CHECKING

from fairdraw import encoding
from fairdraw.announcement import artifact_of
from fairdraw.bulk.freezing import EVERY, Found, Freezing, Frozen, Input, Tell
from fairdraw.bulk.parts import part_files
from fairdraw.bulk.rosters import roster_rows, same_but_for_seals, seal_seen_before
from fairdraw.bulk.sources import CHUNK
from fairdraw.errors import Error, SnapshotError, WorkspaceError
from fairdraw.registry import left_out_list
from fairdraw.registry.tabular import Kind
from fairdraw.schema import SnapshotStatement
from fairdraw.sealing import SECRET_LENGTH
from fairdraw.statement import Entry
from fairdraw_cli.commands.freeze import (
    Cluster,
    begin_snapshot,
    check_attributes,
    plan_of,
    private_lines_of,
    snapshots_of,
    tell_anonymity,
    tell_problems,
)
from fairdraw_cli.desk import Desk, published
from fairdraw_cli.extras import need
from fairdraw_cli.files import PRIVATE, PUBLIC, place_link, write
from fairdraw_cli.progress import moving
from fairdraw_cli.refused import Source
from fairdraw_cli.session import Session
from fairdraw_cli.workspace import HALF_DONE

if TYPE_CHECKING:
    from fairdraw.bulk.spread import Spread


@dataclass(frozen=True)
class Asked:
    """What the command was asked for."""

    registry: str
    source: Source
    kind: Kind
    skip_bad: bool
    once: bool
    keep_private: bool
    cluster: Cluster | None = None


def freeze_streamed(session: Session, desk: Desk, asked: Asked) -> None:
    """Freeze a registry without holding it in memory."""
    if asked.kind == "parquet":
        need("arrow")
    registry, place = asked.registry, desk.workspace
    plan = plan_of(desk, registry)
    known = place.registry(registry) / "numbers.csv"
    scratch = place.root / HALF_DONE / registry
    with (
        ExitStack() as line,
        _begin(asked, scratch, known if known.exists() else None, line.enter_context(moving(session))) as freezing,
    ):
        try:
            check_attributes(plan, registry, freezing.attrs)
            _check_begin(session, freezing)
            found = freezing.read()
            if found.problems and not asked.skip_bad:
                line.close()
                _refuse(session, found, asked)
            made = freezing.seal()
            line.close()
            problems = tell_problems(session, found.problems, asked.source)
            entry, number, fresh = _log(desk, asked, found, made, freezing.secret)
        except Error:
            freezing.discard()  # to go on would only come here again, and under a secret that was used before for ever
            raise
        name = f"{registry}-{number}"
        session.say("freeze.frozen" if fresh else "freeze.already", id=name, count=made.listing.count,
                    left_out=len(found.left_out))  # fmt: skip
        root = entry.of(SnapshotStatement).roster.root
        session.say("freeze.root", root=root)
        if not asked.keep_private:
            session.say("freeze.no-private", id=name)
        anonymity = _anonymity(session, made, asked.source)
        told = published(session, desk, entry.index)
        freezing.discard()  # now nothing is left to go on with
    answer = {"frozen": name, "count": made.listing.count, "root": root, "problems": problems}
    session.answer({**answer, "anonymity": anonymity, **told})


def _check_begin(session: Session, freezing: "Freezing | Spread") -> None:
    if freezing.resumed:
        session.note("freeze.resumed", rows=f"{freezing.rows:,}")
    elif (needed := freezing.space_needed() or 0) > (free := min(disk_usage(at).free for at in freezing.folders)):
        raise WorkspaceError("disk-too-small", expected=_size(needed), found=_size(free))


@contextmanager
def _begin(asked: Asked, scratch: Path, numbers: Path | None, tell: Tell) -> Iterator["Freezing | Spread"]:
    """Begin a freeze, or go on with one that was cut off: on this machine or on a cluster."""
    source, secrets = asked.source, (os.urandom(SECRET_LENGTH), os.urandom(SECRET_LENGTH))
    if asked.cluster is not None:
        from fairdraw.bulk.spread import InParts, Spread, connect

        parts = InParts(part_files(source.file, asked.kind)[1], asked.kind, source.mapping, numbers, asked.keep_private)
        with (
            connect(asked.cluster.scheduler) as client,
            Spread(parts, scratch, asked.cluster.shared, client, *secrets, tell=tell, chunk=CHUNK) as spread,
        ):
            yield spread
        return
    if not source.piped and not source.file.is_file():
        raise WorkspaceError("file-missing", found=str(source.file))
    where = sys.stdin.buffer if source.piped else source.file
    taken = Input(where, asked.kind, source.mapping, source.file.name, numbers, asked.keep_private)
    with Freezing(taken, scratch, *secrets, tell=tell, chunk=CHUNK, every=EVERY) as freezing:
        yield freezing


def _size(count: int) -> str:
    return f"{count / (1 << 30):.1f} GiB"


def _refuse(session: Session, found: Found, asked: Asked) -> None:
    problems = tell_problems(session, found.problems, asked.source)
    nothing = WorkspaceError("nothing-frozen", count=len(found.left_out))
    session.answer({"frozen": None, "problems": problems, "error": {"code": nothing.code, "params": nothing.params}})
    raise nothing


def _log(desk: Desk, asked: Asked, found: Found, made: Frozen, secret: bytes) -> tuple[Entry, int, bool]:
    """Return the snapshot's entry, its number, and whether it is new."""
    place, registry = desk.workspace, asked.registry
    earlier = snapshots_of(desk, registry)
    logged = [e for e, s in desk.history.all(SnapshotStatement, place.bureau) if s.registry == registry]
    if earlier and (earlier[-1][1].roster == made.listing or (asked.once and _same(desk, registry, earlier, made))):
        return logged[-1], len(earlier), False
    rosters = [place.root / "artifacts" / said.roster.digest for _, said in earlier]
    if made.private and seal_seen_before(made.roster, rosters):
        raise SnapshotError("seal-seen-before")
    number = len(earlier) + 1
    left_out = left_out_list(found.problems) if found.problems else None
    _store(desk, registry, number, made, secret)
    if left_out is not None:
        place.keep(left_out, encoding.digest(left_out))
    said = None if left_out is None else {**artifact_of(left_out).model_dump(), "count": len(found.left_out)}
    entry = desk.add(
        desk.head.make(
            SnapshotStatement, registry=registry, roster=made.listing, published=True, attrs=made.attrs,
            private=made.private, left_out=said,
        )
    )  # fmt: skip
    return entry, number, True


def _same(desk: Desk, registry: str, earlier: Sequence[tuple[str, SnapshotStatement]], made: Frozen) -> bool:
    """Say whether the newest snapshot has these very rows: an earlier `freeze --once` has logged it."""
    private = private_lines_of(desk.workspace, registry, len(earlier))
    roster = desk.workspace.root / "artifacts" / earlier[-1][1].roster.digest
    return (
        made.private_lines is not None
        and private.exists()
        and filecmp.cmp(private, made.private_lines, shallow=False)
        and same_but_for_seals(roster, made.roster)
    )


def _store(desk: Desk, registry: str, number: int, made: Frozen, secret: bytes) -> None:
    """Store all that the snapshot needs later, before it is logged; the files of rows get their names at a stroke."""
    place = desk.workspace
    folder = begin_snapshot(place, registry, number, secret)
    if made.private_lines is not None:
        place_link(made.private_lines, folder / "private.jsonl", mode=PRIVATE)
    else:
        write(folder / "private.jsonl", b"", mode=PRIVATE)  # else a later snapshot's would be taken for this one's
    place.keep_file(made.roster, made.listing.digest)
    place_link(made.roster, folder / "roster.jsonl", mode=PUBLIC)
    levels = folder / f"levels-{number}"
    rmtree(levels, ignore_errors=True)
    levels.mkdir()
    for path in sorted(made.levels.iterdir(), reverse=True):  # level 0 last: where it is, all are
        place_link(path, levels / path.name, mode=PUBLIC)
    if made.numbers is not None:
        place_link(made.numbers, folder / "numbers.csv", mode=PRIVATE)


def _anonymity(session: Session, made: Frozen, source: Source) -> dict[str, object]:
    if made.groups is None:
        session.say("freeze.groups-many")
        return {"least": None, "groups": None, "below": None, "alone": None}
    rare = {attrs for attrs, count in made.groups.items() if count == 1}
    single = (row for row in roster_rows(made.roster) if row[1] in rare)
    shown = ((no.decode(), tuple(json.loads(attrs).values())) for no, attrs, _ in single)
    fields = [field for field, _ in made.attrs]
    return tell_anonymity(session, sorted(made.groups.values()), shown, fields, source.called)
