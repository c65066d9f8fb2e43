"""drand beacons: pinned chains, rounds and times, and pulses that prove themselves (specs/beacon.md).

A pulse is a BLS signature under the chain's one public key over nothing but its round (and, on a chained
chain, the signature before). Such a signature is unique, so nobody can choose its value, and anybody can
check it, so it may arrive by any road. What a relay says beside it is compared or ignored, never believed.

Not done here: asking relays (see `fetch`), deciding which chains a reader trusts (see `trust`), and evmnet,
whose curve no audited Python package offers.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256, sha512
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from fairdraw.errors import BeaconError

if TYPE_CHECKING:
    from py_arkworks_bls12381 import G1Point, G2Point, Scalar

    _Point = TypeVar("_Point", G1Point, G2Point)

MAX_PULSE_BYTES = 4096
"""A pulse of the default chain is about 600 bytes; nobody's server may fill a reader's memory."""

MAX_ROUND = 2**53 - 1
"""The largest integer that every JSON reader reads alike (RFC 8259 §6)."""

PRACTICE_PERIOD = 3
"""Seconds between the rounds of a practice chain, as on quicknet."""

PRACTICE_GROUP_HASH = "00" * 32
"""The group hash that no drand network has: it marks a chain of which one person holds the key."""

PRACTICE_SCHEME = "bls-unchained-g1-rfc9380"
"""The scheme of quicknet, so that a rehearsal runs the same code as a draw."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The constants of a chain. All are pinned together, because the hash does not cover the scheme.

    `id` is drand's beacon id, `hash`, `key` and `group_hash` are lower-case hex, `period` is in seconds,
    `genesis` is the POSIX time of round 1. Relays call the group hash `groupHash` (v1), `genesis_seed` (v2).
    """

    id: str
    hash: str
    key: str
    scheme: str
    period: int
    genesis: int
    group_hash: str

    @property
    def practice(self) -> bool:
        """Whether one person holds the key of this chain, which is then fit for rehearsals only."""
        return self.group_hash == PRACTICE_GROUP_HASH

    def time_of(self, number: int, /) -> int:
        """Return the POSIX second at which a round is due (specs/beacon.md §3).

        Raises:
            BeaconError: "round-out-of-range"; there is no round 0.
        """
        # time(r) = genesis + (r - 1)·period
        return self.genesis + (_checked_round(number) - 1) * self.period

    def round_at_or_after(self, time: int, /) -> int:
        """Return the first round due at a POSIX second or later, at least 1 (specs/beacon.md §3)."""
        # round = ⌈(T - genesis) / period⌉ + 1, where -(-a // b) is ⌈a / b⌉ without floats
        return max(1, -((self.genesis - time) // self.period) + 1)


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a chain published for one round, in lower-case hex; not yet checked (see `check_pulse`).

    `chain` is the chain's hash. `previous` is the signature of the round before (the group hash for round 1)
    on a chained chain, and None on all others. There is no randomness here, so that none can be believed.
    """

    chain: str
    round: int
    signature: str
    previous: str | None = None


# Source: drand/drand-client `lib/defaults.ts`; a test recomputes the hashes. Test nets are left out: nobody
# promises to guard their keys.
CHAINS: Mapping[str, Chain] = MappingProxyType(
    {
        "quicknet": Chain(
            id="quicknet",
            hash="52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971",
            key=(
                "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c"
                "8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb"
                "5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a"
            ),
            scheme="bls-unchained-g1-rfc9380",
            period=3,
            genesis=1692803367,
            group_hash="f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e",
        ),
        "default": Chain(
            id="default",
            hash="8990e7a9aaed2ffed73dbd7092123d6f289930540d7651336225dc172e51b2ce",
            key=("868f005eb8e6e4ca0a47c8a77ceaa5309a47978a7c71bc5cce96366b5d7a569937c529eeda66c7293784a9402801af31"),
            scheme="pedersen-bls-chained",
            period=30,
            genesis=1595431050,
            group_hash="176f93498eac9ca337150b46d21dd58673ea4e3581185f869672e59fa4cb390a",
        ),
        "fastnet": Chain(
            id="fastnet",
            hash="dbd506d6ef76e5f386f41c651dcb808c5bcbd75471cc4eafa3f4df7ad4e4c493",
            key=(
                "a0b862a7527fee3a731bcb59280ab6abd62d5c0b6ea03dc4ddf6612fdfc9d01f"
                "01c31542541771903475eb1ec6615f8d0df0b8b6dce385811d6dcf8cbefb8759"
                "e5e616a3dfd054c928940766d9a5b9db91e3b697e5d70a975181e007f87fca5e"
            ),
            scheme="bls-unchained-on-g1",
            period=3,
            genesis=1677685200,
            group_hash="a81e9d63f614ccdb144b8ff79fbd4d5a2d22055c0bfe4ee9a8092003dab1c6c0",
        ),
    }
)

