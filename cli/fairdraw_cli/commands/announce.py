"""`announce`: everything a draw depends on is fixed, and a future round named."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from fairdraw import encoding
from fairdraw.announcement import announce as make_announcement
from fairdraw.announcement import limit_of
from fairdraw.beacon import RETIRED
from fairdraw.compliance import announcement_faults
from fairdraw.draw import Preview, preview
from fairdraw.errors import AnnouncementError, WorkspaceError
from fairdraw.events import Definition
from fairdraw.nist import SCHEME as NIST
from fairdraw.plan import version_meant
from fairdraw.quota import Stratum
from fairdraw.randomness import Timed, closes_at, time_of
from fairdraw.registry import read_pairs
from fairdraw.render import fingerprint
from fairdraw.roles import missing_sign_offs, roles_signed
from fairdraw.roster import Roster
from fairdraw.schema import (
    Announcement,
    AtOnce,
    Commitment,
    Committed,
    Contributor,
    Plan,
    Published,
    SignOff,
    SnapshotStatement,
    Until,
)
from fairdraw.seed import SEED_LENGTH, embargo_commitment
from fairdraw.statement import Entry, read_entry, sign
from fairdraw_cli.casework import DEPOSITARIES, exclusions_of, inputs_of, regulation_of
from fairdraw_cli.commands.plan import tell_faults
from fairdraw_cli.cosigning import Request, pending, second_of, signed_by_all, still_asked
from fairdraw_cli.desk import Desk, published, writing
from fairdraw_cli.eventform import read_events
from fairdraw_cli.files import create_private, read, read_secret, write
from fairdraw_cli.forms import DrawForm, read_form
from fairdraw_cli.helping import command
from fairdraw_cli.replacing import Fixed, Replaced, check_replacement, inputs_then, replaced
from fairdraw_cli.rows import bad_row
from fairdraw_cli.session import Session
from fairdraw_cli.workspace import Workspace
from transparency_log.note import Signer

TRIALS: Final = 20  # random keys that tell how many attempts to expect
SHOWN: Final = 10
COLUMNS: Final = ("item", "stratum", "base", "quota", "derivation")


def plan_for(desk: Desk, slots: Sequence[str]) -> Entry:
    """Return the plan version under which slots are drawn.

    Raises:
        WorkspaceError: `slot-not-planned`.
    """
    plans = list(desk.history.all(Plan, desk.workspace.bureau))
    versions = [entry for entry, plan in plans if plan.plan == slots[0].split("/")[0]]
    meant = version_meant(versions, slots)
    if meant is None:
        raise WorkspaceError("slot-not-planned", expected=[s for _, p in plans for s in p.slots], found=list(slots))
    return meant


def newest_snapshot(desk: Desk, registry: str, wanted: str | None) -> tuple[str, Entry]:
    """Return a registry's newest snapshot, which is the only one that may be cited (attack 15)."""
    logged = [e for e, s in desk.history.all(SnapshotStatement, desk.workspace.bureau) if s.registry == registry]
    if not logged:
        raise WorkspaceError("not-frozen", found=registry)
    newest = f"{registry}-{len(logged)}"
    if wanted not in (None, newest):
        raise WorkspaceError("snapshot-not-newest", expected=newest, found=wanted)
    return newest, logged[-1]


def _sources(desk: Desk, form: DrawForm, folder: Path) -> list[tuple[Timed, int]]:
    """Return the announced rounds; the path of a definition of events counts from the draw's file."""
    told: list[tuple[Timed, int]] = []
    for beacon in form.beacon:
        if beacon.chain is None or beacon.at is None:
            events = read_events(folder / str(beacon.events))
            told.append((events, events.round))
            continue
        chain = desk.workspace.trust.chains.get(beacon.chain)
        if chain is None or chain.id in RETIRED:
            raise WorkspaceError("unknown-chain", expected=sorted(desk.workspace.trust.chains), found=beacon.chain)
        if chain.scheme == NIST and not desk.workspace.holds(chain.hash):
            raise WorkspaceError("certificate-not-here", chain=chain.id)
        told.append((chain, chain.round_at_or_after(beacon.at)))
    return told


