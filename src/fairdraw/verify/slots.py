"""Checks 11, 22 and 23: one draw per slot, now and afterwards. specs/verification.md §4.

Each slot is announced once. A void frees it once more: for anything if it was cosigned before the round (nobody knew
anything yet), and afterwards just for reasons that a machine can check, with the same inputs.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from fairdraw.announcement import key_material, limit_of
from fairdraw.bundle import Slip
from fairdraw.draw import draw_lots
from fairdraw.errors import AssignmentError
from fairdraw.exclusion import looks_back
from fairdraw.schema import Announcement, Key, Plan, RevealsClosed, Until, Void
from fairdraw.statement import Entry
from fairdraw.verify.anchors import is_free, judged_at
from fairdraw.verify.case import Case, Prefix
from fairdraw.verify.indexed import Chain, Indexed
from fairdraw.verify.inputs import committed_seeds, lists
from fairdraw.verify.pulses import check_pulses
from fairdraw.verify.report import CannotTellError, CheckFailedError
from fairdraw.verify.whole import WholeLog, read_log

Evidence = Mapping[str, object]
CHAIN_FIELDS = {"seq", "prev", "time", "beacon", "replaces"}


def _reason_holds(case: Case, chain: Chain, announcement: Entry, void: Entry) -> bool:
    """Say whether a void's reason is one that a machine can check, and true (specs/verification.md §4.2)."""
    said = announcement.of(Announcement)
    match void.of(Void).reason:
        case "chain-retired":
            due = {
                s.beacon: case.trust.chains[s.beacon].time_of(s.round)
                for s in said.beacon
                if s.beacon in case.trust.chains
            }
            return any(name in case.trust.retired and case.trust.retired[name] <= time for name, time in due.items())
        case "quorum-not-shown":
            # One line in time, and one witness could still complete the quorum, or not, as the outcome suits.
            return not _seen_in_time(case, announcement, announcement.index)
        case "required-seed-missing":
            return _lacks_required_seed(case, chain, announcement)
        case "attempts-exhausted":
            # Once, and not for each of the slots: a draw that runs out of tickets takes a minute.
            if void.text_hash not in case.exhausted:
                case.exhausted[void.text_hash] = _attempts_exhausted(case, announcement, void)
            return case.exhausted[void.text_hash]
    return False


def _seen_in_time(case: Case, announcement: Entry, index: int) -> bool:
    """Say whether any witness had cosigned an entry before an announcement's limit, quorum or not."""
    limit = limit_of(announcement.of(Announcement), case.trust.chains, case.trust.margin)
    seen = None if case.shown is None else case.shown.hashed.first_line.of(index)
    if seen is not None and seen[0] < limit:
        return True
    lines = (line for prefix in case.prefixes if prefix.size > index for line in prefix.cosignatures)
    return any(0 < line.timestamp < limit for line in lines)


def _attempts_exhausted(case: Case, announcement: Entry, void: Entry) -> bool:
    """Say whether a draw under the void's pulses runs out of attempts, under a plan that ends then."""
    said = announcement.of(Announcement)
    if case.rosters.keys() < {"objects", "inspectors"}:
        raise CannotTellError("rosters-needed", void=void.index)
    if isinstance(said.disclosure, Until):
        return False
    recusals, exclusions = lists(case, said)
    inputs = replace(case.inputs(), announcement=announcement, recusals=recusals, exclusions=exclusions)
    randomness = check_pulses(case, announcement, void.of(Void).pulses)
    seeds = committed_seeds(case, announcement)
    try:
        draw_lots(inputs, key_material(announcement, seeds=seeds, pulses=randomness, embargo=None).key())
    except AssignmentError as error:
        return error.code == "attempts-exhausted"
    return False


