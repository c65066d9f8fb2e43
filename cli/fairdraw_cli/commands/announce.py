"""`announce`: everything a draw depends on is fixed, and a future round named."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from fairdraw import encoding
from fairdraw.announcement import announce as make_announcement
from fairdraw.announcement import limit_of
from fairdraw.beacon import RETIRED, Chain
from fairdraw.draw import Preview, preview
from fairdraw.errors import WorkspaceError
from fairdraw.plan import Stratum, version_meant
from fairdraw.registry import read_pairs
from fairdraw.render import fingerprint
from fairdraw.schema import (
    Announcement,
    AtOnce,
    Commitment,
    Committed,
    Contributor,
    Plan,
    Published,
    SnapshotStatement,
    Until,
)
from fairdraw.seed import SEED_LENGTH, embargo_commitment
from fairdraw.statement import Entry, read_entry, sign
from fairdraw_cli.casework import DEPOSITARIES, inputs_of
from fairdraw_cli.desk import Desk, published, writing
from fairdraw_cli.files import create_private, read, read_secret, write
from fairdraw_cli.forms import DrawForm, read_form
from fairdraw_cli.helping import command
from fairdraw_cli.replacing import Replaced, check_replacement, inputs_then, replaced
from fairdraw_cli.rows import bad_row
from fairdraw_cli.session import Session
from fairdraw_cli.workspace import Workspace
from transparency_log.note import Signer

TRIALS: Final = 20  # random keys that tell how many attempts to expect
SHOWN: Final = 10
NO_EXCLUSIONS: Final = b""  # no rule of these plans excludes anybody


def _plan(desk: Desk, slots: Sequence[str]) -> Entry:
    plans = list(desk.history.all(Plan, desk.workspace.bureau))
    versions = [entry for entry, plan in plans if plan.plan == slots[0].split("/")[0]]
    meant = version_meant(versions, slots)
    if meant is None:
        raise WorkspaceError("slot-not-planned", expected=[s for _, p in plans for s in p.slots], found=list(slots))
    return meant


def _snapshot(desk: Desk, registry: str, wanted: str | None) -> tuple[str, Entry]:
    """Return a registry's newest snapshot, which is the only one that may be cited (attack 15)."""
    logged = [e for e, s in desk.history.all(SnapshotStatement, desk.workspace.bureau) if s.registry == registry]
    if not logged:
        raise WorkspaceError("not-frozen", found=registry)
    newest = f"{registry}-{len(logged)}"
    if wanted not in (None, newest):
        raise WorkspaceError("snapshot-not-newest", expected=newest, found=wanted)
    return newest, logged[-1]


def _sources(desk: Desk, form: DrawForm) -> list[tuple[Chain, int]]:
    told = []
    for beacon in form.beacon:
        chain = desk.workspace.trust.chains.get(beacon.chain)
        if chain is None or chain.id in RETIRED:
            raise WorkspaceError("unknown-chain", expected=sorted(desk.workspace.trust.chains), found=beacon.chain)
        told.append((chain, chain.round_at_or_after(beacon.at)))
    return told


def _check_disclosure(form: DrawForm, sources: Sequence[tuple[Chain, int]]) -> None:
    """Refuse a seal that ends before there is anything to seal.

    Raises:
        WorkspaceError: `disclosure-before-round`.
    """
    due = max(chain.time_of(number) for chain, number in sources)
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


def _make(desk: Desk, form: DrawForm, recusals: bytes, *, dry_run: bool) -> Announcement:
    plan = _plan(desk, form.slots)
    rules = plan.of(Plan)
    sources = _sources(desk, form)
    _check_disclosure(form, sources)
    trust = desk.workspace.trust
    margin = trust.margin if form.margin is None else max(form.margin, trust.margin)
    objects, inspectors = (
        _snapshot(desk, registry, wanted)
        for registry, wanted in ((rules.objects, form.objects), (rules.inspectors, form.inspectors))
    )
    before = replaced(desk, form.slots)
    late = before if before and not before.free else None
    fields = {"objects": objects[1], "inspectors": inspectors[1], "plan": plan, "history_size": len(desk.history.data)}
    said = make_announcement(
        desk.head,
        **(inputs_then(desk, late) if late else fields),  # type: ignore[arg-type]  # four fields, typed as one dict
        slots=form.slots,
        recusals=recusals,
        exclusions=NO_EXCLUSIONS,
        sources=sources,
        seed=_seed(desk, form),
        disclosure=_embargo(desk, form, late, dry_run=dry_run),
        window=form.window,
        margin=margin,
        replaces=before.void.ref if before else None,
    )
    if before is not None:
        check_replacement(said, before)
    return said


