"""Who inspected how much and with whom, who declared recusals, and who signed what. specs/audit.md §3.

Numbers only: an audit knows no name.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final

from fairdraw import encoding
from fairdraw.audit.chain import Ledger
from fairdraw.audit.lots import Lot
from fairdraw.audit.report import AuditFinding, Cell, Table, find
from fairdraw.encoding import year_of
from fairdraw.errors import EncodingError
from fairdraw.roles import missing_sign_offs
from fairdraw.schema import Draw, ItemList, Key, Loss, Plan, Receipt, Result, SignOff
from fairdraw.statement import Entry

Teams = Mapping[int, Mapping[str, tuple[str, ...]]]
"""The teams that went: inspectors by object, by the index of the draw's entry."""

MOST: Final = 50  # rows of the table of pairs: those met most often
MOST_LISTED: Final = 10  # entries and checkpoints of one key


def loads_table(teams: Teams) -> Table:
    """Return how many objects each inspector was matched with, and in how many draws."""
    objects: Counter[str] = Counter()
    draws: Counter[str] = Counter()
    for told in teams.values():
        objects.update(no for team in told.values() for no in team)
        draws.update({no for team in told.values() for no in team})
    ordered = sorted(objects, key=lambda no: (-objects[no], no))
    rows: list[tuple[Cell, ...]] = [(no, objects[no], draws[no]) for no in ordered]
    return Table(code="loads", header=("inspector", "objects-inspected", "draws"), rows=tuple(rows))


def pair_findings(teams: Teams) -> Iterator[AuditFinding]:
    """Yield inspectors who met the same object in more than one draw."""
    met = _met(teams)
    repeated = sorted(pair for pair, times in met.items() if times > 1)
    if repeated:
        shown = [[*pair, met[pair]] for pair in repeated[:MOST]]
        yield find("repeated-pair", None, count=len(repeated), pairs=shown)


def _met(teams: Teams) -> Counter[tuple[str, str]]:
    return Counter((no, member) for told in teams.values() for no, team in told.items() for member in team)


def pairs_table(teams: Teams) -> Table:
    """Return the objects that met an inspector more than once, and the colleagues who were together most often."""
    met = _met(teams)
    together = Counter(
        pair for told in teams.values() for team in told.values() for pair in combinations(sorted(set(team)), 2)
    )
    rows: list[tuple[Cell, ...]] = [(*pair, times) for pair, times in _most(met) if times > 1]
    rows += [(*pair, times) for pair, times in _most(together) if times > 1]
    return Table(code="pairs", header=("one", "other", "times"), rows=tuple(rows))


def _most(counted: Counter[tuple[str, str]]) -> list[tuple[tuple[str, str], int]]:
    return sorted(counted.items(), key=lambda told: (-told[1], told[0]))[:MOST]


def recusals(ledger: Ledger, lots: Sequence[Lot]) -> tuple[Table, list[AuditFinding]]:
    """Return who declared recusals and why, and one notice of their numbers by declarer.

    Somebody who declares all inspectors but two has chosen the team.
    """
    counted: Counter[tuple[str, str]] = Counter()
    pairs: dict[str, set[tuple[str, str]]] = {}
    for lot in lots:
        data = ledger.artifact(lot.said.recusals, lot.entry.index)
        try:
            lines = [] if data is None else [encoding.parse(line) for line in encoding.split_lines(data)]
        except EncodingError:
            continue  # the verification of the draw says so
        for line in lines:
            match line:
                case {"declarer": str(who), "reason": str(why), "object": str(no), "inspector": str(member)}:
                    if (no, member) not in pairs.setdefault(who, set()):
                        pairs[who].add((no, member))
                        counted[who, why] += 1
    rows: list[tuple[Cell, ...]] = [(*key, times) for key, times in sorted(counted.items())]
    table = Table(code="recusals", header=("declarer", "reason", "count"), rows=tuple(rows))
    told = [
        find("recusals-by-declarer", None, declarer=who, count=len(known), most=list(_busiest(known)))
        for who, known in sorted(pairs.items())
    ]  # fmt: skip
    return table, told


def _busiest(pairs: set[tuple[str, str]]) -> tuple[str, int]:
    """Return the inspector who is recused from most objects."""
    return min(Counter(member for _, member in pairs).items(), key=lambda told: (-told[1], told[0]))


def role_findings(ledger: Ledger, year: int) -> Iterator[AuditFinding]:
    """Yield statements of a year by somebody who may not make them; they count for nothing."""
    for text, wrong in ledger.wrong.items():
        entry = ledger.entries[text]
        if year_of(ledger.shown(entry.index)) == year:
            yield find("wrong-role", entry.index, cite=wrong.cite, type=wrong.type, name=wrong.name,
                       expected=list(wrong.expected), found=wrong.found)  # fmt: skip


