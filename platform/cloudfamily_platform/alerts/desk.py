"""The desk: operators hear at once of what only people can put right."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cloudfamily_platform.alerts import escalate, notify
from cloudfamily_platform.core import db


async def tell(conn: db.Connection, row: dict[str, Any], message: str, params: Mapping[str, object], now: datetime) -> int:
    """Tells the operators on duty in the alert's district, or, where none can be told, the supervisors. Returns how many were told:
    with 0 the console is all that shows it. The caller has the alert's lock, and writes the event."""
    told = set[int]()
    for word in ("operators", "supervisors"):
        (those,), _ = await escalate.named(conn, row, [word], now)
        told = await notify.tell_many(conn, row["id"], those.people, message, now, params=params)
        if told:
            break
    return len(told)
