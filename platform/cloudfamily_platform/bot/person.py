"""Who is talking: fills `person` (None while the chat is not linked) and `pool` into every handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import TelegramObject, User

from cloudfamily_platform.alerts import reachability
from cloudfamily_platform.core import db
from cloudfamily_platform.people import person

CHANNEL = "telegram"


class WhoIsTalking(BaseMiddleware):
    def __init__(self, pool: db.Pool) -> None:
        self.pool = pool

    async def __call__(self, handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]], event: TelegramObject, data: dict[str, Any]) -> Any:
        user: User | None = data.get("event_from_user")
        async with self.pool.connection() as conn:
            found = await person.by_reach(conn, CHANNEL, str(user.id)) if user else None
            if found:
                await reachability.heard(conn, found, CHANNEL, datetime.now(UTC))
            data["person"] = found
        data["pool"] = self.pool
        return await handler(event, data)
