"""run: any set of roles in one process, under one TaskGroup, until SIGTERM or Ctrl-C. Roles hold no state."""

from __future__ import annotations

import asyncio
import importlib
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import psycopg
import structlog

from cloudfamily import canary, channels, clockwork, composition, mosquitto, parts, server
from cloudfamily.parts import Parts
from cloudfamily.watchdog import Probe, Trouble, Watchdog
from cloudfamily_gateway import command, supervise
from cloudfamily_gateway.lane import Lane, lanes
from cloudfamily_platform.alerts import checkin, coverage, deliver, escalate, gateways, incident, offers, quiet, reachability, recover, silence, vigil, watch
from cloudfamily_platform.core import db, job, metrics
from cloudfamily_platform.core.settings import Settings
from cloudfamily_platform.core.stage import Loop, Stage
from cloudfamily_platform.core.stopping import told_to_stop
from cloudfamily_platform.people import blindness
from cloudfamily_platform.services import visits
from cloudfamily_platform.web.context import Check
from cloudfamily_platform.web.stream import Hub
from cloudfamily_timebank import credit

if TYPE_CHECKING:
    from aiogram import Bot

log = structlog.get_logger()
#: Whoever has not ended by itself this long after a stop is left to the end of the process.
STOP_SECONDS = 3.0
#: Longer: a lane may finish its batch.
CANCEL_AGAIN_SECONDS = 3.5
#: How often figures that a job keeps in the database are read for the metrics.
MEASURE_SECONDS = 60.0


def clock() -> datetime:
    return datetime.now(UTC)


