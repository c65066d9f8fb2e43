from dataclasses import replace

import pytest

from support.followed import POLICY, TIME, VERIFIER, W1, W2, Source, digest, named_by, naming, withdrawing
from support.keys import flipped_bits, log_signer
from transparency_log import monitor as monitor_module
from transparency_log.errors import FollowError, LogError, RemoteError
from transparency_log.followed import State
from transparency_log.monitor import Monitor

DAY = 86_400


def following(source, seen=None, *, now=TIME + 60, policy=POLICY, read=None, **options):
    monitor = Monitor(read or source.read, VERIFIER, policy=policy, artifacts=named_by, **options)
    return monitor.follow(seen, now=now, max_age=DAY)


def codes(told):
    return [finding.code for finding in told.findings]


def cosigned(count=300):
    source = Source(count)
    source.cosign()
    return source


def test_a_log_that_only_grows_gives_no_findings():
    source, seen = cosigned(3), None
    for more in (0, 1, 255, 300, 0, 7):
        source.grow(more)
        source.cosign()
        told = following(source, seen)
        assert (told.findings, told.unreachable, told.behind) == ((), (), False)
        seen = told.state
        assert (seen.size, seen.entries) == (source.log.size, source.log.size)
        assert State.parse(seen.format(), VERIFIER) == seen


def test_an_empty_log_can_be_followed():
    source = Source()
    source.cosign()
    told = following(source)
    assert told.findings == ()
    source.grow(1)
    source.cosign()
    assert following(source, told.state).state.entries == 1


def test_the_first_round_reads_everything_and_the_next_ones_what_is_new_and_a_slice_of_the_old(monkeypatch):
    monkeypatch.setattr(monitor_module, "OLD_BUNDLES", 2)
    source = cosigned(256 * 5)
    seen = following(source).state
    assert sum(path.startswith("tile/entries/") for path in source.asked) == 5
    source.asked.clear()
    for _ in range(5):
        seen = following(source, seen).state
    read = [path[-3:] for path in source.asked if path.startswith("tile/entries/")]
    assert read == ["000", "001", "002", "003", "000", "004", "001", "002", "003", "004"]
    source.grow(1)
    source.cosign()
    source.asked.clear()
    told = following(source, seen)
    assert "tile/entries/005.p/1" in source.asked
    assert told.state.entries == 256 * 5 + 1


def test_a_long_log_is_read_in_stages(monkeypatch):
    monkeypatch.setattr(monitor_module, "NEW_BUNDLES", 2)
    source = cosigned(256 * 4 + 3)
    told, stages = following(source), []
    while told.behind:
        stages.append(told.state.entries)
        told = following(source, told.state)
    assert stages == [512, 1024]
    assert told.state.entries == 1027
    assert told.findings == ()


@pytest.mark.parametrize("at", [0, 1, 2, 5, 8, 11])
def test_what_cannot_be_reached_is_no_finding_and_nothing_is_forgotten(at):
    source = cosigned(600)
    seen = following(source).state
    source.grow(300)
    source.cosign(at=TIME + 5)
    asked = []

    def read(path):
        asked.append(path)
        if len(asked) > at:
            raise RemoteError("remote-unreachable", url=path, reason="TimeoutError")
        return source.storage.read(path)

    told = following(source, seen, read=read)
    assert codes(told) == []
    assert {error.code for error in told.unreachable} == {"unreachable"}
    assert not told.behind
    again = following(source, told.state)
    assert (again.findings, again.state.entries) == ((), 900)


def test_without_a_checkpoint_to_believe_there_is_nothing_to_remember():
    source = cosigned(3)
    source.files["checkpoint"] = b"not a note"
    told = following(source)
    assert (codes(told), told.state, told.fresh) == (["bad-signature"], None, None)
    del source.files["checkpoint"]
    assert codes(following(source)) == ["missing-file"]


def test_the_other_steps_are_taken_although_the_newest_checkpoint_is_bad():
    source = cosigned(300)
    seen = following(source).state
    source.files["checkpoint"] = b"not a note"
    source.files["tile/entries/000"] = source.files["tile/entries/000"].replace(b"entry 7", b"entry 8", 1)
    told = following(source, seen)
    assert codes(told) == ["bad-signature", "altered-file"]
    assert told.findings[1].params == {"path": "tile/entries/000", "index": 7, "reason": "entry-mismatch"}


def test_something_wrong_is_found_in_every_round_until_it_is_right_again(monkeypatch):
    monkeypatch.setattr(monitor_module, "OLD_BUNDLES", 1)
    source = cosigned(256 * 4)
    seen = following(source).state
    good = source.files.pop("tile/entries/001")
    rounds = []
    for _ in range(6):
        told = following(source, seen)
        rounds.append(codes(told))
        seen = told.state
    first = rounds.index(["missing-file"])
    assert all(found == ["missing-file"] for found in rounds[first:])
    assert seen.again == (1,)
    source.files["tile/entries/001"] = good
    told = following(source, seen)
    assert (codes(told), told.state.again) == ([], ())


