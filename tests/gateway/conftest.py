"""A gateway's lanes on the real broker and database, devices that talk to them, and ways to break what lies between."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import paho.mqtt.client as mqtt
import psycopg
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from cloudfamily_gateway import wire
from cloudfamily_gateway.lane import Lane, lanes
from cloudfamily_platform.core.settings import Settings
from cloudfamily_sim.cable import Cable

Broker = tuple[str, int]
SECONDS = 60.0  # at most, on the slowest machine


def wait_until(condition: Callable[[], object], what: str = "", seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.01)


@pytest.fixture(name="until")
def until_() -> Callable[..., None]:
    """until(condition, what, seconds): polls, and fails after a deadline."""
    return wait_until


class Device:
    """A device, or several behind one connection: says things and hears the answers to `code`, and its commands."""

    def __init__(self, broker: Broker, code: str) -> None:
        self.code, self.answers, self.commands, self.seq = code, list[dict[str, Any]](), list[dict[str, Any]](), 0
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, f"{code}-{uuid.uuid4().hex[:6]}", protocol=mqtt.MQTTv5)
        listening = threading.Event()
        self.client.on_connect = lambda client, *_: client.subscribe([(wire.own_topic(code, what), 1) for what in ("answer", "command")])
        self.client.on_subscribe = lambda *_: listening.set()
        self.client.on_message = self.hear
        self.client.connect(*broker)
        self.client.loop_start()
        assert listening.wait(SECONDS)

    def hear(self, client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        heard = self.answers if message.topic.endswith("/answer") else self.commands
        heard.append(json.loads(message.payload))

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def say(self, topic: str, payload: bytes | dict[str, Any], qos: int = 1) -> mqtt.MQTTMessageInfo:
        return self.client.publish(topic, payload if isinstance(payload, bytes) else wire.encode(payload), qos=qos)

    def press(self, kind: str = "sos") -> dict[str, Any]:
        self.seq += 1
        said = {"t": datetime.now(UTC).isoformat(), "seq": self.seq, "kind": kind}
        self.say(f"cf/v1/{self.code}/signal", said).wait_for_publish(SECONDS)
        return said

    def measure(self, count: int, qos: int = 1, **values: float) -> None:
        """`count` readings a second apart, the last just now; returns when the broker has them all."""
        began, last = datetime.now(UTC).timestamp() - count, None
        for number in range(count):
            t = datetime.fromtimestamp(began + number, UTC).isoformat()
            last = self.say(f"cf/v1/{self.code}/reading", {"t": t, "values": values or {"temperature": 21.5}}, qos)
        if last:
            last.wait_for_publish(SECONDS)


class Gateway:
    """A gateway of a name of its own: its lanes run in threads, and its MQTT sessions end with the test."""

    def __init__(self, database: str, broker: Broker) -> None:
        self.database, self.broker = database, broker
        # Not shared: iotcore dies of a shared session that comes back, and on Mosquitto a session left by anybody takes its share.
        self.settings = Settings(gateway_name=f"gateway-{uuid.uuid4().hex[:8]}", mqtt_shared=False)
        self.running: list[tuple[Lane, threading.Thread]] = []
        self.closers: list[Callable[[], None]] = []

    def lane(self, name: str, kind: type[Lane] = Lane, broker: Broker | None = None, wait: bool = True) -> Lane:
        """Starts the lane "press" or "bulk"; returns when it takes messages."""
        usual = next(lane for lane in lanes(self.settings, self.database, broker or self.broker) if lane.name == name)
        lane = kind(usual.line, usual.batch, usual.database_url)
        thread = threading.Thread(target=lane.run, name=f"lane {name}")
        thread.start()
        self.running.append((lane, thread))
        if wait:
            wait_until(lambda: lane.ready, f"lane {name} is ready")
        return lane

    def stop(self, *which: Lane) -> None:
        for lane, thread in self.running:
            if lane in which:
                lane.stop.set()
                thread.join(SECONDS)
                assert not thread.is_alive(), f"lane {lane.name} does not stop"

    def device(self, code: str) -> Device:
        made = Device(self.broker, code)
        self.closers.append(made.close)
        return made

    def cable(self) -> Cable:
        made = Cable(self.broker)
        self.closers.append(made.close)
        return made

    def waiting(self, name: str) -> list[bytes]:
        """What the broker still holds for a lane that is stopped: sent to it, and not acknowledged. It stays there."""
        fence, found, came = "cf/v1/fence/signal", list[bytes](), threading.Event()
        word = uuid.uuid4().bytes

        def on_message(client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
            if message.topic != fence:
                found.append(message.payload)
            elif not found:  # acknowledgements must come in order
                client.ack(message.mid, message.qos)
            if message.payload == word:
                came.set()

        client = self.session(name, clean=False)
        client.on_message = on_message
        client.loop_start()
        client.publish(fence, word, qos=1)
        assert came.wait(SECONDS), "the broker does not answer"
        client.disconnect()
        client.loop_stop()
        return found

    def session(self, name: str, clean: bool) -> mqtt.Client:
        """Takes a lane's place at the broker."""
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, f"{self.settings.gateway_name}-{name}", protocol=mqtt.MQTTv5, manual_ack=True)
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 0 if clean else 3600
        properties.ReceiveMaximum = 1000
        client.connect(*self.broker, clean_start=clean, properties=properties)
        return client

    def close(self) -> None:
        self.stop(*(lane for lane, _ in self.running))
        for close in self.closers:
            close()
        for name in {lane.name for lane, _ in self.running}:
            connected = threading.Event()
            client = self.session(name, clean=True)
            client.on_connect = lambda *_, connected=connected: connected.set()
            client.loop_start()
            connected.wait(SECONDS)
            client.disconnect()
            client.loop_stop()