@dataclass
class Runner:
    """Joins the parts of the chosen roles. `ready` is set once everything asked for is up."""

    settings: Settings
    parts: Parts
    roles: Sequence[str]
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    #: Held while the gateway says that it lives, or that it leaves: the one cannot come after the other.
    living: asyncio.Lock = field(default_factory=asyncio.Lock)
    lanes: list[Lane] = field(default_factory=list)
    tasks: list[Callable[[], Awaitable[object]]] = field(default_factory=list)
    #: NOTIFY channel → whom it wakes.
    wake: dict[str, list[Callable[[], None]]] = field(default_factory=lambda: {"notification": []})

    @property
    def zone(self) -> ZoneInfo:
        """In which people live."""
        return ZoneInfo(self.settings.timezone)

    async def run(self, beside: Sequence[Callable[[Runner], Awaitable[object]]] = ()) -> None:
        """Until `stop` is set, a signal comes, or a task fails. `beside`: more tasks, such as the demo's devices."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stop.set)
        async with AsyncExitStack() as stack:
            composition.route(self.settings.router_url)
            self.pool = await stack.enter_async_context(db.pool(self.parts.database_url, size=20))
            await self.prepare()
            self.clock = clockwork.wind(self.jobs())
            self.clock.start()
            stack.callback(self.clock.shutdown, wait=False)
            stages = self.stages(stack)
            for stage in stages:
                self.add_stage(stage)
            if "web" in self.roles:
                self.add_web()
            if {"alerts", "bot"} & set(self.roles):
                self.tasks.append(self.chat)
            self.tasks.append(lambda: db.listen(self.parts.database_url, self.wake))
            self.add_watchdog(stages, stack)
            await self.hold([*self.tasks, *(lambda run=run: run(self) for run in beside)])
            await self.leave()

    async def prepare(self) -> None:
        """Before the first stage looks: partitions for today's readings, and time to speak after we were away."""
        async with self.pool.connection() as conn:
            await composition.tidy(conn, clock(), self.settings.keep_days)
            await job.register(conn, [*composition.jobs(self.settings.keep_days, self.zone), canary.job(self.parts, self.settings)], clock())
            if "gateway" in self.roles:
                await blindness.alive(conn, clock(), self.settings.gateway_name)

    async def leave(self) -> None:
        """A gateway that was stopped on purpose is not missed. One that fails or is killed does not come here, and is."""
        if "gateway" not in self.roles:
            return
        try:
            async with asyncio.timeout(STOP_SECONDS), self.living, self.pool.connection() as conn:
                await blindness.leave(conn, self.settings.gateway_name)
        except (psycopg.OperationalError, TimeoutError) as error:
            log.warning("cannot_say_that_we_leave", error=str(error))

    def add_stage(self, stage: Stage) -> list[Loop]:
        """Its loops join the tasks; its hint and its tick wake them."""
        loops = [Loop(stage, self.pool, clock) for _ in range(stage.workers)]
        for loop in loops:
            if stage.hint:
                self.wake.setdefault(stage.hint, []).append(loop.wake)
            self.tasks.append(loop.run)
        clockwork.tick(self.clock, loops, self.settings.poll_seconds)
        return loops

    async def chat(self) -> None:
        """Sends notifications and listens to what people press. Without a token nobody is told by chat, and the log says so."""
        module = await asyncio.to_thread(importlib.import_module, "cloudfamily.chat") if self.settings.telegram_token else None
        if module is None:
            log.warning("no_chat", why="CF_TELEGRAM_TOKEN is not set: nobody is told by Telegram unless a process with a token runs")
        bot = module.make_bot(self.settings) if module else None
        try:
            async with asyncio.TaskGroup() as group:
                if "alerts" in self.roles:
                    group.create_task(self.deliver(bot))
                if module and "bot" in self.roles:
                    group.create_task(module.poll(bot, self.pool, self.settings, self.parts.database_url))
        finally:
            if bot is not None:
                await bot.session.close()

    async def deliver(self, bot: Bot | None) -> None:
        async with channels.opened(self.settings, bot) as there, asyncio.TaskGroup() as group:
            sender = deliver.Deliver(there, self.zone)
            for stage in deliver.stages_of(sender):
                loops = self.add_stage(stage)
                if stage.name == "deliver":
                    sender.wake = loops[0].wake
                for loop in loops:
                    group.create_task(loop.run())

    async def hold(self, tasks: Sequence[Callable[[], Awaitable[object]]]) -> None:
        """Runs the tasks until a stop; then the web closes its streams, the lanes finish their batch, the rest is cancelled."""
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(run_forever(task)) for task in tasks]
            self.ready.set()
            await self.stop.wait()
            log.info("stopping")
            for lane in self.lanes:
                lane.stop.set()
            left = set(running)
            while left:  # asked once more: a cancellation can be lost on its way (core/stopping.py)
                for task in left:
                    task.cancel()
                _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_SECONDS)

    def stages(self, stack: AsyncExitStack) -> list[Stage]:
        """The stages of the roles but `deliver`, which comes with the chat, and the gateway's lanes."""
        found: list[Stage] = []
        if "gateway" in self.roles:
            publisher = command.Publisher(self.settings, self.parts.broker)
            stack.callback(publisher.close)
            found += [*supervise.STAGES, *command.stages(publisher)]
            settings = self.settings.model_copy(update={"mqtt_shared": self.settings.mqtt_shared and self.settings.mqtt_host is not None})
            # A press, and whoever comes back from the database, waits for a busy thread this long and not Python's usual 5 ms.
            sys.setswitchinterval(0.0005)
            self.lanes = list(lanes(settings, self.parts.database_url, self.parts.broker))
            self.tasks += [lambda lane=lane: in_thread(lane) for lane in self.lanes]  # type: ignore[misc]
        if "alerts" in self.roles:
            found += [*watch.STAGES, *silence.STAGES, *vigil.STAGES, *gateways.STAGES, *escalate.STAGES, *offers.STAGES, *checkin.STAGES, *visits.STAGES]
            found += [*quiet.STAGES, *incident.STAGES, *recover.stages(timedelta(minutes=self.settings.recover_minutes))]
            found += reachability.stages(self.zone)
            found.append(job.stage(composition.jobs(self.settings.keep_days, self.zone)))
            if self.settings.canary:
                found.append(job.stage([canary.job(self.parts, self.settings)], "canary", canary.TIMEOUT_SECONDS))
        if "timebank" in self.roles:
            found.append(credit.STAGE)
        return found

    def add_watchdog(self, stages: Sequence[Stage], stack: AsyncExitStack) -> None:
        """In a thread of its own. Notifications are looked at wherever alerts are: nobody sends them is what must be noticed."""
        alerts = "alerts" in self.roles
        sending = deliver.stages({}, ZoneInfo(self.settings.timezone)) if alerts else ()
        probes = [lane_probe(lane) for lane in self.lanes]
        dog = Watchdog(self.settings, self.parts.database_url, [*stages, *sending], probes, canary=alerts and self.settings.canary)
        stack.callback(dog.stop.set)
        self.tasks.append(dog.beat)
        threading.Thread(target=dog.run, name="watchdog", daemon=True).start()

    def add_web(self) -> None:
        hub = Hub(self.pool)
        self.wake["alert_event"] = [hub.wake]
        checks: list[Check] = [DatabaseCheck(self.pool), *(LaneCheck(lane) for lane in self.lanes)]
        voice_secret = self.settings.voice_secret.get_secret_value() if self.settings.voice_secret else None
        broker = parts.device_broker(self.settings, self.parts)
        app = composition.web(self.pool, clock, hub, checks, broker, self.settings.public_url, voice_secret, self.zone)
        made = server.make(app, self.settings.web_host, self.settings.web_port)
        self.tasks += [hub.run, lambda: server.serve(made, hub)]

    def jobs(self) -> dict[str, tuple[float, clockwork.Job]]:
        """What each process does for itself, again and again; what is done once for all of them is a `job` of the database."""

        async def alive() -> None:
            async with self.living:
                if not self.stop.is_set() and all(lane.ready for lane in self.lanes):
                    async with self.pool.connection() as conn:
                        await blindness.alive(conn, clock(), self.settings.gateway_name)

        async def measure() -> None:
            async with self.pool.connection() as conn:
                for kind, problems in (await coverage.counted(conn)).items():
                    metrics.coverage_problems.labels(kind).set(problems)

        found: dict[str, tuple[float, clockwork.Job]] = {}
        if "web" in self.roles:  # where /metrics is
            found["coverage"] = (MEASURE_SECONDS, measure)
        if "gateway" in self.roles:
            found["alive"] = (10.0, alive)
            if self.settings.mosquitto_dir:
                found["access"] = (mosquitto.KEEP_SECONDS, self.keeper(mosquitto.Keeper(self.settings.mosquitto_dir, self.settings.mosquitto_reload)))
        return found

    def keeper(self, keeper: mosquitto.Keeper) -> clockwork.Job:
        async def keep() -> None:
            async with self.pool.connection() as conn:
                await keeper.keep(conn, clock(), heard=all(lane.ready for lane in self.lanes))

        return keep


