"""Offers: the nearest free and qualified are asked; an offer not answered goes to the next."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from cloudfamily_platform.alerts import alert, matching, notify, policy
from cloudfamily_platform.alerts.alert import QUERIES
from cloudfamily_platform.alerts.rules.hazard import SKILL
from cloudfamily_platform.core import db
from cloudfamily_platform.core.stage import Stage, take_one


async def make(conn: db.Connection, row: dict[str, Any], count: int, now: datetime, *, again: bool = False) -> int:
    """Offers the alert to `count` more responders and returns how many were found. The caller has the alert's lock.

    `again`: those who let it lapse may be asked once more, after all the others.
    """
    if count <= 0 or row["home_id"] is None:
        return 0
    where = {"alert_id": row["id"], "skill": SKILL[row["severity"]], "lat": row["lat"], "lon": row["lon"], "canary": row["canary"], "again": again}
    found = await (await conn.execute(QUERIES["candidates"], where)).fetchall()
    matches = matching.nearest(row["lat"], row["lon"], [matching.Candidate(**one) for one in found], count)
    for match in matches:
        await ask(conn, row, match, now)
    if matches:
        await notify.send(conn)
    return len(matches)


async def ask(conn: db.Connection, row: dict[str, Any], match: matching.Match, now: datetime) -> None:
    due_at = now + timedelta(seconds=policy.parse(row["plan"]).offer_s)
    values = {"alert_id": row["id"], "person_id": match.person_id, "distance_m": match.distance_m, "now": now, "due_at": due_at}
    if await (await conn.execute(QUERIES["add_offer"], values)).fetchone() is None:
        return
    await alert.add_event(conn, row["id"], "offered", now, actor_id=match.person_id, params={"distance_m": match.distance_m})
    if not await notify.tell(conn, row["id"], match.person_id, "offer", now):
        params = {"reason": "no_channel", "message": "offer"}
        await alert.add_event(conn, row["id"], "not_told", now, actor_id=match.person_id, params=params)


async def step(conn: db.Connection, now: datetime) -> bool:
    """One offer that nobody answered lapses, and the next in line is asked."""
    return await take_one(conn, now, claim=QUERIES["claim_offer"], work=lapse, postpone=QUERIES["offer_postponed"])


async def lapse(conn: db.Connection, claimed: dict[str, Any], now: datetime) -> None:
    # The claim locked the alert, as every writer does first; the offer may have been answered before that.
    if await (await conn.execute(QUERIES["lapse_offer"], claimed)).fetchone() is None:
        return
    await alert.add_event(conn, claimed["alert_id"], "offer_lapsed", now, actor_id=claimed["person_id"])
    row = await alert.load(conn, claimed["alert_id"])
    if row["state"] != "resolved" and not row["responding"]:
        await make(conn, row, 1, now)


STAGES = (Stage(name="offer", step=step, oldest_due="SELECT min(due_at) AS due_at FROM offer WHERE due_at IS NOT NULL", limit_seconds=10),)
