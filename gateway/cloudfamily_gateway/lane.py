"""A lane: one MQTT session and one database connection, in one thread. Take, store, and only then acknowledge.

The thread drives paho's loop itself, so acknowledgements leave from the network loop, in bulk, after the commit.
When the database is away nothing is acknowledged and the broker holds the rest; memory is bounded by Receive Maximum.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import NamedTuple

import paho.mqtt.client as mqtt
import psycopg
import structlog
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from cloudfamily_gateway import client as clients
from cloudfamily_gateway import wire
from cloudfamily_gateway.ingest import Store
from cloudfamily_platform.core import metrics
from cloudfamily_platform.core.settings import Settings

log = structlog.get_logger()
RECEIVE_MAXIMUM = 1000
SESSION_SECONDS = 7 * 24 * 3600
KEEPALIVE_SECONDS = 30
SLOWEST_RETRY_SECONDS = 5.0


class Taken(NamedTuple):
    """A frame that has not been acknowledged yet."""

    connection: int
    mid: int
    qos: int
    #: None: another lane's, to be acknowledged and nothing else. In its turn: MQTT wants acknowledgements in the order of arrival.
    frame: wire.Frame | None


class Lane:
    """Runs until `stop` is set. `batch`: how many frames share a transaction; 1 for presses, which never wait for others."""

    def __init__(self, name: str, topic: str, batch: int, settings: Settings, database_url: str, broker: tuple[str, int]) -> None:
        self.name, self.topic, self.batch = name, topic, batch
        self.settings, self.database_url, self.broker = settings, database_url, broker
        self.stop = threading.Event()
        self.taken: list[Taken] = []
        #: Counts connections: a message of an earlier one cannot be acknowledged on this one.
        self.connection = 0
        self.subscribed = False
        self.stored_last = True
        #: Messages of QoS 0 that found no room while the database was away.
        self.dropped = 0

    @property
    def ready(self) -> bool:
        """Whether frames are being taken and stored just now."""
        return self.subscribed and self.stored_last

    def run(self) -> None:
        client = self.make_client()
        store: Store | None = None
        failures = 0
        while not self.stop.is_set():
            if not self.pump(client, failures):
                failures += 1
                continue
            failures = 0
            while self.taken and not self.stop.is_set():
                store = self.store_some(client, store)
        client.disconnect()
        if store is not None:
            store.conn.close()

    def make_client(self) -> mqtt.Client:
        client = clients.make(self.settings, f"{self.settings.gateway_name}-{self.name}", manual_ack=True)
        client.on_connect = self.on_connect
        client.on_message = self.on_message
        client.on_subscribe = self.on_subscribe
        return client

    def connect(self, client: mqtt.Client) -> None:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = SESSION_SECONDS
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        client.connect(*self.broker, keepalive=KEEPALIVE_SECONDS, clean_start=False, properties=properties)

    def on_connect(self, client: mqtt.Client, userdata: object, flags: mqtt.ConnectFlags, reason: object, properties: object) -> None:
        self.connection += 1
        log.info("lane_connected", lane=self.name, session_present=flags.session_present, reason=str(reason))
        client.subscribe(self.topic, qos=1)

    def on_subscribe(self, client: mqtt.Client, userdata: object, mid: int, reasons: list[ReasonCode], properties: object) -> None:
        self.subscribed = not any(reason.is_failure for reason in reasons)
        if not self.subscribed:
            log.error("subscription_refused", lane=self.name, topic=self.topic, reasons=[str(reason) for reason in reasons])

    def on_message(self, client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "(not UTF-8)"
        if message.qos == 0 and len(self.taken) >= RECEIVE_MAXIMUM:
            self.dropped += 1  # Receive Maximum does not hold these back, and nobody was promised them
            return
        # What is too large is not decoded: a byte more than the limit shows that, and a thousand of them fit into memory.
        topic, hub = wire.without_edge(topic)
        frame = wire.Frame(topic, bytes(message.payload[: wire.LARGEST + 1]), datetime.now(UTC), hub, message.retain)
        others = self.batch > 1 and wire.HAS_OWN_LANE.match(topic)
        self.taken.append(Taken(self.connection, message.mid, message.qos, None if others else frame))

    def pump(self, client: mqtt.Client, failures: int) -> bool:
        """Moves packets in and out until something is there to store; False when there is no connection."""
        try:
            if not client.is_connected() and client.socket() is None:
                self.connect(client)
            code = client.loop(0.5)
            while code == mqtt.MQTT_ERR_SUCCESS and 0 < len(self.taken) < RECEIVE_MAXIMUM:
                before = len(self.taken)
                code = client.loop(0) if self.batch > 1 else code
                if len(self.taken) == before:
                    break
        except OSError as error:
            code = mqtt.MQTT_ERR_NO_CONN
            log.warning("broker_away", lane=self.name, error=str(error))
        if code == mqtt.MQTT_ERR_SUCCESS or self.taken:
            return True
        self.subscribed = False
        self.stop.wait(min(0.1 * 2 ** min(failures, 10), SLOWEST_RETRY_SECONDS))
        return False

    def store_some(self, client: mqtt.Client, store: Store | None) -> Store | None:
        """Stores and acknowledges one batch. Without a database it waits, keeps the MQTT session alive, and tries again."""
        some = self.taken[: self.batch]
        began = time.monotonic()
        try:
            if store is None:
                store = Store(
                    psycopg.connect(
                        self.database_url, autocommit=True, connect_timeout=5, tcp_user_timeout=15_000, options="-c timezone=UTC -c lock_timeout=5s"
                    )
                )
            signals = store.store([one.frame for one in some if one.frame])
        except Exception as error:
            # Not acknowledged, so not lost: the same frames are tried again until the database takes them.
            log.warning("not_stored", lane=self.name, frames=len(some), error=f"{type(error).__name__}: {error}")
            self.stored_last = False
            if store is not None:
                store.conn.close()
            self.wait_for_database(client)
            return None
        self.stored_last = True
        if self.dropped:
            log.warning("dropped", lane=self.name, frames=self.dropped)
            self.dropped = 0
        del self.taken[: len(some)]
        for signal in signals:
            if self.batch == 1:
                client.publish(
                    wire.answer_topic(signal.device, some[0].frame.hub if some[0].frame else None), wire.encode(wire.Answer("received", signal.seq)), qos=1
                )
        for one in some:
            if one.connection == self.connection:
                client.ack(one.mid, one.qos)
        metrics.frames.labels(self.name).inc(sum(one.frame is not None for one in some))
        metrics.store_seconds.labels(self.name).observe(time.monotonic() - began)
        return store

    def wait_for_database(self, client: mqtt.Client) -> None:
        until = time.monotonic() + 1.0
        while time.monotonic() < until and not self.stop.is_set():
            if client.loop(0.1) != mqtt.MQTT_ERR_SUCCESS:
                self.subscribed = False
                self.stop.wait(0.2)


def lanes(settings: Settings, database_url: str, broker: tuple[str, int]) -> tuple[Lane, Lane]:
    """The two lanes of a gateway: presses, each committed alone, and everything else in batches."""
    press = Lane("press", wire.SIGNALS, 1, settings, database_url, broker)
    # Everything else that is said on the broker: what is misaddressed is to be seen by an operator, not to vanish.
    bulk = Lane("bulk", "#", RECEIVE_MAXIMUM, settings, database_url, broker)
    return press, bulk
