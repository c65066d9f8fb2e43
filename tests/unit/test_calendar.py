"""Working days: the published table against two packages, tables of a reader's own, periods and their ends."""

from datetime import date, timedelta
from pathlib import Path

import chinese_calendar
import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairdraw.calendar import (
    MAX_LENGTH,
    SOURCES,
    add_working_days,
    deadline_day,
    extended,
    format_calendar,
    is_working_day,
    parse,
    published,
)
from fairdraw.encoding import digest
from fairdraw.errors import CalendarError

PUBLISHED = published()
FIRST, LAST = date(PUBLISHED.years[0].year, 1, 1), date(PUBLISHED.years[-1].year, 12, 31)
DAYS = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
NEXT = """name = "of-2027"
version = "1"

[[years]]
year = 2027
sources = ["国办发明电〔2026〕1号"]
holidays = [2027-01-01]
workdays = [2027-01-02]
"""  # made up: the notice is not published
LATER = NEXT.replace("2027-01-01", "2028-01-03").replace("2027-01-02", "2028-01-08").replace("2027", "2028")


def refused(data):
    with pytest.raises(CalendarError) as caught:
        parse(data if isinstance(data, bytes) else data.encode())
    return caught.value


def test_every_day_of_the_published_table_is_as_the_package_has_it():
    assert [day for day in DAYS if is_working_day(PUBLISHED, day) != chinese_calendar.is_workday(day)] == []


def test_every_day_of_the_published_table_is_as_another_package_has_it():
    other = holidays.country_holidays("CN", years=range(FIRST.year, LAST.year + 2))
    assert [day for day in DAYS if is_working_day(PUBLISHED, day) != other.is_working_day(day)] == []


def test_a_new_year_of_the_package_waits_for_the_number_of_its_notice():
    # Where this fails the package has learnt a year: look its notice up, and name it in SOURCES.
    assert {day.year for day in chinese_calendar.holidays if day.year >= FIRST.year} == SOURCES.keys()
    assert [one.year for one in PUBLISHED.years] == list(SOURCES)
    assert PUBLISHED.covers == f"{FIRST.year}-{LAST.year}"
    assert (PUBLISHED.name, PUBLISHED.version) == ("chinesecalendar", chinese_calendar.__version__)


def test_the_published_table_names_days_that_are_not_as_their_weekday_says_and_no_others():
    for one in PUBLISHED.years:
        assert all(day.weekday() < 5 for day in one.holidays)
        assert all(day.weekday() > 4 for day in one.workdays)
        assert {day.year for day in one.holidays | one.workdays} == {one.year}
        assert one.sources == SOURCES[one.year]


def test_the_published_table_is_read_back_from_its_spelling():
    data = format_calendar(PUBLISHED)
    assert parse(data) == PUBLISHED
    assert PUBLISHED.digest == digest(data)
    assert len(data) < MAX_LENGTH


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-01-30", "2026-03-05"),  # the Spring Festival, with two Saturdays that count
        ("2026-09-20", "2026-10-23"),  # two holidays and a Saturday that counts; the first day is a working Sunday
        ("2026-03-02", "2026-03-30"),  # four plain weeks
        ("2020-01-20", "2020-02-25"),  # the holiday that was made longer, to 2 February
    ],
)
def test_twenty_working_days_end_where_they_end(start, end):
    assert add_working_days(PUBLISHED, date.fromisoformat(start), 20) == date.fromisoformat(end)


def test_the_day_after_is_the_first_whether_or_not_the_day_itself_is_a_working_day():
    friday, saturday, monday = date(2026, 3, 6), date(2026, 3, 7), date(2026, 3, 9)
    assert [add_working_days(PUBLISHED, day, 1) for day in (friday, saturday)] == [monday, monday]
    assert add_working_days(PUBLISHED, date(2026, 10, 9), 1) == date(2026, 10, 10)  # a Saturday that counts


def test_a_period_that_leaves_the_table_has_no_end():
    with pytest.raises(CalendarError) as caught:
        add_working_days(PUBLISHED, date(2026, 12, 10), 20)
    assert (caught.value.code, caught.value.params) == (
        "calendar-ends",
        {"expected": "2008-2026", "found": "2027-01-01"},
    )
    assert add_working_days(PUBLISHED, date(2026, 12, 10), 15) == LAST
    for day in (FIRST - timedelta(days=1), LAST + timedelta(days=1)):
        with pytest.raises(CalendarError, match="calendar-ends"):
            is_working_day(PUBLISHED, day)


