"""Checks 2-4, 6, 9, 10, 13 and 20: what stands in which log, and in which order. specs/verification.md §3."""

from collections.abc import Mapping, Sequence

from fairdraw import encoding
from fairdraw.announcement import limit_of
from fairdraw.errors import AnnouncementError, EncodingError
from fairdraw.plan import version_meant
from fairdraw.randomness import settled_at
from fairdraw.schema import Announcement, Draw, Plan, Until, Void
from fairdraw.statement import Entry
from fairdraw.trust import REHEARSAL, Trust
from fairdraw.verify.case import Case, Logged, Prefix, read_checkpoint
from fairdraw.verify.report import CannotTellError, CheckFailedError
from transparency_log import merkle
from transparency_log.errors import LogError
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
        file = case.evidence
        final = read_checkpoint(case, encoding.from_base64(file.checkpoint))
        earlier = [(read_checkpoint(case, encoding.from_base64(e.checkpoint)), e.consistency) for e in file.checkpoints]
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
    return signed_sizes(case, [prefix for prefix, _ in earlier])


def signed_sizes(case: Case, earlier: Sequence[Prefix]) -> Evidence:
    """Return the final checkpoint's size and root, and the sizes of the earlier ones."""
    final = case.final
    return {
        "size": final.size,
        "root": final.signed.checkpoint.root.hex(),
        "earlier": [prefix.size for prefix in earlier],
    }


def witness_quorum(case: Case) -> Evidence:
    """Check that the final checkpoint carries the quorum of the reader's policy."""
    policy = case.trust.policy
    if policy.quorum is None:
        raise CannotTellError("no-quorum-line")
    time = case.final.order
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
    if case.shown is not None and (seen := case.shown.hashed.first_seen.of(index)) is not None and seen[0] < limit:
        fitting.append((seen[1], seen[0]))
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
    if case.whole is not None and case.whole.hashed.tree.size >= case.final.size:
        if not isinstance(case.file, Logged):
            _check_roots(case, case.whole.hashed.tree)
        return {"checkpoints": [prefix.size for prefix in case.prefixes], "log": len(case.log.entries)}
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


def _check_roots(case: Case, tree: merkle.Tree) -> None:
    """Check the checkpoints against a log that was hashed already, whose every entry could be had."""
    roots = {prefix.size: prefix.signed.checkpoint.root for prefix in case.prefixes}
    for size in sorted(roots):
        if (found := merkle.root_from(tree.node, size=size)) != roots[size]:
            raise CheckFailedError("forked", size=size, expected=roots[size].hex(), found=found.hex())


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