def loss_findings(ledger: Ledger, year: int) -> Iterator[AuditFinding]:
    """Yield what keys signed and cosigned behind the report that they are lost; of several reports the first counts."""
    first: dict[str, tuple[Entry, Loss]] = {}
    for entry, said in ledger.of(Loss):
        first.setdefault(said.key, (entry, said))
    # Each log is gone through once, however many reports somebody puts into it.
    signed, cosigned = (_signed(ledger), _cosigned(ledger)) if first else ({}, {})
    for entry, said in first.values():
        if year_of(ledger.shown(entry.index)) != year:
            continue
        name, key_id, _ = said.key.split("+", 2)  # base64 may hold further plus signs
        later = [index for index in signed.get(f"{name}+{key_id}", ()) if index > entry.index]
        sizes = [size for size in cosigned.get(said.key, ()) if size > entry.index]
        if later or sizes:
            yield find("key-reported-lost", entry.index, by=said.by, name=name,
                       reason=said.reason, entries=later[:MOST_LISTED], count=len(later), sizes=sizes[:MOST_LISTED],
                       cosigned=len(sizes))  # fmt: skip


def _signed(ledger: Ledger) -> Mapping[str, Sequence[int]]:
    """Return the entries by the name and ID of the keys whose lines make them count: further lines say nothing."""
    told: dict[str, list[int]] = {}
    for entry in sorted(ledger.entries.values(), key=lambda one: one.index):
        needed = len(entry.statement.signers) + isinstance(entry.statement, Key)
        for line in entry.note.signatures[:needed]:
            told.setdefault(f"{line.name}+{line.key_id.hex()}", []).append(entry.index)
    return told


def _cosigned(ledger: Ledger) -> Mapping[str, Sequence[int]]:
    """Return the sizes of the checkpoints that each witness's key cosigned."""
    told: dict[str, set[int]] = {}
    for prefix in ledger.whole.prefixes:
        for one in prefix.cosignatures:
            told.setdefault(one.verifier.vkey, set()).add(prefix.size)
    return {vkey: sorted(sizes) for vkey, sizes in told.items()}


def sign_off_findings(
    ledger: Ledger, lots: Sequence[Lot], plans: Sequence[tuple[Entry, Plan]]
) -> Iterator[AuditFinding]:
    """Yield signatures that the regulation asks for and the log lacks."""
    signed = signatures(ledger)
    drawn = {lot.draw.text_hash: lot for lot in lots if lot.draw is not None}
    acts = [entry for entry, _ in plans]
    lists = (ledger.named(plan.items, ItemList) for _, plan in plans)
    acts += [found[0] for found in lists if found is not None]
    acts += [lot.draw for lot in drawn.values() if lot.draw is not None]
    acts += [entry for entry, result in ledger.of(Result) if result.draw.text in drawn]
    for entry in acts:
        regulation = ledger.regulation_of(entry)
        people = signed.get(entry.text_hash, {})
        roles = set(people.values())
        if regulation is None:
            continue
        lacking = list(missing_sign_offs(entry.statement, regulation, roles))
        filing, wanted = regulation.plan_filing, regulation.supervisors
        if isinstance(entry.statement, Plan) and filing is not None and filing.value not in roles:
            lacking += [(filing.value, filing.cite)] if filing.value not in {role for role, _ in lacking} else []
        for role, cite in lacking:
            act = entry.statement.type
            yield find("sign-off-missing", entry.index, cite=cite, act=act, expected=role, found=sorted(roles))
        if isinstance(entry.statement, Draw) and wanted is not None:
            came = sum(role in wanted.value.roles for role in people.values())
            if came < wanted.value.minimum:
                yield find("supervisors-missing", entry.index, cite=wanted.cite, expected=wanted.value.minimum,
                           found=came, roles=sorted(wanted.value.roles))  # fmt: skip


def signatures(ledger: Ledger) -> dict[str, dict[str, str]]:
    """Return who signed an entry off, by its text hash: each key name with its role."""
    told: dict[str, dict[str, str]] = {}
    for _, said in ledger.of(SignOff):
        told.setdefault(said.of.text, {})[said.by] = said.role
    return told


def signatures_table(ledger: Ledger, lots: Sequence[Lot]) -> Table:
    """Return, for each draw, who signed it off and who had recomputed its rosters."""
    signed = signatures(ledger)
    receipts: dict[str, set[str]] = {}
    for _, held in ledger.of(Receipt):
        receipts.setdefault(held.snapshot.text, set()).add(held.by)
    rows: list[tuple[Cell, ...]] = []
    for lot in lots:
        if lot.draw is not None:
            roles = sorted(signed.get(lot.draw.text_hash, {}).values())
            held_by = receipts.get(lot.said.objects.text, set()) & receipts.get(lot.said.inspectors.text, set())
            rows.append((lot.draw.index, " ".join(lot.said.slots), " ".join(roles) or None, len(held_by)))
    return Table(code="signatures", header=("draw", "slots", "roles", "receipts"), rows=tuple(rows))
