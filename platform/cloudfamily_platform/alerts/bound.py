"""bound: a device without a home has called for help, and now somebody says whose it is."""

from __future__ import annotations

from datetime import datetime

import psycopg

from cloudfamily_platform.alerts import alert, escalate, policy
from cloudfamily_platform.alerts.alert import QUERIES, Row
from cloudfamily_platform.core import db
from cloudfamily_platform.people.person import Person


async def adopt(conn: db.Connection, device: str, home: Row, person: Person, now: datetime) -> None:
    """The live alerts of this device become those of its home, and family and helpers are told. `home`: a row with id and code.

    Call it in the transaction that binds the device, after that: the device's lock keeps out an alert that would be raised
    meanwhile without a home.
    """
    moved, merged = list[Row](), list[tuple[Row, Row]]()
    for row in await (await conn.execute(QUERIES["homeless_alerts"], {"device": device})).fetchall():
        values = {"id": row["id"], "kind": row["kind"], "home_id": home["id"], "device": device, "now": now}
        while not await move_in(conn, values):
            if kept := await (await conn.execute(QUERIES["live_alert_of_home"], values)).fetchone():
                await conn.execute(QUERIES["merge_away"], values)
                await conn.execute(QUERIES["join_alert"], values | {"into": kept["id"], "presses": row["presses"], "seq": row["seq"]})
                merged.append((row, kept))
                break
        else:
            moved.append(row)
    # Only now the timeline: its lock comes after those of all alerts.
    for row in moved:
        await tell(conn, row, now)
        await alert.add_event(conn, row["id"], "bound", now, actor_id=person.id, params={"device": device, "home": home["code"]})
    for row, kept in merged:
        if kept["state"] != "open":
            await alert.answer_device(conn, kept["id"], alert.how_far(kept["state"]), now)
        await alert.add_event(conn, row["id"], "merged", now, actor_id=person.id, params={"into": kept["id"]})
        await alert.add_event(conn, kept["id"], "joined", now, actor_id=person.id, params={"alert": row["id"], "device": device})


async def move_in(conn: db.Connection, values: Row) -> bool:
    """The alert gets its home; False when the home has a live one of that kind: one press, one alert, so they will be one."""
    try:
        async with conn.transaction():
            await conn.execute(QUERIES["give_alert_home"], values)
    except psycopg.errors.UniqueViolation:
        return False
    return True


async def tell(conn: db.Connection, row: Row, now: datetime) -> None:
    """An alert that nobody has escalates from its beginning; of one that somebody has, the family has not heard yet."""
    await db.hint(conn, "alert")
    if row["state"] != "open":
        found = await alert.load(conn, row["id"])
        told = await escalate.tell_all(conn, found, policy.turn(policy.in_force(found["plan"]), 0), now)
        await alert.add_events(conn, row["id"], told.events, now)
