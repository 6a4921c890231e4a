"""Frames that could not be taken, with their reason, and devices that nobody knows yet."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cloudfamily_platform.core import db, errors
from cloudfamily_platform.people import home
from cloudfamily_platform.people.person import QUERIES, Person

KINDS = ("button", "motion", "door", "temperature", "smoke", "fall", "hub", "other")


async def frames(conn: db.Connection, limit: int) -> dict[str, Any]:
    """What waits for an operator: bad frames, newest first, and the unknown devices among them."""
    rows = await (await conn.execute(QUERIES["quarantine_list"], {"limit": limit})).fetchall()
    unknown = await (await conn.execute(QUERIES["quarantine_unknown"], {"limit": limit})).fetchall()
    for row in rows:
        row["sample"] = row["sample"][:200].decode("utf-8", "replace")
    return {"frames": rows, "unknown_devices": unknown}


async def clear(conn: db.Connection, frame_id: int, now: datetime) -> None:
    """An operator has seen to it. Raises NotFound."""
    row = await (await conn.execute(QUERIES["quarantine_clear"], {"id": frame_id, "now": now})).fetchone()
    if row is None:
        raise errors.NotFound(what="frame")


async def bind(conn: db.Connection, device: str, kind: str, home_code: str, person: Person, now: datetime) -> None:
    """Gives an unknown device its home. Raises Invalid, NotFound (home), Taken (the device has a home already)."""
    if kind not in KINDS:
        raise errors.Invalid(field="kind", reason=", ".join(KINDS))
    async with conn.transaction():
        found = await home.by_code(conn, home_code, person)
        values = {"device": device, "home_id": found["id"], "kind": kind, "now": now}
        if await (await conn.execute(QUERIES["add_device"], values)).fetchone() is None:
            raise errors.Taken(what=device)
        await conn.execute(QUERIES["quarantine_clear_device"], values)
