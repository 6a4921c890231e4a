"""Believable days of elders who live alone: up, bathroom, kitchen, a walk, a nap, the evening, the night's visits to the
bathroom; and what makes one day unlike the next: rain, the season, a day out, guests, a bad night.

Everything follows from a seed and a date, so that a day can be made again. Times inside are minutes since local
midnight; a day's moments are aware UTC.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from math import ceil, cos, pi
from typing import NamedTuple
from zoneinfo import ZoneInfo

BEDROOM, BATHROOM, KITCHEN, LIVING = "motion_bedroom", "motion_bathroom", "motion_kitchen", "motion_living"
DOOR = "door"
#: A motion sensor tells the end of motion this long after its start; a door stays open as long.
HOLD = timedelta(seconds=25)
ONE_DAY = timedelta(days=1)
#: Fewest and most minutes between two movements that a room's sensor sees.
PACE = {BEDROOM: (2.0, 6.0), BATHROOM: (1.0, 3.0), KITCHEN: (1.0, 4.0), LIVING: (3.0, 12.0)}
NAP_PACE = (20.0, 40.0)
#: With guests somebody always moves.
GUESTS_PACE = (0.6, 3.0)
#: In winter an elder rises later and goes to bed earlier than in summer, by twice so many hours.
SEASON_HOURS = 0.35
#: It rains, for everybody alike, on so many of a hundred days: then nobody goes for a walk.
RAINY_PERCENT = 22


class Moment(NamedTuple):
    at: datetime
    #: What senses it: a motion sensor by its room, or the door.
    sensor: str
    #: Motion 1, its end 0; door open 1, closed 0.
    value: int


class Step(NamedTuple):
    """Being somewhere from one minute of the day to another. `room` None: out of the house."""

    begins: float
    ends: float
    room: str | None
    pace: tuple[float, float] = (0.0, 0.0)
    #: Somebody comes to the door at the beginning and leaves by it at the end.
    guests: bool = False


@dataclass(frozen=True)
class Habits:
    """Of one elder, hours of the local day unless the name says minutes."""

    rises: float
    sleeps: float
    lunches: float
    dines: float
    nap_minutes: float
    walks: tuple[float, ...]
    walk_minutes: float
    #: Between two visits to the bathroom at night.
    night_hours: float
    #: Day of the week (Monday 0) on which a long way is gone, to the market or to relatives, and how long it takes.
    trip_weekday: int
    trip_hours: float
    #: How often of a hundred Saturdays and Sundays somebody comes; on other days a quarter of it.
    guests_percent: float
    bad_nights_percent: float

    @classmethod
    def of(cls, seed: int | str) -> Habits:
        rng = random.Random(f"habits/{seed}")
        walks = ((8.4,), (15.6,), (8.2, 16.0), (9.0,), ())
        return cls(
            rises=rng.uniform(5.0, 6.6),
            sleeps=rng.uniform(20.9, 22.4),
            lunches=rng.uniform(11.2, 12.0),
            dines=rng.uniform(17.2, 18.2),
            nap_minutes=rng.choice((0, 45, 70, 90)),
            walks=rng.choice(walks),
            walk_minutes=rng.uniform(30, 80),
            night_hours=rng.uniform(2.0, 3.7),
            trip_weekday=rng.randrange(7),
            trip_hours=rng.uniform(3.5, 6.5),
            guests_percent=rng.choice((0, 20, 40, 60)),
            bad_nights_percent=rng.uniform(3, 15),
        )


@dataclass(frozen=True)
class Day:
    """One elder's day, `date` in `zone`. The same seed is the same elder."""

    date: date
    seed: int | str
    zone: ZoneInfo

    def __iter__(self) -> Iterator[Moment]:
        """In order, from midnight to midnight."""
        ends = self.after(1).begins_at
        movements = sorted(m for m in self.all_movements() if self.begins_at <= m[0] < ends - HOLD)
        moments: list[Moment] = []
        free_at: dict[str, datetime] = {}
        for at, sensor in movements:
            if at <= free_at.get(sensor, self.begins_at):
                continue  # the sensor has not let go yet
            free_at[sensor] = at + HOLD
            moments += [Moment(at, sensor, 1), Moment(at + HOLD, sensor, 0)]
        return iter(sorted(moments))

    def after(self, days: int) -> Day:
        return Day(self.date + days * ONE_DAY, self.seed, self.zone)

    @cached_property
    def begins_at(self) -> datetime:
        return datetime.combine(self.date, time(), self.zone).astimezone(UTC)

    @cached_property
    def habits(self) -> Habits:
        return Habits.of(self.seed)

    def rng(self, what: str) -> random.Random:
        return random.Random(f"{what}/{self.seed}/{self.date}")

    @cached_property
    def rises_at(self) -> datetime:
        late = self.rng("tired").uniform(20, 60) if self.after(-1).bad_night else 0.0
        return self.begins_at + timedelta(hours=self.habits.rises + self.season, minutes=self.rng("rises").uniform(-15, 25) + late)

    @cached_property
    def sleeps_at(self) -> datetime:
        return self.begins_at + timedelta(hours=self.habits.sleeps - self.season, minutes=self.rng("sleeps").uniform(-20, 20))

    @cached_property
    def season(self) -> float:
        """Hours by which the day is shorter at both ends: most at midwinter, the negative of it at midsummer."""
        return SEASON_HOURS * cos(2 * pi * (self.date.timetuple().tm_yday + 10) / 365.25)

    @cached_property
    def rainy(self) -> bool:
        return random.Random(f"rain/{self.date}").random() * 100 < RAINY_PERCENT

    @cached_property
    def bad_night(self) -> bool:
        """The night that begins in this day's evening: up again and again, and a while in the kitchen or the living room."""
        return self.rng("bad night").random() * 100 < self.habits.bad_nights_percent

    def all_movements(self) -> Iterator[tuple[datetime, str]]:
        yield from self.after(-1).night()
        for step in self.steps():
            for minute, sensor in movements_in(step, self.rng(f"step{step.begins}")):
                yield self.begins_at + timedelta(minutes=minute), sensor
        yield from self.night()

    def night(self) -> Iterator[tuple[datetime, str]]:
        """From going to bed to getting up on the next morning: to the bathroom and back, spread over the night."""
        rng = self.rng("night")
        length = self.after(1).rises_at - self.sleeps_at
        parts = ceil(length / timedelta(hours=self.habits.night_hours))
        if self.bad_night:
            parts *= 2
            up = self.sleeps_at + length * rng.uniform(0.4, 0.7)
            for later in range(2, rng.randrange(20, 50), 4):
                yield up + timedelta(minutes=later), rng.choice((KITCHEN, LIVING, LIVING))
        for visit in range(1, parts):
            at = self.sleeps_at + length * (visit / parts) + timedelta(minutes=rng.uniform(-15, 15))
            for room, minutes in ((BEDROOM, 0.0), (BATHROOM, 1.0), (BATHROOM, 3.5), (BEDROOM, 5.0)):
                yield at + timedelta(minutes=minutes), room

    def steps(self) -> list[Step]:
        """From getting up to lying down, without a gap."""
        rises = (self.rises_at - self.begins_at) / timedelta(minutes=1)
        sleeps = (self.sleeps_at - self.begins_at) / timedelta(minutes=1)
        rng, steps = self.rng("steps"), [Step(rises, rises + 4, BEDROOM, PACE[BEDROOM])]
        for begins, minutes, room, pace in self.appointments(rng):
            steps += pottering(steps[-1].ends, begins, rng)
            steps.append(Step(steps[-1].ends, steps[-1].ends + minutes, room, pace))
        steps += pottering(steps[-1].ends, sleeps - 20, rng)
        steps = with_guests(steps, self.guests())
        last = steps[-1].ends
        return [*steps, Step(last, last + 12, BATHROOM, PACE[BATHROOM]), Step(last + 12, sleeps, BEDROOM, PACE[BEDROOM])]

    def appointments(self, rng: random.Random) -> list[tuple[float, float, str | None, tuple[float, float]]]:
        """What this elder does at about the same time every day: minute, how long, where, how lively."""
        habits = self.habits
        fixed: list[tuple[float, float, str | None, tuple[float, float]]] = [
            (habits.rises * 60, rng.uniform(8, 18), BATHROOM, PACE[BATHROOM]),
            (habits.rises * 60 + 20, rng.uniform(20, 40), KITCHEN, PACE[KITCHEN]),
            (habits.lunches * 60 + rng.uniform(-15, 15), rng.uniform(35, 60), KITCHEN, PACE[KITCHEN]),
            (habits.dines * 60 + rng.uniform(-15, 15), rng.uniform(35, 60), KITCHEN, PACE[KITCHEN]),
        ]
        if habits.nap_minutes:
            fixed.append((habits.lunches * 60 + 75, habits.nap_minutes * rng.uniform(0.8, 1.2), BEDROOM, NAP_PACE))
        for hour in habits.walks:
            if rng.random() < 0.85 and not self.rainy:  # the knee hurts, or it rains
                fixed.append((hour * 60 + rng.uniform(-20, 20), habits.walk_minutes * rng.uniform(0.7, 1.3), None, (0, 0)))
        if self.date.weekday() == habits.trip_weekday and rng.random() < 0.7:
            begins, minutes = 60 * rng.uniform(8.2, 9.5), 60 * habits.trip_hours * rng.uniform(0.8, 1.1)
            # Who is out neither eats nor sleeps at home, nor goes for another walk.
            fixed = [one for one in fixed if not begins - 30 < one[0] < begins + minutes and one[2] is not None]
            fixed.append((begins, minutes, None, (0, 0)))
        return sorted(fixed, key=lambda appointment: appointment[0])

    def guests(self) -> tuple[float, float] | None:
        """When somebody comes to see the elder, in minutes of the day, and for how long."""
        rng = self.rng("guests")
        percent = self.habits.guests_percent * (1.0 if self.date.weekday() >= 5 else 0.25)
        return (60 * rng.uniform(9.5, 17.5), rng.uniform(40, 150)) if rng.random() * 100 < percent else None


