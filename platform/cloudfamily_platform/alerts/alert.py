"""The alert: how it is opened, who may see how much of it, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from psycopg.types.json import Jsonb

from cloudfamily_platform.alerts.rules import grouping, signals
from cloudfamily_platform.alerts.rules.hazard import Hazard
from cloudfamily_platform.core import db, errors, sql
from cloudfamily_platform.people import home
from cloudfamily_platform.people.person import Person

QUERIES = sql.load("cloudfamily_platform.alerts")
Row = dict[str, Any]
#: full: with name, address and device; masked: without; None: this person may not know of it.
Sight = Literal["full", "masked"] | None


async def open_alert(
    conn: db.Connection,
    hazard: Hazard,
    *,
    home_id: int | None,
    district_id: int | None,
    device_code: str | None,
    seq: int | None,
    canary: bool,
    now: datetime,
    incident_id: int | None = None,
    told_with: int | None = None,
) -> int:
    """Opens an alert, or adds to the live one of the same home and kind; returns its id. Call inside a transaction.

    One that is worse than the live one makes that one as bad: it begins anew, with the policy for it. `incident_id`, `told_with`
    (of a new one): the incident that it is part of, the alert of which it is a line (rules/grouping.py).
    """
    values = {"home_id": home_id, "district_id": district_id, "device_code": device_code, "seq": seq, "canary": canary}
    joins = {"incident_id": incident_id, "told_with": told_with, "line_longest": grouping.LINE_LONGEST}
    why = Jsonb({"key": f"alert.why.{hazard.why}", "params": hazard.params})
    hazards = {"kind": hazard.kind, "severity": hazard.severity, "why": why, "now": now}
    row = await db.one(await conn.execute(QUERIES["open_alert"], values | joins | hazards))
    new = row["presses"] == 1
    await add_event(conn, row["id"], "opened" if new else "pressed_again", now, params=hazard.params)
    if row["worse"]:
        await add_event(conn, row["id"], "worse", now)
    if new or row["worse"]:
        await db.hint(conn, "alert")
    if not new and row["state"] != "open":
        await answer_device(conn, row["id"], how_far(row["state"]), now)
    return int(row["id"])


async def note_recovered(
    conn: db.Connection, kind: str, home_id: int | None, device_code: str, said_as: str, now: datetime, *, detail: Mapping[str, object] | None = None
) -> None:
    """What an alert was raised for is over by itself: a line of its timeline. `recover` closes it after a while if nobody has it."""
    values = {"kind": kind, "home_id": home_id, "device_code": device_code, "now": now}
    row = await (await conn.execute(QUERIES["note_recovered"], values)).fetchone()
    if row is not None:
        silence = kind.endswith(("_silent", "_dark"))
        event = signals.RECOVERED.get(kind, "recovered" if silence else "settled")
        await add_event(conn, row["id"], event, now, params={**(detail or {}), "device": said_as})


class Event(NamedTuple):
    """A line of the timeline, to be written with others."""

    kind: str
    actor_id: int | None = None
    params: Mapping[str, object] = {}


async def add_event(
    conn: db.Connection, alert_id: int, kind: str, now: datetime, *, actor_id: int | None = None, params: Mapping[str, object] | None = None
) -> None:
    """One line of the timeline. See `add_events_of`."""
    await add_events(conn, alert_id, [Event(kind, actor_id, params or {})], now)


async def add_events(conn: db.Connection, alert_id: int, events: Sequence[Event], now: datetime) -> None:
    """Lines of one timeline, in this order. See `add_events_of`."""
    await add_events_of(conn, [(alert_id, one) for one in events], now)


async def add_events_of(conn: db.Connection, events: Sequence[tuple[int, Event]], now: datetime) -> None:
    """Lines of several alerts' timelines. From here to the end of the transaction nobody else writes into these, and consoles see
    nothing that was written later: do it last, and together."""
    if events:
        kinds, actors, params = zip(*((one.kind, one.actor_id, Jsonb(one.params)) for _, one in events), strict=True)
        values = {"alerts": [alert_id for alert_id, _ in events], "kinds": list(kinds), "actors": list(actors), "params": list(params)}
        await conn.execute(QUERIES["add_events"], {"now": now, **values})


async def settled(conn: db.Connection) -> int:
    """The number up to which no event can come in any more: what a later statement reads up to there has no gap."""
    return int((await db.one(await conn.execute(QUERIES["settled"])))["id"])


async def answer_device(conn: db.Connection, alert_id: int, answer: str, now: datetime) -> None:
    """The device that raised the alert is told: its light or voice says so. "on_the_way" comes with the name of who goes,
    as the family sees it, where somebody does."""
    await conn.execute(QUERIES["add_command"], {"id": alert_id, "answer": answer, "now": now})
    await db.hint(conn, "command")


async def of_device(conn: db.Connection, alert_id: int, person: Person, device: str) -> None:
    """Raises NotFound when the alert has nothing to do with this device, or when this person may not see it in full."""
    row = await (await conn.execute(QUERIES["alert_of_device"], {"id": alert_id, "device": device})).fetchone()
    if row is None or sight(person, await load(conn, alert_id)) != "full":
        raise errors.NotFound(what="alert")


def how_far(state: str) -> str:
    """What a device is told of an alert that somebody has."""
    return "on_the_way" if state == "on_the_way" else "help_is_coming"


def sight(person: Person, row: Row) -> Sight:
    """How much of an alert this person may see. A canary is seen by canaries alone, and sees only them."""
    if row["canary"] != person.canary:
        return None
    if oversees(person, row) or person.id in row["family"] or person.id in row["responding"]:
        return "full"
    return "masked" if person.id in row["offered"] else None


def oversees(person: Person, row: Row) -> bool:
    """Whether this operator looks after the alert: it is of their district, or they were called in from another."""
    return person.oversees(row["district_id"]) or (person.is_operator and person.id in row["guests"])


def shown(row: Row, how: Sight) -> Row:
    """The alert as the API and the stream give it."""
    full = how == "full"
    found = {key: row[key] for key in ("id", "kind", "severity", "state", "outcome", "presses", "step", "canary")}
    times = {key: iso(row[key]) for key in ("opened_at", "accepted_at", "on_the_way_at", "there_at", "inside_at", "resolved_at")}
    place = {"code": row["district_code"], "name_zh": row["district_zh"], "name_en": row["district_en"]}
    return {
        **found,
        **times,
        "district": place if row["district_id"] else None,
        "home": row["home_code"] if full else None,
        "elder": row["elder"] if full else None,
        "address": row["address"] if full else None,
        "device": row["device_code"] if full else None,
        "why": row["why"] if full else {"key": f"alert.why.{row['kind']}_masked", "params": {}},
        "handler": {"id": row["handler_id"], "name": row["handler_name"]} if row["handler_id"] else None,
    }


def shown_event(row: Row) -> Row:
    return {"id": row["event_id"], "alert_id": row["alert_id"], "at": iso(row["at"]), "kind": row["event_kind"], "actor": row["actor"], "params": row["params"]}


def in_text(row: Row) -> Row:
    """The row, its times as the API gives them."""
    return {name: iso(value) if isinstance(value, datetime) else value for name, value in row.items()}


def iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None


async def load(conn: db.Connection, alert_id: int) -> Row:
    """Raises NotFound."""
    found = await load_all(conn, [alert_id])
    if not found:
        raise errors.NotFound(what="alert")
    return found[alert_id]


async def load_all(conn: db.Connection, ids: Iterable[int]) -> dict[int, Row]:
    """Those of them that there are, by id, each with its plan."""
    rows = await (await conn.execute(QUERIES["alerts_with_plan"], {"ids": list(ids)})).fetchall()
    return {row["id"]: row for row in rows}


async def listing(conn: db.Connection, person: Person, *, resolved: bool, limit: int) -> Row:
    """This person's alerts, and the stream position from which nothing after them is missed."""
    position = await settled(conn)
    scope = {"oversees": person.is_operator, "whole_city": person.whole_city, "districts": list(person.districts)}
    values = {"person_id": person.id, "canary": person.canary, "resolved": resolved, "limit": limit}
    rows = await (await conn.execute(QUERIES["alerts"], scope | values)).fetchall()
    return {"alerts": [shown(row, sight(person, row)) for row in rows], "position": position}


