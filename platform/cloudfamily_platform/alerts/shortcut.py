"""What the family says with one press: "I'm with her", "false alarm". Two steps of respond.py in one transaction."""

from __future__ import annotations

from datetime import datetime

from cloudfamily_platform.alerts import alert, message, respond
from cloudfamily_platform.core import db, errors
from cloudfamily_platform.people.person import Person


async def with_her(conn: db.Connection, alert_id: int, person: Person, now: datetime) -> None:
    """This person has it, and is there. Raises what accepting and arriving raise."""
    async with conn.transaction():
        await respond.accept(conn, alert_id, person, now)
        await respond.move(conn, alert_id, person, "there", now)


async def false_alarm(conn: db.Connection, alert_id: int, person: Person, now: datetime) -> None:
    """Nothing happened. Not for smoke and gas, which nobody sees from afar. Raises Taken when somebody else has it: they
    go and look, and end it; NotAllowed for who may not see it in full."""
    async with conn.transaction():
        row = await respond.lock(conn, alert_id, person)
        if row["kind"] in message.NEVER_FALSE_FROM_AFAR or alert.sight(person, row) != "full":
            raise errors.NotAllowed
        await respond.accept(conn, alert_id, person, now)
        await respond.resolve(conn, alert_id, person, "false_alarm", "", now)
