"""The day on which a battery will be empty, going on as in the last weeks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import combinations, pairwise
from math import ceil
from statistics import median

from cloudfamily_gateway.models import Curve

#: Daily medians of this many days are looked at.
LOOK_BACK_DAYS = 56
#: With fewer days, or over a shorter time, nothing is said.
LEAST_DAYS, LEAST_SPAN_DAYS = 7, 14
#: It must have lost this many percent points over the time looked at: less is noise, and the rounding of what it tells.
LEAST_LOSS = 3.0
#: A rise of this many percent points that stays is a new battery.
NEW_BATTERY = 15.0
#: Nobody plans further ahead.
FURTHEST_DAYS = 730


def forecast(days: Sequence[tuple[date, float]], today: date) -> date | None:
    """`days`: (day, median percent of that day), in order. None: too little data, no loss, or too far ahead to say.

    The slope is Theil's and Sen's (the median of the slopes of all pairs): a cold night or a wild value does not move it.
    """
    days = since_new_battery(days)
    if len(days) < LEAST_DAYS or (days[-1][0] - days[0][0]).days < LEAST_SPAN_DAYS:
        return None
    points = [(float((day - days[0][0]).days), percent) for day, percent in days]
    slope = median((later - earlier) / (end - begin) for (begin, earlier), (end, later) in combinations(points, 2))
    if -slope * points[-1][0] < LEAST_LOSS:
        return None
    level = median(percent - slope * day for day, percent in points)
    left = ceil(level / -slope - (today - days[0][0]).days)
    return None if left > FURTHEST_DAYS else today + timedelta(days=max(left, 0))


def since_new_battery(days: Sequence[tuple[date, float]]) -> Sequence[tuple[date, float]]:
    """What was said since the last jump upwards; one high day between low ones is none."""
    for place in range(len(days) - 1, 0, -1):
        before = median(percent for _, percent in days[max(0, place - 3) : place])
        if all(percent - before > NEW_BATTERY for _, percent in days[place : place + 2]):
            return days[place:]
    return days


def percent(volts: float, curve: Curve) -> float:
    """What is left at this voltage; 0 to 100."""
    if volts <= curve[0][0]:
        return curve[0][1]
    for (low, begin), (high, end) in pairwise(curve):
        if volts <= high:
            return begin + (end - begin) * (volts - low) / (high - low)
    return curve[-1][1]