def _check_disclosure(form: DrawForm, sources: Sequence[tuple[Timed, int]]) -> None:
    """Refuse a seal that ends before there is anything to seal.

    Raises:
        WorkspaceError: `disclosure-before-round`.
    """
    due = max(closes_at(timed, number) for timed, number in sources)
    if form.disclosure is not None and encoding.end_of_day(form.disclosure.until) <= due <= encoding.LAST_TIME:
        expected = encoding.format_time(due)
        raise WorkspaceError("disclosure-before-round", expected=expected, found=form.disclosure.until)


def _recusals(session: Session, form: DrawForm, folder: Path) -> bytes:
    """Return the recusal list's artifact; its path counts from the draw's file."""
    if form.recusals is None:
        return b""
    path = folder / form.recusals
    lines, problems = read_pairs(read(path), name=path.name)
    for problem in problems:
        session.note("freeze.bad-row", **bad_row(session, problem))
    if problems:
        raise WorkspaceError("bad-recusals", found=path.name, count=len(problems))
    return encoding.lines(lines)


def _seed(desk: Desk, form: DrawForm) -> Published | Committed:
    """Return the announced seed; of each contributor the newest commitment for the first slot."""
    seed, slot = form.seed, min(form.slots)
    if seed.kind == "published":
        if seed.contributors or seed.minimum is not None:
            raise WorkspaceError(
                "file-value", file="DRAW.toml", key="seed.kind", expected="committed", found="published"
            )
        return Published(kind="published", digits=seed.digits)
    contributors = []
    for one in seed.contributors:
        logged = [e for e, s in desk.history.all(Commitment, one.name) if s.slot == slot]
        if not logged:
            raise WorkspaceError("commitment-missing", name=one.name, slot=slot)
        contributors.append(Contributor(name=one.name, commitment=logged[-1].ref, required=one.required))
    if not contributors:
        raise WorkspaceError("file-key-missing", file="DRAW.toml", key="seed.contributors")
    minimum = len(contributors) if seed.minimum is None else seed.minimum
    return Committed(kind="committed", contributors=tuple(contributors), minimum=minimum)


def _embargo(desk: Desk, form: DrawForm, late: Replaced | None, *, dry_run: bool) -> AtOnce | Until:
    """Return the announced disclosure; a sealed draw's embargo key is made here and stored before it is announced.

    After the round a replacement keeps the first announcement's key, which its depositaries hold.
    """
    if form.disclosure is None:
        return AtOnce(kind="at-once")
    path, place = desk.workspace.secret(f"{form.id}.embargo"), desk.workspace
    before = place.secret(f"{place.name_of(late.announcement.text_hash)}.embargo") if late else path
    # There is one already of an `announce` that broke off before it logged anything.
    source = path if path.exists() else before
    embargo = read_secret(source) if source.exists() else os.urandom(SEED_LENGTH)
    if not path.exists() and not dry_run:
        create_private(path, f"{embargo.hex()}\n".encode())
    return Until(kind="until", date=form.disclosure.until, embargo=embargo_commitment(min(form.slots), embargo))


def _make(
    desk: Desk, form: DrawForm, sources: Sequence[tuple[Timed, int]], recusals: bytes, *, second: str | None,
    dry_run: bool,
) -> tuple[Announcement, bytes]:  # fmt: skip
    plan = plan_for(desk, form.slots)
    rules = plan.of(Plan)
    _check_disclosure(form, sources)
    trust = desk.workspace.trust
    margin = trust.margin if form.margin is None else max(form.margin, trust.margin)
    objects, inspectors = (
        newest_snapshot(desk, registry, wanted)
        for registry, wanted in ((rules.objects, form.objects), (rules.inspectors, form.inspectors))
    )
    before = replaced(desk, form.slots)
    late = before if before and not before.free else None
    now = Fixed(plan=plan, objects=objects[1], inspectors=inspectors[1], joint=_joint(desk, rules),
                history_size=len(desk.history.data))  # fmt: skip
    then = late.announcement.index if late else len(desk.history.data)
    exclusions = exclusions_of(desk, rules, form.slots, _roster(desk, objects[1]), then)
    said = make_announcement(
        desk.head,
        **(inputs_then(desk, late) if late else now),
        slots=form.slots,
        recusals=recusals,
        exclusions=exclusions,
        sources=sources,
        seed=_seed(desk, form),
        disclosure=_embargo(desk, form, late, dry_run=dry_run),
        window=form.window,
        margin=margin,
        replaces=before.void.ref if before else None,
        seconds=_beside(rules, second_of(desk.workspace, form.window, second)),
    )
    if before is not None:
        check_replacement(said, before)
    return said, exclusions


