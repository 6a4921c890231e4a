"""The embedded broker through a rough life: iotcore always, mosquitto where it is on the PATH."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from cloudfamily.embedded import broker as brokers
from cloudfamily.embedded.broker import EmbeddedBroker
from cloudfamily.embedded.errors import StartError

# A forked worker keeps the broker's pipe open when its owner is killed, as a role process would.
START_THEN_WAIT = """
import os, sys, time
from pathlib import Path
from cloudfamily.embedded.broker import EmbeddedBroker
broker = EmbeddedBroker(Path(sys.argv[1]), int(sys.argv[2]))
broker.start()
worker = os.fork() if sys.argv[3] == "with worker" else os.getpid()
if worker:
    print(worker, broker._child.pid, flush=True)
time.sleep(15)
"""


@pytest.fixture(params=["iotcore", "mosquitto"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "mosquitto" and shutil.which("mosquitto") is None:
        pytest.skip("mosquitto is not on the PATH")
    if request.param == "iotcore":
        folders = os.environ["PATH"].split(os.pathsep)
        without = [folder for folder in folders if not shutil.which("mosquitto", path=folder)]
        monkeypatch.setenv("PATH", os.pathsep.join(without))
    return str(request.param)


def test_a_megabyte_passes_and_a_stop_frees_the_port(kind: str, folder: Path, port: int, nothing_runs: Callable[[], bool]) -> None:
    broker = EmbeddedBroker(folder, port)
    assert broker.start() == ("127.0.0.1", port)
    assert broker.name == kind
    assert broker.alive()
    pid = int((folder / "broker" / "pid").read_text())
    assert os.getsid(pid) != os.getsid(0)  # out of Ctrl-C's reach
    received: list[bytes] = []
    client = connected(port, "listener")
    client.on_message = lambda _client, _data, message: received.append(bytes(message.payload))
    client.subscribe("cf/v1/+/reading", qos=1)
    client.publish("cf/v1/cam-1/reading", bytes(1_000_000), qos=1)
    run_until(client, lambda: bool(received))
    assert len(received[0]) == 1_000_000
    client.disconnect()
    broker.stop()
    broker.stop()  # a second stop is nothing special
    assert not broker.alive()
    assert nothing_runs()
    broker.start()
    broker.stop()


def test_what_waits_for_a_gateway_that_is_away_is_more_than_a_thousand(kind: str, folder: Path, port: int) -> None:
    broker = EmbeddedBroker(folder, port)
    broker.start()
    away = connected(port, "gateway")
    subscribed: list[int] = []
    away.on_subscribe = lambda _client, _data, mid, _codes, _properties: subscribed.append(mid)
    away.subscribe("cf/v1/+/reading", qos=1)
    run_until(away, lambda: bool(subscribed))
    away.disconnect()
    run_until(away, lambda: not away.is_connected())

    acknowledged: list[int] = []
    device = connected(port, "device")
    device.on_publish = lambda _client, _data, mid, _code, _properties: acknowledged.append(mid)
    for number in range(2_000):
        device.publish("cf/v1/btn-1/reading", str(number), qos=1)
    run_until(device, lambda: len(acknowledged) == 2_000)
    device.disconnect()
    if kind == "mosquitto":  # iotcore keeps nothing on disk
        broker.stop()
        broker.start()

    received: list[bytes] = []
    back = connected(port, "gateway", on_message=lambda _client, _data, message: received.append(bytes(message.payload)))
    run_until(back, lambda: len(received) == 2_000)
    assert received == [str(number).encode() for number in range(2_000)]
    back.disconnect()
    broker.stop()


@pytest.mark.parametrize("worker", ["alone", "with worker"])
def test_a_broker_whose_owner_was_killed_does_not_block_the_next(kind: str, worker: str, folder: Path, port: int) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", START_THEN_WAIT, str(folder), str(port), worker]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as owner:
        assert owner.stdout is not None
        worker_pid, leftover = map(int, owner.stdout.readline().split())
        owner.kill()
    if kind == "iotcore" and worker == "alone":
        gone_within(leftover, 5.0)
    else:
        assert lives(leftover)
    try:
        broker = EmbeddedBroker(folder, port)
        broker.start()
        assert not lives(leftover)
        broker.stop()
    finally:
        if worker == "with worker":
            psutil.Process(worker_pid).kill()
            gone_within(worker_pid, 5.0)


def test_a_pid_file_with_somebody_elses_number_harms_nobody(kind: str, folder: Path, port: int) -> None:
    broker = EmbeddedBroker(folder, port)
    broker.start()
    broker.stop()
    with subprocess.Popen(["sleep", "15"]) as innocent:
        (folder / "broker" / "pid").write_text(f"{innocent.pid}\n")
        broker.start()
        assert innocent.poll() is None
        innocent.kill()
    broker.stop()


def test_a_taken_port_is_named_with_its_setting(kind: str, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(StartError, match=f"Port {taken} on 127.0.0.1 is taken.*CF_MQTT_PORT"):
            EmbeddedBroker(folder, taken).start()


def test_a_broker_that_dies_at_once_is_quoted(kind: str, folder: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brokers, "READY_S", 100.0)
    began = time.monotonic()
    monkeypatch.setattr(brokers, kind.upper(), "nonsense = [{port}")
    with pytest.raises(StartError, match=rf"\({kind}\) did not start: .*broker.log"):
        EmbeddedBroker(folder, port).start()
    assert time.monotonic() - began < 100  # it does not wait for what will not come


def test_a_folder_that_is_none_is_said(kind: str, folder: Path, port: int) -> None:
    folder.write_text("a file")
    with pytest.raises(StartError, match=r"data is not a folder.*CF_DATA_DIR"):
        EmbeddedBroker(folder, port).start()


def connected(port: int, name: str, on_message: Callable[..., None] | None = None) -> Client:
    """An MQTT 5 client with a session that outlasts its connection."""
    client = Client(CallbackAPIVersion.VERSION2, name, protocol=MQTTProtocolVersion.MQTTv5)
    if on_message is not None:
        client.on_message = on_message
    client.max_inflight_messages_set(100)
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 3600
    client.connect("127.0.0.1", port, clean_start=False, properties=properties)
    run_until(client, client.is_connected)
    return client


def run_until(client: Client, reached: Callable[[], bool], within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while not reached():
        assert time.monotonic() < deadline, "nothing came in time"
        client.loop(0.05)


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def gone_within(pid: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while lives(pid):
        assert time.monotonic() < deadline, f"{pid} still lives"
        time.sleep(0.02)
