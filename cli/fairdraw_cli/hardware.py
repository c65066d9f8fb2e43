"""Keys that never leave a token: Ed25519 through PKCS#11 (`fairdraw[pkcs11]`). docs/keys.md.

    [pkcs11]
    module = "/usr/lib/softhsm/libsofthsm2.so"
    token = "jinan"
    label = "bureau"
    vkey = "jinan-ybj.example.cn+f1dc67c6+AbaV…"

The file pins the public key. Whatever a token signs is verified with it before it leaves this process: a token with
another key under that label, or one that signs nonsense, gets nothing into a log.
"""

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from fairdraw.errors import WorkspaceError
from fairdraw_cli import keyring
from fairdraw_cli.extras import need
from fairdraw_cli.files import create_private, toml_line
from transparency_log.errors import NoteError
from transparency_log.note import COSIGNATURE_ED25519, ED25519, Signature, Verifier, sign_text

if TYPE_CHECKING:
    import pkcs11

FIELDS: Final = ("module", "token", "label", "vkey")
KINDS: Final = (ED25519, COSIGNATURE_ED25519)
POINT: Final = 32
# RFC 8032's curve as PKCS#11 3.0 names it, and as its object identifier, which other tokens want.
CURVES: Final = (b"\x13\x0cedwards25519", bytes.fromhex("06032b6570"))

# A module is code, and a key file may be somebody else's: the stick of a second who is asked to sign at this desk.
INSTALLED: Final = ("/usr/", "/lib/", "/lib64/", "/opt/", "/nix/store/", "/run/current-system/", "/Library/")

_sessions: dict[tuple[str, str], "pkcs11.Session"] = {}
_refused: set[tuple[str, str]] = set()  # whose PIN was wrong: it is not tried again, for tokens lock themselves
_one_at_a_time = Lock()  # a session signs one message at a time, and a witness answers many callers


@dataclass(frozen=True)
class Place:
    """Where a key lies in a token, and the public half that it must have."""

    module: str
    token: str
    label: str
    verifier: Verifier

    def format(self) -> bytes:
        """Return the key file."""
        told = (self.module, self.token, self.label, self.verifier.vkey)
        quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in told)
        lines = (f'{name} = "{value}"\n' for name, value in zip(FIELDS, quoted, strict=True))
        return ("[pkcs11]\n" + "".join(lines)).encode()


@dataclass(frozen=True)
class HardwareKey:
    """A key in a token, ready to sign."""

    place: Place

    @property
    def name(self) -> str:
        """The name of its lines."""
        return self.place.verifier.name

    @property
    def algorithm(self) -> int:
        """0x01 or 0x04."""
        return self.place.verifier.algorithm

    @property
    def verifier(self) -> Verifier:
        """The pinned public half."""
        return self.place.verifier

    def sign(self, text: str) -> Signature:
        """Sign a note's text."""
        return sign_text(self, text)

    def sign_bytes(self, message: bytes) -> bytes:
        """Return the token's signature, once the pinned key has verified it.

        Raises:
            WorkspaceError: `token-signs-otherwise`, or why the token does not sign.
        """
        from pkcs11 import Mechanism

        with _one_at_a_time, _told(self.place.token, self.place.label):
            signature = bytes(_private(self.place).sign(message, mechanism=Mechanism.EDDSA))
        if not self.verifier.holds(message, signature):
            raise WorkspaceError("token-signs-otherwise", token=self.place.token, label=self.place.label,
                                 expected=self.verifier.vkey)  # fmt: skip
        return signature


def read_place(path: Path, data: bytes) -> Place:
    """Return where the key of a file lies; nothing is asked of the token.

    Raises:
        WorkspaceError: `file-not-toml`, or what is wrong with a field.
        NoteError: the vkey is none.
    """
    try:
        told = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise WorkspaceError("file-not-toml", file=str(path), line=toml_line(data, error)) from None
    table = told.get("pkcs11")
    if not isinstance(table, dict) or set(told) != {"pkcs11"} or set(table) - set(FIELDS):
        raise WorkspaceError("file-key-unknown", file=str(path), key=_odd(told, table), expected=list(FIELDS))
    for key in FIELDS:
        if not isinstance(table.get(key), str):
            raise WorkspaceError(
                "file-value", file=str(path), key=f"pkcs11.{key}", expected="str", found=table.get(key)
            )
    try:
        verifier = Verifier.parse(table["vkey"])
    except NoteError as error:
        raise error.at(str(path)) from None
    if verifier.algorithm not in KINDS or verifier.weak:
        raise WorkspaceError("token-key-kind", file=str(path), found=f"0x{verifier.algorithm:02x}")
    return Place(table["module"], table["token"], table["label"], verifier)


def _odd(told: dict[str, Any], table: object) -> str:
    inside = set(table) - set(FIELDS) if isinstance(table, dict) else set()
    return min({*inside, *(set(told) - {"pkcs11"})}, default="pkcs11")


def read_hardware_key(path: Path, data: bytes) -> HardwareKey:
    """Return the key that a file names, the token logged in and its public half compared.

    Raises:
        WorkspaceError: `extra-missing`, `module-missing`, `token-missing`, `pin-wrong`, `token-key-missing`,
            `key-of-another` or `token-failed`.
    """
    place = read_place(path, data)
    need("pkcs11")
    with _told(place.token, place.label):
        _private(place)
        found = _public(place)
    if found is not None and found != place.verifier.public_key:
        other = Verifier(place.verifier.name, place.verifier.algorithm, found)
        raise WorkspaceError("key-of-another", file=str(path), expected=place.verifier.vkey, found=other.vkey)
    return HardwareKey(place)


