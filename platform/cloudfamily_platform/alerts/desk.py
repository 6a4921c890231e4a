"""The desk: operators hear at once of what only people can put right."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cloudfamily_platform.alerts import notify
from cloudfamily_platform.alerts.alert import QUERIES
from cloudfamily_platform.core import db


async def tell(conn: db.Connection, row: dict[str, Any], message: str, params: Mapping[str, object], now: datetime) -> int:
    """Tells the operators of the alert's district, or, where none can be told, the supervisors. Returns how many were told: with
    0 the console is all that shows it. The caller has the alert's lock, and writes the event."""
    where = {"district_id": row["district_id"], "canary": row["canary"], "now": now}
    told = 0
    for role in ("operator", "supervisor"):
        for person in await (await conn.execute(QUERIES["people_by_role"], where | {"role": role})).fetchall():
            told += await notify.tell(conn, row["id"], person["person_id"], message, now, params=params)
        if told:
            break
    await notify.send(conn)
    return told