def _beside(rules: Plan, chosen: Sequence[str]) -> Sequence[str]:
    """Return who signs beside bureau and departments: nobody more, if a department is one of the bureau's seconds."""
    departments = {department.name for department in rules.joint}
    return () if departments & set(chosen) else chosen


def _roster(desk: Desk, snapshot: Entry) -> Roster:
    return desk.workspace.roster(snapshot.of(SnapshotStatement))


def _joint(desk: Desk, rules: Plan) -> list[Entry]:
    """Return the newest snapshot of each department of a joint draw."""
    told = []
    for department in rules.joint:
        logged = desk.history.all(SnapshotStatement, department.name)
        entries = [entry for entry, snapshot in logged if snapshot.registry == department.inspectors]
        if not entries:
            raise WorkspaceError("not-frozen", found=department.inspectors)
        told.append(entries[-1])
    return told


def _check_regulation(session: Session, desk: Desk, said: Announcement) -> None:
    """Refuse an announcement that its regulation does not allow, or whose item list was not reviewed.

    Raises:
        WorkspaceError: `announcement-against-regulation`, or `item-list-unsigned`.
    """
    rules = regulation_of(desk.workspace, said)
    plan = desk.history.named(said.plan.text).of(Plan)
    if rules is None or plan.items is None:
        return
    faults = announcement_faults(rules, said)
    tell_faults(session, faults)
    if faults:
        raise WorkspaceError("announcement-against-regulation", regulation=rules.id, count=len(faults))
    signed = roles_signed(
        (signed for _, signed in desk.history.all(SignOff) if signed.of.text == plan.items.text), desk.workspace.trust
    )
    for role, cite in missing_sign_offs(desk.history.named(plan.items.text).statement, rules, signed):
        told = session.words.say("role", role)
        raise WorkspaceError("item-list-unsigned", index=plan.items.index, role=told, article=list(cite))


def _tried(desk: Desk, said: Announcement, lists: Mapping[str, bytes]) -> Preview:
    """Return what is known of the draw beforehand; `lists` are its artifacts by digest, not stored yet."""
    # The trial entry never leaves this function, and the bureau's key does not sign it.
    strangers_keys = [Signer.from_seed(name, os.urandom(32)) for name in said.signers]
    trial = read_entry(sign(said, strangers_keys), len(desk.history.data))
    inputs = inputs_of(desk, trial, lists)
    if strangers := inputs.recused_strangers():
        raise WorkspaceError("recusal-of-nobody", found=list(strangers[:SHOWN]))
    seen = preview(inputs, [os.urandom(32) for _ in range(TRIALS)])
    if seen.impossible:
        raise WorkspaceError("team-impossible", count=len(seen.impossible), found=list(seen.impossible[:SHOWN]))
    return seen


def _name(session: Session, stratum: Stratum) -> str:
    return " / ".join(map(session.words.show, stratum.values)) or "—"


def _tell_seeds(session: Session, said: Announcement, limit: int) -> None:
    """Say who has to reveal a seed, and by when."""
    if not isinstance(said.seed, Committed):
        return
    names = [one.name for one in said.seed.contributors]
    session.say("announce.reveal", names=names, time=session.time(limit), minimum=said.seed.minimum)
    if required := [one.name for one in said.seed.contributors if one.required]:
        session.say("announce.reveal-required", names=required)


def _tell_deposit(session: Session, place: Workspace, name: str, said: Announcement) -> None:
    """Say to whom a sealed draw's key has to be handed."""
    if isinstance(said.disclosure, Until):
        session.say("announce.deposit", needed=DEPOSITARIES, file=place.secret(f"{name}.embargo"))


