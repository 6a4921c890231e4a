"""gateways: one that no longer says that it lives is an alert. Raised here, since a dead gateway can raise nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cloudfamily_platform.alerts import alert
from cloudfamily_platform.alerts.alert import QUERIES
from cloudfamily_platform.alerts.rules import signals
from cloudfamily_platform.core import db
from cloudfamily_platform.core.stage import Stage, take_one
from cloudfamily_platform.people import blindness

KIND = "gateway_dark"


async def step(conn: db.Connection, now: datetime) -> bool:
    """One gateway that is due is looked at: dark, back, or alive after all."""
    return await take_one(conn, now, claim=QUERIES["claim_gateway"], work=look, postpone=QUERIES["gateway_postponed"], each=blindness.EACH)


async def look(conn: db.Connection, row: dict[str, Any], now: datetime) -> None:
    """One incident for each darkness; while its alert is open, the end of it is a line of the timeline."""
    name = row["name"].removeprefix(blindness.EACH)
    seconds, dark_since, due_at = int((now - row["at"]).total_seconds()), row["dark_since"], None
    if now - row["at"] < blindness.DARK_AFTER:
        dark_since, due_at = None, row["at"] + blindness.DARK_AFTER
    elif dark_since is None:
        dark_since = row["at"]
    # The row of the gateway first, and the timeline, whose lock is short, last.
    await conn.execute(QUERIES["gateway_looked_at"], {"name": row["name"], "dark_since": dark_since, "due_at": due_at})
    code = f"gateway.{name}"
    if dark_since and not row["dark_since"]:
        hazard = signals.judge(KIND, {"device": name, "seconds": seconds}, code)
        await alert.open_alert(conn, hazard, home_id=None, district_id=None, device_code=code, seq=None, canary=False, now=now)
    elif row["dark_since"] and not dark_since:
        await alert.note_recovered(conn, KIND, None, code, name, now)


STAGES = (Stage(name="gateways", step=step, oldest_due="SELECT min(due_at) AS due_at FROM alive WHERE due_at IS NOT NULL"),)
