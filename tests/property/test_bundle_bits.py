"""Any single flipped bit of a bundle, slip, proof, note or roster is refused (specs/verification.md).

With one exception that says nothing: in an earlier checkpoint which no check needs, a witness's line may become one
of a key that nobody knows, as if it had never been collected.
"""

from contextlib import suppress
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairdraw.bundle import Bundle, Slip, read_file
from fairdraw.encoding import from_base64, to_base64
from fairdraw.errors import Error
from fairdraw.roster import read_roster
from fairdraw.schema import Plan, SnapshotStatement
from fairdraw.slip import make_slip
from fairdraw.snapshot import open_row
from fairdraw.statement import check_signatures, read_entry
from fairdraw.trust import parse_trust
from fairdraw.verify import LogView, verify_slip
from support.story import EMBARGO, Told, begin, committed, sealed, secret, sizes, swap, tell, trust, trust_text
from transparency_log import merkle
from transparency_log.checkpoint import cosignatures, open_checkpoint
from transparency_log.errors import LogError
from transparency_log.note import Note
from transparency_log.proof import TlogProof


@cache
def plain() -> Told:
    return tell()


@cache
def seeded() -> Told:
    told = begin(before=committed())
    told.close(told.reveal())
    return told.later().go_on()


@cache
def embargoed() -> Told:
    return tell(before=sealed())


STORIES = {"plain": plain, "seeded": seeded, "sealed": embargoed}


@cache
def bundle_bytes(name: str) -> bytes:
    told = STORIES[name]()
    return told.bundle(embargo=EMBARGO.hex() if name == "sealed" else None).format()


@cache
def slip_bytes() -> bytes:
    told = plain()
    entry, frozen = told.objects
    assert told.draw is not None
    assert told.record is not None
    statement = entry.of(SnapshotStatement)
    row = next(row for row in frozen.rows if row.no == told.outcome().selection.drawn[0].no)
    return make_slip(
        told.story.entries,
        sizes(told.story),
        announcement=told.announcement,
        draw=told.draw,
        plan=told.plan.of(Plan),
        snapshot=entry,
        roster=frozen.roster,
        results=told.record.artifact,
        exclusions=told.exclusions,
        role="objects",
        no=row.no,
        own=open_row(secret("secret of institutions 1"), statement, row, ["name", "uscc"], own=True),
    ).format()


