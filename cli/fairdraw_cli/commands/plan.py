"""`items log`, `plan check|log`: what may be inspected and by which rules, before any registry is frozen."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from fairdraw.announcement import artifact_of
from fairdraw.calendar import deadline_day
from fairdraw.compliance import Fault, plan_faults
from fairdraw.encoding import day_of, year_of
from fairdraw.errors import WorkspaceError
from fairdraw.itemlist import format_items, read_items
from fairdraw.regulation import Item, Regulation, artifact_bytes, digest
from fairdraw.schema import ItemList, Plan, Statement
from fairdraw.statement import Entry
from fairdraw.values import Artifact
from fairdraw_cli.desk import Desk, published, writing
from fairdraw_cli.forms import read_form
from fairdraw_cli.helping import command
from fairdraw_cli.planform import ItemsForm, PlanForm
from fairdraw_cli.regulations import load, named_regulation
from fairdraw_cli.session import DOES_NOT_HOLD, Session

CHAIN: Final = {"seq", "prev", "time"}


def plan_fields(form: PlanForm, now: int, regulation: Regulation | None, items: Entry | None) -> dict[str, Any]:
    """Return the fields of a plan's statement that its file, its regulation and the logged item list give."""
    told = form.model_dump(exclude={"id", "strata", "ratio", "rounding", "rule", "regulation"})
    team = {**told["team"], "quota": tuple(sorted(form.team.quota.items()))}
    told |= {"schedule": tuple(sorted(told["schedule"], key=lambda batch: str(batch["slot"])))}
    told |= {"team": team, "plan": form.id, "slots": tuple(sorted(form.slots)), "voids": tuple(sorted(form.voids))}
    return {
        **told,
        "year": form.year or year_of(now),
        "rules": tuple(form.rules()),
        "items": None if items is None else items.ref,
        "regulation": None if regulation is None else artifact_of(artifact_bytes(regulation)),
    }


def _tell(session: Session, plan: Plan) -> None:
    session.say("plan.logged", plan=plan.plan, year=plan.year)
    for rule in plan.rules:
        for one in rule.ratios:
            code = "plan.rule-of" if one.of else "plan.rule" if rule.strata else "plan.rule-unstratified"
            told: dict[str, object] = {"strata": list(rule.strata)} if rule.strata else {}
            told |= {"of": list(one.of)} if one.of else {}
            rounding = session.words.say("rounding", one.rounding)
            session.say(code, items=list(rule.items), ratio=one.ratio, rounding=rounding, **told)


def _newest(said: Statement, same: Sequence[tuple[Entry, Statement]]) -> int | None:
    """Return where this very statement stands already, if it is the newest of its kind."""
    if same and same[-1][1].model_dump(exclude=CHAIN) == said.model_dump(exclude=CHAIN):
        return same[-1][0].index
    return None


def _item_list(desk: Desk, regulation: Regulation) -> Entry:
    """Return the newest item list that was logged under a regulation.

    Raises:
        WorkspaceError: `item-list-not-logged`.
    """
    named = digest(regulation)
    lists = desk.history.all(ItemList, desk.workspace.bureau)
    entries = [entry for entry, said in lists if said.regulation is not None and said.regulation.digest == named]
    if not entries:
        raise WorkspaceError("item-list-not-logged", regulation=regulation.id)
    return entries[-1]


def tell_faults(session: Session, faults: Sequence[Fault]) -> None:
    """Say what a regulation does not allow, each with its article."""
    for fault in faults:
        told = session.words.say("fault", fault.code, expected=fault.expected, found=fault.found, where=fault.where)
        session.say("plan.fault", told=told, article=list(fault.cite))


def _told(faults: Sequence[Fault]) -> list[dict[str, object]]:
    return [
        {"code": f.code, "article": list(f.cite), "where": f.where, "expected": f.expected, "found": f.found}
        for f in faults
    ]


def _tell_deadline(session: Session, plan: Plan, regulation: Regulation, now: int) -> None:
    """Say that a yearly plan comes late: it counts all the same, and an audit will find it."""
    due = regulation.plan_deadline
    if due is None or plan.kind != "yearly":
        return
    day = deadline_day(plan.year, due.value).isoformat()
    if day_of(now) > day:
        session.say("plan.late", day=day, article=list(due.cite))


def _regulation(file: Path, form: PlanForm | ItemsForm) -> Regulation | None:
    return None if form.regulation is None else named_regulation(form.regulation, beside=file)


def _read(file: Path) -> PlanForm:
    from fairdraw_cli.planrows import read_plan  # the reader of spreadsheets takes long to load

    return read_plan(file)


