"""Every vector of specs/vectors, run through the Python implementation."""

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from fairdraw import encoding, seed, tickets
from fairdraw.assignment import Assignment, assign
from fairdraw.errors import Error
from fairdraw.plan import allocate, round_quota
from fairdraw.registry import Registry, Row
from fairdraw.schema import Listing, Plan, SnapshotStatement, Team
from fairdraw.selection import select
from fairdraw.plan import Stratum
from fairdraw.snapshot import Opening, Roster, RosterRow, check_opening, freeze, read_roster, salt
from fairdraw.statement import check_signatures, parse_text, read_entry
from fairdraw.trust import parse_trust
from transparency_log import merkle
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


class Differs(Exception):
    """A vector claims another value than the one computed."""

    def __init__(self, code, expected, found):
        super().__init__(code, expected, found)
        self.code = code


def same(code, computed, claimed):
    if computed != claimed:
        raise Differs(code, computed, claimed)


def judge(run, case):
    """Run a case: an accepted one must pass, a refused one must fail with the code that it names."""
    expected = case.get("expect")
    if expected is None:
        run(case)
        return
    with pytest.raises((Error, Differs)) as caught:
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


def test_the_vectors_are_what_the_script_makes():
    done = subprocess.run([sys.executable, str(VECTORS / "make.py"), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
