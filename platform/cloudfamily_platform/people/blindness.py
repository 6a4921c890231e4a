"""After a time in which no gateway listened, silence means nothing yet: devices and homes get time to speak first."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from cloudfamily_platform.core import db
from cloudfamily_platform.people.person import QUERIES

log = structlog.get_logger()
NAME = "gateway"
#: Gateways say that they live every few seconds; a gap longer than this was blindness.
BLIND_AFTER = timedelta(minutes=2)
GRACE_MINUTES = 180


async def alive(conn: db.Connection, now: datetime) -> None:
    """A gateway lives. The first one after a gap gives everybody time."""
    async with conn.transaction():
        row = await db.one(await conn.execute(QUERIES["alive"], {"name": NAME, "now": now}))
        if row["before"] is None or now - row["before"] > BLIND_AFTER:
            log.info("was_blind", since=str(row["before"]))
            await conn.execute(QUERIES["watch_devices_from"], {"now": now})
            await conn.execute(QUERIES["give_homes_time"], {"now": now, "grace_minutes": GRACE_MINUTES})
