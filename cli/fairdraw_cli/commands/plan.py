"""`plan log`: the rules are logged, and cosigned, before any registry is frozen."""

from pathlib import Path
from typing import Any

import click

from fairdraw.schema import Plan
from fairdraw_cli.desk import Desk, published, writing
from fairdraw_cli.forms import PlanForm, read_form
from fairdraw_cli.helping import command
from fairdraw_cli.session import Session


def _fields(form: PlanForm) -> dict[str, Any]:
    told = form.model_dump(exclude={"id"})
    team = {**told["team"], "quota": tuple(sorted(form.team.quota.items()))}
    return {**told, "team": team, "plan": form.id, "slots": tuple(sorted(form.slots)), "regulation": None}


def _tell(session: Session, plan: Plan) -> None:
    code = "plan.logged" if plan.strata else "plan.logged-unstratified"
    session.say(code, plan=plan.plan, ratio=plan.ratio, **({"strata": plan.strata} if plan.strata else {}))


def _same(desk: Desk, plan: Plan) -> int | None:
    """Return where this very version stands already, if it is the plan's newest."""
    chain = {"seq", "prev", "time"}
    versions = [found for found in desk.history.all(Plan, plan.by) if found[1].plan == plan.plan]
    if versions and versions[-1][1].model_dump(exclude=chain) == plan.model_dump(exclude=chain):
        return versions[-1][0].index
    return None


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
        form, _ = read_form(file, PlanForm)
        plan = desk.head.make(Plan, **_fields(form))
        index = _same(desk, plan)
        if index is None:
            index = None if dry_run else desk.add(plan).index
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
