"""When a quiet window holds: once, or on weekdays from one local time to another. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from cloudfamily_platform.alerts.rules import signals

DAY = timedelta(days=1)
#: Nobody asks for quiet longer than works take, and a recurring one is looked at again each year.
LONGEST_ONCE, LONGEST_RECURRING, LONGEST_A_DAY = timedelta(days=30), timedelta(days=366), timedelta(hours=12)
#: Never quiet: life safety, and the platform's own word that it cannot hear.
NEVER = (*(kind for kind, severity in signals.SEVERITY.items() if severity == "critical"), "gateway_dark")
#: What a family may have quiet at their own home: trouble with devices. Stillness and water are a matter of care.
FAMILY_MAY = ("device_silent", "hub_silent", "battery_low", "tamper", "flapping")


@dataclass(frozen=True, kw_only=True)
class Times:
    """Once from `starts_at` to `ends_at`; with `weekdays` (1 Monday) recurring between these, `from_time` to `to_time` in the zone.

    A `to_time` that is not after `from_time` is of the next day. Where the clocks change, the window begins and ends by the clock
    on the wall, so that it is an hour longer or shorter that night; a time that the change leaves out counts as an hour later,
    one that comes twice is the first.
    """

    starts_at: datetime
    ends_at: datetime
    zone: ZoneInfo
    weekdays: tuple[int, ...] | None = None
    from_time: time = time()
    to_time: time = time()

    def until(self, at: datetime) -> datetime | None:
        """The end of the quiet in which `at` lies (UTC); None: it lies in none."""
        if not self.starts_at <= at < self.ends_at:
            return None
        if self.weekdays is None:
            return self.ends_at
        today = at.astimezone(self.zone).date()
        for day in (today, today - DAY):
            begins, over = self.of_day(day)
            if day.isoweekday() in self.weekdays and begins <= at < over:
                return min(over, self.ends_at)
        return None

    def of_day(self, day: date) -> tuple[datetime, datetime]:
        last = day if self.to_time > self.from_time else day + DAY
        begins, over = datetime.combine(day, self.from_time, self.zone), datetime.combine(last, self.to_time, self.zone)
        return begins.astimezone(UTC), over.astimezone(UTC)

    @property
    def hours_a_day(self) -> timedelta:
        """Of a recurring one, by the clock on the wall."""
        minutes = [one.hour * 60 + one.minute for one in (self.from_time, self.to_time)]
        return timedelta(minutes=(minutes[1] - minutes[0]) % 1440 or 1440)

    def as_if_always(self, since: datetime, now: datetime) -> Times:
        """The same quiet over a time that is past, for a preview: what is once is taken for each day at these hours."""
        if self.weekdays is not None:
            return replace(self, starts_at=since, ends_at=now)
        if self.ends_at - self.starts_at >= DAY:
            return replace(self, starts_at=since, ends_at=now)
        begins, over = (at.astimezone(self.zone).time() for at in (self.starts_at, self.ends_at))
        return replace(self, starts_at=since, ends_at=now, weekdays=tuple(range(1, 8)), from_time=begins, to_time=over)


def wrong_times(times: Times, now: datetime) -> tuple[str, str] | None:
    """Field and reason for which such times are refused; None: they are well."""
    if times.ends_at <= times.starts_at:
        return "ends_at", "it must end after it starts"
    if times.ends_at <= now:
        return "ends_at", "it is over already"
    if times.weekdays is None:
        return ("ends_at", f"at most {LONGEST_ONCE.days} days at once") if times.ends_at - times.starts_at > LONGEST_ONCE else None
    if times.ends_at - times.starts_at > LONGEST_RECURRING:
        return "until", "at most a year ahead"
    if times.hours_a_day > LONGEST_A_DAY:
        return "to_time", f"at most {LONGEST_A_DAY.seconds // 3600} hours a day"
    return None


def never(kinds: Collection[str]) -> list[str]:
    """Those of the kinds that no window may name."""
    return [kind for kind in kinds if kind in NEVER]
