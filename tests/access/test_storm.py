"""The second after a power cut: 5,000 homes come back at once, each with a press, and a gateway takes every one."""

from __future__ import annotations

import errno
import resource
import select
import socket
import struct
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from cloudfamily_platform.people import credential

DEVICES = 5000
SECONDS = 60
CONNACK, PUBACK = 0x20, 0x40


def text(value: str) -> bytes:
    return struct.pack("!H", len(value)) + value.encode()


def packet(kind: int, body: bytes) -> bytes:
    assert len(body) < 16_384
    length = bytes([len(body)]) if len(body) < 128 else bytes([len(body) % 128 | 128, len(body) // 128])
    return bytes([kind]) + length + body


class Home:
    """A device on a bare socket: presses as soon as it may, and once more when everybody is there."""

    def __init__(self, name: str, secret: str, port: int) -> None:
        self.name, self.secret, self.buffer, self.said_hello = name, secret, b"", False
        self.socket = socket.socket()
        self.socket.setblocking(False)
        assert self.socket.connect_ex(("127.0.0.1", port)) in (0, errno.EINPROGRESS)

    def hello(self) -> None:
        """MQTT 5, clean start, user name and password, no properties."""
        self.said_hello = True
        self.send(packet(0x10, text("MQTT") + b"\5\302" + struct.pack("!H", 120) + b"\0" + text(self.name) + text(self.name) + text(self.secret)))

    def press(self, number: int) -> None:
        payload = f'{{"seq":{number},"kind":"sos"}}'.encode()
        self.send(packet(0x32, text(f"cf/v1/{self.name}/signal") + struct.pack("!H", number) + b"\0" + payload))

    def send(self, data: bytes) -> None:
        assert self.socket.send(data) == len(data)

    def listen(self) -> int:
        """Presses when it is let in; returns how many presses were acknowledged."""
        acknowledged, data = 0, self.socket.recv(4096)
        assert data, f"{self.name}: hung up"
        self.buffer += data
        while len(self.buffer) >= 2 and len(self.buffer) >= 2 + self.buffer[1]:
            kind, body, self.buffer = self.buffer[0], self.buffer[2 : 2 + self.buffer[1]], self.buffer[2 + self.buffer[1] :]
            if kind == CONNACK:
                assert body[1] == 0, f"{self.name} is refused: {body[1]:#x}"
                self.press(1)
            else:
                assert kind == PUBACK, kind
                assert len(body) < 3 or body[2] == 0, f"{self.name}: a press is refused: {body[2]:#x}"
                acknowledged += 1
        return acknowledged


class Storm:
    """All homes in one epoll loop; nobody says hello before all have knocked."""

    def __init__(self, port: int, secrets: dict[str, str]) -> None:
        self.homes = {home.socket.fileno(): home for home in (Home(*one, port) for one in secrets.items())}
        self.epoll, self.acknowledged = select.epoll(), 0
        for number in self.homes:
            self.epoll.register(number, select.EPOLLOUT)

    def until_acknowledged(self, count: int) -> None:
        deadline = time.monotonic() + SECONDS
        while self.acknowledged < count:
            assert time.monotonic() < deadline, f"{self.acknowledged} of {count} acknowledged within {SECONDS} s"
            for number, events in self.epoll.poll(0.5, 1000):
                home = self.homes[number]
                if not home.said_hello and events & select.EPOLLOUT:
                    home.hello()
                    self.epoll.modify(number, select.EPOLLIN)
                elif events & select.EPOLLIN:
                    self.acknowledged += home.listen()
                else:
                    raise AssertionError(f"{home.name}: {events:#x}")

    def all_press(self) -> None:
        for home in self.homes.values():
            home.press(2)

    def close(self) -> None:
        self.epoll.close()
        for home in self.homes.values():
            home.socket.close()


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * DEVICES + 1000
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this machine allows {hard} open files, and {wanted} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def everybody(world: Any) -> dict[str, str]:
    """Device code → secret, in the database in one statement."""
    secrets = {f"dev-{number}": uuid.uuid4().hex for number in range(DEVICES)}
    hashes = [credential.digest(secret) for secret in secrets.values()]
    world.sync.execute(
        "INSERT INTO credential (username, kind, hash, created_at, issued_at) SELECT username, 'device', hash, %s, %s"
        " FROM unnest(%s::text[], %s::text[]) AS made (username, hash)",
        [world.now, world.now, list(secrets), hashes],
    )
    return secrets


@pytest.mark.usefixtures("many_files")
def test_5000_devices_reconnect_in_the_same_second_and_no_press_is_lost(broker_of: Callable[..., Any], until: Callable[..., None]) -> None:
    broker = broker_of(tls=False)  # five thousand handshakes are a matter of processors, not of queues
    secrets = everybody(broker.world)
    login = broker.issue("gateway-1", "service")
    broker.start()

    heard: dict[tuple[str, int], int] = {}
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "gateway-1-press", protocol=mqtt.MQTTv5)
    client.username_pw_set(*login)

    def on_message(client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        key = (message.topic, message.payload[7] - ord("0"))
        heard[key] = heard.get(key, 0) + 1

    client.on_connect = lambda client, *_: client.subscribe("cf/v1/+/signal", qos=1)
    subscribed: list[int] = []
    client.on_subscribe = lambda _client, _data, mid, *_: subscribed.append(mid)
    client.on_message = on_message
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval, properties.ReceiveMaximum = 3600, 1000
    client.connect("127.0.0.1", broker.plan.service_port, clean_start=False, properties=properties)
    client.loop_start()
    until(lambda: subscribed, "the gateway listens")

    storm = Storm(broker.plan.port, secrets)
    storm.until_acknowledged(DEVICES)
    storm.all_press()
    storm.until_acknowledged(2 * DEVICES)
    deadline = time.monotonic() + SECONDS
    while len(heard) < 2 * DEVICES and time.monotonic() < deadline:
        time.sleep(0.05)
    client.disconnect()
    client.loop_stop()
    storm.close()
    assert heard == {(f"cf/v1/{name}/signal", number): 1 for name in secrets for number in (1, 2)}
