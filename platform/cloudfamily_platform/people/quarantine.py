"""Frames that could not be taken, with their reason, and devices that wait for a home."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from cloudfamily_platform.core import db, errors
from cloudfamily_platform.people import home, limits
from cloudfamily_platform.people import room as rooms
from cloudfamily_platform.people.person import QUERIES, Person

CODE = re.compile(r"^[A-Za-z0-9_.-]{1,64}\Z")
KINDS = ("button", "motion", "door", "bed", "temperature", "smoke", "gas", "water", "fall", "wearable", "siren", "hub", "other")


async def frames(conn: db.Connection, limit: int, now: datetime) -> dict[str, Any]:
    """What waits for an operator: bad frames, and devices without a home, newest first."""
    rows = await (await conn.execute(QUERIES["quarantine_list"], {"limit": limit})).fetchall()
    unbound = await (await conn.execute(QUERIES["unbound_devices"], {"limit": limit, "since": now - home.SEEN_WITHIN})).fetchall()
    for row in rows:
        row["sample"] = row["sample"][:200].decode("utf-8", "replace")
    return {"frames": rows, "unbound": unbound}


async def clear(conn: db.Connection, frame_id: int, now: datetime) -> None:
    """An operator has seen to it. Raises NotFound."""
    row = await (await conn.execute(QUERIES["quarantine_clear"], {"id": frame_id, "now": now})).fetchone()
    if row is None:
        raise errors.NotFound(what="frame")


async def device(conn: db.Connection, code: str, person: Person, now: datetime) -> dict[str, Any]:
    """The device's row, with its home. Raises NotFound, also when this operator does not look after that home."""
    row = await (await conn.execute(QUERIES["one_device"], {"device": code, "since": now - home.SEEN_WITHIN})).fetchone()
    if row is None or row["canary"] != person.canary or not person.oversees(row["district_id"]):
        raise errors.NotFound(what="device")
    return row


async def bind(
    conn: db.Connection, code: str, kind: str, home_code: str, person: Person, now: datetime, *, room: str | None = None, wearer: str | None = None
) -> dict[str, Any]:
    """Gives a device its home, whether it has spoken yet or not, and returns the home. Raises Invalid, NotFound (home), AlreadyBound.

    `room`: where it is; None: as far as its name says it. `wearer`: the code of the elder who wears it, where several live there.
    Its open alerts are still without: see alerts.bound.
    """
    if kind not in KINDS:
        raise errors.Invalid(field="kind", reason=", ".join(KINDS))
    if room is not None and room not in rooms.ROOMS:
        raise errors.Invalid(field="room", reason=", ".join(rooms.ROOMS))
    async with conn.transaction():
        found = await home.by_code(conn, home_code, person)
        named = await (await conn.execute(QUERIES["device_name"], {"device": code})).fetchone()
        place = room or rooms.infer(named["name"] if named else None, code, kind)
        wearer_id = await limits.resident_id(conn, found["id"], wearer)
        values = {"device": code, "home_id": found["id"], "kind": kind, "now": now, "person_id": person.id, "room": place, "wearer_id": wearer_id}
        row = await (await conn.execute(QUERIES["bind_device"], values)).fetchone()
        if row is None:
            raise errors.AlreadyBound(device=code)
        await conn.execute(QUERIES["bound_by"], values | row)
        await conn.execute(QUERIES["quarantine_clear_device"], values)
        return found


async def unbind(conn: db.Connection, code: str, person: Person, now: datetime) -> None:
    """Takes a device out of its home. What it has said and raised there stays there; what it was told to do there is withdrawn.
    Raises NotFound when it has no home that this operator looks after."""
    async with conn.transaction():
        await device(conn, code, person, now)
        values = {"device": code, "now": now, "person_id": person.id, "error": "the device was taken out of its home"}
        row = await (await conn.execute(QUERIES["unbind_device"], values)).fetchone()
        if row is None:
            raise errors.NotFound(what="device")
        await conn.execute(QUERIES["unbound_by"], values | row)
        await conn.execute(QUERIES["withdraw_commands"], values)
