"""What a home's devices tell a rule of silence, and what such a rule answers. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from cloudfamily_platform.alerts.rules.hazard import SILENCES, Hazard
from cloudfamily_platform.core import quantity

#: A day at most passes between two looks.
A_DAY = timedelta(days=1)
#: What cannot be judged just now is looked at again after this.
SOON = timedelta(minutes=10)
#: Doors of these rooms do not lead out.
INNER = ("bathroom", "bedroom", "kitchen", "balcony")


class Sense(NamedTuple):
    """One quantity of one device, or a device of which none is asked."""

    code: str
    kind: str
    #: None: nobody has said.
    room: str | None
    quantity: int | None
    #: It is silent or cut off: what it said last is not how things are.
    out: bool
    is_hub: bool
    #: Its last value is more than 0; None: it has said nothing.
    is_on: bool | None = None
    last_at: datetime | None = None
    #: When it last said the opposite; None: not in the time looked back to.
    other_at: datetime | None = None
    #: Since when it has said what it says now.
    since: datetime | None = None

    @property
    def on_at(self) -> datetime | None:
        """When it was last on."""
        return self.last_at if self.is_on else self.other_at

    @property
    def is_motion(self) -> bool:
        return self.kind.startswith("motion")


class Meter(NamedTuple):
    """A water meter: litres since the window began, and from and to when that is known."""

    code: str
    out: bool
    last_at: datetime | None
    from_at: datetime | None
    litres: float


@dataclass(frozen=True, kw_only=True)
class Facts:
    senses: tuple[Sense, ...]
    zone: ZoneInfo
    #: Nothing before this counts.
    watched_from: datetime
    #: The beginning of what was told last.
    episode: datetime | None = None
    #: Since she moved elsewhere last: the first movement in the bathroom.
    entered_at: datetime | None = None
    meters: tuple[Meter, ...] = ()

    def of(self, number: int, fits: Callable[[Sense], bool] = lambda one: True) -> Iterable[Sense]:
        return (one for one in self.senses if one.quantity == number and fits(one))

    @property
    def deaf(self) -> bool:
        """The home's hub is out: nothing that happens there is heard."""
        return any(one.is_hub and one.out for one in self.senses)

    def moved_at(self, fits: Callable[[Sense], bool]) -> datetime | None:
        """The last movement that fitting devices saw: motion, a press, a door that opened or closed, a bed taken or left."""
        seen: list[datetime | None] = [one.on_at for number in (quantity.MOTION, quantity.PRESS) for one in self.of(number, fits)]
        # A repeated "still open" is no movement: only a change is.
        seen += [one.since for number in (quantity.DOOR, quantity.BED) for one in self.of(number, fits) if one.other_at]
        return max((at for at in seen if at), default=None)


class Verdict(NamedTuple):
    hazard: Hazard | None
    look_again_at: datetime
    #: The beginning of what the hazard is about: told once.
    episode: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Span:
    """A setting that is a number, of `unit`."""

    usual: float
    least: float
    most: float
    unit: str


@dataclass(frozen=True, kw_only=True)
class Clock:
    """A setting that is a local time, HH:MM; None: it must be set."""

    usual: str | None = None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A hazard of silence: a file of this folder."""

    kind: str
    #: Whether it is on where the home's devices allow it and nobody has said otherwise.
    usual: bool
    settings: Mapping[str, Span | Clock]
    #: What is missing of the devices for it, as a text key `watch.needs.<key>`; None: it can be watched.
    needs: Callable[[Facts], str | None]
    judge: Callable[[Facts, Mapping[str, float], Mapping[str, time], datetime], Verdict]
    #: The quantities that it asks for.
    senses: tuple[int, ...] = (quantity.MOTION, quantity.DOOR, quantity.PRESS, quantity.BED)
    #: Nobody at home, nothing to watch.
    of_somebody_at_home: bool = True
    #: How far back it looks.
    back: timedelta = timedelta(days=2)


def told(kind: str, params: dict[str, object], why: str | None = None) -> Hazard:
    return Hazard(kind=kind, severity=SILENCES[kind], why=why or kind, params=params)


def clock(said: str) -> time:
    """Raises ValueError."""
    if len(said) != 5:
        raise ValueError(said)
    return time.fromisoformat(said)


def last_before(clock_time: time, now: datetime, zone: ZoneInfo) -> datetime:
    """The last moment, now included, at which it was this local time."""
    today = now.astimezone(zone).replace(hour=clock_time.hour, minute=clock_time.minute, second=0, microsecond=0)
    return today if today <= now else today - A_DAY


def next_after(clock_time: time, now: datetime, zone: ZoneInfo) -> datetime:
    return last_before(clock_time, now, zone) + A_DAY


def window(starts: time, ends: time, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The window of local hours in which it is, or else the next one."""
    began = last_before(starts, now, zone)
    ended = next_after(ends, began, zone)
    return (began, ended) if now < ended else (began + A_DAY, ended + A_DAY)


def shown(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%H:%M")


def minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)
