"""The outbox: somebody is to be told something. One row for `deliver`, in the transaction of what it tells of; the row wakes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from psycopg.types.json import Jsonb

from cloudfamily_platform.core import db
from cloudfamily_platform.people.person import QUERIES


async def tell(
    conn: db.Connection,
    alert_id: int,
    person_id: int,
    message: str,
    now: datetime,
    *,
    params: Mapping[str, object] | None = None,
    number: int | None = None,
    by: Sequence[str] | None = None,
) -> bool:
    """Tells one person `message`; False when there is no way to reach them: the caller says so in the timeline.

    `number`: once for each such number; None: it is said anew, however often before (under the alert's lock, so that the count
    holds). `by`: the channels to prefer, in this order; else the person's own order.
    """
    return person_id in await tell_many(conn, alert_id, [person_id], message, now, params=params, number=number, by=by)


async def tell_many(
    conn: db.Connection,
    alert_id: int,
    people: Sequence[int],
    message: str,
    now: datetime,
    *,
    params: Mapping[str, object] | None = None,
    number: int | None = None,
    by: Sequence[str] | None = None,
) -> set[int]:
    """As `tell`, several people in one statement, the first of them first; returns those who can be reached."""
    what = {"alert_id": alert_id, "people": list(people), "message": message, "params": Jsonb(params or {})}
    rows = await (await conn.execute(QUERIES["tell"], {**what, "number": number, "by": list(by) if by else None, "now": now})).fetchall()
    return {row["person_id"] for row in rows}
