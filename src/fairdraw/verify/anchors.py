"""Checks 2-6, 9, 10, 13 and 20: who signed what, in which log, and in which order. specs/verification.md §3."""

from collections.abc import Iterable, Mapping
from itertools import pairwise

from fairdraw import encoding
from fairdraw.announcement import limit_of
from fairdraw.errors import AnnouncementError, EncodingError, StatementError
from fairdraw.plan import version_meant
from fairdraw.randomness import settled_at
from fairdraw.schema import Announcement, Draw, ItemList, Key, Plan, Until, Void
from fairdraw.statement import Entry, check_signatures, new_key
from fairdraw.trust import REHEARSAL, Bureau, Trust
from fairdraw.verify.case import Case, Prefix, read_checkpoint
from fairdraw.verify.report import CannotTellError, CheckFailedError
from transparency_log import merkle
from transparency_log.errors import LogError
from transparency_log.note import Verifier
from transparency_log.policy import colluders_to_backdate, colluders_to_fork, missing

Evidence = Mapping[str, object]


def trust(case: Case) -> Evidence:
    """Check that the reader's trust file knows the log and the bureau, and that rehearsal and practice do not mix."""
    origin, bureau = case.file.log, case.file.bureau
    for name in (origin, bureau):
        if name.endswith(REHEARSAL) != case.trust.rehearsal:
            raise CheckFailedError("rehearsal-mixed", expected=case.trust.rehearsal, found=name)
    if case.trust.log_key(origin) is None:
        raise CheckFailedError("unknown-log", found=origin)
    if not case.trust.bureau_keys(bureau, origin):
        raise CheckFailedError("unknown-bureau", found=bureau, log=origin)
    return {"log": origin, "bureau": bureau, "trust": case.trust.digest}


def log_signature(case: Case) -> Evidence:
    """Check the log's signature on every checkpoint; note which earlier ones are prefixes of the final one."""
    try:
        final = read_checkpoint(case, encoding.from_base64(case.file.checkpoint))
        earlier = [
            (read_checkpoint(case, encoding.from_base64(e.checkpoint)), e.consistency) for e in case.file.checkpoints
        ]
    except EncodingError as error:
        raise CheckFailedError("bad-checkpoint", why=str(error)) from None
    case.final = final
    for prefix, proof in earlier:
        try:
            merkle.check_consistency(
                old_size=prefix.size,
                old_root=prefix.signed.checkpoint.root,
                new_size=final.size,
                new_root=final.signed.checkpoint.root,
                proof=[bytes.fromhex(node) for node in proof],
            )
            case.prefixes.append(prefix)
        except LogError as error:
            case.broken.append(f"{prefix.size}: {error}")
    case.prefixes.append(final)
    return {
        "size": final.size,
        "root": final.signed.checkpoint.root.hex(),
        "earlier": [p.size for p, _ in earlier],
    }


def witness_quorum(case: Case) -> Evidence:
    """Check that the final checkpoint carries the quorum of the reader's policy."""
    policy = case.trust.policy
    if policy.quorum is None:
        raise CannotTellError("no-quorum-line")
    time = case.final.order(policy)
    lacking = missing(policy, case.final.cosignatures)
    if time is None:
        if case.final.later:
            raise CannotTellError("after-as-of", size=case.final.size)
        raise CheckFailedError("quorum-missing", size=case.final.size, missing=lacking)
    return {
        "time": time,
        "missing": lacking,
        "to_fork": colluders_to_fork(policy),
        "to_backdate": colluders_to_backdate(policy),
    }


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

    def __init__(self, trust: Trust, *, log: str, bureau: str) -> None:
        self.log, self.bureau = log, bureau
        self.lines = list(trust.bureau_keys(bureau, log))
        self.current = {position: line.key for position, line in enumerate(self.lines)}
        self.supervisors = {name: supervisor.key for name, supervisor in trust.supervisors.items()}

    def counts(self, entry: Entry) -> bool:
        """Say whether a statement of somebody else counts: an unknown person's, or a forged one, does not."""
        statement = entry.statement
        if statement.log != self.log or (statement.bureau != self.bureau and not isinstance(statement, Key)):
            return False  # a seed that was revealed, or a key deposited, for another bureau's slot of this name
        try:
            check_signatures(entry, self.supervisors)
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
            check_signatures(entry, {**self.supervisors, statement.by: self.current[position]})
            if isinstance(statement, Key):
                self.current[position] = new_key(statement)
        except StatementError as error:
            if error.code == "unknown-signer":  # all else holds: nobody but the bureau can make its log undecidable
                raise CannotTellError("unknown-co-signer", index=entry.index, **error.params) from None
            raise CheckFailedError("bad-signature", index=entry.index, why=str(error)) from None


