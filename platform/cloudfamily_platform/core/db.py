"""Connections: a pool for units of work, and one listener that turns NOTIFY into wake-ups."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import psycopg
import structlog
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from cloudfamily_platform.core.stopping import told_to_stop

log = structlog.get_logger()


Connection = psycopg.AsyncConnection[DictRow]
Pool = AsyncConnectionPool[Connection]


@asynccontextmanager
async def pool(url: str, size: int = 12) -> AsyncIterator[Pool]:
    """A pool of autocommit connections with dict rows; a unit of work opens its own transaction."""
    made: Pool = AsyncConnectionPool(
        url,
        min_size=2,
        max_size=size,
        open=False,
        timeout=10,
        connection_class=psycopg.AsyncConnection[DictRow],
        kwargs={"autocommit": True, "row_factory": dict_row, "options": "-c timezone=UTC -c lock_timeout=5s"},
    )
    async with made:
        yield made


async def connect(url: str) -> Connection:
    """One autocommit connection with dict rows."""
    return await psycopg.AsyncConnection.connect(url, autocommit=True, row_factory=dict_row, options="-c timezone=UTC")


async def one(cursor: psycopg.AsyncCursor[DictRow]) -> DictRow:
    """The row of a query that always gives one. Raises LookupError when it did not."""
    row = await cursor.fetchone()
    if row is None:
        raise LookupError("a query that always gives a row gave none")
    return row


async def listen(url: str, wake: dict[str, list[Callable[[], None]]], retry_seconds: float = 1.0) -> None:
    """Calls `wake[channel]` at each NOTIFY, for ever. After a lost connection everybody is woken: hints may be missing."""
    while not told_to_stop():
        try:
            async with await connect(url) as conn:
                for channel in wake:
                    await conn.execute(f"LISTEN {channel}".encode())
                for calls in wake.values():
                    run_all(calls)
                async for note in conn.notifies():
                    run_all(wake.get(note.channel, []))
                    if told_to_stop():
                        return
        except psycopg.OperationalError as error:
            log.warning("listen_lost", error=str(error))
        await asyncio.sleep(retry_seconds)


def run_all(calls: list[Callable[[], None]]) -> None:
    for call in calls:
        call()


async def hint(conn: Connection, channel: str) -> None:
    """Wakes the stage that listens on `channel` once this transaction has committed."""
    await conn.execute("SELECT pg_notify(%s, '')", [channel])
