"""Attack 38, over whole years: no private field is in anything that a bureau lets out, in clear or packed up.

Every registry of every simulated year is searched for in the log, the artifacts, the served files, the public site, the
bundles, the records, other people's slips, the answers of the commands, and what the library logs.
"""

import base64
import binascii
import html
import logging
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from examples.draws import Matter, Year
from examples.world import secret

from fairdraw.announcement import key_material
from fairdraw.encoding import format_time
from fairdraw.encoding import lines as joined
from fairdraw.packaged import catalogue, templates
from fairdraw.randomness import check_value
from fairdraw.record import unseal
from fairdraw.render import Access, Cosigners, make_sheet, record_text
from fairdraw.render.page import record_html, slips_html
from fairdraw.render.slipsheet import make_slip_sheet
from fairdraw.schema import Opening, Plan, SnapshotStatement
from fairdraw.slip import make_slip
from fairdraw.snapshot import open_row, read_openings
from fairdraw_cli.main import run
from fairdraw_cli.regulations import IDS
from support.mutations import honest
from transparency_log.checkpoint import Checkpoint
from transparency_log.log import Log
from transparency_log.note import Note
from transparency_log.state import MemoryState
from transparency_log.storage import Directory

# What every private value of the registries looks like: one search then finds them all, and any that was mixed up.
# Eighteen digits in the middle of a hash are no code of anybody.
SHAPES = re.compile(
    r"第\d+机构|(?<![0-9a-f])91\d{6}[0-9A-Z]{10}(?![0-9a-f])|\d{4,9}街\d+号|负责人\d+|检查员\d+|执法\d{6}", re.ASCII
)
POST = "稽核"  # of every inspector, and a word of the regulations: it tells nothing of anybody
BASE64 = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")
ESCAPED = re.compile(r"\\u([0-9a-f]{4})")
DEPTH = 3  # a slip holds a proof that holds a checkpoint


def found(data: bytes | str, depth: int = DEPTH) -> set[str]:
    """Return the private values in something that is public, also in what it carries packed."""
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    plain = html.unescape(ESCAPED.sub(lambda code: chr(int(code[1], 16)), text))
    told = set(SHAPES.findall(plain))
    if depth:
        for packed in set(BASE64.findall(text)):
            try:
                told |= found(base64.b64decode(packed + "=" * (-len(packed) % 4)), depth - 1)
            except binascii.Error:
                continue
    return told


def private(year: Year) -> dict[tuple[str, str, str], str]:
    """Return every private value of a year's registries by registry, number and field."""
    told = {}
    for matter in year.matters.values():
        for entry, frozen in matter.frozen.all:
            for row in frozen.rows:
                names = [name for name, _ in frozen.private]
                registry = entry.of(SnapshotStatement).registry
                told |= {(registry, row.no, name): value for name, value in zip(names, row.private, strict=True)}
    return told


def may_be_known(year: Year) -> set[str]:
    """Return the names of inspected objects, which the bureau has opened after the visits."""
    return {
        opening.value
        for entry in year.world.steps.values()
        if isinstance(entry.statement, Opening) and entry.statement.key is None
        for opening in read_openings(year.world.artifacts[entry.statement.artifact.digest])
    }


@cache
def told(regulation: str) -> Year:
    return honest(regulation)[0]


def served(year: Year, folder: Path) -> None:
    """Write the year's log as its bureau serves it, and the readers' trust file beside."""
    world, storage = year.world, Directory(folder / "log")
    (folder / "log").mkdir()
    log = Log.create(storage, world.log_key, state=MemoryState())
    for data in world.checkpoints:
        note = Note.parse(data)
        if (size := Checkpoint.parse(note.text).size) > log.size:
            log.append_many(world.entries[log.size : size])
        log.add_cosignatures(size, note.signatures[1:], [key.verifier for key in world.witnesses])
    for digest, artifact in world.artifacts.items():
        storage.create(f"artifact/{digest}", artifact)
    (folder / "trust").write_bytes(world.trust_file)


