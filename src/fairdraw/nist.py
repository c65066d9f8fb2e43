"""NIST-format pulses, version 2.0: a further source beside drand, unknown unless a reader pins it. specs/beacon.md §10.

One operator knows each value before anybody else, and signs it under a certificate that lasts about a year. So a chain
is pinned with its certificate and chain index, stands beside drand only, and fails closed: a pulse whose signature does
not verify is refused, though its `outputValue` be right, for that is a mere checksum (attack 29).

Not done here: asking a server, and certificate authorities, which a pinned certificate does not need.
"""

import re
from hashlib import sha256, sha512
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field, StringConstraints, ValidationError

from fairdraw import encoding
from fairdraw.beacon import Chain, read_object
from fairdraw.document import Document, malformed, read_document
from fairdraw.errors import BeaconError, EncodingError
from fairdraw.values import Count, Value

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

SCHEME: Final = "nist-2.0"
MINUTE: Final = 60  # seconds: the period of all chains, and the time of round 1, so that a round is a minute's number
MAX_DOCUMENT: Final = 16_384  # bytes; a pulse is about 5,000, and nobody's server may fill a reader's memory
KEY_BYTES: Final = 64 + 8  # SHA-512 of the certificate and u64be(chain index)

_TIME: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})\.000Z", re.ASCII)
_LISTED: Final = ("previous", "hour", "day", "month", "year")

Sha512 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{128}$")]
Signature = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2}){256,1024}$")]
Four = Annotated[int, Field(ge=0, lt=2**32)]  # what is signed as 4 bytes
Line = Annotated[str, StringConstraints(pattern=r"^[!-~ ]{1,200}$")]


class External(Value):
    """What an operator mixed in from elsewhere; zeros where it was nothing."""

    source_id: Sha512
    status_code: Four
    value: Sha512


class NistPulse(Document):
    """All that a pulse's operator signed, with signature and output; hex in lower case, not checked yet."""

    v: Literal[0] = 0
    type: Literal["nist-pulse"] = "nist-pulse"
    uri: Line
    version: Line
    cipher_suite: Four
    period: Four
    certificate_id: Sha512
    chain_index: Count
    pulse_index: Count
    time_stamp: Line
    local_random_value: Sha512
    external: External
    previous: Sha512
    hour: Sha512
    day: Sha512
    month: Sha512
    year: Sha512
    precommitment_value: Sha512
    status_code: Four
    signature_value: Signature
    output_value: Sha512

    def message(self) -> bytes:
        """Return the bytes that are signed (specs/beacon.md §10.2)."""
        # Text and hex carry their length in 4 bytes; the last output values stand without their uri and type.
        return b"".join(
            (
                _sized(self.uri.encode()),
                _sized(self.version.encode()),
                self.cipher_suite.to_bytes(4, "big"),
                self.period.to_bytes(4, "big"),
                _hex(self.certificate_id),
                self.chain_index.to_bytes(8, "big"),
                self.pulse_index.to_bytes(8, "big"),
                _sized(self.time_stamp.encode()),
                _hex(self.local_random_value),
                _hex(self.external.source_id),
                self.external.status_code.to_bytes(4, "big"),
                _hex(self.external.value),
                *(_hex(getattr(self, name)) for name in _LISTED),
                _hex(self.precommitment_value),
                self.status_code.to_bytes(4, "big"),
            )
        )

    def time(self) -> int:
        """Return the pulse's time in POSIX seconds.

        Raises:
            BeaconError: `pulse-time`: it is not a whole minute in the form `YYYY-MM-DDThh:mm:00.000Z`.
        """
        found = _TIME.fullmatch(self.time_stamp)
        try:
            time = encoding.parse_time(f"{found[1]}Z") if found else -1
        except EncodingError:
            time = -1
        if time < 0 or time % MINUTE:
            raise BeaconError("pulse-time", expected="YYYY-MM-DDThh:mm:00.000Z", found=self.time_stamp)
        return time


