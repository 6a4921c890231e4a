"""Quiet windows: who may ask for quiet, where and when; what it quiets, and what it would have. Never life safety.

While one holds, `quiet` records what it quiets and judges it anew at its end; nothing here keeps a clock.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from cloudfamily_platform.alerts.alert import QUERIES, Row, iso
from cloudfamily_platform.alerts.quiet import times
from cloudfamily_platform.alerts.rules import window as rule
from cloudfamily_platform.core import db, errors
from cloudfamily_platform.core.texts import catalogue, say
from cloudfamily_platform.people.person import Person

Scope = Literal["city", "district", "building", "home", "device"]
#: Of one place; whoever needs more ends one first.
MOST_LIVE = 20
#: A family's quiet is for a workman in the house, not for a season.
FAMILY_LONGEST = timedelta(days=7)
LISTED, MOST_LOOKED_AT = 200, 20_000
DAYS, MOST_DAYS = 28, 366


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Once: `starts_at` and `ends_at`. Recurring: `weekdays` (1 Monday), `from_time`, `to_time` and `until`, local to the place."""

    scope: Scope
    reason: str
    kinds: tuple[str, ...] = ()
    district: str | None = None
    building: str | None = None
    home: str | None = None
    device: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    weekdays: tuple[int, ...] | None = None
    from_time: time | None = None
    to_time: time | None = None
    until: date | None = None


async def make(conn: db.Connection, person: Person, asked: Asked, now: datetime) -> Row:
    """Makes a window and returns it. Raises NotFound, NotAllowed, NeverQuiet, Invalid."""
    place, when = await checked(conn, person, asked, now)
    recurring = when.weekdays is not None
    clock = {"weekdays": list(when.weekdays or ()) or None, "from_time": when.from_time if recurring else None, "to_time": when.to_time if recurring else None}
    span = {"starts_at": when.starts_at, "ends_at": when.ends_at, "timezone": place["timezone"]}
    values = place | span | clock | {"kinds": list(asked.kinds), "reason": asked.reason.strip(), "made_by": person.id, "now": now, "most": MOST_LIVE}
    row = await (await conn.execute(QUERIES["add_window"], values)).fetchone()
    if row is None:
        raise errors.Invalid(field="scope", reason=f"this place has {MOST_LIVE} windows already; end one of them first")
    return await load(conn, person, row["id"], now)


async def checked(conn: db.Connection, person: Person, asked: Asked, now: datetime) -> tuple[Row, rule.Times]:
    """The place and the times, where this person may have quiet there then."""
    check_kinds(asked.kinds)
    if not asked.reason.strip():
        raise errors.Invalid(field="reason", reason="say why, for whoever reads it later")
    names = {"scope": asked.scope, "district": asked.district, "building": asked.building, "home": asked.home, "device": asked.device}
    needed = {"district": ("district",), "building": ("district", "building"), "home": ("home",), "device": ("device",)}.get(asked.scope, ())
    for name in ("district", "building", "home", "device"):
        if (names[name] is not None) != (name in needed):
            raise errors.Invalid(field=name, reason=f"the scope {asked.scope} needs {' and '.join(needed) or 'no other place'}")
    found = await (await conn.execute(QUERIES["place_of_window"], names | {"person_id": person.id})).fetchone()
    may = found is not None and (person.whole_city if asked.scope == "city" else person.oversees(found["district_id"]))
    if found is None or not (may or found["family"] or asked.scope == "city"):
        raise errors.NotFound(what=asked.scope)
    when = times_of(asked, ZoneInfo(found["timezone"]), now)
    if problem := rule.wrong_times(when, now):
        raise errors.Invalid(field=problem[0], reason=problem[1])
    if not (may and person.is_operator):
        check_family(found["family"], asked, when)
    home_id = found["home_id"] if asked.scope == "home" else None
    return {"scope": asked.scope, "building": asked.building, "home_id": home_id, **{k: found[k] for k in ("district_id", "device_code", "timezone")}}, when


def check_kinds(kinds: tuple[str, ...]) -> None:
    if named := rule.never(kinds):
        raise errors.NeverQuiet(kinds=", ".join(named))
    for kind in kinds:
        if f"alert.kind.{kind}" not in catalogue("en"):
            raise errors.Invalid(field="kinds", reason=f"there is no kind {kind}")


def check_family(family: bool, asked: Asked, when: rule.Times) -> None:
    """A family may have trouble with devices quiet for some days in their own home; for the rest there are operators."""
    if not family:
        raise errors.NotAllowed
    if not asked.kinds or not set(asked.kinds) <= set(rule.FAMILY_MAY):
        raise errors.Invalid(field="kinds", reason=f"a family may choose among {', '.join(rule.FAMILY_MAY)}; ask your station for others")
    if when.weekdays is not None or when.ends_at - when.starts_at > FAMILY_LONGEST:
        raise errors.Invalid(field="ends_at", reason=f"a family's window holds once and at most {FAMILY_LONGEST.days} days; ask your station for more")


