"""What the people did and the bot has not confirmed yet: Telegram's update queue."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from cloudfamily_sim.chat import errors
from cloudfamily_sim.chat.bell import Bell
from cloudfamily_sim.chat.message import Message

QUEUE_LIMIT = 1000
BATCH_LIMIT = 100


@dataclass(frozen=True)
class Update:
    """A person's message, or with `query_id` and `data` their press of a button below the message."""

    id: int
    message: Message
    query_id: str | None = None
    data: str | None = None

    @property
    def kind(self) -> str:
        return "message" if self.query_id is None else "callback_query"


class UpdateQueue:
    """Hands out the oldest updates again and again until an offset past them confirms them."""

    def __init__(self) -> None:
        self.bell = Bell()
        #: The kinds that the bot asked for; empty: all. Kept from call to call, as Telegram does.
        self.wanted: tuple[str, ...] = ()
        self._waiting: deque[Update] = deque()
        # Seconds since 1970: a bot that outlives this server holds an offset, which must not
        # swallow the new updates.
        self._next_id = int(time.time())

    def __len__(self) -> int:
        return len(self._waiting)

    def check_space(self) -> None:
        """Raises ChatRefusal 503 when the bot has left too much unfetched."""
        if len(self._waiting) >= QUEUE_LIMIT:
            raise errors.bot_is_away(QUEUE_LIMIT)

    def put(self, message: Message, query_id: str | None = None, data: str | None = None) -> None:
        self.check_space()
        update = Update(self._next_id, message, query_id, data)
        if self.wanted and update.kind not in self.wanted:
            return
        self._next_id += 1
        self._waiting.append(update)
        self.bell.ring()

    def take(self, offset: int, limit: int) -> list[Update]:
        """Confirms what is before `offset` (negative: all but the last), gives the oldest of the rest."""
        if offset < 0:
            while len(self._waiting) > -offset:
                self._waiting.popleft()
        while self._waiting and offset > 0 and self._waiting[0].id < offset:
            self._waiting.popleft()
        return [update for update, _ in zip(self._waiting, range(limit), strict=False)]

    def clear(self) -> None:
        self._waiting.clear()
