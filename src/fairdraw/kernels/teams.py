"""Teams of the smallest tickets, compiled; `fairdraw.matching` is the plain twin. specs/assignment.md §2, §5."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numba import types

from transparency_log.kernels import (
    BYTES,
    CONTEXT,
    IV,
    LONGS,
    PADDING,
    READ_ONLY,
    WORDS,
    absorb,
    compiled,
    copy_bytes,
    hash_blocks,
)

Member = tuple[str, str]  # department, number

TABLE: Final = types.Array(types.uint32, 2, "C")
DIGITS: Final = 20  # of the largest number that a field of a ticket is here, and its newline


@compiled([types.int64(BYTES, types.int64, types.int64)])
def _write_number(buffer, at, number):
    """Write a field that is a number, and its newline; return where it ends."""
    digits, rest = 1, number
    while rest >= 10:
        rest //= 10
        digits += 1
    for i in range(at + digits - 1, at - 1, -1):
        buffer[i] = 48 + number % 10
        number //= 10
    buffer[at + digits] = 10
    return at + digits + 1


@compiled(inline="always")
def _write_text(buffer, at, data, ends, which):
    """Write a field that is a text, and its newline, of texts laid end to end; return where it ends."""
    length = ends[which + 1] - ends[which]
    copy_bytes(buffer, at, data, ends[which], length)
    return at + length


@compiled([types.boolean(WORDS, types.int64, TABLE, LONGS, types.int64)])
def _is_before(ticket, person, best, chosen, at):
    for i in range(8):
        if ticket[i] != best[at, i]:
            return ticket[i] < best[at, i]
    return person < chosen[at]


@compiled([types.int64(WORDS, types.int64, TABLE, LONGS, types.int64, types.int64, types.int64)])
def _rank(ticket, person, best, chosen, base, found, needed):
    """Put a ticket and whose it is among the `needed` smallest, of which `found` are kept from `base`.

    Returns how many are kept then. People are the places of their numbers: of equal tickets the smaller is first.
    """
    place = base + found
    while place > base and _is_before(ticket, person, best, chosen, place - 1):
        place -= 1
    if place == base + needed:
        return found
    found = min(found + 1, needed)
    for i in range(base + found - 1, place, -1):
        chosen[i] = chosen[i - 1]
        for j in range(8):
            best[i, j] = best[i - 1, j]
    chosen[place] = person
    for j in range(8):
        best[place, j] = ticket[j]
    return found


@compiled(inline="always")
def _may_rank(ticket, best, base, found, needed):
    """Say whether `_rank` may change anything: most tickets are larger than all kept by their first word."""
    return found < needed or ticket[0] <= best[base + found - 1, 0]


@compiled(
    [
        types.void(
            WORDS, READ_ONLY, READ_ONLY, LONGS, LONGS, LONGS, READ_ONLY, LONGS, LONGS, LONGS, LONGS, LONGS, LONGS,
            LONGS, LONGS, LONGS, types.int64,
        )
    ]
)  # fmt: skip
def _draw(
    start, label, objects, object_ends, asked, panels, people, people_ends, urns, urn_ends, needed, skills, wanted,
    bounds, own, drawn, room,
):  # fmt: skip
    """Draw the teams of the objects `asked` by the attempts bounds[0] up to bounds[1], until one is accepted.

    `bounds` are the first attempt, the one to stop before, how often anybody may be drawn (below 0: there is no cap,
    and the first own attempts cost nothing) and the tickets that may still be looked at. The first is replaced by the
    accepted attempt, or the one to stop before; the last by what is left, below 0 if that was not enough. `own` are
    the own attempts to begin with, and then those accepted; `drawn` the teams, all of one size.
    """
    context, buffer, out = np.empty(CONTEXT, np.uint32), np.empty(room + PADDING, np.uint8), np.empty(32, np.uint8)
    size, departments = needed.sum(), needed.size
    best, team = np.empty((size, 8), np.uint32), np.empty(size, np.int64)
    load = np.zeros(people_ends.size - 1, np.int64)
    held = np.zeros(wanted.size, np.int64)
    first_own = own.copy()
    buffer[: label.size] = label
    attempt, stop, allowed, left = bounds[0], bounds[1], bounds[2], bounds[3]
    while attempt < stop:
        load[:] = 0
        accepted = True
        after_attempt = _write_number(buffer, label.size, attempt)
        for i in range(asked.size):
            panel = panels[asked[i]]
            able = urn_ends[(panel + 1) * departments] - urn_ends[panel * departments]
            own[i] = first_own[i]
            while True:
                if allowed >= 0 or own[i] > first_own[i]:
                    left -= able
                    if left < 0:
                        bounds[3] = left
                        return
                before = _write_text(
                    buffer, _write_number(buffer, after_attempt, own[i]), objects, object_ends, asked[i]
                )
                base = 0
                for d in range(departments):
                    found = 0
                    if not needed[d]:
                        continue
                    for j in range(urn_ends[panel * departments + d], urn_ends[panel * departments + d + 1]):
                        length = _write_text(buffer, before, people, people_ends, urns[j])
                        hash_blocks(context, start, buffer, length, 64, out, 0)
                        if _may_rank(context, best, base, found, needed[d]):
                            found = _rank(context, urns[j], best, team, base, found, needed[d])
                    base += needed[d]
                held[:] = 0
                for j in range(size):
                    for s in range(wanted.size):
                        held[s] += (skills[team[j]] >> s) & 1
                skilled = True
                for s in range(wanted.size):
                    skilled = skilled and held[s] >= wanted[s]
                if skilled:
                    break
                own[i] += 1
            for j in range(size):
                drawn[i * size + j] = team[j]
                load[team[j]] += 1
                if 0 <= allowed < load[team[j]]:
                    accepted = False
            if not accepted:
                break  # the whole block is rejected, whatever the other objects would get
        if accepted:
            break
        attempt += 1
    bounds[0], bounds[3] = attempt, left


class Table:
    """Who can be drawn for which object under a key and a purpose, laid out for the kernel."""

    def __init__(
        self,
        head: bytes,
        members: Mapping[str, tuple[Member, ...]],
        quota: Sequence[tuple[str, int]],
        skills: Mapping[str, Sequence[int]],
        wanted: Sequence[int],
    ) -> None:
        """Lay out the members of each object; `head` is what the tickets begin with.

        Raises:
            ValueError: a department has not as many as its quota: the kernel relies on it.
        """
        self._start = IV.copy()
        absorb(self._start, np.frombuffer(bytearray(head[:64]), np.uint8))
        self._label = np.frombuffer(head[64:], np.uint8)
        self._seats = [department for department, number in quota for _ in range(number)]
        self._place = {no: at for at, no in enumerate(members)}
        self._objects, self._object_ends = _laid_out(members)
        panels = {
            id(able): able for able in members.values()
        }  # equal ones are mostly one, and counting them is quicker
        self._people = sorted({number for able in panels.values() for _, number in able})
        self._texts, self._text_ends = _laid_out(self._people)
        place = {number: at for at, number in enumerate(self._people)}
        urns: list[int] = []
        ends = [0]
        for able in panels.values():
            for department, needed in quota:
                urns += [place[number] for name, number in able if name == department]
                ends.append(len(urns))
                if ends[-1] - ends[-2] < needed:
                    raise ValueError("a department has fewer members than its quota")
        at = {which: index for index, which in enumerate(panels)}
        self._panels = _longs([at[id(able)] for able in members.values()])
        self._urns, self._urn_ends = _longs(urns), _longs(ends)
        self._needed, self._wanted = _longs([number for _, number in quota]), _longs(wanted)
        self._skills = _longs([sum(1 << skill for skill in skills.get(number, ())) for number in self._people])
        self._room = len(head) + 2 * (DIGITS + 1) + _longest(self._object_ends) + _longest(self._text_ends)

    def draw(
        self, numbers: Sequence[str], attempts: range, *, allowed: int | None, left: int, own: Sequence[int]
    ) -> tuple[int, int, list[tuple[int, tuple[Member, ...]]]]:
        """Draw the teams of some objects by the first attempt that puts nobody into more than `allowed` of them.

        Returns:
            The attempt, or `attempts.stop` where none will do; what is left of the tickets, below 0 if they did not
            suffice; and of each object its own attempt and team.
        """
        size = len(self._seats)
        most = -1 if allowed is None else allowed
        bounds, owns = _longs([attempts.start, attempts.stop, most, left]), _longs(own)
        drawn = np.empty(len(numbers) * size, np.int64)
        _draw(
            self._start, self._label, self._objects, self._object_ends, _longs([self._place[no] for no in numbers]),
            self._panels, self._texts, self._text_ends, self._urns, self._urn_ends, self._needed, self._skills,
            self._wanted, bounds, owns, drawn, self._room,
        )  # fmt: skip
        if bounds[3] < 0 or bounds[0] == attempts.stop:
            return int(bounds[0]), int(bounds[3]), []
        people = [self._people[at] for at in drawn.tolist()]
        parts = (people[at * size : (at + 1) * size] for at in range(len(numbers)))
        teams = (tuple(zip(self._seats, part, strict=True)) for part in parts)
        return int(bounds[0]), int(bounds[3]), list(zip(owns.tolist(), teams, strict=True))


def _longs(values):
    return np.array(values, np.int64)


def _laid_out(texts):
    lines = [f"{text}\n".encode() for text in texts]
    return np.frombuffer(b"".join(lines), np.uint8), _longs(np.cumsum([0, *map(len, lines)]))


def _longest(ends):
    return int(np.diff(ends).max(initial=0))