def pottering(begins: float, ends: float, rng: random.Random) -> list[Step]:
    """At home without a plan: the living room, with errands to the kitchen, the bathroom and the bedroom."""
    steps: list[Step] = []
    now = begins
    while now < ends:
        sits = min(ends, now + rng.uniform(25, 60))
        errand = min(ends, sits + rng.uniform(3, 9))
        room = rng.choice((KITCHEN, BATHROOM, BATHROOM, BEDROOM))
        steps += [Step(now, sits, LIVING, PACE[LIVING]), Step(sits, errand, room, PACE[room])]
        now = errand
    return steps


def with_guests(steps: list[Step], visit: tuple[float, float] | None) -> list[Step]:
    """Guests come while the elder sits in the living room; else they have come in vain."""
    if visit is None:
        return steps
    begins, minutes = visit
    for number, step in enumerate(steps):
        if step.room == LIVING and step.ends > begins and number + 1 < len(steps):
            ends = min(step.begins + minutes, steps[-1].ends)
            later = [one._replace(begins=max(one.begins, ends)) for one in steps[number + 1 :] if one.ends > ends]
            if any(one.room is None and one.begins < ends for one in steps[number:]):
                return steps  # it is time for the walk: not today
            return [*steps[:number], Step(step.begins, ends, LIVING, GUESTS_PACE, guests=True), *later]
    return steps


