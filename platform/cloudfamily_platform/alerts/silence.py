"""silence: a home that is still for longer than it is used to becomes an alert.

A lazy deadline: when a home is due, its routine hears what came in since, says whether this stillness is too long, and when to
look again. What it has learned is kept up to `LATE` ago; what came after that is heard anew at each look, so that a reading which
a hub delivers late still counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from psycopg.types.json import Jsonb

from cloudfamily_platform.alerts import quiet
from cloudfamily_platform.alerts.alert import QUERIES
from cloudfamily_platform.alerts.rules import silence
from cloudfamily_platform.alerts.rules.routine import Event, Routine, Seconds, rank
from cloudfamily_platform.core import db, quantity
from cloudfamily_platform.core.stage import Stage, take_one
from cloudfamily_platform.people import blindness, state

#: Readings are read no further back than this, and no more than so many, in one look.
LOOK_BACK, ROWS_MOST = timedelta(days=14), 50_000
#: Readings that come later than this are not heard by the routine any more.
LATE = timedelta(hours=2)
#: In one device, each of these is a sensor of its own: the end of a movement does not end a press.
PART = {quantity.MOTION: "", quantity.DOOR: "/door", quantity.PRESS: "/press"}


class Heard(NamedTuple):
    """Something in a home's order of events: a reading, or (no event) that silence counts anew."""

    at: Seconds
    event: Event | None
    name: str
    #: Somebody else moves there, so this is no habit of hers.
    teaches: bool


async def step(conn: db.Connection, now: datetime) -> bool:
    """One home whose silence is due is looked at, and armed again."""
    blind = {"gateway": blindness.NAME, "blind_before": now - blindness.BLIND_AFTER}
    return await take_one(conn, now, claim=QUERIES["claim_home"], work=look, postpone=QUERIES["home_postponed"], **blind)


async def look(conn: db.Connection, row: dict[str, Any], now: datetime) -> None:
    """`row`: as `claim_home` gives it."""
    home_id, zone = row["id"], ZoneInfo(row["timezone"])
    saved = await (await conn.execute(QUERIES["routine_of_home"], {"home_id": home_id})).fetchone()
    if saved is None:
        routine, until = Routine(zone), min(row["watched_from"], now)
        routine.start(seconds(until))
        routine.mark(seconds(until), seconds(until), night=routine.of_night(seconds(until)))  # it has a first day, if nothing is ever heard
    else:
        routine, until = Routine.from_json(zone, saved["model"]), saved["learned_until"]
    states = await state.since(conn, home_id, max(until, now - LOOK_BACK))
    heard = await what_was_heard(conn, row, states, until, now)
    keep_until = max(until, now - LATE)
    hear(routine, [one for one in heard if one.at <= seconds(keep_until)])
    kept = Jsonb(routine.to_json())
    hear(routine, [one for one in heard if one.at > seconds(keep_until)])
    verdict = silence.judge(routine, seconds(now), row["bearable_alarms_per_month"], row["family_limit_minutes"])
    seen = {"state": verdict.state, "since": datetime.fromtimestamp(verdict.since, UTC), "now": now}
    await conn.execute(QUERIES["save_routine"], {"home_id": home_id, "model": kept, "learned_until": keep_until} | seen)
    due_at = state.holds_silence_until(states, now)
    if due_at is None:
        due_at = max(datetime.fromtimestamp(verdict.look_again_at, UTC), now + timedelta(seconds=1))
        if verdict.hazard:
            where = {"home_id": home_id, "district_id": row["district_id"], "canary": row["canary"]}
            await quiet.raise_alert(conn, verdict.hazard, **where, device_code=None, seq=None, now=now)
    await conn.execute(QUERIES["look_at_home_again"], {"home_id": home_id, "due_at": due_at})


async def what_was_heard(conn: db.Connection, row: dict[str, Any], states: Sequence[state.Set], until: datetime, now: datetime) -> list[Heard]:
    """In its order, after `until`: readings, and where silence counts anew."""
    values = {"home_id": row["id"], "since": max(until, now - LOOK_BACK), "now": now, "most": ROWS_MOST}
    rows = await (await conn.execute(QUERIES["movement_of_home"], values | {"movement": list(quantity.MOVEMENT), "press": quantity.PRESS})).fetchall()
    found = []
    for one in reversed(rows):
        event = Event(seconds(one["at"]), one["code"] + PART[one["quantity"]], one["begins"])
        others = any(spell.with_others and spell.starts_at <= one["at"] < spell.ends_at for spell in states)
        found.append(Heard(event.at, event, name(one, row["code"]), not others))
    starts = [row["watched_from"], *(spell.ends_at for spell in states if spell.nobody_in)]
    found += [Heard(seconds(at), None, "", True) for at in starts if until < at <= now]
    return sorted(found, key=lambda one: (one.at, one.event is not None))


def hear(routine: Routine, heard: Sequence[Heard]) -> None:
    for teaches, some in groupby(heard, key=itemgetter(3)):
        days, places = (routine.days, routine.places) if teaches else (deepcopy(routine.days), deepcopy(routine.places))
        for one in some:
            if one.event is None:
                routine.start(one.at)
            else:
                routine.hear(one.event, one.name)
        if not teaches:
            routine.days, routine.places = days, places


def name(row: dict[str, Any], home_code: str) -> str:
    """What tells where a sensor is: its name or else its code, and its room; a contact on nothing else is on a door."""
    words: str = row["name"] or row["code"].removeprefix(f"{home_code}-")
    if row["room"] not in (None, "other"):
        words = f"{words} {row['room']}"
    return words + (" door" if row["quantity"] == quantity.DOOR and not rank(words) else "")


def seconds(at: datetime) -> Seconds:
    return int(at.timestamp())


STAGES = (Stage(name="silence", step=step, oldest_due="SELECT min(due_at) AS due_at FROM home WHERE due_at IS NOT NULL", limit_seconds=120),)
