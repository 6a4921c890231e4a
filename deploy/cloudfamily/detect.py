"""detect: how soon a silence is noticed and how often wrongly, on recorded homes, by the product's own rule in memory.

A log is played from its first event with nothing known beforehand: the rule hears what came in until it is due, judges, and says
when it wants to look again, as the `silence` stage does in the database.
"""

from __future__ import annotations

import copy
import json
import math
import random
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from cloudfamily.embedded.errors import StartError
from cloudfamily_platform.alerts.rules import routine, silence
from cloudfamily_platform.alerts.rules.routine import DAY, HOUR, MINUTE, Routine, Seconds
from cloudfamily_sim import recordings
from cloudfamily_sim.recordings import Event

FORMATS = {".tsv": "casas", ".kasteren": "kasteren"}
CUTS, TRIES = 40, 200_000
FALSE_FROM: Seconds = 2 * DAY
CUT_NEAR: Seconds = 30 * MINUTE
CUT_FROM_HOUR, CUT_BEFORE_HOUR = 8, 21
MISSED_AFTER: Seconds = 24 * HOUR
#: In what the log shows to be an absence nothing is heard for so long after a door, but for sensors that fire alone.
ABSENCE: Seconds = 2 * HOUR
#: Together is so many, of so many sensors, within this time, and not what is heard at the door itself.
TOGETHER, TOGETHER_EVENTS, TOGETHER_SENSORS, AT_THE_DOOR = 15 * MINUTE, 3, 2, 90


@dataclass(frozen=True)
class Alarm:
    at: Seconds
    since: Seconds
    why: str
    params: dict[str, object]


@dataclass
class Player:
    """One home on a virtual clock."""

    zone: ZoneInfo
    began: Seconds
    bearable: float = silence.BEARABLE
    routine: Routine = field(init=False)
    due: Seconds = field(init=False)
    alarms: list[Alarm] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.routine = Routine(self.zone)
        self.routine.start(self.began)
        self.due = self.began

    def look(self) -> Alarm | None:
        """What the rule says when it is due; it sets when it is due next."""
        verdict = silence.judge(self.routine, self.due, self.bearable)
        at, self.due = self.due, max(verdict.look_again_at, self.due + 1)
        if verdict.hazard is None:
            return None
        return Alarm(at, verdict.since, verdict.hazard.why, verdict.hazard.params)

    def wait(self, until: Seconds) -> None:
        """Every look before `until`. An alarm stands until somebody moves: said again, it is the same one."""
        while self.due < until:
            alarm = self.look()
            if alarm and not (self.alarms and self.alarms[-1].since == alarm.since):
                self.alarms.append(alarm)

    def hear(self, event: Event) -> None:
        at = int(event.at.timestamp())
        self.wait(at)
        self.routine.hear(routine.Event(at, event.sensor, event.value > 0), name(event))

    def cut(self, at: Seconds) -> Seconds | None:
        """Nothing more is heard from `at` on: how long until an alarm, None: none within 24 hours. The player itself plays on."""
        alone = copy.deepcopy(self)
        while alone.due <= at + MISSED_AFTER:
            alarm = alone.look()
            if alarm and alarm.at > at:
                return alarm.at - at
        return None


@dataclass(frozen=True)
class Result:
    home: str
    days: float
    alarms: Sequence[Alarm]
    #: Seconds to the alarm of each cut, None: missed.
    delays: Sequence[Seconds | None]
    late_lines: int


def name(event: Event) -> str:
    """What the rule is told of a sensor: what the product would know from the device's name and kind."""
    return (event.said or event.sensor) + (" door" if event.kind == "door" and not routine.rank(event.said or event.sensor) else "")


def measure(path: Path, zone: ZoneInfo, bearable: float = silence.BEARABLE) -> Result:
    """Raises StartError with what cannot be read."""
    events, late = read(path, zone)
    times = [int(event.at.timestamp()) for event in events]
    cuts = choose_cuts(path.name, events, times, zone)
    player, delays = Player(zone, times[0], bearable), []
    for event, at in zip(events, times, strict=True):
        while cuts and cuts[0] < at:
            player.wait(cuts[0])
            delays.append(player.cut(cuts.pop(0)))
        player.hear(event)
    player.wait(times[-1])
    counted = [alarm for alarm in player.alarms if alarm.at >= times[0] + FALSE_FROM]
    return Result(path.name, max(0, times[-1] - times[0] - FALSE_FROM) / DAY, counted, delays, late)


def read(path: Path, zone: ZoneInfo) -> tuple[list[Event], int]:
    """The events of a recording, and how many lines were left out because they came late. Raises StartError."""
    late: list[recordings.BadLine] = []

    def on_bad(bad: recordings.BadLine) -> None:
        if not isinstance(bad, recordings.LateLine):
            raise bad
        late.append(bad)

    try:
        with path.open(encoding="utf-8") as lines:
            events = list(reader(path, FORMATS.get(path.suffix, path.suffix), None, zone, on_bad)(lines))
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"The recording {path} cannot be read: {error}.") from error
    except recordings.BadLine as error:
        raise StartError(f"The recording {path} is not in the format that its name says ({FORMATS.get(path.suffix, '?')}): {error}.") from error
    if len(events) < 2:
        raise StartError(f"The recording {path} is empty.")
    return events, len(late)


