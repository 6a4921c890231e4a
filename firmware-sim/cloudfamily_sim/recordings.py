"""Recorded homes: readers of two published formats, and the same events as our own devices would send them.

Both formats give local time without a zone. Of the hour that comes twice in autumn, the first is taken until the lines
jump back by more than a minute; a recording with nothing in between cannot tell, and the first is as good as any.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from cloudfamily_sim.encode import DEVICE, encode_reading

Kind = Literal["motion", "door", "other"]
LONGEST_LINE = 500
#: A step back shorter than this is a line out of order, a longer one in an ambiguous hour is its second pass.
LONGEST_JITTER = timedelta(minutes=1)

#: The sensor that plays the home's front door. In the recording tm000 no sensor is a contact: all 22 are motion
#: detectors that let go after 1 to 31 s, none ever stays on as a door stands open; BedroomADoor and BedroomBDoor
#: are passed once on each way HallwayA - BedroomBDoor - BedroomADoor - BedroomAArea, so they look at doorways
#: inside. MainEntryway never fires in the empty home and begins and ends each absence: it tells what a front
#: door tells. EntrywayB fires alone on 14, 16 and 17 July while nobody is there, so a door it must not be.
FRONT_DOORS = frozenset({"MainEntryway"})


class Event(NamedTuple):
    #: Aware, UTC.
    at: datetime
    sensor: str
    kind: Kind
    #: 1: motion, open, on; 0: the end of it.
    value: float
    #: What a map file says of the sensor: its name and its group. Empty: the sensor's name says all.
    said: str = ""


class BadLine(Exception):
    """Line {line_number} cannot be used: {sentence}"""

    def __init__(self, line_number: int, sentence: str) -> None:
        super().__init__(f"line {line_number}: {sentence}")
        self.line_number, self.sentence = line_number, sentence


class LateLine(BadLine):
    """Line {line_number} is earlier than what came before it: real recordings have some."""


class Late(ValueError):
    """The time of a line is before the last one's."""


def refuse(bad: BadLine) -> None:
    raise bad


def read_casas(
    lines: Iterable[str],
    zone: ZoneInfo,
    *,
    front_doors: Collection[str] = FRONT_DOORS,
    on_bad: Callable[[BadLine], None] = refuse,
) -> Iterator[Event]:
    """`2016-07-12 00:00:30.600670 TAB BedroomABed TAB ON`, a trailing tab or not, in time order.

    A bad line raises BadLine, unless `on_bad` swallows it: then it is left out. Empty lines do not count.
    """
    clock = LocalClock(zone)
    for number, line in enumerate(lines, 1):
        try:
            fields = split(line, 3)
            if not fields:
                continue
            at = clock.utc(parse_time(fields[0], datetime.fromisoformat))
            yield Event(at, sensor_name(fields[1]), casas_kind(fields[1], front_doors), on_or_off(fields[2]))
        except ValueError as error:
            on_bad(bad_line(number, error))


def read_kasteren(
    lines: Iterable[str],
    zone: ZoneInfo,
    names: Mapping[str, str],
    *,
    groups: Mapping[str, str] | None = None,
    on_bad: Callable[[BadLine], None] = refuse,
) -> Iterator[Event]:
    """`25-Feb-2008 00:20:14 TAB 25-Feb-2008 00:22:57 TAB 24 [TAB 1]`, sorted by start: two events a line, in order.

    `names`: sensor id → its name; an id without one keeps its number. `groups`: sensor id → what it belongs to, which tells
    a front door as well as the name does. Bad lines as in `read_casas`.
    """
    starts, ends = LocalClock(zone), LocalClock(zone)
    open_ones: list[tuple[datetime, int, Event]] = []
    for number, line in enumerate(lines, 1):
        try:
            fields = split(line, 3)
            if not fields:
                continue
            begins = starts.utc(parse_time(fields[0], kasteren_time))
            finishes = ends.utc_after(parse_time(fields[1], kasteren_time), begins)
            name = sensor_name(names.get(fields[2], fields[2]))
            said = f"{name} {groups[fields[2]]}" if groups and fields[2] in groups else ""
        except ValueError as error:
            on_bad(bad_line(number, error))
            continue
        while open_ones and open_ones[0][0] <= begins:
            yield heapq.heappop(open_ones)[2]
        event = Event(begins, name, contact_kind(said or name), 1.0, said)
        yield event
        heapq.heappush(open_ones, (finishes, number, event._replace(at=finishes, value=0.0)))
    while open_ones:
        yield heapq.heappop(open_ones)[2]


