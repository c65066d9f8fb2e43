"""Whatever the specifications say of a file can be seen in a vector: each reason, finding, statement, act and list."""

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

from fairdraw.schema import TYPES

ROOT = Path(__file__).resolve().parents[2]
SPECS = ROOT / "specs"
STATES = {"Fails": "fails", "Unknown": "unknown"}
CODE = re.compile(r"`([a-z]+(?:-[a-z]+)+|forked|stale|voided|withdrawn)`")

# Reasons that no file can show, and why.
SIGNED_BEFORE = "what the bureau has not signed, up to the draw, has failed `bureau-chain`, on which this check waits"
UNREACHED = {
    ("announcement-logged", "fails", "not-the-bureaus"): SIGNED_BEFORE,
    ("record-logged", "fails", "not-the-bureaus"): SIGNED_BEFORE,
}
# Words in backticks that stand among the reasons and are none.
NO_REASONS = {"item-list", "sign-off"}


def cases(name):
    whole = json.loads((SPECS / "vectors" / f"{name}.json").read_text("utf-8"))
    return whole["accept"], whole["refuse"]


def sentences(text):
    """Yield the state and the reasons of each sentence that lists some."""
    flat = re.sub(r"\[[^]]*\]\([^)]*\)", "", text).replace("\n", " ")
    for word, listed in re.findall(r"(Fails|Unknown)(?: also)?: (.*?)(?=\. [A-Z]|\.\s*$|\.  |\Z)", flat):
        yield STATES[word], set(CODE.findall(listed)) - NO_REASONS


def named_by_verification():
    """Return every (check, state, reason) of verification.md; of an artifact, under the check None."""
    text = (SPECS / "verification.md").read_text("utf-8")
    told = set()
    parts = re.split(r"^\*\*[0-9]+ `([a-z-]+)`\.\*\*|^An \*\*artifact\*\*|^#+ .*$", text, flags=re.MULTILINE)
    for check, body in zip([None, *parts[1::2]], parts[::2], strict=True):
        told |= {(check, state, reason) for state, reasons in sentences(body) for reason in reasons}
    return told


def named_by_slips():
    text = (SPECS / "slip.md").read_text("utf-8")
    rows = re.findall(r"^\| (`[a-z-]+`(?:, `[a-z-]+`)?) \|.*\|([^|]*)\|$", text, re.MULTILINE)
    return {(check, "fails", reason) for checks, listed in rows for check in re.findall(r"[a-z-]+", checks)
            for reason in CODE.findall(listed)}  # fmt: skip


def seen_in(*files):
    told = set()
    for name in files:
        for case in [case for part in cases(name) for case in part]:
            told |= {(check, state, reason) for check, (state, reason) in case.get("checks", {}).items()}
    return told


def test_reasons_are_read_from_the_text():
    text = "Is so. Fails: `not-in-log`; `another-log`, where\n`item-list` says [x.md](x.md) so. Unknown: `no-log`."
    assert list(sentences(text)) == [("fails", {"not-in-log", "another-log"}), ("unknown", {"no-log"})]
    named = named_by_verification()
    assert len(named) > 150
    assert {("disclosure", "unknown", "sealed-until"), (None, "unknown", "withdrawn")} <= named
    assert ("assignment", "fails", "drawn-twice") in named_by_slips()


@pytest.mark.parametrize("reason", sorted(named_by_verification() - set(UNREACHED), key=str), ids=str)
def test_every_reason_of_a_check_is_in_a_bundle_or_a_slip(reason):
    check, state, code = reason
    assert (state, code) in {found[1:] for found in seen_in("bundle", "slip") if check in (None, found[0])}


@pytest.mark.parametrize("reason", sorted(named_by_slips()), ids=str)
def test_every_reason_of_a_slip_is_in_a_slip(reason):
    assert reason in seen_in("slip")


def test_what_no_vector_shows_is_named_in_the_specification_and_in_none():
    assert set(UNREACHED) <= named_by_verification()
    assert not set(UNREACHED) & seen_in("bundle", "slip")


def test_every_finding_is_in_a_bundle():
    text = (SPECS / "verification.md").read_text("utf-8")
    table = text[text.index("## 7.") : text.index("## 8.")]
    named = set(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE))
    assert len(named) > 20
    assert named - {finding for case in cases("bundle")[0] for finding in case["findings"]} == set()


def kinds(part):
    """Return the types of the statements of some cases, as far as they can be read."""
    texts = [case.get("text") or case.get("entry", "") for case in part]
    return {found[1] for text in texts if (found := re.search(r'"type":"([a-z-]+)"', text))}


def test_every_statement_type_is_accepted_and_refused():
    accept, refuse = map(kinds, cases("statements"))
    assert (set(TYPES) - accept, set(TYPES) - refuse) == (set(), set())


def test_every_act_and_every_list_is_accepted_and_refused():
    text = (SPECS / "acts.md").read_text("utf-8")
    acts = set(re.findall(r"^\| ([a-z]+) \| .* \| (?:`[a-z-]+`(?:, )?)+ \|$", text, re.MULTILINE))
    assert acts == {"vacancy", "substitute", "named", "inspection"}
    for part in cases("acts"):
        assert acts <= {case.get("kind") for case in part}
        assert any("outcomes" in case for case in part)
    lists = {"recusals", "exclusions", "items", "openings", "results", "sealed"}
    for part in cases("lists"):
        assert lists == {case["kind"] for case in part}


def test_every_file_of_vectors_is_in_the_index():
    index = (SPECS / "README.md").read_text("utf-8")
    names = {path.name for path in (SPECS / "vectors").glob("*.json")}
    assert {name for name in names if f"`{name}`" not in index} == set()


def test_the_examples_of_tickets_selection_and_record_are_the_first_case_of_the_record():
    """Else a reader would look for the first error at home."""
    first = cases("record")[0][0]
    announced = sha256(first["announcement"].encode()).hexdigest()
    tickets, selection, record, guide = ((SPECS / f"{name}.md").read_text("utf-8")
                                         for name in ("tickets", "selection", "record", "guide"))  # fmt: skip
    drawn = [line for line in map(json.loads, first["lines"]) if "ticket" in line]
    assert f"KEY={first['key']}" in tickets
    assert f"announcement {announced}" in tickets
    assert next(line["ticket"] for line in drawn if line["no"] == "H-000007") in tickets
    assert f"key {first['key']}: 相同 same" in guide
    assert "\n".join(first["lines"]) in record
    number = f"{int(announced, 16):078d}"[:20]
    assert " ".join(number[at : at + 4] for at in range(0, 20, 4)) in record
    cutoffs = [line["cutoff"] for line in map(json.loads, first["lines"]) if line.get("stratum") == ["pharmacy"]]
    assert f"cutoff {cutoffs[0]}" in selection


def test_the_files_that_people_hold_are_refused_in_many_ways():
    assert sum(len(cases(name)[1]) for name in ("bundle", "slip")) >= 200
    for name in ("bundle", "slip"):
        names = [case["name"] for part in cases(name) for case in part]
        assert len(names) == len(set(names))
