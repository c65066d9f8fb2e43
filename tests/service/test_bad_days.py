"""Bad days: damaged files, a full disk, many who wait, everything at the same instant. The service in this process."""

import asyncio
import json
import sqlite3
import threading
import time
import uuid
from contextlib import asynccontextmanager

import httpx
import pytest

from fairdraw_cli.service import api
from fairdraw_cli.service.api import Service
from fairdraw_cli.service.jobs import Jobs
from fairdraw_cli.service.limits import Buckets
from fairdraw_cli.service.runner import Runner, Work
from fairdraw_cli.service.tokens import changing, new_token, path_of, read_tokens
from support.served import CSV, INSTITUTIONS_CSV, PLAN, make_office

SNAPSHOTS = "/v1/registries/institutions/snapshots"
KEY = "bad-days-and-bad-nights"


@pytest.fixture
def office(tmp_path):
    return make_office(tmp_path)


@asynccontextmanager
async def opened(office):
    """A service and a client of the lead's."""
    root, tokens = office
    service = Service(root, rate=1000)
    async with service._life(service.app):
        headers = {"Authorization": f"Bearer {tokens['lead']}", "Accept-Language": "en"}
        transport = httpx.ASGITransport(service.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=headers, timeout=90) as lead:
            yield service, lead


def plan(lead, *, key=None, **headers):
    told = {"Idempotency-Key": key or str(uuid.uuid4()), "Content-Type": "application/json",
            "Fairdraw-Clock": "2026-09-07T10:00:00Z", **headers}  # fmt: skip
    return lead.post("/v1/plans", content=json.dumps({"plan": PLAN}), headers=told)


def test_requests_with_one_key_at_the_same_instant_are_one_job(office):
    async def ask():
        async with opened(office) as (_, lead):
            told = await asyncio.gather(*(plan(lead, key=KEY, Prefer="wait=60") for _ in range(8)))
            size = (await lead.get("/v1/workspace")).json()["size"]
            return {one.text for one in told}, {one.status_code for one in told}, size

    texts, codes, size = asyncio.run(ask())
    assert (len(texts), codes, size) == (1, {200}, 1)


def test_who_waits_beside_too_many_others_is_answered_at_once(office, monkeypatch):
    monkeypatch.setattr(api, "WAITERS", 1)

    async def ask():
        async with opened(office) as (service, lead):
            async with service.runner._writer:  # the job is not begun
                first = asyncio.create_task(plan(lead, key=KEY, Prefer="wait=60"))
                while not service._waiting:
                    await asyncio.sleep(0)
                began = time.monotonic()
                second = await plan(lead, key=KEY, Prefer="wait=60")
                spent = time.monotonic() - began
            return second.status_code, spent, (await first).status_code, service._waiting

    second, spent, first, left = asyncio.run(ask())
    assert (second, first, left) == (202, 200, 0)
    assert spent < 30


def test_no_body_is_taken_that_would_fill_the_disk(office, monkeypatch):
    free = api.ROOM + (4 << 20)
    monkeypatch.setattr(api.shutil, "disk_usage", lambda _: type("Usage", (), {"free": free})())

    async def ask():
        async with opened(office) as (service, lead):
            headers = {"Idempotency-Key": KEY, "Content-Type": CSV}
            refused = await lead.post(SNAPSHOTS, content=INSTITUTIONS_CSV, headers=headers)
            service._promised += 1  # another body, of a byte, is on its way
            also = await plan(lead)
            service._promised -= 1
            return refused, also, await plan(lead, Prefer="wait=60"), service._promised

    refused, also, taken, promised = asyncio.run(ask())
    assert (refused.status_code, refused.json()["code"]) == (503, "disk-low")
    assert (also.status_code, also.json()["code"]) == (503, "disk-low")
    assert (taken.status_code, promised) == (200, 0)
    assert refused.headers["retry-after"]


def test_who_has_no_token_makes_the_log_be_read_so_often_and_no_oftener(office):
    async def ask():
        async with opened(office) as (service, lead):
            service._requests = Buckets(rate=0.01, size=2)
            told = [await lead.get("/readyz", headers={"Authorization": ""}) for _ in range(3)]
            return told, await lead.get("/v1/jobs")  # who has one is not slowed by it

    told, lead = asyncio.run(ask())
    assert ([one.status_code for one in told], lead.status_code) == ([200, 200, 429], 200)
    assert told[2].json()["code"] == "rate-exceeded"
    assert int(told[2].headers["retry-after"]) > 1


