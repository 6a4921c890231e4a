"""replace: who had an alert does not come after all; it is open again, and the next one is asked in the same breath."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from cloudfamily_platform.alerts import alert, notify, offers
from cloudfamily_platform.alerts.alert import QUERIES
from cloudfamily_platform.core import db


async def replace(conn: db.Connection, row: dict[str, Any], how: Literal["released", "replaced"], now: datetime, params: dict[str, Any]) -> None:
    """`released`: they said so; `replaced`: they have not answered. Both are events, and news for the family who were told.

    The caller has the alert's lock and has written no event yet. The escalation goes on where it was, at once.
    """
    following = await offers.choose(conn, row, 1, now, again=True)
    values = {"id": row["id"], "now": now}
    await conn.execute(QUERIES["release_response" if how == "released" else "drop_response"], values)
    await conn.execute(QUERIES["reopen"], values)
    await notify.tell_those_told(conn, row["id"], row["handler_id"], how, {"actor": row["handler_name"]}, now)
    await notify.send(conn)
    await db.hint(conn, "alert")
    await alert.add_event(conn, row["id"], how, now, actor_id=row["handler_id"], params={"after": row["state"], **params})
    if not await offers.ask(conn, row, following, now):
        await alert.add_event(conn, row["id"], "no_responder", now)
