"""Check 5: who signed the carried chain, under whose key at that time, without a gap. specs/verification.md §3."""

from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from fairdraw import encoding
from fairdraw.errors import StatementError
from fairdraw.schema import ItemList, Key
from fairdraw.statement import Entry, check_signatures, new_key
from fairdraw.trust import Bureau, Trust
from fairdraw.verify.case import Case, Logged
from fairdraw.verify.known import Known
from fairdraw.verify.report import CannotTellError, CheckFailedError
from transparency_log.cosigned import FirstSeen
from transparency_log.note import Verifier

Evidence = Mapping[str, object]


def _line_for(lines: list[Bureau], current: Mapping[int, Verifier], entry: Entry) -> int:
    """Return which of the trust file's bureau lines an entry is signed under."""
    time = encoding.parse_time(entry.statement.time)
    first = entry.note.signatures[0].key_id if entry.note.signatures else b""
    for position, line in enumerate(lines):
        if line.covers(time) and current[position].key_id == first:
            return position
    raise CheckFailedError("not-the-bureaus-key", index=entry.index, time=entry.statement.time)


class _Keys:
    """Everybody's current key, as `key` statements change it: the bureau's under each of its trust lines, supervisors'.

    Entries are given in log order, so that each is judged by the keys that were current when it was logged.
    """

    def __init__(self, trust: Trust, *, log: str, bureau: str, known: Known) -> None:
        self.log, self.bureau = log, bureau
        self.lines = list(trust.bureau_keys(bureau, log))
        self.current = {position: line.key for position, line in enumerate(self.lines)}
        self.supervisors: ChainMap[str, Verifier] = ChainMap({}, trust.supervisor_keys)
        self.verified = known.signatures

    def counts(self, entry: Entry) -> bool:
        """Say whether a statement of somebody else counts: an unknown person's, or a forged one, does not."""
        statement = entry.statement
        if statement.log != self.log or (statement.bureau != self.bureau and not isinstance(statement, Key)):
            return False  # a seed that was revealed, or a key deposited, for another bureau's slot of this name
        try:
            check_signatures(entry, self.supervisors, self.verified)
            if isinstance(statement, Key):
                self.supervisors[statement.by] = new_key(statement)
        except StatementError:
            return False
        return True

    def check(self, entry: Entry) -> None:
        """Check one entry of the bureau's chain.

        Raises:
            CheckFailedError: it is not signed by the bureau, or written for another log.
            CannotTellError: a co-signer is not in the trust file.
        """
        statement = entry.statement
        if statement.log != self.log or statement.bureau != self.bureau:
            raise CheckFailedError("another-log", index=entry.index, expected=self.log, found=statement.log)
        position = _line_for(self.lines, self.current, entry)
        try:
            keys = self.supervisors.new_child({statement.by: self.current[position]})
            check_signatures(entry, keys, self.verified)
            if isinstance(statement, Key):
                self.current[position] = new_key(statement)
        except StatementError as error:
            if error.code == "unknown-signer":  # all else holds: nobody but the bureau can make its log undecidable
                raise CannotTellError("unknown-co-signer", index=entry.index, **error.params) from None
            raise CheckFailedError("bad-signature", index=entry.index, why=str(error)) from None


def signed_entries(
    trust: Trust, entries: Iterable[Entry], *, log: str, bureau: str, known: Known
) -> tuple[list[Entry], dict[str, Entry]]:
    """Return a bureau's chain in a whole log, the first valid entry of each text, and all that counts, by text.

    Anybody can log a text that merely names the bureau, and a log's operator can put such a forgery in front of the
    genuine entry, which must not hide it (attack 2).
    """
    keys, told, counted = _Keys(trust, log=log, bureau=bureau, known=known), [], dict[str, Entry]()
    for entry in entries:
        if entry.text_hash in counted:
            continue
        if entry.statement.by == bureau:
            try:
                keys.check(entry)
            except CheckFailedError:
                continue
            told.append(entry)
        elif not keys.counts(entry):
            continue
        counted[entry.text_hash] = entry
    return told, counted


