"""Public holidays, and the weekends that are worked in exchange for them (调休)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import holidays

#: Where the government announces each year's days off and worked weekends late in the year before.
ANNOUNCED = ("CN",)
#: The longest run of days off that is looked for around a day.
LONGEST_RUN = 16
SATURDAY, SUNDAY = 6, 7


@dataclass(frozen=True)
class Day:
    #: 1 Monday … 7 Sunday: by which weekday's plan the day is worked.
    weekday: int
    holiday: bool


def problem(code: str) -> str | None:
    """Why `code` names no calendar of holidays; None: it does."""
    try:
        calendar(code, 2026)
    except (NotImplementedError, ValueError) as error:
        return str(error)
    return None


@lru_cache(maxsize=256)
def calendar(code: str, year: int) -> holidays.HolidayBase:
    """The holidays of a country ("CN") or a part of it ("DE-BY") around a year. Raises NotImplementedError for others."""
    country, _, part = code.partition("-")
    return holidays.country_holidays(country, subdiv=part or None, years=range(year - 1, year + 2))


def known(code: str, year: int) -> bool:
    """Whether the year's holidays are all known. Where they are announced, a year that is not yet has its days by law alone."""
    found = calendar(code, year)
    if code.partition("-")[0] in ANNOUNCED:
        return year in getattr(found, "special_public_holidays", {})
    return any(day.year == year for day in found)


def day(code: str | None, on: date) -> Day:
    """How the day is worked. In China a holiday is the whole run of days off, with the weekends in it, as the State Council's
    notices count it; a weekend that is worked counts as the working day beside it (a Saturday as a Friday, a Sunday as a Monday)."""
    if code is None:
        return Day(on.isoweekday(), holiday=False)
    found = calendar(code, on.year)
    if on in found.weekend_workdays:
        return Day(5 if on.isoweekday() == SATURDAY else 1, holiday=False)
    if code.partition("-")[0] not in ANNOUNCED:
        return Day(on.isoweekday(), holiday=on in found)
    return Day(on.isoweekday(), holiday=is_off(found, on) and any(one in found for one in run(found, on)))


def is_off(found: holidays.HolidayBase, on: date) -> bool:
    return on not in found.weekend_workdays and (on in found or on.isoweekday() in (SATURDAY, SUNDAY))


def run(found: holidays.HolidayBase, on: date) -> list[date]:
    """The days off around a day off, itself included."""
    days = [on]
    for way in (-1, 1):
        other = on + timedelta(days=way)
        while is_off(found, other) and len(days) < LONGEST_RUN:
            days.append(other)
            other += timedelta(days=way)
    return days
