"""Every vector of specs/vectors, run through the Python implementation."""

import copy
import json
import subprocess
import sys
from base64 import b64decode
from fractions import Fraction
from pathlib import Path

import pytest

from fairdraw import encoding, seed, tickets
from fairdraw.announcement import Inputs, read_exclusions, read_recusals
from fairdraw.assignment import Assignment, assign
from fairdraw.bundle import Slip, read_file
from fairdraw.draw import draw_lots
from fairdraw.errors import Error
from fairdraw.plan import Stratum, allocate, round_quota
from fairdraw.record import make_record, read_lines
from fairdraw.registry import Registry, Row
from fairdraw.schema import Draw, Listing, Plan, SnapshotStatement, Team
from fairdraw.selection import select
from fairdraw.snapshot import Opening, Roster, RosterRow, check_opening, freeze, read_roster, salt
from fairdraw.statement import Entry, Head, check_signatures, parse_text, read_entry
from fairdraw.trust import parse_trust
from fairdraw.verify import LogView, verify_bundle, verify_slip
from transparency_log import merkle
from transparency_log.errors import LogError
from transparency_log.evidence import Fork
from transparency_log.frozen import open_frozen
from transparency_log.note import Verifier
from transparency_log.policy import colluders_to_backdate, colluders_to_fork

VECTORS = Path(__file__).resolve().parents[2] / "specs" / "vectors"


def _load(name):
    whole = json.loads((VECTORS / f"{name}.json").read_text("utf-8"))
    assert whole["v"] == 0
    assert whole["source"]
    return whole


def _cases(name):
    whole = _load(name)
    return [pytest.param(case, id=f"{name}: {case['name']}") for part in ("accept", "refuse") for case in whole[part]]


class DiffersError(Exception):
    """A vector claims another value than the one computed."""

    def __init__(self, code, expected, found):
        super().__init__(code, expected, found)
        self.code = code


def same(code, computed, claimed):
    if computed != claimed:
        raise DiffersError(code, computed, claimed)


def judge(run, case):
    """Run a case: an accepted one must pass, a refused one must fail with the code that it names."""
    expected = case.get("expect")
    if expected is None:
        run(case)
        return
    with pytest.raises((Error, LogError, DiffersError)) as caught:
        run(case)
    assert caught.value.code == expected


def run_encoding(case):
    if "json" in case or ("hex" in case and "base64" not in case):
        data = case["json"].encode() if "json" in case else bytes.fromhex(case["hex"])
        same("not-the-same", encoding.canonical(encoding.parse(data)), data)
    elif "time" in case:
        seconds = encoding.parse_time(case["time"])
        same("not-the-same", (seconds, encoding.format_time(seconds)), (case["seconds"], case["time"]))
    elif "date" in case:
        same("not-the-same", encoding.end_of_day(case["date"]), case["end"])
    elif "base64" in case:
        data = encoding.from_base64(case["base64"])
        same("not-the-same", (data.hex(), encoding.to_base64(data)), (case["hex"], case["base64"]))
    else:
        lines = [line.decode() for line in encoding.split_lines(case["artifact"].encode())]
        same("not-the-same", lines, case["lines"])


@pytest.mark.parametrize("case", _cases("encoding"))
def test_encoding(case):
    judge(run_encoding, case)


def run_tickets(case):
    if "purpose" in case:
        computed = tickets.ticket(bytes.fromhex(case["key"]), case["purpose"], *case["fields"])
        same("ticket-differs", computed.hex(), case["ticket"])
        return
    material = tickets.KeyMaterial(
        statement=case["statement"],
        text=case["text"],
        seeds=tuple(map(tuple, case["seeds"])),
        pulses=tuple(map(tuple, case["pulses"])),
        embargo=case["embargo"],
    )
    same("key-differs", (list(material.lines()), material.key().hex()), (case["lines"], case["key"]))


@pytest.mark.parametrize("case", _cases("tickets"))
def test_tickets(case):
    judge(run_tickets, case)


def run_commitments(case):
    if "embargo" in case:
        computed = seed.embargo_commitment(case["slot"], bytes.fromhex(case["embargo"]))
        same("another-embargo", computed, case["commitment"])
    else:
        computed = seed.commitment(case["slot"], case["contributor"], bytes.fromhex(case["seed"]))
        same("reveal-does-not-open", computed, case["commitment"])


@pytest.mark.parametrize("case", _cases("commitments"))
def test_commitments(case):
    judge(run_commitments, case)


def _snapshot(*, attrs=(), private=(), listing=None):
    return SnapshotStatement.model_construct(
        registry="institutions",
        roster=Listing(**(listing or {"root": "0" * 64, "count": 0, "digest": "0" * 64, "length": 0})),
        attrs=tuple(map(tuple, attrs)),
        private=tuple(map(tuple, private)),
        published=True,
        left_out=None,
    )


