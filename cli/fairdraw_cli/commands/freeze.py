"""`freeze`: a registry file becomes a snapshot whose roster everybody may read and whose names nobody can."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import click

from fairdraw import encoding
from fairdraw.announcement import artifact_of
from fairdraw.errors import WorkspaceError
from fairdraw.filter import fields, parse
from fairdraw.registry import Problem, Reading, Row, left_out_list
from fairdraw.registry.tabular import Kind, kind_of
from fairdraw.registry.workbook.sheet import runs
from fairdraw.roster import Attributes, read_roster
from fairdraw.schema import Plan, SnapshotStatement
from fairdraw.sealing import SECRET_LENGTH
from fairdraw.snapshot import SMALL_GROUP, Snapshot, attribute_groups
from fairdraw.snapshot import freeze as freeze_registry
from fairdraw.statement import Entry
from fairdraw_cli.desk import Desk, published, writing
from fairdraw_cli.extras import need
from fairdraw_cli.files import PRIVATE, create_private, read, write
from fairdraw_cli.helping import command
from fairdraw_cli.refused import MENDED, REFUSED, Source, check_refused, map_of, write_refused
from fairdraw_cli.rows import bad_row
from fairdraw_cli.session import Session
from fairdraw_cli.workspace import Workspace, check_id

SHOWN_ALIKE: Final = 5  # rows with one problem in one column, on a terminal; --json tells all
SHOWN_RUNS: Final = 200  # lines and runs of lines of the others
SHOWN_ALONE: Final = 10
STEPS: Final = 3  # that are told to who watches: read, sealed, logged
STREAMED_FROM: Final = 64 << 20  # bytes of a CSV file: a smaller one is quicker in memory, and some 400 MiB there
SEAL_MARK: Final = b'"seal":"'


def snapshots_of(desk: Desk, registry: str) -> list[tuple[str, SnapshotStatement]]:
    """Return a registry's snapshots as (id, statement), oldest first; an id is `<registry>-<n>`."""
    told = [s for _, s in desk.history.all(SnapshotStatement, desk.workspace.bureau) if s.registry == registry]
    return [(f"{registry}-{number}", statement) for number, statement in enumerate(told, 1)]


def plan_of(desk: Desk, registry: str) -> Plan:
    """Return the newest plan that names this registry, if a quorum has cosigned it.

    Raises:
        WorkspaceError: `registry-not-in-plan`, or `plan-not-witnessed`.
    """
    plans = list(desk.history.all(Plan, desk.workspace.bureau))
    named = [(entry, plan) for entry, plan in plans if registry in (plan.objects, plan.inspectors)]
    if not named:
        known = sorted({name for _, plan in plans for name in (plan.objects, plan.inspectors)})
        raise WorkspaceError("registry-not-in-plan", expected=known, found=registry)
    entry, plan = named[-1]
    if all(size.quorum_time is None for size in desk.sizes(above=entry.index)):
        # Else the strata could be cut to fit the rows (attack 14).
        raise WorkspaceError("plan-not-witnessed", plan=plan.plan, index=entry.index)
    return plan


def check_attributes(plan: Plan, registry: str, attrs: Iterable[str]) -> None:
    """Refuse a registry without the attributes that its plan uses: its draw could never be announced."""
    needed: set[str] = set()
    if registry == plan.objects:
        needed |= {name for rule in plan.rules for name in (*rule.fields, *fields(parse(rule.filter)))}
        needed |= plan.team.object_fields
    if registry == plan.inspectors:
        needed |= plan.team.inspector_fields
    has = set(attrs)
    if lacking := sorted(needed - has):
        raise WorkspaceError("attribute-missing", registry=registry, expected=lacking, found=sorted(has))