def _tell(session: Session, desk: Desk, said: Announcement, seen: Preview) -> dict[str, object]:
    """Print what the draw will be made from, and return it for a program."""
    session.say("announce.strata", drawn=sum(s.quota for s in seen.strata), base=sum(s.base for s in seen.strata))
    header = tuple(session.word(f"announce.column-{name}") for name in COLUMNS)
    rows = [(s.item, _name(session, s), str(s.base), str(s.quota), s.derivation) for s in seen.strata]
    session.table([header, *rows])
    for stratum in seen.singled_out:
        name = _name(session, stratum)
        session.say("announce.singled-out", stratum=name, quota=stratum.quota, base=stratum.base)
    _tell_conflicts(session, seen)
    if seen.forced:
        session.say("announce.forced", count=len(seen.forced), some=list(seen.forced[:SHOWN]))
    session.say("announce.attempts", attempts=f"{seen.attempts:.1f}")
    chains = desk.workspace.trust.chains
    for source in said.beacon:
        due = session.time(time_of(source, chains))
        session.say("announce.round", chain=source.beacon, round=source.round, time=due)
    limit = limit_of(said, chains, desk.workspace.trust.margin)
    session.say("announce.limit", time=session.time(limit))
    _tell_seeds(session, said, limit)
    if isinstance(said.disclosure, Until):
        session.say("announce.sealed", date=said.disclosure.date)
    session.say("announce.fingerprint", fingerprint=fingerprint(said.text_hash()))
    session.say("announce.hash", text=said.text_hash())
    return {
        "strata": [{"item": s.item, "stratum": list(s.values), "base": s.base, "quota": s.quota,
                    "derivation": s.derivation} for s in seen.strata],
        "singled_out": [[s.item, list(s.values)] for s in seen.singled_out],
        "short": [[s.item, list(s.values), s.wanted, s.quota] for s in seen.short],
        "floors": [[f.item, list(f.of), f.population, f.needed, f.planned, f.reached] for f in seen.floors],
        "forced": list(seen.forced),
        "attempts": round(seen.attempts, 2),
        "beacon": [source.model_dump() for source in said.beacon],
        "limit": limit,
        "text": said.text_hash(),
        "fingerprint": fingerprint(said.text_hash()),
    }  # fmt: skip


def _tell_conflicts(session: Session, seen: Preview) -> None:
    """Say where caps, earlier instalments and the rules that want more contradict each other, and what can be done."""
    for stratum in seen.short:
        code = "announce.cap-beats-coverage" if stratum.whole else "announce.quota-short"
        session.say(code, stratum=_name(session, stratum), wanted=stratum.wanted, quota=stratum.quota)
    for held in seen.floors:
        code = "announce.below-floor" if held.reached < held.needed else "announce.floor"
        session.say(code, item=held.item, of=list(held.of), population=held.population, needed=held.needed,
                    planned=held.planned, reached=held.reached)  # fmt: skip


def _again(session: Session, desk: Desk, form: DrawForm, data: bytes, *, dry_run: bool) -> bool:
    """Say whether this very draw is announced already, and show where; the rest of it is left as it is."""
    text = desk.workspace.announced(form.id)
    entry = desk.history.find(text) if text else None
    if entry is None:
        return False
    kept = desk.workspace.draw(form.id) / "draw.toml"
    if not kept.exists() or read(kept) != data:
        raise WorkspaceError("draw-announced", index=entry.index, found=form.id)
    session.say("announce.already", id=form.id, index=entry.index)
    session.say("announce.fingerprint", fingerprint=fingerprint(entry.text_hash))
    session.say("announce.hash", text=entry.text_hash)
    told = {"index": entry.index} if dry_run else published(session, desk, entry.index)
    said, trust = entry.of(Announcement), desk.workspace.trust
    _tell_seeds(session, said, limit_of(said, trust.chains, trust.margin))
    _tell_deposit(session, desk.workspace, form.id, said)
    session.answer({"id": form.id, "dry_run": dry_run, "text": entry.text_hash, **told})
    return True


