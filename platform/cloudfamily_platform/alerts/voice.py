"""What came of a call: it was answered, a digit was pressed, or nobody answered and the person's next channel follows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Literal

import structlog

from cloudfamily_platform.alerts import respond, shortcut
from cloudfamily_platform.alerts.alert import QUERIES
from cloudfamily_platform.core import db, errors
from cloudfamily_platform.people import person as people
from cloudfamily_platform.people.person import Person

log = structlog.get_logger()
#: What the digits mean, as the verbs of a chat's buttons: a digit is offered where the button would be.
DIGITS = {"1": "accept", "2": "false_alarm"}
DOES: dict[str, Callable[[db.Connection, int, Person, datetime], Awaitable[object]]] = {"1": respond.accept, "2": shortcut.false_alarm}
Outcome = Literal["answered", "digit", "no_answer"]


async def came_of(conn: db.Connection, call: str, outcome: Outcome, digit: str | None, now: datetime) -> None:
    """Told again, it changes nothing more. Raises NotFound for no call of ours, Invalid for a digit that means nothing, and what
    accepting or closing raises (Taken, WrongState)."""
    number, _, channel = call.partition(".")
    row = None
    if number.isascii() and number.isdigit() and len(number) < 19:
        row = await (await conn.execute(QUERIES["called"], {"id": int(number), "channel": channel})).fetchone()
    if row is None:
        raise errors.NotFound(what="call")
    values = {**row, "now": now, "read": outcome == "digit"}
    if outcome == "no_answer":
        await conn.execute(QUERIES["not_answered"], values)
        await db.hint(conn, "notification")
        return
    await conn.execute(QUERIES["answered"], values)
    if outcome == "digit":
        if digit not in DOES:
            raise errors.Invalid(field="digit", reason=", ".join(DOES))
        if row["alert_id"] is not None:
            await DOES[digit](conn, row["alert_id"], await people.load(conn, row["person_id"]), now)