def tell_problems(session: Session, problems: Sequence[Problem], source: Source) -> list[dict[str, object]]:
    """Print the bad rows, and return them for a program.

    Rows of a column that was filled in wrongly from top to bottom are told in one sentence after the first few.
    """
    alike: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        alike.setdefault((problem.field, problem.code), []).append(problem)
    for group in alike.values():
        shown = len(group) if len(group) <= SHOWN_ALIKE + 1 else SHOWN_ALIKE
        for problem in group[:shown]:
            session.say("freeze.bad-row", **bad_row(session, problem, source.called))
        if others := runs(problem.line for problem in group[shown:]):
            more = ["…"] if len(others) > SHOWN_RUNS else []
            session.say("freeze.alike", count=len(group) - shown, lines=[*others[:SHOWN_RUNS], *more])
    return [
        {"line": p.line, "cell": p.cell, "field": p.field, "code": p.code, "expected": p.expected, "found": p.found}
        for p in problems
    ]


def _seals(place: Workspace, earlier: Sequence[tuple[str, SnapshotStatement]]) -> set[str]:
    """Return every seal of a registry's earlier snapshots: equal seals link rows, and betray a secret used twice."""
    return {seal for _, statement in earlier for seal in seals_in(place.artifact(statement.roster.digest))}


def seals_in(roster: bytes) -> Iterator[str]:
    """Yield the seals of a roster."""
    for line in roster.splitlines():
        yield line.rpartition(SEAL_MARK)[2][:64].decode()


def _private_lines(rows: Iterable[Row]) -> bytes:
    return encoding.lines(encoding.canonical({"no": row.no, "private": list(row.private)}) for row in rows)


def begin_snapshot(place: Workspace, registry: str, number: int, secret: bytes) -> Path:
    """Keep a snapshot's secret, lay the private lines of the one before aside, and return the registry's folder."""
    folder = place.registry(registry)
    folder.mkdir(mode=0o700, exist_ok=True)
    place.secret(f"{registry}-{number}.secret").unlink(missing_ok=True)  # of a snapshot that was never logged
    create_private(place.secret(f"{registry}-{number}.secret"), f"{secret.hex()}\n".encode())
    before = folder / f"private-{number - 1}.jsonl"
    if (folder / "private.jsonl").exists() and not before.exists():
        (folder / "private.jsonl").rename(before)
    return folder


def private_lines_of(place: Workspace, registry: str, newest: int) -> Path:
    """Return where the private lines of a registry's newest snapshot are, if they were kept."""
    folder = place.registry(registry)
    # After one that was cut off before it logged anything, `private.jsonl` is that one's.
    older = folder / f"private-{newest}.jsonl"
    return older if older.exists() else folder / "private.jsonl"


def _store(
    desk: Desk, registry: str, *, number: int, reading: Reading, frozen: Snapshot, secret: bytes, keep_private: bool
) -> None:
    """Store all that the snapshot needs later, before it is logged: a lost secret opens nothing for ever."""
    place = desk.workspace
    folder = begin_snapshot(place, registry, number, secret)
    # Where nothing is to be kept an empty file is: else a later snapshot's would be taken for this one's.
    write(folder / "private.jsonl", _private_lines(frozen.rows) if keep_private else b"", mode=PRIVATE)
    write(folder / "roster.jsonl", frozen.roster.artifact)
    if reading.numbers is not None:
        write(folder / "numbers.csv", reading.numbers, mode=PRIVATE)
    place.keep(frozen.roster.artifact, encoding.digest(frozen.roster.artifact))
    if reading.problems:
        left_out = left_out_list(reading.problems)
        place.keep(left_out, encoding.digest(left_out))


def _logged_already(desk: Desk, registry: str, frozen: Snapshot) -> Entry | None:
    """Return the registry's newest snapshot if it has these very rows: a `freeze` that was cut off has logged it."""
    logged = [e for e, s in desk.history.all(SnapshotStatement, desk.workspace.bureau) if s.registry == registry]
    private = private_lines_of(desk.workspace, registry, len(logged))
    if not logged or not private.exists() or read(private) != _private_lines(frozen.rows):
        return None
    statement = logged[-1].of(SnapshotStatement)
    rows = read_roster(desk.workspace.artifact(statement.roster.digest), statement).rows
    same = [(row.no, row.attrs) for row in rows] == [(row.no, row.attrs) for row in frozen.roster.rows]
    return logged[-1] if same else None


