"""The local side: takes what devices say to the hub's own broker, acknowledges once it is in the spool, hands down what the city
says, and lets the home act by itself on a call that nobody in the city hears."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from cloudfamily_gateway import wire
from cloudfamily_gateway.edge import rules, weigh
from cloudfamily_gateway.edge.alarms import Alarms
from cloudfamily_gateway.edge.clock import Clock
from cloudfamily_gateway.edge.connection import Connection, connect_properties
from cloudfamily_gateway.edge.down import Down, heard_by_devices
from cloudfamily_gateway.edge.forward import instant
from cloudfamily_gateway.edge.spool import Message, Spool

log = structlog.get_logger()
#: Not acknowledged at once; with the largest payload they are 13 MB.
RECEIVE_MAXIMUM = 200
LARGEST_PACKET = 2**20
SESSION_SECONDS = 7 * 24 * 3600
#: Routine gathers for a second, or until there is this much, before it is synced to the disk: a memory card lives longer.
GATHER_SECONDS, GATHER = 1.0, 100
#: Calls that the city has not heard and on which the home may still have to act.
MOST_CALLS = 1000
#: After a restart of the edge the home still acts on calls younger than this.
YOUNG_SECONDS = 300


class Taken(NamedTuple):
    """A message that has not been acknowledged yet."""

    connection: int
    mid: int
    qos: int
    #: None: said to a device, not by one; to be acknowledged in its turn and nothing else.
    message: Message | None


class Said(NamedTuple):
    """Something for the local broker; kept until it has it. `down`: the city is told then."""

    topic: str
    payload: bytes
    down: Down | None = None


@dataclass
class Call:
    """An alarm that the home has heard."""

    kinds: tuple[str, ...]
    presses: tuple[tuple[str, int | None], ...]
    at: float
    #: Rules that have acted on it.
    acted: set[int] = field(default_factory=set)
    #: The button has not heard yet that the home has heard it; again each time it repeats.
    unanswered: bool = True


class Local(Connection):
    """`wake_uplink` is called when there is something new to forward."""

    uplink: Alarms

    def __init__(
        self,
        broker: tuple[str, int],
        make: Callable[[], mqtt.Client],
        edge: str,
        spool: Spool,
        home: rules.Rules,
        clock: Clock,
        wake_uplink: Callable[[], None],
    ) -> None:
        properties = connect_properties(session_seconds=SESSION_SECONDS, receive_maximum=RECEIVE_MAXIMUM, largest_packet=LARGEST_PACKET)
        super().__init__("local", broker, make, properties, clean=False)
        self.edge, self.spool, self.home, self.clock, self.wake_uplink = edge, spool, home, clock, wake_uplink
        self.standing = spool.standing()
        self.taken: list[Taken] = []
        self.oldest_at = 0.0
        self.urgent = False
        #: From other threads: what the city says, and the alarms that it has.
        self.down: deque[Down] = deque()
        self.city_has: deque[int] = deque()
        self.outbox: deque[Said] = deque()
        self.saying: dict[int, Said] = {}
        self.calls: dict[int, Call] = {}
        self.acts = 0
        #: What the home is going to do, and when: a light goes out again.
        self.later: list[tuple[float, Said]] = []

    # For other threads

    def hand_down(self, down: Down) -> None:
        self.down.append(down)
        self.wake()

    def heard_by_city(self, number: int) -> None:
        self.city_has.append(number)

    # Its own thread

    def run(self) -> None:
        self.remember_calls()
        while not self.stop.is_set():
            self.step()
        self.keep()
        self.close()

    def step(self) -> None:
        self.turn(0.2 if self.taken or self.calls or self.later else 1.0)
        if jump := self.clock.jumped_ms():
            log.warning("clock_was_set", seconds=jump / 1000)
            self.keep()
            self.spool.shift(jump)
        now = time.monotonic()
        if self.taken and (self.urgent or len(self.taken) >= GATHER or now - self.oldest_at >= GATHER_SECONDS):
            self.keep()
        while self.city_has:
            self.calls.pop(self.city_has.popleft(), None)
        self.act(now)
        while self.down:
            down = self.down.popleft()
            self.outbox.append(Said(down.topic, down.payload, down))
        self.speak()

    # In

    def connected(self, client: mqtt.Client, properties: Properties | None) -> None:
        client.subscribe("#", options=SubscribeOptions(qos=1, noLocal=True, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB))

    def heard(self, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "(not UTF-8)"
        self.oldest_at = time.monotonic() if not self.taken else self.oldest_at
        self.taken.append(Taken(self.number, message.mid, message.qos, None if heard_by_devices(topic) else self.weighed(topic, message)))

    def weighed(self, topic: str, message: mqtt.MQTTMessage) -> Message:
        now_ms = self.clock.now_ms()
        # A byte more than the limit shows that it is too large.
        frame = wire.Frame(topic, bytes(message.payload[: wire.LARGEST + 1]), instant(now_ms), self.edge, message.retain)
        weight = weigh.weigh(frame, self.standing)
        for level in weight.changes:
            (self.standing.add if level.active else self.standing.discard)((level.device, level.kind))
        self.urgent = self.urgent or weight.alarm
        return Message(topic, frame.payload, frame.retained, now_ms, weight)

    def keep(self) -> None:
        """Into the spool, and only then acknowledged. An alarm takes along what was gathered before it: one sync for all."""
        some, self.taken, self.urgent = self.taken, [], False
        messages = [one.message for one in some if one.message]
        for message, number in zip(messages, self.spool.store(messages) if messages else [], strict=True):
            if number is not None and message.weight.kinds:
                self.call(number, message.weight, time.monotonic())
        if messages:
            self.wake_uplink()
        for one in some:
            if one.connection == self.number and self.client is not None:
                self.client.ack(one.mid, one.qos)

    # The home by itself

    def call(self, number: int, weight: weigh.Weight, at: float) -> None:
        if number in self.calls:
            self.calls[number].unanswered = True
            return
        while len(self.calls) >= MOST_CALLS:
            del self.calls[next(iter(self.calls))]
        self.calls[number] = Call(weight.kinds, weight.presses, at)

    def remember_calls(self) -> None:
        """After a restart: what was called a moment before it, and has not reached the city."""
        now_ms, now = self.clock.now_ms(), time.monotonic()
        for kept in self.spool.next(0, MOST_CALLS, alarms=True):
            age = (now_ms - kept.taken_ms) / 1000
            weight = weigh.weigh(wire.Frame(kept.topic, kept.payload, instant(kept.taken_ms), self.edge, kept.retained), frozenset())
            if weight.kinds and age < YOUNG_SECONDS:
                self.call(kept.id, weight, now - age)

    def act(self, now: float) -> None:
        for call in self.calls.values():
            alone = rules.alone(call.at, now, self.uplink.down_since, self.home)
            for index, rule in enumerate(self.home.rule):
                if index not in call.acted and (alone or rule.when == "always") and rules.matches(rule, call.kinds, pressed=bool(call.presses)):
                    call.acted.add(index)
                    self.acts += 1
                    log.warning("home_acts", kinds=call.kinds, rule=index + 1, alone=alone)
                    made = rules.acts(rule, self.clock.now_ms(), self.acts)
                    self.later += [(now + one.after_seconds, Said(one.topic, one.payload)) for one in made]
            if alone and call.unanswered and call.presses:
                call.unanswered = False
                for device, seq in call.presses:
                    self.outbox.append(Said(wire.answer_topic(device), wire.encode(wire.Answer(rules.HEARD_AT_HOME, seq))))
        self.outbox.extend(said for at, said in self.later if at <= now)
        self.later = [one for one in self.later if one[0] > now]

    # Out

    def speak(self) -> None:
        while self.outbox and self.up and self.client is not None:
            said = self.outbox.popleft()
            self.saying[self.client.publish(said.topic, said.payload, qos=1).mid] = said

    def published(self, mid: int, reason: ReasonCode) -> None:
        said = self.saying.pop(mid, None)
        if said is None:
            return
        if reason.is_failure:
            log.error("local_broker_refuses", topic=said.topic, reason=str(reason), mend="let the edge publish there")
        if said.down is not None:
            self.uplink.handed.append(said.down)
            self.uplink.wake()

    def lost(self) -> None:
        """What was not acknowledged comes again; what was not taken is said again."""
        self.outbox.extendleft(reversed(self.saying.values()))
        self.saying.clear()
