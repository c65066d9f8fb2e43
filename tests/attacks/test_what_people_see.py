"""Attacks on what people are shown (docs/threat-model.md, 39 to 42)."""

from hashlib import sha256

import pytest

from fairdraw.announcement import artifact_of
from fairdraw.bundle import Path, Proofs, Slip, evidence, read_file
from fairdraw.encoding import canonical, from_base64, lines, parse, to_base64
from fairdraw.errors import BundleError
from fairdraw.record import Record
from fairdraw.roster import listing_of
from fairdraw.schema import Announcement, Reveal, RevealsClosed, SnapshotStatement, Substitution, SubstitutionCall
from fairdraw.verify import Report, verify_slip
from support.acts import call, somebody
from support.slips import drawn_and_not, slip_of
from support.story import (
    Told,
    begin,
    committed,
    every,
    failing,
    found,
    sealed,
    sizes,
    tell,
    trust,
    waiting,
)
from transparency_log import merkle


def judged(told: Told, slip: Slip, **changes) -> Report:
    return verify_slip(slip, trust(told.story), **({"as_of": told.story.now} | changes))


def change(slip: Slip, **changes) -> Slip:
    return slip.model_copy(update=changes)


# -- honest slips -------------------------------------------------------------------------------------------------


def test_a_slip_of_each_row_is_consistent_with_the_published_result():
    told = tell()
    for row in told.objects[1].rows:
        report = judged(told, slip_of(told, row.no))
        assert report.verdict == "holds", (row.no, failing(report))
        assert report.check("selection").evidence["drawn"] == (row.no in dict(told.report().drawn))
    for row in told.inspectors[1].rows:
        slip = slip_of(told, row.no, role="inspectors")
        assert judged(told, slip, log=told.log()).verdict == "holds"
        assert {no for no, team in told.report().drawn if row.no in team} == {
            no for no, _ in judged(told, slip).check("assignment").evidence["teams"]
        }


def test_a_slip_is_a_file_of_one_line_and_comes_back_as_it_was():
    told = tell()
    slip = slip_of(told, "H-000001", own=True)
    assert read_file(slip.format()) == slip


# -- 39: the cutoff -----------------------------------------------------------------------------------------------


def shaved(told: Told) -> tuple[Told, str]:
    """Let the bureau leave its friend, the last one drawn of a stratum, out, and publish a cutoff just below."""
    friend: list[str] = []

    def bend(record: Record) -> Record:
        rows = [dict(parse(line)) for line in record.lines]
        one = next(row for row in rows if row.get("ticket") == rows[0]["cutoff"])
        friend.append(one["no"])
        rows[0]["cutoff"] = f"{int(rows[0]['cutoff'], 16) - 1:064x}"
        told = tuple(canonical(row) for row in rows if row is not one)
        data, tree = lines(told), merkle.Tree(map(merkle.leaf_hash, told))
        counts = record.statement.counts.model_copy(update={"drawn": record.statement.counts.drawn - 1})
        said = record.statement.model_copy(update={"results": listing_of(data, tree), "counts": counts})
        return Record(statement=said, lines=told, tree=tree, artifact=data)

    return told.go_on(bend=bend), friend[0]


def test_a_cutoff_shaved_just_below_a_friends_ticket_deceives_every_slip_and_no_bundle():
    told, friend = shaved(begin())
    report = judged(told, slip_of(told, friend))
    # This is what a slip cannot show: it is consistent with a false result.
    assert report.verdict == "holds"
    assert report.kind == "slip"
    assert report.check("selection").evidence["drawn"] is False
    whole = told.report()
    assert failing(whole)["selection"] == "selection-differs"
    assert whole.check("selection").evidence["left_out"] == [friend]
    codes = {check.code for check in report.checks}
    assert not codes & {"quotas", "record-matches"}, "a slip claims what it cannot know"


def test_a_slip_that_denies_a_drawn_row_contradicts_its_own_cutoff():
    told = tell()
    drawn, undrawn = drawn_and_not(told)
    denied = change(slip_of(told, drawn), teams=())
    assert failing(judged(told, denied)) == {"selection": "cutoff-contradicts"}
    other = slip_of(told, drawn).teams
    claimed = change(slip_of(told, undrawn), teams=other)
    assert failing(judged(told, claimed)) == {"selection": "cutoff-contradicts", "assignment": "row-of-another"}


def test_a_slip_with_the_stratum_of_other_rows_is_refused():
    told = tell()
    one, other = slip_of(told, "H-000000"), slip_of(told, "H-000001")
    assert failing(judged(told, change(one, strata=other.strata))) == {"selection": "stratum-of-another"}
    assert failing(judged(told, change(one, strata=()))) == {"selection": "stratum-missing"}
    assert failing(judged(told, change(one, strata=(one.row,))))["selection"] in {
        "path-does-not-fit",
        "bad-result-line",
    }


