"""A rotation: people who take turns, in local time, and the stretches that each of them is on duty. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from cloudfamily_platform.core.texts import Text
from cloudfamily_platform.people import holiday

CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
SHIFTS_MOST = 24


class Shift(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}):
    """A stretch of each day, from "22:00" to "06:00" into the next one; from a time to the same time is a whole day."""

    since: str
    until: str
    #: 1 Monday … 7 Sunday, of the day on which it begins.
    weekdays: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    #: 0: who has the turn; 1: the one after them; so that several shifts of a day go round among the same people.
    place: int = 0


@dataclass(frozen=True, kw_only=True)
class Rotation:
    zone: ZoneInfo
    starts_on: date
    #: After so many days the turn goes to the next.
    handover_days: int
    #: In their order.
    people: tuple[int, ...]
    shifts: tuple[Shift, ...]
    #: Whose holidays count; what is worked on them instead, None: the same as always.
    holidays: str | None = None
    on_holidays: tuple[Shift, ...] | None = None


@dataclass(frozen=True, order=True)
class Span:
    """Somebody is on duty, from and to in UTC."""

    starts_at: datetime
    ends_at: datetime
    person_id: int


@dataclass(frozen=True, kw_only=True)
class Override:
    """Somebody takes what another would have had."""

    instead_of: int
    person_id: int
    starts_at: datetime
    ends_at: datetime


def spans(rotation: Rotation, first: date, last: date) -> list[Span]:
    """Who is on duty in the shifts that begin on these days, in order."""
    found = []
    on = max(first, rotation.starts_on)
    while on <= last:
        turn = (on - rotation.starts_on).days // rotation.handover_days
        for shift in shifts_of(rotation, on):
            since, until = time.fromisoformat(shift.since), time.fromisoformat(shift.until)
            starts_at = instant(on, since, rotation.zone)
            ends_at = instant(on if until > since else on + timedelta(days=1), until, rotation.zone)
            if ends_at > starts_at:  # where the clock jumps, a night's hour may not exist
                found.append(Span(starts_at, ends_at, rotation.people[(turn + shift.place) % len(rotation.people)]))
        on += timedelta(days=1)
    return sorted(found)


def shifts_of(rotation: Rotation, on: date) -> list[Shift]:
    day = holiday.day(rotation.holidays, on)
    shifts = rotation.on_holidays if day.holiday and rotation.on_holidays is not None else rotation.shifts
    return [shift for shift in shifts if day.weekday in shift.weekdays]


def instant(on: date, at: time, zone: ZoneInfo) -> datetime:
    """The moment at which clocks there show this: the first, where they do so twice; the jump, where they skip it."""
    local = datetime.combine(on, at)
    first, other = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= other:
        return first
    low, high = other, first  # the jump lies between them
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) // 2
        low, high = (low, middle) if middle.astimezone(zone).replace(tzinfo=None) >= local else (middle, high)
    return high.replace(second=0, microsecond=0)


def overridden(those: Iterable[Span], overrides: Sequence[Override]) -> list[Span]:
    """The same stretches with their overrides, the later override over the earlier."""
    found = list(those)
    for one in overrides:
        found = [part for span in found for part in split(span, one)]
    return sorted(found)


def split(span: Span, one: Override) -> list[Span]:
    since, until = max(span.starts_at, one.starts_at), min(span.ends_at, one.ends_at)
    if span.person_id != one.instead_of or since >= until:
        return [span]
    parts = [Span(span.starts_at, since, span.person_id), Span(since, until, one.person_id), Span(until, span.ends_at, span.person_id)]
    return [part for part in parts if part.ends_at > part.starts_at]


def problems(shifts: Sequence[Shift], what: str) -> list[Text]:
    """What is wrong with a list of shifts, a sentence each."""
    found = [Text("roster.too_many_shifts", {"what": what, "most": SHIFTS_MOST})] if len(shifts) > SHIFTS_MOST else []
    for number, shift in enumerate(shifts, 1):
        if bad := [at for at in (shift.since, shift.until) if not CLOCK.fullmatch(at)]:
            found.append(Text("roster.bad_time", {"what": what, "number": number, "time": bad[0]}))
        if not shift.weekdays or set(shift.weekdays) - set(range(1, 8)):
            found.append(Text("roster.bad_weekdays", {"what": what, "number": number}))
        if not 0 <= shift.place <= 100:
            found.append(Text("roster.bad_place", {"what": what, "number": number}))
    return found
