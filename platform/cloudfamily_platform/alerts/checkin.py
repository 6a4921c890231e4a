"""checkin: who goes alone is asked whether all is well. Silent on the way: somebody else is sent. Silent at the home: help for them too."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from cloudfamily_platform.alerts import alert, desk, lone, notify, policy
from cloudfamily_platform.alerts.alert import QUERIES
from cloudfamily_platform.alerts.replace import replace
from cloudfamily_platform.alerts.rules.hazard import Hazard
from cloudfamily_platform.core import db
from cloudfamily_platform.core.stage import Stage, take_one

KIND = "responder_silent"
#: Before somebody sets off, the policy's patience is enough.
GOING = ("on_the_way", "there", "inside")


async def step(conn: db.Connection, now: datetime) -> bool:
    """One responder who is due is asked, or has not answered."""
    return await take_one(conn, now, claim=QUERIES["claim_checkin"], work=look, postpone=QUERIES["checkin_postponed"])


async def look(conn: db.Connection, claimed: dict[str, Any], now: datetime) -> None:
    # The claim locked the alert, as every writer does first; they may have said something, or be done, before that.
    row = await alert.load(conn, claimed["alert_id"])
    going = await (await conn.execute(QUERIES["live_response"], claimed)).fetchone()
    if going is None or going["id"] != claimed["id"] or going["checkin_at"] is None or going["checkin_at"] > now:
        return
    if going["asked_at"] is None:
        await ask(conn, row, going, now)
    elif row["state"] == "on_the_way":
        await send_another(conn, row, going, now)
    else:
        await call_for_help(conn, row, going, now)


async def ask(conn: db.Connection, row: dict[str, Any], going: dict[str, Any], now: datetime) -> None:
    await conn.execute(QUERIES["checkin_asked"], {"id": going["id"], "now": now, "due_at": now + lone.ANSWER})
    told = await notify.tell(conn, row["id"], going["person_id"], "checkin", now)
    await alert.add_event(conn, row["id"], "checkin_asked", now, actor_id=going["person_id"], params={"state": row["state"]})
    if not told:
        unreachable = {"reason": "no_channel", "message": "checkin"}
        await alert.add_event(conn, row["id"], "not_told", now, actor_id=going["person_id"], params=unreachable)


async def send_another(conn: db.Connection, row: dict[str, Any], going: dict[str, Any], now: datetime) -> None:
    """They may still come, and are told how to say so: the first to be there is what counts."""
    await replace(conn, row, "replaced", now, {"asked_at": alert.iso(going["asked_at"])})
    await notify.tell(conn, row["id"], going["person_id"], "dropped", now)
    await desk.tell(conn, row, "responder_dropped", {"actor": going["name"]}, now)


async def call_for_help(conn: db.Connection, row: dict[str, Any], going: dict[str, Any], now: datetime) -> None:
    """They stay the one who has it: whoever does not answer from inside a home may be in trouble there. An alert of its own says so."""
    every = rest(row, going)
    await conn.execute(QUERIES["checkin_silent"], {"id": going["id"], "now": now, "due_at": now + every if every else None})
    minutes = int((now - going["asked_at"]).total_seconds() // 60)
    await desk.tell(conn, row, KIND, {"actor": going["name"], "minutes": minutes}, now)
    hazard = Hazard(kind=KIND, severity="high", why=KIND, params={"name": going["name"], "minutes": minutes, "alert": row["id"]})
    where = {"home_id": row["home_id"], "district_id": row["district_id"], "device_code": row["device_code"], "canary": row["canary"]}
    if row["kind"] != KIND:
        await alert.open_alert(conn, hazard, **where, seq=None, now=now)
    await alert.add_event(conn, row["id"], KIND, now, actor_id=going["person_id"], params={"minutes": minutes})


async def arm(conn: db.Connection, row: dict[str, Any], now: datetime, *, answered: bool = False) -> bool:
    """They have said something: the clocks of who goes, and of the alert, begin anew. True when they had been asked.

    `row`: the alert as it is now, under its lock. `answered`: no progress, but a word.
    """
    if row["state"] not in GOING:
        return False
    going = await (await conn.execute(QUERIES["live_response"], {"alert_id": row["id"]})).fetchone()
    if going is None:
        return False
    on_the_way = lone.look_again if answered else lone.first_look
    after = on_the_way(going["travel_s"]) if row["state"] == "on_the_way" else rest(row, going)
    await conn.execute(QUERIES["checkin_armed"], {"id": going["id"], "due_at": now + after if after else None})
    await conn.execute(QUERIES["give_time"], {"id": row["id"], "due_at": now + policy.patience(policy.in_force(row["plan"]), row["state"])})
    if going["silent_at"] is not None:
        await alert.note_recovered(conn, KIND, row["home_id"], row["device_code"], going["name"], now)
    return going["asked_at"] is not None or going["silent_at"] is not None


def rest(row: dict[str, Any], going: dict[str, Any]) -> timedelta | None:
    """How long until who is at the home is asked again; None: never."""
    return lone.at_home(policy.in_force(row["plan"]), row["severity"], is_family=going["is_family"])


OLDEST = "SELECT min(checkin_at) AS due_at FROM response WHERE checkin_at IS NOT NULL AND ended IS NULL"
STAGES = (Stage(name="checkin", step=step, oldest_due=OLDEST),)
