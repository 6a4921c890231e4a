"""unread: a call for help that nobody has seen goes by the person's next channel too; what channels prove is noted here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cloudfamily_platform.alerts.alert import QUERIES, Row
from cloudfamily_platform.core import db
from cloudfamily_platform.core.stage import Stage, take_one


async def next_way(conn: db.Connection, row: Row, known: Iterable[str]) -> Row | None:
    """The channel of `known` that follows for a notification (id, person_id, channel, by), and whether it is `untried`."""
    return await (await conn.execute(QUERIES["next_way"], {**row, "known": list(known)})).fetchone()


async def follow(conn: db.Connection, claimed: Row, now: datetime, known: Iterable[str]) -> None:
    wanted = claimed["alert_state"] == "open" if claimed["message"] == "alert" else claimed["offered"] and claimed["alert_state"] != "resolved"
    way = await next_way(conn, claimed, known) if wanted and claimed["read_at"] is None else None
    if way is None:
        await conn.execute(QUERIES["unread_done"], claimed)
        return
    await conn.execute(QUERIES["go_next_way"], {"id": claimed["id"], "next": way["channel"], "now": now, "error": f"not read by {claimed['channel']}"})
    await db.hint(conn, "notification")


async def mark_read(conn: db.Connection, alert_id: int, person_id: int, channel: str, now: datetime) -> None:
    """This person has seen what they were told of the alert: they pressed something under it, or the channel says so."""
    await conn.execute(QUERIES["mark_read"], {"alert_id": alert_id, "person_id": person_id, "channel": channel, "now": now})


def stage(known: Iterable[str]) -> Stage:
    names = sorted(known)

    async def step(conn: db.Connection, now: datetime) -> bool:
        async def work(conn: db.Connection, claimed: Row, now: datetime) -> None:
            await follow(conn, claimed, now, names)

        return await take_one(conn, now, claim=QUERIES["claim_unread"], work=work, postpone=QUERIES["unread_postponed"])

    return Stage(name="unread", step=step, oldest_due="SELECT min(unread_at) AS due_at FROM notification WHERE unread_at IS NOT NULL")
