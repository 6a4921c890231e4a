"""A visit is made of an ended response, and verified by somebody other than the one who made it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cloudfamily_platform.core import db, errors, sql
from cloudfamily_platform.core.stage import Stage, take_one
from cloudfamily_platform.people import outbox
from cloudfamily_platform.people.person import Person

QUERIES = sql.load("cloudfamily_platform.services")


async def step(conn: db.Connection, now: datetime) -> bool:
    """One ended response becomes a visit, verified at once when somebody else closed it; else the family is asked."""
    return await take_one(conn, now, claim=QUERIES["claim_response"], work=make, postpone=QUERIES["response_postponed"])


async def make(conn: db.Connection, row: dict[str, Any], now: datetime) -> None:
    visit = await (await conn.execute(QUERIES["add_visit"], row)).fetchone()
    if visit is not None and row["closed_by"] != row["person_id"]:
        await mark_verified(conn, visit["id"], row["closed_by"], now)
    elif visit is not None:
        minutes = int((row["ended_at"] - row["there_at"]).total_seconds() // 60)
        params = {"visit_id": visit["id"], "minutes": minutes, "actor": await name_of(conn, row["person_id"])}
        await ask_family(conn, row, params, now)
    await conn.execute(QUERIES["response_done"], row)


async def ask_family(conn: db.Connection, row: dict[str, Any], params: dict[str, Any], now: datetime) -> None:
    """The first of the family who can be reached, but for the visitor, says whether it took place."""
    for relative in await (await conn.execute(QUERIES["family_but_the_visitor"], row)).fetchall():
        if await outbox.tell(conn, row["alert_id"], relative["person_id"], "confirm_visit", now, params=params, number=0):
            return


async def name_of(conn: db.Connection, person_id: int) -> str:
    row = await db.one(await conn.execute("SELECT name FROM person WHERE id = %s", [person_id]))
    return str(row["name"])


async def mark_verified(conn: db.Connection, visit_id: int, verified_by: int, now: datetime) -> bool:
    values = {"id": visit_id, "verified_by": verified_by, "now": now}
    done = await (await conn.execute(QUERIES["verify_visit"], values)).fetchone()
    await db.hint(conn, "visit")
    return done is not None


async def verify(conn: db.Connection, visit_id: int, person: Person, now: datetime) -> None:
    """An operator of the district, or the family, says that the visit took place; saying it again changes nothing.

    Raises NotFound, NotAllowed (the visitor cannot verify their own visit).
    """
    async with conn.transaction():
        row = await (await conn.execute(QUERIES["visit_by_id"], {"id": visit_id})).fetchone()
        if row is None or row["canary"] != person.canary:
            raise errors.NotFound(what="visit")
        if row["person_id"] == person.id:
            raise errors.NotAllowed
        if not (person.oversees(row["district_id"]) or person.id in row["family"]):
            raise errors.NotFound(what="visit")
        await mark_verified(conn, visit_id, person.id, now)


async def listing(conn: db.Connection, person: Person, *, verified: bool, limit: int) -> list[dict[str, Any]]:
    """Visits that this person may see: an operator's districts, the family's home, one's own."""
    scope = {"oversees": person.is_operator, "whole_city": person.whole_city, "districts": list(person.districts)}
    values = {"person_id": person.id, "canary": person.canary, "verified": verified, "limit": limit}
    return await (await conn.execute(QUERIES["visits"], scope | values)).fetchall()


STAGES = (Stage(name="visit", step=step, hint="response", oldest_due="SELECT min(due_at) AS due_at FROM response WHERE due_at IS NOT NULL"),)