def times_of(asked: Asked, zone: ZoneInfo, now: datetime) -> rule.Times:
    """Raises Invalid when it is neither once nor recurring."""
    starts_at = asked.starts_at or now
    recurring = (asked.weekdays, asked.from_time, asked.to_time, asked.until)
    if all(one is None for one in recurring):
        if asked.ends_at is None:
            raise errors.Invalid(field="ends_at", reason="say when it ends, or weekdays, from_time, to_time and until")
        return rule.Times(starts_at=starts_at, ends_at=asked.ends_at, zone=zone)
    if asked.ends_at is not None or not asked.weekdays or asked.from_time is None or asked.to_time is None or asked.until is None:
        raise errors.Invalid(field="weekdays", reason="a recurring window needs weekdays, from_time, to_time and until, and no ends_at")
    clock = {"from_time": asked.from_time, "to_time": asked.to_time}
    weekdays = tuple(sorted(set(asked.weekdays)))
    if not set(weekdays) <= set(range(1, 8)):
        raise errors.Invalid(field="weekdays", reason="1 (Monday) to 7 (Sunday)")
    _, ends_at = rule.Times(starts_at=starts_at, ends_at=starts_at, zone=zone, weekdays=weekdays, **clock).of_day(asked.until)
    return rule.Times(starts_at=starts_at, ends_at=ends_at, zone=zone, weekdays=weekdays, **clock)


async def preview(conn: db.Connection, person: Person, asked: Asked, days: int, now: datetime) -> Row:
    """What such a window would have hidden in the last `days`: by kind, the newest `LISTED`, and what people closed as real.

    A window that holds once is taken for each day at its hours. Raises as `make`.
    """
    place, when = await checked(conn, person, asked, now)
    since = now - timedelta(days=days)
    past = when.as_if_always(since, now + timedelta(microseconds=1))
    values = place | {"since": since, "now": now, "kinds": list(asked.kinds), "never": list(rule.NEVER), "most": MOST_LOOKED_AT}
    rows = await (await conn.execute(QUERIES["alerts_in_scope"], values)).fetchall()
    hidden = [row for row in rows if past.until(row["opened_at"])]
    real = [row for row in hidden if row["outcome"] == "real"]
    alerts, signals, true = Counter[str](), Counter[str](), Counter[str](row["kind"] for row in real)
    for row in hidden:
        alerts[row["kind"]] += 1
        signals[row["kind"]] += row["presses"]
    said = {"count": len(real), "days": days}
    return {
        "days": days,
        "kinds": [{"kind": kind, "alerts": count, "signals": signals[kind], "real": true[kind]} for kind, count in alerts.most_common()],
        "alerts": [row | {"opened_at": iso(row["opened_at"])} for row in hidden[:LISTED]],
        "real": [row["id"] for row in real[:LISTED]],
        "warning": {"message": say("en", "window.warning", **said), "message_zh": say("zh-CN", "window.warning", **said)} if real else None,
    }


async def cancel(conn: db.Connection, person: Person, window_id: int, now: datetime) -> Row:
    """Ends it now: what it quieted and is still true is raised. Raises NotFound, NotAllowed, WrongState (it is over)."""
    async with conn.transaction():
        row = await load(conn, person, window_id, now)
        oversees = person.whole_city if row["scope"] == "city" else person.oversees(row["district_id"])
        if not (person.is_operator and oversees) and row["made_by"] != person.id:
            raise errors.NotAllowed
        values = {"id": window_id, "person_id": person.id, "now": now}
        if await (await conn.execute(QUERIES["cancel_window"], values)).fetchone() is None:
            raise errors.WrongState(state="over")
        await conn.execute(QUERIES["window_is_over"], values)
        return await load(conn, person, window_id, now)


async def listing(conn: db.Connection, person: Person, now: datetime, *, past: bool, limit: int, window_id: int | None = None) -> list[Row]:
    """The windows that this person may see, newest first: of their districts and the city, or of their home."""
    scope = {"oversees": person.is_operator, "whole_city": person.whole_city, "districts": list(person.districts), "person_id": person.id}
    return await (await conn.execute(QUERIES["windows"], scope | {"id": window_id, "past": past, "limit": limit, "now": now})).fetchall()


async def load(conn: db.Connection, person: Person, window_id: int, now: datetime) -> Row:
    """Raises NotFound, also when this person may not know of it."""
    rows = await listing(conn, person, now, past=True, limit=1, window_id=window_id)
    if not rows:
        raise errors.NotFound(what="window")
    return rows[0]


async def held(conn: db.Connection, person: Person, window_id: int, now: datetime, limit: int) -> list[Row]:
    """What it quieted, what waits still first: each with what became of it. Raises NotFound."""
    await load(conn, person, window_id, now)
    rows = await (await conn.execute(QUERIES["held_by_window"], {"id": window_id, "limit": limit})).fetchall()
    return [row | {key: iso(row[key]) for key in ("first_at", "last_at", "due_at", "ended_at")} for row in rows]


def shown(row: Row, now: datetime) -> Row:
    """As the API gives it; `until`: the end of the quiet that holds now, None: it does not."""
    quiet_until = None if row["cancelled_at"] else times(row).until(now)
    found: dict[str, Any] = {
        key: row[key] for key in ("id", "scope", "district", "building", "home", "kinds", "weekdays", "timezone", "reason", "held", "waiting")
    }
    return found | {
        "device": row["device_code"],
        "from_time": row["from_time"].strftime("%H:%M") if row["from_time"] else None,
        "to_time": row["to_time"].strftime("%H:%M") if row["to_time"] else None,
        **{key: iso(row[key]) for key in ("starts_at", "ends_at", "made_at", "cancelled_at")},
        "quiet_until": iso(quiet_until),
        "made_by": row["made_by_name"],
        "cancelled_by": row["cancelled_by_name"],
    }
