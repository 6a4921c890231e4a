"""What one person sees of an alert in a chat, now: as much as they may know, with what they can do next."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from cloudfamily_platform.alerts import alert, message
from cloudfamily_platform.alerts.alert import QUERIES, Row
from cloudfamily_platform.core import db
from cloudfamily_platform.people import home
from cloudfamily_platform.people.person import Person


async def shown(conn: db.Connection, row: Row, reader: Person, now: datetime, zone: ZoneInfo) -> message.Message:
    """The card for the one who goes, everything for the family and operators, kind and distance for who is asked; for who is
    not, or no longer, what kind it is and how it stands. `row`: as `alert.load` gives it."""
    if reader.id in row["responding"]:
        return message.handler_message(reader.language, row, await home.card(conn, row["home_id"], now), zone)
    if alert.sight(reader, row) == "full":
        return message.alert_message(reader.language, row, zone, reader.id)
    if asked(reader, row):
        offer = await (await conn.execute(QUERIES["distance_of"], {"alert_id": row["id"], "person_id": reader.id})).fetchone()
        return message.offer_message(reader.language, row, offer["distance_m"] if offer else 0, zone, offer["why"] if offer else None)
    return message.bystander_message(reader.language, row, declined=reader.id not in row["offered"])


def asked(reader: Person, row: Row) -> bool:
    """Whether this person's help is still wanted."""
    return alert.sight(reader, row) == "masked" and row["state"] != "resolved" and not row["responding"]
