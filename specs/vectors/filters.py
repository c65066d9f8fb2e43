"""The vectors of filter.md and calendar.md: what a filter lets through, which days count. Worked out by hand."""

from typing import Any

from formats import Cases, digest

ATTRS = [["beds", "integer"], ["chain", "boolean"], ["grade", "string"], ["region", "string"],
         ["specialities", "strings"], ["type", "string"]]  # fmt: skip
NOTHING = {name: None for name, _ in ATTRS}


def _row(**attrs: Any) -> dict[str, Any]:
    return NOTHING | attrs


CLINIC = _row(beds=0, chain=True, grade="A", region="370302", specialities=["dental", "eyes"], type="clinic")
HOSPITAL = _row(beds=500, chain=False, grade="B", region="3701", specialities=[], type="hospital")
ROWS = [CLINIC, HOSPITAL, NOTHING]
EXAMPLE = (
    'type in {"clinic","hospital"} and beds in 0..9 and not region under "3701" and "dental" in specialities'
    " and grade != null"
)


def filter_() -> tuple[Cases, Cases]:
    """filter.md: filters with whether they hold for a clinic, a hospital and a row of which nothing is known."""
    told: list[tuple[str, str, list[bool]]] = [
        ("everybody", "", [True, True, True]),
        ("a string", 'type = "clinic"', [True, False, False]),
        ("another string, null among them", 'type != "clinic"', [False, True, True]),
        ("null", "grade = null", [False, False, True]),
        ("not null", "grade != null", [True, True, False]),
        ("a list that is null", "specialities = null", [False, False, True]),
        ("a boolean", "chain = true", [True, False, False]),
        ("an integer", "beds = 0", [True, False, False]),
        ("a set", 'type in {"clinic","pharmacy"}', [True, False, False]),
        ("a set with null", 'type in {null,"hospital"}', [False, True, True]),
        ("a set of integers", "beds in {-1,0,500}", [True, True, False]),
        ("a range", "beds in 0..499", [True, False, False]),
        ("a range of one", "beds in 500..500", [False, True, False]),
        ("a range denied holds for null", "not beds in 0..499", [False, True, True]),
        ("at least", "beds >= 1", [False, True, False]),
        ("at most", "beds <= -1", [False, False, False]),
        ("the largest number", "beds <= 9007199254740991", [True, True, False]),
        ("a region", 'region under "3703"', [True, False, False]),
        ("a region itself", 'region under "3701"', [False, True, False]),
        ("outside a region", 'not region under "37"', [False, False, True]),
        ("a value of a list", '"eyes" in specialities', [True, False, False]),
        ("not in a list", 'not "eyes" in specialities', [False, True, True]),
        ("and", 'chain = true and type = "clinic"', [True, False, False]),
        ("or", 'type = "clinic" or grade = "B"', [True, True, False]),
        ("brackets around or", '(type = "clinic" or grade = "B") and beds >= 1', [False, True, False]),
        ("brackets around and", 'type = "clinic" or (grade = "B" and beds >= 1)', [True, True, False]),
        ("brackets after not", 'not (type = "clinic" or grade = "B")', [False, False, True]),
        ("not of a difference", 'not type != "clinic"', [True, False, False]),
        ("escapes", r'type != "\"\\"', [True, True, True]),
        ("Chinese", 'type != "诊所" and grade = "A"', [True, False, False]),
        ("sixteen deep", "not " * 16 + "beds >= 1", [False, True, False]),
        ("the example", EXAMPLE, [True, False, False]),
    ]  # fmt: skip
    accept: Cases = [
        {"name": name, "filter": text, "attrs": ATTRS, "rows": [list(one) for one in zip(ROWS, holds, strict=True)]}
        for name, text, holds in told
    ]
    bends: list[tuple[str, str, str]] = [
        ("without spaces", "beds=1", "filter-not-canonical"),
        ("two spaces", "beds  = 1", "filter-not-canonical"),
        ("a space before", " beds = 1", "filter-not-canonical"),
        ("a space alone", " ", "filter-not-canonical"),
        ("a space in a set", "beds in {1, 2}", "filter-not-canonical"),
        ("idle brackets", "(beds = 1)", "filter-not-canonical"),
        ("and in and", "(beds = 1 and chain = true) and beds = 1", "filter-not-canonical"),
        ("and beside or without brackets", "beds = 1 or beds = 2 and chain = true", "filter-not-canonical"),
        ("not before equality", "not beds = 1", "filter-not-canonical"),
        ("a set out of order", 'type in {"hospital","clinic"}', "filter-not-canonical"),
        ("a set by length", "beds in {10,9}", "filter-not-canonical"),
        ("a value twice", "beds in {1,1}", "filter-not-canonical"),
        ("a zero before a number", "beds = 01", "filter-not-canonical"),
        ("minus zero", "beds = -0", "filter-not-canonical"),
        ("a plus", "beds = +1", "filter-syntax"),
        ("a fraction", "beds = 1.5", "filter-syntax"),
        ("an exponent", "beds = 1e3", "filter-syntax"),
        ("two equals signs", "beds == 1", "filter-syntax"),
        ("less than", "beds < 1", "filter-syntax"),
        ("a sum", "beds = 1 + 1", "filter-syntax"),
        ("a call", 'len("x")', "filter-syntax"),
        ("a capital letter", "Beds = 1", "filter-syntax"),
        ("a word for a name", "in = 1", "filter-syntax"),
        ("a name of 33 letters", "a" * 33 + " = 1", "filter-syntax"),
        ("a name alone", "chain", "filter-syntax"),
        ("and at the end", "chain = true and", "filter-syntax"),
        ("two tests without a word", "chain = true beds = 1", "filter-syntax"),
        ("a bracket left open", "(chain = true or beds = 1", "filter-syntax"),
        ("a bracket too many", "chain = true)", "filter-syntax"),
        ("a set of nothing", "beds in {}", "filter-syntax"),
        ("a comma at the end", "beds in {1,}", "filter-syntax"),
        ("three dots", "beds in 1...2", "filter-syntax"),
        ("an open range", "beds in 1..", "filter-syntax"),
        ("a range of strings", 'type in "a".."b"', "filter-syntax"),
        ("under nothing", 'region under ""', "filter-syntax"),
        ("under a number", "region under 37", "filter-syntax"),
        ("a number in a list", "1 in specialities", "filter-syntax"),
        ("a string left open", 'type = "clinic', "filter-syntax"),
        ("an escape of a letter", r'type = "\n"', "filter-syntax"),
        ("single quotes", "type = 'clinic'", "filter-syntax"),
        ("typographic quotes", "type = “clinic”", "filter-syntax"),
        ("full-width digits", "beds = １", "filter-syntax"),
        ("a full-width equals sign", "beds ＝ 1", "filter-syntax"),
        ("a Cyrillic letter", 'tyрe = "clinic"', "filter-syntax"),
        ("an ideographic space", "beds\u3000= 1", "filter-syntax"),
        ("a no-break space", "beds\u00a0= 1", "filter-syntax"),
        ("a line break", "beds = 1\n", "filter-character"),
        ("a tab", "beds\t= 1", "filter-character"),
        ("a zero-width space", 'type = "cli\u200bnic"', "filter-character"),
        ("a line turned round", 'type = "\u202ecinilc"', "filter-character"),
        ("not in NFC", 'type = "cafe\u0301"', "filter-character"),
        ("a number too large", "beds = 9007199254740992", "filter-integer"),
        ("a number of 1,900 digits", "beds = " + "9" * 1900, "filter-integer"),
        ("a range that ends before it begins", "beds in 2..1", "filter-range"),
        ("seventeen deep", "not " * 17 + "beds >= 1", "filter-too-deep"),
        ("seventeen brackets", "(" * 17 + "beds = 1" + ")" * 17, "filter-too-deep"),
        ("2,001 characters", f'type = "{"x" * 1992}"', "filter-too-long"),
        ("an unknown attribute", "bed = 1", "filter-unknown-attribute"),
        ("an unknown attribute and null", "chain = true or bed != null", "filter-unknown-attribute"),
        ("a string for an integer", 'beds = "1"', "filter-type"),
        ("an integer for a boolean", "chain = 1", "filter-type"),
        ("a boolean for an integer", "beds != true", "filter-type"),
        ("a set of two types", 'beds in {1,"1"}', "filter-type"),
        ("a range of a string", "grade in 1..2", "filter-type"),
        ("at least a string", "grade >= 1", "filter-type"),
        ("under an integer", 'beds under "37"', "filter-type"),
        ("in a string", '"A" in grade', "filter-type"),
        ("a list that equals a string", 'specialities = "eyes"', "filter-type"),
        ("a list in a set", 'specialities in {"eyes"}', "filter-type"),
    ]  # fmt: skip
    refuse: Cases = [
        {"name": name, "filter": text, "attrs": ATTRS, "rows": [], "expect": expect} for name, text, expect in bends
    ]
    refuse.append({"name": "another answer", "filter": "beds = 0", "attrs": ATTRS, "rows": [[CLINIC, False]],
                   "expect": "not-the-same"})  # fmt: skip
    return accept, refuse