def _left_out(reading: Reading) -> dict[str, object] | None:
    if not reading.problems:
        return None
    return {**artifact_of(left_out_list(reading.problems)).model_dump(), "count": len(reading.left_out)}


def _anonymity(session: Session, frozen: Snapshot, called: Mapping[str, str]) -> dict[str, object]:
    groups = attribute_groups(frozen.roster)
    rare = {values for values, count in groups if count == 1}
    single = ((row.no, row.attrs) for row in frozen.roster.rows)
    rows = ((no, tuple(attrs.values())) for no, attrs in single if _values(attrs) in rare)
    return tell_anonymity(session, [count for _, count in groups], rows, [field for field, _ in frozen.attrs], called)


def tell_anonymity(
    session: Session,
    counts: Sequence[int],
    alone: Iterable[tuple[str, tuple[object, ...]]],
    fields: Sequence[str],
    called: Mapping[str, str],
) -> dict[str, object]:
    """Print how many rows share their attributes at least, and the rows that stand alone (attack 37).

    `counts` are the rows of each tuple of attributes, ascending; `alone` are the number and attributes of single rows.
    """
    single, few = counts.count(1), sum(count < SMALL_GROUP for count in counts)
    session.say("freeze.anonymity", least=counts[0], groups=len(counts), few=few, small=SMALL_GROUP)
    if single:
        session.say("freeze.alone", count=single)
        titles = (session.word("preview.no"), *(called.get(field, field) for field in fields))
        shown = islice(alone, SHOWN_ALONE)
        session.table([titles, *((no, *map(session.words.show, values)) for no, values in shown)])
        if single > SHOWN_ALONE:
            session.say("freeze.more", count=single - SHOWN_ALONE)
    return {"least": counts[0], "groups": len(counts), "below": few, "alone": single}


def _values(attrs: Attributes) -> tuple[object, ...]:
    return tuple(tuple(v) if isinstance(v, list) else v for v in attrs.values())


@dataclass(frozen=True)
class Cluster:
    """A Dask cluster: the address of its scheduler, and a folder that all its workers see."""

    scheduler: str
    shared: Path


def _cluster(scheduler: str | None, shared: Path | None) -> Cluster | None:
    if scheduler is None and shared is None:
        return None
    if scheduler is None or shared is None:
        raise WorkspaceError("scheduler-without-shared")
    need("dask")
    if not shared.is_dir():
        raise WorkspaceError("folder-missing", found=str(shared))
    return Cluster(scheduler, shared)


def _kind_streamed(source: Source, told: Kind | None, cluster: Cluster | None, *, sheet: bool) -> Kind | None:
    """Return of what kind a registry is that is not to be held in memory; None if it is.

    Where the refused rows are to stand in a `sheet`, or come from one, all that can be is held; by a cluster none is.

    Raises:
        WorkspaceError: `format-with-pipe`, or `refused-streamed`.
        RegistryError: `file-type`, or what is wrong with the parts.
    """
    kind = _kind_in_parts(source, told) if cluster else _kind_of_one(source, told, sheet=sheet)
    if kind and sheet:
        raise WorkspaceError("refused-streamed", found=str(source.file))
    return kind


def _kind_in_parts(source: Source, told: Kind | None) -> Kind:
    from fairdraw.bulk.parts import part_files

    return part_files(source.file, told)[0]


def _kind_of_one(source: Source, told: Kind | None, *, sheet: bool) -> Kind | None:
    if source.piped or told:
        if not (source.piped and told):
            raise WorkspaceError("format-with-pipe")
        return told
    kind = kind_of(source.file.name)
    size = source.file.stat().st_size if source.file.is_file() else 0
    held = kind == "sheet" or (size < STREAMED_FROM and (kind == "csv" or sheet))
    return None if held else kind


