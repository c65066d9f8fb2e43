"""Verifying the bundle of a draw over 10^5 objects, and one slip of it, against hashing the bundle's bytes."""

import json
import sys
from hashlib import sha256
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from benchmarks.measure import apart, peak_mebibytes, seconds, table
from fairdraw.bundle import read_file
from fairdraw.schema import Plan
from fairdraw.slip import make_slip
from fairdraw.verify import verify_bundle, verify_slip
from support import story
from transparency_log import merkle


def drawn(size: int) -> story.Told:
    """Return the story of a draw of 3 % of so many objects, matched with pairs of 200 inspectors."""
    world = story.Story()
    plan = world.plan(ratio="3/100", team=story.team())
    world.now += 60
    world.checkpoint()
    objects = world.snapshot("institutions", story.objects(size))
    staff = world.snapshot("staff", story.inspectors(200))
    said = world.announcement(plan, objects[0], staff[0])
    entry = world.add(said)
    world.now += 60
    world.checkpoint()
    return story.Told(world, plan, objects, staff, entry).go_on()


def child(size: int) -> dict[str, float]:
    """Measure in this process."""
    told = drawn(size)
    world, plan, objects = told.story, told.plan, told.objects
    data = told.bundle().format()
    trust, as_of = story.trust(world), world.now
    whole = seconds(lambda: verify_bundle(read_file(data), trust, as_of=as_of, bundle_only=True), repeat=3)
    report = verify_bundle(read_file(data), trust, as_of=as_of, bundle_only=True)
    slip = make_slip(
        world.entries,
        story.sizes(world),
        announcement=told.announcement,
        draw=told.draw,
        plan=plan.of(Plan),
        snapshot=objects[0],
        roster=objects[1].roster,
        results=told.record.artifact,
        exclusions=told.exclusions,
        role="objects",
        no=objects[1].roster.rows[0].no,
    ).format()
    one = seconds(lambda: verify_slip(read_file(slip), trust, as_of=as_of), repeat=5)
    lines = objects[1].roster.data.split(b"\n")[:-1]
    bare = seconds(lambda: (sha256(data).digest(), merkle.root(map(merkle.leaf_hash, lines))))
    return {
        "whole": whole,
        "slip": one,
        "bare": bare,
        "bytes": len(data),
        "slip_bytes": len(slip),
        "peak": peak_mebibytes(),
        "holds": float(report.exit_code == 0),
    }


def main(size: int = 100_000) -> None:
    """Print times, sizes and the ratio to hashing alone."""
    got = apart("benchmarks.verification", size)
    table(
        f"verify a draw of 3 % of {size:,} objects",
        [
            ("verdict holds", str(bool(got["holds"]))),
            ("whole bundle, s", f"{got['whole']:.2f}"),
            ("ratio to hashing the bundle and its roster's tree", f"{got['whole'] / got['bare']:.1f}"),
            ("bundle, MB", f"{got['bytes'] / 1e6:.1f}"),
            ("one slip, ms", f"{got['slip'] * 1e3:.1f}"),
            ("slip, kB", f"{got['slip_bytes'] / 1e3:.1f}"),
            ("peak memory, MiB", f"{got['peak']:.0f}"),
        ],
    )


if __name__ == "__main__":
    print(json.dumps(child(int(sys.argv[1]))))
