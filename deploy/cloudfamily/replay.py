"""replay: a recorded real home through the same decoding, storing and watching code, on a virtual clock."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from cloudfamily import detect, scratch
from cloudfamily.embedded.errors import StartError
from cloudfamily_gateway import wire
from cloudfamily_gateway.ingest import Store
from cloudfamily_platform.alerts import respond, silence, watch
from cloudfamily_platform.core import db
from cloudfamily_platform.core.texts import say
from cloudfamily_platform.people import person
from cloudfamily_platform.people.person import QUERIES as PEOPLE
from cloudfamily_platform.people.person import Person
from cloudfamily_sim import recordings

BATCH = 1000
STAGES = (*watch.STAGES, *silence.STAGES)
#: After a cut the clock runs on at least this long: time enough for every silence rule to speak.
AFTER_CUT = timedelta(hours=24)
KEEP_DAYS = 36_500
ADD_HOME = """
INSERT INTO home (code, district_id, address, lat, lon, timezone, watched_from, due_at)
VALUES (%s, %s, 'replay', 23.47, 111.3, %s, %s, %s) RETURNING id
"""
ADD_SENSOR = "INSERT INTO device (code, home_id, kind, name, watched_from) VALUES (%s, %s, %s, %s, %s) RETURNING id"
OPENED = "SELECT id, opened_at, kind, severity, why FROM alert WHERE opened_at = %s AND state <> 'resolved' AND presses = 1 ORDER BY id"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to play. `speed`: seconds of the recording in one real second, None: as fast as it goes."""

    file: Path
    form: str
    #: Names the sensors of a `kasteren` recording; None: the .map beside it.
    map_file: Path | None
    home: str
    zone: ZoneInfo
    speed: float | None
    cut: datetime | None
    as_json: bool


def read(wanted: Wanted) -> list[recordings.Event]:
    """The recording's events up to the cut. Raises StartError with the line that cannot be read."""
    late: list[recordings.BadLine] = []

    def on_bad(bad: recordings.BadLine) -> None:
        if not isinstance(bad, recordings.LateLine):
            raise bad
        late.append(bad)

    read_lines = detect.reader(wanted.file, wanted.form, wanted.map_file, wanted.zone, on_bad)
    try:
        with wanted.file.open(encoding="utf-8") as lines:
            events = list(read_lines(lines))
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"The recording {wanted.file} cannot be read: {error}.") from error
    except recordings.BadLine as error:
        raise StartError(f"The recording {wanted.file} is not in the {wanted.form} format: {error}.") from error
    if not events:
        raise StartError(f"The recording {wanted.file} is empty.")
    if late:
        print(f"{wanted.file.name}: {len(late)} lines were earlier than the line before them and left out", file=sys.stderr)
    return events


def play(server_url: str, wanted: Wanted) -> int:
    """Plays the recording and prints a line per alert, and per state that the home's rhythm tells; returns how many there were."""
    events = read(wanted)
    with scratch.database(server_url, "replay") as url, psycopg.connect(url, autocommit=True, options="-c timezone=UTC") as store_conn:
        return asyncio.run(Player(wanted, events, Store(store_conn), url).run())


