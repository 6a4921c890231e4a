"""call me: somebody in the family wants to be called about an alert. The timeline says so, and the operators are told."""

from __future__ import annotations

from datetime import datetime, timedelta

from cloudfamily_platform.alerts import alert, desk, respond
from cloudfamily_platform.alerts.alert import QUERIES
from cloudfamily_platform.core import db, errors
from cloudfamily_platform.people.person import Person

#: Asked again within this, nobody is told again.
ONCE = timedelta(minutes=5)


async def ask(conn: db.Connection, alert_id: int, person: Person, now: datetime) -> None:
    """Raises NotFound, NotAllowed (for who may not see it in full), WrongState (it is over)."""
    async with conn.transaction():
        row = await respond.lock(conn, alert_id, person)
        if alert.sight(person, row) != "full":
            raise errors.NotAllowed
        if row["state"] == "resolved":
            raise errors.WrongState(state=row["state"])
        asked = await (await conn.execute(QUERIES["asked_to_be_called"], {"id": alert_id, "person_id": person.id, "since": now - ONCE})).fetchone()
        if asked is not None:
            return
        phone = (await db.one(await conn.execute(QUERIES["phone_of"], {"person_id": person.id})))["phone"]
        await desk.tell(conn, row, "call_me", {"actor": person.name, "phone": phone or "—"}, now)
        await alert.add_event(conn, alert_id, "call_me", now, actor_id=person.id)
