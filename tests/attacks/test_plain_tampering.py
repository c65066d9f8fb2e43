"""The plain attacks: something is edited, swapped, dropped or doubled (docs/threat-model.md, "Plain tampering").

The attacker holds the bureau's key and the log's, and signs and logs whatever he likes again.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from fairdraw.announcement import artifact_of
from fairdraw.bundle import read_file
from fairdraw.encoding import canonical, lines, parse
from fairdraw.errors import BundleError
from fairdraw.record import Record
from fairdraw.registry import Registry
from fairdraw.roster import listing_of
from fairdraw.schema import Announcement
from fairdraw.verify import verify_bundle
from support.story import (
    Story,
    Told,
    begin,
    change,
    failing,
    objects,
    recusal,
    swap,
    team,
    tell,
    trust,
    trust_text,
    without,
)
from transparency_log import merkle

# -- the registry -------------------------------------------------------------------------------------------------


def roster_of(told: Told) -> tuple[str, bytes]:
    data = told.objects[1].roster.data
    return told.objects[1].roster.listing().digest, data


def edited(rows: list[bytes]) -> list[bytes]:
    return [rows[0].replace(b"370102", b"370103"), *rows[1:]]


def added(rows: list[bytes]) -> list[bytes]:
    return [*rows, rows[-1].replace(b"H-000059", b"H-000060")]


def removed(rows: list[bytes]) -> list[bytes]:
    return rows[:30] + rows[31:]


def doubled(rows: list[bytes]) -> list[bytes]:
    return [rows[0], *rows]


def reordered(rows: list[bytes]) -> list[bytes]:
    return [rows[1], rows[0], *rows[2:]]


BENT = [edited, added, removed, doubled, reordered]


@pytest.mark.parametrize("bend", BENT)
def test_a_registry_edited_after_the_announcement_is_another_registry(bend):
    told = tell()
    digest, data = roster_of(told)
    report = told.report(swap(told.bundle(), digest, lines(bend(data.splitlines()))))
    assert failing(report) == {"rosters": "wrong-digest"}
    assert report.check("selection").depends == "rosters"
    assert told.report().verdict == "holds"


@pytest.mark.parametrize(
    ("bend", "reason"), [(doubled, "roster-not-sorted"), (reordered, "roster-not-sorted"), (removed, None)]
)
def test_a_roster_that_is_logged_with_its_rows_doubled_or_out_of_order_is_refused(bend, reason):
    """The bureau logs the bent list itself, with digest, root and count to match."""
    story = Story()
    real = story.snapshot

    def bent(name: str, registry: Registry, label: str = "1", **changes):
        if name == "institutions":
            from fairdraw.snapshot import freeze
            from support.story import secret

            rows = bend(freeze(registry, secret(f"secret of {name} {label}")).roster.data.splitlines())
            data = story.keep(lines(rows))
            changes["roster"] = listing_of(data, merkle.Tree(map(merkle.leaf_hash, rows)))
        return real(name, registry, label, **changes)

    story.snapshot = bent
    told = begin(story)
    told.story.now += 7200
    expected = {} if reason is None else {"rosters": reason}
    report = told.later().report(told.bundle())
    assert {k: v for k, v in failing(report).items() if k != "record-logged"} == expected


@pytest.mark.parametrize(
    ("field", "value"), [("root", "00" * 32), ("count", 59), ("count", 61), ("digest", "00" * 32), ("length", 1)]
)
def test_a_root_count_or_digest_that_does_not_fit_the_roster_is_refused(field, value):
    story = Story()
    listing = listing_of_objects().model_copy(update={field: value})
    real = story.snapshot
    story.snapshot = lambda name, registry, label="1", **changes: real(
        name, registry, label, **(changes | ({"roster": listing} if name == "institutions" else {}))
    )
    told = begin(story)
    assert failing(told.go_on().report())["rosters"] in {"wrong-root", "wrong-digest", "artifact-missing"}


def listing_of_objects():
    return Story().snapshot("institutions", objects())[1].roster.listing()


def test_a_roster_that_nobody_can_get_fails():
    told = tell()
    digest, _ = roster_of(told)
    told.story.artifacts.pop(digest)
    assert failing(told.report()) == {"rosters": "artifact-missing"}


def test_a_result_list_that_nobody_can_get_fails_without_a_crash():
    told = tell()
    assert told.record is not None
    digest = told.record.statement.results.digest
    del told.story.artifacts[digest]
    assert failing(told.report(without(told.bundle(), digest))) == {
        "quotas": "artifact-missing",
        "selection": "artifact-missing",
        "assignment": "artifact-missing",
        "record-matches": "artifact-missing",
    }


# -- the result ---------------------------------------------------------------------------------------------------

Change = Callable[[list[dict]], list[dict]]


def rewritten(bend: Change) -> Callable[[Record], Record]:
    """Return the bureau's own idea of a record: other lines, with root, count and digest to match."""

    def change_record(record: Record) -> Record:
        told = tuple(canonical(row) for row in bend([dict(parse(line)) for line in record.lines]))
        tree = merkle.Tree(map(merkle.leaf_hash, told))
        data = lines(told)
        statement = record.statement.model_copy(update={"results": listing_of(data, tree)})
        return Record(statement=statement, lines=told, tree=tree, artifact=data)

    return change_record