@command(
    click.argument("registry", metavar="REGISTRY"),
    click.argument("file", metavar="FILE", type=click.Path(path_type=Path)),
    click.option("--map", "map_file", metavar="MAP.toml", type=click.Path(path_type=Path)),
    click.option("--skip-bad", is_flag=True),
    REFUSED,
    MENDED,
    click.option("--format", "kind", type=click.Choice(["csv", "jsonl", "parquet"]), metavar="csv|jsonl|parquet"),
    click.option("--scheduler", metavar="ADDRESS"),
    click.option("--shared", metavar="FOLDER", type=click.Path(path_type=Path)),
    click.option("--no-private", is_flag=True),
    click.option("--once", is_flag=True),
    json=True,
    clock=True,
    wait=True,
)
def freeze(  # noqa: PLR0913 - each is an option
    session: Session,
    registry: str,
    file: Path,
    map_file: Path | None,
    refused: Path | None,
    mended: Path | None,
    kind: Kind | None,
    *,
    scheduler: str | None,
    shared: Path | None,
    skip_bad: bool,
    no_private: bool,
    once: bool,
) -> None:
    """Freeze a registry file as the newest snapshot of a registry."""
    check_id(registry)
    check_refused(refused)
    source = Source(file, map_of(map_file), mended)
    if once and no_private:
        raise WorkspaceError("once-without-private")
    cluster = _cluster(scheduler, shared)
    with writing(session) as desk:
        if streamed := _kind_streamed(source, kind, cluster, sheet=bool(refused or mended)):
            from fairdraw_cli.streamed import Asked, freeze_streamed

            keep = not no_private
            asked = Asked(registry, source, streamed, skip_bad=skip_bad, once=once, keep_private=keep, cluster=cluster)
            freeze_streamed(session, desk, asked)
            return
        plan = plan_of(desk, registry)
        known = desk.workspace.registry(registry) / "numbers.csv"
        numbers = read(known) if known.exists() else None
        reading = source.read(numbers=numbers, secret=os.urandom(SECRET_LENGTH))
        session.progress(1, STEPS, "read")
        if reading.sheet:
            session.say("freeze.sheet", sheet=reading.sheet, file=file.name)
        problems = tell_problems(session, reading.problems, source)
        if problems and not skip_bad:
            write_refused(session, refused, source, reading)
            nothing = WorkspaceError("nothing-frozen", count=len(reading.left_out))
            error = {"code": nothing.code, "params": nothing.params}
            session.answer({"frozen": None, "problems": problems, "error": error})
            raise nothing
        check_attributes(plan, registry, (name for name, _ in reading.registry.attrs))
        earlier = snapshots_of(desk, registry)
        number = len(earlier) + 1
        secret = os.urandom(SECRET_LENGTH)
        frozen = freeze_registry(reading.registry, secret, previous_seals=_seals(desk.workspace, earlier))
        session.progress(2, STEPS, "sealed")
        before = _logged_already(desk, registry, frozen) if once else None
        if before is None:
            _store(desk, registry, number=number, reading=reading, frozen=frozen, secret=secret,
                   keep_private=not no_private)  # fmt: skip
        entry = before or desk.add(
            desk.head.make(
                SnapshotStatement,
                registry=registry,
                roster=frozen.roster.listing(),
                published=True,
                attrs=frozen.attrs,
                private=frozen.private,
                left_out=_left_out(reading),
            )
        )
        session.progress(3, STEPS, "logged")
        write_refused(session, refused, source, reading)
        name = f"{registry}-{number if before is None else number - 1}"
        word = "freeze.frozen" if before is None else "freeze.already"
        session.say(word, id=name, count=len(frozen.rows), left_out=len(reading.left_out))
        session.say("freeze.root", root=entry.of(SnapshotStatement).roster.root)
        if no_private:
            session.say("freeze.no-private", id=name)
        anonymity = _anonymity(session, frozen, source.called)
        told = published(session, desk, entry.index)
        session.answer(
            {"frozen": name, "count": len(frozen.rows), "root": entry.of(SnapshotStatement).roster.root,
             "problems": problems, "anonymity": anonymity, **told}
        )  # fmt: skip
