"""quiet: between a hazard and an alert. What is dark, asked to be quiet or flapping becomes a row of `quieted`, not a silence.

In this order: life safety is an alert, whatever else; what lies in the dark is held while it is dark; a window quiets until it ends;
a device that flaps counts on one line; the rest is an alert, with what else is live in its home (`incident`). What was quieted is
judged anew when its time is up: what is not known to be over is raised then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from psycopg.types.json import Jsonb

from cloudfamily_platform.alerts import alert, incident
from cloudfamily_platform.alerts.alert import QUERIES, Row
from cloudfamily_platform.alerts.rules import flap
from cloudfamily_platform.alerts.rules.hazard import Hazard
from cloudfamily_platform.alerts.rules.window import Times
from cloudfamily_platform.core import db, quantity
from cloudfamily_platform.core.stage import Stage, take_one
from cloudfamily_platform.people import blindness

#: What a dark place explains. A home that is dark is still a home of which nobody knows whether all is well: its place is an alert
#: of its own, and one that stays dark for longer than this holds nothing any more.
HELD_IN_THE_DARK = ("no_movement",)
DARK_LONGEST = timedelta(hours=12)
LOOK_AGAIN = timedelta(minutes=5)
#: Of these the alert says for how long; when it is raised later, it is longer.
LASTING = ("no_movement", "device_silent", "hub_silent")


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Why a hazard is not said now, and when it is judged anew."""

    cause: str
    due_at: datetime
    window_id: int | None = None
    outage_id: int | None = None
    #: Of a device that flaps: how often within the hour.
    rises: int = 0


async def raise_alert(
    conn: db.Connection,
    hazard: Hazard,
    *,
    home_id: int | None,
    district_id: int | None,
    device_code: str | None,
    seq: int | None,
    canary: bool,
    now: datetime,
) -> int | None:
    """The id of the alert that says it; None: it is quieted, and a row says why. Call inside a transaction."""
    where: Row = {"home_id": home_id, "district_id": district_id, "device_code": device_code, "seq": seq}
    if hazard.severity != "critical" and not canary:
        hold = await held(conn, hazard, where, now) or await flapping(conn, hazard, where, now)
        if hold is not None:
            await quiet(conn, hazard, where, hold, now)  # before any alert: `judge` takes their locks in this order
            if hold.rises:
                await count(conn, flap.hazard(str(device_code), hold.rises), where, now)
            return None
    return await incident.open_alert(conn, hazard, **where, canary=canary, now=now)


async def held(conn: db.Connection, hazard: Hazard, where: Row, now: datetime) -> Hold | None:
    """What is not said because of where it is. What people have as an alert already is a line of that."""
    values = where | {"kind": hazard.kind, "now": now}
    if (await db.one(await conn.execute(QUERIES["is_live"], values)))["live"]:
        return None
    return await dark(conn, values) or await in_window(conn, values)


async def dark(conn: db.Connection, values: Row) -> Hold | None:
    if values["home_id"] is None or values["kind"] not in HELD_IN_THE_DARK:
        return None
    limits = {"longest": DARK_LONGEST, "grace_minutes": blindness.GRACE_MINUTES}
    row = await (await conn.execute(QUERIES["darkness_over_home"], values | limits)).fetchone()
    if row is None:
        return None
    due_at = values["now"] + LOOK_AGAIN
    if row["ended_at"] is not None:
        due_at = row["ended_at"] + timedelta(minutes=min(row["silence_minutes"], blindness.GRACE_MINUTES))
    return Hold(cause="dark", due_at=due_at, outage_id=row["id"])


async def in_window(conn: db.Connection, values: Row) -> Hold | None:
    """The window that lasts longest, of those that quiet this now."""
    rows = await (await conn.execute(QUERIES["windows_over"], values)).fetchall()
    ends = [(end, row["id"]) for row in rows if (end := times(row).until(values["now"]))]
    if not ends:
        return None
    due_at, window_id = max(ends)
    return Hold(cause="window", due_at=due_at, window_id=window_id)


def times(row: Row) -> Times:
    weekdays = None if row["weekdays"] is None else tuple(row["weekdays"])
    clock = {} if weekdays is None else {"from_time": row["from_time"], "to_time": row["to_time"]}
    return Times(starts_at=row["starts_at"], ends_at=row["ends_at"], zone=ZoneInfo(row["timezone"]), weekdays=weekdays, **clock)