def drawn(rows: list[dict]) -> list[dict]:
    return [row for row in rows if "ticket" in row]


def swap_object(rows: list[dict]) -> list[dict]:
    taken = {row["no"] for row in drawn(rows)}
    one = drawn(rows)[0]
    friend = next(f"H-{i:06d}" for i in range(60) if f"H-{i:06d}" not in taken)
    one["no"] = friend
    return rows


def swap_inspector(rows: list[dict]) -> list[dict]:
    one = drawn(rows)[0]
    others = [f"I-{i:04d}" for i in range(12) if f"I-{i:04d}" not in {no for _, no in one["team"]}]
    one["team"] = [[one["team"][0][0], others[0]], one["team"][1]]
    return rows


def swap_teams(rows: list[dict]) -> list[dict]:
    one, two = drawn(rows)[:2]
    one["team"], two["team"] = two["team"], one["team"]
    return rows


def drop_object(rows: list[dict]) -> list[dict]:
    return rows[:-1]


def add_object(rows: list[dict]) -> list[dict]:
    return [*rows, drawn(rows)[-1] | {"no": "H-000000", "ticket": "ff" * 32}]


def draw_twice(rows: list[dict]) -> list[dict]:
    return [*rows, rows[-1]]


def one_more(rows: list[dict]) -> list[dict]:
    rows[0]["quota"] += 1
    return rows


def one_less(rows: list[dict]) -> list[dict]:
    rows[0]["quota"] -= 1
    return rows


def other_base(rows: list[dict]) -> list[dict]:
    rows[0]["base"] += 10
    return rows


def other_derivation(rows: list[dict]) -> list[dict]:
    rows[0]["derivation"] = "ceil(20*1/10)=3"
    return rows


def shaved_cutoff(rows: list[dict]) -> list[dict]:
    rows[0]["cutoff"] = f"{int(rows[0]['cutoff'], 16) - 1:064x}"
    return rows


def more_eligible(rows: list[dict]) -> list[dict]:
    drawn(rows)[0]["eligible"] += 5
    return rows


def no_change(rows: list[dict]) -> list[dict]:
    return rows


@pytest.mark.parametrize(
    ("bend", "code", "reason"),
    [
        (swap_object, "selection", "selection-differs"),
        (swap_inspector, "assignment", "team-differs"),
        (swap_teams, "assignment", "team-differs"),
        (drop_object, "selection", "selection-differs"),
        (add_object, "selection", "selection-differs"),
        (draw_twice, "selection", "selection-differs"),
        (one_more, "quotas", "quota-differs"),
        (one_less, "quotas", "quota-differs"),
        (other_base, "quotas", "quota-differs"),
        (other_derivation, "quotas", "quota-differs"),
        (shaved_cutoff, "selection", "cutoff-differs"),
        (more_eligible, "assignment", "team-differs"),
    ],
)
def test_a_result_with_one_thing_bent_and_everything_signed_anew_does_not_hold(bend, code, reason):
    report = begin().go_on(bend=rewritten(bend)).report()
    told = failing(report)
    assert told[code] == reason
    assert told["record-matches"] == "record-differs"


def test_a_result_written_anew_without_a_change_holds():
    assert begin().go_on(bend=rewritten(no_change)).report().verdict == "holds"


def test_a_swapped_object_is_named_and_so_is_whom_it_replaced():
    evidence = begin().go_on(bend=rewritten(swap_object)).report().check("selection").evidence
    assert len(evidence["not_drawn"]) == len(evidence["left_out"]) == 1


def test_a_recused_inspector_is_never_assigned_and_refused_where_he_is():
    free = tell()
    assert free.record is not None
    one = drawn([dict(parse(line)) for line in free.record.lines])[0]
    struck = recusal(one["no"], one["team"][0][1]) + b"\n"
    # The recusal is part of the announcement, and so gives another key; put the recused one where he is not.
    told = begin(recusals=struck)

    def assign_him(rows: list[dict]) -> list[dict]:
        line = next((row for row in drawn(rows) if row["no"] == one["no"]), drawn(rows)[0])
        line["team"] = one["team"]
        return rows

    assert "assignment" in failing(told.go_on(bend=rewritten(assign_him)).report())
    honest = tell(recusals=struck)
    assert honest.report().verdict == "holds"
    teams = dict(honest.report().drawn)
    assert one["team"][0][1] not in teams.get(one["no"], ())


CAPPED = team(cap=2, limit=10_000)


def test_a_load_above_the_cap_does_not_hold():
    told = begin(plan={"team": CAPPED})

    def overload(rows: list[dict]) -> list[dict]:
        for row in drawn(rows):
            row["team"] = drawn(rows)[0]["team"]
        return rows

    assert failing(told.go_on(bend=rewritten(overload)).report())["assignment"] == "team-differs"
    honest = tell(plan={"team": CAPPED}).report()
    assert honest.verdict == "holds"
    loads = [member for _, members in honest.drawn for member in members]
    assert max(map(loads.count, loads)) <= 2


