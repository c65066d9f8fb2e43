"""A new key in the place of an old one: `key rotate`, `supervisor rotate`. specs/statements.md §3.1.

The new key is stored first, as `<key>.<key id>.next` beside the old one. Then the `key` statement is signed by both and
stored; from there on the new key is in force, and `settle` moves the files: the old one to `retired/`, for evidence,
the new one into its place, in one rename. Killed between any two of these steps, the next command finds by the
statements which of the two is in force: a key that nobody has on disk is never named, and no key that was named is
lost.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from typing import Final

from fairdraw.errors import StatementError, WorkspaceError
from fairdraw.schema import Former, Key
from fairdraw.statement import Entry, Head, check_signatures, new_key, sign
from fairdraw_cli.files import PRIVATE, PRIVATE_FOLDER, create_private, read, sync_folder, write
from fairdraw_cli.keys import check_same, kind_of, make_key, open_key, phrase_of
from transparency_log.note import ED25519, SigningKey, Verifier

NEXT: Final = ".next"
RETIRED: Final = "retired"


def follow(key: Verifier, entries: Iterable[Entry]) -> Verifier:
    """Return the key that is in force after the `key` statements of its holder among some entries, in their order.

    A forged one does not count, as it does not for verifiers: else whoever logs it stops its alleged signer.
    """
    for entry in entries:
        said = entry.statement
        if isinstance(said, Key) and said.by == key.name:
            with suppress(StatementError):
                check_signatures(entry, {key.name: key})
                key = new_key(said)
    return key


def prepare(path: Path, to: Path | None) -> SigningKey:
    """Return the key that follows the one in a file, stored beside it: a new one of the same kind, or that of `to`.

    One that a broken-off attempt left is taken up again: nothing names it yet. It is of the same kind, and this user's:
    who may write into the folder must not choose whom the holder makes the successor.

    Raises:
        WorkspaceError: `rotate-needs-to`, of a key in a token; `bad-rotation`: another name or kind, or the same key.
    """
    path = path.resolve()  # behind a link, perhaps on a stick, where the next key belongs, too
    old = open_key(path)
    if old.algorithm != ED25519:
        raise WorkspaceError("bad-rotation", expected=old.name, found=old.verifier.vkey)
    if to is not None:
        new = open_key(to)
        if (new.name, new.algorithm) != (old.name, ED25519) or new.verifier == old.verifier:
            raise WorkspaceError("bad-rotation", expected=old.name, found=new.verifier.vkey)
        write(_next(path, new), read(to), mode=PRIVATE)
        return new
    kind = kind_of(read(path))
    if kind == "hardware":
        raise WorkspaceError("rotate-needs-to", found=str(path))
    for left in sorted(path.parent.glob(f"{path.name}.*{NEXT}")):
        found = left.lstat()
        if not S_ISREG(found.st_mode) or found.st_uid != os.getuid() or kind_of(read(left)) != kind:
            continue
        if (new := open_key(left)).name == old.name and new.verifier != old.verifier:
            return new
    making = path.with_name(f"{path.name}.making")
    making.unlink(missing_ok=True)  # of an attempt that was killed before the key had its name
    made = make_key(making, old.name, phrase=phrase_of(path))
    kept = _next(path, made)
    making.replace(kept)
    sync_folder(path.parent)
    new = open_key(kept)  # of the disk: what the log is about to name must open
    check_same(kept, new, made.verifier)
    return new


def _next(path: Path, key: SigningKey) -> Path:
    return path.with_name(f"{path.name}.{key.verifier.key_id.hex()}{NEXT}")


def sign_change(head: Head, old: SigningKey, new: SigningKey, *, former: Former | None = None) -> bytes:
    """Return the entry by which a key follows another, signed by both; `former` is where the chain ended elsewhere."""
    return sign(head.make(Key, old=old.verifier.vkey, new=new.verifier.vkey, former=former), [old, new])


def settle(path: Path, in_force: Iterable[Verifier], retired: Path) -> bool:
    """Move the files of a rotation whose statement is out; say whether there was one."""
    path = path.resolve()
    found = path.parent.glob(f"{path.name}.*{NEXT}")
    waiting = {left.name.removesuffix(NEXT).rpartition(".")[2]: left for left in found}
    if not waiting:
        return False
    for key in in_force:
        left = waiting.get(key.key_id.hex())
        if left is not None and path.exists():
            retired.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
            aside = retired / f"{path.name}.{key.key_id.hex()}.before"
            if not aside.exists():
                create_private(aside, read(path))
            left.replace(path)
            sync_folder(path.parent)
            return True
    return False
