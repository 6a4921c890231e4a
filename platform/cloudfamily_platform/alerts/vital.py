"""vital: what else is known of an elder when one of their values is past its limit."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from cloudfamily_platform.alerts.alert import QUERIES
from cloudfamily_platform.alerts.rules import vital
from cloudfamily_platform.alerts.rules.hazard import Hazard
from cloudfamily_platform.core import db
from cloudfamily_platform.people import vitals


async def look(conn: db.Connection, row: dict[str, Any], now: datetime) -> Hazard | None:
    """`row`: the signal. None: it is worth a note, and nobody need be called."""
    at = min(row["at"], now)
    numbers = {number: name for number, name in vitals.BY_NUMBER.items() if name in vitals.SCORED}
    values = {"device": row["device_code"], "home_id": row["home_id"], "at": at, "since": at - timedelta(hours=vital.RECENT_HOURS), "numbers": list(numbers)}
    rows = await (await conn.execute(QUERIES["recent_vitals"], values)).fetchall()
    recent = {numbers[one["quantity"]]: one["value"] for one in rows}
    return vital.judge(row["kind"], row["detail"], row["device_code"], recent, max((one["scale"] for one in rows), default=1))
