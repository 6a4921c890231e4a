"""Wakes whoever waits for a change of something that lives in memory."""

from __future__ import annotations

import asyncio


class Bell:
    """`listen()` first, look at the thing, then wait: a ring in between is not missed."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        rung, self._rung = self._rung, asyncio.Event()
        rung.set()

    def listen(self) -> asyncio.Event:
        return self._rung


async def heard(rung: asyncio.Event, timeout_s: float) -> bool:
    """Waits for the ring; False when it did not come in time."""
    try:
        async with asyncio.timeout(timeout_s):
            await rung.wait()
    except TimeoutError:
        return False
    return True
