"""A stage's loop: it drains what is due and outlives every step that throws or hangs."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from prometheus_client import REGISTRY

from cloudfamily_platform.core import db
from cloudfamily_platform.core.stage import Loop, Stage

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
NEVER = "SELECT NULL::timestamptz AS due_at"


@asynccontextmanager
async def looping(url: str, step: Callable[..., Awaitable[bool]], **more: Any) -> AsyncIterator[Loop]:
    """A loop that runs, of a stage with a name of its own."""
    async with db.pool(url, size=2) as pool:
        loop = Loop(Stage(name=f"test-{uuid.uuid4().hex[:8]}", step=step, oldest_due=NEVER, **more), pool, lambda: NOW)
        running = asyncio.create_task(loop.run())
        try:
            async with asyncio.timeout(60):
                yield loop
            assert not running.done()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def counted(loop: Loop, what: str) -> float:
    return REGISTRY.get_sample_value(f"cf_stage_{what}_total", {"stage": loop.stage.name}) or 0.0


def test_it_drains_what_is_due_and_then_waits_to_be_woken(database: str) -> None:
    due, done, idle = 3, [], asyncio.Event()

    async def step(conn: db.Connection, now: datetime) -> bool:
        nonlocal due
        if due == 0:
            idle.set()
            return False
        due -= 1
        done.append((now, (await db.one(await conn.execute("SELECT 1 AS n")))["n"]))
        return True

    async def story() -> None:
        nonlocal due
        async with looping(database, step) as loop:
            await idle.wait()
            assert done == [(NOW, 1)] * 3
            idle.clear()
            due = 2
            loop.wake()
            loop.wake()
            await idle.wait()
            assert len(done) == 5
            assert (counted(loop, "units"), counted(loop, "errors")) == (5, 0)
            assert REGISTRY.get_sample_value("cf_stage_unit_seconds_count", {"stage": loop.stage.name}) == 5

    asyncio.run(story())


@pytest.mark.parametrize("how", ["throws", "hangs", "breaks its connection"])
def test_a_step_that_fails_does_not_end_the_loop(database: str, how: str) -> None:
    tries, well = 0, asyncio.Event()

    async def step(conn: db.Connection, now: datetime) -> bool:
        nonlocal tries
        tries += 1
        if tries > 1:
            await conn.execute("SELECT 1")
            well.set()
        elif how == "throws":
            raise ZeroDivisionError("a broken step")
        elif how == "hangs":
            await conn.execute("SELECT pg_sleep(60)")
        else:
            await conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return False

    async def story() -> None:
        async with looping(database, step, timeout_seconds=0.1) as loop:
            loop.wake()
            while not well.is_set():
                await asyncio.sleep(0.01)
                loop.wake()  # as the clock does
            assert counted(loop, "units") == 0
            assert counted(loop, "errors") >= 1  # a slow machine may need more than the time-out for the second step, too

    asyncio.run(story())


@pytest.mark.parametrize("then", ["an error of its own", "all is well"])
def test_a_loop_that_is_cancelled_ends_even_when_its_step_swallows_that(database: str, then: str) -> None:
    """As psycopg does where a cancelled query meets a broken connection, and Python 3.11's wait_for where it just has its answer."""
    inside = asyncio.Event()

    async def step(conn: db.Connection, now: datetime) -> bool:
        inside.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as error:
            if then == "an error of its own":
                raise psycopg.OperationalError("the connection is lost") from error
        return then == "all is well"

    async def story() -> None:
        async with db.pool(database, size=2) as pool:
            task = asyncio.create_task(Loop(Stage(name="test-cancelled", step=step, oldest_due="SELECT NULL AS due_at"), pool, lambda: NOW).run())
            await inside.wait()
            task.cancel()
            async with asyncio.timeout(60):
                await asyncio.wait([task])
            assert task.done()

    asyncio.run(story())


def test_how_late_it_is(world: Any) -> None:
    world.home()
    world.sync.execute("UPDATE home SET due_at = %s", [NOW - timedelta(minutes=7)])

    async def story() -> None:
        async def step(conn: db.Connection, now: datetime) -> bool:
            return False

        async with db.pool(world.url, size=2) as pool:
            late = Loop(Stage(name="test-late", step=step, oldest_due="SELECT min(due_at) AS due_at FROM home"), pool, lambda: NOW)
            assert await late.measure() == 420
            assert REGISTRY.get_sample_value("cf_stage_lag_seconds", {"stage": "test-late"}) == 420
            assert await Loop(Stage(name="test-early", step=step, oldest_due=NEVER), pool, lambda: NOW).measure() == 0

    asyncio.run(story())


def test_a_notify_wakes_and_a_lost_connection_wakes_too(database: str) -> None:
    async def story() -> None:
        woken = asyncio.Queue[str]()
        wake = {"signal": [lambda: woken.put_nowait("signal")], "alert": [lambda: woken.put_nowait("alert")]}
        listening = asyncio.create_task(db.listen(database, wake, retry_seconds=0.01))
        async with asyncio.timeout(60), await db.connect(database) as conn:
            assert {await woken.get(), await woken.get()} == {"signal", "alert"}  # from now on it listens; what came before was missed
            await db.hint(conn, "alert")
            assert await woken.get() == "alert"
            async with conn.transaction():
                await db.hint(conn, "signal")
                assert woken.empty()
            assert await woken.get() == "signal"
            await conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
            assert {await woken.get(), await woken.get()} == {"signal", "alert"}
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)

    asyncio.run(story())
