"""supervise: who is dead, and who only quiet. A lazy deadline for each device: no reading touches a timer.

A silence is one signal, and waits a moment before people hear of it: a device that comes back meanwhile takes it back, and a hub or
a district found dark meanwhile holds it. Whoever is held is looked at again once that is over, with time to speak.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from cloudfamily_gateway import battery, liveness, models, outage
from cloudfamily_gateway.ingest import QUERIES
from cloudfamily_platform.core import db, quantity
from cloudfamily_platform.core.stage import Stage, take_one

LOOK_BACK = timedelta(days=45)
#: How long an alarm waits for its cause to be found, at least: a hub with a word a minute is known within 3 minutes, 2 of silence
#: and this. Whoever speaks more seldom is found silent over a longer span, and waits for half an interval, but at most so long.
HOLD_HUB, HOLD_DEVICE, HOLD_LONGEST = timedelta(seconds=50), timedelta(minutes=2), timedelta(minutes=15)
#: While the hub above is not heard either, its devices wait for it to be judged: each look a minute later, and no longer than this.
HUB_FIRST, HUB_FIRST_LONGEST = timedelta(minutes=1), timedelta(minutes=10)

#: Percent over a day at which a battery that was low has been changed.
FULL_AGAIN = 50


async def step(conn: db.Connection, now: datetime) -> bool:
    """One due device is looked at, and armed again."""
    claim = {"since": now - LOOK_BACK, **outage.deaf(now)}
    return await take_one(conn, now, claim=QUERIES["claim_device"], work=look, postpone=QUERIES["device_postponed"], **claim)


async def look(conn: db.Connection, row: dict[str, Any], now: datetime) -> None:
    model = models.find(row)
    row = await promised(conn, row, model)
    limit = timedelta(minutes=row["report_minutes"] * model.missed)
    facts = liveness.Facts(row["promise"], limit, row["last_at"], row["watched_from"], row["offline_since"], row["is_hub"])
    verdict = liveness.judge(facts, now)
    if not row["mains"] and row["battery_looked_on"] != now.date():
        await look_at_battery(conn, row, model, now)
    if verdict.out:
        overdue = now - verdict.since - (limit if verdict.out == "silent" else timedelta(0))
        await found_out(conn, row, verdict, overdue, now)
    else:
        if row["silent_since"]:
            await found_back(conn, row, now)
        await conn.execute(QUERIES["look_at_device_again"], {"id": row["id"], "due_at": verdict.look_again_at, "silent_since": None})


async def promised(conn: db.Connection, row: dict[str, Any], model: models.Model) -> dict[str, Any]:
    """The row with its model's promise, stored where that changes it; who says how often it speaks keeps to that."""
    promise = {key: row[key] for key in ("report_minutes", "report_from", "promise")}
    if row["report_from"] == "said":
        wanted = promise | {"promise": "regular"}
    elif model.report_minutes:
        wanted = {"report_minutes": model.report_minutes, "report_from": "model", "promise": model.promise}
    else:
        wanted = promise | {"promise": model.promise}
    if wanted != promise:
        await conn.execute(QUERIES["promise"], wanted | {"id": row["id"]})
    return row | wanted


async def found_out(conn: db.Connection, row: dict[str, Any], verdict: liveness.Verdict, overdue: timedelta, now: datetime) -> None:
    times = {"since": now - LOOK_BACK, "now": now, "out_since": verdict.since}
    above = await db.one(await conn.execute(QUERIES["above_device"], row | times))
    held = above["outage"] or above["building_out"] or above["hub_out"]
    if above["late"] and not held and overdue < HUB_FIRST_LONGEST:
        values = {"id": row["id"], "due_at": now + HUB_FIRST, "silent_since": row["silent_since"]}
        await conn.execute(QUERIES["look_at_device_again"], values)
        return
    values = {"id": row["id"], "due_at": verdict.look_again_at, "silent_since": row["silent_since"] or now}
    await conn.execute(QUERIES["look_at_device_again"], values)
    await alarm(conn, row, verdict, now, held=held)
    if row["is_hub"] and not held:
        await conn.execute(QUERIES["hold_beneath_hub"], row)
    if above["outage"] or above["hub_out"] or row["district_id"] is None:
        return
    if row["building"] is not None and not above["building_out"]:
        await outage.detect(conn, outage.Place(row["district_id"], row["building"]), now)
    await outage.detect(conn, outage.Place(row["district_id"], None), now)


