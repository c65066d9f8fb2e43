"""Each thing is done once: keys, restarts, kills."""

import os
import signal
import time
import uuid
from pathlib import Path
from random import Random

import pytest

from support.served import (
    CSV,
    DRAW,
    INSTITUTIONS_CSV,
    PLAN,
    STAFF_CSV,
    announced_at_the_desk,
    planned_at_the_desk,
    prepared_at_the_desk,
    wait_for,
)

KEY = "11111111-2222-3333-4444-555555555555"
DAY = "07T10:00:00"


def size(served):
    return served.client("auditor").get("/v1/workspace").json()["size"]


def test_the_same_key_and_body_are_answered_alike_and_done_once(served):
    lead = served.client("lead")
    first = lead.post("/v1/plans", {"plan": PLAN}, key=KEY, clock=DAY)
    again = lead.post("/v1/plans", {"plan": PLAN}, key=KEY, clock=DAY)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert size(served) == 1
    served.stop()
    served.start()
    assert lead.post("/v1/plans", {"plan": PLAN}, key=KEY, clock=DAY).json() == first.json()
    assert size(served) == 1


def test_the_same_key_with_another_body_is_a_mistake(served):
    lead = served.client("lead")
    lead.done("/v1/plans", {"plan": PLAN}, key=KEY, clock=DAY)
    for path, body, clock in (
        ("/v1/plans", {"plan": {**PLAN, "ratio": "1/2"}}, DAY),
        ("/v1/plans", {"plan": PLAN}, "07T10:00:01"),
        ("/v1/plans/check", {"plan": PLAN}, DAY),
    ):
        refused = lead.post(path, body, key=KEY, clock=clock)
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency-key-reused")
    assert size(served) == 1


def test_a_freeze_is_asked_for_twice_and_done_once(served):
    planned_at_the_desk(served)
    clerk = served.client("clerk")
    path = "/v1/registries/institutions/snapshots"
    first = clerk.done(path, INSTITUTIONS_CSV, media=CSV, key=KEY, clock=DAY)
    assert clerk.done(path, INSTITUTIONS_CSV, media=CSV, key=KEY, clock=DAY) == first
    assert size(served) == 2


def test_a_refused_thing_stays_refused_for_its_key_and_may_be_asked_for_under_another(served):
    announced_at_the_desk(served)
    lead = served.client("lead")
    early = lead.post("/v1/draws/fund-1/draw", key=KEY, clock="07T10:03:00")
    assert early.json()["code"] == "round-not-due"
    again = lead.post("/v1/draws/fund-1/draw", key=KEY, clock="07T10:03:00")
    assert (again.status_code, again.json()) == (early.status_code, early.json())
    assert lead.done("/v1/draws/fund-1/draw", clock="07T18:36:40")["id"] == "fund-1"


def test_a_job_can_be_followed(served):
    lead = served.client("lead")
    accepted = lead.post("/v1/plans", {"plan": PLAN}, wait=0, clock=DAY)
    assert accepted.status_code == 202
    assert accepted.json()["state"] in ("queued", "running")
    location = accepted.headers["location"]
    assert location == f"/v1/jobs/{accepted.json()['id']}"
    over = lead.get(location, headers={"Prefer": "wait=30"}).json()
    assert (over["state"], over["exit_code"], over["result"]["plan"]) == ("done", 0, "2026")
    assert [job["id"] for job in lead.get("/v1/jobs").json()["jobs"]] == [accepted.json()["id"]]
    assert served.client("clerk").get(location).status_code == 404
    assert served.client("clerk").get("/v1/jobs").json() == {"jobs": []}
    assert lead.ask("DELETE", location).json()["code"] == "job-over"


def test_a_freeze_tells_how_far_it_is(served):
    planned_at_the_desk(served)
    told = served.client("clerk").post("/v1/registries/institutions/snapshots", INSTITUTIONS_CSV, media=CSV, clock=DAY)
    assert told.json()["progress"] == {"done": 3, "total": 3, "what": "logged"}


def kill_a_child(served, chance):
    """Kill the process of the running job after a random time; False if it was over before."""
    end = time.monotonic() + 20
    while not (children := served.children()):
        if time.monotonic() > end:
            return False
        time.sleep(0.001)
    time.sleep(chance.uniform(0, 1.2))
    alive = [child for child in children if child in served.children()]
    for child in alive:
        os.kill(child, signal.SIGKILL)
    return bool(alive)


@pytest.mark.parametrize("seed", range(2))
def test_jobs_killed_midway_are_carried_on_and_done_once(served, seed):
    chance, lead, clerk = Random(seed), served.client("lead"), served.client("clerk")
    snapshots = "/v1/registries/{}/snapshots"
    things = [
        (lead, "/v1/plans", {"plan": PLAN}, "07T10:00:00", "application/json"),
        (clerk, snapshots.format("institutions"), INSTITUTIONS_CSV, "07T10:01:00", CSV),
        (clerk, snapshots.format("staff"), STAFF_CSV, "07T10:01:00", CSV),
        (lead, "/v1/announcements", {"draw": DRAW}, "07T10:02:00", "application/json"),
        (lead, "/v1/draws/fund-1/draw", {}, "07T18:36:40", "application/json"),
    ]
    killed = 0
    for caller, path, body, clock, media in things:
        key = str(uuid.uuid4())
        accepted = caller.post(path, body, key=key, clock=clock, media=media, wait=0)
        assert accepted.status_code == 202
        if kill_a_child(served, chance):
            killed += 1
            job = caller.get(accepted.headers["location"], headers={"Prefer": "wait=30"}).json()
            assert job["state"] in ("interrupted", "done"), job
            if job["state"] == "interrupted":
                assert job["problem"]["code"] == "job-interrupted"
        over = caller.post(path, body, key=key, clock=clock, media=media)
        assert over.status_code == 200, over.text
        assert over.json()["id"] == accepted.json()["id"]
    assert killed
    assert size(served) == len(things)
    [year] = served.client("auditor").done("/v1/audits", {"as_of": "2026-09-09T00:00:00Z"})["years"]
    assert [(one["slots"], one["state"]) for one in year["tables"]["draws"]] == [("2026/fund-use/1", "holds")]


