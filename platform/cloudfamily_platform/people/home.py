"""A home: where it is, who lives there, whom they trust, and the card that a helper reads at the door."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from cloudfamily_platform.core import db, errors, quantity
from cloudfamily_platform.people import state
from cloudfamily_platform.people.person import QUERIES, Person

#: How far back a card looks for a device's last word.
SEEN_WITHIN = timedelta(days=7)


async def by_code(conn: db.Connection, code: str, person: Person) -> dict[str, Any]:
    """The home's row. Raises NotFound, also when this operator does not look after its district."""
    row = await (await conn.execute(QUERIES["home_by_code"], {"code": code})).fetchone()
    if row is None or row["canary"] != person.canary or not person.oversees(row["district_id"]):
        raise errors.NotFound(what="home")
    return row


async def search(conn: db.Connection, person: Person, q: str, limit: int, now: datetime) -> list[dict[str, Any]]:
    """Homes of this operator whose code, address, elder's name or phone contains `q`."""
    values = {"q": q.strip(), "limit": limit, "since": now - SEEN_WITHIN}
    scope = {"whole_city": person.whole_city, "districts": list(person.districts)}
    rows = await (await conn.execute(QUERIES["search_homes"], values | scope)).fetchall()
    return [
        {**{key: row[key] for key in ("code", "address", "lat", "lon", "elders", "live_alerts", "last_seen_at")}, "district": district(row)} for row in rows
    ]


def district(row: dict[str, Any]) -> dict[str, Any]:
    return {"code": row["district"], "name_zh": row["name_zh"], "name_en": row["name_en"]}


async def card(conn: db.Connection, home_id: int, now: datetime) -> dict[str, Any]:
    """What a helper must know: elders, home with its key code, contacts in order, devices, and whether somebody is in."""
    home = await db.one(await conn.execute(QUERIES["home_by_id"], {"home_id": home_id}))
    elders = await (await conn.execute(QUERIES["elders"], {"home_id": home_id})).fetchall()
    contacts = await (await conn.execute(QUERIES["contacts"], {"home_id": home_id})).fetchall()
    devices = await (await conn.execute(QUERIES["devices"], {"home_id": home_id, "since": now - SEEN_WITHIN})).fetchall()
    for elder in elders:
        elder["age"] = age(elder.pop("birth_date"), now.date())
    where = {key: home[key] for key in ("code", "address", "key_code", "lat", "lon")}
    return {
        "elders": elders,
        "home": {**where, "district": district(home)},
        "contacts": contacts,
        "devices": devices,
        "state": await state.shown(conn, home_id, now),
    }


def age(born: date | None, today: date) -> int | None:
    """Whole years."""
    return None if born is None else today.year - born.year - ((today.month, today.day) < (born.month, born.day))


async def recent(conn: db.Connection, home_id: int, now: datetime, limit: int = 60) -> list[dict[str, Any]]:
    """The last readings of the home, newest first."""
    values = {"home_id": home_id, "since": now - timedelta(days=1), "limit": limit}
    rows = await (await conn.execute(QUERIES["recent_readings"], values)).fetchall()
    return [{**row, "quantity": quantity.BY_NUMBER[row["quantity"]].name} for row in rows]