def capped_with_attempts() -> Told:
    """Tell a capped story whose first attempt was rejected."""
    for margin in range(300, 400):
        told = begin(plan={"team": CAPPED}, margin=margin)
        if told.outcome().assignment.blocks[0][1] > 0:
            return told
    raise AssertionError("no story with a second attempt")


def with_blocks(told: Told, blocks) -> Told:
    def bend(record: Record) -> Record:
        return replace(record, statement=record.statement.model_copy(update={"blocks": blocks}))

    return told.go_on(bend=bend)


def test_an_attempt_that_was_skipped_or_claimed_does_not_hold():
    told = capped_with_attempts()
    (no, attempt, cap), *rest = told.outcome().assignment.blocks
    for forged in ((no, attempt + 1, cap), (no, attempt - 1, cap), (no, attempt, cap + 1)):
        report = with_blocks(capped_with_attempts(), (forged, *rest)).report()
        assert failing(report) == {"assignment": "attempts-differ", "record-matches": "record-differs"}
    assert with_blocks(capped_with_attempts(), ((no, attempt, cap), *rest)).report().verdict == "holds"


def test_the_teams_of_a_later_attempt_do_not_hold():
    told = capped_with_attempts()
    skipped = begin(plan={"team": team(cap=4)}, margin=told.announcement.of(Announcement).margin)
    other = [list(map(list, team)) for team in skipped.outcome().assignment.teams.values()]

    def later_attempt(rows: list[dict]) -> list[dict]:
        for row, members in zip(drawn(rows), other, strict=True):
            row["team"] = members
        return rows

    assert failing(told.go_on(bend=rewritten(later_attempt)).report())["assignment"] == "team-differs"


@pytest.mark.parametrize("bend", [swap_object, swap_inspector, one_more, drop_object])
def test_a_printed_result_that_differs_from_the_logged_one_does_not_hold(bend):
    """Nothing is signed anew: the bundle carries another list than the log names."""
    told = tell()
    assert told.record is not None
    rows = bend([dict(parse(line)) for line in told.record.lines])
    forged = swap(told.bundle(), told.record.statement.results.digest, lines(canonical(row) for row in rows))
    report = told.report(forged)
    assert failing(report)["record-matches"] == "result-list-altered"
    assert {"quotas", "selection", "assignment"} & failing(report).keys()


# -- the reader's own ---------------------------------------------------------------------------------------------


def test_a_bundle_that_brings_its_own_trust_file_is_not_believed():
    mine = Story()
    attacker = Story()
    attacker.log_key = type(mine.log_key).from_seed(mine.origin, bytes(32))
    attacker.bureau = type(mine.bureau).from_seed(mine.bureau.name, bytes([1]) * 32)
    attacker.witness_keys = [type(k).from_seed(k.name, bytes([2 + i]) * 32, 4)
                             for i, k in enumerate(attacker.witness_keys)]  # fmt: skip
    attacker.keep(trust_text(attacker).encode())
    told = tell(attacker)
    assert told.report().verdict == "holds"  # in the attacker's own world
    report = verify_bundle(told.bundle(), trust(mine), as_of=told.story.now, log=told.log())
    assert failing(report) == {"log-signature": "bad-checkpoint"}
    assert report.trust == trust(mine).digest


def test_a_trust_file_inside_a_bundle_is_not_even_a_field():
    told = tell()
    data = told.bundle().format()
    assert read_file(data) == told.bundle()
    value = dict(parse(data[:-1]))
    with pytest.raises(BundleError) as caught:
        read_file(canonical(value | {"trust": trust_text(told.story).replace("\n", " ")}) + b"\n")
    assert caught.value.code == "not-a-bundle"


def test_cosignatures_of_the_attackers_own_witnesses_do_not_count():
    told = begin()
    story = told.story
    real, story.witness_keys = story.witness_keys, [
        type(k).from_seed(f"puppet{i}.example.cn/rehearsal", bytes([9 + i]) * 32, 4)
        for i, k in enumerate(story.witness_keys)
    ]  # fmt: skip
    told.go_on()
    bundle, log = told.bundle(), told.log()
    story.witness_keys = real
    assert failing(told.report(bundle, log=log)) == {"witness-quorum": "quorum-missing"}


def test_an_artifact_that_nothing_names_must_still_be_what_it_is_called():
    told = tell()
    named = artifact_of(told.story.keep(b"an innocent file\n")).digest
    assert told.report().verdict == "holds"
    assert failing(told.report(swap(told.bundle(), named, b"another\n"))) == {"format": "bad-artifact"}


def test_a_bundle_that_names_an_artifact_twice_is_refused():
    told = tell()
    bundle = told.bundle()
    doubled_artifacts = change(bundle, {"artifacts": (*bundle.artifacts, bundle.artifacts[0])})
    assert failing(told.report(doubled_artifacts)) == {"format": "bad-artifact"}
