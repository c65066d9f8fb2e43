"""A real registry: fever clinics and designated hospitals of February 2020, as dirty as they were published."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from fairdraw.registry import left_out_list, load_map, read_registry

FILE = Path(__file__).resolve().parents[3] / "shared" / "data" / "fever_clinics_2020_cn.csv"

pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"recorded registry is missing: {FILE}")

MAP = """
no = { assign = "F-%06d", by = ["province", "city", "name", "address"] }
identity = ["province", "city_code", "name", "address"]

[attrs]
region = "city_code"
designated = { column = "is_designated", type = "boolean" }

[attrs.level]
column = "level"
default = "@"
map = { "" = "unknown", "未定级" = "0", "无" = "0", "一级" = "1", "一级甲等" = "1A", "一甲" = "1A", "一级乙等" = "1B", \
"二级" = "2", "二級" = "2", "二级甲等" = "2A", "二级甲" = "2A", "二甲" = "2A", "二级乙等" = "2B", "二级乙" = "2B", \
"二乙" = "2B", "三级" = "3", "三级甲等" = "3A", "三甲" = "3A", "三级乙等" = "3B", "三级乙" = "3B", "三乙" = "3B" }

[private]
name = { column = "name", required = true }
address = "address"
province = "province"
"""
STRICT = MAP.replace('default = "@"\n', "")

# Counted with `csv.DictReader` and `Counter`, not with this package: rows, and repeats of (province, city, name,
# address).
ROWS = 6753
REPEATS = 38


def test_every_row_is_either_frozen_or_reported():
    found = read_registry(FILE.read_bytes(), load_map(MAP), name=FILE.name)
    assert Counter(one.code for one in found.problems) == {"row-repeated": 2 * REPEATS}
    assert len(found.left_out) == REPEATS
    assert len(found.registry.rows) == ROWS - REPEATS
    assert found.registry.rows[0].no == "F-000001"
    assert found.registry.rows[-1].no == f"F-{ROWS - REPEATS:06d}"


def test_spellings_of_a_level_are_one_level_and_the_others_are_reported():
    levels = Counter(
        row.attrs["level"] for row in read_registry(FILE.read_bytes(), load_map(MAP), name=FILE.name).registry.rows
    )
    assert set(levels) == {"unknown", "0", "1", "1A", "1B", "2", "2A", "2B", "3", "3A", "3B", "@"}
    strict = read_registry(FILE.read_bytes(), load_map(STRICT), name=FILE.name)
    unknown = [one for one in strict.problems if one.code == "unknown-value"]
    assert {one.field for one in unknown} == {"level"}
    assert "二极" in {one.found for one in unknown}
    assert "二级" not in {one.found for one in unknown}  # once it stood there with a no-break space after it
    assert left_out_list(strict.problems).count(b"\n") == len(strict.problems)


def test_the_file_in_gb18030_gives_the_same_registry():
    data = FILE.read_bytes()
    again = data.decode("utf-8").encode("gb18030")
    mapping = load_map(MAP)
    assert read_registry(again, mapping, name="a.csv") == read_registry(data, mapping, name="a.csv")


def test_numbers_stay_when_rows_go_and_come():
    mapping = load_map(MAP)
    header, *lines = FILE.read_text(encoding="utf-8").splitlines(keepends=True)
    fewer = read_registry("".join([header, *lines[:500]]).encode(), mapping, name="a.csv")
    more = read_registry(FILE.read_bytes(), mapping, name="a.csv", numbers=fewer.numbers)
    back = read_registry("".join([header, *lines[:500]]).encode(), mapping, name="a.csv", numbers=more.numbers)
    assert back.registry == fewer.registry
    assert back.numbers == more.numbers
    assert {row.no for row in fewer.registry.rows} < {row.no for row in more.registry.rows}


PROGRAM = """
import sys
from hashlib import sha256
from fairdraw.registry import load_map, read_registry
found = read_registry(open(sys.argv[1], "rb").read(), load_map(sys.stdin.buffer.read().decode("utf-8")), name="a.csv")
rows = [(row.no, sorted(row.attrs.items()), row.private) for row in found.registry.rows]
print(sha256(repr((rows, found.problems)).encode("utf-8") + found.numbers).hexdigest())
"""


def test_locale_and_hash_seed_change_nothing():
    printed = set()
    for variables in (
        {"LC_ALL": "C", "PYTHONHASHSEED": "1", "PYTHONUTF8": "0"},
        {"LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "2", "TZ": "Asia/Shanghai"},
    ):
        result = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(FILE)],
            input=MAP.encode(),
            env=os.environ | variables,
            capture_output=True,
            check=True,
        )
        printed.add(result.stdout)
    assert len(printed) == 1
