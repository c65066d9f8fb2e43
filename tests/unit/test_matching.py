"""Drawing teams by tickets: ties, when compiled code takes over, and that it must draw as hashlib does."""

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairdraw import matching
from fairdraw.matching import Budget, Lots
from transparency_log import fast

compiled = pytest.mark.skipif(fast.why_not() is not None, reason="no compiled code here")
KEY = bytes(range(32))
PEOPLE = tuple(("", f"I-{i}") for i in (3, 1, 4, 2))


def lots(members, key: bytes = KEY, most: int = 10**6, quota=(("", 2),), **more) -> Lots:
    fields = {"skills": {}, "wanted": ()} | more
    return Lots(key, "team", members=members, quota=quota, budget=Budget(most), **fields)


class Constant:
    """A hash function whose every digest is the same."""

    def __init__(self, _: bytes = b"") -> None:
        pass

    def copy(self) -> "Constant":
        return self

    def update(self, _: bytes) -> None:
        pass

    def digest(self) -> bytes:
        return bytes(32)


def test_equal_tickets_fall_to_the_smaller_number(monkeypatch):
    monkeypatch.setattr(matching, "sha256", Constant)
    assert lots({"H-1": PEOPLE}).alone(["H-1"], 0) == {"H-1": (0, (("", "I-1"), ("", "I-2")))}


@compiled
@given(
    st.lists(st.tuples(st.lists(st.integers(0, 1), min_size=8, max_size=8), st.integers(0, 3)), max_size=12),
    st.integers(1, 5),
)
@settings(max_examples=300, deadline=None)
def test_compiled_code_keeps_the_smallest_tickets_and_of_equal_ones_the_smaller_numbers(tickets, needed):
    import numpy as np

    from fairdraw.kernels import teams

    best, chosen = np.full((needed + 2, 8), 7, np.uint32), np.full(needed + 2, 7, np.int64)
    found = 0
    for words, person in tickets:
        ticket = np.array(words, np.uint32)
        if teams._may_rank(ticket, best, 1, found, needed):
            found = teams._rank(ticket, person, best, chosen, 1, found, needed)
    kept = [(best[at].tolist(), int(chosen[at])) for at in range(1, found + 1)]
    assert kept == sorted((list(words), person) for words, person in tickets)[:needed]
    assert (int(chosen[0]), int(chosen[needed + 1])) == (7, 7)  # neighbours are other departments' places


@compiled
def test_compiled_code_is_not_laid_out_for_an_object_without_a_team(monkeypatch):
    monkeypatch.setattr(fast, "pays", lambda hashes: True)
    with pytest.raises(ValueError, match="fewer members than its quota"):
        lots({"H-1": PEOPLE, "H-2": PEOPLE[:1]}).alone(["H-1"], 0)


# -- when compiled code takes over --------------------------------------------------------------------------------


class Spy:
    """A table of compiled code that notes what it is asked."""

    def __init__(self, *_: object) -> None:
        self.asked: list[tuple[int, int]] = []
        Spy.last = self

    def draw(self, numbers, attempts, *, allowed, left, own):
        self.asked.append((attempts.start, attempts.stop))
        return attempts.stop, left, []


def spied(monkeypatch, pays_from: int) -> None:
    monkeypatch.setattr(fast, "pays", lambda hashes: hashes >= pays_from)
    monkeypatch.setattr(fast, "load", lambda import_it, holds: SimpleNamespace(Table=Spy))


def test_compiled_code_goes_on_where_the_plain_draw_has_failed_often(monkeypatch):
    spied(monkeypatch, 100)
    # Two teams of two among three people: nobody can be in one only, and an attempt looks at six tickets.
    members = dict.fromkeys(("H-1", "H-2"), PEOPLE[:3])
    assert lots(members).together(list(members), range(5, 1000), 1) is None
    (asked,) = Spy.last.asked
    assert asked == (5 + -(-(100 - 6) // 6), 1000)


def test_a_small_draw_asks_for_no_compiled_code(monkeypatch):
    def broken(*_: object) -> None:
        raise AssertionError("loaded")

    monkeypatch.setattr(fast, "pays", lambda hashes: hashes >= fast.PAYS_FROM)
    monkeypatch.setattr(fast, "load", broken)
    assert len(lots({f"H-{i}": PEOPLE for i in range(400)}).alone([f"H-{i}" for i in range(400)], 0)) == 400


def test_a_draw_that_gets_no_compiled_code_goes_on_without(monkeypatch):
    monkeypatch.setattr(fast, "pays", lambda hashes: False)
    plain = lots({"H-1": PEOPLE}).alone(["H-1"], 0)
    monkeypatch.setattr(fast, "pays", lambda hashes: True)
    monkeypatch.setattr(fast, "load", lambda import_it, holds: None)
    assert lots({"H-1": PEOPLE}).alone(["H-1"], 0) == plain


def test_a_key_that_fills_no_block_is_left_to_the_plain_draw(monkeypatch):
    spied(monkeypatch, 0)
    assert len(lots({"H-1": PEOPLE}, key=bytes(31)).alone(["H-1"], 0)["H-1"][1]) == 2


@compiled
def test_more_objects_than_compiled_code_draws_at_a_time_are_all_drawn(monkeypatch):
    members = {f"H-{i}": PEOPLE for i in range(50)}
    monkeypatch.setattr(fast, "pays", lambda hashes: False)
    plain = lots(members).alone(list(members), 3)
    monkeypatch.setattr(fast, "pays", lambda hashes: True)
    monkeypatch.setattr(matching, "SLICE", 7)
    assert lots(members).alone(list(members), 3) == plain


# -- compiled code that draws otherwise is not used ---------------------------------------------------------------


def bends() -> dict:
    """Return tables that draw almost right."""
    from fairdraw.kernels.teams import Table

    class Purpose(Table):
        def __init__(self, head, *rest):
            super().__init__(head.replace(b"team", b"pool"), *rest)

    class Unskilled(Table):
        def __init__(self, head, members, quota, skills, wanted):
            super().__init__(head, members, quota, skills, ())

    class Unordered(Table):
        def draw(self, *args, **kwargs):
            attempt, left, drawn = super().draw(*args, **kwargs)
            return attempt, left, [(own, team[::-1]) for own, team in drawn]

    class Lenient(Table):
        def draw(self, *args, allowed, **kwargs):
            return super().draw(*args, allowed=allowed + 1, **kwargs)

    class Late(Table):
        def draw(self, numbers, attempts, **kwargs):
            return super().draw(numbers, range(attempts.start + 1, attempts.stop), **kwargs)

    return {one.__name__: one for one in (Purpose, Unskilled, Unordered, Lenient, Late)}


@compiled
def test_the_self_test_takes_compiled_code_that_draws_as_hashlib_and_refuses_every_mangled_twin():
    from fairdraw.kernels import teams

    assert matching._draws_as_hashlib(teams)
    assert [name for name, bent in bends().items() if matching._draws_as_hashlib(SimpleNamespace(Table=bent))] == []