def signed_entries(
    trust: Trust, entries: Iterable[Entry], *, log: str, bureau: str
) -> tuple[list[Entry], frozenset[str]]:
    """Return a bureau's chain in a whole log, the first valid entry of each text, and the texts of all that counts.

    Anybody can log a text that merely names the bureau, and a log's operator can put such a forgery in front of the
    genuine entry, which must not hide it (attack 2).
    """
    keys, told, counted = _Keys(trust, log=log, bureau=bureau), [], set[str]()
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
        counted.add(entry.text_hash)
    return told, frozenset(counted)


def check_signed(case: Case) -> list[Entry]:
    """Check the signatures and times of the bureau's carried entries, and return them in log order.

    What is carried from behind the draw (openings, withdrawals) may hold forgeries, which do not count.

    Raises:
        CheckFailedError: an entry is not in the log; one up to the draw is not the bureau's; or `time` goes back.
        CannotTellError: a co-signer is not in the trust file.
    """
    for text in case.entries:
        case.entry(text)  # a deposit or a receipt that was never logged must not count either
    last = max(case.announcement.index, 0 if case.draw is None else case.draw.index)
    keys, whole = _Keys(case.trust, log=case.file.log, bureau=case.file.bureau), []
    for entry in sorted(case.entries.values(), key=lambda e: e.index):
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
    for before, after in pairwise(whole):
        if before.statement.time > after.statement.time:
            raise CheckFailedError("time-goes-back", index=after.index, before=before.statement.time)
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
    for entry in chain:
        claimed = encoding.parse_time(entry.statement.time)
        for prefix, cosigned in quorum:
            if prefix.size > entry.index and claimed > cosigned:
                raise CheckFailedError("time-after-cosignature", index=entry.index, claimed=claimed, cosigned=cosigned)


def judged_at(case: Case) -> int:
    """Return the index up to which "newest" and "the version meant" are judged.

    It is the announcement's own, or, for a replacement that may change only its beacon, the first announcement's: what
    the bureau logs between the two must not help it, nor spoil the replacement.
    """
    said = case.said
    if said.replaces is None or said.replaces.text not in case.entries:
        return case.announcement.index
    void = case.entry(said.replaces.text)
    if not isinstance(void.statement, Void) or void.statement.announcement.text not in case.entries:
        return case.announcement.index
    first = case.entry(void.statement.announcement.text)
    if not isinstance(first.statement, Announcement) or is_free(case, first, void):
        return case.announcement.index
    return first.index


def is_free(case: Case, announcement: Entry, void: Entry) -> bool:
    """Say whether a void is shown to be cosigned before the round that it gives up, less the margin."""
    try:
        limit = limit_of(announcement.of(Announcement), case.trust.chains, case.trust.margin)
    except AnnouncementError:
        return False
    return in_time(case, void.index, limit) is not None


def plan_before_snapshots(case: Case) -> Evidence:
    """Check that a quorum had cosigned the plan version that is meant before the snapshots were logged."""
    said = case.said
    entry = case.entry(said.plan.text, said.plan.index)
    plan = _plan(entry)
    judged = judged_at(case)
    versions = [
        e
        for e in case.chain(case.file.bureau)
        if isinstance(e.statement, Plan) and e.statement.plan == plan.plan and e.index < judged
    ]
    meant = version_meant(versions, said.slots)
    if meant is None or meant.text_hash != entry.text_hash:
        raise CheckFailedError("not-the-version-meant", expected=meant and meant.index, found=entry.index)
    case.plan = plan
    first = min(ref.index for ref in (said.objects, said.inspectors, *said.joint))
    for prefix, time in case.quorum_prefixes():
        if entry.index < prefix.size <= first:
            return {"plan": entry.index, "size": prefix.size, "time": time, "snapshots": first}
    raise CheckFailedError("plan-not-cosigned-first", plan=entry.index, snapshots=first)


def _plan(entry: Entry) -> Plan:
    if not isinstance(entry.statement, Plan):
        raise CheckFailedError("wrong-type", expected="plan", found=entry.statement.type)
    return entry.statement


def announcement_logged(case: Case) -> Evidence:
    """Check that the announcement is an entry of the log, signed by the bureau."""
    entry = case.entry(case.file.announcement)
    if not case.speaks(entry):
        raise CheckFailedError("not-the-bureaus", index=entry.index)
    _check_second(case, entry)
    return {"index": entry.index, "text": entry.text_hash}