async def run_forever(task: Callable[[], Awaitable[object]]) -> None:
    """A task that fails on the database or the network is started again; any other failure ends the process, loudly."""
    while not told_to_stop():
        try:
            await task()
            return
        except (psycopg.OperationalError, ConnectionError, TimeoutError) as error:
            log.warning("task_restarts", error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(1)


async def in_thread(lane: Lane) -> None:
    """A lane in a thread of its own, which ends when the lane's `stop` is set."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            lane.run()
        except BaseException as error:
            failures.append(error)
        finally:
            loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=run, name=f"lane {lane.name}", daemon=True).start()
    try:
        await ended.wait()
    except asyncio.CancelledError:
        async with asyncio.timeout(STOP_SECONDS):
            await ended.wait()
        raise
    if failures:
        raise failures[0]


@dataclass(frozen=True)
class DatabaseCheck:
    pool: db.Pool
    name: str = "database"

    async def ready(self) -> bool:
        try:
            async with asyncio.timeout(2), self.pool.connection() as conn:
                await conn.execute("SELECT 1")
        except Exception:
            return False
        return True


def lane_probe(lane: Lane) -> Probe:
    """What /readyz asks of it, too."""
    name = f"lane {lane.name}"
    return lambda: None if lane.ready else Trouble(name, "platform_lane", {"lane": name})


@dataclass(frozen=True)
class LaneCheck:
    lane: Lane

    @property
    def name(self) -> str:
        return f"lane {self.lane.name}"

    async def ready(self) -> bool:
        return self.lane.ready
