"""Offers: who would be there soonest of those who may go is asked; an offer not answered goes to the next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb

from cloudfamily_platform.alerts import alert, matching, notify, policy, travel
from cloudfamily_platform.alerts.alert import QUERIES, Event
from cloudfamily_platform.alerts.matching import Candidate, Match, Need, Rule
from cloudfamily_platform.alerts.travel import Place
from cloudfamily_platform.core import db
from cloudfamily_platform.core.stage import Stage, take_one

#: So many of those nearby are looked at, the free and nearest first.
MOST = 60
#: A last known place that is older says nothing.
PLACE_HOLDS = timedelta(minutes=30)


async def make(conn: db.Connection, row: dict[str, Any], count: int, now: datetime, *, again: bool = False) -> int:
    """Offers the alert to `count` more responders and returns how many were found: for who has written no event yet."""
    asked = await ask(conn, row, await choose(conn, row, count, now, again=again), now)
    await alert.add_events(conn, row["id"], asked.events, now)
    return asked.people


async def choose(conn: db.Connection, row: dict[str, Any], count: int, now: datetime, *, again: bool = False) -> list[Match]:
    """Whom to ask next. `again`: those who let it lapse may be asked once more, after all the others.

    The caller has the alert's lock, and has written no event in this transaction: a routing engine is asked here, for up to
    travel.ROUTER_SECONDS, and what others write must not wait for that.
    """
    if count <= 0 or row["home_id"] is None:
        return []
    need = await need_of(conn, row["home_id"], row["severity"], row["kind"])
    rules = await may_go(conn)
    nearby = await candidates(conn, now, need.place, row["canary"], home_id=row["home_id"], alert_id=row["id"], again=again)
    fit = [one for one in nearby if matching.refusal(need, one, rules) is None]
    travel_s = await travel.router().seconds([(one.place, one.mode) for one in fit], need.place)
    return matching.rank(need, fit, travel_s, count)


async def need_of(conn: db.Connection, home_id: int, severity: str, kind: str | None) -> Need:
    found = await db.one(await conn.execute(QUERIES["need_of_home"], {"home_id": home_id}))
    place = Place(found.pop("lat"), found.pop("lon"))
    return Need(place=place, severity=severity, kind=kind, **found)


async def may_go(conn: db.Connection) -> list[Rule]:
    return [Rule(**one) for one in await (await conn.execute(QUERIES["may_go"])).fetchall()]


async def candidates(
    conn: db.Connection,
    now: datetime,
    near: Place | None,
    canary: bool,
    *,
    home_id: int | None = None,
    alert_id: int | None = None,
    again: bool = False,
    limit: int = MOST,
) -> list[Candidate]:
    """Everybody who could be sent, free or not, the free and nearest first. `near`: with this place in their reach; None: anywhere."""
    where = {"lat": near.lat if near else None, "lon": near.lon if near else None, "canary": canary, "home_id": home_id}
    times = {"now": now, "seen_since": now - PLACE_HOLDS, "recent_since": now - timedelta(hours=matching.RECENT_HOURS)}
    rows = await (await conn.execute(QUERIES["candidates"], where | times | {"alert_id": alert_id, "again": again, "limit": limit})).fetchall()
    return [Candidate(place=Place(one.pop("lat"), one.pop("lon")), **one) for one in rows]


class Asked(NamedTuple):
    """What came of asking."""

    people: int
    #: Whether one of them can be told of it.
    reached: bool
    #: For the caller to write, together with its own.
    events: list[Event]


async def ask(conn: db.Connection, row: dict[str, Any], matches: Sequence[Match], now: datetime) -> Asked:
    """Offers the alert to them; the caller has its lock, and writes the events."""
    if not matches:
        return Asked(0, False, [])
    due_at = now + timedelta(seconds=policy.in_force(row["plan"]).offer_s)
    whom = {"people": [one.person_id for one in matches], "distances_m": [one.distance_m for one in matches], "whys": [Jsonb(one.why) for one in matches]}
    rows = await (await conn.execute(QUERIES["add_offers"], {"alert_id": row["id"], **whom, "now": now, "due_at": due_at})).fetchall()
    asked = [one for one in matches if one.person_id in {row["person_id"] for row in rows}]
    told = await notify.tell_many(conn, row["id"], [one.person_id for one in asked], "offer", now)
    events = []
    for one in asked:
        events.append(Event("offered", one.person_id, {"distance_m": one.distance_m, **one.why}))
        if one.person_id not in told:
            events.append(Event("not_told", one.person_id, {"reason": "no_channel", "message": "offer"}))
    return Asked(len(asked), bool(told), events)


async def step(conn: db.Connection, now: datetime) -> bool:
    """The offers of one alert that nobody answered lapse, and the next in line are asked."""
    return await take_one(conn, now, claim=QUERIES["claim_offer"], work=lapse, postpone=QUERIES["offer_postponed"])


async def lapse(conn: db.Connection, claimed: dict[str, Any], now: datetime) -> None:
    # The claim locked the alert, as every writer does first; the offer may have been answered before that.
    lapsed = await (await conn.execute(QUERIES["lapse_offers"], claimed | {"now": now})).fetchall()
    if not lapsed:
        return
    row = await alert.load(conn, claimed["alert_id"])
    following = [] if row["state"] == "resolved" or row["responding"] else await choose(conn, row, len(lapsed), now)
    asked = await ask(conn, row, following, now)
    await alert.add_events(conn, row["id"], [*(Event("offer_lapsed", one["person_id"]) for one in lapsed), *asked.events], now)


OLDEST = "SELECT min(due_at) AS due_at FROM offer WHERE due_at IS NOT NULL"
STAGES = (Stage(name="offer", step=step, workers=3, oldest_due=OLDEST, limit_seconds=10),)
