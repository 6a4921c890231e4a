"""KPI clocks: how quickly an alert was answered, how quickly somebody was there and inside, against what is asked. Pure.

answered: from the alert to the first person who took it (a human: whoever the console or the chat knows).
on_site:  from the decision to send somebody (the first who said that they go) to the first who was there.
entry:    from being there to being inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

Clock = Literal["answered", "on_site", "entry"]
#: met; breached: too late, or not yet and the time is over; running; none: nothing to measure.
State = Literal["met", "breached", "running", "none"]
Row = Mapping[str, Any]
#: Alerts of the platform about itself are nobody's call.
OF_NO_HOME = ("platform_ill", "gateway_dark", "district_dark")
#: The clocks run for these severities.
COUNTED = ("critical", "high")
PERCENTILES = (50, 90, 97.5, 99)
MOST_BREACHES, MOST_GROUPS = 1000, 500


@dataclass(frozen=True)
class Bar:
    """So large a share of the alerts within so long."""

    name: str
    clock: Clock
    limit: timedelta
    share: float
    source: str
    #: What the breach list is about; the others are shown beside it.
    framework: bool = True


TSA = "TSA / TEC Quality, Quality Standards Framework, TEC Monitoring"
RESPONSE = "TSA, Quality Standards Framework, Response Services, as councils contract for it (Camden, Mascot)"
BARS = (
    Bar("answered_60", "answered", timedelta(seconds=60), 0.975, TSA),
    Bar("answered_180", "answered", timedelta(seconds=180), 0.99, TSA),
    Bar("on_site_45", "on_site", timedelta(minutes=45), 0.90, RESPONSE),
    Bar("on_site_60", "on_site", timedelta(minutes=60), 1.0, RESPONSE),
    Bar("entry_5", "entry", timedelta(minutes=5), 1.0, RESPONSE),
    Bar("answered_30", "answered", timedelta(seconds=30), 1.0, "广州越秀 emergency calls", framework=False),
    Bar("on_site_15", "on_site", timedelta(minutes=15), 1.0, "赣州章贡 service radius in town", framework=False),
    Bar("on_site_30", "on_site", timedelta(minutes=30), 1.0, "赣州章贡 service radius outside the town", framework=False),
)
#: One bar of each clock: what it took is the same for the others.
TIMED = ("answered_60", "on_site_45", "entry_5")
ENDS: dict[Clock, tuple[str, str]] = {"answered": ("opened_at", "accepted_at"), "on_site": ("sent_at", "there_at"), "entry": ("there_at", "inside_at")}


@dataclass(frozen=True)
class Reading:
    """One clock of one alert against one bar."""

    bar: Bar
    state: State
    started_at: datetime | None = None
    due_at: datetime | None = None
    ended_at: datetime | None = None


def read(bar: Bar, row: Row, now: datetime) -> Reading:
    """`row`: of the view alert_clock. Whoever was called off before the limit has neither met nor breached it; whoever closed
    the alert without saying when they were inside has left nothing to measure."""
    begin, end = ENDS[bar.clock]
    started_at, ended_at = row[begin], row[end]
    if started_at is None:
        return Reading(bar, "none")
    due_at = started_at + bar.limit
    if ended_at is not None:
        return Reading(bar, "met" if ended_at <= due_at else "breached", started_at, due_at, ended_at)
    until = row["resolved_at"]
    if until is not None:
        late = until > due_at and bar.clock != "entry"
        return Reading(bar, "breached" if late else "none", started_at, due_at)
    return Reading(bar, "breached" if now > due_at else "running", started_at, due_at)


def clocks(row: Row, now: datetime) -> dict[str, Reading]:
    """Every bar's reading of one alert, by name; none for an alert on which no clock runs."""
    counts = row["severity"] in COUNTED and row["outcome"] != "merged"
    return {bar.name: read(bar, row, now) for bar in BARS} if counts else {}