# -- 40: the slip of another row ----------------------------------------------------------------------------------


def test_whoever_is_handed_the_slip_of_another_row_sees_the_other_ones_fields():
    told = tell()
    slip = slip_of(told, "H-000007", own=True)
    own = judged(told, slip).check("rosters").evidence["own"]
    assert own == {"name": "第7医院", "uscc": f"9137{7:014d}"}
    other = slip_of(told, "H-000008", own=True)
    assert failing(judged(told, change(slip, own=other.own))) == {"rosters": "opening-of-another"}
    renamed = tuple(one.model_copy(update={"no": "H-000007"}) for one in other.own)
    assert failing(judged(told, change(slip, own=renamed))) == {"rosters": "opening-does-not-fit"}


def test_a_row_under_another_number_is_refused():
    told = tell()
    slip = slip_of(told, "H-000007")
    assert failing(judged(told, change(slip, no="H-000008")))["rosters"] == "row-of-another"
    bent = from_base64(slip.row.line).replace(b"H-000007", b"H-000008")
    forged = change(slip, no="H-000008", row=slip.row.model_copy(update={"line": to_base64(bent)}))
    assert failing(judged(told, forged))["rosters"] == "path-does-not-fit"


def test_a_row_of_the_other_registry_is_refused():
    told = tell()
    inspector = slip_of(told, "I-0003", role="inspectors")
    object_slip = slip_of(told, "H-000003")
    assert failing(judged(told, change(object_slip, registry="inspectors"))) == {"snapshots": "entry-missing"}
    foreign = change(object_slip, no="I-0003", row=inspector.row)
    assert failing(judged(told, foreign)) == {"rosters": "path-does-not-fit"}


# -- 41: two sizes ------------------------------------------------------------------------------------------------


def test_a_path_that_fits_the_root_under_another_size_is_refused():
    told = tell()
    slip = slip_of(told, "H-000059")
    for index in range(70):
        moved = Path(line=slip.row.line, index=index, hashes=slip.row.hashes)
        expected = {} if index == slip.row.index else {"rosters": "path-does-not-fit"}
        report = judged(told, change(slip, row=moved))
        assert failing(report) == expected


def test_a_root_verified_under_two_sizes_takes_its_count_from_the_signed_statement():
    leaves = [merkle.leaf_hash(bytes([i])) for i in range(6)]
    tree = merkle.Tree(leaves)
    proof = tree.inclusion_proof(5)
    accepted = []
    for size in range(6, 40):
        try:
            merkle.check_inclusion(leaves[5], index=5, size=size, proof=proof, root=tree.root())
            accepted.append(size)
        except merkle.MerkleError:
            pass
    assert 6 in accepted
    told = tell()
    statement = told.objects[0].of(SnapshotStatement)
    assert judged(told, slip_of(told, "H-000059")).check("snapshots").evidence["count"] == statement.roster.count


# -- 42: the three lines that are printed -------------------------------------------------------------------------


def test_the_key_of_another_draw_is_not_this_draws():
    told = tell()
    pulse = told.story.pulses(told.announcement.of(Announcement))[0]
    randomness = sha256(bytes.fromhex(pulse.signature)).hexdigest()
    text = (
        f"fairdraw/v1/key\nannouncement {told.announcement.text_hash}\n"
        f"pulse {told.story.chain.hash} {pulse.round} {randomness}\n"
    )
    key = sha256(text.encode()).hexdigest()
    drawn, _ = drawn_and_not(told)
    evidence = judged(told, slip_of(told, drawn)).check("selection").evidence
    assert evidence["key"] == key
    assert evidence["ticket"] == sha256(f"{key}\nobject\n{drawn}\n".encode()).hexdigest()
    ((item, cutoff),) = evidence["cutoff"]
    assert (item, evidence["ticket"] <= cutoff) == ("fund-use", True)


def with_key(record: Record) -> Record:
    said = record.statement.model_copy(update={"key": "00" * 32})
    return Record(statement=said, lines=record.lines, tree=record.tree, artifact=record.artifact)


def test_a_printed_key_that_is_not_the_draws_is_refused_in_bundle_and_slip():
    told = begin().go_on(bend=with_key)
    assert failing(told.report()) == {"record-matches": "record-differs"}
    drawn, _ = drawn_and_not(told)
    assert failing(judged(told, slip_of(told, drawn))) == {"selection": "key-differs"}