def check_signed(case: Case) -> list[Entry]:
    """Check the signatures and times of the bureau's carried entries, and return them in log order.

    What is carried from behind the draw (openings, withdrawals) may hold forgeries, which do not count.

    Raises:
        CheckFailedError: an entry is not in the log; one up to the draw is not the bureau's; or `time` goes back.
        CannotTellError: a co-signer is not in the trust file.
    """
    for text in case.entries if case.outside else ():
        case.entry(text)  # a deposit or a receipt that was never logged must not count either
    entries = sorted(case.entries.values(), key=lambda e: e.index)
    whole = _signed_as_logged(case, entries)
    if whole is None:
        whole = _check_each(case, entries)
    for before, after in pairwise(whole):
        if before.statement.time > after.statement.time:
            raise CheckFailedError("time-goes-back", index=after.index, before=before.statement.time)
    return whole


def _signed_as_logged(case: Case, entries: Sequence[Entry]) -> list[Entry] | None:
    """Return the bureau's entries where the reading of the whole log has checked these very entries under all keys.

    None where it has not: of some text another entry counts, or a change of key is not among these.
    """
    if case.whole is None or not isinstance(case.file, Logged):
        return None
    counted, bureau = case.whole.counted, case.file.bureau
    if not case.entries.keys() >= case.whole.keys:
        return None
    told = []
    for entry in entries:
        logged = counted.get(entry.text_hash)
        if logged is entry:
            case.signed.add(entry.text_hash)
            if entry.statement.by == bureau:
                told.append(entry)
        elif logged is not None or entry.statement.by == bureau:
            return None
    return told


def _check_each(case: Case, entries: Sequence[Entry]) -> list[Entry]:
    case.signed.clear()
    last = max(case.announcement.index, 0 if case.draw is None else case.draw.index)
    keys, whole = _Keys(case.trust, log=case.file.log, bureau=case.file.bureau, known=case.known), []
    for entry in entries:
        if entry.statement.by != case.file.bureau:
            if keys.counts(entry):
                case.signed.add(entry.text_hash)
            continue
        try:
            keys.check(entry)
        except CheckFailedError:
            if entry.index > last:
                continue
            raise
        whole.append(entry)
        case.signed.add(entry.text_hash)
    return whole


def bureau_chain(case: Case) -> Evidence:
    """Check the bureau's carried chain: signatures, log, and `seq` and `prev` without a gap from plan to draw."""
    last = max(case.announcement.index, 0 if case.draw is None else case.draw.index)
    chain = [entry for entry in check_signed(case) if entry.index <= last]
    started = False
    for before, after in pairwise(chain):
        # The item list that a plan names may be far older than the plan; what stood between is for the log to show.
        started = started or not isinstance(before.statement, Key | ItemList)
        one, two = before.statement, after.statement
        if two.seq == one.seq + 1 and two.prev == before.text_hash:
            continue
        if started or two.seq <= one.seq:
            raise CheckFailedError("chain-broken", index=after.index, expected=one.seq + 1, found=two.seq)
    for entry in chain:
        if (entry.statement.seq == 0) != (entry.statement.prev is None):
            raise CheckFailedError("chain-broken", index=entry.index, expected="prev", found=entry.statement.prev)
    if case.trust.policy.quorum is not None:
        _times_before_cosignatures(case, chain)
    return {"first": chain[0].statement.seq, "last": chain[-1].statement.seq, "entries": len(chain)}


def _times_before_cosignatures(case: Case, chain: list[Entry]) -> None:
    quorum = list(case.quorum_prefixes())
    first = FirstSeen((one.size, time, encoding.format_time(min(time, encoding.LAST_TIME))) for one, time in quorum)
    for entry in chain:
        seen = first.of(entry.index)
        if seen is not None and entry.statement.time > seen[1]:  # one spelling each, which sorts as the times do
            claimed = encoding.parse_time(entry.statement.time)
            cosigned = next(time for prefix, time in quorum if prefix.size > entry.index and claimed > time)
            raise CheckFailedError("time-after-cosignature", index=entry.index, claimed=claimed, cosigned=cosigned)