def run_seals(case):
    if "opening" in case:
        opening = Opening.model_validate_json(json.dumps(case["opening"]))
        check_opening(opening, _snapshot(private=case["schema"]), case["seal"])
        return
    secret, no = bytes.fromhex(case["secret"]), case["no"]
    private = tuple((field, openable) for field, openable, _ in case["private"])
    row = Row(no, {}, tuple(value for _, _, value in case["private"]))
    frozen = freeze(Registry((), private, (row,)), secret)
    salts = [salt(secret, no, field).hex() for field, _ in private]
    same("not-the-same", (salts, frozen.roster.rows[0].seal), (case["salts"], case["seal"]))
    assert merkle.root(map(bytes.fromhex, case["leaves"])).hex() == case["seal"]


@pytest.mark.parametrize("case", _cases("seals"))
def test_seals(case):
    judge(run_seals, case)


def run_roster(case):
    statement = _snapshot(attrs=case["attrs"], private=case["private"], listing=case["listing"])
    roster = read_roster(case["roster"].encode(), statement)
    assert roster.listing().model_dump() == case["listing"]


@pytest.mark.parametrize("case", _cases("roster"))
def test_roster(case):
    judge(run_roster, case)


def run_statements(case):
    if "text" in case:
        statement = parse_text(case["text"].encode())
        same("not-the-same", (statement.text(), statement.text_hash()), (case["text"].encode(), case["hash"]))
        return
    entry = read_entry(case["entry"].encode(), 0)
    keys = [Verifier.parse(vkey) for vkey in case["keys"]]
    check_signatures(entry, {key.name: key for key in keys})
    same("not-the-same", entry.text_hash, case["hash"])


@pytest.mark.parametrize("case", _cases("statements"))
def test_statements(case):
    judge(run_statements, case)


def _plan(**changes):
    example = next(case for case in _load("statements")["accept"] if case["name"] == "plan")
    return parse_text(encoding.canonical(json.loads(example["text"]) | changes) + b"\n")


def _roster(rows):
    told = tuple(RosterRow(no, attrs, "0" * 64) for no, attrs in rows)
    return Roster(told, merkle.Tree(()), b"")


def run_quotas(case):
    if "ratio_text" in case:
        _plan(ratio=case["ratio_text"])
    elif "base" in case:
        computed = round_quota(Fraction(case["ratio"]), case["base"], case["rounding"])
        same("quota-differs", computed, case["quota"])
    else:
        plan = _plan(strata=case["strata"], ratio=case["ratio"], rounding=case["rounding"])
        assert isinstance(plan, Plan)
        computed = [
            {"stratum": list(s.values), "base": s.base, "eligible": len(s.eligible), "quota": s.quota,
             "derivation": s.derivation}
            for s in allocate(plan, _roster(case["rows"]), case["exclusions"])
        ]  # fmt: skip
        same("quota-differs", computed, case["allocation"])


@pytest.mark.parametrize("case", _cases("quotas"))
def test_quotas(case):
    judge(run_quotas, case)


def run_selection(case):
    strata = [
        Stratum(values=(i,), base=len(s["eligible"]), eligible=tuple(s["eligible"]), quota=s["quota"], derivation="")
        for i, s in enumerate(case["strata"])
    ]
    selection = select(bytes.fromhex(case["key"]), strata)
    same("selection-differs", [[one.ticket.hex(), one.no, one.stratum] for one in selection.drawn], case["drawn"])
    same("cutoff-differs", [c and c.hex() for c in selection.cutoffs], case["cutoffs"])


@pytest.mark.parametrize("case", _cases("selection"))
def test_selection(case):
    judge(run_selection, case)


def run_assignment(case):
    team = Team.model_validate_json(json.dumps(case["team"]))
    objects, inspectors = (
        [RosterRow(one["no"], one["attrs"], "0" * 64) for one in case[role]] for role in ("objects", "inspectors")
    )
    drawn = assign(bytes.fromhex(case["key"]), team, objects, inspectors, set(map(tuple, case["recusals"])))
    assert isinstance(drawn, Assignment)
    claimed = {no: tuple(map(tuple, members)) for no, members in case["teams"].items()}
    same("team-differs", (drawn.teams, drawn.eligible), (claimed, case["eligible"]))
    same("attempts-differ", [list(block) for block in drawn.blocks], case["blocks"])


@pytest.mark.parametrize("case", _cases("assignment"))
def test_assignment(case):
    judge(run_assignment, case)


def run_log(case):
    key = Verifier.parse(case["vkey"])
    if "frozen" in case:
        last = open_frozen(case["frozen"].encode(), key)
        same("not-the-same", (last.size, last.root.hex()), (case["size"], case["root"]))
        return
    fork = Fork.parse(case["fork"].encode())
    convicted = fork.convict(key)
    same("not-the-same", [checkpoint.size for checkpoint in convicted], case["sizes"])
    same("not-the-same", fork.format().decode(), case["fork"])


