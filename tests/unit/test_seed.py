"""Commitments, reveals and embargo keys, recomputed by hand."""

from dataclasses import replace
from hashlib import sha256

import pytest

from fairdraw.errors import SeedError
from fairdraw.schema import Announcement, Committed, Contributor, Reveal
from fairdraw.seed import commitment, embargo_commitment, seed_lines
from fairdraw.statement import read_entry
from support.story import SLOT, Told, begin, committed, secret

NAMES = [f"s{i}.example.cn/rehearsal" for i in range(3)]


def told() -> Told:
    return begin(before=committed())


def rule(story: Told, **changes) -> Committed:
    seed = story.announcement.of(Announcement).seed
    assert isinstance(seed, Committed)
    return seed.model_copy(update=changes)


def commitments(story: Told):
    entries = [read_entry(data, index) for index, data in enumerate(story.story.entries)]
    return [entry for entry in entries if entry.statement.type == "commitment"]


def refused(code: str, *args, **options) -> None:
    with pytest.raises(SeedError) as caught:
        seed_lines(*args, **options)
    assert caught.value.code == code


def test_a_commitment_is_sha_256_of_its_labelled_lines():
    seed = bytes(range(32))
    by_hand = sha256(f"fairdraw/v1/commitment\n{SLOT}\n{NAMES[0]}\n{seed.hex()}\n".encode()).hexdigest()
    assert commitment(SLOT, NAMES[0], seed) == by_hand
    by_hand = sha256(f"fairdraw/v1/embargo\n{SLOT}\n{seed.hex()}\n".encode()).hexdigest()
    assert embargo_commitment(SLOT, seed) == by_hand


def test_a_commitment_names_slot_and_contributor():
    seed = bytes(32)
    told = {commitment(slot, name, seed) for slot in ("2026/a/1", "2026/a/2") for name in NAMES}
    assert len(told | {embargo_commitment(SLOT, seed)}) == 7


@pytest.mark.parametrize("length", [0, 6, 31, 33, 64])
@pytest.mark.parametrize(
    "of", [lambda seed: commitment(SLOT, NAMES[0], seed), lambda seed: embargo_commitment(SLOT, seed)]
)
def test_a_seed_is_exactly_32_bytes(of, length):
    with pytest.raises(SeedError) as caught:
        of(bytes(length))
    assert (caught.value.code, caught.value.params["found"]) == ("seed-length", length)


def test_reveals_give_the_lines_of_the_key_in_announced_order():
    story = told()
    reveals = story.reveal(NAMES[0], NAMES[2])
    lines = seed_lines(
        rule(story), commitments=commitments(story), reveals=[reveals[NAMES[0]], None, reveals[NAMES[2]]]
    )
    assert lines == (
        (NAMES[0], secret(f"seed of {NAMES[0]}").hex()),
        (NAMES[1], "-"),
        (NAMES[2], secret(f"seed of {NAMES[2]}").hex()),
    )


def test_a_reveal_of_another_is_refused():
    story = told()
    reveals = story.reveal()
    swapped = [reveals[NAMES[1]], reveals[NAMES[0]], reveals[NAMES[2]]]
    refused("reveal-of-another", rule(story), commitments=commitments(story), reveals=swapped)


def test_a_reveal_that_does_not_open_its_commitment_is_refused():
    story = told()
    reveals = story.reveal()
    bent = reveals[NAMES[0]].of(Reveal).model_copy(update={"seed": "00" * 32})
    false = replace(reveals[NAMES[0]], statement=bent)
    refused("reveal-does-not-open", rule(story), commitments=commitments(story), reveals=[false, None, None])


def test_minimum_and_required_reveals_are_counted():
    story = told()
    reveals = list(story.reveal().values())
    entries = commitments(story)
    assert len(seed_lines(rule(story, minimum=2), commitments=entries, reveals=[*reveals[:2], None])) == 3
    refused("too-few-reveals", rule(story, minimum=3), commitments=entries, reveals=[*reveals[:2], None])
    needed = tuple(
        Contributor(name=c.name, commitment=c.commitment, required=c.name == NAMES[2]) for c in rule(story).contributors
    )
    strict = rule(story, contributors=needed)
    refused("required-seed-missing", strict, commitments=entries, reveals=[*reveals[:2], None])