def papers(year: Year, matter: Matter) -> Iterator[tuple[str, bytes | str]]:
    """Yield what people are handed of a draw: the bundle, the record, and the slips of others."""
    world, languages = year.world, [catalogue("zh"), catalogue("en")]
    yield "bundle", year.bundle(matter).format()
    chains = {world.chain.id: world.chain}
    values = [check_value(source, value, chains, read=world.artifacts.__getitem__)
              for source, value in zip(matter.said.beacon, world.pulses(matter.said.beacon), strict=True)]  # fmt: skip
    material = key_material(matter.announcement, seeds=matter.seeds, pulses=values, embargo=matter.embargo)
    access = Access(site="https://gs.example.cn", trust=world.trust.digest, releases=())
    sheet = make_sheet(
        matter.inputs, matter.draw, outcome=matter.outcome, material=material, chains=chains,
        cosigners=Cosigners(size=1, quorum_time=1, lines=()), access=access, regulation=year.regulation,
    )  # fmt: skip
    yield "record.txt", record_text(sheet, languages)
    yield "record.html", record_html(sheet, templates(), languages)
    artifact = world.artifacts[matter.record.statement.results.digest]
    results = artifact if matter.record.statement.key is not None else unseal(artifact)
    drawn = [one.no for one in matter.outcome.selection.drawn]
    for no in [*drawn[:2], next(row.no for row in matter.inputs.objects.rows if row.no not in drawn)]:
        slip = make_slip(
            world.entries, world.sizes(), no=no, announcement=matter.announcement, draw=matter.draw,
            plan=matter.plan.of(Plan), snapshot=matter.frozen.objects[0], roster=matter.inputs.objects,
            results=results, exclusions=world.artifacts[matter.said.exclusions.digest], role="objects",
        )  # fmt: skip
        yield f"slip {no}", slip.format()
        paper = make_slip_sheet(
            slip, matter.announcement, matter.draw, known=material, access=access, file=f"{no}.json"
        )
        yield f"slip {no}.html", slips_html([paper], templates(), languages, name=no)


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    for name in ("fairdraw", "transparency_log"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


@pytest.mark.parametrize("regulation", IDS)
def test_no_private_field_of_a_whole_year_is_in_anything_that_is_let_out(
    regulation: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], records: pytest.LogCaptureFixture
) -> None:
    year = told(regulation)
    values = private(year)
    assert {value for value in values.values() if not SHAPES.fullmatch(value)} == {POST}
    known = may_be_known(year)
    assert known
    let_out: dict[str, bytes | str] = {f"entry {n}": data for n, data in enumerate(year.world.entries)}
    let_out |= {f"artifact {digest}": data for digest, data in year.world.artifacts.items()}
    for matter in year.matters.values():
        let_out |= {f"{matter.name} {name}": data for name, data in papers(year, matter)}
    let_out |= commands(year, tmp_path, capsys)
    let_out |= {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert records.records  # of the log that was written
    let_out["logging"] = "\n".join(record.getMessage() for record in records.records)
    assert {
        "site/index.html",
        "log/checkpoint",
        "audit",
        "verify spring" if "spring" in year.matters else "audit",
    } <= set(let_out)
    leaks = {name: found(data) - known for name, data in let_out.items()}
    assert {name: sorted(told)[:3] for name, told in leaks.items() if told} == {}
    # The search finds what is there: the opened names, in their artifact and packed into nothing else than it.
    assert any(found(data) for data in let_out.values())


def commands(year: Year, folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Run the commands that tell strangers of a year, for people and for programs; returns what they said."""
    served(year, folder)
    as_of = ("--as-of", format_time(year.world.now))
    trust, log = ("--trust", str(folder / "trust")), str(folder / "log")
    files = ("--html", str(folder / "audit.html"), "--csv", str(folder / "csv"))
    calls = {"audit": ["audit", log, *trust, *as_of, *files],
             "audit.json": ["audit", log, *trust, *as_of, "--json"],
             "site": ["site", "build", log, *trust, *as_of, "-o", str(folder / "site"), "--title", "t"]}  # fmt: skip
    for matter in year.matters.values():
        bundle = folder / f"{matter.name}.fairdraw.json"
        bundle.write_bytes(year.bundle(matter).format())
        calls[f"verify {matter.name}"] = ["verify", str(bundle), *trust, "--log", log, *as_of]
        calls[f"verify {matter.name} --json"] = ["verify", str(bundle), *trust, "--log", log, *as_of, "--json"]
    said = {}
    for name, words in calls.items():
        assert run(words) in (0, 1), name  # 1: the year has findings of its own
        out = capsys.readouterr()
        said[name] = out.out + out.err
    return said


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_bureaus_own_commands_answer_programs_without_a_private_field(
    lang: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"O-{n:02d},第{n}机构,{370102}街{n}号" for n in range(1, 21)]
    (tmp_path / "objects.csv").write_text("\n".join(["no,private.name,closed.address", *rows, ""]), "utf-8")
    staff = [f"I-{n},检查员{n}" for n in range(1, 9)]
    (tmp_path / "staff.csv").write_text("\n".join(["no,private.name", *staff, ""]), "utf-8")
    (tmp_path / "plan.toml").write_text(
        'id = "2026"\nslots = ["2026/fund-use/1"]\nobjects = "objects"\ninspectors = "staff"\n'
        'strata = []\nratio = "1/4"\n'
    )
    (tmp_path / "draw.toml").write_text(
        'id = "one"\nslots = ["2026/fund-use/1"]\nwindow = 2026-10-31\n[[beacon]]\nchain = "quicknet"\n'
        "at = 2026-09-07T18:36:36Z\n"
    )
    common = ("-C", "office", "--lang", lang, "--json")
    steps = [
        ("init", "office", "--rehearsal", "--bureau", "b", "--origin", "log.example.cn", "--lang", lang, "--json"),
        ("plan", "log", "plan.toml", *common, "--clock", "2026-09-07T10:00:00Z"),
        ("freeze", "objects", "objects.csv", *common, "--clock", "2026-09-07T10:01:00Z"),
        ("freeze", "staff", "staff.csv", *common, "--clock", "2026-09-07T10:01:00Z"),
        ("announce", "draw.toml", *common, "--clock", "2026-09-07T10:02:00Z"),
        ("draw", "one", *common, "--clock", "2026-09-07T18:36:40Z"),
        ("doctor", *common, "--wait", "0"),
    ]
    for words in steps:
        assert run(words) in (0, 3), words
        out = capsys.readouterr()
        assert found(out.out + out.err) == set(), words
    public = [path for name in ("log", "draws") for path in (tmp_path / "office" / name).rglob("*") if path.is_file()]
    assert len(public) > 10
    assert {str(path): found(path.read_bytes()) for path in public if found(path.read_bytes())} == {}


def test_the_search_sees_through_what_a_field_is_packed_in() -> None:
    row, packed = "负责人7", base64.b64encode("负责人7，三楼".encode()).decode()
    assert found(row) == found(packed) == found(base64.b64encode(packed.encode())) == {row}
    assert found(r"\u8d1f\u8d23\u4eba7") == found("&#36127;&#36131;&#20154;7") == {row}
    assert found("负责人") == set()


def test_the_owners_own_slip_is_the_only_one_that_opens_what_is_closed() -> None:
    year = told("laiyuan")
    matter = next(iter(year.matters.values()))
    (entry, frozen), no = matter.frozen.objects, matter.outcome.selection.drawn[0].no
    statement, row = entry.of(SnapshotStatement), next(row for row in frozen.rows if row.no == no)
    key = secret(f"{year.id} {statement.registry} {matter.name}")
    own = open_row(key, statement, row, [name for name, _ in frozen.private], own=True)
    assert found(joined(one.model_dump_json().encode() for one in own)) == set(row.private)
