"""Joint draws (联合抽查): several departments, each with its own registry and key, sign one announcement."""

from dataclasses import dataclass
from typing import Any

import pytest

from fairdraw.errors import AnnouncementError
from fairdraw.registry import Registry, Row
from fairdraw.snapshot import Snapshot
from fairdraw.statement import Entry
from support.story import Story, Told, failing, inspectors, objects, team

HEALTH = "wjw.example.cn/rehearsal"
QUOTA: dict[str, Any] = {"department": "department", "quota": (("wjw", 2), ("ybj", 2)), "size": 4}


def staff_of(department: str, count: int = 8, *, prefix: str | None = None) -> Registry:
    """Return the inspectors of one department, with numbers of their own."""
    known = inspectors(count)
    rows = tuple(
        Row(f"{prefix or department.upper()}-{i:03d}", {**row.attrs, "department": department}, row.private)
        for i, row in enumerate(known.rows)
    )
    return Registry(known.attrs, known.private, rows)


@dataclass
class Joint(Told):
    """A joint draw: `health` is the other department's snapshot."""

    health: tuple[Entry, Snapshot] | None = None

    def inputs(self):
        from dataclasses import replace

        assert self.health is not None
        return replace(super().inputs(), joint=(self.health[1].roster,))


def begin_joint(*, health: Registry | None = None, role: str = "department", **bent: Any) -> Joint:
    """Tell a joint draw up to its cosigned announcement, bent by `bent`."""
    story = Story(supervisors=2)
    lead = next(iter(story.people))
    story.people[HEALTH] = story.people.pop(lead).__class__.from_seed(HEALTH, bytes(range(32)))
    story.roles[HEALTH] = role
    department = {"name": HEALTH, "inspectors": "wjw-staff"}
    planned = story.plan(joint=(department,), team=team(**QUOTA))
    story.now += 60
    story.checkpoint()
    story.now += 60
    objs = story.snapshot("institutions", objects())
    ours = story.snapshot("staff", staff_of("ybj"))
    theirs = story.snapshot("wjw-staff", health or staff_of("wjw"), by=bent.pop("by", HEALTH))
    story.now += 60
    if "again" in bent:
        story.snapshot("wjw-staff", bent.pop("again"), "2", by=HEALTH)
    said = story.announcement(planned, objs[0], ours[0], joint=[theirs[0]])
    entry = story.add(said.model_copy(update=bent))
    story.now += 60
    story.checkpoint()
    return Joint(story, planned, objs, ours, entry, health=theirs)


def test_a_joint_draw_takes_the_quota_of_each_department_from_its_own_registry_and_verifies():
    told = begin_joint().go_on()
    report = told.report()
    assert (report.verdict, failing(report)) == ("holds", {})
    for _, members in report.drawn:
        assert sorted(no.split("-")[0] for no in members) == ["WJW", "WJW", "YBJ", "YBJ"]
    assert told.report(log=None, bundle_only=True).verdict == "holds"


def test_a_department_that_did_not_sign_the_announcement_is_missed():
    told = begin_joint(with_=())
    assert failing(told.go_on().report())["snapshots"] == "joint-differs"


def test_a_department_that_the_plan_does_not_name_cannot_join():
    told = begin_joint(joint=())
    assert failing(told.go_on().report())["snapshots"] == "joint-differs"


def test_the_bureau_cannot_freeze_another_departments_registry_for_it():
    told = begin_joint(by=None)
    assert failing(told.go_on().report())["snapshots"] == "not-the-bureaus"


def test_a_supervisor_who_is_no_department_cannot_bring_inspectors():
    told = begin_joint(role="discipline")
    assert failing(told.go_on().report())["snapshots"] == "not-the-bureaus"


def test_a_departments_older_snapshot_is_refused():
    told = begin_joint(again=staff_of("wjw", 9))
    assert failing(told.go_on().report())["snapshots"] == "not-the-newest"


@pytest.mark.parametrize(
    ("health", "code"),
    [
        (staff_of("wjw", prefix="YBJ"), "number-in-two-registries"),
        (
            Registry(
                (("department", "string"), ("qualified", "boolean")),
                (("name", True),),
                tuple(
                    Row(row.no, {"department": "wjw", "qualified": True}, row.private) for row in staff_of("wjw").rows
                ),
            ),
            "joint-schema-differs",
        ),
    ],
)
def test_registries_that_cannot_be_put_together_make_no_draw(health, code):
    with pytest.raises(AnnouncementError, match=code):
        begin_joint(health=health).go_on()
