"""Jobs: done once a period by whoever comes first, again after a failure, and never in step with the processes."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from cloudfamily_platform.core import db, job


def test_once_a_period_however_many_processes(world: Any) -> None:
    done: list[datetime] = []

    async def note(conn: db.Connection, now: datetime) -> None:
        await asyncio.sleep(0.05)
        done.append(now)

    stage = job.stage([job.Job(name="minutely", every=timedelta(minutes=1), run=note)])

    async def five_processes() -> None:
        conns = [await db.connect(world.url) for _ in range(5)]
        await job.register(conns[0], [job.Job(name="minutely", every=timedelta(minutes=1), run=note)], world.now)
        for minutes in range(3):
            await asyncio.gather(*(stage.step(conn, world.now + timedelta(minutes=minutes, seconds=7)) for conn in conns))
        for conn in conns:
            await conn.close()

    world.run(five_processes())
    assert [(at - world.now).total_seconds() for at in done] == [7, 67, 127]
    assert (world.value("SELECT due_at FROM job") - world.now).total_seconds() == 180  # in its own rhythm


def test_a_job_that_fails_leaves_nothing_and_comes_again(world: Any) -> None:
    tries = []

    async def fail_once(conn: db.Connection, now: datetime) -> None:
        await conn.execute("INSERT INTO alive (name, at) VALUES ('job', %s)", [now])
        tries.append(now)
        if len(tries) == 1:
            raise ValueError("not today")

    jobs = [job.Job(name="weekly", every=timedelta(days=7), run=fail_once)]
    world.run(job.register(world.conn, jobs, world.now))
    assert world.drain(job.stage(jobs)) == 1
    assert world.rows("SELECT done_at, error FROM job") == [{"done_at": None, "error": "ValueError: not today"}]
    assert world.rows("SELECT FROM alive WHERE name = 'job'") == []
    world.wait(seconds=60)
    assert world.drain(job.stage(jobs)) == 1
    assert world.rows("SELECT done_at, error FROM job") == [{"done_at": world.now, "error": None}]
    assert len(world.rows("SELECT FROM alive WHERE name = 'job'")) == 1


def test_a_job_of_another_version_is_left_to_it(world: Any) -> None:
    world.insert("job", name="of tomorrow", due_at=world.now)
    assert world.drain(job.stage([])) == 0


@pytest.mark.parametrize(("late_minutes", "next_minutes"), [(0, 10), (9.99, 10), (10, 20), (1000, 1010)])
def test_what_was_missed_is_not_made_up_for(late_minutes: float, next_minutes: float) -> None:
    at = datetime(2026, 1, 1)
    assert job.following(at, timedelta(minutes=10), at + timedelta(minutes=late_minutes)) == at + timedelta(minutes=next_minutes)