def flip(data: bytes, bit: int) -> bytes:
    bent = bytearray(data)
    bent[bit // 8] ^= 1 << bit % 8
    return bytes(bent)


def holds(told: Told, data: bytes, original: bytes | None = None) -> bool:
    try:
        file = read_file(data)
    except Error:
        return False
    slip = isinstance(file, Slip)
    report = verify_slip(file, trust(told.story), as_of=told.story.now) if slip else told.report(file)
    return report.verdict == "holds" and not (original and lost_a_line(read_file(original), file))


def lost_a_line(one: Bundle | Slip, other: Bundle | Slip) -> bool:
    """Say whether two files differ only in whom a line of an earlier checkpoint names."""
    if one.model_copy(update={"checkpoints": ()}) != other.model_copy(update={"checkpoints": ()}):
        return False
    (mine, theirs), *more = [
        (Note.parse(from_base64(a.checkpoint)), Note.parse(from_base64(b.checkpoint)))
        for a, b in zip(one.checkpoints, other.checkpoints, strict=True)
        if a != b
    ]
    lines = [(a, b) for a, b in zip(mine.signatures, theirs.signatures, strict=True) if a != b]
    return not more and mine.text == theirs.text and len(lines) == 1 and lines[0][0].data == lines[0][1].data


@pytest.mark.parametrize("name", STORIES)
def test_the_bundle_itself_holds(name):
    assert holds(STORIES[name](), bundle_bytes(name))


def test_the_slip_itself_holds():
    assert holds(plain(), slip_bytes())


@pytest.mark.parametrize("name", STORIES)
@given(st.data())
@settings(max_examples=80, deadline=None)
def test_any_flipped_bit_of_a_bundle_is_refused(name, data):
    whole = bundle_bytes(name)
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    assert not holds(STORIES[name](), flip(whole, bit), whole)


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_any_flipped_bit_of_a_slip_is_refused(data):
    bit = data.draw(st.integers(0, 8 * len(slip_bytes()) - 1))
    assert not holds(plain(), flip(slip_bytes(), bit), slip_bytes())


@pytest.mark.parametrize("name", STORIES)
def test_every_hundredth_byte_of_a_bundle_matters(name):
    whole = bundle_bytes(name)
    for at in range(0, len(whole), len(whole) // 100):
        assert not holds(STORIES[name](), flip(whole, 8 * at + at % 8), whole), at


def inner_bits(told: Told, bundle: Bundle):
    """Yield bundles with one bit flipped inside what is carried as base64, whose spelling stays canonical."""
    for place, entry in enumerate(bundle.entries):
        for field in ("note", "proof"):
            data = from_base64(getattr(entry, field))
            for at in range(0, len(data), max(1, len(data) // 12)):
                bent = entry.model_copy(update={field: to_base64(flip(data, 8 * at + at % 7))})
                entries = (*bundle.entries[:place], bent, *bundle.entries[place + 1 :])
                yield f"{field} {place} {at}", bundle.model_copy(update={"entries": entries})
    for place, earlier in enumerate(bundle.checkpoints):
        data = from_base64(earlier.checkpoint)
        for at in range(0, len(data), max(1, len(data) // 12)):
            bent = earlier.model_copy(update={"checkpoint": to_base64(flip(data, 8 * at + at % 7))})
            checkpoints = (*bundle.checkpoints[:place], bent, *bundle.checkpoints[place + 1 :])
            yield f"checkpoint {place} {at}", bundle.model_copy(update={"checkpoints": checkpoints})
    for carried in bundle.artifacts:
        data = from_base64(carried.data)
        for at in range(0, len(data), max(1, len(data) // 12)):
            yield f"artifact {at}", swap(bundle, carried.digest, flip(data, 8 * at + at % 7))


@pytest.mark.parametrize("name", STORIES)
def test_bits_flipped_inside_what_a_bundle_carries_are_refused(name):
    told = STORIES[name]()
    bundle = read_file(bundle_bytes(name))
    assert isinstance(bundle, Bundle)
    for what, bent in inner_bits(told, bundle):
        assert told.report(bent).verdict != "holds" or lost_a_line(bundle, bent), what


def test_every_flipped_bit_of_a_statement_note_is_refused():
    told = plain()
    entry = told.announcement
    keys = {entry.statement.by: told.story.bureau.verifier}
    check_signatures(entry, keys)
    for bit in range(0, 8 * len(entry.data), 3):
        with pytest.raises((Error, LogError)):
            check_signatures(read_entry(flip(entry.data, bit), entry.index), keys)


def test_every_flipped_bit_of_a_proof_is_refused():
    told = plain()
    carried = told.bundle().entries[1]
    leaf = merkle.leaf_hash(from_base64(carried.note))
    policy = trust(told.story).policy
    data = from_base64(carried.proof)
    TlogProof.parse(data).verify(leaf, told.story.log_key.verifier, policy=policy)
    for bit in range(8 * len(data)):
        with pytest.raises(LogError):
            TlogProof.parse(flip(data, bit)).verify(leaf, told.story.log_key.verifier, policy=policy)


def test_every_flipped_bit_of_a_checkpoint_spoils_it():
    told = plain()
    data = told.story.checkpoints[-1]
    witnesses = [key.verifier for key in told.story.witness_keys]
    for bit in range(0, 8 * len(data), 3):
        try:
            found = cosignatures(open_checkpoint(flip(data, bit), told.story.log_key.verifier).note, witnesses)
        except LogError:
            continue
        assert len(found) < len(witnesses)  # the line then names a key that nobody knows


def test_every_flipped_bit_of_a_roster_is_refused():
    told = plain()
    statement, data = told.objects[0].of(SnapshotStatement), told.objects[1].roster.data
    read_roster(data, statement)
    for bit in range(0, 8 * len(data), 11):
        with pytest.raises(Error):
            read_roster(flip(data, bit), statement)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_flipped_bit_of_the_log_is_noticed(data):
    told = plain()
    index = data.draw(st.integers(0, len(told.story.entries) - 1))
    entries = list(told.story.entries)
    entries[index] = flip(entries[index], data.draw(st.integers(0, 8 * len(entries[index]) - 1)))
    report = told.report(log=LogView(entries, told.story.checkpoints))
    assert report.check("append-only").reason == "forked"


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_any_flipped_bit_of_a_trust_file_is_another_trust_file(data):
    text = trust_text(plain().story).encode()
    bent = flip(text, data.draw(st.integers(0, 8 * len(text) - 1)))
    with suppress(Error, LogError):
        assert parse_trust(bent).digest != parse_trust(text).digest
