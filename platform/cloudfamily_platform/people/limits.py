"""Limits and circles of an elder's own: who may see them, who sets them, and that somebody did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any

from cloudfamily_platform.core import db, errors, quantity
from cloudfamily_platform.people import vitals
from cloudfamily_platform.people.person import QUERIES, Person

SIDES = ("low", "high", "urgent_low", "urgent_high")
MOST_FENCES = 10


async def seen_home(conn: db.Connection, code: str, person: Person) -> dict[str, Any]:
    """The home's row, for its operators and its family. Raises NotFound."""
    row = await (await conn.execute(QUERIES["home_by_code"], {"code": code})).fetchone()
    if row is None or row["canary"] != person.canary:
        raise errors.NotFound(what="home")
    if not person.oversees(row["district_id"]):
        asked = {"home_id": row["id"], "person_id": person.id}
        if not (await db.one(await conn.execute(QUERIES["is_family"], asked)))["family"]:
            raise errors.NotFound(what="home")
    return row


async def resident_id(conn: db.Connection, home_id: int, elder: str | None) -> int | None:
    """Raises Invalid when nobody of this code lives there; None for everybody in the home."""
    if elder is None:
        return None
    rows = await (await conn.execute(QUERIES["residents"], {"home_id": home_id})).fetchall()
    found = next((row["id"] for row in rows if row["code"] == elder), None)
    if found is None:
        raise errors.Invalid(field="elder", reason=", ".join(row["code"] for row in rows))
    return int(found)


async def listing(conn: db.Connection, home: dict[str, Any], elder: str | None) -> dict[str, Any]:
    """Every vital sign with the limits that count, whose figure they are, and what is the elder's own."""
    elder_id = await resident_id(conn, home["id"], elder)
    of_home = await own(conn, home["id"], None)
    rows = of_home | (await own(conn, home["id"], elder_id) if elder_id else {})
    residents = await (await conn.execute(QUERIES["residents"], {"home_id": home["id"]})).fetchall()
    shown = []
    for name in vitals.DEFAULTS:
        row = rows.get(name)
        mine = vitals.Own(**{side: row[side] for side in SIDES}, scale=row["scale"]) if row else None
        counts = vitals.limits(name, mine)
        about = {"quantity": name, "unit": quantity.BY_NAME[name].unit, "scale": mine.scale if mine else 1, "source": counts.source}
        set_there = (
            {"own": {side: row[side] for side in SIDES}, "set_by": row["by"], "set_at": row["at"]} if row else {"own": None, "set_by": None, "set_at": None}
        )
        shown.append(about | {side: getattr(counts, side) for side in SIDES} | set_there)
    return {"elder": elder, "elders": [{"code": one["code"], "name": one["name"]} for one in residents], "limits": shown}


async def own(conn: db.Connection, home_id: int, elder_id: int | None) -> dict[str, dict[str, Any]]:
    rows = await (await conn.execute(QUERIES["own_limits"], {"home_id": home_id, "elder_id": elder_id})).fetchall()
    return {vitals.BY_NUMBER[row["quantity"]]: row for row in rows if row["quantity"] in vitals.BY_NUMBER}


async def change(conn: db.Connection, home: dict[str, Any], elder: str | None, limits: Sequence[dict[str, Any]], person: Person, now: datetime) -> None:
    """Sets the limits named, each whole: a side that is None is everybody's. Raises Invalid, naming the field."""
    elder_id = await resident_id(conn, home["id"], elder)
    for one in limits:
        check(one)
        values = {"home_id": home["id"], "elder_id": elder_id, "set_by": person.id, "now": now, **one}
        await conn.execute(QUERIES["add_limit"], values | {"quantity": quantity.BY_NAME[one["quantity"]].number})


def check(one: dict[str, Any]) -> None:
    """Raises Invalid for a limit that no home gives, or limits in the wrong order."""
    name = one["quantity"]
    if name not in vitals.DEFAULTS:
        raise errors.Invalid(field="quantity", reason=", ".join(vitals.DEFAULTS))
    known = quantity.BY_NAME[name]
    for side in SIDES:
        if one[side] is not None and not known.lowest <= one[side] <= known.highest:
            raise errors.Invalid(field=f"{name}.{side}", reason=f"{known.lowest:g} – {known.highest:g} {known.unit}")
    if one["scale"] == 2 and name != "spo2":
        raise errors.Invalid(field=f"{name}.scale", reason="1")
    counts = vitals.limits(name, vitals.Own(**{side: one[side] for side in SIDES}, scale=one["scale"]))
    if counts.low is not None and counts.high is not None and counts.low >= counts.high:
        raise errors.Invalid(field=f"{name}.low", reason=f"< {counts.high:g} {known.unit}")
    if counts.urgent_low is not None and (counts.low is None or counts.urgent_low > counts.low):
        raise errors.Invalid(field=f"{name}.urgent_low", reason="<= low" if counts.low is None else f"<= {counts.low:g} {known.unit}")
    if counts.urgent_high is not None and (counts.high is None or counts.urgent_high < counts.high):
        raise errors.Invalid(field=f"{name}.urgent_high", reason=">= high" if counts.high is None else f">= {counts.high:g} {known.unit}")


async def fences(conn: db.Connection, home_id: int) -> list[dict[str, Any]]:
    return await (await conn.execute(QUERIES["fences_of_home"], {"home_id": home_id})).fetchall()


async def change_fences(conn: db.Connection, home: dict[str, Any], circles: Sequence[dict[str, Any]], person: Person, now: datetime) -> None:
    """These circles and no others from now on; none: nobody's leaving is told. Raises Invalid."""
    if len(circles) > MOST_FENCES:
        raise errors.Invalid(field="fences", reason=f"<= {MOST_FENCES}")
    await conn.execute(QUERIES["end_fences"], {"home_id": home["id"], "now": now})
    for one in circles:
        starts, ends = hour(one, "starts"), hour(one, "ends")
        if (starts is None) != (ends is None):
            raise errors.Invalid(field="starts, ends", reason="HH:MM, HH:MM")
        elder_id = await resident_id(conn, home["id"], one["elder"])
        values = one | {"home_id": home["id"], "elder_id": elder_id, "starts": starts, "ends": ends, "set_by": person.id, "now": now}
        await conn.execute(QUERIES["add_fence"], values)


def hour(one: dict[str, Any], name: str) -> time | None:
    try:
        return None if one[name] is None else time.fromisoformat(one[name])
    except ValueError as error:
        raise errors.Invalid(field=name, reason="HH:MM") from error
