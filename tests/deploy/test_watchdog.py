"""The dead man's switch: what is wrong reaches who is on call by ways that do not need it, and no heartbeat goes out."""

from __future__ import annotations

import asyncio
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cloudfamily import composition, watchdog
from cloudfamily.embedded.postgres import EmbeddedPostgres
from cloudfamily.watchdog import Memory, Trouble, Watchdog
from cloudfamily_platform.alerts import deliver, escalate, silence, watch
from cloudfamily_platform.core import job, migrate
from cloudfamily_platform.core.settings import Settings

LOOK_SECONDS = 0.05
ILL = Trouble("stage watch", "platform_stage", {"stage": "watch", "seconds": 9, "limit_seconds": 5})


class Outside:
    """Whoever is called: a real server that takes alarms, chat messages and heartbeats."""

    def __init__(self) -> None:
        self.alarms: queue.Queue[dict[str, Any]] = queue.Queue()
        self.chats: queue.Queue[dict[str, Any]] = queue.Queue()
        self.heartbeats: queue.Queue[str] = queue.Queue()
        self.status = 200
        outside = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outside.heartbeats.put(self.path)
                self.answer()

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                (outside.chats if self.path.startswith("/bot") else outside.alarms).put(body | {"path": self.path})
                self.answer()

            def answer(self) -> None:
                self.send_response(outside.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def settings(self) -> Settings:
        url = f"http://127.0.0.1:{self.server.server_port}"
        more = {"alarm_url": f"{url}/alarm", "heartbeat_url": f"{url}/ping", "alarm_chat": "-77", "telegram_token": "1:secret", "telegram_api": url}
        return Settings(**more)  # type: ignore[arg-type]


@pytest.fixture
def outside() -> Iterator[Outside]:
    made = Outside()
    yield made
    made.server.shutdown()
    made.server.server_close()


@contextmanager
def watching(outside: Outside, url: str, **more: Any) -> Iterator[Watchdog]:
    """A watchdog in its thread."""
    dog = Watchdog(outside.settings, url, **{"stages": (), "look_seconds": LOOK_SECONDS, "still_seconds": 1e9, **more})
    thread = threading.Thread(target=dog.run)
    thread.start()
    try:
        yield dog
    finally:
        dog.stop.set()
        thread.join(60)
        assert not thread.is_alive()


def test_all_is_well_and_the_heartbeat_says_so_once_a_minute(world: Any, outside: Outside) -> None:
    with watching(outside, world.url, stages=[*watch.STAGES, *escalate.STAGES]) as dog:
        assert outside.heartbeats.get(timeout=30) == "/ping"
        time.sleep(4 * LOOK_SECONDS)
        assert outside.heartbeats.empty()
        dog.heartbeat_at -= watchdog.HEARTBEAT_SECONDS
        assert outside.heartbeats.get(timeout=30) == "/ping"
    assert outside.alarms.empty()
    assert world.rows("SELECT ill FROM watchdog") == [{"ill": []}]


def test_rows_that_nobody_takes_raise_an_alarm_by_every_way_and_stop_the_heartbeat(world: Any, outside: Outside) -> None:
    world.now = datetime.now(UTC) - timedelta(seconds=8)
    world.home()
    world.person("boss", "supervisor", chat=4, city=True)
    world.person("operator", "operator", chat=3)
    world.press()
    with watching(outside, world.url, stages=watch.STAGES):
        alarm = outside.alarms.get(timeout=30)
        assert (alarm["path"], alarm["state"], alarm["reason"]) == ("/alarm", "ill", "stage watch")
        assert "Stage watch is behind: its oldest row has been due for " in alarm["text"]
        assert "环节 watch 积压" in alarm["text"]
        said = outside.chats.get(timeout=30)
        assert (said["path"], said["chat_id"], said["text"]) == ("/bot1:secret/sendMessage", "-77", alarm["text"])
        until(lambda: world.rows("SELECT FROM alert WHERE kind = 'platform_ill'"))
        row = world.rows("SELECT severity, state, device_code, why->>'key' AS why FROM alert WHERE kind = 'platform_ill'")
        assert row == [{"severity": "high", "state": "open", "device_code": "platform.stage.watch", "why": "alert.why.platform_stage"}]
        told = world.rows("SELECT p.code FROM notification n JOIN person p ON p.id = n.person_id")
        assert told == [{"code": "boss"}]
        assert outside.heartbeats.empty()

        world.now = datetime.now(UTC)
        world.drain(*watch.STAGES)
        clear = outside.alarms.get(timeout=30)
        assert (clear["state"], clear["reason"]) == ("well", "stage watch")
        assert outside.heartbeats.get(timeout=30) == "/ping"
        until(lambda: world.rows("SELECT FROM alert_event WHERE kind = 'well_again'"))
    assert outside.alarms.empty()


def test_notifications_that_nobody_sends_are_noticed(world: Any, outside: Outside) -> None:
    home = world.home()
    world.family(home, "daughter", chat=1)
    world.now = datetime.now(UTC) - timedelta(seconds=60)
    world.press()
    world.drain(*watch.STAGES, *escalate.STAGES)
    with watching(outside, world.url, stages=deliver.stages({}, None)):  # type: ignore[arg-type]
        assert outside.alarms.get(timeout=30)["reason"] == "stage deliver"


def test_a_dead_database_raises_an_alarm_and_its_return_the_all_clear(made: Path, port: int, outside: Outside) -> None:
    database = EmbeddedPostgres(made, port)
    url = database.start()
    try:
        migrate.migrate(url, composition.MIGRATED)
        with watching(outside, url, stages=watch.STAGES) as dog:
            outside.heartbeats.get(timeout=30)
            database.stop()
            alarm = outside.alarms.get(timeout=30)
            assert (alarm["state"], alarm["reason"]) == ("ill", "database")
            assert "The database does not answer: " in alarm["text"]
            assert outside.chats.get(timeout=30)["chat_id"] == "-77"
            dog.heartbeat_at = -watchdog.HEARTBEAT_SECONDS
            time.sleep(4 * LOOK_SECONDS)
            assert outside.heartbeats.empty()
            database.start()
            while (alarm := outside.alarms.get(timeout=30))["reason"] != "database":
                pass
            assert alarm["state"] == "well"
            outside.heartbeats.get(timeout=30)
    finally:
        database.stop()


def test_a_process_that_stands_still_raises_an_alarm(world: Any, outside: Outside) -> None:
    async def stand_still(dog: Watchdog) -> dict[str, Any]:
        beating = asyncio.create_task(dog.beat())
        await asyncio.sleep(0)
        alarm = outside.alarms.get(timeout=30)  # the loop itself waits here, and so stands still
        assert not beating.done()
        beating.cancel()
        return alarm

    with watching(outside, world.url, still_seconds=0.2) as dog:
        alarm = asyncio.run(stand_still(dog))
        assert (alarm["state"], alarm["reason"]) == ("ill", "loop")


def test_a_canary_that_does_not_come_through_is_missed(world: Any, outside: Outside) -> None:
    world.insert("job", name="canary", due_at=datetime.now(UTC), done_at=datetime.now(UTC), error="Failed: offer: not within 15 s")
    with watching(outside, world.url, canary=True) as dog:
        outside.heartbeats.get(timeout=30)
        world.sync.execute("UPDATE job SET done_at = done_at - interval '181 seconds'")
        dog.since -= timedelta(seconds=200)
        alarm = outside.alarms.get(timeout=30)
    assert alarm["reason"] == "canary"
    assert "Failed: offer: not within 15 s" in alarm["text"]


def test_what_a_probe_finds_is_told(world: Any, outside: Outside) -> None:
    with watching(outside, world.url, probes=[lambda: Trouble("lane press", "platform_lane", {"lane": "lane press"})]):
        assert "lane press does not take in what devices say" in outside.alarms.get(timeout=30)["text"]
    assert outside.heartbeats.empty()


def test_no_heartbeat_while_another_process_is_ill(world: Any, outside: Outside) -> None:
    now = datetime.now(UTC)
    world.insert("watchdog", process="elsewhere:1", at=now, ill=["lane press"])
    with watching(outside, world.url) as dog:
        until(lambda: world.rows("SELECT FROM watchdog WHERE process = %s", dog.process))
        time.sleep(4 * LOOK_SECONDS)
        assert outside.heartbeats.empty()
        world.sync.execute("UPDATE watchdog SET at = at - interval '61 seconds' WHERE process = 'elsewhere:1'")  # it is no more
        outside.heartbeats.get(timeout=30)


def test_an_alarm_that_could_not_be_sent_is_sent_again(world: Any, outside: Outside) -> None:
    outside.status = 500
    with watching(outside, world.url, probes=[lambda: ILL]):
        for _ in range(3):
            outside.alarms.get(timeout=30)
        outside.status = 200
        until(lambda: (drained(outside.alarms), time.sleep(6 * LOOK_SECONDS), outside.alarms.empty())[-1])
    assert len(world.rows("SELECT FROM alert WHERE kind = 'platform_ill'")) == 1


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        ([(0, 1)], []),
        ([(0, 1), (10, 1)], ["first 10"]),
        ([(0, 1), (10, 0), (20, 1), (30, 0)], []),
        ([(0, 1), (10, 1), (20, 0), (30, 1), (40, 1)], ["first 10"]),
        ([(0, 1), (10, 1), (20, 0), (30, 0), (40, 0)], ["first 10", "over 30"]),
        ([(10 * n, 1) for n in range(200)], ["first 10", "again 910", "again 1810"]),
        ([(0, 1), (10, 1), (20, 0), (30, 0), (40, 1), (50, 1)], ["first 10", "over 30", "first 50"]),
    ],
)
def test_what_is_said_and_when(looks: list[tuple[int, int]], said: list[str]) -> None:
    memory, found = Memory(), []
    for at, ill in looks:
        for news in memory.look([ILL] * ill, at):
            found.append(f"{news.what} {at}")
            memory.said(news, at)
    assert found == said


def test_each_stage_has_a_limit_and_jobs_of_others_are_not_ours() -> None:
    limits = {stage.name: stage.limit_seconds for stage in (*watch.STAGES, *silence.STAGES, *escalate.STAGES, *deliver.stages({}, None))}  # type: ignore[arg-type]
    assert (limits["watch"], limits["escalate"], limits["deliver"]) == (5, 5, 10)
    assert "name IN ('tidy', 'seal', " in job.stage(composition.jobs(400, ZoneInfo("UTC"))).oldest_due
    assert "name IN (NULL)" in job.stage([]).oldest_due


def until(true: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def drained(one: queue.Queue[Any]) -> None:
    while not one.empty():
        one.get()