def movements_in(step: Step, rng: random.Random) -> Iterator[tuple[float, str]]:
    """Minutes of the day at which a sensor begins to sense something."""
    if step.room is None:
        yield step.begins, LIVING
        yield step.begins + 0.5, DOOR
        yield step.ends - 1, DOOR
        yield step.ends - 0.5, LIVING
        return
    if step.guests:
        yield step.begins + 0.5, DOOR
        yield step.ends - 1, DOOR
    now = step.begins
    while now < step.ends:
        yield now, step.room if not step.guests or rng.random() < 0.75 else rng.choice((KITCHEN, BATHROOM))
        now += rng.uniform(*step.pace)


def live(seed: int | str, since: datetime, zone: ZoneInfo) -> Iterator[Moment]:
    """Moments of this elder's life after `since`, without end."""
    day = Day(since.astimezone(zone).date(), seed, zone)
    while True:
        yield from (moment for moment in day if moment.at > since)
        day = day.after(1)


def temperature(seed: int | str, at: datetime, zone: ZoneInfo) -> float:
    """°C in this elder's living room: warmest in the afternoon, some homes warmer than others."""
    local = at.astimezone(zone)
    since_peak = (local.hour * 60 + local.minute) / 60 - 15
    daily = 1 - abs((since_peak + 12) % 24 - 12) / 6  # 1 at 15:00, -1 at 03:00
    return random.Random(f"warmth/{seed}").uniform(18.0, 24.0) + 1.5 * daily
