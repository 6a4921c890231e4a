"""watch: signals become alerts; a test that a device sends for itself calls nobody."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cloudfamily_platform.alerts import alert, quiet, vital
from cloudfamily_platform.alerts.alert import QUERIES
from cloudfamily_platform.alerts.rules import signals
from cloudfamily_platform.alerts.rules import vital as rules_vital
from cloudfamily_platform.core import db
from cloudfamily_platform.core.stage import Stage, take_one


async def step(conn: db.Connection, now: datetime) -> bool:
    """One due signal becomes an alert, or joins a live one."""
    return await take_one(conn, now, claim=QUERIES["claim_signal"], work=judge_signal, postpone=QUERIES["signal_postponed"])


async def judge_signal(conn: db.Connection, row: dict[str, Any], now: datetime) -> None:
    if row["kind"] == "back":
        await alert.note_recovered(conn, row["detail"]["was"], row["home_id"], row["device_code"], row["device_code"], now, detail=row["detail"])
    if row["kind"] in signals.NO_HAZARD:
        await conn.execute(QUERIES["signal_done"], {"id": row["id"]})
        return
    hazard = await vital.look(conn, row, now) if row["kind"] in rules_vital.KINDS else signals.judge(row["kind"], row["detail"], row["device_code"])
    if hazard is not None:
        where = {key: row[key] for key in ("home_id", "district_id", "device_code", "seq", "canary")}
        if row["home_id"] is None:
            where |= await home_by_now(conn, row)
        await quiet.raise_alert(conn, hazard, **where, now=now)
    await conn.execute(QUERIES["signal_done"], {"id": row["id"]})


async def home_by_now(conn: db.Connection, row: dict[str, Any]) -> dict[str, Any]:
    """The home that the signal's device has been given since, if any."""
    device = await (await conn.execute(QUERIES["lock_device_of_signal"], row)).fetchone()
    if device is None or device["home_id"] is None:
        return {}
    return await db.one(await conn.execute(QUERIES["home_of_signal"], device))


STAGES = (Stage(name="watch", step=step, hint="signal", oldest_due="SELECT min(due_at) AS due_at FROM signal WHERE due_at IS NOT NULL", limit_seconds=5),)