def test_a_ticket_in_a_team_line_that_is_not_the_objects_is_refused():
    def bend(record: Record) -> Record:
        rows = [dict(parse(line)) for line in record.lines]
        rows[-1]["ticket"] = "00" * 32
        told = tuple(canonical(row) for row in rows)
        data, tree = lines(told), merkle.Tree(map(merkle.leaf_hash, told))
        said = record.statement.model_copy(update={"results": listing_of(data, tree)})
        return Record(statement=said, lines=told, tree=tree, artifact=data)

    told = begin().go_on(bend=bend)
    assert told.record is not None
    last = dict(parse(told.record.lines[-1]))["no"]
    assert failing(judged(told, slip_of(told, last)))["assignment"] == "ticket-differs"


# -- and what else a slip may be bent into ------------------------------------------------------------------------


def test_a_slip_of_a_draw_that_was_voided_later_says_so_with_the_log():
    told = tell()
    slip = slip_of(told, "H-000001")
    told.story.now += 60
    told.void("typing-error")
    told.later()
    assert judged(told, slip).verdict == "holds"  # as of its own checkpoint
    assert failing(judged(told, slip, log=told.log()))["later-acts"] == "voided"


def test_a_verdict_does_not_cover_substitutions_that_nobody_checked():
    told = tell()
    slip = slip_of(told, "H-000001")
    assert judged(told, slip, log=told.log()).verdict == "holds"
    called = call(told, *somebody(told))
    told.story.artifacts.pop(called.of(SubstitutionCall).vacancy.digest)
    told.later()
    report = told.report()
    assert (failing(report), waiting(report)) == ({}, {"later-acts": "artifact-missing"})
    report = judged(told, slip, log=told.log())
    assert (failing(report), waiting(report)) == ({}, {"later-acts": "substitution-not-checked"})


def test_a_substitution_of_something_that_is_no_call_is_seen_in_slip_and_bundle():
    told = tell()
    slip, named = slip_of(told, "H-000001"), artifact_of(b"a friend")
    assert told.draw is not None
    told.story.add(told.story.head().make(Substitution, call=told.draw.ref, pulses=(), key=None, result=named))
    told.later()
    assert failing(told.report()) == {"later-acts": "substitution-without-call"}
    assert waiting(judged(told, slip, log=told.log())) == {"later-acts": "substitution-not-checked"}


def test_a_slip_cannot_leave_out_the_reveals_that_count_and_so_compute_another_key():
    told = begin(before=lambda story: committed()(story) | sealed()(story))
    told.close(told.reveal())
    told.later().go_on()
    told.open_up()
    told.later()
    drawn, _ = drawn_and_not(told)
    honest = slip_of(told, drawn)
    assert judged(told, honest, log=told.log()).verdict == "holds"
    kept = [entry for entry in every(told) if not isinstance(entry.statement, Reveal | RevealsClosed)]
    bent = change(honest, teams=(), **evidence(Proofs.of(told.story.entries, sizes(told.story)), kept))
    assert failing(judged(told, bent)) == {"bureau-chain": "chain-broken"}


def test_a_slip_for_a_row_that_is_not_in_the_roster_cannot_be_made():
    told = tell()
    with pytest.raises(BundleError) as caught:
        slip_of(told, "H-000001", roster=told.inspectors[1].roster)
    assert caught.value.code == "no-such-row"


def test_a_slip_whose_announcement_was_late_does_not_hold():
    told = begin()
    told.story.checkpoints.pop()
    told.story.now += 7200
    told.go_on()
    assert failing(judged(told, slip_of(told, "H-000001"))) == {"announcement-before-pulse": "announcement-late"}


def test_a_slip_without_a_draw_is_none():
    told = tell()
    assert failing(judged(told, change(slip_of(told, "H-000001"), draw=None))) == {"format": "no-draw"}


def test_a_slip_never_asks_for_what_it_was_not_given():
    told = tell()
    report = judged(told, slip_of(told, "H-000001"))
    assert report.check("no-other-draw").state == report.check("later-acts").state == "not-asked"
    assert waiting(report) == {}
    assert found(report) == set()


def test_the_slip_of_a_second_announcements_draw_does_not_hold_against_the_log():
    told = begin()
    second = told.announce_again(window="2026-10-15")
    told.later()
    second.go_on()
    slip = slip_of(second, "H-000001")
    assert judged(second, slip).verdict == "holds"  # the slip alone cannot know; the log does
    assert failing(judged(second, slip, log=second.log())) == {"no-other-draw": "slot-not-free"}


def test_a_check_that_depends_on_a_failed_one_is_never_green():
    told = begin()
    told.story.checkpoints.pop()
    told.story.checkpoint(by=[0])
    told.go_on(cosigned=False)
    told.story.checkpoint(by=[0])
    report = told.report()
    assert failing(report) == {"witness-quorum": "quorum-missing"}
    waits = {check.code for check in report.checks if check.depends}
    assert {"announcement-before-pulse", "first-of-slot", "no-other-draw", "selection", "rosters"} <= waits
    assert all(check.state == "unknown" for check in report.checks if check.depends)