async def detail(conn: db.Connection, person: Person, alert_id: int, now: datetime) -> Row:
    """One alert with card, timeline and offers, as far as this person may see. Raises NotFound."""
    row = await load(conn, alert_id)
    how = sight(person, row)
    if how is None:
        raise errors.NotFound(what="alert")
    events = await (await conn.execute(QUERIES["timeline"], {"id": alert_id})).fetchall()
    offers = await (await conn.execute(QUERIES["offers"], {"id": alert_id})).fetchall()
    responses = await (await conn.execute(QUERIES["responses"], {"id": alert_id})).fetchall()
    full = how == "full"
    others = await (await conn.execute(QUERIES["incident_alerts"], {"id": alert_id})).fetchall()
    beneath = await (await conn.execute(QUERIES["held_beneath"], {"id": alert_id})).fetchall() if full else []
    return {
        "alert": shown(row, how),
        "card": await home.card(conn, row["home_id"], now) if full and row["home_id"] else None,
        "timeline": [shown_event(event) for event in reversed(events)] if full else [],
        "offers": [in_text(offer) for offer in offers] if person.is_operator else [],
        "responses": [in_text(response) for response in responses] if full else [],
        "incident": incident(person, others),
        "held": [in_text(one) for one in beneath],
    }


def incident(person: Person, rows: list[Row]) -> Row | None:
    """What belongs together, as far as this person may see; `told_with`: the alert of which one is a line, None: it speaks for itself."""
    seen = [(row, how) for row in rows if (how := sight(person, row))]
    return {"id": rows[0]["incident_id"], "alerts": [{**shown(row, how), "told_with": row["told_with"]} for row, how in seen]} if seen else None