async def flapping(conn: db.Connection, hazard: Hazard, where: Row, now: datetime) -> Hold | None:
    """Whether its device flaps with this."""
    if where["device_code"] is None or where["home_id"] is None:
        return None
    values = where | {"kind": hazard.kind, "now": now, "within": flap.WITHIN}
    known = await db.one(await conn.execute(QUERIES["rises"], values))
    if not flap.flaps(hazard.severity, known["rises"], known["closed_at"], now):
        return None
    return Hold(cause="flap", due_at=now + flap.CALM, rises=known["rises"])


async def count(conn: db.Connection, line: Hazard, where: Row, now: datetime) -> None:
    """The one alert of a device that flaps, itself subject to windows."""
    if hold := await held(conn, line, where, now):
        await quiet(conn, line, where, hold, now)
    else:
        await incident.open_alert(conn, line, **where, canary=False, now=now)


async def quiet(conn: db.Connection, hazard: Hazard, where: Row, hold: Hold, now: datetime) -> None:
    why = Jsonb({"key": f"alert.why.{hazard.why}", "params": hazard.params})
    what = {"kind": hazard.kind, "severity": hazard.severity, "why": why, "now": now}
    because = {"cause": hold.cause, "due_at": hold.due_at, "window_id": hold.window_id, "outage_id": hold.outage_id}
    await conn.execute(QUERIES["quiet_it"], where | what | because)


async def step(conn: db.Connection, now: datetime) -> bool:
    """One quieted hazard whose time is up is judged anew."""
    return await take_one(conn, now, claim=QUERIES["claim_quieted"], work=judge, postpone=QUERIES["quieted_postponed"])


async def judge(conn: db.Connection, row: Row, now: datetime) -> None:
    """Over: listed and no more. Still so, and still quiet: later, or under what quiets it now. Else it is an alert."""
    if await over(conn, row, now):
        await conn.execute(QUERIES["end_quieted"], {"id": row["id"], "ended": "over", "now": now})
        await settled(conn, row, now)
        return
    hazard, where = later(row, now), {key: row[key] for key in ("home_id", "district_id", "device_code", "seq")}
    hold = await held(conn, hazard, where, now)
    if hold and (hold.cause, hold.window_id, hold.outage_id) == (row["cause"], row["window_id"], row["outage_id"]):
        await conn.execute(QUERIES["look_at_quieted_again"], {"id": row["id"], "due_at": hold.due_at})
        return
    await conn.execute(QUERIES["end_quieted"], {"id": row["id"], "ended": "raised", "now": now})
    if hold:
        await quiet(conn, hazard, where, hold, now)
        return
    alert_id = await incident.open_alert(conn, hazard, **where, canary=False, now=now)
    await conn.execute(QUERIES["quieted_became"], {"id": row["id"], "alert_id": alert_id})
    await alert.add_event(conn, alert_id, "raised_late", now, params={"times": row["times"], "first_at": alert.iso(row["first_at"])})
    await settled(conn, row, now)


async def settled(conn: db.Connection, row: Row, now: datetime) -> None:
    """A device that flapped does not any more: its line can be closed by itself, unless another kind still does."""
    if row["cause"] == "flap":
        line = row | {"kind": "flapping"}
        if await over(conn, line, now):
            await alert.note_recovered(conn, "flapping", row["home_id"], row["device_code"], row["device_code"], now)


async def over(conn: db.Connection, row: Row, now: datetime, *, of_home: bool = False) -> bool:
    """Whether what was raised is known to be over. `of_home`: for all devices of the home that raised the same.

    `row`: home_id, device_code, kind, first_at, last_at.
    """
    facts = {key: row[key] for key in ("home_id", "device_code", "kind", "first_at", "last_at")}
    values = facts | {"of_home": of_home and row["home_id"] is not None, "movement": list(quantity.MOVEMENT), "now": now}
    return bool((await db.one(await conn.execute(QUERIES["is_over"], values)))["over"])


def later(row: Row, now: datetime) -> Hazard:
    """The hazard of a quieted row, as it is now."""
    params: dict[str, Any] = row["why"]["params"]
    if row["kind"] in LASTING and isinstance(params.get("minutes"), int):
        minutes = params["minutes"] + int((now - row["last_at"]).total_seconds() // 60)
        params = params | {"minutes": minutes}
        if "still_hours" in params:
            clock = now.astimezone(datetime.fromisoformat(params["since"]).tzinfo)
            params |= {"still_hours": minutes // 60, "still_minutes": f"{minutes % 60:02d}", "by_clock": f"{clock:%H:%M}"}
    return Hazard(kind=row["kind"], severity=row["severity"], why=row["why"]["key"].removeprefix("alert.why."), params=params)


STAGES = (Stage(name="quiet", step=step, oldest_due="SELECT min(due_at) AS due_at FROM quieted WHERE due_at IS NOT NULL"),)