def read_map(lines: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """`24,Hall-Bedroom door,SleepDoor`, a sensor a line: names and groups by sensor id; the group may be missing. Raises BadLine."""
    names: dict[str, str] = {}
    groups: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        fields = [part.strip() for part in line.strip().split(",", 2)]
        if fields == [""]:
            continue
        if len(fields) < 2 or not fields[0] or not fields[1]:
            raise BadLine(number, f"{line.strip()[:40]!r} is not id,name,group")
        if fields[0] in names:
            raise BadLine(number, f"the sensor {fields[0][:40]!r} has a name already")
        names[fields[0]] = fields[1]
        if len(fields) == 3 and fields[2]:
            groups[fields[0]] = fields[2]
    return names, groups


def casas_kind(sensor: str, front_doors: Collection[str]) -> Kind:
    """The format knows ON and OFF only: what is no door sees motion. `D001` is a door's contact in CASAS homes."""
    return "door" if sensor in front_doors or re.fullmatch(r"D\d+", sensor) else "motion"


def bad_line(number: int, error: ValueError) -> BadLine:
    return (LateLine if isinstance(error, Late) else BadLine)(number, str(error))


def contact_kind(name: str) -> Kind:
    """Contacts on doors, cupboards, taps: only the front door tells of going out; an inner door is somebody moving."""
    words = name.lower()
    if "door" not in words:
        return "other"
    return "door" if re.search("front|main|outer|outside|entr", words) else "motion"


def to_wire(event: Event, home_code: str) -> tuple[str, bytes]:
    """Topic and payload as a device `{home}-{sensor}` of ours would send it; other characters of a name become "-".

    The wire has no word for a cupboard or a tap: whatever is no door shows that somebody is moving about.
    A recording has no counters, so the message has no `seq`. Raises ValueError when the device code is too long.
    """
    device = re.sub(r"[^A-Za-z0-9_.-]", "-", f"{home_code}-{event.sensor}")
    if not DEVICE.match(device):
        raise ValueError(f"{device!r} is too long for a device code: 64 characters at most")
    quantity = "door" if event.kind == "door" else "motion"
    message = encode_reading(device, event.at, None, {quantity: event.value})
    return message.topic, message.payload


@dataclass
class LocalClock:
    """Turns local times that only go forward into UTC."""

    zone: ZoneInfo
    last: datetime = field(default=datetime.min.replace(tzinfo=UTC))

    def utc(self, local: datetime) -> datetime:
        """Raises ValueError for a time before the last one, or one that the zone leaves out in spring."""
        at = self.utc_after(local, self.last)
        self.last = at
        return at

    def utc_after(self, local: datetime, earliest: datetime) -> datetime:
        """As `utc`, but leaves the clock as it is."""
        first, second = (local.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if first.astimezone(self.zone).replace(tzinfo=None) != local:
            raise ValueError(f"{local} does not exist in {self.zone}: the clocks go forward there")
        if first >= earliest:
            return first
        if second > first and second >= earliest and earliest - first > LONGEST_JITTER:
            return second
        raise Late(f"{local} is earlier than what came before it")


def split(line: str, least: int) -> list[str]:
    """The fields of a line, none for an empty one. Raises ValueError when there are too few or far too much."""
    if len(line) > LONGEST_LINE:
        raise ValueError(f"{len(line)} characters; {LONGEST_LINE} at most")
    fields = [part.strip() for part in line.strip().split("\t")]
    if fields == [""]:
        return []
    if len(fields) < least:
        raise ValueError(f"{len(fields)} fields instead of {least}")
    return fields


def parse_time(text: str, parse: Callable[[str], datetime]) -> datetime:
    try:
        at = parse(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no time") from None
    if at.tzinfo is not None:
        raise ValueError(f"{text[:40]!r} has a zone, local time is expected")
    if not 1970 < at.year < 2100:
        raise ValueError(f"the year of {text[:40]!r} cannot be")
    return at


MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def kasteren_time(text: str) -> datetime:
    """By hand: strptime's %b knows the months in the machine's language only."""
    match = re.fullmatch(r"(\d{1,2})-([A-Za-z]{3})-(\d{4}) (\d{2}):(\d{2}):(\d{2})", text)
    if match is None or match[2].lower() not in MONTHS:
        raise ValueError(text)
    day, year, hour, minute, second = (int(match[number]) for number in (1, 3, 4, 5, 6))
    return datetime(year, MONTHS.index(match[2].lower()) + 1, day, hour, minute, second)


def sensor_name(text: str) -> str:
    if not text:
        raise ValueError("the sensor has no name")
    return text


def on_or_off(text: str) -> float:
    if text not in ("ON", "OFF"):
        raise ValueError(f"{text[:40]!r} is neither ON nor OFF")
    return float(text == "ON")
