"""Frames that could not be taken, with their reason, and devices that wait for a home."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cloudfamily_platform.core import db, errors
from cloudfamily_platform.people import home
from cloudfamily_platform.people.person import QUERIES, Person

KINDS = ("button", "motion", "door", "bed", "temperature", "smoke", "gas", "water", "fall", "wearable", "siren", "hub", "other")


async def frames(conn: db.Connection, limit: int, now: datetime) -> dict[str, Any]:
    """What waits for an operator: bad frames, and devices without a home, newest first."""
    rows = await (await conn.execute(QUERIES["quarantine_list"], {"limit": limit})).fetchall()
    unbound = await (await conn.execute(QUERIES["unbound_devices"], {"limit": limit, "since": now - home.SEEN_WITHIN})).fetchall()
    for row in rows:
        row["sample"] = row["sample"][:200].decode("utf-8", "replace")
    return {"frames": rows, "unknown_devices": unbound}


async def clear(conn: db.Connection, frame_id: int, now: datetime) -> None:
    """An operator has seen to it. Raises NotFound."""
    row = await (await conn.execute(QUERIES["quarantine_clear"], {"id": frame_id, "now": now})).fetchone()
    if row is None:
        raise errors.NotFound(what="frame")


async def bind(conn: db.Connection, device: str, kind: str, home_code: str, person: Person, now: datetime) -> None:
    """Gives a device its home, whether it has spoken yet or not. Raises Invalid, NotFound (home), Taken (it has a home already)."""
    if kind not in KINDS:
        raise errors.Invalid(field="kind", reason=", ".join(KINDS))
    async with conn.transaction():
        found = await home.by_code(conn, home_code, person)
        values = {"device": device, "home_id": found["id"], "kind": kind, "now": now}
        if await (await conn.execute(QUERIES["bind_device"], values)).fetchone() is None:
            raise errors.Taken(what=device)
        await conn.execute(QUERIES["quarantine_clear_device"], values)