async def alarm(conn: db.Connection, row: dict[str, Any], verdict: liveness.Verdict, now: datetime, *, held: bool) -> None:
    """Once for each silence: `once` is its last word. Held, it is kept but not due."""
    detail: dict[str, object] = {"minutes": int((now - verdict.since).total_seconds() // 60), "reason": verdict.out}
    if row["is_hub"]:
        detail |= await db.one(await conn.execute(QUERIES["beneath_hub"], row))
    values = {
        "device": row["code"],
        "device_id": row["id"],
        "home_id": row["home_id"],
        "district_id": None,
        "kind": "hub_silent" if row["is_hub"] else "device_silent",
        "once": f"{'since' if verdict.out == 'silent' else verdict.out} {verdict.since.isoformat()}",
        "detail": Jsonb(detail),
        "now": now,
        "due_at": None if held else now + hold(row, verdict),
        "held": held,
    }
    await conn.execute(QUERIES["raise_alarm"], values)


def hold(row: dict[str, Any], verdict: liveness.Verdict) -> timedelta:
    least = HOLD_HUB if row["is_hub"] else HOLD_DEVICE
    return least if verdict.out == "offline" else max(least, min(timedelta(minutes=row["report_minutes"]) / 2, HOLD_LONGEST))


async def found_back(conn: db.Connection, row: dict[str, Any], now: datetime) -> None:
    """It speaks again: what nobody was told is taken back, what people know of gets its line, what is beneath it gets time."""
    await conn.execute(QUERIES["take_back"], row | {"now": now})
    known = await (await conn.execute(QUERIES["raised"], row)).fetchone()
    if known:
        values = {"device": row["code"], "device_id": row["id"], "home_id": row["home_id"], "district_id": None, "kind": "back"}
        said = {"once": f"silent {row['silent_since'].isoformat()}", "detail": Jsonb({"was": known["kind"]}), "now": now, "due_at": now, "held": False}
        await conn.execute(QUERIES["raise_alarm"], values | said)
        await conn.execute(QUERIES["hint_signal"])
    if row["is_hub"]:
        await conn.execute(QUERIES["give_time_beneath_hub"], row | {"now": now})


async def look_at_battery(conn: db.Connection, row: dict[str, Any], model: models.Model, now: datetime) -> None:
    """Once a day: the day on which it will be empty, by percent, or by volts where it tells no percent."""
    told = {"id": row["id"], "quantities": [quantity.BATTERY, quantity.VOLTAGE], "since": now - timedelta(days=battery.LOOK_BACK_DAYS), "now": now}
    rows = await (await conn.execute(QUERIES["battery_days"], told)).fetchall()
    days = [(one["day"], one["value"]) for one in rows if one["quantity"] == quantity.BATTERY]
    if not days and model.battery:
        days = [(one["day"], battery.percent(one["value"], model.battery)) for one in rows]
    if days and days[-1][1] >= FULL_AGAIN:
        await conn.execute(QUERIES["battery_is_new"], row | {"now": now, "since": now - LOOK_BACK})
    values = {"id": row["id"], "empty_on": battery.forecast(days, now.date()), "today": now.date()}
    await conn.execute(QUERIES["battery_looked_at"], values)


STAGES = (
    Stage(name="supervise", step=step, oldest_due="SELECT min(due_at) AS due_at FROM device WHERE due_at IS NOT NULL"),
    outage.STAGE,
)
