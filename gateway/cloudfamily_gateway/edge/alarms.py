"""The lane of alarms to the city, which is also the edge's own voice there, and its ear for answers and commands.

A broker's word is not durable, so a press of our own protocol stays in the spool, and is said again, until the platform's own
answer "received" comes down. Other families know no such answer: for their alarms the broker's word is all that there is.
"""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from cloudfamily_gateway import wire
from cloudfamily_gateway.edge import weigh
from cloudfamily_gateway.edge.connection import connect_properties
from cloudfamily_gateway.edge.down import HEARD, Down, heard_by_devices
from cloudfamily_gateway.edge.forward import Lane, instant, rfc3339
from cloudfamily_gateway.edge.spool import Kept, Spool, Tally

log = structlog.get_logger()
RECEIVE_MAXIMUM = 100
SESSION_SECONDS = 7 * 24 * 3600
#: A hub that is back within this time was never away.
WILL_DELAY_SECONDS = 30
HEARTBEAT_SECONDS = 60.0
#: An unanswered press is said again: this often at first, then each minute.
REPEAT_SECONDS, OFTEN, SLOW_REPEAT_SECONDS = 5.0, 12, 60.0
#: So long after the city's broker first had it, with no answer ever, it is given up: there is nobody who answers.
GIVE_UP_SECONDS = 24 * 3600.0
OWN_ANSWER = re.compile(r"^cf/v1/([^/]+)/answer\Z")


@dataclass
class Waiting:
    """A press that waits for the platform's answer."""

    kept: Kept
    presses: tuple[tuple[str, int | None], ...]
    times: int = 1
    again_at: float = 0.0
    #: When the city's broker first had it.
    taken_at: float | None = None