def _lacks_required_seed(case: Case, chain: Chain, announcement: Entry) -> bool:
    seed = announcement.of(Announcement).seed
    if seed.kind != "committed":
        return False
    closed = (e.of(RevealsClosed) for e in chain.closed(announcement) if _seen_in_time(case, announcement, e.index))
    reveals = next((said.reveals for said in closed), (None,) * len(seed.contributors))
    pairs = list(zip(seed.contributors, reveals, strict=False))
    return any(c.required and r is None for c, r in pairs) or sum(r is not None for _, r in pairs) < seed.minimum


def _same_inputs(one: Announcement, other: Announcement) -> bool:
    return one.model_dump(exclude=CHAIN_FIELDS) == other.model_dump(exclude=CHAIN_FIELDS)


def entitled(case: Case, chain: Chain, slot: str) -> Entry | None:
    """Return the announcement under which a slot may have a draw, or None: the slot is dead, or was never announced."""
    announced = chain.announced(slot)
    if not announced or announced[0].of(Announcement).replaces is not None:
        return None
    first = announced[0]
    voids = chain.voids(first)
    if not voids:
        return first
    # A replacement has no replacement; the first claim to be one settles it.
    second = announced[1] if len(announced) > 1 else None
    if second is None:
        return None
    replaces = second.of(Announcement).replaces
    void = next((v for v in voids if replaces is not None and v.text_hash == replaces.text), None)
    if void is None or void.index > second.index or chain.voids(second):
        return None
    if is_free(case, first, void):
        return second
    same = _same_inputs(first.of(Announcement), second.of(Announcement))
    return second if same and _reason_holds(case, chain, first, void) else None


def _check_slots(case: Case, chain: Chain) -> None:
    for slot in case.said.slots:
        right = entitled(case, chain, slot)
        if right is None or right.text_hash != case.announcement.text_hash:
            announced = [entry.index for entry in chain.announced(slot)]
            voided = [void.index for entry in chain.announced(slot) for void in chain.voids(entry)]
            raise CheckFailedError(
                "slot-not-free", slot=slot, announced=announced, voided=voided, found=case.announcement.index
            )


def first_of_slot(case: Case) -> Evidence:
    """Check, in the carried chain, that this is the announcement its slots belong to, and this its first draw."""
    last = case.draw or case.announcement
    chain = Chain(entry for entry in case.chain(case.file.bureau) if entry.index <= last.index)
    _check_slots(case, chain)
    draws = chain.draws(case.announcement)
    if draws and draws[0].text_hash != case.file.draw:
        raise CheckFailedError("not-the-first-draw", expected=draws[0].index, found=last.index)
    return {"slots": list(case.said.slots)}


def whole_log(case: Case) -> tuple[Prefix, WholeLog]:
    """Return the newest quorum checkpoint up to the as-of time, and what the log below it says of the bureau.

    Raises:
        CannotTellError: there is no log at hand, or none fresh enough; or a co-signer is not in the trust file.
        CheckFailedError: entries cannot be had, or do not hash to what was signed.
    """
    if case.log is None:
        raise CannotTellError("no-log")
    if case.whole is None:
        case.whole = read_log(
            case.log, case.trust, log=case.file.log, bureau=case.file.bureau, as_of=case.as_of, known=case.known
        )
    newest = case.whole.newest
    if newest is None or newest.size < case.final.size:
        raise CannotTellError("log-behind", expected=case.final.size, found=0 if newest is None else newest.size)
    fresh = newest.freshness
    if not case.whole.hashed.ended and (fresh is None or fresh < case.as_of - case.trust.freshness):
        # An old genuine log, from before the void or the second announcement, must not answer (attack 26).
        raise CannotTellError("stale", cosigned=fresh, as_of=case.as_of, freshness=case.trust.freshness)
    # A cosignature that was kept secret counts as soon as anybody has it (attack 4).
    case.shown = case.whole
    return newest, case.whole