def reader(
    path: Path, form: str, map_file: Path | None, zone: ZoneInfo, on_bad: Callable[[recordings.BadLine], None]
) -> Callable[[Iterator[str]], Iterator[Event]]:
    """How to read a recording in this format. `map_file`: names the sensors of a `kasteren` recording; None: the .map beside it."""
    if form == "casas":
        return lambda lines: recordings.read_casas(lines, zone, on_bad=on_bad)
    if form == "kasteren":
        names, groups = named(map_file or path.with_suffix(".map"))
        return lambda lines: recordings.read_kasteren(lines, zone, names, groups=groups, on_bad=on_bad)
    raise StartError(f"The format {form!r} is not known: the formats are {' and '.join(FORMATS.values())}.")


def named(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The map file's names and groups. Raises StartError."""
    try:
        return recordings.read_map(path.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"The map {path}, which names the sensors of the recording, cannot be read: {error}.") from error
    except recordings.BadLine as error:
        raise StartError(f"The map {path} names a sensor a line as id,name,group: {error}.") from error


def choose_cuts(seed: str, events: Sequence[Event], times: Sequence[Seconds], zone: ZoneInfo) -> list[Seconds]:
    """The same moments for the same file: in the log's second half, by day, near an event, not in an absence."""
    chance, found, absent = random.Random(seed), [], absences(events, times)
    for _ in range(TRIES):
        at = chance.randint((times[0] + times[-1]) // 2, times[-1])
        after = bisect_right(times, at)
        near = at - times[after - 1] <= CUT_NEAR or (after < len(times) and times[after] - at <= CUT_NEAR)
        hour = datetime.fromtimestamp(at, zone).hour
        if near and CUT_FROM_HOUR <= hour < CUT_BEFORE_HOUR and not any(begin <= at < end for begin, end in absent):
            found.append(at)
            if len(found) == CUTS:
                break
    return sorted(found)


def absences(events: Sequence[Event], times: Sequence[Seconds]) -> list[tuple[Seconds, Seconds]]:
    """A door, then 2 hours of nothing: until the door is heard again or several sensors fire together."""
    ranks = {event.sensor: routine.rank(name(event)) for event in events}
    best = max(ranks.values())
    found: list[tuple[Seconds, Seconds]] = []
    left: Seconds | None = None
    stirrings: list[tuple[Seconds, str]] = []
    for event, at in zip(events, times, strict=True):
        is_door = best > 0 and ranks[event.sensor] == best
        stirrings = [*(one for one in stirrings if at - one[0] <= TOGETHER), (at, event.sensor)] if event.value and not is_door else stirrings
        together = len(stirrings) >= TOGETHER_EVENTS and len({sensor for _, sensor in stirrings}) >= TOGETHER_SENSORS
        if left is not None and (is_door or (together and stirrings[0][0] > left + AT_THE_DOOR)):
            end = at if is_door else stirrings[0][0]
            if end - left >= ABSENCE:
                found.append((left, end))
            left = None
        if is_door:
            left, stirrings = at, []
    if left is not None and times[-1] - left >= ABSENCE:
        found.append((left, times[-1]))
    return found


def homes(place: Path) -> list[Path]:
    """The recordings of a folder, or the one. Raises StartError when there is none."""
    if place.is_dir():
        found = sorted(path for path in place.iterdir() if path.suffix in FORMATS)
        if not found:
            raise StartError(f"The folder {place} holds no recording: their names end in {' or '.join(FORMATS)}.")
        return found
    if not place.exists():
        raise StartError(f"There is no recording {place}: give a file or a folder that ends in {' or '.join(FORMATS)}.")
    if place.suffix not in FORMATS:
        raise StartError(f"{place.name} does not tell its format: the name of a recording ends in {' or '.join(FORMATS)}.")
    return [place]


def report(place: Path, zone: ZoneInfo, verbose: bool = False) -> None:
    """A line per home, then all together as one JSON object. Raises StartError."""
    results: list[Result] = []
    with ProcessPoolExecutor(max_workers=2) as workers:
        for result in workers.map(partial(measure, zone=zone), homes(place)):
            results.append(result)
            print(line(result), flush=True)
            if result.late_lines:
                print(f"{result.home}: {result.late_lines} lines were earlier than the line before them and left out", file=sys.stderr)
            for alarm in result.alarms if verbose else ():
                at, since = (datetime.fromtimestamp(time, zone).strftime("%a %d %b %H:%M") for time in (alarm.at, alarm.since))
                print(f"    false alarm {at}, still since {since}, {alarm.why}: {alarm.params}", flush=True)
    days, false = sum(result.days for result in results), sum(len(result.alarms) for result in results)
    delays = [delay for result in results for delay in result.delays]
    figures = {"homes": len(results), "home_days": round(days, 1), "false_alarms_per_home_day": round(false / days, 3) if days else None}
    print(json.dumps(figures | delay_figures(delays)))


def line(result: Result) -> str:
    figures, false = delay_figures(result.delays), len(result.alarms)
    each = f"{false / result.days:.3f}" if result.days else "-"
    return (
        f"{result.home:<32} days {result.days:5.1f}  false alarms {false:3} ({each} a day)  cuts {len(result.delays):2}  "
        f"delay median {figures['delay_median_h']} h  p90 {figures['delay_p90_h']} h  missed {figures['missed']}"
    )


def delay_figures(delays: Sequence[Seconds | None]) -> dict[str, float | int | None]:
    """Of the cuts that raised an alarm, in hours; those that raised none are missed, and counted apart."""
    found = sorted(delay for delay in delays if delay is not None)
    return {"delay_median_h": quantile(found, 0.5), "delay_p90_h": quantile(found, 0.9), "missed": len(delays) - len(found)}


def quantile(values: Sequence[Seconds], part: float) -> float | None:
    """The smallest value that this part of them does not exceed, in hours."""
    return round(values[math.ceil(part * len(values)) - 1] / HOUR, 2) if values else None
