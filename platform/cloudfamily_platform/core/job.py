"""Jobs: what comes round (each minute, each week), done once a period however many processes run.

A job is a row of the table `job`, and doing jobs is a stage like any other: whoever holds the row does the work in the same
transaction, so that what a killed process left undone is done by another.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString

import structlog

from cloudfamily_platform.core import db, sql
from cloudfamily_platform.core.stage import Stage

log = structlog.get_logger()
QUERIES = sql.load("cloudfamily_platform.core")
#: A job that failed is tried again after this, or after its period if that is shorter.
AGAIN = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Job:
    name: str
    every: timedelta
    #: Gets a connection inside the job's transaction, and the time.
    run: Callable[[db.Connection, datetime], Awaitable[object]]


async def register(conn: db.Connection, jobs: Sequence[Job], now: datetime) -> None:
    """Makes the rows that are missing, due at once."""
    await conn.execute(QUERIES["add_jobs"], {"names": [job.name for job in jobs], "now": now})


def stage(jobs: Sequence[Job], name: str = "job", timeout_seconds: float = 60.0) -> Stage:
    """The stage that does these jobs. Those of another version, that we do not know, are left to it."""
    known = {job.name: job for job in jobs}
    names = ", ".join(f"'{one}'" for one in known) or "NULL"  # ours, not anybody's input
    oldest_due: LiteralString = f"SELECT min(due_at) AS due_at FROM job WHERE name IN ({names})"

    async def step(conn: db.Connection, now: datetime) -> bool:
        async with conn.transaction():
            row = await (await conn.execute(QUERIES["claim_job"], {"names": list(known), "now": now})).fetchone()
            if row is None:
                return False
            job = known[row["name"]]
            try:
                async with conn.transaction():
                    await job.run(conn, now)
            except Exception as error:
                log.exception("job_failed", job=job.name)
                again = {"name": job.name, "due_at": now + min(AGAIN, job.every), "error": f"{type(error).__name__}: {error}"[:500]}
                await conn.execute(QUERIES["job_failed"], again)
            else:
                await conn.execute(QUERIES["job_done"], {"name": job.name, "due_at": following(row["due_at"], job.every, now), "now": now})
        return True

    return Stage(name=name, step=step, oldest_due=oldest_due, timeout_seconds=timeout_seconds, limit_seconds=120)


def following(due_at: datetime, every: timedelta, now: datetime) -> datetime:
    """The next time in the same rhythm; what was missed meanwhile is not made up for."""
    return due_at + every * ((now - due_at) // every + 1)
