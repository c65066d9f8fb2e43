"""Every vector of specs/vectors, run through the Python implementation."""

import copy
import json
import subprocess
import sys
from base64 import b64decode
from datetime import date
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import pytest

from fairdraw import acts, calendar, encoding, regulation, seed, tickets
from fairdraw import filter as filters
from fairdraw.announcement import Inputs, read_exclusions, read_recusals
from fairdraw.assignment import Assignment, assign
from fairdraw.beacon import CHAINS
from fairdraw.bundle import Slip, read_file
from fairdraw.compliance import announcement_faults, plan_faults
from fairdraw.draw import draw_lots
from fairdraw.errors import Error
from fairdraw.events import check_values, read_definition, read_values
from fairdraw.exclusion import Exclusion
from fairdraw.itemlist import read_items
from fairdraw.nist import check_nist_pulse, nist_chain
from fairdraw.quota import Stratum, allocate, round_quota
from fairdraw.randomness import check_sources
from fairdraw.record import make_record, read_lines, unseal
from fairdraw.registry import Registry, Row
from fairdraw.regulation import read_artifact
from fairdraw.roles import wrong_role
from fairdraw.roster import Part, Roster, RosterRow, read_roster
from fairdraw.rules import Team
from fairdraw.schema import Announcement, Draw, Plan, SnapshotStatement
from fairdraw.sealing import salt
from fairdraw.selection import select
from fairdraw.snapshot import Opening, check_opening, freeze, read_openings
from fairdraw.statement import Entry, Head, check_signatures, parse_text, read_entry
from fairdraw.substitution import call_key
from fairdraw.trust import parse_trust
from fairdraw.values import Listing, Source
from fairdraw.verify import LogView, verify_bundle, verify_slip
from support.paths import path
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


def run_regulation(case):
    if "toml" not in case:
        data = case["artifact"].encode()
        same("not-the-same", regulation.artifact_bytes(regulation.read_artifact(data)), data)
        return
    parents = {name: regulation.parse(text.encode(), parents={}) for name, text in case.get("parents", {}).items()}
    told = regulation.parse(case["toml"].encode(), parents=parents)
    same("not-the-same", regulation.artifact_bytes(told).decode(), case["artifact"])
    same("not-the-same", regulation.read_artifact(case["artifact"].encode()), told)
    departed = [one for parent in parents.values() for one in regulation.departures(parent, told)]
    same("not-the-same", [[one.rule, one.direction] for one in departed], case.get("departures", []))


@pytest.mark.parametrize("case", _cases("regulation"))
def test_regulation(case):
    judge(run_regulation, case)


def run_sources(case):
    """One pulse document, one list of values, or sources put together."""
    nist = "certificate" in case and nist_chain(
        der := b64decode(case["certificate"]), id="nist", chain_index=case["chain_index"]
    )
    if "document" in case:
        document = case["document"].encode()
        told = check_nist_pulse(nist, certificate=der, document=document, round=case["round"])
        same("randomness-differs", told.hex(), case["randomness"])
    elif "values" in case:
        told = check_values(read_definition(case["definition"].encode()), read_values(case["values"].encode()))
        found = told.randomness.hex(), told.bits, list(told.missing)
        same("randomness-differs", found, (case["randomness"], case["bits"], case["missing"]))
    else:
        sources = [Source.model_validate(one) for one in case["sources"]]
        definition = case["definition"].encode()
        check_sources(sources, {**CHAINS, "nist": nist}, margin=case["margin"], read=lambda _: definition)


@pytest.mark.parametrize("case", _cases("sources"))
def test_sources(case):
    judge(run_sources, case)


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


def run_filter(case):
    known = filters.parse(case["filter"])
    filters.check(known, map(tuple, case["attrs"]))
    same("not-the-same", filters.format_filter(known), case["filter"])
    same("not-the-same", [[row, filters.holds(known, row)] for row, _ in case["rows"]], case["rows"])


@pytest.mark.parametrize("case", _cases("filter"))
def test_filter(case):
    judge(run_filter, case)


def run_calendar(case):
    if "month_day" in case:
        same("not-the-same", str(calendar.deadline_day(case["year"], case["month_day"])), case["date"])
        return
    table = calendar.parse(case["table"].encode())
    same("not-the-same", (calendar.format_calendar(table).decode(), table.digest), (case["spelling"], case["digest"]))
    for text, works in case["days"]:
        same("not-the-same", calendar.is_working_day(table, date.fromisoformat(text)), works)
    for start, count, end in case["periods"]:
        same("not-the-same", str(calendar.add_working_days(table, date.fromisoformat(start), count)), end)


@pytest.mark.parametrize("case", _cases("calendar"))
def test_calendar(case):
    judge(run_calendar, case)


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
    return Roster.of(RosterRow(no, attrs, "0" * 64) for no, attrs in sorted(rows, key=lambda row: row[0]))