class Alarms(Lane):
    """`hand_down` gives the local side what the city says; `city_has` tells it which alarm the city has heard."""

    alarms = True

    def __init__(
        self,
        broker: tuple[str, int],
        make: Callable[[], mqtt.Client],
        edge: str,
        spool: Spool,
        hand_down: Callable[[Down], None],
        city_has: Callable[[int], None],
    ) -> None:
        properties = connect_properties(session_seconds=SESSION_SECONDS, receive_maximum=RECEIVE_MAXIMUM, largest_packet=2 * wire.LARGEST)
        super().__init__("alarms", broker, lambda: self.with_will(make()), properties, edge, spool, clean=False)
        self.hand_down, self.city_has = hand_down, city_has
        self.waiting: dict[int, Waiting] = {}
        #: The local broker has them: to be acknowledged in their turn.
        self.handed: deque[Down] = deque()
        #: None: the uplink is there. Read by the local side as well.
        self.down_since: float | None = time.monotonic()
        self.heartbeat_at = 0.0
        self.told_at = self.measured_at = time.monotonic()
        self.told = False
        self.up_seconds = 0.0
        self.reporting: dict[int, Tally] = {}

    def step(self, now: float) -> None:
        self.acknowledge()
        if self.up:
            self.say_again(now)
            if now >= self.heartbeat_at:
                self.heartbeat(now)
        super().step(now)

    # Up

    def patience(self, now: float) -> float:
        due = min((one.again_at for one in self.waiting.values()), default=self.heartbeat_at) if self.up else now + 1.0
        return min(super().patience(now), max(0.05, due - now))

    def send(self, kept: Kept) -> None:
        if kept.id in self.waiting:
            return
        super().send(kept)
        frame = wire.Frame(kept.topic, kept.payload, instant(kept.taken_ms), self.edge, kept.retained)
        if presses := weigh.weigh(frame, frozenset()).presses:
            self.waiting[kept.id] = Waiting(kept, presses, again_at=time.monotonic() + REPEAT_SECONDS)

    @property
    def behind(self) -> bool:
        """Whether alarms wait that the city's broker has not taken on this connection. Read by the other lane's thread."""
        return self.sent_up_to < self.spool.newest_alarm or any(list(self.flying.values()))

    def next(self, limit: int) -> list[Kept]:
        newest = self.spool.newest_alarm
        found = super().next(limit)
        if not any(kept.id > 0 for kept in found):
            self.sent_up_to = max(self.sent_up_to, newest)  # nothing is left of what there was
        return found

    def say_again(self, now: float) -> None:
        """Presses that nobody has answered; one that is under way on this connection waits for the broker's word first."""
        if not self.waiting or now < self.refused_until:
            return
        under_way = self.under_way()
        for number, one in list(self.waiting.items()):
            if len(self.flying) >= self.window:
                return
            if now < one.again_at or number in under_way:
                continue
            if one.taken_at is not None and now - one.taken_at >= GIVE_UP_SECONDS:
                log.error("press_never_answered", topic=one.kept.topic, times=one.times, cost="the city's broker has it; the platform never answered")
                self.finish(number)
                continue
            one.times += 1
            one.again_at = now + (REPEAT_SECONDS if one.times <= OFTEN else SLOW_REPEAT_SECONDS)
            super().send(one.kept)

    def taken(self, kept: Kept) -> None:
        one = self.waiting.get(kept.id)
        if one is None:
            self.finish(kept.id)
        elif one.taken_at is None:
            one.taken_at = time.monotonic()

    def finish(self, number: int) -> None:
        """The city has heard it. Forgotten at once: said again after a crash it could count as a second one."""
        self.waiting.pop(number, None)
        self.to_forget.append(number)
        self.forget_at = 0.0
        self.city_has(number)

    # Down

    def heard(self, message: mqtt.MQTTMessage) -> None:
        topic, hub = wire.without_edge(message.topic)
        down = Down(self.number, message.mid, message.qos, topic, bytes(message.payload))
        if hub != self.edge or not heard_by_devices(topic):
            self.handed.append(down)
            return
        if found := OWN_ANSWER.match(topic):
            self.answered(found[1], down.payload)
        self.hand_down(down)

    def answered(self, device: str, payload: bytes) -> None:
        """The answer "received" ends the wait of the oldest press of that device and number."""
        try:
            answer = msgspec.json.decode(payload, type=wire.Answer)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return
        if answer.answer != "received":
            return
        for number, one in self.waiting.items():
            if (device, answer.seq) in one.presses:
                self.finish(number)
                return

    def acknowledge(self) -> None:
        while self.handed:
            down = self.handed.popleft()
            if self.up and self.client is not None and down.connection == self.number:
                self.client.ack(down.mid, down.qos)

    # The edge's own voice

    def connected(self, client: mqtt.Client, properties: Properties | None) -> None:
        super().connected(client, properties)
        below = f"{wire.EDGE}{self.edge}"
        client.subscribe([(f"{below}/{one}", 1) for one in HEARD])
        self.say_of_itself("status", b"online")
        self.say_of_itself("info", wire.encode({"kind": "hub", "report_minutes": 1, "mains": True}))
        self.measure(time.monotonic())
        self.down_since, self.heartbeat_at = None, 0.0

    def lost(self) -> None:
        super().lost()
        self.reporting.clear()
        for one in self.waiting.values():
            one.again_at = 0.0
        self.measure(time.monotonic())
        if self.down_since is None:
            self.down_since = time.monotonic()

    def measure(self, now: float) -> None:
        if self.down_since is None:
            self.up_seconds += now - self.measured_at
        self.measured_at = now

    def heartbeat(self, now: float) -> None:
        """Each minute: the share of the time since the last one in which the uplink was there, and what was dropped meanwhile."""
        self.measure(now)
        since = now - self.told_at
        share = 100.0 if since < 1.0 and not self.told else min(100.0, 100.0 * self.up_seconds / since)
        self.say_of_itself("reading", wire.encode({"t": now_rfc3339(), "values": {"link_quality": round(share, 1)}}))
        self.told, self.told_at, self.up_seconds, self.heartbeat_at = True, now, 0.0, now + HEARTBEAT_SECONDS
        lost = self.spool.lost()
        if lost.lost and not self.reporting:
            said = {"lost": lost.lost, "from": rfc3339(lost.lost_from_ms or 0), "until": rfc3339(lost.lost_until_ms or 0)}
            self.reporting[self.say_of_itself("lost", json.dumps(said).encode())] = lost

    def published(self, mid: int, reason: ReasonCode) -> None:
        told = self.reporting.pop(mid, None)
        if told is not None and not reason.is_failure:
            self.spool.reported(told)
        super().published(mid, reason)

    def say_of_itself(self, what: str, payload: bytes) -> int:
        return self.say(wire.own_topic(self.edge, what), payload, [(wire.TAKEN_AT, now_rfc3339())])

    def with_will(self, client: mqtt.Client) -> mqtt.Client:
        properties = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call]
        properties.WillDelayInterval = WILL_DELAY_SECONDS
        client.will_set(wire.own_topic(self.edge, "status", self.edge), b"offline", qos=1, properties=properties)
        return client

    def close(self) -> None:
        self.say_of_itself("status", b"offline")
        super().close()


def now_rfc3339() -> str:
    return rfc3339(round(time.time() * 1000))