def _tried(desk: Desk, said: Announcement, lists: Mapping[str, bytes]) -> Preview:
    """Return what is known of the draw beforehand; `lists` are its artifacts by digest, not stored yet."""
    # The trial entry never leaves this function, and the bureau's key does not sign it.
    trial = read_entry(sign(said, [Signer.from_seed(said.by, os.urandom(32))]), len(desk.history.data))
    inputs = inputs_of(desk, trial, lists)
    known = {row.no for row in inputs.objects.rows}, {row.no for row in inputs.inspectors.rows}
    strangers = sorted(
        {no for pair in inputs.recusals for no, numbers in zip(pair, known, strict=True) if no not in numbers}
    )
    if strangers:
        raise WorkspaceError("recusal-of-nobody", found=strangers[:SHOWN])
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
    header = tuple(session.word(f"announce.column-{name}") for name in ("stratum", "base", "quota", "derivation"))
    rows = [(_name(session, s), str(s.base), str(s.quota), s.derivation) for s in seen.strata]
    session.table([header, *rows])
    for stratum in seen.singled_out:
        name = _name(session, stratum)
        session.say("announce.singled-out", stratum=name, quota=stratum.quota, base=stratum.base)
    if seen.forced:
        session.say("announce.forced", count=len(seen.forced), some=list(seen.forced[:SHOWN]))
    session.say("announce.attempts", attempts=f"{seen.attempts:.1f}")
    chains = desk.workspace.trust.chains
    for source in said.beacon:
        due = session.time(chains[source.beacon].time_of(source.round))
        session.say("announce.round", chain=source.beacon, round=source.round, time=due)
    limit = limit_of(said, chains, desk.workspace.trust.margin)
    session.say("announce.limit", time=session.time(limit))
    _tell_seeds(session, said, limit)
    if isinstance(said.disclosure, Until):
        session.say("announce.sealed", date=said.disclosure.date)
    session.say("announce.fingerprint", fingerprint=fingerprint(said.text_hash()))
    session.say("announce.hash", text=said.text_hash())
    return {
        "strata": [{"stratum": list(s.values), "base": s.base, "quota": s.quota, "derivation": s.derivation}
                   for s in seen.strata],
        "singled_out": [list(s.values) for s in seen.singled_out],
        "forced": list(seen.forced),
        "attempts": round(seen.attempts, 2),
        "beacon": [source.model_dump() for source in said.beacon],
        "limit": limit,
        "text": said.text_hash(),
        "fingerprint": fingerprint(said.text_hash()),
    }  # fmt: skip


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
    json=True,
    clock=True,
    wait=True,
)
def announce(session: Session, file: Path, *, dry_run: bool) -> None:
    """Announce a draw, or with `--dry-run` show what would be announced."""
    with writing(session) as desk:
        form, data = read_form(file, DrawForm)
        if _again(session, desk, form, data, dry_run=dry_run):
            return
        recusals = _recusals(session, form, file.parent)
        lists = {encoding.digest(data): data for data in (recusals, NO_EXCLUSIONS)}
        said = _make(desk, form, recusals, dry_run=dry_run)
        seen = _tried(desk, said, lists)
        session.say("announce.title", id=form.id, slots=list(said.slots))
        told = _tell(session, desk, said, seen)
        if dry_run:
            session.say("announce.not-final")
            session.say("announce.dry-run")
            session.answer({"id": form.id, "dry_run": True, **told})
            return
        place = desk.workspace
        for digest, content in lists.items():
            place.keep(content, digest)
        write(place.draw(form.id) / "draw.toml", data)
        place.say_announced(form.id, said.text_hash())
        entry = desk.add(said)
        told |= published(session, desk, entry.index)
        _tell_deposit(session, place, form.id, said)
        session.answer({"id": form.id, "dry_run": False, **told})
