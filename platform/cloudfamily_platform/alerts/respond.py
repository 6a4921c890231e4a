"""respond: accept, decline, on the way, there, resolved. The first to accept has it; every step is a line of the timeline."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from cloudfamily_platform.alerts import alert, notify, offers, policy
from cloudfamily_platform.alerts.alert import QUERIES
from cloudfamily_platform.core import db, errors
from cloudfamily_platform.people.person import Person

Outcome = Literal["real", "false_alarm", "test"]
OUTCOMES: tuple[Outcome, ...] = ("real", "false_alarm", "test")
NOTE_LONGEST = 2000
#: How many an operator's "send someone" asks at once.
DISPATCH = 3


async def lock(conn: db.Connection, alert_id: int, person: Person) -> dict[str, Any]:
    """The alert under its lock. Raises NotFound, also when this person may not know of it; Taken or WrongState when it was
    offered to them and somebody else was first."""
    await conn.execute(QUERIES["lock_alert"], {"id": alert_id})
    row = await alert.load(conn, alert_id)
    if alert.sight(person, row) is not None:
        return row
    asked = await (await conn.execute(QUERIES["was_asked"], {"alert_id": alert_id, "person_id": person.id})).fetchone()
    if asked is None or row["state"] == "open":
        raise errors.NotFound(what="alert")
    if row["state"] == "resolved":
        raise errors.WrongState(state=row["state"])
    raise errors.Taken(by=row["handler_name"])


async def accept(conn: db.Connection, alert_id: int, person: Person, now: datetime) -> dict[str, Any]:
    """This person has it from now on. Raises Taken when somebody was first, WrongState when it is over."""
    async with conn.transaction():
        row = await lock(conn, alert_id, person)
        if row["handler_id"] == person.id and row["state"] != "resolved":
            return row
        if row["state"] == "resolved":
            raise errors.WrongState(state=row["state"])
        # An operator who asked for somebody to be sent hands over to whoever accepts the offer.
        sent_for = row["state"] == "accepted" and not row["responding"] and person.id in row["offered"]
        if row["state"] != "open" and not sent_for:
            raise errors.Taken(by=row["handler_name"])
        due_at = now + policy.patience(policy.in_force(row["plan"]), "accepted")
        values = {"id": alert_id, "alert_id": alert_id, "person_id": person.id, "now": now, "due_at": due_at}
        await conn.execute(QUERIES["accept"], values)
        goes = not alert.oversees(person, row)
        if goes:
            await conn.execute(QUERIES["add_response"], values)
            await conn.execute(QUERIES["end_offer"], values | {"state": "accepted"})
        await withdraw(conn, row, now)
        await progress(conn, row, person, "accepted", now)
        await alert.answer_device(conn, alert_id, "help_is_coming", now)
        return await alert.load(conn, alert_id)


async def decline(conn: db.Connection, alert_id: int, person: Person, now: datetime) -> None:
    """This person cannot come: the next in line is asked at once. Raises WrongState when there is no such offer."""
    async with conn.transaction():
        row = await lock(conn, alert_id, person)
        values = {"alert_id": alert_id, "person_id": person.id, "state": "declined"}
        if await (await conn.execute(QUERIES["end_offer"], values)).fetchone() is None:
            raise errors.WrongState(state=row["state"])
        await alert.add_event(conn, alert_id, "declined", now, actor_id=person.id)
        if row["state"] != "resolved" and not row["responding"]:
            await offers.make(conn, row, 1, now)


async def move(conn: db.Connection, alert_id: int, person: Person, to: Literal["on_the_way", "there"], now: datetime) -> dict[str, Any]:
    """The one who has it is on the way, or there. Raises NotAllowed for anyone else but an operator, WrongState."""
    async with conn.transaction():
        row = await lock(conn, alert_id, person)
        may_move(row, person)
        if row["state"] == to:
            return row
        if row["state"] not in (("accepted",) if to == "on_the_way" else ("accepted", "on_the_way")):
            raise errors.WrongState(state=row["state"])
        due_at = now + policy.patience(policy.in_force(row["plan"]), to)
        values = {"id": alert_id, "now": now, "due_at": due_at}
        await conn.execute(QUERIES[to], values)
        await conn.execute(QUERIES[f"response_{to}"], values)
        await progress(conn, row, person, to, now)
        if to == "on_the_way":
            await alert.answer_device(conn, alert_id, "on_the_way", now)
        return await alert.load(conn, alert_id)


async def resolve(conn: db.Connection, alert_id: int, person: Person, outcome: str, note: str, now: datetime) -> dict[str, Any]:
    """It is over, with an outcome. Raises Invalid, NotAllowed, WrongState (it was over before)."""
    if outcome not in OUTCOMES:
        raise errors.Invalid(field="outcome", reason=", ".join(OUTCOMES))
    check_note(note)
    async with conn.transaction():
        row = await lock(conn, alert_id, person)
        may_move(row, person)
        if row["state"] == "resolved":
            raise errors.WrongState(state=row["state"])
        values = {"id": alert_id, "person_id": person.id, "outcome": outcome, "now": now}
        await withdraw(conn, row, now)
        await conn.execute(QUERIES["end_response"], values)
        await conn.execute(QUERIES["resolve"], values)
        await progress(conn, row, person, "resolved", now, {"outcome": outcome, "note": note} if note else {"outcome": outcome})
        await alert.answer_device(conn, alert_id, "resolved", now)
        await db.hint(conn, "response")
        return await alert.load(conn, alert_id)


async def add_note(conn: db.Connection, alert_id: int, person: Person, text: str, now: datetime) -> dict[str, Any]:
    """A line of the timeline in somebody's own words. Raises Invalid, NotAllowed."""
    check_note(text)
    if not text.strip():
        raise errors.Invalid(field="text", reason="empty")
    async with conn.transaction():
        row = await lock(conn, alert_id, person)
        if alert.sight(person, row) != "full":
            raise errors.NotAllowed
        await alert.add_event(conn, alert_id, "note", now, actor_id=person.id, params={"text": text.strip()})
        return row