def run_quotas(case):
    if "ratio_text" in case:
        whole = {"of": [], "ratio": case["ratio_text"], "rounding": "ceil", "floor": None}
        _plan(rules=[_plan().model_dump(mode="json")["rules"][0] | {"ratios": [whole]}])
    elif "base" in case:
        computed = round_quota(Fraction(case["ratio"]) * case["base"], case["rounding"])
        same("quota-differs", computed, case["quota"])
    else:
        slot, share = "2026/fund-use/1", case["share"]
        schedule = (
            [] if share is None else [{"slot": slot, "first": "2026-01-01", "last": "2026-12-31", "share": share}]
        )
        plan = _plan(rules=[case["rule"]], schedule=schedule)
        assert isinstance(plan, Plan)
        out = {Exclusion(*one) for one in case["exclusions"]}
        computed = [
            {"stratum": list(s.values), "total": s.total, "base": s.base, "eligible": len(s.eligible),
             "quota": s.quota, "derivation": s.derivation}
            for s in allocate(plan, [slot], _roster(case["rows"]), out).strata
        ]  # fmt: skip
        same("quota-differs", computed, case["allocation"])


@pytest.mark.parametrize("case", _cases("quotas"))
def test_quotas(case):
    judge(run_quotas, case)


def run_compliance(case):
    rules = read_artifact(case["regulation"].encode())
    items = read_items(case["items"].encode())
    if "plan" in case:
        plan = parse_text(case["plan"].encode())
        assert isinstance(plan, Plan)
        faults = plan_faults(rules, plan, items)
    else:
        said = parse_text(case["announcement"].encode())
        assert isinstance(said, Announcement)
        faults = announcement_faults(rules, said)
    for fault in faults:
        raise DiffersError(fault.code, fault.expected, fault.found)


@pytest.mark.parametrize("case", _cases("compliance"))
def test_compliance(case):
    judge(run_compliance, case)


def run_selection(case):
    everybody = sorted({no for s in case["strata"] for no in s["eligible"]})
    objects = Roster.of(RosterRow(no, {}, "0" * 64) for no in everybody)
    strata = [
        Stratum(
            item="fund-use",
            values=(i,),
            total=len(s["eligible"]),
            base=len(s["eligible"]),
            eligible=Part(objects, [0], (at for at, no in enumerate(everybody) if no not in s["eligible"])),
            quota=s["quota"],
            wanted=s["quota"],
            ratio=Fraction(1),
            whole=False,
            derivation="",
        )
        for i, s in enumerate(case["strata"])
    ]
    selection = select(bytes.fromhex(case["key"]), objects, strata)
    same("selection-differs", [[one.ticket.hex(), one.no, list(one.strata)] for one in selection.drawn], case["drawn"])
    same("cutoff-differs", [c and c.hex() for c in selection.cutoffs], case["cutoffs"])


@pytest.mark.parametrize("case", _cases("selection"))
def test_selection(case):
    judge(run_selection, case)


def run_assignment(case):
    team = Team.model_validate_json(json.dumps(case["team"]))
    objects, inspectors = (
        [RosterRow(one["no"], one["attrs"], "0" * 64) for one in case[role]] for role in ("objects", "inspectors")
    )
    recusals = set(map(tuple, case["recusals"]))
    drawn = assign(bytes.fromhex(case["key"]), team, objects, inspectors, recusals, case["window"])
    assert isinstance(drawn, Assignment)
    claimed = {no: tuple(map(tuple, members)) for no, members in case["teams"].items()}
    same("team-differs", (drawn.teams, drawn.eligible), (claimed, case["eligible"]))
    same("team-differs", {no: list(experts) for no, experts in drawn.experts.items()}, case["experts"])
    same("attempts-differ", [list(block) for block in drawn.blocks], case["blocks"])
    same("attempts-differ", (drawn.attempts, drawn.pool), (case["attempts"], case["pool"]))


@pytest.mark.parametrize("case", _cases("assignment"))
def test_assignment(case):
    judge(run_assignment, case)


@pytest.mark.parametrize("case", _cases("assignment"))
def test_assignment_by_compiled_code(case):
    with path(compiled=True):
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


KINDS = {"vacancy": acts.Vacancy, "substitute": acts.Substitute, "named": acts.Named, "inspection": acts.Inspection}


def _entry_of(text):
    data = text.encode()
    return Entry(index=0, data=b"", note=None, statement=parse_text(data), text_hash=encoding.digest(data))


def _refused(case, read):
    with pytest.raises(Error) as raised:
        read()
    assert raised.value.code == case["expect"]