RETIRED = frozenset({"fastnet"})
"""Chains for reading only: fastnet's key shares were deleted on 2024-11-06, so it has no future rounds."""


@dataclass(frozen=True, slots=True)
class _Scheme:
    """One row of specs/beacon.md §4: the group of the signature, the domain separation tag, and chaining."""

    on_g1: bool
    dst: bytes
    chained: bool = False

    @property
    def signature_size(self) -> int:
        return 48 if self.on_g1 else 96

    @property
    def key_size(self) -> int:
        return 96 if self.on_g1 else 48


_G1_DST = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"
_G2_DST = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_"

_SCHEMES: Mapping[str, _Scheme] = MappingProxyType(
    {
        "pedersen-bls-chained": _Scheme(on_g1=False, dst=_G2_DST, chained=True),
        "pedersen-bls-unchained": _Scheme(on_g1=False, dst=_G2_DST),
        "bls-unchained-g1-rfc9380": _Scheme(on_g1=True, dst=_G1_DST),
        # Points of G1 under the tag of G2: a slip that drand froze in (drand/kyber-bls12381 issue 22).
        "bls-unchained-on-g1": _Scheme(on_g1=True, dst=_G2_DST),
    }
)

# At most 40 characters: then no id can pass for the rest of a longer key in the bytes of the chain hash.
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_HEX = re.compile(r"(?:[0-9a-f]{2})+")


def chain_hash(chain: Chain) -> str:
    """Return the hash that drand gives to the other constants, in hex (specs/beacon.md §2).

    Raises:
        BeaconError: "chain-id", "chain-period", "chain-genesis", "group-hash-length" or "not-hex".
    """
    if not _ID.fullmatch(chain.id):
        raise BeaconError("chain-id", expected=_ID.pattern, found=chain.id)
    if not 1 <= chain.period < 2**32:
        raise BeaconError("chain-period", expected="1 to 2^32 - 1 seconds", found=chain.period)
    if not 0 <= chain.genesis <= MAX_ROUND:
        raise BeaconError("chain-genesis", expected="POSIX seconds", found=chain.genesis)
    group_hash = _unhex(chain.group_hash, field="group_hash")
    if len(group_hash) != 32:
        raise BeaconError("group-hash-length", expected=32, found=len(group_hash))
    # SHA-256( u32be(period) ‖ i64be(genesis) ‖ key ‖ group hash ‖ id unless it is "default" )
    return sha256(
        chain.period.to_bytes(4, "big")
        + chain.genesis.to_bytes(8, "big")
        + _unhex(chain.key, field="key")
        + group_hash
        + (b"" if chain.id == "default" else chain.id.encode())
    ).hexdigest()


def check_chain(chain: Chain) -> None:
    """Check that a chain has well-formed constants, a usable key and the right hash (specs/beacon.md §2).

    Which chain a name means is for `trust` to say: a test net too may call itself `default`.

    Raises:
        BeaconError: "unsupported-scheme", "key-length", "not-a-point", "not-canonical", "identity-point",
            "wrong-chain-hash", "chain-not-pinned", "practice-chain", or what `chain_hash` raises.
    """
    from py_arkworks_bls12381 import G1Point, G2Point  # noqa: PLC0415 -- only who checks pays for the curve

    # (1) a key under which a signature means something
    scheme = _scheme_of(chain)
    key = _key_of(chain, scheme)
    _decode(G2Point, key, field="key") if scheme.on_g1 else _decode(G1Point, key, field="key")
    # (2) the hash, because invented constants circulate under the names of real chains
    if chain.hash != (expected := chain_hash(chain)):
        raise BeaconError("wrong-chain-hash", expected=expected, found=chain.hash)
    # (3) the scheme, which the hash does not cover: quicknet's key under fastnet's tag is another beacon
    for pinned in CHAINS.values():
        if chain.hash == pinned.hash and chain != pinned:
            raise BeaconError("chain-not-pinned", expected=pinned, found=chain)
    # (4) the shape of a practice chain, so that a rehearsal cannot be taken for a draw
    rehearses = (chain.scheme, chain.period) == (PRACTICE_SCHEME, PRACTICE_PERIOD) and chain.id not in CHAINS
    if chain.practice and not rehearses:
        raise BeaconError("practice-chain", expected=(PRACTICE_SCHEME, PRACTICE_PERIOD), found=chain)