@command(
    click.argument("file", metavar="DRAW.toml", type=click.Path(path_type=Path)),
    click.option("--dry-run", is_flag=True),
    click.option("--second", metavar="NAME"),
    click.option("--key", "keys", multiple=True, metavar="FILE", type=click.Path(path_type=Path)),
    click.option("--cosigned", "answers", multiple=True, metavar="FILE", type=click.Path(path_type=Path)),
    json=True,
    clock=True,
    wait=True,
)
def announce(
    session: Session, file: Path, second: str | None, keys: tuple[Path, ...], answers: tuple[Path, ...], *,
    dry_run: bool,
) -> None:  # fmt: skip
    """Announce a draw, or with `--dry-run` show what would be announced."""
    with writing(session) as desk:
        form, data = read_form(file, DrawForm)
        announce_form(session, desk, form, data, folder=file.parent, second=second, keys=keys, answers=answers,
                      dry_run=dry_run)  # fmt: skip


def announce_form(  # noqa: PLR0913 - each says something else
    session: Session, desk: Desk, form: DrawForm, data: bytes, *, folder: Path, second: str | None = None,
    keys: Sequence[Path] = (), answers: Sequence[Path] = (), dry_run: bool = False,
) -> None:  # fmt: skip
    """Announce the draw of a form at an opened desk; `data` is the form's file, whose paths count from `folder`."""
    if _again(session, desk, form, data, dry_run=dry_run):
        return
    place = desk.workspace
    kept, request = place.draw(form.id) / "draw.toml", place.draw(form.id) / "announcement.request"
    waiting = pending(desk, request, Announcement) if kept.exists() and read(kept) == data else None
    if waiting is not None and not dry_run and _still_asked(desk, waiting, second):
        session.say("announce.title", id=form.id, slots=list(waiting.slots))
        _log(session, desk, form, waiting, keys, answers, {})
        return
    recusals = _recusals(session, form, folder)
    sources = _sources(desk, form, folder)
    said, exclusions = _make(desk, form, sources, recusals, second=second, dry_run=dry_run)
    events = [one.format() for one, _ in sources if isinstance(one, Definition)]
    lists = {encoding.digest(data): data for data in (recusals, exclusions, *events)}
    _check_regulation(session, desk, said)
    seen = _tried(desk, said, lists)
    session.say("announce.title", id=form.id, slots=list(said.slots))
    told = _tell(session, desk, said, seen)
    if dry_run:
        session.say("announce.not-final")
        session.say("announce.dry-run")
        session.answer({"id": form.id, "dry_run": True, **told})
        return
    for digest, content in lists.items():
        place.keep(content, digest)
    write(kept, data)
    if said.with_:
        Request(said, None, None).write(request)
    _log(session, desk, form, said, keys, answers, told)


def _check_not_late(desk: Desk, said: Announcement) -> None:
    """Refuse to log what waited for signatures until its round: it would be the first of its slot, and prove nothing.

    Raises:
        AnnouncementError: `round-too-soon`.
    """
    trust = desk.workspace.trust
    limit, margin = limit_of(said, trust.chains, trust.margin), max(said.margin, trust.margin)
    if limit <= desk.now:
        expected, found = encoding.format_time(desk.now + margin), encoding.format_time(limit + margin)
        raise AnnouncementError("round-too-soon", expected=expected, found=found)


def _still_asked(desk: Desk, said: Announcement, second: str | None) -> bool:
    departments = [one.name for one in desk.history.named(said.plan.text).of(Plan).joint]
    return still_asked(desk.workspace, said, said.window, second, departments)


def _log(
    session: Session, desk: Desk, form: DrawForm, said: Announcement, keys: Sequence[Path], answers: Sequence[Path],
    told: dict[str, object],
) -> None:  # fmt: skip
    """Log an announcement once departments and second have signed it; until then its file waits for them."""
    place = desk.workspace
    request = place.draw(form.id) / "announcement.request"
    signed = signed_by_all(desk, said, keys, answers)
    if signed is None:
        session.say("cosigning.waiting", names=list(said.with_), file=request)
        session.say("cosigning.how-to", file=request)
        session.answer({"id": form.id, "dry_run": False, "request": str(request), "with": list(said.with_), **told})
        return
    _check_not_late(desk, said)
    place.say_announced(form.id, said.text_hash())
    entry = desk.add_signed(signed)
    request.unlink(missing_ok=True)
    told |= published(session, desk, entry.index)
    _tell_deposit(session, place, form.id, said)
    if said.seed.kind == "published":  # else the reveals come first, which were told of
        session.say("announce.next", id=form.id)
    session.answer({"id": form.id, "dry_run": False, **told})