def _check_second(case: Case, entry: Entry) -> None:
    """Check that nobody announces or draws alone where the reader's trust file asks for four eyes."""
    expected = case.trust.seconds_of(case.file.bureau, case.said.window, _first_round(case.said, case.trust))
    if expected and not set(expected) & set(entry.statement.with_):
        raise CheckFailedError("second-signature-missing", index=entry.index, expected=list(expected))


def _first_round(said: Announcement, trust: Trust) -> int | None:
    """Return when an announcement's first round is due, None where check 10 fails because nobody can tell."""
    try:
        return limit_of(said, trust.chains, trust.margin) + max(said.margin, trust.margin)
    except AnnouncementError:
        return None


def order_limit(case: Case, said: Announcement) -> int:
    """Return the time before which whatever waits for an announcement's round must be cosigned.

    Raises:
        CheckFailedError: the announcement names a chain that the trust file does not know.
    """
    try:
        return limit_of(said, case.trust.chains, case.trust.margin)
    except AnnouncementError as error:
        raise CheckFailedError(error.code, **error.params) from None


def last_round(case: Case) -> int:
    """Return the time of the announcement's last round, POSIX seconds.

    Raises:
        CheckFailedError: the announcement names a chain that the trust file does not know.
    """
    order_limit(case, case.said)  # every chain is known
    return settled_at(case.said.beacon, case.trust.chains, case.artifacts)


def in_time(case: Case, index: int, limit: int) -> tuple[Prefix, int] | None:
    """Return the checkpoint that includes an entry and that a quorum had cosigned strictly before a limit.

    One single checkpoint must carry the quorum: two halves of it on two checkpoints prove nothing (attack 24).
    """
    fitting = [(p, t) for p, t in case.quorum_prefixes() if p.size > index and t < limit]
    return min(fitting, key=lambda found: found[1], default=None)


def announcement_before_pulse(case: Case) -> Evidence:
    """Check Order: the quorum cosigned one checkpoint with the announcement before the round less the margin."""
    limit = order_limit(case, case.said)
    due = limit + max(case.said.margin, case.trust.margin)
    if found := in_time(case, case.announcement.index, limit):
        prefix, time = found
        return {"size": prefix.size, "cosigned": time, "round": due, "seconds": due - time}
    late = [t for p, t in case.quorum_prefixes() if p.size > case.announcement.index]
    raise CheckFailedError("announcement-late", limit=limit, cosigned=min(late, default=None), round=due)


def append_only(case: Case) -> Evidence:
    """Check that every checkpoint is a prefix of the final one, and that the log, if given, still holds the same."""
    if case.broken:
        raise CheckFailedError("not-a-prefix", found=case.broken)
    if case.log is None:
        return {"checkpoints": [prefix.size for prefix in case.prefixes]}
    tree = merkle.CompactRange()
    roots = {prefix.size: prefix.signed.checkpoint.root for prefix in case.prefixes}
    for index, data in enumerate(case.log.entries[: case.final.size]):
        if data is None:
            raise CheckFailedError("entry-unavailable", index=index)
        tree.append(merkle.leaf_hash(data))
        if tree.size in roots and roots[tree.size] != tree.root():
            raise CheckFailedError("forked", size=tree.size, expected=roots[tree.size].hex(), found=tree.root().hex())
    if tree.size < case.final.size:
        # An old copy, a log that was rolled back, or one that hides its newest entries: nothing tells them apart.
        raise CannotTellError("log-behind", expected=case.final.size, found=tree.size)
    return {"checkpoints": [prefix.size for prefix in case.prefixes], "log": len(case.log.entries)}


def record_logged(case: Case) -> Evidence:
    """Check that the `draw` statement is an entry of the log, of this announcement, signed by the bureau."""
    if case.file.draw is None:
        due = last_round(case)
        if case.as_of < due:
            raise CannotTellError("not-due-yet", round=due)
        raise CheckFailedError("no-draw", round=due)
    entry = case.entry(case.file.draw)
    if not isinstance(entry.statement, Draw) or not case.speaks(entry):
        raise CheckFailedError("not-the-bureaus", index=entry.index)
    _check_second(case, entry)
    sealed = isinstance(case.said.disclosure, Until)
    if sealed != (entry.statement.key is None) or sealed != (entry.statement.blocks is None):
        raise CheckFailedError("sealed-draw-shows" if sealed else "open-draw-hides", index=entry.index)
    if entry.statement.announcement.text != case.file.announcement:
        raise CheckFailedError("another-announcement", found=entry.statement.announcement.text)
    return {"index": entry.index, "text": entry.text_hash}
