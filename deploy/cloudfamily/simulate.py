"""simulate: a crowd of homes from one process, or a story in a few of them, against the running system or any MQTT 5 broker."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from cloudfamily import demo, parts
from cloudfamily.embedded.errors import StartError
from cloudfamily_platform.core import db
from cloudfamily_platform.core.settings import Settings
from cloudfamily_sim import play, scenario
from cloudfamily_sim.crowd import Crowd, home_code
from cloudfamily_sim.drive import Drive
from cloudfamily_sim.faults import Chances
from cloudfamily_sim.fleet import Fleet, SimDevice, SimHome
from cloudfamily_sim.scenario import BadStory, Story

LINE_SECONDS = 1.0
USUAL_HOMES = 1000
#: Without --rate, every device says a word a minute.
WORDS_PER_SECOND_AND_DEVICE = 1 / 60
#: A story goes on so long after its last step, so that its calls are answered.
AFTER_STORY_SECONDS = 30.0


@dataclass(frozen=True)
class Wanted:
    #: None: a thousand, or none beside a story.
    homes: int | None
    #: Words a second of all devices together; None: a word a minute from each.
    rate: float | None
    seed: int
    #: None: until Ctrl-C, or until the story is over.
    seconds: float | None
    presses_per_minute: float
    faults: str
    connections: int
    #: Name or file of a story.
    scenario: str | None
    homeassistant: bool


def simulate(settings: Settings, address: str | None, wanted: Wanted) -> None:
    """Runs until the time is over or Ctrl-C; prints a line a second on a terminal, and at the end one JSON object.

    `address`: the broker's, else that of the running system. It signs in with CF_MQTT_USERNAME and CF_MQTT_PASSWORD.
    Raises StartError with a sentence for the user.
    """
    there = None if address else parts.running(settings)
    broker = broker_address(address) if address else there.broker if there else ("", 0)
    try:
        chances = Chances.read(wanted.faults)
        story = scenario.load(wanted.scenario) if wanted.scenario else None
        drive = None if story and wanted.homes is None else make_drive(wanted, chances)
    except BadStory as error:
        raise StartError(f"The story cannot be played: {error}.") from error
    except ValueError as error:
        raise StartError(f"{error}.") from error
    try:
        socket.create_connection(broker, timeout=5).close()
    except OSError as error:
        raise StartError(f"No broker answers at {broker[0]}:{broker[1]} ({error.strerror or error}): start it, or name another with --broker.") from error
    password = settings.mqtt_password.get_secret_value() if settings.mqtt_password else None
    asyncio.run(Simulation(broker, settings.mqtt_username, password).run(wanted, drive, story, there, ZoneInfo(settings.timezone), chances))


def broker_address(text: str) -> tuple[str, int]:
    """`host:port`; 1883 when no port is given. Raises StartError."""
    host, _, port = text.rpartition(":") if ":" in text else (text, "", "1883")
    if not host or not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65_535:
        raise StartError(f"--broker {text!r}: write it like 192.0.2.7:1883.")
    return host.strip("[]"), int(port)


def make_drive(wanted: Wanted, chances: Chances) -> Drive:
    crowd = Crowd(USUAL_HOMES if wanted.homes is None else wanted.homes, seed=wanted.seed, chances=chances)
    rate = crowd.devices * WORDS_PER_SECOND_AND_DEVICE if wanted.rate is None else wanted.rate
    return Drive(crowd, rate=rate, presses_per_minute=wanted.presses_per_minute, connections=wanted.connections)


async def story_homes(story: Story, there: parts.Parts | None) -> list[SimHome]:
    """Homes of the running system that have what the story needs; without one, homes of our own making."""
    if there is None:
        return [
            SimHome(home_code(number), tuple(SimDevice(f"{home_code(number)}-{kind}", kind) for kind in story.devices), number) for number in range(story.homes)
        ]
    needed = {step.device for step in story.steps if step.device}
    async with await db.connect(there.database_url) as conn:
        rows = await (await conn.execute(demo.HOMES)).fetchall()
    homes = [
        SimHome(row["code"], tuple(SimDevice(code, kind) for code, kind in zip(row["devices"], row["kinds"], strict=True) if kind in scenario.KINDS), seed)
        for seed, row in enumerate(rows)
        if needed <= set(row["kinds"])
    ]
    if len(homes) < story.homes:
        raise StartError(f"The story takes {story.homes} homes with {', '.join(sorted(needed))}; the running system has {len(homes)} of them.")
    return homes[: story.homes]


class Simulation:
    """What runs until it is told to stop, and what it prints meanwhile."""

    def __init__(self, broker: tuple[str, int], username: str | None, password: str | None) -> None:
        self.broker, self.username, self.password = broker, username, password
        self.stop = asyncio.Event()
        self.drive: Drive | None = None
        self.fleet: Fleet | None = None
        self.play: play.Play | None = None
        self.told = self.words = 0

    async def run(self, wanted: Wanted, drive: Drive | None, story: Story | None, there: parts.Parts | None, zone: ZoneInfo, chances: Chances) -> None:
        loop, began = asyncio.get_running_loop(), time.monotonic()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, self.stop.set)
        running, seconds = [], wanted.seconds
        if story is not None:
            await self.tell(story, there, zone, chances, wanted)
            assert self.fleet is not None
            running.append(asyncio.create_task(self.fleet.run(*self.broker, stop=self.stop, username=self.username, password=self.password)))
            if drive is None and seconds is None:
                seconds = story.lasts.total_seconds() + AFTER_STORY_SECONDS
        if drive is not None:
            self.drive = drive
            running.append(asyncio.create_task(drive.run(*self.broker, stop=self.stop, username=self.username, password=self.password)))
        for task in running:
            task.add_done_callback(lambda _: self.stop.set())
        while not self.stop.is_set():
            left = LINE_SECONDS if seconds is None else min(LINE_SECONDS, began + seconds - time.monotonic())
            if left <= 0:
                break
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self.stop.wait()
            self.show()
        self.stop.set()
        await asyncio.gather(*running)
        print(json.dumps(self.counters() | {"seconds": round(time.monotonic() - began, 1)}), flush=True)

    async def tell(self, story: Story, there: parts.Parts | None, zone: ZoneInfo, chances: Chances, wanted: Wanted) -> None:
        homes, now = await story_homes(story, there), datetime.now(UTC)
        ahead = play.ahead(story, now, zone)
        self.fleet = Fleet(homes, zone=zone, seed=wanted.seed, chances=chances, ahead=ahead, introduce=there is None, homeassistant=wanted.homeassistant)
        self.fleet.start(now)
        self.play = play.Play(self.fleet, story, homes, now)
        self.fleet.plays.append(self.play)
        print(f"{story.title}: {', '.join(home.code for home in homes[:5])}{' …' if len(homes) > 5 else ''}", flush=True)

    def show(self) -> None:
        if self.play is not None:
            for step in self.play.story.steps[self.told : self.play.done]:
                print(f"\r\033[K{step.text(self.play.story.begins)}" if sys.stdout.isatty() else step.text(self.play.story.begins), flush=True)
            self.told = self.play.done
        if self.drive is not None and self.drive.stream is not None and sys.stdout.isatty():
            now = self.drive.counters()
            trouble = f" · {self.drive.trouble}" if self.drive.trouble else ""
            said, presses = f"{now['words'] - self.words:,} words/s · {now['acknowledged']:,} taken · {now['behind']:,} behind", f"{now['presses']:,} presses"
            line = f"{said} · {presses}, {now['received']:,} answered{trouble}"
            print(f"\r\033[K{line[:150]}", end="", flush=True)
            self.words = now["words"]
            if self.stop.is_set():
                print()

    def counters(self) -> dict[str, Any]:
        found: dict[str, Any] = self.drive.counters() if self.drive else {}
        if self.fleet and self.play:
            found["story"] = {"title": self.play.story.title, "steps": self.play.done, **asdict(self.fleet.counters)}
        return found
