"""A stage: one bounded unit of work on due rows, drained in a loop that cannot die.

Every stage takes due rows from the table on its left and writes rows to the table on its right, in one transaction.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

import psycopg
import structlog
from psycopg.rows import DictRow

from cloudfamily_platform.core import metrics
from cloudfamily_platform.core.db import Connection, Pool
from cloudfamily_platform.core.stopping import told_to_stop

log = structlog.get_logger()
Clock = Callable[[], datetime]
Step = Callable[[Connection, datetime], Awaitable[bool]]


@dataclass(frozen=True, kw_only=True)
class Stage:
    #: A verb or a noun, as in the picture of ARCHITECTURE.md.
    name: str
    #: Does one unit; True if there was one. Gets an autocommit connection and opens its own transactions.
    step: Step
    #: One row, one column `due_at`: the oldest due row not done yet (NULL: none).
    oldest_due: LiteralString
    #: NOTIFY channel that hints at new rows; None: only the poll finds them.
    hint: str | None = None
    #: A unit that takes longer is cancelled and counts as an error.
    timeout_seconds: float = 10.0
    #: A due row that waits longer than this means that the stage does not work: the watchdog says so.
    limit_seconds: float = 60.0
    #: How many loops drain it at once in one process (SKIP LOCKED keeps them apart).
    workers: int = 1


async def take_one(
    conn: Connection,
    now: datetime,
    *,
    claim: LiteralString,
    work: Callable[[Connection, DictRow, datetime], Awaitable[object]],
    postpone: LiteralString,
    **values: object,
) -> bool:
    """Claims one due row and does its work, in one transaction; False when there is none.

    A row whose work throws waits alone, and whatever stands behind it goes on; the database's own trouble (a lost connection,
    a deadlock) is raised: all is rolled back and soon tried again. `claim` gets `now` and `values`, `postpone` the row and `now`.
    """
    async with conn.transaction():
        row = await (await conn.execute(claim, {"now": now, **values})).fetchone()
        if row is None:
            return False
        await conn.execute("SAVEPOINT claimed")
        try:
            await work(conn, row, now)
        except psycopg.OperationalError:
            raise
        except Exception:
            log.exception("postponed", work=f"{work.__module__}.{work.__qualname__}", row=row["id"])
            await conn.execute("ROLLBACK TO SAVEPOINT claimed")
            await conn.execute(postpone, row | {"now": now})
    return True


class Loop:
    """Drains one stage: until nothing is due, then waits for `wake()`."""

    def __init__(self, stage: Stage, pool: Pool, clock: Clock) -> None:
        self.stage, self.pool, self.clock = stage, pool, clock
        self.awake = asyncio.Event()
        self.awake.set()

    def wake(self) -> None:
        self.awake.set()

    async def run(self) -> None:
        while not told_to_stop():
            await self.awake.wait()
            self.awake.clear()
            while await self.unit() and not told_to_stop():
                pass

    async def unit(self) -> bool:
        """One unit with its time-out and its guard: a failing row, home or channel never stops the loop."""
        name, began = self.stage.name, time.monotonic()
        try:
            async with asyncio.timeout(self.stage.timeout_seconds), self.pool.connection() as conn:
                did = await self.stage.step(conn, self.clock())
        except asyncio.CancelledError:
            raise
        except Exception:
            metrics.stage_errors.labels(name).inc()
            log.exception("stage_failed", stage=name)
            await asyncio.sleep(0.5)  # the next tick or hint tries again; a broken database must not spin us
            return False
        if did:
            metrics.stage_units.labels(name).inc()
            metrics.stage_seconds.labels(name).observe(time.monotonic() - began)
        return did

    async def measure(self) -> float:
        """Seconds by which the oldest due row is late; 0 when nothing is due."""
        async with self.pool.connection() as conn:
            row = await (await conn.execute(self.stage.oldest_due)).fetchone()
        due = row["due_at"] if row else None
        lag = max(0.0, (self.clock() - due).total_seconds()) if due else 0.0
        metrics.stage_lag.labels(self.stage.name).set(lag)
        return lag
