"""notify: whoever knows of an alert hears how it goes on. One person is told by the outbox, which is everybody's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from psycopg.types.json import Jsonb

from cloudfamily_platform.alerts.alert import QUERIES
from cloudfamily_platform.core import db
from cloudfamily_platform.people.outbox import tell, tell_many

__all__ = ["tell", "tell_many", "tell_those_told"]


async def tell_those_told(conn: db.Connection, alert_id: int, actor_id: int, message: str, params: Mapping[str, object], now: datetime) -> None:
    """The family who have heard of the alert hear how it goes on, but for the one who did it."""
    values = {"alert_id": alert_id, "actor_id": actor_id, "message": message, "params": Jsonb(params), "now": now}
    await conn.execute(QUERIES["tell_those_told"], values)