def _sized(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _hex(text: str) -> bytes:
    return _sized(bytes.fromhex(text))


def nist_chain(certificate: bytes, *, id: str, chain_index: int) -> Chain:  # noqa: A002 -- drand's word
    """Return the chain that a DER certificate signs; its round *n* is due at *n* minutes after 1970.

    Raises:
        BeaconError: `bad-certificate`, or what `check_nist_chain` says of the id and the index.
    """
    _public_key(certificate)
    if not 0 <= chain_index < 2**53:
        raise BeaconError("chain-index", expected="0 to 2^53 - 1", found=chain_index)
    chain = Chain(
        id=id,
        hash=sha256(certificate).hexdigest(),
        key=sha512(certificate).hexdigest() + chain_index.to_bytes(8, "big").hex(),
        scheme=SCHEME,
        period=MINUTE,
        genesis=MINUTE,
        group_hash="",
    )
    check_nist_chain(chain)
    return chain


def check_nist_chain(chain: Chain) -> None:
    """Check the form of a pinned chain; that its hash and key are of one certificate shows when that is there.

    Raises:
        BeaconError: `not-a-nist-chain`.
    """
    fits = (
        chain.scheme == SCHEME
        and (chain.period, chain.genesis, chain.group_hash) == (MINUTE, MINUTE, "")
        and re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,39}", chain.id, re.ASCII)
        and re.fullmatch(r"[0-9a-f]{64}", chain.hash, re.ASCII)
        and re.fullmatch(f"[0-9a-f]{{{2 * KEY_BYTES}}}", chain.key, re.ASCII)
    )
    if not fits:
        raise BeaconError("not-a-nist-chain", expected=(SCHEME, MINUTE, MINUTE), found=chain)


