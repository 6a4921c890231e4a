"""Where a responder is: the last place they told us, kept for a day, and no track of the ones before."""

from __future__ import annotations

from datetime import datetime, timedelta

from cloudfamily_platform.core import db, errors
from cloudfamily_platform.people.person import QUERIES, Person

KEPT = timedelta(days=1)


async def tell(conn: db.Connection, person: Person, lat: float, lon: float, now: datetime) -> None:
    """They are here now (WGS-84 degrees). Raises NotAllowed for somebody who is never sent anywhere: we have no use for it."""
    values = {"person_id": person.id, "lat": lat, "lon": lon, "now": now}
    if await (await conn.execute(QUERIES["set_place"], values)).fetchone() is None:
        raise errors.NotAllowed


async def forget(conn: db.Connection, now: datetime) -> None:
    """What is older than a day is deleted."""
    await conn.execute(QUERIES["forget_places"], {"before": now - KEPT})