@pytest.mark.parametrize("damage", ["[[token]]\nid = 3\n", "= nothing", "\xff"])
def test_a_damaged_file_of_tokens_lets_nobody_in_and_tells_nothing_of_itself(office, damage):
    root, _ = office
    path_of(root).write_text(damage, encoding="latin-1")

    async def ask():
        async with opened(office) as (_, lead):
            return await lead.get("/v1/jobs")

    told = asyncio.run(ask())
    assert (told.status_code, told.json()["code"]) == (503, "not-ready")
    assert str(root) not in told.text
    assert "tokens" not in told.text


def test_a_damaged_workspace_is_told_without_its_place_on_the_machine(office):
    root, _ = office

    async def ask():
        async with opened(office) as (_, lead):
            (root / "trust").unlink()
            return [await lead.get("/v1/workspace"), await lead.get("/readyz"), await plan(lead, Prefer="wait=60")]

    for told in asyncio.run(ask()):
        assert told.status_code >= 400
        assert told.headers["content-type"] == "application/problem+json"
        assert str(root) not in told.text, told.text
        assert told.json()["code"] not in ("fault", told.json()["detail"])


def test_a_job_whose_end_could_not_be_stored_is_told_as_cut_off_and_carried_on(office, monkeypatch):
    full = [True]
    ended = Jobs.ended

    def store(self, *args, **more):
        if full:
            full.pop()
            raise sqlite3.OperationalError("database or disk is full")
        return ended(self, *args, **more)

    monkeypatch.setattr(Jobs, "ended", store)

    async def ask():
        async with opened(office) as (service, lead):
            first = await plan(lead, key=KEY)
            await service.runner.wait(first.json()["id"], 60)
            left = list((service.root / "state/service/work").iterdir())
            job = (await lead.get(first.headers["location"])).json()
            return left, job, await plan(lead, key=KEY, Prefer="wait=60"), (await lead.get("/v1/workspace")).json()

    left, job, again, workspace = asyncio.run(ask())
    assert left == []
    assert (job["state"], job["problem"]["code"]) == ("interrupted", "job-interrupted")
    assert (again.status_code, again.json()["attempts"], workspace["size"]) == (200, 2, 1)


def test_a_process_that_cannot_be_started_is_a_job_that_was_cut_off(office, monkeypatch):
    async def ask():
        async with opened(office) as (service, lead):
            monkeypatch.setattr("sys.executable", str(service.root / "nothing"))
            refused = await plan(lead, key=KEY, Prefer="wait=60")
            monkeypatch.undo()
            return refused, await plan(lead, key=KEY, Prefer="wait=60")

    refused, again = asyncio.run(ask())
    assert (refused.status_code, refused.json()["code"]) == (503, "job-interrupted")
    assert again.status_code == 200


def test_a_job_that_is_begun_anew_as_it_ends_is_still_known(tmp_path):
    """Whoever asks again in the very moment in which the first doing ends must be waited for and be stoppable."""

    async def ask():
        jobs = Jobs(tmp_path / "service.sqlite")
        known = []

        def work():
            folder = tmp_path / str(uuid.uuid4())
            folder.mkdir()
            return Work(folder, ["--version"], "en", reads=True)

        def over(job, _state):
            if not known:
                known.append(job.id)
                runner.begin(job, work())

        runner = Runner(tmp_path, jobs, over=over)
        job, _ = jobs.claim("1", token="a", operation="make_draw", key=KEY, digest="d", now=0)
        runner.begin(job, work())
        await runner.wait("1", 60)
        await asyncio.sleep(0)
        still = list(runner.running), await runner.cancel("1")
        await runner.close()
        jobs.close()
        return known, *still

    assert asyncio.run(ask()) == (["1"], ["1"], True)


def test_who_revokes_a_token_while_another_is_made_waits(tmp_path):
    """Else the file that was read before is written after, and the revoked token is there again."""
    path = tmp_path / "tokens.toml"
    stolen, mine = (
        new_token("lead", now=0, expires=None, chance=lambda count, b=byte: bytes([b]) * count)[0] for byte in (1, 2)
    )
    with changing(path) as tokens:
        tokens.append(stolen)
    inside, done = threading.Event(), []

    def revoke():
        inside.wait(20)
        with changing(path) as tokens:
            tokens.remove(stolen)
        done.append(True)

    other = threading.Thread(target=revoke)
    other.start()
    with changing(path) as tokens:
        inside.set()
        tokens.append(mine)
        other.join(0.2)
        assert not done
    other.join(20)
    assert read_tokens(path) == [mine]