def test_a_period_across_a_year_that_is_not_covered_has_no_end_though_both_sides_are():
    with_a_gap = extended(PUBLISHED, parse(LATER.encode()))
    assert with_a_gap.covers == "2008-2026, 2028"
    with pytest.raises(CalendarError) as caught:
        add_working_days(with_a_gap, date(2026, 12, 1), 300)
    assert caught.value.params == {"expected": "2008-2026, 2028", "found": "2027-01-01"}
    assert is_working_day(with_a_gap, date(2028, 1, 8))


def test_a_period_of_no_days_is_a_programmers_mistake():
    for count in (0, -1):
        with pytest.raises(ValueError, match="at least one day"):
            add_working_days(PUBLISHED, date(2026, 3, 2), count)


def test_a_table_of_ones_own_extends_the_published_one():
    both = extended(PUBLISHED, parse(NEXT.encode()))
    assert both.covers == "2008-2027"
    assert (both.name, both.version) == ("chinesecalendar+of-2027", f"{PUBLISHED.version}+1")
    assert add_working_days(both, date(2026, 12, 31), 1) == date(2027, 1, 2)  # a Saturday that the table has counted
    assert add_working_days(both, date(2026, 12, 10), 20) == date(2027, 1, 7)
    assert parse(format_calendar(both)) == both
    assert both.digest != PUBLISHED.digest


def test_a_year_in_both_tables_is_the_second_ones_whole():
    given = parse(NEXT.replace("2027", "2026").replace("2026-01-02", "2026-12-26").encode())
    both = extended(PUBLISHED, given)
    assert both.years[-1] == given.years[0]
    assert both.years[:-1] == PUBLISHED.years[:-1]
    assert is_working_day(both, date(2026, 12, 26))
    assert is_working_day(
        both, date(2026, 10, 1)
    )  # a holiday that the second table forgot: it was to name the year whole
    assert extended(given, PUBLISHED).years == PUBLISHED.years


def test_names_that_grow_too_long_are_refused():
    with pytest.raises(CalendarError, match="calendar-name"):
        extended(PUBLISHED, parse(NEXT.replace("of-2027", "x" * 90).encode()))


def test_a_weekend_named_in_a_holiday_says_nothing_and_the_order_neither():
    told = NEXT.replace("[2027-01-01]", "[2027-10-02, 2027-10-01, 2027-01-01]")
    other = NEXT.replace("[2027-01-01]", "[2027-01-01, 2027-10-01, 2027-10-03]")
    assert parse(told.encode()) == parse(other.encode())
    assert parse(told.encode()).digest == parse(other.encode()).digest != parse(NEXT.encode()).digest