def check_nist_pulse(chain: Chain, *, certificate: bytes, document: bytes, round: int) -> bytes:  # noqa: A002 -- as above
    """Check that the chain published this document for the round; return its 32 random bytes (specs/beacon.md §10.3).

    `certificate` is in DER, `document` the pulse's artifact.

    Raises:
        BeaconError: `wrong-certificate`, `bad-certificate`, `bad-pulse-document`, `wrong-chain`, `wrong-round`,
            `pulse-time`, `pulse-status`, `certificate-expired`, `signature-invalid` or `wrong-output`.
    """
    # (1) the pinned certificate, which also names itself in the pulse
    if (found := sha256(certificate).hexdigest()) != chain.hash or sha512(certificate).hexdigest() != chain.key[:128]:
        raise BeaconError("wrong-certificate", expected=chain.hash, found=found)
    pulse = parse_document(document)
    if pulse.certificate_id != chain.key[:128]:
        raise BeaconError("wrong-certificate", expected=chain.key[:128], found=pulse.certificate_id)
    # (2) the pinned chain: of several under one certificate a bureau would choose
    if pulse.chain_index != int(chain.key[128:], 16):
        raise BeaconError("wrong-chain", expected=int(chain.key[128:], 16), found=pulse.chain_index)
    if (pulse.cipher_suite, pulse.period) != (0, 1000 * MINUTE):
        raise BeaconError("unsupported-scheme", expected=(0, 1000 * MINUTE), found=(pulse.cipher_suite, pulse.period))
    # (3) the announced minute; an operator that reports trouble, as at the beginning of a chain, is not believed
    if (time := pulse.time()) != chain.time_of(round):
        raise BeaconError("wrong-round", expected=round, found=time // MINUTE)
    if pulse.status_code != 0:
        raise BeaconError("pulse-status", expected=0, found=pulse.status_code)
    # (4) the signature, without which all the rest could be made by anybody
    _check_signature(certificate, pulse, time)
    # (5) the output, which the operator's signature determines
    output = sha512(pulse.message() + bytes.fromhex(pulse.signature_value)).hexdigest()
    if pulse.output_value != output:
        raise BeaconError("wrong-output", expected=output, found=pulse.output_value)
    return sha256(bytes.fromhex(output)).digest()


def _check_signature(certificate: bytes, pulse: NistPulse, time: int) -> None:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 -- only who checks one pays for it
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415 -- as above
    from cryptography.hazmat.primitives.hashes import SHA512  # noqa: PLC0415 -- as above

    key, since, until = _public_key(certificate)
    if not since <= time <= until:
        raise BeaconError("certificate-expired", expected=(since, until), found=time)
    try:
        key.verify(bytes.fromhex(pulse.signature_value), pulse.message(), PKCS1v15(), SHA512())
    except InvalidSignature:
        raise BeaconError("signature-invalid", found=pulse.time_stamp, certificate=pulse.certificate_id) from None


def _public_key(certificate: bytes) -> "tuple[RSAPublicKey, int, int]":
    """Return an RSA key, and the POSIX seconds since and until when its certificate is valid."""
    from cryptography import x509  # noqa: PLC0415 -- as above
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 -- as above
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415 -- as above

    try:
        read = x509.load_der_x509_certificate(certificate)
        key = read.public_key()
        since, until = read.not_valid_before_utc, read.not_valid_after_utc
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BeaconError("bad-certificate", expected="an X.509 certificate in DER", found=str(error)[:80]) from None
    if not isinstance(key, RSAPublicKey) or key.key_size < 2048:
        raise BeaconError("bad-certificate", expected="an RSA key of 2048 bits or more", found=type(key).__name__)
    return key, int(since.timestamp()), int(until.timestamp())


def parse_document(data: bytes) -> NistPulse:
    """Return the pulse of an artifact, in its one spelling: else one pulse would have many digests.

    Raises:
        BeaconError: `bad-pulse-document`.
    """
    return read_document(data, NistPulse, code="bad-pulse-document", limit=MAX_DOCUMENT)


def read_answer(data: bytes) -> NistPulse:
    """Return the pulse in a server's answer, or in a file that was kept of one; it is not checked yet.

    Hex of either case is read, and what is not signed is skipped (specs/beacon.md §10.4).

    Raises:
        BeaconError: `pulse-too-large`, `not-json`, `not-an-object`, `duplicate-field` or `bad-pulse-document`.
    """
    if len(data) > MAX_DOCUMENT:
        raise BeaconError("pulse-too-large", expected=MAX_DOCUMENT, found=len(data))
    whole = read_object(data)
    if whole.get("type") == "nist-pulse":
        return parse_document(data)
    told = whole.get("pulse", whole)
    try:
        listed = {one["type"]: one["value"] for one in told["listValues"]}
        if sorted(listed) != sorted(_LISTED) or len(told["listValues"]) != len(_LISTED):
            raise BeaconError("bad-pulse-document", field="listValues", expected=_LISTED, found=sorted(listed))
        fields = {
            "uri": told["uri"],
            "version": told["version"],
            "cipher_suite": told["cipherSuite"],
            "period": told["period"],
            "certificate_id": told["certificateId"].lower(),
            "chain_index": told["chainIndex"],
            "pulse_index": told["pulseIndex"],
            "time_stamp": told["timeStamp"],
            "local_random_value": told["localRandomValue"].lower(),
            "external": {
                "source_id": told["external"]["sourceId"].lower(),
                "status_code": told["external"]["statusCode"],
                "value": told["external"]["value"].lower(),
            },
            **{name: listed[name].lower() for name in _LISTED},
            "precommitment_value": told["precommitmentValue"].lower(),
            "status_code": told["statusCode"],
            "signature_value": told["signatureValue"].lower(),
            "output_value": told["outputValue"].lower(),
        }
        return NistPulse.model_validate(fields)
    except ValidationError as error:
        raise malformed(error, "bad-pulse-document") from None
    except (KeyError, TypeError, AttributeError) as error:  # a field is missing, or of another type
        raise BeaconError("bad-pulse-document", expected="a pulse of format 2.0", found=str(error)[:80]) from None
