"""Gateways that live say so. After a time in which none listened, silence means nothing yet: everybody gets time to speak first."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from cloudfamily_platform.core import db
from cloudfamily_platform.people.person import QUERIES

log = structlog.get_logger()
#: The row of all gateways together: some gateway lived then.
NAME = "gateway"
#: Before a gateway's own name in its own row; no name has a slash.
EACH = "gateway/"
#: Gateways say that they live every few seconds. After a gap longer than this a device with a word a minute may have lost all
#: that it said within its limit: no device is judged, and each gets time.
DEAF_AFTER = timedelta(minutes=1)
#: After a longer one homes do, too.
BLIND_AFTER = timedelta(minutes=2)
GRACE_MINUTES = 180
#: A gateway that has not said for this long that it lives is dark. EN 50136 wants a lost link known within 3 minutes in its highest
#: grade; the alerts' side looks every few seconds, so it is known within 100 s.
DARK_AFTER = timedelta(seconds=90)
#: The row of a gateway that was replaced by one of another name is forgotten after this.
FORGET_AFTER = timedelta(days=30)


async def alive(conn: db.Connection, now: datetime, gateway: str | None = None) -> None:
    """A gateway lives, the one of this name. The first one after a gap gives everybody time."""
    async with conn.transaction():
        row = await db.one(await conn.execute(QUERIES["alive"], {"name": NAME, "now": now}))
        gap = None if row["before"] is None else now - row["before"]
        if gap is None or gap > DEAF_AFTER:
            await conn.execute(QUERIES["watch_devices_from"], {"now": now})
        if gap is None or gap > BLIND_AFTER:
            log.info("was_blind", since=str(row["before"]))
            await conn.execute(QUERIES["give_homes_time"], {"now": now, "grace_minutes": GRACE_MINUTES})
            await conn.execute(QUERIES["watch_homes_from"], {"now": now})
        if gateway is not None:
            await conn.execute(QUERIES["gateway_alive"], {"name": EACH + gateway, "now": now, "due_at": now + DARK_AFTER})


async def leave(conn: db.Connection, gateway: str) -> None:
    """This gateway stops on purpose: nobody is to miss it."""
    await conn.execute(QUERIES["gateway_leaves"], {"name": EACH + gateway})


async def forget(conn: db.Connection, now: datetime) -> None:
    """The daily cleaning: gateways that are long gone, and were reported when they went."""
    await conn.execute(QUERIES["forget_gateways"], {"before": now - FORGET_AFTER})
