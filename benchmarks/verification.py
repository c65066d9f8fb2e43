"""Verifying a draw against bare hashing: 10^5 objects in a bundle, 10^7 from the log's folder; and one slip of each."""

import json
import sys
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))  # as pytest does

from benchmarks.figures import Figure, Scale
from benchmarks.freeze import frozen
from benchmarks.measure import Told, apart, best, seconds
from fairdraw.bundle import read_file
from fairdraw.roster import Lookup, read_roster
from fairdraw.schema import Plan, SnapshotStatement
from fairdraw.slip import make_slip
from fairdraw.snapshot import Snapshot
from fairdraw.verify import LogView, verify_bundle, verify_slip
from fairdraw_cli.files import mapped
from fairdraw_cli.ondisk import RosterOnDisk
from support import story

BUNDLE: Final = {"full": 100_000, "small": 1_000}
LARGE: Final = {"full": 10_000_000, "small": 100_000}
INSPECTORS: Final = 200


def measure(scale: Scale) -> Iterator[Figure]:
    """Yield the figures of verification."""
    objects, rows = BUNDLE[scale], LARGE[scale]
    got = best(2, partial(apart, "benchmarks.verification", "bundle", objects))
    yield Figure(
        key="verification.bundle",
        work=f"verify a bundle: 3 % of {objects:,} objects, teams of 2 of {INSPECTORS} inspectors",
        against="hashlib, the same leaves, nodes and tickets",
        value=got["seconds"] / got["bare"],
        aim=3,
        beside=f"{got['seconds']:.2f} s, {got['tickets']:,} tickets, bundle of {got['bytes'] / 1e6:.1f} MB",
    )
    large = apart("benchmarks.verification", "large", rows)
    yield Figure(
        key="verification.large",
        work=f"verify a draw of 0.03 % of {rows:,} objects whose roster lies in the log's folder",
        against="hashlib, one digest of the roster",
        value=large["seconds"] / large["digest"],
        beside=f"{large['seconds']:.1f} s, roster of {large['bytes'] / 1e6:,.0f} MB",
    )
    for what in ("made", "verified"):
        yield Figure(
            key=f"verification.slip-{what}",
            work=f"slip of a row of {rows:,} {what}",
            against=f"that of a row of {objects:,}",
            value=large[what] / got[what],
            beside=f"{large[what] * 1e3:.1f} ms, {got[what] * 1e3:.1f} ms",
        )


def drawn(objects: tuple[object, Snapshot], world: story.Story, plan: object) -> story.Told:
    """Return the story of a draw of announced snapshots, matched with pairs of inspectors."""
    staff = world.snapshot("staff", story.inspectors(INSPECTORS))
    entry = world.add(world.announcement(plan, objects[0], staff[0]))
    world.now += 60
    world.checkpoint()
    return story.Told(world, plan, objects, staff, entry).go_on()


def begun(ratio: str, strata: tuple[str, ...]) -> tuple[story.Story, object]:
    """Return a story whose plan is cosigned."""
    world = story.Story()
    plan = world.plan(rules=(story.rule(story.SLOT, ratio=ratio, strata=strata),), team=story.team())
    world.now += 60
    world.checkpoint()
    return world, plan


def bundle(size: int) -> Told:
    """Verify a bundle, which carries all it needs, and hash what is hashed for it."""
    world, plan = begun("3/100", ("type",))
    told = drawn(world.snapshot("institutions", story.objects(size)), world, plan)
    data = told.bundle().format()
    trust = story.trust(world)
    verify = partial(verify_bundle, trust=trust, as_of=world.now, bundle_only=True)
    assert verify(read_file(data)).exit_code == 0  # noqa: S101 - else it would stop early
    took = seconds(lambda: verify(read_file(data)))
    messages, nodes = hashed(told)

    def bare() -> None:
        for message in messages:
            sha256(message).digest()
        node = bytes(65)
        for _ in range(nodes):
            sha256(node).digest()

    return {
        "seconds": took,
        "bare": seconds(bare),
        "tickets": len(messages) - nodes,
        "bytes": len(data),
        **slip(told, told.objects[1].roster),
    }


def hashed(told: story.Told) -> tuple[list[bytes], int]:
    """Return what is hashed in a draw without cap, pool and experts: leaves and tickets; and how many nodes."""
    inputs, key = told.inputs(), told.key().hex()
    assert told.record is not None  # noqa: S101 - it was drawn
    lists = [inputs.objects.data, inputs.inspectors.data, told.record.artifact]
    leaves = [b"\0" + line for data in lists for line in data.splitlines()]
    tickets = [f"{key}\nobject\n{no}\n" for no in inputs.objects.numbers]
    tickets += [
        f"{key}\nteam\n0\n0\n{one.no}\n{no}\n"
        for one in told.outcome().selection.drawn
        for no in inputs.inspectors.numbers
    ]
    return leaves + [ticket.encode() for ticket in tickets], len(leaves)


def large(rows: int) -> Told:
    """Verify a draw whose roster is no part of the bundle, but lies beside the log."""
    with TemporaryDirectory(prefix="bench-") as folder:
        made, _ = frozen(rows, "pipe", Path(folder), keep=False)
        world, plan = begun("3/10000", ("kind",))  # as many as of the bundle, so that slips differ by their rows alone
        entry = world.add(
            world.head().make(
                SnapshotStatement, registry="institutions", roster=made.listing, published=True, attrs=made.attrs,
                private=made.private, left_out=None,
            )
        )  # fmt: skip
        roster = read_roster(mapped(made.roster), entry.of(SnapshotStatement))
        told = drawn((entry, Snapshot(made.attrs, made.private, roster, ())), world, plan)
        del roster
        file = told.bundle().format()
        trust = story.trust(world)
        beside = {made.listing.digest: mapped(made.roster)}
        log = LogView(world.entries, world.checkpoints, world.artifacts, roster=lambda named: beside.get(named.digest))

        def verify() -> None:
            assert verify_bundle(read_file(file), trust, as_of=world.now, log=log).exit_code == 0  # noqa: S101 - as above

        took = seconds(verify, repeat=1)
        digest = seconds(lambda: sha256(mapped(made.roster)).digest(), repeat=1)
        with RosterOnDisk(made.levels, made.roster, entry.of(SnapshotStatement)) as disk:
            return {"seconds": took, "digest": digest, "bytes": made.listing.length, **slip(told, disk)}


def slip(told: story.Told, roster: Lookup) -> Told:
    """Return the seconds in which the slip of one row is made and verified."""
    world = told.story
    assert told.record is not None  # noqa: S101 - it was drawn
    no = told.inputs().objects.number(len(told.inputs().objects) // 3)

    def make() -> bytes:
        return make_slip(
            world.entries, story.sizes(world), announcement=told.announcement, draw=told.draw, plan=told.plan.of(Plan),
            snapshot=told.objects[0], roster=roster, results=told.record.artifact, exclusions=told.exclusions,
            role="objects", no=no,
        ).format()  # fmt: skip

    data, trust = make(), story.trust(world)

    def verify() -> None:
        assert verify_slip(read_file(data), trust, as_of=world.now).exit_code == 0  # noqa: S101 - as above

    return {"made": seconds(make), "verified": seconds(verify)}


if __name__ == "__main__":
    print(json.dumps({"bundle": bundle, "large": large}[sys.argv[1]](int(sys.argv[2]))))