def no_other_draw(case: Case) -> Evidence:
    """Check, in the whole log, that the bureau's chain has no gap and no other draw of these slots."""
    newest, whole = whole_log(case)
    indexed = whole.indexed
    if beside := sorted(case.entries[text].index for text in case.signed - whole.counted.keys()):
        # A bundle without a `key` entry would let the old key go on: a second chain, beside the log's.
        raise CheckFailedError("counts-in-the-file-alone", index=beside[0])
    _check_start(case, whole.chain)
    _check_history(case, indexed)
    if indexed.gap is not None:
        index, expected, found = indexed.gap
        raise CheckFailedError("chain-broken", index=index, expected=expected, found=found)
    _check_slots(case, indexed.chain)
    for slot in case.said.slots:
        for announced in indexed.chain.announced(slot):
            for draw in indexed.chain.draws(announced):
                if draw.text_hash != case.file.draw:
                    raise CheckFailedError("another-draw", slot=slot, index=draw.index)
            if announced.text_hash != case.file.announcement:
                case.find("announced-again", slot=slot, index=announced.index)
    _find_undrawn(case, whole)
    for name, seq, index in indexed.forks:  # misconduct of a supervisor by itself
        case.find("two-texts-one-seq", name=name, seq=seq, index=index)
    return {"size": newest.size, "entries": len(whole.chain), "as_of": case.as_of}


def _check_history(case: Case, indexed: Indexed) -> None:
    """Check that no earlier draw of the year was left out of the file by a `time` that says it is of another year."""
    plan = case.entries.get(case.said.plan.text)
    if plan is None or not isinstance(plan.statement, Plan) or not looks_back(plan.statement, case.said.slots):
        return
    if isinstance(case.file, Slip):
        return  # a slip trusts the announced list; what made it is the bundle's matter
    for entry in indexed.draws_of_the_year(plan.statement, judged_at(case)):
        if entry.text_hash not in case.entries:
            raise CheckFailedError("history-cut", year=plan.statement.year, found=entry.index)


def _check_start(case: Case, chain: Sequence[Entry]) -> None:
    """Check that a bureau which was under another origin before says so, and do not answer for that log.

    Raises:
        CheckFailedError: the chain does not begin with the `key` statement that names the former log.
        CannotTellError: the former log may hold another draw of these slots.
    """
    former = case.trust.former_origins(case.file.bureau, case.file.log)
    if not former or not chain:
        return
    first = chain[0].statement
    if not isinstance(first, Key) or first.former is None or first.former.log not in former:
        raise CheckFailedError("former-missing", expected=list(former), index=chain[0].index)
    raise CannotTellError("former-log", found=list(former))


def _item(slot: str) -> str:
    return slot.rsplit("/", 1)[0]


def _find_undrawn(case: Case, whole: WholeLog) -> None:
    """Find announcements of the same item without a draw whose round was past when the log was last cosigned.

    Else a bureau could announce a second batch, look at the first one's round, and go on with the second (attack 5).
    Whether a late void of another batch has a good reason is for that batch's own bundle to show: nothing of it is
    carried in this one.
    """
    chain = whole.indexed.chain
    items = set(map(_item, case.said.slots))
    for entry in whole.undrawn:
        said = entry.of(Announcement)
        if items.isdisjoint(map(_item, said.slots)):
            continue
        other = entry.text_hash != case.file.announcement
        if other and not set(said.slots).isdisjoint(case.said.slots):
            continue  # of this slot, `announced-again` tells of it
        if said.replaces is None and all(_is_taken(chain, slot, items, entry) for slot in said.slots):
            continue  # one that can have no draw
        if not any(is_free(case, entry, void) for void in chain.voids(entry)):
            case.find("overdue-draw", index=entry.index, slots=list(said.slots))


def _is_taken(chain: Chain, slot: str, items: Set[str], entry: Entry) -> bool:
    """Say whether a slot was announced before, together with one of some items."""
    before = (one for one in chain.announced(slot) if one.index < entry.index)
    return any(not items.isdisjoint(map(_item, one.of(Announcement).slots)) for one in before)