def test_artifacts_are_looked_for_until_they_are_there_or_withdrawn():
    source = cosigned(3)
    source.publish(b"there")
    source.log.append_many([naming(b"missing"), naming(b"withdrawn"), naming(b"bent"), withdrawing(b"withdrawn")])
    source.files[f"artifact/{digest(b'bent')}"] = b"other"
    source.cosign()
    told = following(source)
    assert sorted((found.code, found.params["digest"]) for found in told.findings) == [
        ("altered-artifact", digest(b"bent")),
        ("missing-artifact", digest(b"missing")),
    ]
    assert told.state.withdrawn == (digest(b"withdrawn"),)
    assert sorted(codes(following(source, told.state))) == ["altered-artifact", "missing-artifact"]
    source.files[f"artifact/{digest(b'bent')}"] = b"bent"
    source.log.append(withdrawing(b"missing"))
    source.cosign()
    told = following(source, told.state)
    assert (codes(told), told.state.again) == ([], ())
    # What was there when it was named may be gone later.
    del source.files[f"artifact/{digest(b'there')}"]
    assert codes(following(source, told.state)) == ["missing-artifact"]


def test_an_artifact_that_cannot_be_reached_is_no_finding_and_is_asked_for_again():
    source = cosigned(3)
    source.publish(b"far away")
    source.cosign()

    def read(path):
        if path.startswith("artifact/"):
            raise RemoteError("remote-unreachable", url=path, reason="TimeoutError")
        return source.storage.read(path)

    told = following(source, read=read)
    assert (codes(told), len(told.unreachable), told.state.again) == ([], 1, (0,))
    assert following(source, told.state).state.again == ()


def test_a_log_whose_checkpoint_cannot_be_reached_is_not_called_stale():
    source = cosigned(3)
    seen = following(source).state

    def read(path):
        raise RemoteError("remote-unreachable", url=path, reason="TimeoutError")

    told = following(source, seen, now=TIME + 9 * DAY, read=read)
    assert (codes(told), told.state) == ([], seen)
    assert "checkpoint" in {error.params["path"] for error in told.unreachable}


def test_a_log_is_stale_when_no_quorum_saw_it_lately():
    source = cosigned(3)
    seen = following(source, now=TIME + DAY).state
    assert seen.cosigned == TIME
    told = following(source, seen, now=TIME + DAY + 1)
    assert (codes(told), told.findings[0].params) == (["stale"], {"limit": DAY, "time": TIME})
    # One witness is no quorum, and growth alone is no witness.
    source.grow(1)
    source.cosign(at=TIME + DAY, by=[W1])
    told = following(source, seen, now=TIME + DAY + 1)
    assert codes(told) == ["stale"]
    source.cosign(at=TIME + DAY, by=[W2])
    told = following(source, told.state, now=TIME + DAY + 1)
    assert (codes(told), told.fresh) == ([], TIME + DAY)


def test_a_log_without_witnesses_is_stale_when_it_does_not_grow():
    source = Source(3)
    told = following(source, policy=None, now=TIME)
    assert (codes(told), told.fresh) == ([], TIME)
    told = following(source, told.state, policy=None, now=TIME + DAY + 1)
    assert codes(told) == ["stale"]
    source.grow(1)
    assert codes(following(source, told.state, policy=None, now=TIME + DAY + 1)) == []


def test_a_log_that_no_quorum_ever_saw_is_stale_at_once():
    told = following(Source(3))
    assert codes(told) == ["missing-witness", "missing-witness", "stale"]
    assert [found.params.get("name") for found in told.findings] == ["one", "two", None]


def test_a_missing_witness_is_news_and_no_fault_of_the_log():
    source = cosigned(3)
    seen = following(source).state
    source.grow(1)
    assert codes(following(source, seen)) == []  # both signed the tree before
    source.cosign(by=[W1])
    source.grow(1)
    source.cosign(by=[W1])
    told = following(source, seen)
    told = following(source, told.state)
    assert [(found.code, found.informative) for found in told.findings] == [("missing-witness", True)]


def test_a_frozen_log_is_not_stale_and_must_stay_frozen():
    source = cosigned(3)
    source.log.freeze()
    seen = following(source).state
    assert State.parse(seen.format(), VERIFIER) == seen
    told = following(source, seen, now=TIME + 100 * DAY)
    assert codes(told) == []
    del source.files["frozen"]
    assert codes(following(source, seen, now=TIME + 100 * DAY)) == ["missing-file"]
    source.files["frozen"] = source.files["checkpoint"]
    assert codes(following(source, seen, now=TIME + 100 * DAY)) == ["bad-signature"]


def test_threads_find_the_same():
    source = cosigned(256 * 8)
    source.files["tile/entries/003"] = source.files["tile/entries/002"]
    one, four = following(source), following(source, workers=4)
    assert codes(one) == codes(four) == ["altered-file"]
    assert one.state == four.state


def test_a_memory_is_read_in_its_one_form_and_a_damaged_one_is_refused():
    source = cosigned(300)
    source.publish(b"gone")
    source.log.append(withdrawing(b"gone"))
    source.cosign()
    source.log.freeze()
    seen = replace(following(source).state, again=(0, 1))
    data = seen.format()
    assert State.parse(data, VERIFIER) == seen
    for at in range(len(data)):
        for bad in (data[:at], data[:at] + b" " + data[at:]):
            with pytest.raises(LogError):
                State.parse(bad, VERIFIER)
    with pytest.raises(LogError):
        State.parse(data, log_signer("other.example").verifier)
    with pytest.raises(FollowError, match="state-format"):
        State.parse(replace(seen, entries=10**6).format(), VERIFIER)


def test_a_memory_with_any_bit_changed_never_names_a_tree_that_the_log_did_not_sign():
    seen = following(cosigned(3)).state
    for bad in flipped_bits(seen.format()):
        try:
            told = State.parse(bad, VERIFIER)
        except LogError:
            continue
        assert told.checkpoint == seen.checkpoint
