"""Believable days of elders who live alone: up, bathroom, kitchen, a walk, a nap, the evening, the night's visits.

Everything follows from a seed and a date, so that a day can be made again. Times inside are minutes since local
midnight; a day's moments are aware UTC.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from math import ceil
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
        return self.begins_at + timedelta(hours=self.habits.rises, minutes=self.rng("rises").uniform(-15, 25))

    @cached_property
    def sleeps_at(self) -> datetime:
        return self.begins_at + timedelta(hours=self.habits.sleeps, minutes=self.rng("sleeps").uniform(-20, 20))

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
            if rng.random() < 0.85:  # it rains, or the knee hurts
                fixed.append((hour * 60 + rng.uniform(-20, 20), habits.walk_minutes * rng.uniform(0.7, 1.3), None, (0, 0)))
        return sorted(fixed, key=lambda appointment: appointment[0])


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


def movements_in(step: Step, rng: random.Random) -> Iterator[tuple[float, str]]:
    """Minutes of the day at which a sensor begins to sense something."""
    if step.room is None:
        yield step.begins, LIVING
        yield step.begins + 0.5, DOOR
        yield step.ends - 1, DOOR
        yield step.ends - 0.5, LIVING
        return
    now = step.begins
    while now < step.ends:
        yield now, step.room
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
