"""outage: homes of a place that fall silent together are one incident, and hold the alarms beneath it while it lasts.

A place is a district, or a building of it. A building waits a moment before people hear of it: it may be the whole district.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog
from psycopg.types.json import Jsonb

from cloudfamily_gateway.ingest import QUERIES
from cloudfamily_platform.core import db
from cloudfamily_platform.core.stage import Stage, take_one
from cloudfamily_platform.people import blindness

log = structlog.get_logger()
WINDOW_MINUTES = 15
LOOK_AGAIN = timedelta(minutes=1)
#: A building's outage waits so long for its district's.
HOLD_BUILDING = timedelta(minutes=1)


class Rule(NamedTuple):
    """So many homes, and this part of all that are watched, or `enough` whatever the part."""

    least: int
    part: float
    enough: int | None


#: A village loses its power, a house its router.
DISTRICT = Rule(5, 0.30, None)
#: Neighbours of one stairwell share a riser and a switch: three at once are no coincidence, nor is half of a small building.
BUILDING = Rule(2, 0.50, 3)


class Place(NamedTuple):
    district_id: int
    building: str | None

    @property
    def rule(self) -> Rule:
        return DISTRICT if self.building is None else BUILDING

    @property
    def kind(self) -> str:
        return "district_dark" if self.building is None else "building_dark"

    def device(self, district: str) -> str:
        """The name under which it speaks, where devices have their code."""
        return f"district.{district}" if self.building is None else f"building.{district}.{self.building}"


def is_outage(silent: int, homes: int, rule: Rule = DISTRICT) -> bool:
    return silent >= rule.least and (silent >= rule.part * homes or (rule.enough is not None and silent >= rule.enough))


def deaf(now: datetime) -> dict[str, object]:
    """While gateways are not heard themselves, nobody is judged."""
    return {"gateway": blindness.NAME, "deaf_before": now - blindness.DEAF_AFTER}


async def detect(conn: db.Connection, place: Place, now: datetime) -> bool:
    """After a home of this place was found silent: is it the place? True when an outage begins now."""
    values = {**place._asdict(), "now": now, "at": now, "window_minutes": WINDOW_MINUTES}
    at_most = await db.one(await conn.execute(QUERIES["newly_silent_homes"], values))
    if not is_outage(at_most["silent"], at_most["homes"], place.rule):
        return False
    if place.building is not None:
        await conn.execute(QUERIES["lock_building"], values)
    elif await (await conn.execute(QUERIES["lock_district"], values)).fetchone() is None:
        return False  # another gateway counts just now
    pulse = await db.one(await conn.execute(QUERIES["pulse_of_place"], values))
    if not is_outage(pulse["silent"], pulse["homes"], place.rule):
        return False
    row = await (await conn.execute(QUERIES["begin_outage"], values | {"due_at": now + LOOK_AGAIN})).fetchone()
    if row is None:
        return False
    await conn.execute(QUERIES["hold_of_place"], values)
    if place.building is None:
        await conn.execute(QUERIES["hold_buildings"], values)
    await say_dark(conn, place, row["code"], pulse, now, now)
    return True


async def say_dark(conn: db.Connection, place: Place, district: str, pulse: dict[str, Any], began_at: datetime, now: datetime) -> None:
    """Once for each outage; one that was held is said when nothing holds it any more."""
    minutes = max(1, -(-int((pulse["last_at"] - pulse["first_at"]).total_seconds()) // 60))
    detail = {"silent": pulse["silent"], "homes": pulse["homes"], "minutes": minutes}
    if place.building is not None:
        detail["building"] = place.building
    wait = HOLD_BUILDING if place.building is not None and began_at == now else timedelta(0)
    await say(conn, place, district, place.kind, f"since {began_at.isoformat()}", detail, now, wait)
    log.warning(place.kind, district=district, **detail)


async def step(conn: db.Connection, now: datetime) -> bool:
    """One outage that is due is looked at again: it lasts, or it is over."""
    return await take_one(conn, now, claim=QUERIES["claim_outage"], work=look, postpone=QUERIES["outage_postponed"], **deaf(now))


async def look(conn: db.Connection, row: dict[str, Any], now: datetime) -> None:
    """When it is over, everybody there gets time to speak; who then says nothing is an alarm of its own."""
    place = Place(row["district_id"], row["building"])
    values = {**place._asdict(), "at": row["began_at"], "window_minutes": WINDOW_MINUTES, "now": now, "id": row["id"]}
    pulse = await db.one(await conn.execute(QUERIES["pulse_of_place"], values))
    if is_outage(pulse["silent"], pulse["homes"], place.rule):
        await conn.execute(QUERIES["look_at_outage_again"], values | {"due_at": now + LOOK_AGAIN})
        if place.building is not None and await (await conn.execute(QUERIES["district_is_out"], values)).fetchone() is None:
            await say_dark(conn, place, row["code"], pulse, row["began_at"], now)  # where its district was the cause, and is no more
        return
    await conn.execute(QUERIES["end_outage"], values)
    await conn.execute(QUERIES["give_time_in_place"], values)
    detail = {"was": place.kind, "still_silent": pulse["silent"]}
    await say(conn, place, row["code"], "back", f"outage {row['id']}", detail, now)
    log.info("place_back", district=row["code"], building=place.building, still_silent=pulse["silent"])


async def say(
    conn: db.Connection, place: Place, district: str, kind: str, once: str, detail: dict[str, object], now: datetime, wait: timedelta = timedelta(0)
) -> None:
    """A signal of the whole place."""
    values = {"device": place.device(district), "device_id": None, "home_id": None, "district_id": place.district_id, "kind": kind, "once": once}
    await conn.execute(QUERIES["raise_alarm"], values | {"detail": Jsonb(detail), "now": now, "due_at": now + wait, "held": False})
    await conn.execute(QUERIES["hint_signal"])


STAGE = Stage(name="outage", step=step, oldest_due="SELECT min(due_at) AS due_at FROM outage WHERE due_at IS NOT NULL")
