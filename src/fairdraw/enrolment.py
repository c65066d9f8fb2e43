"""What a bureau's desk and a supervisor's phone hand each other in person: specs/phone.md.

An invitation says which log and which bureau; an enrolment says whose keys the supervisor's phone holds. Both are short
texts that fit a QR code. Nothing in them is secret: what counts is that they pass from hand to hand.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from fairdraw.errors import TrustError, WorkspaceError
from fairdraw.permalink import check_site
from fairdraw.trust import REHEARSAL
from transparency_log.errors import LogError
from transparency_log.note import COSIGNATURE_ED25519, ED25519, Note, Signer, Verifier, verify

INVITATION: Final = "fairdraw/invitation v1"
ENROLMENT: Final = "fairdraw/enrolment v1"
MAX_CODED: Final = 2048  # bytes: what a QR code holds with some room for a link
MAX_URLS: Final = 4

_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_ROLE: Final = re.compile(r"[a-z][a-z0-9-]{0,39}", re.ASCII)
_WORD: Final = re.compile(r"[^\s\x00-\x1f\x7f-\x9f]+")
_CODE: Final = re.compile(r"(?:^|#)([iecs])=([A-Za-z0-9_-]+)\s*$", re.ASCII)


def code_of(letter: str, data: bytes) -> str:
    """Return bytes as they stand in a code, behind the `#`: specs/phone.md §1."""
    return f"{letter}={urlsafe_b64encode(data).decode('ascii').rstrip('=')}"


def read_code(text: str) -> tuple[str, bytes]:
    """Return the letter of a code and its bytes, whatever stands before the `#`.

    Raises:
        TrustError: `bad-code`.
    """
    match = _CODE.search(text)
    if match is None:
        raise TrustError("bad-code", reason="form")
    letter, digits = match.groups()
    if len(digits) * 3 // 4 > MAX_CODED:
        raise TrustError("bad-code", reason="too-large")
    data = urlsafe_b64decode(digits + "=" * (-len(digits) % 4)) if len(digits) % 4 != 1 else b""
    if code_of(letter, data) != match.group(0).lstrip("#").rstrip():  # stray bits: two codes of one text
        raise TrustError("bad-code", reason="base64")
    return letter, data


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """Which log and bureau a phone is to know, the digest of the bureau's trust file, and where the desk answers."""

    log: Verifier
    bureau: Verifier
    trust: str
    urls: tuple[str, ...] = ()

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read an invitation in its one spelling: specs/phone.md §2.

        Raises:
            TrustError: `bad-invitation`.
        """
        header, lines = _lines(data, "bad-invitation")
        if header != INVITATION:
            raise TrustError("bad-invitation", reason="header")
        words = [word for word, _ in lines]
        if words[:3] != ["log", "bureau", "trust"] or words[3:] != ["url"] * len(words[3:]):
            raise TrustError("bad-invitation", reason="lines")
        log, bureau, trust, *urls = (rest for _, rest in lines)
        if not _HASH.fullmatch(trust):
            raise TrustError("bad-invitation", reason="trust")
        if len(urls) > MAX_URLS or len(set(urls)) < len(urls) or not all(map(_is_url, urls)):
            raise TrustError("bad-invitation", reason="url")
        told = cls(
            log=_key(log, ED25519, "bad-invitation"),
            bureau=_key(bureau, ED25519, "bad-invitation"),
            trust=trust,
            urls=tuple(urls),
        )
        if told.log.public_key == told.bureau.public_key:
            raise TrustError("bad-invitation", reason="one-key-twice")
        _check_rehearsal([told.log.name, told.bureau.name], "bad-invitation")
        return told

    def format(self) -> bytes:
        """Return the text that `parse` reads back."""
        lines = [INVITATION, f"log {self.log.vkey}", f"bureau {self.bureau.vkey}", f"trust {self.trust}"]
        return "".join(f"{line}\n" for line in [*lines, *(f"url {url}" for url in self.urls)]).encode()

    @property
    def code(self) -> str:
        """What stands behind the `#` of its QR code."""
        return code_of("i", self.format())

    @property
    def digest(self) -> str:
        """The SHA-256 whose first digits people compare."""
        return sha256(self.format()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """A supervisor's name, role and keys for one log. `witness` is None where the phone shall not cosign."""

    log: str
    role: str
    supervisor: Verifier
    witness: Verifier | None = None

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a signed enrolment: specs/phone.md §3.

        Raises:
            TrustError: `bad-enrolment`.
        """
        if len(data) > MAX_CODED:
            raise TrustError("bad-enrolment", reason="too-large")
        try:
            note = Note.parse(data)
        except LogError:
            raise TrustError("bad-enrolment", reason="note") from None
        header, lines = _lines(note.text.encode(), "bad-enrolment")
        if header != ENROLMENT:
            raise TrustError("bad-enrolment", reason="header")
        if [word for word, _ in lines] not in (
            ["log", "role", "supervisor"],
            ["log", "role", "supervisor", "witness"],
        ):
            raise TrustError("bad-enrolment", reason="lines")
        log, role, own, *cosigner = (rest for _, rest in lines)
        if not _ROLE.fullmatch(role) or "+" in log:
            raise TrustError("bad-enrolment", reason="lines")
        told = cls(
            log=log,
            role=role,
            supervisor=_key(own, ED25519, "bad-enrolment"),
            witness=_key(cosigner[0], COSIGNATURE_ED25519, "bad-enrolment") if cosigner else None,
        )
        told._check(note)
        return told

    def _check(self, note: Note) -> None:
        if self.witness is not None:
            if self.witness.name != self.supervisor.name:
                raise TrustError("bad-enrolment", reason="two-names")
            if self.witness.public_key == self.supervisor.public_key:
                raise TrustError("bad-enrolment", reason="one-key-twice")
        _check_rehearsal([self.log, self.supervisor.name], "bad-enrolment")
        try:
            verify(note, [self.supervisor])
        except LogError:
            # Else anybody could enrol a key that somebody else holds, under a role of one's own choice.
            raise TrustError("bad-enrolment", reason="signature") from None
        if len(note.signatures) != 1:
            raise TrustError("bad-enrolment", reason="signature")

    @property
    def text(self) -> str:
        """The text that is signed."""
        lines = [ENROLMENT, f"log {self.log}", f"role {self.role}", f"supervisor {self.supervisor.vkey}"]
        if self.witness is not None:
            lines.append(f"witness {self.witness.vkey}")
        return "".join(f"{line}\n" for line in lines)

    def sign(self, signer: Signer) -> bytes:
        """Return the enrolment, signed with the supervisor's key."""
        return Note(self.text, (signer.sign(self.text),)).format()

    @property
    def digest(self) -> str:
        """The SHA-256 whose first digits are read aloud: of the text, which two signatures cannot make two of."""
        return sha256(self.text.encode()).hexdigest()


def _lines(data: bytes, code: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the first line, and word and rest of each further one."""
    if len(data) > MAX_CODED:
        raise TrustError(code, reason="too-large")
    try:
        header, *lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise TrustError(code, reason="lines") from None
    if not lines or lines.pop() != "":
        raise TrustError(code, reason="lines")
    told = []
    for line in lines:
        word, _, rest = line.partition(" ")
        if not _WORD.fullmatch(rest):
            raise TrustError(code, reason="lines")
        told.append((word, rest))
    return header, told


def _key(vkey: str, algorithm: int, code: str) -> Verifier:
    try:
        key = Verifier.parse(vkey)
    except LogError:
        raise TrustError(code, reason="key") from None
    if key.algorithm != algorithm or key.weak:
        raise TrustError(code, reason="key")
    return key


def _is_url(url: str) -> bool:
    try:
        return check_site(url) == url
    except WorkspaceError:
        return False


def _check_rehearsal(names: Sequence[str], code: str) -> None:
    # A rehearsal's key in a real log, or the other way about, would make practice look like the real thing.
    if len({name.endswith(REHEARSAL) for name in names}) != 1:
        raise TrustError(code, reason="rehearsal-mixed")
