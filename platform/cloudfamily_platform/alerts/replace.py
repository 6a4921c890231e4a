"""replace: who had an alert does not come after all; it is open again, and the next one is asked in the same breath."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from cloudfamily_platform.alerts import alert, notify, offers
from cloudfamily_platform.alerts.alert import QUERIES, Event
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
    await db.hint(conn, "alert")
    asked = await offers.ask(conn, row, following, now)
    gone = Event(how, row["handler_id"], {"after": row["state"], **params})
    await alert.add_events(conn, row["id"], [gone, *(asked.events if asked.people else [Event("no_responder")])], now)