@pytest.mark.parametrize("case", _cases("log"))
def test_log(case):
    judge(run_log, case)


def run_trust(case):
    trust = parse_trust(case["text"].encode())
    computed = {
        "digest": trust.digest,
        "margin": trust.margin,
        "freshness": trust.freshness,
        "receipts": trust.receipts,
        "rehearsal": trust.rehearsal,
        "to_fork": colluders_to_fork(trust.policy),
        "to_backdate": colluders_to_backdate(trust.policy),
    }
    same("not-the-same", computed, {name: case[name] for name in computed})


@pytest.mark.parametrize("case", _cases("trust"))
def test_trust(case):
    judge(run_trust, case)


def _read_rows(text):
    rows = [json.loads(line) for line in text.splitlines()]
    return Roster(tuple(RosterRow(r["no"], r["attrs"], r["seal"]) for r in rows), merkle.Tree(()), text.encode())


def run_record(case):
    if "list" in case:
        read_lines(case["list"].encode())
        return
    said = parse_text(case["announcement"].encode())
    entry = Entry(case["announcement_index"], b"", None, said, said.text_hash())
    inputs = Inputs(
        announcement=entry,
        plan=parse_text(case["plan"].encode()),
        objects=_read_rows(case["objects"]),
        inspectors=_read_rows(case["inspectors"]),
        recusals=read_recusals(case["recusals"].encode()),
        exclusions=read_exclusions(case["exclusions"].encode()),
    )
    drew = parse_text(case["draw"].encode())
    assert isinstance(drew, Draw)
    made = make_record(
        Head(log=drew.log, bureau=drew.bureau, by=drew.by, seq=drew.seq, prev=drew.prev,
             time=encoding.parse_time(drew.time)),
        inputs,
        pulses=drew.pulses,
        outcome=draw_lots(inputs, bytes.fromhex(case["key"])),
        embargo=case["embargo"] and bytes.fromhex(case["embargo"]),
    )  # fmt: skip
    same("result-list-altered", [line.decode() for line in made.lines], case["lines"])
    same("result-list-altered", made.artifact.decode(), case["artifact"])
    same("record-differs", made.statement.text().decode(), case["draw"])


@pytest.mark.parametrize("case", _cases("record"))
def test_record(case):
    judge(run_record, case)


def _patched(value, patch):
    whole = copy.deepcopy(value)
    for step in patch:
        *names, last = step["path"].split("/")[1:]
        place = whole
        for name in names:
            place = place[int(name) if isinstance(place, list) else name]
        key = int(last) if isinstance(place, list) else last
        if step["op"] == "add" and isinstance(place, list):
            place.insert(key, step["value"])
        elif step["op"] == "remove":
            del place[key]
        else:
            place[key] = step["value"]
    return whole


def _whole_cases(name):
    whole = _load(name)
    accepted = {case["name"]: case for case in whole["accept"]}

    def inherited(case):
        base = inherited(accepted[case["like"]]) if "like" in case else {}
        taken = ("trust", "as_of", "bundle_only", "log", "file")
        return {name: base[name] for name in taken if name in base} | case

    cases = [inherited(case) for case in whole["accept"] + whole["refuse"]]
    return [pytest.param(case, id=f"{name}: {case['name']}") for case in cases]


def run_file(case):
    data = encoding.canonical(_patched(case["file"], case.get("patch", []))) + b"\n"
    file = read_file(case["bytes"].encode() if "bytes" in case else data)
    trust, log = parse_trust(case["trust"].encode()), case["log"]
    view = log and LogView([b64decode(e) for e in log["entries"]], [b64decode(c) for c in log["checkpoints"]])
    if isinstance(file, Slip):
        report = verify_slip(file, trust, as_of=case["as_of"], log=view)
    else:
        report = verify_bundle(file, trust, as_of=case["as_of"], log=view, bundle_only=case["bundle_only"])
    checks = {c.code: [c.state, c.depends or c.reason] for c in report.checks if c.state != "holds"}
    assert (report.verdict, checks) == (case["verdict"], case["checks"])
    assert [one.code for one in report.findings] == case["findings"]
    assert [[no, list(team)] for no, team in report.drawn] == case["drawn"]
    if "expect" in case:
        check = report.check(case["expect"])
        assert (check.state, check.reason) == ("fails", case["reason"])
        raise DiffersError(case["expect"], "holds", check.reason)


@pytest.mark.parametrize("case", _whole_cases("bundle") + _whole_cases("slip"))
def test_bundles_and_slips(case):
    judge(run_file, case)


def test_the_vectors_are_what_the_script_makes():
    command = [sys.executable, str(VECTORS / "make.py"), "--check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
