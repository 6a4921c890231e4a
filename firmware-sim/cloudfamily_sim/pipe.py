"""A fast MQTT 5 connection on the running event loop: what is published in one turn of the loop leaves in one write, and
acknowledgements are read in bulk. It costs a few microseconds a message, where a client library costs tens.

    pipe = Pipe("meter-1")
    await pipe.connect("127.0.0.1", 1883)
    for topic, payload in messages:
        if not pipe.free:
            await pipe.room()
        pipe.publish(topic, payload)
    await pipe.drain()
    await pipe.close()

A pipe connects once. When the connection breaks, what the broker has not acknowledged stands in `unanswered`, in the order
in which it was published: make a new pipe and publish it again.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import Callable
from typing import cast

from cloudfamily_sim import mqtt5
from cloudfamily_sim.mqtt5 import Will

__all__ = ["Pipe", "Refused", "Will"]

KEEPALIVE_SECONDS = 30
CONNECT_SECONDS = 5.0
CLOSE_SECONDS = 1.0
#: Written at once when a turn of the loop has published more.
LARGEST_WRITE = 256 * 1024
#: `free` is 0 while more than this waits for the socket.
MOST_BUFFERED = 4 * 1024 * 1024

Listener = Callable[[str, bytes], None]
numbers_of_pubacks = struct.Struct(">xxH").iter_unpack


class Refused(ConnectionError):
    """The broker refused the connection or a subscription; the text says why."""


class Pipe(asyncio.Protocol):
    """One connection. `window`: most QoS 1 messages without an acknowledgement, at most 65,535; the broker's Receive Maximum
    makes it smaller.

    `on_message(topic, payload)` hears what was subscribed to; each message is acknowledged when it returns. `on_close(why)`
    is called once, when the connection has ended; `why` is None after `close`. `session_seconds`: so long the broker keeps what
    comes for us after we have gone; 0: a clean session.
    """

    def __init__(
        self,
        client_id: str,
        *,
        window: int = mqtt5.MOST_IN_FLIGHT,
        keepalive_seconds: int = KEEPALIVE_SECONDS,
        on_message: Listener | None = None,
        on_close: Callable[[Exception | None], None] | None = None,
        session_seconds: int = 0,
    ) -> None:
        if not 1 <= window <= mqtt5.MOST_IN_FLIGHT:
            raise ValueError(f"a window of {window}: it is 1 to {mqtt5.MOST_IN_FLIGHT}")
        self.client_id, self.window, self.keepalive_seconds, self.session_seconds = client_id, window, keepalive_seconds, session_seconds
        self.on_message, self.on_close = on_message, on_close
        #: Packet id → topic, payload, QoS and retain of what the broker has not acknowledged: `other.publish(*message)`.
        self.unanswered: dict[int, tuple[bytes, bytes, int, bool]] = {}
        self.connected = False
        self.published = self.acknowledged = self.refused = self.received = 0
        self.largest_packet: int | None = None
        self.transport: asyncio.Transport | None = None
        self.paused = self.closing = False
        self.why: Exception | None = None
        self.last_id = 0
        self.pieces: list[bytes] = []
        self.waiting_bytes = 0
        self.rest = b""
        self.welcome: asyncio.Future[None] | None = None
        self.ended: asyncio.Future[None] | None = None
        self.changed: asyncio.Future[None] | None = None
        self.subscribing: dict[int, asyncio.Future[None]] = {}
        self.beat: asyncio.TimerHandle | None = None
        self.wrote = self.heard = False
        self.quiet_beats = 0

    async def connect(
        self,
        host: str,
        port: int,
        username: str | None = None,
        password: str | None = None,
        will: Will | None = None,
        tls: ssl.SSLContext | None = None,
        timeout_s: float = CONNECT_SECONDS,
    ) -> None:
        """Returns when the broker has said yes. Raises Refused, another OSError, or TimeoutError after `timeout_s`."""
        if self.transport is not None:
            raise RuntimeError("a pipe connects once")
        self.loop = asyncio.get_running_loop()
        self.welcome, self.ended = self.loop.create_future(), self.loop.create_future()
        try:
            async with asyncio.timeout(timeout_s):
                await self.loop.create_connection(lambda: self, host, port, ssl=tls)
                self.write(mqtt5.connect(self.client_id, self.keepalive_seconds, username, password, will, self.session_seconds))
                await self.welcome
        except BaseException:
            self.closing = True
            self.abort()
            raise
        self.beat = self.loop.call_later(self.keepalive_seconds / 2, self.keep_alive)

    @property
    def free(self) -> int:
        """How many messages may go now: 0 while the window is full or the socket does not take more."""
        return 0 if self.paused or not self.connected else self.window - len(self.unanswered)

    def publish(self, topic: bytes | str, payload: bytes, qos: int = 1, retain: bool = False) -> None:
        """Sends at the end of this turn of the loop. QoS 0 or 1.

        Raises BufferError when the window is full (look at `free`, or await `room`), ConnectionError without a connection, and
        ValueError when the broker does not take packets of this size.
        """
        if not self.connected:
            raise ConnectionError(f"{self.client_id} is not connected") from self.why
        name = topic.encode() if isinstance(topic, str) else topic
        number = 0
        if qos:
            if len(self.unanswered) >= self.window:
                raise BufferError(f"{self.window} messages wait for their acknowledgement")
            number = self.next_id()
        packet = mqtt5.publish(name, payload, number, retain)
        if self.largest_packet is not None and len(packet) > self.largest_packet:
            raise ValueError(f"a packet of {len(packet)} bytes; the broker takes {self.largest_packet}")
        if qos:
            self.unanswered[number] = (name, payload, 1, retain)
        self.published += 1
        if not self.pieces:
            self.loop.call_soon(self.flush)
        self.pieces.append(packet)
        self.waiting_bytes += len(packet)
        if self.waiting_bytes > LARGEST_WRITE:
            self.flush()

    async def room(self, fewest: int | None = None) -> int:
        """Waits until `fewest` messages may go (else half the window), and returns how many. Raises ConnectionError when it breaks."""
        wanted = max(1, min(fewest or self.window // 2, self.window))
        while self.free < wanted:
            await self.change()
        return self.free

    async def drain(self) -> None:
        """Waits until everything is acknowledged, and QoS 0 at least handed to the socket. Raises ConnectionError when the connection breaks before."""
        self.flush()
        while self.unanswered or self.paused:
            await self.change()

    async def subscribe(self, topic: str, qos: int = 1, timeout_s: float = CONNECT_SECONDS) -> None:
        """Returns when the broker has said yes. Raises Refused, ConnectionError or TimeoutError."""
        if not self.connected:
            raise ConnectionError(f"{self.client_id} is not connected") from self.why
        number = self.next_id()
        self.subscribing[number] = done = self.loop.create_future()
        self.write(mqtt5.subscribe(topic, qos, number))
        try:
            async with asyncio.timeout(timeout_s):
                await done
        finally:
            del self.subscribing[number]

    async def close(self) -> None:
        """Says goodbye (the will is not sent) and ends the connection. What is `unanswered` stays so: `drain` before."""
        if self.transport is None or self.ended is None:
            return
        self.closing = True
        if self.connected:
            self.flush()
            self.write(mqtt5.GOODBYE)
            self.transport.close()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await asyncio.shield(self.ended)
        except TimeoutError:
            self.abort()

    def abort(self) -> None:
        """Ends the connection at once without a word, as a device whose battery falls out: the broker says the will."""
        if self.transport is not None:
            self.transport.abort()

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(MOST_BUFFERED)

    def connection_lost(self, error: Exception | None) -> None:
        self.connected = False
        if not self.closing:
            self.why = self.why or error or ConnectionError("the broker hung up")
        if self.beat is not None:
            self.beat.cancel()
        failure = self.why or ConnectionError("closed")
        for waiting in (self.welcome, self.changed, *self.subscribing.values()):
            if waiting is not None and not waiting.done():
                waiting.set_exception(failure if isinstance(failure, OSError) else ConnectionError(str(failure)))
                waiting.exception()  # somebody may have stopped waiting
        if self.ended is not None and not self.ended.done():
            self.ended.set_result(None)
        if self.on_close is not None:
            self.on_close(self.why)

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        self.tell_change()

    def data_received(self, data: bytes) -> None:
        self.heard = True
        if self.rest:
            data, self.rest = self.rest + data, b""
        count = len(data) >> 2
        if len(data) == count << 2 and data[0::4].count(0x40) == count and data[1::4].count(2) == count:
            before = len(self.unanswered)
            for (number,) in numbers_of_pubacks(data):
                self.unanswered.pop(number, None)
            self.acknowledged += before - len(self.unanswered)
        else:
            try:
                self.read(data)
            except (ValueError, IndexError, struct.error) as error:
                self.why = ConnectionError(f"the broker sent what is no MQTT 5: {error}")
                self.abort()
                return
        self.tell_change()

    # Below them

    def read(self, data: bytes) -> None:
        """Packet after packet; the answers to what was heard leave in one write."""
        if not self.connected and data[0] >> 4 not in (mqtt5.CONNACK, mqtt5.DISCONNECT):
            raise ValueError("it does not begin with a CONNACK")
        at, answers = 0, bytearray()
        while len(data) - at >= 2:
            length = mqtt5.read_length(data, at + 1)
            if length is None or length[1] + length[0] > len(data):
                break
            size, begins = length
            body = data[begins : begins + size]
            kind = data[at] >> 4
            if kind == mqtt5.PUBACK:
                self.take_puback(body)
            elif kind == mqtt5.PUBLISH:
                answers += self.take_publish(data[at], body)
            else:
                self.take(kind, body)
            at = begins + size
        self.rest = data[at:]
        if answers:
            self.write(bytes(answers))

    def take_puback(self, body: bytes) -> None:
        if self.unanswered.pop(int.from_bytes(body[:2], "big"), None) is None:
            return
        if len(body) > 2 and body[2] >= mqtt5.REFUSED:
            self.refused += 1
        else:
            self.acknowledged += 1

    def take_publish(self, first: int, body: bytes) -> bytes:
        topic, payload, number = mqtt5.read_publish(first, body)
        self.received += 1
        if self.on_message is not None:
            self.on_message(topic, payload)
        return mqtt5.puback(number) if number else b""

    def take(self, kind: int, body: bytes) -> None:
        if kind == mqtt5.CONNACK:
            self.take_welcome(mqtt5.read_connack(body))
        elif kind == mqtt5.SUBACK:
            done, reason = self.subscribing.get(int.from_bytes(body[:2], "big")), body[-1]
            if done is not None and not done.done():
                if reason >= mqtt5.REFUSED:
                    done.set_exception(Refused(f"the broker refused the subscription: {mqtt5.reason_text(reason)}"))
                else:
                    done.set_result(None)
        elif kind == mqtt5.DISCONNECT:
            self.why = ConnectionError(f"the broker ended the connection: {mqtt5.reason_text(body[0] if body else 0)}")
        elif kind != mqtt5.PINGRESP:
            raise ValueError(f"a packet of kind {kind}")

    def take_welcome(self, welcome: mqtt5.Welcome) -> None:
        if self.welcome is None or self.welcome.done():
            return
        if welcome.reason >= mqtt5.REFUSED:
            self.welcome.set_exception(Refused(f"the broker refused the connection: {mqtt5.reason_text(welcome.reason)}"))
            return
        self.window = min(self.window, welcome.receive_maximum)
        self.largest_packet = welcome.largest_packet
        self.keepalive_seconds = welcome.keepalive_seconds or self.keepalive_seconds
        self.connected = True
        self.welcome.set_result(None)

    def next_id(self) -> int:
        number = self.last_id % mqtt5.MOST_IN_FLIGHT + 1
        while number in self.unanswered or number in self.subscribing:
            number = number % mqtt5.MOST_IN_FLIGHT + 1
        self.last_id = number
        return number

    def flush(self) -> None:
        if self.pieces:
            self.write(b"".join(self.pieces))
            self.pieces.clear()
            self.waiting_bytes = 0

    def write(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)
            self.wrote = True

    def keep_alive(self) -> None:
        """Twice in a keep-alive: pings when nothing was said, and hangs up on a broker that is silent after three pings."""
        self.quiet_beats = 0 if self.heard else self.quiet_beats + 1
        if self.quiet_beats > 3:
            self.why = ConnectionError("the broker fell silent")
            self.abort()
            return
        if not self.wrote or not self.heard:
            self.write(mqtt5.PINGREQ)
        self.wrote = self.heard = False
        self.beat = self.loop.call_later(self.keepalive_seconds / 2, self.keep_alive)

    async def change(self) -> None:
        """Until an acknowledgement comes or the socket takes more."""
        if not self.connected:
            raise ConnectionError(f"{self.client_id} is not connected") from self.why
        if self.changed is None or self.changed.done():
            self.changed = self.loop.create_future()
        await asyncio.shield(self.changed)

    def tell_change(self) -> None:
        if self.changed is not None and not self.changed.done():
            self.changed.set_result(None)