@dataclass
class Group:
    """The alerts of a district, of somebody, of all."""

    name: str | None = None
    alerts: int = 0
    counted: dict[str, int] = field(default_factory=dict)
    met: dict[str, int] = field(default_factory=dict)
    seconds: dict[Clock, list[float]] = field(default_factory=lambda: {"answered": [], "on_site": [], "entry": []})

    def add(self, readings: Mapping[str, Reading]) -> None:
        self.alerts += 1
        for name, one in readings.items():
            if one.state == "met":
                self.met[name] = self.met.get(name, 0) + 1
            if one.state in ("met", "breached"):
                self.counted[name] = self.counted.get(name, 0) + 1
            if name in TIMED and one.started_at and one.ended_at:
                self.seconds[one.bar.clock].append((one.ended_at - one.started_at).total_seconds())

    def join(self, other: Group) -> None:
        self.name = other.name
        self.alerts += other.alerts
        for mine, theirs in ((self.counted, other.counted), (self.met, other.met)):
            for name, count in theirs.items():
                mine[name] = mine.get(name, 0) + count
        for clock, seconds in other.seconds.items():
            self.seconds[clock] += seconds

    def summary(self) -> dict[str, Any]:
        """Shares are None without anything to count."""
        bars = [self.of(bar) for bar in BARS]
        times = {clock: percentiles(sorted(seconds)) for clock, seconds in self.seconds.items()}
        return {"alerts": self.alerts, "bars": bars, "seconds": times}

    def of(self, bar: Bar) -> dict[str, Any]:
        counted, met = self.counted.get(bar.name, 0), self.met.get(bar.name, 0)
        share = met / counted if counted else None
        return {"name": bar.name, "counted": counted, "met": met, "share": share, "reached": None if share is None else share >= bar.share}


def percentiles(ordered: list[float]) -> dict[str, float] | None:
    """By nearest rank, and the longest; None without any."""
    if not ordered:
        return None
    found = {f"p{one:g}": ordered[max(0, -(-len(ordered) * one // 100).__trunc__() - 1)] for one in PERCENTILES}
    return {**found, "max": ordered[-1]}


@dataclass
class Tally:
    """Takes alerts one after the other, in memory that grows by a few numbers each."""

    now: datetime
    #: By district and who answered: each alert is counted once, and joined to what it is part of at the end.
    groups: dict[tuple[str | None, str | None], Group] = field(default_factory=dict)
    breaches: list[dict[str, Any]] = field(default_factory=list)
    breached: int = 0

    def add(self, row: Row) -> None:
        """`row`: of the query kpi_alerts."""
        readings = clocks(row, self.now)
        group = self.groups.get(key := (row["district"], row["by_code"]))
        if group is None:
            group = self.groups[key] = Group(row["by_name"])
        group.add(readings)
        late = [one for one in readings.values() if one.state == "breached"]
        if any(one.bar.framework for one in late):
            self.breached += 1
            if len(self.breaches) < MOST_BREACHES:
                self.breaches.append(self.breach(row, late))

    def breach(self, row: Row, late: list[Reading]) -> dict[str, Any]:
        seconds: dict[str, int] = {}
        for one in late:
            if one.started_at:
                seconds[one.bar.clock] = round(((one.ended_at or row["resolved_at"] or self.now) - one.started_at).total_seconds())
        who = {"district": row["district"], "answered_by": row["by_name"]}
        return {"alert_id": row["id"], "kind": row["kind"], "opened_at": row["opened_at"], **who, "bars": [one.bar.name for one in late], "seconds": seconds}

    def summary(self) -> dict[str, Any]:
        whole, districts, people = Group(), dict[str | None, Group](), dict[str | None, Group]()
        for (district, person), group in self.groups.items():
            for part in (whole, districts.setdefault(district, Group()), people.setdefault(person, Group())):
                part.join(group)
        figures = whole.summary()
        bars = [{**described(bar), **one} for bar, one in zip(BARS, figures["bars"], strict=True)]
        return {
            "alerts": whole.alerts,
            "bars": bars,
            "seconds": figures["seconds"],
            "districts": [{"district": code, **one} for code, one in listed(districts)],
            "people": [{"person": code, "name": people[code].name, **one} for code, one in listed(people)],
            "breached": self.breached,
            "breaches": self.breaches,
        }


def listed(groups: Mapping[str | None, Group]) -> list[tuple[str | None, dict[str, Any]]]:
    ordered = sorted(groups.items(), key=lambda item: -item[1].alerts)[:MOST_GROUPS]
    return [(code, group.summary()) for code, group in ordered]


def described(bar: Bar) -> dict[str, Any]:
    return {"clock": bar.clock, "limit_s": round(bar.limit.total_seconds()), "target": bar.share, "source": bar.source, "framework": bar.framework}