def check_pulse(chain: Chain, pulse: Pulse, *, round: int) -> bytes:  # noqa: A002 -- drand's word
    """Check that the chain published this for the round; return its 32 random bytes (specs/beacon.md §5).

    The chain itself must have passed `check_chain`.

    Raises:
        BeaconError: "unsupported-scheme", "wrong-chain", "round-out-of-range", "wrong-round", "not-hex",
            "signature-length", "previous-missing", "previous-unexpected", "previous-length", "not-a-point",
            "not-canonical", "identity-point" or "signature-invalid".
    """
    scheme = _scheme_of(chain)
    # (1) the announced chain and round: a relay may answer "latest", or whatever it likes better
    if pulse.chain != chain.hash:
        raise BeaconError("wrong-chain", expected=chain.hash, found=pulse.chain)
    if pulse.round != _checked_round(round):
        raise BeaconError("wrong-round", expected=round, found=pulse.round)
    # (2) lengths
    signature = _unhex(pulse.signature, field="signature")
    if len(signature) != scheme.signature_size:
        raise BeaconError("signature-length", expected=scheme.signature_size, found=len(signature))
    previous = _previous_of(chain, scheme, pulse)
    # (3) the signature under the pinned key
    if not _verifies(
        scheme,
        key=_key_of(chain, scheme),
        signature=signature,
        message=sha256(previous + round.to_bytes(8, "big")).digest(),
    ):
        raise BeaconError("signature-invalid", chain=chain.hash, round=round, found=pulse.signature)
    # (4) the randomness is computed, never received
    return sha256(signature).digest()


def parse_pulse(data: bytes, chain: Chain) -> Pulse:
    """Read a pulse of this chain from a relay's answer, v1 or v2, or from a file (specs/beacon.md §6).

    Hex of either case is read, since relays differ, and unknown fields are skipped. The pulse is not checked.

    Raises:
        BeaconError: "pulse-too-large", "not-json", "not-an-object", "duplicate-field", "not-text",
            "not-hex", "not-integer", "round-out-of-range", "wrong-chain" or "wrong-randomness".
    """
    if len(data) > MAX_PULSE_BYTES:
        raise BeaconError("pulse-too-large", expected=MAX_PULSE_BYTES, found=len(data))
    fields = read_object(data)
    for name in ("chain", "chain_hash"):
        if name in fields and (stated := _hex_field(fields, name)) != chain.hash:
            raise BeaconError("wrong-chain", expected=chain.hash, found=stated)
    number = fields.get("round")
    if type(number) is not int:  # True is an int to isinstance, and 1000.0 is another spelling of 1000
        raise BeaconError("not-integer", field="round", found=number)
    signature = _hex_field(fields, "signature")
    if "randomness" in fields:
        stated, computed = _hex_field(fields, "randomness"), sha256(bytes.fromhex(signature)).hexdigest()
        if stated != computed:
            raise BeaconError("wrong-randomness", expected=computed, found=stated)
    return Pulse(
        chain=chain.hash,
        round=_checked_round(number),
        signature=signature,
        previous=_hex_field(fields, "previous_signature") if "previous_signature" in fields else None,
    )


def format_pulse(pulse: Pulse) -> bytes:
    """Write a pulse as the one line of its file, which `parse_pulse` reads back (specs/beacon.md §6)."""
    fields: dict[str, str | int] = {"chain": pulse.chain, "round": pulse.round, "signature": pulse.signature}
    if pulse.previous is not None:
        fields["previous_signature"] = pulse.previous
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def practice_chain(secret: bytes, *, id: str, genesis: int) -> Chain:  # noqa: A002 -- drand's word
    """Return the practice chain of a 32-byte secret, whose holder knows every round (specs/beacon.md §7).

    Raises:
        BeaconError: "secret-length", or what `check_chain` says of the id and the genesis.
    """
    from py_arkworks_bls12381 import G2Point  # noqa: PLC0415 -- as above

    unnamed = Chain(
        id=id,
        hash="",
        key=(G2Point() * _practice_scalar(secret)).to_compressed_bytes().hex(),
        scheme=PRACTICE_SCHEME,
        period=PRACTICE_PERIOD,
        genesis=genesis,
        group_hash=PRACTICE_GROUP_HASH,
    )
    chain = replace(unnamed, hash=chain_hash(unnamed))
    check_chain(chain)
    return chain


def practice_pulse(secret: bytes, chain: Chain, number: int, /) -> Pulse:
    """Sign a round of the practice chain that this secret made (specs/beacon.md §7).

    Raises:
        BeaconError: "wrong-secret", "round-out-of-range", or what `practice_chain` says of the secret.
    """
    from py_arkworks_bls12381 import G1Point  # noqa: PLC0415 -- as above

    if practice_chain(secret, id=chain.id, genesis=chain.genesis) != chain:
        raise BeaconError("wrong-secret", chain=chain.hash)
    message = sha256(_checked_round(number).to_bytes(8, "big")).digest()
    point = G1Point.hash_to_curve(message, _SCHEMES[PRACTICE_SCHEME].dst) * _practice_scalar(secret)
    return Pulse(chain=chain.hash, round=number, signature=point.to_compressed_bytes().hex())