async def dispatch(conn: db.Connection, alert_id: int, person: Person, now: datetime) -> dict[str, Any]:
    """An operator sends for somebody. Raises NotAllowed, Taken (somebody goes already), WrongState."""
    async with conn.transaction():
        row = await lock(conn, alert_id, person)
        if not alert.oversees(person, row):
            raise errors.NotAllowed
        if row["state"] == "resolved":
            raise errors.WrongState(state=row["state"])
        if row["responding"]:
            raise errors.Taken(by=row["handler_name"])
        if not await offers.make(conn, row, DISPATCH, now, again=True):
            await alert.add_event(conn, alert_id, "no_responder", now, actor_id=person.id)
        return await alert.load(conn, alert_id)


def may_move(row: dict[str, Any], person: Person) -> None:
    if row["handler_id"] != person.id and not alert.oversees(person, row):
        raise errors.NotAllowed


def check_note(text: str) -> None:
    if len(text) > NOTE_LONGEST:
        raise errors.Invalid(field="note", reason=f"longer than {NOTE_LONGEST} characters")


async def withdraw(conn: db.Connection, row: dict[str, Any], now: datetime) -> None:
    """Nobody else need come: standing offers end, and those who were asked hear so."""
    asked = await (await conn.execute(QUERIES["withdraw_offers"], {"alert_id": row["id"]})).fetchall()
    for person in asked:
        await notify.tell(conn, row["id"], person["person_id"], "taken", now)


async def progress(conn: db.Connection, row: dict[str, Any], person: Person, kind: str, now: datetime, params: dict[str, str] | None = None) -> None:
    """The family who were told of it hear how it goes on; the timeline gets its line."""
    await notify.tell_those_told(conn, row["id"], person.id, kind, {"actor": person.name, **(params or {})}, now)
    await notify.send(conn)
    await alert.add_event(conn, row["id"], kind, now, actor_id=person.id, params=params)