@pytest.mark.parametrize("case", _cases("acts"))
def test_acts(case):
    if "act" in case:
        if "expect" in case:
            _refused(case, lambda: acts.read_act(KINDS[case["kind"]], case["act"].encode()))
            return
        act = acts.read_act(KINDS[case["kind"]], case["act"].encode())
        assert acts.format_act(act) == case["act"].encode()
        assert acts.read_act(KINDS[case["kind"]], case["sealed"].encode()) == act
        assert acts.seal_act(act, case["nonce"]) == case["sealed"].encode()
    elif "outcomes" in case:
        data, named = case["outcomes"].encode(), Listing.model_validate(case["listing"])
        if "expect" in case:
            _refused(case, lambda: acts.read_outcomes(data, named))
            return
        assert acts.format_outcomes(reversed(acts.read_outcomes(data, named))) == (data, named)
    elif "call" in case:
        embargo = None if case["embargo"] is None else bytes.fromhex(case["embargo"])
        key = call_key(_entry_of(case["call"]), pulses=[bytes.fromhex(p) for p in case["randomness"]], embargo=embargo)
        assert key.key().hex() == case["key"]
        told = [(tickets.ticket(key.key(), case["purpose"], 0, 0, case["no"], no).hex(), no) for no in case["pool"]]
        assert [[no, drawn] for drawn, no in sorted(told)] == case["tickets"]
        assert min(told)[1] == case["in"]
    else:
        _check_role(case)


def _check_role(case):
    said = parse_text(case["statement"].encode())
    people = {"signer.example.cn": case["role"], "co.example.cn": case.get("co_signer", "discipline")}
    trust = SimpleNamespace(supervisors={name: SimpleNamespace(role=role) for name, role in people.items()})
    duties = [{"of": "result", "role": role, "cite": ["1"]} for role in case["signers"]]
    separation = None if case["separation"] is None else {"value": case["separation"], "cite": ["2"]}
    document = {"title": "x", "title_en": "x", "status": "plan"}
    told = {"id": "x", "document": document, "signers": duties, "separation": separation}
    rules = regulation.Regulation.model_validate_json(json.dumps(told))
    wrong = wrong_role(said, trust, rules)
    assert (wrong is None) == case["allowed"]
    assert wrong is None or bool(wrong.cite) == bool(case["signers"] or case["separation"])


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


def _results(data):
    strata, drawn = read_lines(data)
    return [[line.item, list(line.stratum)] for line in strata] + [line.no for line in drawn]


LISTS = {
    "recusals": lambda data: sorted(map(list, read_recusals(data))),
    "exclusions": lambda data: [[e.item, e.no, e.reason] for e in sorted(read_exclusions(data), key=Exclusion.line)],
    "items": lambda data: [item.id for item in read_items(data)],
    "openings": lambda data: [[one.no, one.field] for one in read_openings(data)],
    "results": _results,
    "sealed": lambda data: _results(unseal(data)),
}


@pytest.mark.parametrize("case", _cases("lists"))
def test_lists(case):
    judge(lambda case: same("not-the-same", LISTS[case["kind"]](case["list"].encode()), case.get("says")), case)


def _read_rows(text):
    rows = [json.loads(line) for line in text.splitlines()]
    roster = Roster.of(RosterRow(r["no"], r["attrs"], r["seal"]) for r in rows)
    assert roster.data == text.encode()
    return roster


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
        joint=(),
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
        taken = ("trust", "as_of", "bundle_only", "log", "openings", "file")
        return {name: base[name] for name in taken if name in base} | case

    cases = [inherited(case) for case in whole["accept"] + whole["refuse"]]
    return [pytest.param(case, id=f"{name}: {case['name']}") for case in cases]


def run_file(case):
    data = encoding.canonical(_patched(case["file"], case.get("patch", []))) + b"\n"
    file = read_file(case["bytes"].encode() if "bytes" in case else data)
    trust, log = parse_trust(case["trust"].encode()), case["log"]
    entries = log and [None if entry is None else b64decode(entry) for entry in log["entries"]]
    frozen = b64decode(log["frozen"]) if log and "frozen" in log else None
    view = log and LogView(entries, [b64decode(c) for c in log["checkpoints"]], frozen=frozen)
    if isinstance(file, Slip):
        report = verify_slip(file, trust, as_of=case["as_of"], log=view)
    else:
        openings = tuple(Opening.model_validate_json(json.dumps(one)) for one in case.get("openings", ()))
        options = {"bundle_only": case["bundle_only"], "openings": openings}
        report = verify_bundle(file, trust, as_of=case["as_of"], log=view, **options)
    checks = {c.code: [c.state, c.depends or c.reason] for c in report.checks if c.state != "holds"}
    assert (report.verdict, checks) == (case["verdict"], case["checks"])
    assert [one.code for one in report.findings] == case["findings"]
    assert [[no, list(team)] for no, team in report.drawn] == case["drawn"]
    assert [[no, list(team)] for no, team in report.final] in ([], case.get("final", case["drawn"]))
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
