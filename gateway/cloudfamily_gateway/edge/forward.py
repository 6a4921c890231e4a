"""forward: what the spool holds goes to the city's broker, in order, and leaves the spool when it has been taken there.

Alarms have a lane and a connection of their own (alarms.py), so that a press never waits behind two days of temperatures.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from cloudfamily_gateway import wire
from cloudfamily_gateway.edge.connection import Connection
from cloudfamily_gateway.edge.spool import Kept, Spool

log = structlog.get_logger()
#: Under way at once; a broker may allow less.
WINDOW = 100
REFUSED_SECONDS = 10.0
HOLD_BACK_SECONDS = 10.0
#: The broker has it and knows nobody who would ever get it: the platform's gateway has no session there.
NO_MATCHING_SUBSCRIBERS = 16
#: So many deletions share a commit, or wait so long for it.
FORGET_TOGETHER, FORGET_SECONDS = 100, 1.0

User = list[tuple[str, str]]


class Ahead(Protocol):
    @property
    def behind(self) -> bool: ...


class Lane(Connection):
    """Forwards everything that is no alarm, once the lane `ahead` has nothing left to send."""

    alarms = False
    ahead: Ahead | None = None

    def __init__(
        self, name: str, broker: tuple[str, int], make: Callable[[], mqtt.Client], properties: Properties, edge: str, spool: Spool, *, clean: bool = True
    ) -> None:
        super().__init__(f"uplink {name}", broker, make, properties, clean=clean)
        self.edge, self.spool = edge, spool
        self.window = WINDOW
        #: What is under way, by its packet's number; None: the edge's own words, which nobody keeps.
        self.flying: dict[int, Kept | None] = {}
        self.sent_up_to = 0
        #: The city's broker has them; the spool is told soon.
        self.to_forget: list[int] = []
        self.forget_at = 0.0
        self.refused_until = 0.0
        self.held_back_at: float | None = None

    def run(self) -> None:
        while not self.stop.is_set():
            self.step(time.monotonic())
        self.settle(float("inf"))
        self.close()

    def step(self, now: float) -> None:
        if self.up:
            self.fill(now)
        self.turn(self.patience(now))
        self.settle(time.monotonic())

    def patience(self, now: float) -> float:
        return 0.2 if self.to_forget or self.flying or self.held_back_at else 1.0

    def fill(self, now: float) -> None:
        """Sends on until the window is full. What was refused comes again, in its turn, after a while."""
        if len(self.flying) >= self.window or now < self.refused_until or self.holds_back(now):
            return
        under_way = self.under_way()
        for kept in self.next(self.window - len(self.flying)):
            if len(self.flying) >= self.window:
                return
            if kept.id not in under_way:
                self.send(kept)
            self.sent_up_to = max(self.sent_up_to, kept.id)  # after it is known to fly: between the two, the other lane would go first

    def next(self, limit: int) -> list[Kept]:
        return self.spool.next(self.sent_up_to, limit, alarms=self.alarms)

    def holds_back(self, now: float) -> bool:
        """Lets alarms go first, though not for long: one that nobody takes must not keep the readings."""
        if self.ahead is None or not self.ahead.behind:
            self.held_back_at = None
            return False
        self.held_back_at = self.held_back_at or now
        return now - self.held_back_at < HOLD_BACK_SECONDS

    def under_way(self) -> set[int]:
        return {kept.id for kept in self.flying.values() if kept} | set(self.to_forget)

    def send(self, kept: Kept) -> None:
        self.say(kept.topic, kept.payload, [(wire.TAKEN_AT, rfc3339(kept.taken_ms)), *([(wire.RETAINED, "1")] if kept.retained else [])], kept)

    def say(self, topic: str, payload: bytes, user: User, kept: Kept | None = None) -> int:
        """Returns the packet's number; 0 when there is no connection any more."""
        if self.client is None:
            return 0
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.UserProperty = user
        mid = self.client.publish(f"{wire.EDGE}{self.edge}/{topic}", payload, qos=1, properties=properties).mid
        self.flying[mid] = kept
        return mid

    def connected(self, client: mqtt.Client, properties: Properties | None) -> None:
        self.window = min(WINDOW, getattr(properties, "ReceiveMaximum", WINDOW))

    def lost(self) -> None:
        self.sent_up_to = 0
        self.flying.clear()

    def published(self, mid: int, reason: ReasonCode) -> None:
        kept = self.flying.pop(mid, None)
        if kept is None:
            return
        if not reason.is_failure and reason.value != NO_MATCHING_SUBSCRIBERS:
            self.taken(kept)
            return
        if time.monotonic() >= self.refused_until:
            log.error("city_refuses", link=self.name, topic=kept.topic, reason=str(reason), mend="see what this edge may publish, and that a gateway runs")
        self.refused_until = time.monotonic() + REFUSED_SECONDS
        self.sent_up_to = 0

    def taken(self, kept: Kept) -> None:
        """The city's broker has it."""
        self.to_forget.append(kept.id)

    def settle(self, now: float) -> None:
        """Forgets what the city has, some at a time: forgetting late costs at most that it is said twice."""
        if not self.to_forget:
            self.forget_at = now + FORGET_SECONDS
        elif now >= self.forget_at or len(self.to_forget) >= FORGET_TOGETHER:
            numbers, self.to_forget = self.to_forget, []
            self.spool.done(numbers)


def instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def rfc3339(milliseconds: int) -> str:
    return instant(milliseconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")
