"""Stories with more sources than drand: events, and a NIST-format beacon with a key of the tests' own."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha512
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding

from fairdraw.announcement import artifact_of
from fairdraw.encoding import format_time, parse_time
from fairdraw.events import EVENTS, Definition, Event, EventValues
from fairdraw.nist import NistPulse, nist_chain
from fairdraw.randomness import Timed
from fairdraw.schema import Announcement, Evidence
from fairdraw.statement import Entry
from fairdraw.values import PulseValue, Source
from support.story import Story, Told, begin

MINUTE = 60
ZERO = "00" * 64
SEEN = "ab" * 32  # the digest of a photograph that nobody looks at here


@lru_cache(maxsize=1)
def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@lru_cache(maxsize=4)
def certificate(year: int = 2026) -> bytes:
    """Return a certificate of the tests' operator, valid for one year."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "beacon.example.cn")])
    since = datetime(year, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(_rsa().public_key())
    made = made.serial_number(7).not_valid_before(since).not_valid_after(since + timedelta(days=365))
    return made.sign(_rsa(), SHA256()).public_bytes(Encoding.DER)


def signed(pulse: NistPulse) -> NistPulse:
    """Return a pulse as its operator would publish it, whatever it says."""
    signature = _rsa().sign(pulse.message(), PKCS1v15(), SHA512())
    output = sha512(pulse.message() + signature).hexdigest()
    return pulse.model_copy(update={"signature_value": signature.hex(), "output_value": output})


def unsigned(number: int, **changes: Any) -> NistPulse:
    fields: dict[str, Any] = {
        "uri": f"https://beacon.example.cn/beacon/2.0/chain/2/pulse/{number}",
        "version": "2.0",
        "cipher_suite": 0,
        "period": 60_000,
        "certificate_id": sha512(certificate()).hexdigest(),
        "chain_index": 2,
        "pulse_index": number,
        "time_stamp": format_time(number * MINUTE).replace("Z", ".000Z"),
        "local_random_value": sha512(f"local {number}".encode()).hexdigest(),
        "external": {"source_id": ZERO, "status_code": 0, "value": ZERO},
        **{
            name: sha512(f"{name} {number}".encode()).hexdigest()
            for name in ("previous", "hour", "day", "month", "year")
        },
        "precommitment_value": sha512(f"local {number + 1}".encode()).hexdigest(),
        "status_code": 0,
        "signature_value": "00" * 256,
        "output_value": ZERO,
    }
    return NistPulse.model_validate(fields | changes)


def nist_pulse(number: int, **changes: Any) -> NistPulse:
    """Return the tests' operator's pulse of a minute, which is a pulse like NIST's."""
    return signed(unsigned(number, **changes))


def event(name: str = "ssq-red", **changes: Any) -> Event:
    """Return an event: six red balls of 33, unless the changes say otherwise."""
    fields: dict[str, Any] = {
        "id": name,
        "what": f"draw of {name}",
        "published": "https://lottery.example.cn",
        "kind": "set",
        "count": 6,
        "first": 1,
        "last": 33,
        "bits": 20,
        "due": "2026-09-07T12:00:00Z",
    }
    return Event.model_validate(fields | changes)


def definition(*events: Event, deadline: str = "2026-09-07T13:00:00Z") -> Definition:
    """Return a definition of events (default: one of 20 bits)."""
    return Definition(deadline=deadline, events=events or (event(),))


def strong() -> Definition:
    """Return events that have enough bits to stand alone."""
    digits = {"kind": "sequence", "count": 20, "first": 0, "last": 9, "bits": 66}
    return definition(event("digits-a", **digits), event("digits-b", **digits))


def numbers(of: Definition, *, without: Sequence[str] = ()) -> dict[str, list[int]]:
    """Return what the events gave: the first numbers that there are, in the wrong order."""
    told = {one.id: list(range(one.first + one.count - 1, one.first - 1, -1)) for one in of.events}
    for one in of.events:
        if one.kind == "sequence":
            told[one.id] = [one.first + i % (one.last - one.first + 1) for i in range(one.count)]
    return {name: values for name, values in told.items() if name not in without}


def listed(of: Definition, *, without: Sequence[str] = (), seen: str = SEEN) -> EventValues:
    """Return the list of values of a definition's events."""
    told = numbers(of, without=without)
    return of.values(told, dict.fromkeys(told, seen))


@dataclass
class Sourced(Story):
    """A story that also knows a NIST-format beacon, and the lists of values that somebody closed."""

    shown: dict[str, bytes] = field(default_factory=dict)  # a source's artifact by its beacon id

    def __post_init__(self) -> None:
        super().__post_init__()
        self.chains["nist"] = nist_chain(certificate(), id="nist", chain_index=2)
        self.keep(certificate())

    def pulses(self, announced: Announcement) -> tuple[PulseValue, ...]:
        return tuple(self._value(source) for source in announced.beacon)

    def _value(self, source: Source) -> PulseValue:
        if source.beacon not in (EVENTS, "nist"):
            pulse = self.pulse(source.beacon, source.round)
            return PulseValue(beacon=source.beacon, round=source.round, signature=pulse.signature, previous=None)
        data = self.shown.get(source.beacon) or nist_pulse(source.round).format()
        digest = artifact_of(self.keep(data)).digest
        return PulseValue(beacon=source.beacon, round=source.round, signature=digest, previous=None)

    def close(self, subject: Entry, values: EventValues, *names: str, by: Sequence[str] | None = None) -> list[Entry]:
        """Let the bureau close a list of values, and supervisors (default: two) say that they have seen it."""
        data = self.keep(values.format())
        self.shown.setdefault(EVENTS, data)
        told = []
        for name in [None, *(list(self.people)[:2] if by is None else by)]:
            said = self.head(*([] if name is None else [name]))
            told.append(self.add(said.make(Evidence, of=subject.ref, files=(artifact_of(data),))))
        return told


def drand(story: Story, seconds: int) -> tuple[Timed, int]:
    """Return a round of the practice chain so many seconds after the story's present."""
    return story.chain, story.chain.round_at_or_after(story.now + seconds)


def announced(*of: Definition, nist: int | None = None, last: int | None = 5 * 3600, **changes: Any) -> Told:
    """Tell a story up to its announcement, whose sources are events, a NIST-format pulse and drand (seconds ahead)."""

    def before(story: Story) -> dict[str, Any]:
        sources: list[tuple[Timed, int]] = []
        for one in of:
            story.keep(one.format())
            sources.append((one, one.round))
        if nist is not None:
            chain = story.chains["nist"]
            sources.append((chain, chain.round_at_or_after(story.now + nist)))
        if last is not None:
            sources.append(drand(story, last))
        return {"sources": sources, "window": "2026-09-30", **changes}

    return begin(Sourced(), before=before)


def forged(told: Told, *sources: tuple[Timed, int]) -> Told:
    """Log an announcement of other sources in the place of the honest one, which the library would not have made."""
    beacon = tuple(Source(beacon=one.id, hash=one.hash, round=number) for one, number in sources)
    for one, _ in sources:
        if isinstance(one, Definition):
            told.story.keep(one.format())
    return told.retold(beacon=beacon)


def closed(told: Told, of: Definition, *, at: str = "2026-09-07T13:10:00Z", **how: Any) -> Told:
    """Let the events happen, their values be closed and seen, and the log be cosigned."""
    story = told.story
    assert isinstance(story, Sourced)
    story.now = parse_time(at)
    story.close(told.announcement, how.pop("values", None) or listed(of), **how)
    return told.later()
