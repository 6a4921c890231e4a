"""incident: alerts of one home that are live together are one matter for people; the rules are in rules/grouping.py."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
import structlog

from cloudfamily_platform.alerts import alert, matching, notify, offers, respond
from cloudfamily_platform.alerts.alert import QUERIES, Event, Row
from cloudfamily_platform.alerts.rules import grouping
from cloudfamily_platform.alerts.rules.hazard import Hazard
from cloudfamily_platform.core import db
from cloudfamily_platform.core.stage import Stage, take_one
from cloudfamily_platform.people import person as people
from cloudfamily_platform.people.person import Person

log = structlog.get_logger()


async def open_alert(conn: db.Connection, hazard: Hazard, *, home_id: int | None, now: datetime, **where: Any) -> int:
    """Opens an alert, or adds to the live one of the same home and kind, and joins it with what else is live there; returns its id.

    Call inside a transaction, before anything that writes to a timeline. `where`: as in `alert.open_alert`.
    """
    if home_id is None:
        return await alert.open_alert(conn, hazard, home_id=None, now=now, **where)
    await conn.execute(QUERIES["lock_home_of_incident"], {"home_id": home_id})
    live = await (await conn.execute(QUERIES["live_alerts_of_home"], {"home_id": home_id})).fetchall()
    if not live or any(one["kind"] == hazard.kind for one in live):
        return await alert.open_alert(conn, hazard, home_id=home_id, now=now, **where)
    incident_id = await common(conn, home_id, live, now)
    main = grouping.line_of(hazard.severity, live)
    alert_id = await alert.open_alert(conn, hazard, home_id=home_id, now=now, incident_id=incident_id, told_with=main, **where)
    for one in live:
        await alert.add_event(conn, one["id"], "also", now, params={"kind": hazard.kind, "alert": alert_id})
    if hazard.severity == "critical":
        try:
            async with conn.transaction():
                await tell_those_who_go(conn, alert_id, live, now)
        except psycopg.OperationalError:
            raise
        except Exception:  # whatever fails here, the alert is there and escalates
            log.exception("not_told_of_more", alert=alert_id)
    return alert_id


async def common(conn: db.Connection, home_id: int, live: Sequence[Row], now: datetime) -> int:
    """The incident of these alerts, which the caller has locked."""
    known = next((one["incident_id"] for one in live if one["incident_id"]), None)
    found = known or (await db.one(await conn.execute(QUERIES["add_incident"], {"home_id": home_id, "now": now})))["id"]
    await conn.execute(QUERIES["into_incident"], {"incident_id": found, "ids": [one["id"] for one in live]})
    return int(found)


async def tell_those_who_go(conn: db.Connection, alert_id: int, live: Sequence[Row], now: datetime) -> None:
    """Whoever is with this home already hears of the new danger before anybody else; a helper who was sent may take it, too."""
    row = await alert.load(conn, alert_id)
    events: list[Event] = []
    for one in await (await conn.execute(QUERIES["those_who_go"], {"ids": [other["id"] for other in live]})).fetchall():
        if not await notify.tell(conn, alert_id, one["person_id"], "also", now):
            events.append(Event("not_told", one["person_id"], {"reason": "no_channel"}))
        if alert.sight(await people.load(conn, one["person_id"]), row) is None:
            events += (await offers.ask(conn, row, [matching.Match(one["person_id"], 0, {})], now)).events
    await alert.add_events(conn, alert_id, events, now)


async def step(conn: db.Connection, now: datetime) -> bool:
    """One line whose critical alert is over speaks for itself from now on."""
    return await take_one(conn, now, claim=QUERIES["claim_line"], work=speak, postpone=QUERIES["line_postponed"])


async def speak(conn: db.Connection, row: Row, now: datetime) -> None:
    await conn.execute(QUERIES["line_speaks"], row | {"now": now})
    await alert.add_event(conn, row["id"], "speaks", now, params={"alert": row["told_with"]})
    await db.hint(conn, "alert")


async def resolve(conn: db.Connection, alert_id: int, person: Person, outcome: str, note: str, now: datetime) -> Row:
    """Closes an alert and, with the same outcome, what is not life safety of its incident and nobody else has.

    Raises as `respond.resolve`.
    """
    async with conn.transaction():
        live = await (await conn.execute(QUERIES["lock_incident"], {"id": alert_id})).fetchall()
        row = await respond.resolve(conn, alert_id, person, outcome, note, now)
        for one in live:
            free = one["handler_id"] in (None, person.id) or person.oversees(row["district_id"])
            if one["id"] != alert_id and one["severity"] != "critical" and free:
                await close(conn, one["id"], person, outcome, now)
        return row


async def close(conn: db.Connection, alert_id: int, person: Person, outcome: str, now: datetime) -> None:
    row = await alert.load(conn, alert_id)
    values = {"id": alert_id, "person_id": person.id, "outcome": outcome, "now": now}
    await respond.withdraw(conn, row, now)
    await conn.execute(QUERIES["end_response"], values)
    await conn.execute(QUERIES["resolve"], values)
    await respond.progress(conn, row, person, "resolved", now, {"outcome": outcome})
    await alert.answer_device(conn, alert_id, "resolved", now)
    await db.hint(conn, "response")


STAGES = (
    Stage(
        name="incident",
        step=step,
        hint="alert",
        # A line is late from when its critical alert was closed.
        oldest_due="SELECT min(main.resolved_at) AS due_at FROM alert a JOIN alert main ON main.id = a.told_with WHERE a.state <> 'resolved'",
    ),
)
