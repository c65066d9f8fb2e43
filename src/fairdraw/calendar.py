"""Working days by the State Council's yearly notices: specs/calendar.md.

A calendar is a reader's own, as a trust file is, and is never taken from a bureau. Which periods run in working days is
said by the regulation; reading a table's file is left to the caller.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import chain
from typing import Final

from fairdraw import encoding
from fairdraw.errors import CalendarError

MAX_LENGTH: Final = 65_536  # bytes of a table: a year has less than a thousand
YEARS: Final = range(1949, 9999)  # the day after the last one still has a date

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._+-]{0,99}", re.ASCII)
_SOURCE: Final = re.compile(r"国[\u4e00-\u9fff]{1,20}〔[0-9]{4}〕[1-9][0-9]{0,3}号")
_MONTH_DAY: Final = re.compile(r"[0-9]{2}-[0-9]{2}", re.ASCII)
_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5

# The notices behind the published table, by the year whose days they set. Some set days of the December before. A year
# that is not here is not taken from the package, for nobody could look it up.
SOURCES: Final[Mapping[int, tuple[str, ...]]] = {
    2008: ("国办发明电〔2007〕52号",),
    2009: ("国办发明电〔2008〕42号",),
    2010: ("国办发明电〔2009〕27号",),
    2011: ("国办发明电〔2010〕40号", "国办发明电〔2011〕45号"),
    2012: ("国办发明电〔2011〕45号",),
    2013: ("国办发明电〔2012〕33号",),
    2014: ("国办发明电〔2013〕28号",),
    2015: ("国办发明电〔2014〕28号", "国发明电〔2015〕1号"),
    2016: ("国办发明电〔2015〕18号",),
    2017: ("国办发明电〔2016〕17号",),
    2018: ("国办发明电〔2017〕12号", "国办发明电〔2018〕15号"),
    2019: ("国办发明电〔2018〕15号", "国办发明电〔2019〕3号"),
    2020: ("国办发明电〔2019〕16号", "国办发明电〔2020〕1号"),
    2021: ("国办发明电〔2020〕27号",),
    2022: ("国办发明电〔2021〕11号", "国办发明电〔2022〕16号"),
    2023: ("国办发明电〔2022〕16号",),
    2024: ("国办发明电〔2023〕7号",),
    2025: ("国办发明电〔2024〕12号",),
    2026: ("国办发明电〔2025〕7号",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """One year's days that are not as their weekday says.

    Attributes:
        year: the calendar year, in China.
        sources: the numbers of the State Council's documents that say so.
        holidays: days off from Monday to Friday.
        workdays: Saturdays and Sundays on which people work (调休上班).
    """

    year: int
    sources: tuple[str, ...]
    holidays: frozenset[date]
    workdays: frozenset[date]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """A table of working days: `years` rise, and each is covered as a whole or not at all."""

    name: str
    version: str
    years: tuple[Year, ...]

    @property
    def digest(self) -> str:
        """Return the hex SHA-256 of the table in its one spelling, which is printed with all that rests on it."""
        return encoding.digest(format_calendar(self))

    @property
    def covers(self) -> str:
        """Return the years covered as people write them: `2008-2026`, `2008-2026, 2028`."""
        runs: list[list[int]] = []
        for one in self.years:
            if runs and runs[-1][-1] == one.year - 1:
                runs[-1].append(one.year)
            else:
                runs.append([one.year])
        return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


@cache
def published() -> Calendar:
    """Return the table that comes with the project, of the years whose notices stand in `SOURCES`."""
    # A package of constants: it looks at no clock and no file. It is imported here because few commands need it.
    import chinese_calendar  # noqa: PLC0415

    off, on = chinese_calendar.holidays, chinese_calendar.workdays
    covered = {day.year for day in off} & SOURCES.keys()
    years = (
        _year(
            year,
            SOURCES[year],
            holidays=[day for day in off if day.year == year],
            workdays=[day for day in on if day.year == year],
        )
        for year in covered
    )
    return _calendar("chinesecalendar", chinese_calendar.__version__, years)


def parse(data: bytes) -> Calendar:
    """Return the table that a TOML file's bytes state (specs/calendar.md §2).

    Raises:
        CalendarError: no such table, or one that contradicts itself, naming the year or day.
    """
    if len(data) > MAX_LENGTH:
        raise CalendarError("calendar-too-long", expected=MAX_LENGTH, found=len(data))
    try:
        table = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # not all that tomllib refuses is a TOMLDecodeError
        raise CalendarError("calendar-not-toml", found=str(error)[:80]) from None
    match table:
        case {"name": str(name), "version": str(version), "years": list(years), **more} if not more:
            return _calendar(name, version, map(_read_year, years))
    raise CalendarError("calendar-fields", expected=("name", "version", "years"), found=sorted(table))


def _read_year(table: object) -> Year:
    match table:
        case {"year": int(year), "sources": list(sources), "holidays": list(off), "workdays": list(on), **more}:
            # A day may be a time too, which Python takes for a date, and true is an integer to it.
            days = all(type(day) is date for day in chain(off, on))
            if days and not more and type(year) is int and all(isinstance(source, str) for source in sources):
                return _year(year, tuple(sources), holidays=off, workdays=on)
    found = sorted(table) if isinstance(table, dict) else table
    raise CalendarError("calendar-fields", expected=("year", "sources", "holidays", "workdays"), found=found)


def _year(year: int, sources: tuple[str, ...], *, holidays: list[date], workdays: list[date]) -> Year:
    """Return a year, having refused every contradiction of specs/calendar.md §2."""
    if year not in YEARS:
        raise CalendarError("calendar-year", expected=f"{YEARS[0]}-{YEARS[-1]}", found=str(year)[:40])
    if not sources or len(set(sources)) != len(sources) or not all(map(_SOURCE.fullmatch, sources)):
        # Days that nobody can look up would be the word of whoever typed them.
        raise CalendarError("calendar-source", expected="国办发明电〔2025〕7号", found=sources)
    seen: set[date] = set()
    for day in chain(holidays, workdays):
        if day.year != year:
            raise CalendarError("calendar-another-year", expected=year, found=day.isoformat())
        if day in seen:
            raise CalendarError("calendar-day-twice", found=day.isoformat())
        seen.add(day)
    for day in workdays:
        if day.weekday() < _SATURDAY:
            raise CalendarError("calendar-workday", found=day.isoformat())
    # Notices name whole spans; a Saturday in one is off anyway. Left in, one calendar would have two digests.
    off = frozenset(day for day in holidays if day.weekday() < _SATURDAY)
    if not off:
        raise CalendarError("calendar-no-holidays", found=year)  # no year is: the table was not filled in
    return Year(year=year, sources=sources, holidays=off, workdays=frozenset(workdays))


def _calendar(name: str, version: str, years: Iterable[Year]) -> Calendar:
    for told in (name, version):
        if not _NAME.fullmatch(told):
            raise CalendarError("calendar-name", expected=_NAME.pattern, found=told[:100])
    rising = tuple(sorted(years, key=lambda one: one.year))
    numbers = [one.year for one in rising]
    if not numbers or len(set(numbers)) != len(numbers):
        raise CalendarError("calendar-years", found=numbers)
    return Calendar(name=name, version=version, years=rising)


def extended(base: Calendar, given: Calendar) -> Calendar:
    """Return a table with all years of both; a year that both have is the given one's, whole.

    Raises:
        CalendarError: `calendar-name`: the two names or versions are too long together.
    """
    years = {one.year: one for one in chain(base.years, given.years)}
    return _calendar(f"{base.name}+{given.name}", f"{base.version}+{given.version}", years.values())


def format_calendar(calendar: Calendar) -> bytes:
    """Return a table in its one spelling (specs/calendar.md §3); `parse` undoes it."""
    lines = [f'name = "{calendar.name}"', f'version = "{calendar.version}"']
    for one in calendar.years:
        lines += [
            "",
            "[[years]]",
            f"year = {one.year}",
            _line("sources", (f'"{source}"' for source in one.sources)),
            _line("holidays", map(str, sorted(one.holidays))),
            _line("workdays", map(str, sorted(one.workdays))),
        ]
    return "".join(f"{line}\n" for line in lines).encode()


def _line(name: str, items: Iterable[str]) -> str:
    return f"{name} = [{', '.join(items)}]"


def is_working_day(calendar: Calendar, day: date) -> bool:
    """Say whether people work on a day (specs/calendar.md §4).

    Raises:
        CalendarError: `calendar-ends`: the day's year is not covered.
    """
    year = next((one for one in calendar.years if one.year == day.year), None)
    if year is None:
        # Weekdays alone would be a guess, wrong by up to ten days around the Spring Festival.
        raise CalendarError("calendar-ends", expected=calendar.covers, found=day.isoformat())
    return day in year.workdays or (day.weekday() < _SATURDAY and day not in year.holidays)


def add_working_days(calendar: Calendar, day: date, count: int) -> date:
    """Return the working day that ends a period of `count` working days, at least 1, which begins the day after `day`.

    The day after is day 1 if it is a working day (specs/calendar.md §4).

    Raises:
        CalendarError: `calendar-ends`: a day after `day`, up to the one returned, is in no year covered.
    """
    if count < 1:
        raise ValueError(f"a period has at least one day, not {count}")
    while count:
        day += _DAY
        count -= is_working_day(calendar, day)
    return day


def deadline_day(year: int, month_day: str) -> date:
    """Return the last day of a yearly deadline such as `01-31`, working day or not (specs/calendar.md §5).

    Raises:
        CalendarError: `not-a-month-day`, also for a 29 February in a year that has none.
    """
    if _MONTH_DAY.fullmatch(month_day):
        try:
            return date.fromisoformat(f"{year:04}-{month_day}")
        except ValueError:
            pass
    raise CalendarError("not-a-month-day", expected="MM-DD", found=f"{year}-{month_day[:40]}")
