"""The state as JSON: what the hall is told, and what the desk is told beside it.

The hall's part is written field by field. Nothing private can slip in with a new field of the state, and no number of a
result is there before the result is logged.
"""

from typing import Any

from fairdraw_cli.ceremony.state import CARRY, Announced, Drawn, Found, State, after, before, skips_to


def hall(state: State, *, phones: str | None = None, trouble: str | None = None) -> dict[str, Any]:
    """Return what everybody in the hall may see; `phones` is the address of the supervisors' page.

    `trouble` says of what kind the desk's trouble is, and no more: its sentence may name files.
    """
    facts, notes = state.facts, state.notes
    return {
        "screen": state.screen,
        "trouble": state.trouble or trouble,
        "now": state.now,
        "lang": notes.lang,
        "page": notes.page,
        "name": facts.name,
        "bureau": facts.bureau,
        "slots": list(facts.slots),
        "rehearsal": facts.rehearsal,
        "registries": [{"role": one.role, "id": one.id, "rows": one.rows} for one in facts.registries],
        "recusals": facts.recusals,
        "committed": facts.committed,
        "present": [list(one) for one in notes.present if one[1]],
        "digits": [list(one) for one in notes.digits],
        "looked": None if notes.looked is None else _looked(notes.looked),
        "voided": facts.voided,
        "announced": None if facts.announced is None else _announced(facts.announced),
        "drawn": None if facts.drawn is None else _drawn(facts.drawn),
        "signed": list(_signed(state)),
        "carry": CARRY,
        "phones": phones,
    }


def _looked(found: Found) -> dict[str, Any]:
    return {"role": found.role, "no": found.no, "row": found.row, "rows": found.rows}


def _announced(said: Announced) -> dict[str, Any]:
    return {
        "index": said.index,
        "text": said.text,
        "fingerprint": said.fingerprint,
        "limit": said.limit,
        "due": said.due,
        "rounds": [
            {"chain": one.chain, "round": one.number, "due": one.due, "randomness": one.randomness}
            for one in said.rounds
        ],
        "sealed": said.sealed,
        "cosigners": [{"name": one.name, "time": one.time} for one in said.cosigners],
        "needed": said.needed,
        "witnessed": said.witnessed,
        "pending": [
            {"kind": one.kind, "found": one.found, "needed": one.needed, "settled": one.settled}
            for one in said.pending
        ],
    }  # fmt: skip


def _drawn(drawn: Drawn) -> dict[str, Any]:
    return {
        "index": drawn.index,
        "text": drawn.text,
        "fingerprint": drawn.fingerprint,
        "count": drawn.count,
        "sealed": drawn.numbers is None,
        "final": drawn.final,
        "scans": drawn.scans,
    }


def numbers(state: State) -> list[list[str]]:
    """Return the drawn numbers in ticket order, each with its inspectors; nothing before the draw, or while sealed."""
    drawn = state.facts.drawn
    return [] if drawn is None or drawn.numbers is None else [list(one) for one in drawn.numbers]


def _signed(state: State) -> tuple[str, ...]:
    """Return the roles that have signed, on paper or in the log."""
    drawn = state.facts.drawn
    return tuple(sorted({*state.notes.signed, *(drawn.signed if drawn else ())}))


def desk(state: State, seen: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return what the operator sees: what the hall has `seen`, and the desk's own business."""
    facts, said = state.facts, state.facts.announced
    return {
        **seen,
        "next": after(state.screen, facts, state.now),
        "back": before(state.screen, facts, state.now),
        "skips": skips_to(facts, state.now) is not None,
        "waiting": list(facts.waiting),
        "papers": list(facts.papers),
        "reason_to_void": said.reason_to_void if said else None,
        "voids": list(said.voids) if said else [],
        "on_paper": list(state.notes.signed),
        "by_phone": list(facts.drawn.signed) if facts.drawn else [],
        **more,
    }