@command(click.argument("file", metavar="PLAN.toml", type=click.Path(path_type=Path)), json=True, clock=True)
def check_plan(session: Session, file: Path) -> int:
    """Check a plan against its regulation and, if one is logged, its item list; nothing is logged."""
    with writing(session) as desk:
        form = _read(file)
        regulation = _regulation(file, form)
        if regulation is None:
            session.say("plan.no-regulation", plan=form.id)
            session.answer({"plan": form.id, "regulation": None, "faults": []})
            return 0
        listed = _item_list(desk, regulation)
        plan = desk.head.make(Plan, **plan_fields(form, desk.now, regulation, listed))
        faults = plan_faults(regulation, plan, _items(desk, listed))
        tell_faults(session, faults)
        _tell_deadline(session, plan, regulation, desk.now)
        session.say("plan.fits" if not faults else "plan.does-not-fit", plan=form.id, regulation=regulation.id,
                    count=len(faults))  # fmt: skip
        session.answer({"plan": form.id, "regulation": regulation.id, "faults": _told(faults)})
        return DOES_NOT_HOLD if faults else 0


def _items(desk: Desk, listed: Entry) -> tuple[Item, ...]:
    return read_items(desk.workspace.artifact(listed.of(ItemList).items.digest))


@command(
    click.argument("file", metavar="PLAN.toml", type=click.Path(path_type=Path)),
    click.option("--dry-run", is_flag=True),
    json=True,
    clock=True,
    wait=True,
)
def log_plan(session: Session, file: Path, *, dry_run: bool) -> None:
    """Log a version of a plan, or with `--dry-run` only check it."""
    with writing(session) as desk:
        form = _read(file)
        regulation = _regulation(file, form)
        listed = None if regulation is None else _item_list(desk, regulation)
        plan = desk.head.make(Plan, **plan_fields(form, desk.now, regulation, listed))
        if regulation is not None and listed is not None:
            faults = plan_faults(regulation, plan, _items(desk, listed))
            tell_faults(session, faults)
            if faults:
                raise WorkspaceError("plan-against-regulation", regulation=regulation.id, count=len(faults))
            _tell_deadline(session, plan, regulation, desk.now)
        versions = [found for found in desk.history.all(Plan, plan.by) if found[1].plan == plan.plan]
        index = _newest(plan, versions)
        if index is None and versions and form.reason is None:
            # 动态调整: every adjustment says why (上海办法第十条).
            raise WorkspaceError("plan-version-without-reason", plan=plan.plan, index=versions[-1][0].index)
        if index is None:
            index = None if dry_run else _add(desk, plan, regulation).index
            _tell(session, plan)
        else:
            session.say("plan.already", plan=plan.plan, index=index)
        for slot in plan.slots:
            session.line(f"  {slot}")
        told: dict[str, object] = {"plan": plan.plan, "slots": list(plan.slots), "dry_run": dry_run}
        if dry_run:
            session.say("plan.dry-run")
        else:
            told |= published(session, desk, index)
        session.answer(told)


def _add(desk: Desk, said: Statement, regulation: Regulation | None) -> Entry:
    if regulation is not None:
        desk.workspace.keep(artifact_bytes(regulation), digest(regulation))
        if regulation.extends is not None:
            # Whoever verifies compares it with what it derives from.
            parent = load(regulation.extends.id)
            desk.workspace.keep(artifact_bytes(parent), digest(parent))
    return desk.add(said)


@command(
    click.argument("file", metavar="ITEMS.toml", type=click.Path(path_type=Path)),
    click.option("--dry-run", is_flag=True),
    json=True,
    clock=True,
    wait=True,
)
def log_items(session: Session, file: Path, *, dry_run: bool) -> None:
    """Log the list of what may be inspected, or with `--dry-run` only check it."""
    with writing(session) as desk:
        form, _ = read_form(file, ItemsForm)
        regulation = named_regulation(form.regulation, beside=file)
        data = format_items(form.chosen(regulation, file=file.name))
        items = read_items(data)
        artifact = artifact_of(data)
        said = desk.head.make(ItemList, **_list_fields(artifact, regulation, form))
        lists = list(desk.history.all(ItemList, said.by))
        index = _newest(said, lists)
        if index is None and lists and form.reason is None:
            raise WorkspaceError("item-list-without-reason", index=lists[-1][0].index)
        for item in items:
            session.line(f"  {item.id}  {item.name if session.lang == 'zh' else item.name_en}")
        told: dict[str, object] = {"items": [item.id for item in items], "digest": artifact.digest, "dry_run": dry_run}
        if index is not None:
            session.say("items.already", index=index)
        elif not dry_run:
            desk.workspace.keep(data, artifact.digest)
            index = _add(desk, said, regulation).index
            session.say("items.logged", count=len(items), regulation=regulation.id)
        if dry_run:
            session.say("plan.dry-run")
        else:
            told |= published(session, desk, index)
            for duty in regulation.sign_offs:
                if duty.of == "item-list":
                    session.say("items.sign-off", role=session.role(duty.role), article=list(duty.cite), index=index)
        session.answer(told)


def _list_fields(artifact: Artifact, regulation: Regulation, form: ItemsForm) -> dict[str, Any]:
    return {"items": artifact, "regulation": artifact_of(artifact_bytes(regulation)), "reason": form.reason}
