"""One MQTT connection, turned by one thread and woken by any. Children say what to do with what comes."""

from __future__ import annotations

import random
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

log = structlog.get_logger()
KEEPALIVE_SECONDS = 30
CONNACK_SECONDS = 10.0
SLOWEST_RETRY_SECONDS = 5.0


class Connection:
    """Connects, and connects again whenever the connection is gone. Everything but `wake` and `stop` belongs to one thread.

    Each connection has a paho client of its own, so that nothing but what the child keeps is carried over to the next one.
    """

    def __init__(self, name: str, broker: tuple[str, int], make: Callable[[], mqtt.Client], properties: Properties, *, clean: bool) -> None:
        self.name, self.broker, self.make, self.properties, self.clean = name, broker, make, properties, clean
        self.stop = threading.Event()
        self.client: mqtt.Client | None = None
        #: Counts connections: a message of an earlier one cannot be acknowledged on this one.
        self.number = 0
        self.up = False
        self.failures = 0
        self.next_try_at = 0.0
        self.connack_by = 0.0
        self.waker, self.woken = socket.socketpair()
        self.waker.setblocking(False)
        self.woken.setblocking(False)

    # What a child does

    def connected(self, client: mqtt.Client, properties: Properties | None) -> None:
        """The broker has let us in."""

    def heard(self, message: mqtt.MQTTMessage) -> None:
        """A message came."""

    def published(self, mid: int, reason: ReasonCode) -> None:
        """The broker has taken, or refused, what was published as `mid`."""

    def lost(self) -> None:
        """The connection is gone; what was under way on it is to be said again."""

    # For any thread

    def wake(self) -> None:
        """Ends the wait of the thread that turns this connection."""
        try:
            self.waker.send(b".")
        except OSError:
            pass  # full: it is awake already; or closed: it is over

    # For the thread that turns it

    def turn(self, seconds: float) -> None:
        """Moves packets; returns when something came or went, somebody woke us, or `seconds` have passed."""
        if self.client is None:
            self.connect()
        client = self.client
        if client is None:
            self.rest(min(seconds, max(0.0, self.next_try_at - time.monotonic())))
            return
        sock = client.socket()
        if sock is None:  # it broke while something was said
            self.drop()
            return
        pending = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
        readable, writable, _ = select.select([sock, self.woken], [sock] if client.want_write() else [], [], 0 if pending else seconds)
        if self.woken in readable:
            self.drain()
        if sock in readable or pending:
            client.loop_read()
        if sock in writable and client.socket() is not None:
            client.loop_write()
        client.loop_misc()
        if client.socket() is None or (not self.up and time.monotonic() > self.connack_by):
            self.drop()

    def rest(self, seconds: float) -> None:
        if select.select([self.woken], [], [], seconds)[0]:
            self.drain()

    def drain(self) -> None:
        try:
            self.woken.recv(4096)
        except BlockingIOError:
            pass

    def connect(self) -> None:
        """When it is time to try again."""
        if time.monotonic() < self.next_try_at:
            return
        try:
            self.client = client = self.make()
            client.on_connect, client.on_message, client.on_publish = self.on_connect, self.on_message, self.on_publish
            self.connack_by = time.monotonic() + CONNACK_SECONDS
            client.connect(*self.broker, keepalive=KEEPALIVE_SECONDS, clean_start=self.clean, properties=self.properties)
        except OSError as error:
            if self.failures % 100 == 0:
                log.warning("broker_away", link=self.name, host=self.broker[0], port=self.broker[1], error=str(error))
            self.drop()

    def drop(self) -> None:
        """Gives this connection up. The next try comes after a while, at random within it: a city's edges all come back at once."""
        client, self.client = self.client, None
        sock = client.socket() if client else None
        if client is not None and sock is not None:
            client.disconnect()
            sock.close()
        was_up, self.up = self.up, False
        self.next_try_at = time.monotonic() + random.uniform(0.5, 1.0) * min(0.1 * 2 ** min(self.failures, 10), SLOWEST_RETRY_SECONDS)
        self.failures += 1
        if was_up:
            log.warning("link_lost", link=self.name)
        self.lost()

    def close(self) -> None:
        """Says goodbye and ends."""
        if self.client is not None and self.client.socket() is not None:
            until = time.monotonic() + 1.0
            while self.client.want_write() and self.client.socket() is not None and time.monotonic() < until:
                self.client.loop_write()
            self.client.disconnect()
        self.client, self.up = None, False
        self.waker.close()
        self.woken.close()

    def on_connect(self, client: mqtt.Client, userdata: object, flags: mqtt.ConnectFlags, reason: ReasonCode, properties: Properties | None) -> None:
        if reason.is_failure:
            log.error("broker_refuses", link=self.name, reason=str(reason), mend="check the user name and password of this edge")
            self.failures = max(self.failures, 6)
            return
        self.number += 1
        self.up, self.failures = True, 0
        log.info("link_up", link=self.name, session_present=flags.session_present)
        self.connected(client, properties)

    def on_message(self, client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        self.heard(message)

    def on_publish(self, client: mqtt.Client, userdata: object, mid: int, reason: ReasonCode, properties: object) -> None:
        self.published(mid, reason)


def connect_properties(*, session_seconds: int, receive_maximum: int, largest_packet: int) -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = session_seconds
    properties.ReceiveMaximum = receive_maximum
    properties.MaximumPacketSize = largest_packet
    return properties
