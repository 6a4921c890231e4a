"""recover: what was over by itself and nobody has accepted is closed after a while. Never life safety, never stillness.

A home in which somebody moves again after a long stillness is not closed by that: telecare centres call all the same, for whoever
lay on the floor for hours moves, too. Only what nobody need look after is: a device, hub, gateway or district that is heard again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from cloudfamily_platform.alerts import alert, notify, quiet
from cloudfamily_platform.alerts.alert import QUERIES, Row
from cloudfamily_platform.core import db
from cloudfamily_platform.core.stage import Stage, take_one


def stages(after: timedelta) -> tuple[Stage, ...]:
    """`after`: how long it must have been over."""

    async def step(conn: db.Connection, now: datetime) -> bool:
        """One alert of which the cause is over is closed, or waits on."""
        return await take_one(conn, now, claim=QUERIES["claim_recovered"], work=close, postpone=QUERIES["not_recovered"], before=now - after)

    due = f"SELECT min(recovered_at) + interval '{after.total_seconds()} s' AS due_at FROM alert WHERE state = 'open' AND recovered_at IS NOT NULL"
    return (Stage(name="recover", step=step, oldest_due=due),)


async def close(conn: db.Connection, claimed: Row, now: datetime) -> None:
    """Another device of the home may still be what the alert is about: then it stays for people."""
    row = await alert.load(conn, claimed["id"])
    known = {"home_id": row["home_id"], "device_code": row["device_code"], "kind": row["kind"], "first_at": row["opened_at"], "last_at": row["opened_at"]}
    if not await quiet.over(conn, known, now, of_home=True):
        await conn.execute(QUERIES["not_recovered"], claimed)
        return
    await conn.execute(QUERIES["recover"], {"id": row["id"], "now": now})
    for asked in await (await conn.execute(QUERIES["withdraw_offers"], {"alert_id": row["id"]})).fetchall():
        await notify.tell(conn, row["id"], asked["person_id"], "recovered", now)
    await notify.tell_those_told(conn, row["id"], 0, "recovered", {}, now)
    await alert.add_event(conn, row["id"], "closed_by_itself", now)