@pytest.fixture
def gateway(database: str, broker: Broker) -> Iterator[Gateway]:
    made = Gateway(database, broker)
    yield made
    made.close()


class Town:
    """The database from outside: rows, a home, and a switch that takes it away."""

    def __init__(self, server: str, url: str) -> None:
        self.server, self.url = server, url
        self.name = str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as conn:
            return conn.execute(query.encode(), values or None).fetchall()

    def home(self, *devices: str) -> int:
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute("INSERT INTO district (code, name_zh, name_en) VALUES ('wanxiu', '万秀', 'Wanxiu') ON CONFLICT DO NOTHING")
            row = conn.execute(
                "INSERT INTO home (code, district_id, address, lat, lon, watched_from)"
                " SELECT 'WX-001', id, '示例路1号', 23, 111, now() FROM district RETURNING id"
            ).fetchone()
            assert row
            for code in devices:
                conn.execute("INSERT INTO device (code, home_id, kind, watched_from) VALUES (%s, %s, 'other', now())", [code, row[0]])
            return int(row[0])

    def readings(self, code: str) -> int:
        return int(self.rows("SELECT count(*) FROM reading r JOIN device v ON v.id = r.device_id WHERE v.code = %s", code)[0][0])

    def signals(self) -> list[tuple[str, str, int | None]]:
        return [(row[0], row[1], row[2]) for row in self.rows("SELECT device_code, kind, seq FROM signal WHERE device_code <> 'fence' ORDER BY id")]

    def away(self) -> None:
        """Ends every connection and takes no new one."""
        self.switch("false")
        with psycopg.connect(self.server, autocommit=True) as conn:
            conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [self.name])

    def back(self) -> None:
        self.switch("true")

    def switch(self, allow: str) -> None:
        with psycopg.connect(self.server, autocommit=True) as conn:
            conn.execute(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS {allow}".encode())


@pytest.fixture
def cable_to() -> Iterator[Callable[[Broker], Cable]]:
    """cable_to(broker): a cable before it, which can be cut."""
    made: list[Cable] = []

    def lay(broker: Broker) -> Cable:
        made.append(Cable(broker))
        return made[-1]

    yield lay
    for cable in made:
        cable.close()


@pytest.fixture
def device_on() -> Callable[[Broker, str], Device]:
    """device_on(broker, code): a device there; whoever makes it closes it."""
    return Device


@pytest.fixture
def town(server: str, database: str) -> Town:
    return Town(server, database)