class Player:
    def __init__(self, wanted: Wanted, events: Sequence[recordings.Event], store: Store, url: str) -> None:
        self.wanted, self.store, self.url = wanted, store, url
        kept = [event for event in events if wanted.cut is None or event.at <= wanted.cut]
        self.events = kept
        self.begin = events[0].at
        self.end = events[-1].at if wanted.cut is None else max(events[-1].at, wanted.cut + AFTER_CUT)
        self.waiting: list[wire.Frame] = []
        self.alerts = 0
        self.started = time.monotonic()
        self.live: list[int] = []
        self.state = ""
        self.out = Console(highlight=False, soft_wrap=True)

    async def run(self) -> int:
        bar = Progress(TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f} %"), TimeElapsedColumn(), console=Console(stderr=True))
        total = (self.end - self.begin).total_seconds()
        async with await db.connect(self.url) as conn:
            self.conn = conn
            self.operator = await self.settle()
            with bar:
                task = bar.add_task(self.wanted.file.name, total=total)
                self.due = await self.next_due()
                for event in self.events:
                    await self.pass_time(event.at)
                    await self.take(event)
                    if not len(self.waiting) % 50:
                        bar.update(task, completed=(event.at - self.begin).total_seconds())
                await self.pass_time(self.end)
                self.flush()
                bar.update(task, completed=total)
        return self.alerts

    async def settle(self) -> Person:
        """The home, its sensors, and an operator who closes an alert once somebody moves again."""
        district = await self.add("INSERT INTO district (code, name_zh, name_en) VALUES ('replay', '回放', 'Replay') RETURNING id")
        self.home_id = await self.add(ADD_HOME, self.wanted.home, district, str(self.wanted.zone), self.begin, self.begin)
        sensors = {recordings.to_wire(event, self.wanted.home)[0].split("/")[2]: event for event in self.events}
        for code, event in sorted(sensors.items()):
            await self.add(ADD_SENSOR, code, self.home_id, "door" if event.kind == "door" else "motion", event.said or event.sensor, self.begin)
        operator = await self.add("INSERT INTO person (code, name) VALUES ('replay', 'replay') RETURNING id")
        await self.conn.execute("INSERT INTO role (person_id, role) VALUES (%s, 'operator')", [operator])
        self.maintained = await self.maintain(self.begin)
        return await person.load(self.conn, operator)

    async def add(self, query: str, *values: object) -> int:
        return int((await db.one(await self.conn.execute(query.encode(), values)))["id"])

    async def maintain(self, now: datetime) -> datetime:
        """The daily cron job, on the virtual clock."""
        await self.conn.execute(PEOPLE["reading_maintain"], {"now": now, "keep_days": KEEP_DAYS})
        return now

    async def take(self, event: recordings.Event) -> None:
        if self.live and event.value > 0:
            for alert_id in self.live:
                await respond.resolve(self.conn, alert_id, self.operator, "false_alarm", "", event.at)
            self.live.clear()
        topic, payload = recordings.to_wire(event, self.wanted.home)
        self.waiting.append(wire.Frame(topic, payload, event.at))
        if len(self.waiting) >= BATCH:
            self.flush()

    def flush(self) -> None:
        if self.waiting:
            self.store.store(self.waiting)
            self.waiting = []

    async def pass_time(self, to: datetime) -> None:
        """Lets the clock run to `to`, and every stage that is due before then do its work at its own time."""
        while self.due is not None and self.due <= to:
            await self.wait_until(self.due)
            self.flush()
            await self.maintain(self.due)
            for stage in STAGES:
                while await stage.step(self.conn, self.due):
                    pass
            await self.tell_new(self.due)
            await self.tell_state(self.due)
            self.due = await self.next_due()
        if to - self.maintained > timedelta(days=1):
            self.flush()
            self.maintained = await self.maintain(to)
        await self.wait_until(to)

    async def wait_until(self, at: datetime) -> None:
        if self.wanted.speed is not None:
            ahead = (at - self.begin).total_seconds() / self.wanted.speed - (time.monotonic() - self.started)
            if ahead > 0:
                await asyncio.sleep(ahead)

    async def next_due(self) -> datetime | None:
        """When a stage has something to do next. The silence rule is lazy, so this is seldom."""
        found = [(await db.one(await self.conn.execute(stage.oldest_due)))["due_at"] for stage in STAGES]
        return min((due for due in found if due is not None), default=None)

    async def tell_new(self, now: datetime) -> None:
        rows = await (await self.conn.execute(OPENED, [now])).fetchall()
        for row in rows:
            self.alerts += 1
            self.live.append(row["id"])
            at = self.local(row["opened_at"])
            why = say("en", row["why"]["key"], **row["why"]["params"])
            line = {"at": at, "kind": row["kind"], "severity": row["severity"], "why": why}
            self.say(line, " ".join(line.values()))

    async def tell_state(self, now: datetime) -> None:
        """What the home's rhythm tells, when that has changed."""
        row = await (await self.conn.execute("SELECT state, since FROM routine WHERE home_id = %s", [self.home_id])).fetchone()
        if row is not None and row["state"] != self.state:
            self.state = row["state"]
            line = {"at": self.local(now), "state": row["state"], "since": self.local(row["since"])}
            self.say(line, "{at} {state} since {since}".format(**line))

    def say(self, line: dict[str, str], words: str) -> None:
        print(json.dumps(line, ensure_ascii=False) if self.wanted.as_json else words, flush=True)

    def local(self, at: datetime) -> str:
        return at.astimezone(self.wanted.zone).isoformat(timespec="seconds")


def cut_time(text: str, zone: ZoneInfo) -> datetime:
    """'2016-07-15 14:00', in the home's zone unless it names one. Raises StartError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise StartError(f"--cut {text!r} is not a time: write it like '2016-07-15 14:00'.") from error
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
