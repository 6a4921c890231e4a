"""The figures of the status line and the wall."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cloudfamily_platform.core import db, sql

QUERIES = sql.load("cloudfamily_platform.insight")


async def figures(conn: db.Connection, now: datetime) -> dict[str, Any]:
    """readings_per_s over the last 10 s, open_alerts, deliveries of 24 h, waiting (due rows of all stages),
    accepted_within_60_s (a share of the critical alerts of 30 days, None without any)."""
    row = await db.one(await conn.execute(QUERIES["figures"], {"now": now}))
    return {**row, "readings_per_s": float(row["readings_per_s"])}