def _practice_scalar(secret: bytes) -> "Scalar":
    """Return the secret key of a practice chain (specs/beacon.md §7)."""
    from py_arkworks_bls12381 import Scalar  # noqa: PLC0415 -- as above

    if len(secret) != 32:
        raise BeaconError("secret-length", expected=32, found=len(secret))
    # scalar = SHA-512("fairdraw/v1/practice" LF hex(secret) LF) mod r, whose bias is below 2^-256
    digest = sha512(b"fairdraw/v1/practice\n" + secret.hex().encode() + b"\n").digest()
    return Scalar.from_be_bytes_mod_order(digest)


def _verifies(scheme: _Scheme, *, key: bytes, signature: bytes, message: bytes) -> bool:
    """Verify a BLS signature on either side of the pairing (specs/beacon.md §4)."""
    from py_arkworks_bls12381 import GT, G1Point, G2Point  # noqa: PLC0415 -- as above

    if scheme.on_g1:
        # e(sig, -g2) · e(H(m), pk) = 1
        points = [_decode(G1Point, signature, field="signature"), G1Point.hash_to_curve(message, scheme.dst)]
        return GT.pairing_check(points, [-G2Point(), _decode(G2Point, key, field="key")])
    # e(-g1, sig) · e(pk, H(m)) = 1
    hashed = G2Point.hash_to_curve(message, scheme.dst)
    keys = [-G1Point(), _decode(G1Point, key, field="key")]
    return GT.pairing_check(keys, [_decode(G2Point, signature, field="signature"), hashed])


def _decode(group: "type[_Point]", data: bytes, *, field: str) -> "_Point":
    """Read a compressed point of the subgroup, in its one spelling, that is not the identity."""
    try:
        point = group.from_compressed_bytes(data)
    except ValueError:
        raise BeaconError("not-a-point", field=field, expected="a point of the subgroup", found=data.hex()) from None
    # arkworks reads ff…ff as the identity. A second spelling of a signature would be a second randomness.
    if point.to_compressed_bytes() != data:
        raise BeaconError("not-canonical", field=field, expected=point.to_compressed_bytes().hex(), found=data.hex())
    # The identity as key and as signature verifies every message.
    if point == group.identity():
        raise BeaconError("identity-point", field=field, expected="another point", found=data.hex())
    return point


def _scheme_of(chain: Chain) -> _Scheme:
    scheme = _SCHEMES.get(chain.scheme)
    if scheme is None:
        raise BeaconError("unsupported-scheme", expected=sorted(_SCHEMES), found=chain.scheme)
    return scheme


def _key_of(chain: Chain, scheme: _Scheme) -> bytes:
    key = _unhex(chain.key, field="key")
    if len(key) != scheme.key_size:
        raise BeaconError("key-length", expected=scheme.key_size, found=len(key))
    return key


def _previous_of(chain: Chain, scheme: _Scheme, pulse: Pulse) -> bytes:
    """Return what is signed before the round number: on an unchained chain, nothing."""
    if not scheme.chained:
        if pulse.previous is not None:
            raise BeaconError("previous-unexpected", scheme=chain.scheme, expected=None, found=pulse.previous)
        return b""
    if pulse.previous is None:
        raise BeaconError("previous-missing", scheme=chain.scheme, expected="a signature", found=None)
    previous = _unhex(pulse.previous, field="previous")
    # Round 1 has no signature before it: drand puts the group hash there.
    size = len(chain.group_hash) // 2 if pulse.round == 1 else scheme.signature_size
    if len(previous) != size:
        raise BeaconError("previous-length", expected=size, found=len(previous))
    return previous


def _checked_round(number: int) -> int:
    # Old relays answer for round 0 with the latest: there is no round 0 to ask for.
    if not 1 <= number <= MAX_ROUND:
        raise BeaconError("round-out-of-range", expected=f"1 to {MAX_ROUND}", found=number)
    return number


def _unhex(text: str, *, field: str) -> bytes:
    if not _HEX.fullmatch(text):  # bytes.fromhex alone would skip spaces
        raise BeaconError("not-hex", field=field, expected="lower-case hex", found=text)
    return bytes.fromhex(text)


def read_object(data: bytes) -> dict[str, Any]:
    """Read one JSON object without duplicate names: of two `round`s each reader would choose its own."""
    try:
        value = json.loads(data.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError):  # decoding, syntax, or thousands of brackets
        raise BeaconError("not-json", expected="a JSON object in UTF-8", found=data[:80]) from None
    if not isinstance(value, dict):
        raise BeaconError("not-an-object", expected="a JSON object", found=type(value).__name__)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BeaconError("duplicate-field", expected=sorted(fields), found=[name for name, _ in pairs])
    return fields


def _hex_field(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise BeaconError("not-text", field=name, expected="hex", found=value)
    return _unhex(value.lower(), field=name).hex()
