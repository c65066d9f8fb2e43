"""Which verifier page is vouched for, and by whom: specs/statements.md §3.25."""

from collections.abc import Iterable

from fairdraw.errors import StatementError
from fairdraw.schema import Key, VerifierRelease
from fairdraw.statement import Entry, check_signatures, new_key
from fairdraw.trust import Trust


def newest_releases(entries: Iterable[Entry], trust: Trust, *, bureau: str, origin: str) -> tuple[Entry, ...]:
    """Return the newest release of each signer, the bureau's first, then by name.

    `entries` are the log's statements in order. What nobody of the trust file signed counts for nothing: a bureau could
    log in a supervisor's name what the supervisor never saw. Of what one key signed the highest `seq` is the newest and
    not what was logged last: anybody may log a release once more whose page was given up (attack 44).
    """
    keys = {name: supervisor.key for name, supervisor in trust.supervisors.items()}
    keys |= {line.name: line.key for line in trust.bureau_keys(bureau, origin)[:1]}
    newest: dict[str, Entry] = {}
    reached: dict[str, int] = {}
    for entry in entries:
        said = entry.statement
        if not isinstance(said, Key | VerifierRelease) or (said.bureau, said.log) != (bureau, origin):
            continue
        try:
            check_signatures(entry, keys)
            if isinstance(said, Key):
                keys[said.by] = new_key(said)
                reached.pop(said.by, None)  # how far a thief of the old key counted binds nobody
            elif said.seq > reached.get(said.by, -1):
                newest[said.by], reached[said.by] = entry, said.seq
        except StatementError:
            continue  # anybody's bytes may stand in a log
    return tuple(newest[name] for name in sorted(newest, key=lambda name: (name != bureau, name)))
