"""outage: homes of a district that fall silent together are one incident, and hold the alarms beneath it while it lasts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog
from psycopg.types.json import Jsonb

from cloudfamily_gateway.ingest import QUERIES
from cloudfamily_platform.core import db
from cloudfamily_platform.core.stage import Stage, take_one
from cloudfamily_platform.people import blindness

log = structlog.get_logger()
#: So many homes, and this part of all that are watched, falling silent within so many minutes.
LEAST_HOMES, LEAST_PART, WINDOW_MINUTES = 5, 0.30, 15
LOOK_AGAIN = timedelta(minutes=1)


def is_outage(silent: int, homes: int) -> bool:
    """The rule: a village loses its power, a house its router."""
    return silent >= LEAST_HOMES and silent >= LEAST_PART * homes


def deaf(now: datetime) -> dict[str, object]:
    """While gateways are not heard themselves, nobody is judged."""
    return {"gateway": blindness.NAME, "deaf_before": now - blindness.DEAF_AFTER}


async def detect(conn: db.Connection, district_id: int, now: datetime) -> bool:
    """After a home of this district was found silent: is it the district? True when an outage begins now."""
    values = {"district_id": district_id, "now": now, "at": now, "window_minutes": WINDOW_MINUTES}
    at_most = await db.one(await conn.execute(QUERIES["newly_silent_homes"], values))
    if not is_outage(at_most["silent"], at_most["homes"]):
        return False
    district = await (await conn.execute(QUERIES["lock_district"], values)).fetchone()
    if district is None:
        return False  # another gateway counts just now
    pulse = await db.one(await conn.execute(QUERIES["pulse_of_district"], values))
    if not is_outage(pulse["silent"], pulse["homes"]):
        return False
    if await (await conn.execute(QUERIES["begin_outage"], values | {"due_at": now + LOOK_AGAIN})).fetchone() is None:
        return False
    minutes = max(1, -(-int((pulse["last_at"] - pulse["first_at"]).total_seconds()) // 60))
    detail = {"silent": pulse["silent"], "homes": pulse["homes"], "minutes": minutes}
    await conn.execute(QUERIES["hold_of_district"], values)
    await say(conn, district["code"], district_id, "district_dark", f"since {now.isoformat()}", detail, now)
    log.warning("district_dark", district=district["code"], **detail)
    return True


async def step(conn: db.Connection, now: datetime) -> bool:
    """One outage that is due is looked at again: it lasts, or it is over."""
    return await take_one(conn, now, claim=QUERIES["claim_outage"], work=look, postpone=QUERIES["outage_postponed"], **deaf(now))


async def look(conn: db.Connection, row: dict[str, Any], now: datetime) -> None:
    """When it is over, everybody in the district gets time to speak; who then says nothing is an alarm of its own."""
    values = {"district_id": row["district_id"], "at": row["began_at"], "window_minutes": WINDOW_MINUTES, "now": now, "id": row["id"]}
    pulse = await db.one(await conn.execute(QUERIES["pulse_of_district"], values))
    if is_outage(pulse["silent"], pulse["homes"]):
        await conn.execute(QUERIES["look_at_outage_again"], values | {"due_at": now + LOOK_AGAIN})
        return
    await conn.execute(QUERIES["end_outage"], values)
    await conn.execute(QUERIES["give_time_in_district"], values)
    detail = {"was": "district_dark", "still_silent": pulse["silent"]}
    await say(conn, row["code"], row["district_id"], "back", f"outage {row['id']}", detail, now)
    log.info("district_back", district=row["code"], still_silent=pulse["silent"])


async def say(conn: db.Connection, district: str, district_id: int, kind: str, once: str, detail: dict[str, object], now: datetime) -> None:
    """A signal of the whole district, due at once."""
    values = {"device": f"district.{district}", "device_id": None, "home_id": None, "district_id": district_id, "kind": kind, "once": once}
    await conn.execute(QUERIES["raise_alarm"], values | {"detail": Jsonb(detail), "now": now, "due_at": now, "held": False})
    await conn.execute(QUERIES["hint_signal"])


STAGE = Stage(name="outage", step=step, oldest_due="SELECT min(due_at) AS due_at FROM outage WHERE due_at IS NOT NULL")
