"""A hub at home with its own broker, a cable to the city that can be cut, and the city that hears what comes through."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import paho.mqtt.client as mqtt
import pytest

from cloudfamily.embedded import ports
from cloudfamily.embedded.broker import EmbeddedBroker
from cloudfamily_gateway import wire
from cloudfamily_gateway.edge import connection, local
from cloudfamily_gateway.edge.run import Edge
from cloudfamily_platform.core.settings import Settings

Broker = tuple[str, int]
SECONDS = 60.0


class Came(NamedTuple):
    """A message as the city's broker gave it out."""

    topic: str
    payload: bytes
    at: datetime | None
    retained: bool


class City:
    """The platform's side of the city's broker: hears one edge, and answers presses as the press lane does."""

    def __init__(self, broker: Broker, edge: str, *, answers: bool = True) -> None:
        self.edge, self.answers, self.came = edge, answers, list[Came]()
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, f"city-{uuid.uuid4().hex[:8]}", protocol=mqtt.MQTTv5)
        listening = threading.Event()
        self.client.on_connect = lambda client, *_: client.subscribe(f"edge/{edge}/#", qos=1)
        self.client.on_subscribe = lambda *_: listening.set()
        self.client.on_message = self.on_message
        self.client.connect(*broker)
        self.client.loop_start()
        assert listening.wait(SECONDS)

    def on_message(self, client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        topic, _ = wire.without_edge(message.topic)
        if topic.endswith(("/answer", "/command")):
            return
        user = dict(getattr(message.properties, "UserProperty", []))
        self.came.append(Came(topic, message.payload, datetime.fromisoformat(user["at"]) if "at" in user else None, "retained" in user))
        if self.answers and topic.endswith("/signal"):
            self.answer(topic.split("/")[2], "received", json.loads(message.payload).get("seq"))

    def answer(self, device: str, answer: str, seq: int | None) -> None:
        self.say(wire.answer_topic(device, self.edge), {"answer": answer, "seq": seq})

    def say(self, topic: str, payload: dict[str, Any]) -> None:
        self.client.publish(topic, wire.encode(payload), qos=1)

    def of(self, topic: str) -> list[Came]:
        return [one for one in list(self.came) if one.topic == topic]

    def payloads(self, topic: str) -> list[bytes]:
        """In the order in which each first came; a message may come more than once."""
        return list(dict.fromkeys(one.payload for one in self.of(topic)))

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture(scope="session")
def home_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    folder = tmp_path_factory.mktemp("home")
    for parent in (folder, *folder.parents[:3]):
        parent.chmod(0o755)
    embedded = EmbeddedBroker(folder, ports.any_free())
    yield embedded.start()
    embedded.stop()


class Hub:
    """One hub: its settings, the edge in this process or in one of its own, devices behind it, and the cable to the city."""

    def __init__(self, folder: Path, home: Broker, city: Broker, cable: Any, device: Callable[[Broker, str], Any]) -> None:
        self.home, self.city_broker, self.cable, self.make_device = home, city, cable, device
        self.name, self.folder = f"hub-{uuid.uuid4().hex[:8]}", folder
        self.more: dict[str, Any] = {}
        self.closers: list[Callable[[], None]] = []
        self.edge: Edge | None = None
        self.process: subprocess.Popen[bytes] | None = None

    def code(self, what: str) -> str:
        """A device code that no other test uses."""
        return f"{what}-{self.name}"

    def settings(self) -> dict[str, Any]:
        host, port = self.cable.address
        return {
            "edge_name": self.name,
            "mqtt_host": self.home[0],
            "mqtt_port": self.home[1],
            "uplink_host": host,
            "uplink_port": port,
            "uplink_tls": False,
            "spool_dir": self.folder / "spool",
            **self.more,
        }

    def rules(self, text: str) -> None:
        file = self.folder / "rules.toml"
        file.write_text(text, encoding="utf-8")
        self.more["edge_rules"] = file

    def start(self, *, uplink: bool = True) -> Edge:
        """The edge in this process; returns when it hears devices, and the city when that can be reached."""
        self.edge = edge = Edge(Settings(**self.settings()))
        edge.start()
        wait_for(lambda: edge.local.up and (not uplink or (edge.alarms.up and edge.routine.up)), "the edge is up")
        time.sleep(0.1)  # its subscription
        return edge

    def stop(self) -> None:
        if self.edge is not None:
            edge, self.edge = self.edge, None
            edge.stop()
            assert not edge.failed.is_set()

    def run(self) -> subprocess.Popen[bytes]:
        """`cloudfamily run edge`, in a process of its own."""
        environment = {**os.environ, **{f"CF_{name.upper()}": str(value) for name, value in self.settings().items()}}
        with (self.folder / "log").open("ab") as out:
            self.process = subprocess.Popen([sys.executable, "-m", "cloudfamily", "run", "edge"], env=environment, stdout=out, stderr=out)
        before = self.log().count('"link": "local"')
        wait_for(lambda: self.log().count('"link": "local"') > before, "the process hears devices")
        time.sleep(0.1)
        return self.process

    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(SECONDS)
            self.process = None

    def device(self, what: str) -> Any:
        made = self.make_device(self.home, self.code(what))
        self.closers.append(made.close)
        return made

    def city(self, *, answers: bool = True) -> City:
        made = City(self.city_broker, self.name, answers=answers)
        self.closers.append(made.close)
        return made

    def listen(self, topic: str) -> list[tuple[str, dict[str, Any]]]:
        """What is said on the hub's own broker from now on."""
        heard = list[tuple[str, dict[str, Any]]]()
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, f"ear-{uuid.uuid4().hex[:8]}", protocol=mqtt.MQTTv5)
        listening = threading.Event()
        client.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
        client.on_subscribe = lambda *_: listening.set()
        client.on_message = lambda _client, _data, message: heard.append((message.topic, json.loads(message.payload)))
        client.connect(*self.home)
        client.loop_start()
        assert listening.wait(SECONDS)
        self.closers += [client.loop_stop, lambda: client.disconnect() and None]
        return heard

    def close(self) -> None:
        self.kill()
        self.stop()
        for close in reversed(self.closers):
            close()


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {SECONDS:g} s: {what}"
        time.sleep(0.01)


@pytest.fixture
def hub(
    tmp_path: Path,
    home_broker: Broker,
    broker: Broker,
    cable_to: Callable[[Broker], Any],
    device_on: Callable[[Broker, str], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Hub]:
    monkeypatch.setattr(connection, "SLOWEST_RETRY_SECONDS", 0.3)
    monkeypatch.setattr(local, "GATHER_SECONDS", 0.1)
    made = Hub(tmp_path, home_broker, broker, cable_to(broker), device_on)
    yield made
    made.close()
