"""The clock, the relays and the witnesses: what only others can tell, each by a signature and not by its word."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from fairdraw.beacon import Chain
from fairdraw_cli.checks.finding import Examined, Finding
from fairdraw_cli.workspace import Workspace
from transparency_log.checkpoint import Cosignature
from transparency_log.client import COSIGNED, NOTHING, Answer, askable, latest
from transparency_log.errors import LogError
from transparency_log.note import Verifier
from transparency_log.policy import Policy, suffices
from transparency_log.reader import LogReader
from transparency_log.remote import Deadline

SLOW: Final = 2.0  # seconds behind a verified round at which a clock is wrong: nobody has a round before it is due
FAST: Final = 5.0  # seconds that a relay may need to have a round, beside the round's own period
SILENT: Final = frozenset({"not-yet", "redirect", "timeout", "unreachable"})
SET_CLOCK: Final = "sudo timedatectl set-ntp true"


def clock_and_relays(examined: Examined) -> Iterator[Finding]:
    """Compare the clock with the newest rounds, and tell of each relay whether it serves the pinned chain."""
    from fairdraw.fetch import RELAYS, newest_pulses

    chain = examined.chain
    if not examined.wait:
        yield Finding("clock-not-asked", "unknown", {"chain": chain.id}, examined.command("doctor"))
        return
    relays = list(examined.relays or RELAYS)
    # The clock is read as each answer comes: the slowest relay must not make it look late.
    heard = [(one, examined.clock()) for one in newest_pulses(chain, relays, timeout=examined.wait)]
    heard.sort(key=lambda told: relays.index(told[0].relay))
    rounds = [(chain.time_of(one.pulse.round), at) for one, at in heard if one.pulse is not None]
    yield _clock(chain, rounds)
    for one, _ in heard:
        told = {"relay": _without_password(one.relay), "chain": chain.id, "reason": one.reason}
        by_hand = examined.command("pulse", "import", "ROUND", "FILE", "--chain", chain.id)
        if one.pulse is not None:
            yield Finding("relay-serves", "ok", {**told, "round": one.pulse.round, "seconds": f"{one.seconds:.2f}"})
        elif one.reason in SILENT or one.reason.startswith("status-"):
            yield Finding("relay-silent", "warn" if rounds else "unknown", told, by_hand)
        else:
            # What it gave does not verify under the pinned key: it has another chain, or lies.
            yield Finding("relay-wrong", "warn" if rounds else "fail", told, by_hand)


def _without_password(url: str) -> str:
    """Return an address as it may be shown to a hall or sent to a helper."""
    try:
        parts = urlsplit(url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
    except ValueError:
        return "?"


def _clock(chain: Chain, rounds: Sequence[tuple[int, float]]) -> Finding:
    if not rounds:
        return Finding("clock-unknown", "unknown", {"chain": chain.id}, "timedatectl timesync-status")
    newest = max(time for time, _ in rounds)
    behind = max(time - at for time, at in rounds)
    ahead = min(at - time for time, at in rounds)
    told: dict[str, object] = {"chain": chain.id, "time": newest, "relays": len(rounds)}
    if behind > SLOW:
        return Finding("clock-slow", "fail", {**told, "seconds": round(behind)}, SET_CLOCK)
    if ahead > chain.period + FAST:
        # A relay can keep newer rounds to itself, so one alone proves nothing; that all do is hardly so.
        return Finding(
            "clock-fast", "fail" if len(rounds) > 1 else "warn", {**told, "seconds": round(ahead)}, SET_CLOCK
        )
    return Finding("clock-true", "ok", {**told, "seconds": round(chain.period + FAST)})


def witnesses(examined: Examined) -> Iterator[Finding]:
    """Tell which witnesses answer and what they saw last, and whether they are enough."""
    place, known, key = examined.place, examined.trust, examined.key
    if place is None or known is None or key is None or known.policy.quorum is None:
        return
    policy = known.policy
    if place.rehearsal:
        yield Finding("witnesses-rehearsal", "ok", {"witnesses": len(policy.witnesses)})
        return
    reached = askable(policy.witnesses)
    by_file = {witness.verifier for witness in policy.witnesses if witness not in reached}
    yield from (Finding("witness-by-file", "ok", {"name": w.name}) for w in policy.witnesses if w not in reached)
    answers: list[Answer] = []
    if examined.wait and reached:
        answers += latest(reached, key, now=examined.clock, deadline=Deadline(examined.wait))
    answering = {answer.witness.verifier for answer in answers if answer.outcome in (COSIGNED, NOTHING)}
    alone, enough = _enough(policy, answering), _enough(policy, answering | by_file)
    for answer in sorted(answers, key=lambda answer: reached.index(answer.witness)):
        found = _answered(examined, place, key, answer)
        # Who is away while others are enough delays nobody.
        yield replace(found, state="warn") if found.state == "unknown" and enough else found
    told = {"answering": len(answering), "by_file": len(by_file), "witnesses": len(policy.witnesses)}
    if not examined.wait and not _enough(policy, by_file):
        yield Finding("quorum-not-asked", "unknown", told, examined.command("doctor"))
    elif enough:
        export = examined.command("log", "cosign", "export", "FILE")
        yield Finding("quorum-reached", "ok", told) if alone else Finding("quorum-by-file", "warn", told, export)
    else:
        yield Finding("quorum-unreached", "unknown", told, examined.command("log", "cosign", "export", "FILE"))


def _enough(policy: Policy, verifiers: set[Verifier]) -> bool:
    return suffices(policy, [Cosignature(verifier, 0) for verifier in verifiers])


def _answered(examined: Examined, place: Workspace, key: Verifier, answer: Answer) -> Finding:
    told: dict[str, object] = {"name": answer.witness.name, "reason": answer.reason or answer.outcome}
    match answer.outcome:
        case "cosigned":
            return _seen(examined, LogReader(place.storage.read, key), answer, told)
        case "nothing":
            return Finding("witness-new", "ok", told)
        case "lying":
            told["url"] = _without_password(answer.witness.url or "")
            # Its clock is ours to doubt as well: a time ahead of ours is refused whoever is wrong.
            late = answer.reason == "timestamp-out-of-range"
            mend = SET_CLOCK if late else examined.command("log", "cosign", "ask", "--witness", answer.witness.name)
            return Finding("witness-ahead-of-clock" if late else "witness-wrong", "fail", told, mend)
        case "uncheckable":
            return Finding("witness-uncheckable", "warn", told, "pip install --upgrade cryptography")
    return Finding("witness-silent", "unknown", told, examined.command("log", "cosign", "export", "FILE"))


def _seen(examined: Examined, reader: LogReader, answer: Answer, told: dict[str, object]) -> Finding:
    try:
        ours = reader.checkpoint().checkpoint.size
    except LogError:
        ours = 0  # `office.log` tells what is wrong with it
    told |= {"size": answer.size, "ours": ours}
    if (answer.size or 0) > ours:
        # The log's own line says that there was more: this folder is an old copy, and writing on would fork it.
        return Finding("witness-saw-more", "fail", told, examined.command("log", "restore", "--size", answer.size))
    return Finding("witness-answers", "ok", told)