@pytest.mark.parametrize(
    ("old", "new", "code", "found"),
    [
        ("holidays = [2027-01-01]", "holidays = [2027-01-01, 2027-01-01]", "calendar-day-twice", "2027-01-01"),
        ("holidays = [2027-01-01]", "holidays = [2027-01-01, 2027-01-02]", "calendar-day-twice", "2027-01-02"),
        ("[2027-01-02]", "[2027-01-04]", "calendar-workday", "2027-01-04"),
        ("[2027-01-02]", "[2028-01-01]", "calendar-another-year", "2028-01-01"),
        ("[2027-01-01]", "[2026-12-31]", "calendar-another-year", "2026-12-31"),
        ("[2027-01-01]", "[]", "calendar-no-holidays", 2027),
        ('["国办发明电〔2026〕1号"]', "[]", "calendar-source", ()),
        ("〔2026〕", "(2026)", "calendar-source", ("国办发明电(2026)1号",)),
        ("〕1号", "〕01号", "calendar-source", ("国办发明电〔2026〕01号",)),
        ("国办", "国办\\u202e", "calendar-source", ("国办\u202e发明电〔2026〕1号",)),
        ("year = 2027", "year = 99999999999999999999", "calendar-year", "99999999999999999999"),
        ("of-2027", "of 2027", "calendar-name", "of 2027"),
        ("of-2027", "of-2027\\n", "calendar-name", "of-2027\n"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused_with_what_is_wrong(old, new, code, found):
    error = refused(NEXT.replace(old, new))
    assert (error.code, error.params["found"]) == (code, found)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\xff", "calendar-not-toml"),
        (b"years = " + b"[" * 5000, "calendar-not-toml"),
        (b"years = " + b"1" * 5000, "calendar-not-toml"),
        (b"", "calendar-fields"),
        (b'name = "a"\nversion = "1"\nyears = []\n', "calendar-years"),
        (b'name = "a"\nversion = "1"\nyears = [1]\n', "calendar-fields"),
        (b'name = "a"\nversion = 1\nyears = []\n', "calendar-fields"),
        (NEXT.encode() + b'note = "x"\n', "calendar-fields"),
        (NEXT.replace("[2027-01-02]", "[2027-01-02T00:00:00]").encode(), "calendar-fields"),
        (NEXT.replace("[2027-01-02]", '["2027-01-02"]').encode(), "calendar-fields"),
        (NEXT.replace("year = 2027", "year = true").encode(), "calendar-fields"),
        (NEXT.replace("year = 2027", "year = 2027.0").encode(), "calendar-fields"),
        (NEXT.replace('"国办发明电〔2026〕1号"', "1").encode(), "calendar-fields"),
        (NEXT.encode() + b"#" * MAX_LENGTH, "calendar-too-long"),
        (NEXT.encode() + NEXT.encode()[NEXT.index("[[") :], "calendar-years"),
    ],
)
def test_what_is_no_table_is_refused(data, code):
    assert refused(data).code == code


def test_a_deadline_of_the_year_is_a_date_and_nothing_moves_it():
    assert deadline_day(2026, "01-31") == date(2026, 1, 31)  # a Saturday
    assert deadline_day(2026, "03-15") == date(2026, 3, 15)  # a Sunday
    assert deadline_day(2028, "02-29") == date(2028, 2, 29)


@pytest.mark.parametrize("text", ["02-29", "1-31", "01-32", "13-01", "01/31", "2026-01-31", "", "０1-31", "01-31\n"])
def test_a_deadline_that_is_no_day_of_the_year_is_refused(text):
    with pytest.raises(CalendarError, match="not-a-month-day"):
        deadline_day(2026, text)


@given(st.sampled_from(DAYS), st.integers(1, 60))
def test_a_period_has_as_many_working_days_as_it_is_long_and_the_last_one_is_one(start, count):
    try:
        end = add_working_days(PUBLISHED, start, count)
    except CalendarError as error:
        assert error.code == "calendar-ends"  # noqa: PT017 - both ends are right
        assert sum(chinese_calendar.is_workday(day) for day in DAYS if day > start) < count
        return
    within = [day for day in DAYS if start < day <= end]
    assert sum(chinese_calendar.is_workday(day) for day in within) == count
    assert chinese_calendar.is_workday(end)


@st.composite
def tables(draw):
    name = draw(st.from_regex(r"[a-z0-9][a-z0-9._+-]{0,9}", fullmatch=True))
    lines = [f'name = "{name}"', 'version = "1"']
    for number in draw(st.lists(st.integers(1949, 9998), unique=True, min_size=1, max_size=3)):
        days = [date(number, 1, 1) + timedelta(days=n) for n in range(365)]
        chosen = draw(st.lists(st.sampled_from(days), unique=True, max_size=8))
        monday = next(day for day in days if day.weekday() == 0 and day not in chosen)
        off = [day for day in chosen if day.weekday() < 5 or day.day % 2] + [monday]
        on = [day for day in chosen if day not in off]
        lines += ["[[years]]", f"year = {number}", f'sources = ["国办发〔{number}〕{draw(st.integers(1, 9999))}号"]']
        lines += [f"{word} = [{', '.join(map(str, some))}]" for word, some in (("holidays", off), ("workdays", on))]
    return "\n".join(lines).encode()


@given(tables())
def test_every_table_has_one_spelling_which_is_read_back(data):
    table = parse(data)
    assert parse(format_calendar(table)) == table
    assert format_calendar(parse(format_calendar(table))) == format_calendar(table)
    for one in table.years:
        days = [day for n in range(366) if (day := date(one.year, 1, 1) + timedelta(days=n)).year == one.year]
        assert {day for day in days if is_working_day(table, day) != (day.weekday() < 5)} == one.holidays | one.workdays


def test_the_table_of_the_specification_is_in_its_one_spelling_and_has_the_digest_that_stands_below():
    blocks = (Path(__file__).parents[2] / "specs" / "calendar.md").read_text("utf-8").split("```\n")
    table = parse(blocks[1].encode())
    assert format_calendar(table).decode() == blocks[1]
    assert table.digest == blocks[3].strip()
    assert table.years == PUBLISHED.years[-1:]