def test_a_freeze_that_was_logged_before_it_was_killed_is_not_logged_again(served):
    planned_at_the_desk(served)
    clerk, path = served.client("clerk"), "/v1/registries/institutions/snapshots"
    accepted = clerk.post(path, INSTITUTIONS_CSV, media=CSV, key=KEY, clock=DAY, wait=0)
    checkpoint = served.office / "log/checkpoint"
    before = checkpoint.read_bytes()
    wait_for(lambda: checkpoint.read_bytes() != before)  # it is in the log, and the command still has to ask witnesses
    for child in served.children():
        os.kill(child, signal.SIGKILL)
    job = clerk.get(accepted.headers["location"], headers={"Prefer": "wait=30"}).json()
    assert job["state"] in ("interrupted", "done")
    again = clerk.done(path, INSTITUTIONS_CSV, media=CSV, key=KEY, clock=DAY)
    assert again["frozen"] == "institutions-1"
    assert again["quorum"]
    assert size(served) == 2


def test_a_killed_service_leaves_no_writer_and_tells_the_truth(served):
    prepared_at_the_desk(served)
    lead = served.client("lead")
    accepted = lead.post("/v1/announcements", {"draw": DRAW}, key=KEY, clock="07T10:02:00", wait=0)
    wait_for(served.children)
    children = served.children()
    served.stop(signal.SIGKILL)
    wait_for(lambda: not any(is_running(child) for child in children))
    served.start()
    job = lead.get(accepted.headers["location"]).json()
    assert (job["state"], job["problem"]["code"]) == ("interrupted", "job-interrupted")
    assert lead.done("/v1/announcements", {"draw": DRAW}, key=KEY, clock="07T10:02:00")["id"] == "fund-1"
    assert size(served) == 4


def is_running(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_service_that_is_stopped_waits_for_what_runs(served):
    lead = served.client("lead")
    accepted = lead.post("/v1/plans", {"plan": PLAN}, key=KEY, clock=DAY, wait=0)
    wait_for(served.children)
    served.stop()
    served.start()
    job = lead.get(accepted.headers["location"]).json()
    assert (job["state"], job["result"]["plan"]) == ("done", "2026")


def test_a_cancelled_job_stays_cancelled(served):
    lead = served.client("lead")
    accepted = lead.post("/v1/plans", {"plan": PLAN}, key=KEY, clock=DAY, wait=0)
    cancelled = lead.ask("DELETE", accepted.headers["location"])
    assert cancelled.json()["state"] == "cancelled"
    again = lead.post("/v1/plans", {"plan": PLAN}, key=KEY, clock=DAY)
    assert (again.status_code, again.json()["code"]) == (409, "job-cancelled")
    assert lead.done("/v1/plans", {"plan": PLAN}, clock=DAY)["plan"] == "2026"


def test_writers_wait_for_each_other(served):
    clerk = served.client("clerk")
    planned_at_the_desk(served)
    accepted = [
        clerk.post(f"/v1/registries/{name}/snapshots", INSTITUTIONS_CSV, media=CSV, clock=DAY, wait=0)
        for name in ("institutions", "institutions", "staff")
    ]
    states = [clerk.get(one.headers["location"], headers={"Prefer": "wait=60"}).json()["state"] for one in accepted]
    assert states == ["done"] * 3
    assert size(served) == 4


def test_a_second_service_of_one_workspace_is_refused(served):
    import subprocess
    import sys

    words = [sys.executable, "-m", "fairdraw_cli.main", "-C", str(served.office), "--lang", "en", "serve",
             "--listen", "127.0.0.1:0"]  # fmt: skip
    second = subprocess.run(words, capture_output=True, text=True, check=False)
    assert second.returncode == 2
    assert "is running already" in second.stderr


def test_a_command_at_the_desk_while_a_job_runs_is_told_to_wait(served):
    """Whoever is at the desk has the log locked, and the job's answer says that it may be asked for again."""
    lead = served.client("lead")
    planned_at_the_desk(served)
    from fairdraw_cli.desk import writing
    from fairdraw_cli.session import Session

    with writing(Session(folder=served.office, clock=f"2026-09-{DAY}Z", lang="en")):
        locked = lead.post("/v1/plans", {"plan": {**PLAN, "reason": "more-staff"}}, key=KEY, clock=DAY)
        assert (locked.status_code, locked.json()["code"]) == (503, "locked")
        assert locked.headers["retry-after"]
    assert lead.post("/v1/plans", {"plan": {**PLAN, "reason": "more-staff"}}, key=KEY, clock=DAY).status_code == 200
