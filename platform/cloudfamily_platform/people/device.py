"""Devices as their operators see them: alive or not, how long the battery lasts, and whether each button was tested this week."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Literal, get_args

from cloudfamily_platform.core import db
from cloudfamily_platform.people.home import district
from cloudfamily_platform.people.person import QUERIES, Person

State = Literal["ok", "silent", "offline", "quiet", "unbound"]
STATES: tuple[State, ...] = get_args(State)
#: How far back the last word is looked for.
LOOK_BACK = timedelta(days=45)
#: Whoever promises nothing and was not heard for this long is called quiet.
QUIET_AFTER = timedelta(days=1)
#: A battery is replaced within two weeks of its first warning; a month ahead leaves time to plan the round.
SOON = timedelta(days=30)
#: JGJ/T 484-2019, 10.3: alarm buttons are tested weekly. Two months at a glance.
WEEKS, MOST_WEEKS = 8, 53
MOST = 10_000
Scope = dict[str, object]
CITY: Scope = {"whole_city": True, "districts": [], "canary": False}
NOBODY_S = {"district": None, "name_zh": None, "name_en": None}


def scope(person: Person) -> Scope:
    """Whose devices this operator sees: those of their districts, and those that have no home yet."""
    return {"whole_city": person.whole_city, "districts": list(person.districts), "canary": person.canary}


async def listing(conn: db.Connection, seen: Scope, now: datetime, *, state: State | None = None, q: str = "", limit: int = 200) -> dict[str, Any]:
    """Devices whose code, name, vendor, model, kind or home contains `q`, trouble first; how many are in trouble, of how many."""
    values = {"state": state or "", "q": q.strip(), "limit": limit, "now": now, "since": now - LOOK_BACK, "quiet_since": now - QUIET_AFTER}
    rows = await (await conn.execute(QUERIES["list_devices"], values | seen)).fetchall()
    counts = await db.one(await conn.execute(QUERIES["device_states"], seen))
    return {"devices": [placed(row) for row in rows], "counts": counts}


async def button_tests(conn: db.Connection, seen: Scope, now: datetime, *, weeks: int = WEEKS, limit: int = 200) -> list[dict[str, Any]]:
    """The ledger of weekly tests: each button with its weeks, this week first, most gaps first.

    A week is `test`, `real`, `false_alarm` or `open` (pressed: it came through), `gap`, `due` (this week, still time) or `before`
    (it was not there yet).
    """
    rows = await (await conn.execute(QUERIES["button_tests"], {"now": now, "weeks": weeks, "limit": limit} | seen)).fetchall()
    return [ledger(placed(row)) for row in rows]


async def problems(conn: db.Connection, now: datetime, weeks: int = WEEKS) -> dict[str, list[dict[str, Any]]]:
    """What somebody should see to in the whole city: silent devices, batteries that run out, buttons without their weekly test."""
    silent = [row for state in ("offline", "silent") for row in (await listing(conn, CITY, now, state=state, limit=MOST))["devices"]]
    until = {"until": now.date() + SOON, "limit": MOST}
    batteries = await (await conn.execute(QUERIES["batteries_running_out"], until | CITY)).fetchall()
    untested = [row for row in await button_tests(conn, CITY, now, weeks=weeks, limit=MOST) if row["gaps"]]
    return {"silent": silent, "batteries": batteries, "untested": untested}


def placed(row: dict[str, Any]) -> dict[str, Any]:
    """With its district as the API gives it; None for one without a home."""
    names = {key: row.pop(key) for key in NOBODY_S}
    return {**row, "district": district(names) if names["district"] else None}


def ledger(row: dict[str, Any]) -> dict[str, Any]:
    entries: list[tuple[date, str, datetime | None]] = list(zip(row.pop("weeks"), row.pop("hows"), row.pop("ats"), strict=True))
    return {**row, "weeks": [{"week": week, "state": how, "at": at} for week, how, at in entries]}