OFF = ["2026-01-01", "2026-01-02", "2026-02-16", "2026-02-17", "2026-02-18", "2026-02-19", "2026-02-20", "2026-02-23",
       "2026-04-06", "2026-05-01", "2026-05-04", "2026-05-05", "2026-06-19", "2026-09-25", "2026-10-01", "2026-10-02",
       "2026-10-05", "2026-10-06", "2026-10-07"]  # fmt: skip
ON = ["2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"]
SOURCE = "国办发明电〔2025〕7号"


def _year(year: int, off: list[str], on: list[str], *sources: str) -> str:
    quoted = ", ".join(f'"{source}"' for source in sources)
    return (
        f"\n[[years]]\nyear = {year}\nsources = [{quoted}]\n"
        f"holidays = [{', '.join(off)}]\nworkdays = [{', '.join(on)}]\n"
    )


def _table(*years: str, name: str = "example", version: str = "1") -> str:
    return f'name = "{name}"\nversion = "{version}"\n' + "".join(years)


TABLE = _table(_year(2026, OFF, ON, SOURCE))
SHORT = _year(2025, ["2025-01-01"], [], "国办发明电〔2024〕12号")


def calendar() -> tuple[Cases, Cases]:
    """calendar.md: tables with their one spelling, days and periods."""
    days = [["2026-01-01", False], ["2026-01-03", False], ["2026-01-04", True], ["2026-01-05", True],
            ["2026-02-14", True], ["2026-02-15", False], ["2026-02-23", False], ["2026-12-31", True]]  # fmt: skip
    periods = [["2026-01-30", 20, "2026-03-05"], ["2026-09-20", 20, "2026-10-23"], ["2025-12-31", 1, "2026-01-04"],
               ["2026-01-01", 1, "2026-01-04"], ["2026-01-03", 2, "2026-01-05"], ["2026-12-30", 1, "2026-12-31"],
               ["2026-01-01", 248, "2026-12-31"]]  # fmt: skip
    loose = _table(
        '[[years]]\nworkdays = [2026-10-10]\nholidays = [2026-10-04, 2026-10-01, 2026-10-03]\n'
        f'sources = ["{SOURCE}"] # a comment\nyear = 2026\n', SHORT
    )  # fmt: skip
    spelt = _table(SHORT, _year(2026, ["2026-10-01"], ["2026-10-10"], SOURCE))
    accept: Cases = [
        {"name": "2026", "table": TABLE, "spelling": TABLE, "digest": digest(TABLE), "days": days, "periods": periods},
        {"name": "out of order, with a weekend and a comment", "table": loose, "spelling": spelt,
         "digest": digest(spelt), "days": [["2026-10-03", False], ["2026-10-10", True]],
         "periods": [["2025-12-31", 1, "2026-01-01"]]},
        {"name": "the end of January, a Saturday", "month_day": "01-31", "year": 2026, "date": "2026-01-31"},
        {"name": "the middle of March, a Sunday", "month_day": "03-15", "year": 2026, "date": "2026-03-15"},
        {"name": "29 February", "month_day": "02-29", "year": 2028, "date": "2028-02-29"},
    ]  # fmt: skip
    bends: list[tuple[str, str, str]] = [
        ("not TOML", TABLE.replace("[[years]]", "[[years]"), "calendar-not-toml"),
        ("a day that is none", TABLE.replace("2026-10-10", "2026-02-30"), "calendar-not-toml"),
        ("a field more", 'note = "x"\n' + TABLE, "calendar-fields"),
        ("no version", TABLE.replace('version = "1"\n', ""), "calendar-fields"),
        ("a field of a year missing", TABLE.replace("workdays", "# workdays"), "calendar-fields"),
        ("a field of a year more", TABLE + "country = 86\n", "calendar-fields"),
        ("a day as a text", TABLE.replace("2026-10-10", '"2026-10-10"'), "calendar-fields"),
        ("a time for a day", TABLE.replace("2026-10-10", "2026-10-10T00:00:00"), "calendar-fields"),
        ("true for a year", TABLE.replace("year = 2026", "year = true"), "calendar-fields"),
        ("a name in capitals", _table(_year(2026, OFF, ON, SOURCE), name="Example"), "calendar-name"),
        ("no name", _table(_year(2026, OFF, ON, SOURCE), name=""), "calendar-name"),
        ("no years", 'years = []\n' + _table(), "calendar-years"),
        ("a year twice", TABLE + _year(2026, OFF, ON, SOURCE), "calendar-years"),
        ("a year before 1949", _table(_year(1948, ["1948-01-01"], [], SOURCE)), "calendar-year"),
        ("the year 9999", _table(_year(9999, ["9999-01-01"], [], SOURCE)), "calendar-year"),
        ("no source", _table(_year(2026, OFF, ON)), "calendar-source"),
        ("a source twice", _table(_year(2026, OFF, ON, SOURCE, SOURCE)), "calendar-source"),
        ("a source that is no number", _table(_year(2026, OFF, ON, "the notice")), "calendar-source"),
        ("a source in square brackets", _table(_year(2026, OFF, ON, "国办发明电[2025]7号")), "calendar-source"),
        ("a day of the year before", _table(_year(2026, [*OFF, "2025-12-31"], ON, SOURCE)), "calendar-another-year"),
        ("a workday of the year after", _table(_year(2026, OFF, [*ON, "2027-01-02"], SOURCE)), "calendar-another-year"),
        ("a holiday twice", _table(_year(2026, [*OFF, OFF[3]], ON, SOURCE)), "calendar-day-twice"),
        ("a Saturday off and worked", _table(_year(2026, [*OFF, ON[1]], ON, SOURCE)), "calendar-day-twice"),
        ("a weekday off and worked", _table(_year(2026, OFF, [*ON, OFF[3]], SOURCE)), "calendar-day-twice"),
        ("a Monday to work on", _table(_year(2026, OFF, [*ON, "2026-03-02"], SOURCE)), "calendar-workday"),
        ("no holidays", _table(_year(2026, [], ON, SOURCE)), "calendar-no-holidays"),
        ("holidays on weekends alone", _table(_year(2026, ["2026-01-03"], ON, SOURCE)), "calendar-no-holidays"),
    ]  # fmt: skip
    refuse: Cases = [{"name": name, "table": text, "expect": expect} for name, text, expect in bends]
    refuse += [
        {"name": f"a period {name}", "table": TABLE, "spelling": TABLE, "digest": digest(TABLE), "days": [],
         "periods": [[start, count, end]], "expect": expect}
        for name, start, count, end, expect in (
            ("past the last day", "2026-12-10", 20, "2027-01-07", "calendar-ends"),
            ("from before the first day", "2025-12-30", 2, "2026-01-04", "calendar-ends"),
            ("one day too long", "2026-01-01", 249, "2027-01-01", "calendar-ends"),
            ("with another end", "2026-01-30", 20, "2026-02-27", "not-the-same"),
        )
    ]  # fmt: skip
    refuse += [
        {"name": "a day that is not covered", "table": TABLE, "spelling": TABLE, "digest": digest(TABLE),
         "days": [["2025-12-31", True]], "periods": [], "expect": "calendar-ends"},
        {"name": "another digest", "table": TABLE, "spelling": TABLE, "digest": digest(loose), "days": [],
         "periods": [], "expect": "not-the-same"},
    ]  # fmt: skip
    refuse += [
        {"name": name, "month_day": text, "year": 2026, "expect": "not-a-month-day"}
        for name, text in (("29 February in 2026", "02-29"), ("a day of one digit", "1-31"), ("31 April", "04-31"),
                           ("a date", "2026-01-31"), ("full-width digits", "０1-31"))
    ]  # fmt: skip
    return accept, refuse
