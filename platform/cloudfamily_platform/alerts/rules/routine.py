"""A home's own rhythm, learned from what its sensors say: who is in, who went out, and how still it is at which hour.

Pure: events in, a digest out that fits a row of jsonb. For each of the last days and each half hour it keeps how long the
home had been still at most while somebody was at home; silences of the day and of the night apart. What a silence means by
it is said in silence.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

State = Literal["home", "away", "asleep"]
#: Since 1970.
Seconds = int

MINUTE, HOUR, DAY = 60, 3600, 86400
BIN: Seconds = 30 * MINUTE
BINS = DAY // BIN
DAYS_KEPT = 28
#: A shorter silence teaches nothing and changes nothing.
STILL: Seconds = 10 * MINUTE
#: A silence that begins between these hours is one of the day, any other one of the night.
DAY_BEGINS, NIGHT_BEGINS = 7, 20
#: After such a pause a new stretch of movement begins. One that follows an hour's sleep and is no longer than a visit to the
#: bathroom is no rising before this hour.
STRETCH, VISIT, RISEN_LATEST = 30 * MINUTE, 10 * MINUTE, 11
#: Whoever goes out is not heard inside later than this after the door was heard last, and nothing ends later than that.
AT_THE_DOOR, DOOR_SETTLES = 45, 3 * MINUTE
#: A silence of this length by day, which the same sensor begins and ends, is an absence.
ABSENCE: Seconds = 2 * HOUR
#: A silence of this length after the door, ended by somebody inside, was no absence.
STAYED: Seconds = 45 * MINUTE
#: In an empty home sensors fire alone, hours apart (recording tm000). So many of so many sensors within this time are somebody.
STIRRING, STIRRINGS, STIRRING_SENSORS = 15 * MINUTE, 2, 2
#: So is what began before the door was heard and ends this long after it: no detector of movement holds on for so long, a seat does.
HELD: Seconds = 10 * MINUTE
#: Who stirs this shortly before the door was inside, and leaves.
LEAVING: Seconds = 5 * MINUTE
#: A longer silence is no habit to learn: nobody was there, or nobody listened.
LONGEST_LEARNED: Seconds = 14 * HOUR
#: An absence that nobody told us of is too long after this. Once a week and so many of her absences are known, it is after so many
#: times the longest of them, but not sooner than a long day out takes.
LONGEST_AWAY, LONGER_AWAY, SHORTEST_AWAY = 5 * DAY, 1.5, 14 * HOUR
ABSENCES_KNOWN, AWAY_DAYS_KNOWN, ABSENCES_KEPT = 15, 7, 60
SENSORS_MOST = 200

#: By its name: the door that one goes out by, any door, something beside the entrance, and what leads nowhere.
FRONT = re.compile(
    r"(front|main|outer|outside|outdoor|house|home|apartment|entrance|foyer|porch|street)[\W_]*(door|gate)|door[\W_]*(front|main|outside|entr)"
    r"|(main|front)[\W_]*entr|大门|入户|前门|户门|玄关"
)
INNER = re.compile(
    r"bed|sleep|bath|toilet|wc|shower|closet|cupboard|cabinet|fridge|freez|refrig|pantry|wardrobe|drawer|oven|micro|dish|wash|kitchen|living|office"
    r"|inner|inside|medicine|柜|冰箱|卧|厕|卫|浴|厨"
)
DOOR = re.compile(r"door|gate|^d\d+\b|exit|门")
ENTRY = re.compile(r"entr")


class Event(NamedTuple):
    at: Seconds
    sensor: str
    #: Motion or opening begins; False: it ends.
    begins: bool


@dataclass
class Sensor:
    #: How surely its name says that one goes out by it: 3, 2, 1, 0.
    rank: int
    on: bool = False
    last: Seconds = 0
    #: Absences by day that it began, and that it began and ended.
    began: int = 0
    both: int = 0
    #: After it was heard last: somebody was out; somebody had stayed.
    out: int = 0
    stayed: int = 0


@dataclass
class Day:
    """One local day: minutes of stillness per half hour, for silences that began by day and by night; -1: nobody was at home."""

    by_day: list[int] = field(default_factory=lambda: [-1] * BINS)
    by_night: list[int] = field(default_factory=lambda: [-1] * BINS)


@dataclass
class Routine:
    """The digest of one home. `hear` every event in its order; `start` where silence is to count anew."""

    zone: ZoneInfo
    #: Somebody was heard at home, or left.
    last: Seconds | None = None
    #: The sensor that was heard then, with a "+" if it has not ended since.
    place: str = ""
    heard: Seconds = 0
    #: The last that began inside, and the last at a door that leads out.
    inside: Seconds = 0
    door: Seconds = 0
    door_sensor: str = ""
    away: bool = False
    #: Somebody came in by the door, and nothing but the door was heard since.
    entered: bool = False
    #: What fired in a home that is thought empty.
    stirrings: list[tuple[Seconds, str]] = field(default_factory=list)
    #: When the present stretch of movement began, and whether somebody slept before it.
    stretch: Seconds = 0
    slept: bool = False
    sensors: dict[str, Sensor] = field(default_factory=dict)
    #: How many silences of the day each place began, and the longest.
    places: dict[str, list[int]] = field(default_factory=dict)
    #: How long the last absences were, that ended at the door.
    absences: list[Seconds] = field(default_factory=list)
    #: By days since 1970, local.
    days: dict[int, Day] = field(default_factory=dict)
    exits: frozenset[str] = frozenset()
    marked: Seconds = 0

    def start(self, at: Seconds) -> None:
        """Whatever was before, somebody is taken to be at home from now on, and silence counts from here."""
        self.last = max(self.last or at, at)
        self.heard = max(self.heard, at)
        self.away, self.entered, self.door, self.stirrings = False, False, 0, []
        self.stretch, self.slept, self.place = self.last, False, ""

    def hear(self, event: Event, name: str = "") -> None:
        """Learns from an event; one that is late counts as of now. `name`: what people call the sensor, else its code."""
        sensor = self.known(event.sensor, name)
        if not event.begins and not sensor.on:
            return  # a device that repeats that nothing moves
        sensor.on = event.begins
        at = max(event.at, self.heard)
        if self.last is None:
            self.start(at)
        if not self.away and self.went_out(at):
            self.away, self.stirrings = True, []
        if self.away:
            self.hear_while_away(at, event)
        else:
            self.hear_at_home(at, event)
        sensor.last = self.heard = at

    def went_out(self, at: Seconds) -> bool:
        """It has been still for a while, and the last that was heard is the door, from inside."""
        if self.last is None or at - self.last < STILL or not self.door or self.entered:
            return False
        if self.inside - self.door > AT_THE_DOOR or self.last - self.door > DOOR_SETTLES:
            return False
        sensor = self.sensors[self.door_sensor]
        trust = max(sensor.rank, 2)
        return (sensor.out + trust) / (sensor.out + sensor.stayed + trust + 0.5) >= 0.4

    def longest_away(self) -> Seconds:
        """How long she may be out."""
        days_known = max(self.days, default=0) - min(self.days, default=0)
        if len(self.absences) < ABSENCES_KNOWN or days_known < AWAY_DAYS_KNOWN:
            return LONGEST_AWAY
        return int(min(LONGEST_AWAY, max(LONGER_AWAY * max(self.absences), SHORTEST_AWAY)))

    def hear_while_away(self, at: Seconds, event: Event) -> None:
        assert self.last is not None
        self.stirrings = [one for one in self.stirrings if at - one[0] <= STIRRING]
        if event.sensor in self.exits:
            stirs = any(at - one[0] <= LEAVING for one in self.stirrings)
            if not stirs and self.door_sensor:
                self.sensors[self.door_sensor].out += at - self.last >= ABSENCE
                self.absences = [*self.absences[1 - ABSENCES_KEPT :], at - self.last]
            self.come_back(at, event, by_door=not stirs)
            self.door, self.door_sensor = at, event.sensor
            return
        if event.begins:
            self.stirrings.append((at, event.sensor))
        elif self.sensors[event.sensor].last <= self.door and at - self.door >= HELD:
            self.come_back(at, event, by_door=False)  # who sat there when the door was heard has risen now: she had not gone
            return
        if len(self.stirrings) >= STIRRINGS and len({sensor for _, sensor in self.stirrings}) >= STIRRING_SENSORS:
            if self.door_sensor and STAYED <= at - self.last < 12 * HOUR:
                self.sensors[self.door_sensor].stayed += 1
            self.come_back(at, event, by_door=False)
            self.inside = at

    def come_back(self, at: Seconds, event: Event, *, by_door: bool) -> None:
        self.away, self.entered, self.stirrings, self.door = False, by_door, [], 0
        self.stretch, self.slept = at, False
        self.settle(at, event)
        self.mark(at, at, night=self.of_night(at))

    def hear_at_home(self, at: Seconds, event: Event) -> None:
        assert self.last is not None
        still, night = at - self.last, self.of_night(self.last)
        is_exit = event.sensor in self.exits
        if still >= STRETCH:
            self.stretch, self.slept = at, night and still >= HOUR
        if still >= STILL:
            if is_exit and still >= ABSENCE and not night and not self.of_night(at):
                self.entered = True  # nobody saw the leaving
            else:
                self.learn_silence(self.last, at, event, night=night)
                self.entered = self.entered and is_exit and still < ABSENCE
        elif at > self.marked:
            self.mark(at, at, night=self.of_night(at))
        if is_exit:
            self.door, self.door_sensor = at, event.sensor
        elif event.begins:
            self.inside, self.entered = at, False
        self.settle(at, event)

    def settle(self, at: Seconds, event: Event) -> None:
        self.last, self.place = at, event.sensor + ("+" if event.begins else "")

    # -- what is learned --------------------------------------------------------------------------------------------------

    def known(self, code: str, name: str) -> Sensor:
        found = self.sensors.get(code)
        if found is None:
            found = Sensor(rank(name or code))
            if len(self.sensors) < SENSORS_MOST:
                self.sensors[code] = found
                self.choose_exits()
        return found

    def choose_exits(self) -> None:
        """The sensors whose names lead out most surely; in a home without any, those that begin and end its absences."""
        best = max((sensor.rank for sensor in self.sensors.values()), default=0)
        self.exits = frozenset(code for code, one in self.sensors.items() if (one.rank == best if best else one.both >= 2 and one.both * 2 >= one.began))

    def learn_silence(self, begin: Seconds, end: Seconds, event: Event, *, night: bool) -> None:
        """Somebody was at home from `begin` to `end`, and nothing was heard between."""
        if event.begins and not night and end - begin >= ABSENCE:
            for code, sensor in self.sensors.items():
                if 0 <= begin - sensor.last <= AT_THE_DOOR:
                    sensor.began += 1
                    sensor.both += code == event.sensor
            self.choose_exits()
        if end - begin > LONGEST_LEARNED:
            begin = end
        elif not night and (self.place in self.places or len(self.places) < 2 * SENSORS_MOST):
            count, longest = self.places.get(self.place, (0, 0))
            self.places[self.place] = [count + 1, max(longest, end - begin)]
        self.mark(begin, end, night=night)

    def of_night(self, begin: Seconds) -> bool:
        """Whether a silence that begins then is one of the night: late, or after no more than a visit to the bathroom."""
        hour = datetime.fromtimestamp(begin, self.zone).hour
        if hour >= NIGHT_BEGINS or hour < DAY_BEGINS:
            return True
        return hour < RISEN_LATEST and self.slept and begin - self.stretch <= VISIT

    def mark(self, begin: Seconds, end: Seconds, *, night: bool) -> None:
        """Writes down how long it had been still, in each half hour from `begin` to `end`."""
        at, offset = begin, utc_offset(begin, self.zone)
        while True:
            day, second = divmod(at + offset, DAY)
            number = second // BIN
            row = self.day(day)
            values, others = (row.by_night, row.by_day) if night else (row.by_day, row.by_night)
            bin_end = day * DAY + (number + 1) * BIN - offset
            values[number] = max(values[number], (min(bin_end, end) - begin) // MINUTE)
            others[number] = max(others[number], 0)
            if bin_end > end:
                self.marked = bin_end - 1
                return
            at = bin_end

    def day(self, number: int) -> Day:
        if number not in self.days:
            self.days = {day: row for day, row in self.days.items() if day > number - DAYS_KEPT}
            self.days[number] = Day()
        return self.days[number]

    # -- as jsonb ---------------------------------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in PLAIN}
        sensors = {code: [getattr(one, name) for name in SENSOR] for code, one in self.sensors.items()}
        return plain | {"sensors": sensors, "days": {str(day): [row.by_day, row.by_night] for day, row in self.days.items()}}

    @classmethod
    def from_json(cls, zone: ZoneInfo, saved: dict[str, Any]) -> Routine:
        """What an older digest does not know yet begins empty."""
        made = cls(zone, **{name: saved[name] for name in PLAIN if name in saved})
        made.stirrings = [(at, sensor) for at, sensor in made.stirrings]
        made.sensors = {code: Sensor(**dict(zip(SENSOR, values, strict=True))) for code, values in saved["sensors"].items()}
        made.days = {int(day): Day(*rows) for day, rows in saved["days"].items()}
        made.choose_exits()
        return made


PLAIN = ("last", "place", "heard", "inside", "door", "door_sensor", "away", "entered", "stirrings", "stretch", "slept", "places", "absences", "marked")
SENSOR = ("rank", "on", "last", "began", "both", "out", "stayed")


def rank(name: str) -> int:
    """How surely a sensor of this name tells who goes out: 3 a front door, 2 another door, 1 by the entrance, 0 inside."""
    words = name.lower()
    if FRONT.search(words):
        return 3
    if INNER.search(words):
        return 0
    if DOOR.search(words):
        return 2
    return 1 if ENTRY.search(words) else 0


def utc_offset(at: Seconds, zone: ZoneInfo) -> Seconds:
    offset = datetime.fromtimestamp(at, zone).utcoffset()
    return int(offset.total_seconds()) if offset else 0
