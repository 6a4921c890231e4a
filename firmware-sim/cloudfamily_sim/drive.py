"""Drives a crowd over a few MQTT connections until it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from cloudfamily_sim.calls import Calls
from cloudfamily_sim.crowd import Crowd, Stream
from cloudfamily_sim.encode import ANSWERS
from cloudfamily_sim.lane import Lane

CONNECTIONS = 4
MOST_WORDS_PER_SECOND, MOST_PRESSES_PER_MINUTE = 1_000_000, 60_000
#: Words made in one turn of the loop, so that it breathes.
MOST_AT_ONCE = 2_000
#: While more wait than this, the crowd says nothing more: it falls behind, and makes up for it later with the original times.
MOST_WAITING = 10_000
TICK_SECONDS = 0.004


class Drive:
    """`run(host, port, stop=…)` returns when `stop` is set; `counters()` at any time."""

    def __init__(self, crowd: Crowd, *, rate: float, presses_per_minute: float = 0.0, connections: int = CONNECTIONS) -> None:
        if not 1 <= connections <= 64:
            raise ValueError(f"{connections} connections: a drive has 1 to 64")
        if not 0 < rate <= MOST_WORDS_PER_SECOND:
            raise ValueError(f"a rate of {rate:g} words a second: it is above 0 and at most {MOST_WORDS_PER_SECOND:,}")
        if not 0 <= presses_per_minute <= MOST_PRESSES_PER_MINUTE:
            raise ValueError(f"{presses_per_minute:g} presses a minute: it is 0 to {MOST_PRESSES_PER_MINUTE:,}")
        self.crowd, self.rate, self.presses_per_minute = crowd, rate, presses_per_minute
        self.lanes = [Lane(f"words-{number}", limit=None) for number in range(connections)]
        self.presses = Lane("calls", limit=None, topics=(ANSWERS,) if presses_per_minute else (), on_message=self.hear, once=True)
        self.stream: Stream | None = None
        self.calls: Calls | None = None
        self.clock = utc_now
        self.messages = 0

    def hear(self, topic: str, payload: bytes) -> None:
        if self.calls is not None:
            self.calls.hear(topic, payload, self.clock())

    async def run(
        self,
        host: str,
        port: int,
        *,
        stop: asyncio.Event,
        clock: Callable[[], datetime] | None = None,
        username: str | None = None,
        password: str | None = None,
    ) -> None:
        """The broker may come, go and come back."""
        self.clock = clock or utc_now
        for lane in (*self.lanes, self.presses):
            lane.start(host, port, username, password)
        self.stream, self.calls = Stream(self.crowd, self.rate, self.clock()), Calls(self.crowd, self.presses_per_minute, self.clock())
        try:
            while not stop.is_set():
                again = self.step(self.clock())
                await asyncio.sleep(0 if again else TICK_SECONDS)
        finally:
            ended = self.clock()
            self.clock = lambda: ended
            await asyncio.gather(*(lane.stop() for lane in (*self.lanes, self.presses)))

    def step(self, now: datetime) -> bool:
        """Sends what is due; True when there is more."""
        assert self.stream is not None
        assert self.calls is not None
        for call in self.calls.step(now):
            self.presses.send(call)
        room = MOST_WAITING - sum(len(lane.waiting) for lane in self.lanes)
        due = self.stream.due(now)
        count = min(due, room, MOST_AT_ONCE)
        if count > 0:
            for place, topic, payload in self.stream.take(count):
                self.messages += 1
                self.lanes[place % len(self.lanes)].send((topic, payload, 1, False))
        return 0 < count < due

    @property
    def trouble(self) -> Exception | None:
        return next((lane.trouble for lane in self.lanes if lane.trouble), None)

    def counters(self) -> dict[str, Any]:
        """Words are what devices said; messages what was sent of them, after the faults."""
        if self.stream is None or self.calls is None:
            return {}
        times = sorted(self.calls.received_seconds)
        return {
            "homes": self.crowd.homes,
            "devices": self.crowd.devices,
            "seed": self.crowd.seed,
            "words": self.stream.number,
            "messages": self.messages,
            "acknowledged": sum(lane.acknowledged for lane in self.lanes),
            "refused": sum(lane.refused for lane in (*self.lanes, self.presses)),
            "behind": self.stream.due(self.clock()),
            "connections": sum(lane.connections for lane in (*self.lanes, self.presses)),
            "faults": {name: count for name, count in self.stream.air.met.items() if count},
            "presses": self.calls.presses,
            "signals": self.calls.signals,
            "received": self.calls.received,
            "received_p50_ms": round(times[len(times) // 2] * 1000, 1) if times else None,
            "received_max_ms": round(times[-1] * 1000, 1) if times else None,
        }


def utc_now() -> datetime:
    return datetime.now(UTC)
