"""What happened in the chats, in order and bounded: the page's live stream reads on from where it was."""

from __future__ import annotations

import json
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from cloudfamily_sim.chat.bell import Bell

ENTRY_LIMIT = 1000


@dataclass(frozen=True)
class Entry:
    """One event, encoded once for all streams."""

    id: int
    wire: bytes


class Journal:
    def __init__(self) -> None:
        self.bell = Bell()
        self._entries: deque[Entry] = deque(maxlen=ENTRY_LIMIT)
        # Milliseconds since 1970: a page that was connected before a restart is seen to be out of date.
        self._last_id = self._first_id = time.time_ns() // 1_000_000

    @property
    def position(self) -> int:
        return self._last_id

    def write(self, event: str, data: dict[str, Any]) -> None:
        self._last_id += 1
        text = f"id: {self._last_id}\nevent: {event}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
        self._entries.append(Entry(self._last_id, text.encode()))
        self.bell.ring()

    def since(self, position: int) -> list[Entry] | None:
        """What came after the position; None when that is no longer (or not) known."""
        oldest = self._entries[0].id - 1 if self._entries else self._last_id
        if not oldest <= position <= self._last_id:
            return None
        return [entry for entry in self._entries if entry.id > position]
