"""respond: accept, decline, on the way, there, inside, resolved. The first to accept has it; every step is a line of the timeline."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from cloudfamily_platform.alerts import alert, checkin, desk, notify, offers, policy
from cloudfamily_platform.alerts.alert import QUERIES
from cloudfamily_platform.alerts.replace import replace
from cloudfamily_platform.core import db, errors
from cloudfamily_platform.people.person import Person

Outcome = Literal["real", "false_alarm", "test"]
OUTCOMES: tuple[Outcome, ...] = ("real", "false_alarm", "test")
#: Why somebody cannot come.
Reason = Literal["busy", "too_far", "unwell", "other"]
REASONS: tuple[Reason, ...] = ("busy", "too_far", "unwell", "other")
#: Each step, and the states from which it can be taken.
Step = Literal["on_the_way", "there", "inside"]
STEPS: dict[Step, tuple[str, ...]] = {
    "on_the_way": ("accepted",),
    "there": ("accepted", "on_the_way"),
    "inside": ("accepted", "on_the_way", "there"),
}
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
        await take(conn, row, person, now)
        return await alert.load(conn, alert_id)


async def take(conn: db.Connection, row: dict[str, Any], person: Person, now: datetime) -> None:
    """They have it; whoever else was asked need not come. The caller has the lock, and knows that they may."""
    due_at = now + policy.patience(policy.in_force(row["plan"]), "accepted")
    values = {"id": row["id"], "alert_id": row["id"], "person_id": person.id, "now": now, "due_at": due_at}
    await conn.execute(QUERIES["accept"], values)
    if not alert.oversees(person, row):
        await conn.execute(QUERIES["add_response"], values)
        await conn.execute(QUERIES["end_offer"], values | {"state": "accepted", "reason": None})
    await withdraw(conn, row, now)
    await progress(conn, row, person, "accepted", now)
    await alert.answer_device(conn, row["id"], "help_is_coming", now)


async def decline(conn: db.Connection, alert_id: int, person: Person, now: datetime, reason: str | None = None) -> None:
    """This person cannot come: the next in line is asked at once. Raises Invalid, WrongState when there is no such offer."""
    check_reason(reason)
    async with conn.transaction():
        row = await lock(conn, alert_id, person)
        values = {"alert_id": alert_id, "person_id": person.id, "state": "declined", "reason": reason, "now": now}
        if await (await conn.execute(QUERIES["end_offer"], values)).fetchone() is None:
            raise errors.WrongState(state=row["state"])
        following = [] if row["state"] == "resolved" or row["responding"] else await offers.choose(conn, row, 1, now)
        asked = await offers.ask(conn, row, following, now)
        declined = alert.Event("declined", person.id, {"reason": reason} if reason else {})
        await alert.add_events(conn, alert_id, [declined, *asked.events], now)


async def release(conn: db.Connection, alert_id: int, person: Person, now: datetime, reason: str | None = None) -> dict[str, Any]:
    """Who has it cannot after all, or an operator takes it from them: it is open, and the next is asked at once; they are not asked
    again. Raises Invalid, NotAllowed, WrongState when nobody has it."""
    check_reason(reason)
    async with conn.transaction():
        row = await lock(conn, alert_id, person)
        may_move(row, person)
        if row["state"] in ("open", "resolved"):
            raise errors.WrongState(state=row["state"])
        await conn.execute(QUERIES["give_back_offer"], {"id": alert_id, "person_id": row["handler_id"], "reason": reason})
        params = {"reason": reason} if reason else {}
        await replace(conn, row, "released", now, params if row["handler_id"] == person.id else params | {"by": person.name})
        return await alert.load(conn, alert_id)


async def move(conn: db.Connection, alert_id: int, person: Person, to: Step, now: datetime) -> dict[str, Any]:
    """The one who has it is on the way, there, or inside. Raises NotAllowed for anyone else but an operator, Taken, WrongState.

    Who was replaced because they did not answer, and is there nonetheless, has it again unless somebody else has.
    """
    async with conn.transaction():
        row = await come_back(conn, await lock(conn, alert_id, person), person, now)
        may_move(row, person)
        if row["state"] != to:
            if row["state"] not in STEPS[to]:
                raise errors.WrongState(state=row["state"])
            values = {"id": alert_id, "now": now, "due_at": now + policy.patience(policy.in_force(row["plan"]), to)}
            await conn.execute(QUERIES[to], values)
            await conn.execute(QUERIES[f"response_{to}"], values)
            await checkin.arm(conn, row | {"state": to}, now)
            await progress(conn, row, person, to, now)
            if to == "on_the_way":
                await alert.answer_device(conn, alert_id, "on_the_way", now)
        elif await checkin.arm(conn, row, now, answered=True):
            await alert.add_event(conn, alert_id, "checkin_answered", now, actor_id=person.id)
        return await alert.load(conn, alert_id)


async def answer(conn: db.Connection, alert_id: int, person: Person, now: datetime) -> dict[str, Any]:
    """All is well with who goes: still on the way, or busy at the home. Raises NotAllowed, Taken, WrongState when nobody goes."""
    async with conn.transaction():
        before = await lock(conn, alert_id, person)
        row = await come_back(conn, before, person, now)
        if row is not before:
            return await move(conn, alert_id, person, "on_the_way", now)
        may_move(row, person)
        if row["state"] not in checkin.GOING:
            raise errors.WrongState(state=row["state"])
        if await checkin.arm(conn, row, now, answered=True):
            await alert.add_event(conn, alert_id, "checkin_answered", now, actor_id=person.id)
        return await alert.load(conn, alert_id)


async def come_back(conn: db.Connection, row: dict[str, Any], person: Person, now: datetime) -> dict[str, Any]:
    """The alert, which is theirs again if they were replaced and nobody has it yet. Raises Taken when somebody has."""
    if row["state"] == "resolved" or row["handler_id"] == person.id or not await was_dropped(conn, row, person):
        return row
    if row["state"] != "open":
        raise errors.Taken(by=row["handler_name"])
    await take(conn, row, person, now)
    return await alert.load(conn, row["id"])


async def was_dropped(conn: db.Connection, row: dict[str, Any], person: Person) -> bool:
    found = await conn.execute(QUERIES["was_dropped"], {"alert_id": row["id"], "person_id": person.id})
    return await found.fetchone() is not None


async def no_entry(conn: db.Connection, alert_id: int, person: Person, now: datetime) -> dict[str, Any]:
    """At the door, and nobody opens: operators and who stands there hear at once who has a key. What is done about it people decide.

    Raises NotAllowed, WrongState unless they are at the door.
    """
    async with conn.transaction():
        row = await lock(conn, alert_id, person)
        may_move(row, person)
        if row["state"] != "there":
            raise errors.WrongState(state=row["state"])
        await checkin.arm(conn, row, now)
        keys = await (await conn.execute(QUERIES["key_holders"], {"home_id": row["home_id"]})).fetchall()
        said = {"actor": row["handler_name"], "keys": "; ".join(" ".join(filter(None, (one["name"], one["phone"]))) for one in keys) or "—"}
        await desk.tell(conn, row, "no_entry", said, now)
        for at_the_door in row["responding"]:
            await notify.tell(conn, alert_id, at_the_door, "no_entry", now, params=said)
        await alert.add_event(conn, alert_id, "no_entry", now, actor_id=person.id, params={"keys": len(keys)})
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
        if person.id in row["responding"]:
            await checkin.arm(conn, row, now, answered=True)
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


def check_reason(reason: str | None) -> None:
    if reason is not None and reason not in REASONS:
        raise errors.Invalid(field="reason", reason=", ".join(REASONS))


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
    await alert.add_event(conn, row["id"], kind, now, actor_id=person.id, params=params)
