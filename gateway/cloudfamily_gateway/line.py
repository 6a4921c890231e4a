"""A line: one MQTT session in a thread that does nothing but move packets. What comes in waits in a bounded queue; what is to
be acknowledged or said is handed over and leaves from the same thread, in bulk."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from cloudfamily_gateway import client as clients
from cloudfamily_gateway import readahead, wire
from cloudfamily_platform.core.settings import Settings

log = structlog.get_logger()
#: Messages that are taken and not yet acknowledged, at most: the broker keeps to it, and so memory is bounded.
RECEIVE_MAXIMUM = 1000
SESSION_SECONDS = 7 * 24 * 3600
KEEPALIVE_SECONDS = 30
CONNECT_SECONDS = 5.0
SLOWEST_RETRY_SECONDS = 5.0


class Taken(msgspec.Struct, gc=False):
    """A frame that has not been acknowledged yet."""

    connection: int
    mid: int
    qos: int
    #: None: not ours to store, to be acknowledged and nothing else. In its turn: MQTT wants acknowledgements in the order of arrival.
    frame: wire.Frame | None
    #: When it came, by the monotonic clock.
    came_s: float
    #: What it says, once somebody has looked.
    decoded: wire.Decoded | None = None


class Line:
    """`topics`: filters to subscribe to. `ignores`: whether a topic is to be acknowledged and left alone."""

    def __init__(
        self, name: str, topics: Sequence[str], settings: Settings, broker: tuple[str, int], ignores: Callable[[str], object] = lambda _: False
    ) -> None:
        self.name, self.topics, self.broker, self.ignores = name, topics, broker, ignores
        self.stop = threading.Event()
        #: Set when something has come in since it was last cleared.
        self.arrived = threading.Event()
        self.taken: deque[Taken] = deque()
        #: The same, for whoever looks at them ahead of the store; None: nobody does.
        self.fresh: deque[Taken] | None = None
        self.fresh_arrived = threading.Event()
        self.to_acknowledge: deque[Taken] = deque()
        self.to_say: deque[tuple[str, bytes]] = deque()
        #: Counts connections: a message of an earlier one cannot be acknowledged on this one.
        self.connection = 0
        self.subscribed, self.lost = False, False
        #: Messages of QoS 0 that found no room while the database was away.
        self.dropped = 0
        #: A byte through this pair ends the thread's wait.
        self.nudge: socket.socket | None = None
        self.nudged: socket.socket | None = None
        self.client = self.make_client(settings)

    def make_client(self, settings: Settings) -> readahead.Client:
        name = f"{settings.gateway_name}-{self.name}"
        client = clients.sign_in(settings, readahead.Client(CallbackAPIVersion.VERSION2, name, protocol=mqtt.MQTTv5, manual_ack=True))
        client.connect_timeout = CONNECT_SECONDS
        client.on_connect = self.on_connect
        client.on_subscribe = self.on_subscribe
        # With this paho leaves it to us when its packets are written: together.
        client.on_socket_register_write = lambda *_: None
        return client

    # From any thread

    def acknowledge(self, some: Iterable[Taken], say: Iterable[tuple[str, bytes]] = ()) -> None:
        """Hands over what is stored, and what is to be said to devices."""
        self.to_acknowledge.extend(some)
        self.to_say.extend(say)
        self.wake()

    def wake(self) -> None:
        try:
            if self.nudge is not None:
                self.nudge.send(b"\0")
        except OSError:
            pass  # it has been told often enough, or has ended

    # The thread

    def run(self) -> None:
        """Until `stop` is set; then says goodbye, with everything written that was handed over."""
        failures = 0
        nudge, nudged = socket.socketpair()
        nudge.setblocking(False)
        nudged.setblocking(False)
        self.nudge, self.nudged = nudge, nudged
        with nudge, nudged:
            while not self.stop.is_set():
                if self.move():
                    failures = 0
                    continue
                self.subscribed = False
                failures += 1
                self.stop.wait(min(0.1 * 2 ** min(failures, 10), SLOWEST_RETRY_SECONDS))
            self.say_goodbye()

    def say_goodbye(self) -> None:
        try:
            self.write()
            self.client.disconnect()
            self.client.flush()
        except OSError:
            pass

    def move(self, timeout_seconds: float = 0.5) -> bool:
        """Moves packets in and out once, waiting for some at most so long; False when there is no connection."""
        try:
            if self.lost or self.client.socket() is None:
                self.connect()
            self.wait(timeout_seconds)
            self.take(self.client.read())
            self.write()
            # It also pings, and notices a broker that has gone without a word.
            return self.client.loop_misc() == mqtt.MQTT_ERR_SUCCESS
        except OSError as error:
            log.warning("broker_away", lane=self.name, error=str(error))
        except Exception:  # a mistake of ours costs this connection, never the lane
            log.exception("line_failed", lane=self.name)
        self.lost = True
        return False

    def connect(self) -> None:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = SESSION_SECONDS
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        self.client.connect(*self.broker, keepalive=KEEPALIVE_SECONDS, clean_start=False, properties=properties)
        self.client.flush()
        self.lost = False

    def wait(self, timeout_seconds: float) -> None:
        """Until there is something to read or to write. poll and not select: a process of many streams has many descriptors."""
        there: Any = self.client.socket()
        if self.to_acknowledge or self.to_say:
            return
        poll = select.poll()
        poll.register(there, select.POLLIN | (select.POLLOUT if there.behind else 0))
        if self.nudged is not None:
            poll.register(self.nudged, select.POLLIN)
        poll.poll(timeout_seconds * 1000)

    def take(self, messages: Sequence[readahead.Message]) -> None:
        now, came_s = datetime.now(UTC), time.monotonic()
        for message in messages:
            if message.qos == 0 and len(self.taken) >= RECEIVE_MAXIMUM:
                self.dropped += 1  # Receive Maximum does not hold these back, and nobody was promised them
                continue
            one = Taken(self.connection, message.mid, message.qos, self.frame(message, now), came_s)
            self.taken.append(one)
            if self.fresh is not None:
                self.fresh.append(one)
        if messages:
            self.arrived.set()
            self.fresh_arrived.set()

    def frame(self, message: readahead.Message, now: datetime) -> wire.Frame | None:
        topic = message.topic.decode("utf-8", "replace")
        if self.ignores(topic):
            return None
        hub, retained = None, message.retain
        if topic.startswith(wire.EDGE):
            topic, hub = wire.without_edge(topic)
            if hub:
                said = of_the_edge(message)
                now, retained = taken_at(said, now), said.get(wire.RETAINED) == "1"
        # What is too large is not decoded: a byte more than the limit shows that, and a thousand of them fit into memory.
        return wire.Frame(topic, message.payload[: wire.LARGEST + 1], now, hub, retained)

    def write(self) -> None:
        try:
            if self.nudged is not None:
                self.nudged.recv(4096)
        except BlockingIOError:
            pass
        if self.to_acknowledge:
            some = [self.to_acknowledge.popleft() for _ in range(len(self.to_acknowledge))]
            self.client.acknowledge(one.mid for one in some if one.qos and one.connection == self.connection)
        while self.to_say:
            self.client.publish(*self.to_say.popleft(), qos=1)
        self.client.flush()

    # Called by paho, in the thread

    def on_connect(self, client: mqtt.Client, userdata: object, flags: mqtt.ConnectFlags, reason: ReasonCode, properties: object) -> None:
        if reason.is_failure:
            log.error("broker_refuses", lane=self.name, reason=str(reason))
            return
        self.connection += 1
        log.info("lane_connected", lane=self.name, session_present=flags.session_present)
        client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in self.topics])

    def on_subscribe(self, client: mqtt.Client, userdata: object, mid: int, reasons: list[ReasonCode], properties: object) -> None:
        self.subscribed = not any(reason.is_failure for reason in reasons)
        if not self.subscribed:
            log.error("subscription_refused", lane=self.name, topics=self.topics, reasons=[str(reason) for reason in reasons])


def of_the_edge(message: readahead.Message) -> dict[str, str]:
    """What an edge adds to what it hands on."""
    try:
        return dict(message.user_properties())
    except Exception:  # paho raises what it likes on properties that are none
        return {}


def taken_at(said: dict[str, str], now: datetime) -> datetime:
    """When the edge took it; now, when it does not say, or its clock cannot be right."""
    try:
        at = datetime.fromisoformat(said.get(wire.TAKEN_AT, ""))
    except ValueError:
        return now
    return at.astimezone(UTC) if at.tzinfo is not None and now - wire.OLDEST <= at <= now else now
