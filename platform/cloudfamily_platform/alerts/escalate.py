"""escalate: while nobody has an alert, the next people hear of it; one that is held without progress opens again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cloudfamily_platform.alerts import alert, notify, offers, policy
from cloudfamily_platform.alerts.alert import QUERIES
from cloudfamily_platform.core import db
from cloudfamily_platform.core.stage import Stage, take_one


async def step(conn: db.Connection, now: datetime) -> bool:
    """One due alert takes its next turn."""
    return await take_one(conn, now, claim=QUERIES["claim_alert"], work=look, postpone=QUERIES["alert_postponed"])


async def look(conn: db.Connection, claimed: dict[str, Any], now: datetime) -> None:
    row = await alert.load(conn, claimed["id"])
    await (take_turn(conn, row, now) if row["state"] == "open" else reopen(conn, row, now))


async def take_turn(conn: db.Connection, row: dict[str, Any], now: datetime) -> None:
    turn = policy.turn(policy.parse(row["plan"]), row["step"])
    if row["step"] > 0:
        await alert.add_event(conn, row["id"], "escalated", now, params={"step": row["step"]})
    await tell_all(conn, row, turn.tell, now)
    asked = await offers.make(conn, row, turn.offer, now, again=True)
    if turn.offer and not asked and row["step"] == 0:
        await alert.add_event(conn, row["id"], "no_responder", now)
    await conn.execute(QUERIES["next_turn"], {"id": row["id"], "due_at": now + turn.wait})


async def tell_all(conn: db.Connection, row: dict[str, Any], those: Sequence[str], now: datetime) -> None:
    """One turn's telling; the caller has the alert's lock."""
    number = (await db.one(await conn.execute(QUERIES["next_round"], row)))["round"]
    for whom in those:
        await tell(conn, row, whom, number, now)
    await notify.send(conn)


async def tell(conn: db.Connection, row: dict[str, Any], whom: str, number: int, now: datetime) -> None:
    """Tells the people that a policy names, each once in a round; somebody who cannot be told is a line of the timeline, not a silence."""
    for person in await named(conn, row, whom):
        told = await notify.tell(conn, row["id"], person["person_id"], "alert", now, number=number)
        if not told and whom.startswith("family"):
            await alert.add_event(conn, row["id"], "not_told", now, actor_id=person["person_id"], params={"reason": "no_channel"})


async def named(conn: db.Connection, row: dict[str, Any], whom: str) -> list[dict[str, Any]]:
    name, _, number = whom.partition(":")
    where = {"home_id": row["home_id"], "district_id": row["district_id"], "canary": row["canary"]}
    if name == "family":
        return await (await conn.execute(QUERIES["people_of_family"], where | {"rank": int(number or 20)})).fetchall()
    return await (await conn.execute(QUERIES["people_by_role"], where | {"role": name.removesuffix("s")})).fetchall()


async def reopen(conn: db.Connection, row: dict[str, Any], now: datetime) -> None:
    """Accepting is not doing: who has it and shows no progress loses it, and the alert goes on where it was."""
    await conn.execute(QUERIES["drop_response"], {"id": row["id"], "now": now})
    await conn.execute(QUERIES["reopen"], {"id": row["id"], "now": now})
    await alert.add_event(conn, row["id"], "reopened", now, actor_id=row["handler_id"], params={"after": row["state"]})


STAGES = (Stage(name="escalate", step=step, hint="alert", oldest_due="SELECT min(due_at) AS due_at FROM alert WHERE due_at IS NOT NULL", limit_seconds=5),)
