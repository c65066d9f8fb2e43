"""Which files the statements of the story name."""

import pytest

from fairdraw.artifacts import named_artifacts
from fairdraw.schema import Announcement, Draw, SnapshotStatement, Withdrawal
from fairdraw.statement import read_entry
from support.story import begin
from transparency_log.mirror import ArtifactRefs
from transparency_log.note import Note


@pytest.fixture(scope="module")
def entries():
    return [read_entry(data, index) for index, data in enumerate(begin().go_on().story.entries)]


def named(entry):
    return {digest for digest, _ in named_artifacts(entry.data).named}


def resigned(entry, **changes):
    """The same entry with another text; its signatures no longer hold, which is for `verify` to see."""
    statement = entry.statement.model_copy(update=changes)
    return read_entry(Note(statement.text().decode(), entry.note.signatures).format(), 0)


def one(entries, kind):
    return next(entry for entry in entries if isinstance(entry.statement, kind))


def test_a_snapshot_names_its_roster_where_it_is_published(entries):
    entry = one(entries, SnapshotStatement)
    roster = entry.statement.roster
    assert named_artifacts(entry.data).named == ((roster.digest, roster.length),)
    assert named(resigned(entry, published=False)) == set()


def test_an_announcement_names_its_two_lists(entries):
    entry = one(entries, Announcement)
    assert named(entry) == {entry.statement.recusals.digest, entry.statement.exclusions.digest}


def test_a_draw_names_its_results_unless_they_are_sealed(entries):
    entry = one(entries, Draw)
    assert named(entry) == {entry.statement.results.digest}
    assert named(resigned(entry, key=None, blocks=None)) == set()


def test_only_the_bureau_withdraws(entries):
    told = one(entries, Draw).statement
    common = {"log": told.log, "bureau": told.bureau, "seq": 9, "prev": None, "time": told.time}
    for by, withdrawn in ((told.bureau, ("ab" * 32,)), ("supervisor.example", ())):
        statement = Withdrawal(type="withdrawal", by=by, digest="ab" * 32, reason="erasure", **common)
        data = Note(statement.text().decode(), one(entries, Draw).note.signatures).format()
        assert named_artifacts(data).withdrawn == withdrawn


def test_what_is_no_statement_names_nothing(entries):
    for data in (b"x", b"", b"text\n\n\xe2\x80\x94 a AAAAAAA=\n", entries[0].data[:-1], entries[0].data * 2):
        assert named_artifacts(data) == ArtifactRefs()
