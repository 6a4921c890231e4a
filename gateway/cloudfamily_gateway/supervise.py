"""supervise: a device that has said nothing for twice its interval is a signal. A lazy deadline: readings touch no timer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from cloudfamily_gateway.ingest import QUERIES
from cloudfamily_platform.core import db
from cloudfamily_platform.core.stage import Stage

LOOK_BACK = timedelta(days=45)


async def step(conn: db.Connection, now: datetime) -> bool:
    """One due device is looked at, and armed again."""
    async with conn.transaction():
        row = await (await conn.execute(QUERIES["claim_device"], {"now": now, "since": now - LOOK_BACK})).fetchone()
        if row is None:
            return False
        limit = timedelta(minutes=2 * row["report_minutes"])
        last = max(row["last_at"] or row["watched_from"], row["watched_from"])
        silent = now - last >= limit
        if silent:
            await signal(conn, row, last, now)
        await conn.execute(QUERIES["look_at_device_again"], {"id": row["id"], "due_at": now + limit if silent else last + limit})
    return True


async def signal(conn: db.Connection, row: dict[str, Any], last: datetime, now: datetime) -> None:
    """Once for each silence: `once` is the device's last word."""
    values = {
        "device": row["code"],
        "device_id": row["id"],
        "home_id": row["home_id"],
        "kind": "device_silent",
        "at": now,
        "received_at": now,
        "seq": None,
        "once": f"since {last.isoformat()}",
        "detail": Jsonb({"minutes": int((now - last).total_seconds() // 60)}),
    }
    await conn.execute(QUERIES["add_signal"], values)
    await conn.execute(QUERIES["hint_signal"])


STAGES = (Stage(name="supervise", step=step, oldest_due="SELECT min(due_at) AS due_at FROM device WHERE due_at IS NOT NULL"),)
