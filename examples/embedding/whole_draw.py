"""A whole draw: a plan, two registries, an announcement, a public round, the record and its proof."""

import time
from collections.abc import Callable, Sequence
from secrets import token_bytes

from fairdraw import Announcement, Bureau, Report, fetch_pulse, read_rows, verify_bundle
from fairdraw.encoding import day_of, year_of
from transparency_log.client import gather

HOSPITALS = [(f"H-{n:02d}", f"第 {n} 医院", "三级" if n < 8 else "二级") for n in range(1, 21)]
STAFF = [(f"I-{n}", f"检查员 {n}") for n in range(1, 9)]
DAY = 86_400


def draw_once(
    bureau: Bureau,
    relays: Sequence[str],
    *,
    chain: str = "quicknet",
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Report:
    """Draw a quarter of the hospitals of each grade, two inspectors for each; return what a stranger verifies."""
    ask, now = (bureau.log, bureau.reader.consistency_proof, bureau.trust.policy), int(clock())
    year, slot = str(year_of(now)), f"{year_of(now)}/fund-use/1"
    bureau.plan(now, id=year, slots=[slot], objects="hospitals", inspectors="staff", ratio="1/4", strata=["grade"])
    gather(*ask, now=clock)  # the plan first: else it could be fitted to the rows

    hospitals = read_rows(["no", "private.name", "attr.grade"], HOSPITALS).registry
    staff = read_rows(["no", "private.name"], STAFF).registry
    bureau.freeze(int(clock()), "hospitals", hospitals, token_bytes(32))  # keep these secrets: they open the names
    bureau.freeze(int(clock()), "staff", staff, token_bytes(32))
    now = int(clock())
    announced = bureau.announce(now, slots=[slot], at=now + 120, window=day_of(now + 20 * DAY), chain=chain)
    gather(*ask, now=clock)  # from here on nothing can be changed, and nobody knows the outcome

    sleep(max(0.0, bureau.due(announced) + 2 - clock()))
    [source] = announced.of(Announcement).beacon
    pulse = fetch_pulse(bureau.trust.chains[source.beacon], source.round, relays, timeout=20)
    drawn = bureau.draw(int(clock()), announced, [pulse])
    gather(*ask, now=clock)
    return verify_bundle(bureau.bundle(drawn), bureau.trust, as_of=int(clock()), log=bureau.view())