def make_hardware_key(
    path: Path, name: str, algorithm: int, *, module: Path, token: str, label: str, existing: bool
) -> HardwareKey:
    """Make a key in a token, or take one that is there, and write the file that names it.

    The private half is sensitive and cannot be extracted: not this program, nobody ever sees it.

    Raises:
        WorkspaceError: `file-exists`, `token-key-exists`, or as in `read_hardware_key`.
    """
    need("pkcs11")
    if path.exists():
        raise WorkspaceError("file-exists", found=str(path))
    where = str(module.absolute())
    with _told(token, label):
        session = _session(where, token)
        point = _point(session, label) if existing else _generate(session, token, label)
    if point is None:
        raise WorkspaceError("token-key-missing", token=token, label=label)
    key = HardwareKey(Place(where, token, label, Verifier(name, algorithm, point)))
    key.sign_bytes(b"fairdraw: does this token sign with the key that it shows?\n")
    create_private(path, key.place.format())
    return key


def _generate(session: "pkcs11.Session", token: str, label: str) -> bytes | None:
    from pkcs11 import Attribute, KeyType, Mechanism, PKCS11Error

    if _point(session, label) is not None:
        raise WorkspaceError("token-key-exists", token=token, label=label)
    private = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}
    for last, curve in enumerate(CURVES, 1 - len(CURVES)):
        try:
            domain = session.create_domain_parameters(KeyType.EC_EDWARDS, {Attribute.EC_PARAMS: curve}, local=True)
            domain.generate_keypair(mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN, store=True, label=label,
                                    id=label.encode(), private_template=private)  # fmt: skip
            break
        except PKCS11Error:
            if last == 0:
                raise
    return _point(session, label)


def _session(module: str, token: str) -> "pkcs11.Session":
    """Return the one session of this process with a token, logged in."""
    import pkcs11

    if (module, token) not in _sessions:
        check_module(module)
        if (module, token) in _refused:
            raise WorkspaceError("pin-wrong", token=token)
        found = pkcs11.lib(module).get_token(token_label=token)
        try:
            _sessions[module, token] = found.open(user_pin=keyring.pin(token), rw=True)
        except pkcs11.exceptions.PinIncorrect:
            _refused.add((module, token))
            raise
    return _sessions[module, token]


def check_module(module: str) -> None:
    """Refuse to run what is not installed: a module, or what it is linked to by its administrator.

    Raises:
        WorkspaceError: `module-elsewhere` or `module-missing`.
    """
    if not os.path.normpath(module).startswith(INSTALLED):
        raise WorkspaceError("module-elsewhere", expected=list(INSTALLED), found=module)
    if not Path(module).is_file():
        raise WorkspaceError("module-missing", found=module)


def _private(place: Place) -> Any:
    from pkcs11 import KeyType, ObjectClass, PKCS11Error

    for again in (False, True):
        try:
            return _session(place.module, place.token).get_key(ObjectClass.PRIVATE_KEY, KeyType.EC_EDWARDS, place.label)
        except PKCS11Error as error:
            # A session ends when its token is taken out: put in again it is asked once more.
            if again or not _ended(error):
                raise
            _sessions.pop((place.module, place.token), None)
    raise AssertionError


def _ended(error: Exception) -> bool:
    from pkcs11 import exceptions

    return isinstance(error, exceptions.SessionHandleInvalid | exceptions.SessionClosed | exceptions.UserNotLoggedIn
                      | exceptions.DeviceRemoved)  # fmt: skip


def _public(place: Place) -> bytes | None:
    return _point(_session(place.module, place.token), place.label)


def _point(session: "pkcs11.Session", label: str) -> bytes | None:
    """Return the public key under a label, None if there is none."""
    from pkcs11 import Attribute, KeyType, NoSuchKey, ObjectClass

    try:
        found = session.get_key(ObjectClass.PUBLIC_KEY, KeyType.EC_EDWARDS, label)
    except NoSuchKey:
        return None
    return bytes(found[Attribute.EC_POINT])[-POINT:]  # raw, or with the two bytes of a DER OCTET STRING before it


@contextmanager
def _told(token: str, label: str) -> Iterator[None]:
    """Turn what a module says into what a person can do."""
    from pkcs11 import PKCS11Error, exceptions

    try:
        yield
    except (exceptions.NoSuchToken, exceptions.TokenNotPresent, exceptions.DeviceRemoved):
        raise WorkspaceError("token-missing", token=token) from None
    except (exceptions.PinIncorrect, exceptions.PinInvalid, exceptions.PinLenRange):
        raise WorkspaceError("pin-wrong", token=token) from None
    except exceptions.PinLocked:
        raise WorkspaceError("pin-locked", token=token) from None
    except exceptions.NoSuchKey:
        raise WorkspaceError("token-key-missing", token=token, label=label) from None
    except PKCS11Error as error:
        raise WorkspaceError("token-failed", token=token, reason=str(error) or type(error).__name__) from None
