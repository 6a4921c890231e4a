"""An MQTT 5 broker of our own on loopback: mosquitto if it is on the PATH, else the one of the iotcore wheel.

Anybody on this machine may connect to it. iotcore keeps nothing on disk and dies with us. A mosquitto that
outlived us is replaced at the next start, and its queues come back from disk.
"""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

import psutil
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from cloudfamily import mosquitto
from cloudfamily.embedded import errors, place, ports, process
from cloudfamily.embedded.errors import StartError
from cloudfamily.embedded.lock import Lock
from cloudfamily.embedded.place import Place

PORT_SETTING = "CF_MQTT_PORT"
READY_S = 60.0  # on a small machine that is busy with other things

MOSQUITTO = """\
listener {port} 127.0.0.1
allow_anonymous true
{limits}"""

# 10 segments bound the memory; what a reader who is away misses past them is lost.
IOTCORE = """\
id = 0

[router]
id = 0
max_connections = 2000
max_outgoing_packet_count = 200
max_segment_size = 5242880
max_segment_count = 10

[v5.1]
name = "loopback"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1

[v5.1.connections]
connection_timeout_ms = 10000
max_payload_size = {largest}
max_inflight_count = 1000
dynamic_filters = true
"""


class EmbeddedBroker:
    """The broker of the data folder `folder`, on 127.0.0.1 and `port`. Not for two threads at once.

    `name` is "mosquitto" or "iotcore".
    """

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._port = port
        self._mosquitto = shutil.which("mosquitto")
        self.name = "iotcore" if self._mosquitto is None else "mosquitto"
        self._lock: Lock | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._server: psutil.Process | None = None

    def start(self) -> tuple[str, int]:
        """Blocks until the broker answers an MQTT 5 CONNECT and returns its host and port.

        Raises StartError; then nothing of ours is left running.
        """
        try:
            with errors.about(self._folder):
                return self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self, timeout_s: float = 3.0) -> None:
        """Stops the broker, mosquitto with its queues written. May be called twice, and when nothing runs."""
        if self._server is not None:
            process.stop(self._server, (signal.SIGTERM, timeout_s), (signal.SIGKILL, 2.0))
            self._server = None
        if self._child is not None:
            self._child.wait(1.0)
            if self._child.stdin is not None:
                self._child.stdin.close()
            self._child = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def alive(self) -> bool:
        """Whether the broker that start() left running still runs."""
        return self._server is not None and process.alive(self._server)

    def _start(self) -> tuple[str, int]:
        home = place.prepare(self._folder, "broker")
        lock = Lock(home.folder)
        lock.acquire()
        self._lock = lock
        _end_leftover(home)
        ports.require_free(self._port, PORT_SETTING)
        log = home.folder / "broker.log"
        log.unlink(missing_ok=True)
        with open(log, "xb") as output:
            self._launch(home, output)
        self._wait_until_answered(log)
        return ports.LOOPBACK, self._port

    def _launch(self, home: Place, log: BinaryIO) -> None:
        if self._mosquitto is not None:
            data = home.server_folder("data")
            home.write("mosquitto.conf", MOSQUITTO.format(port=self._port, limits=mosquitto.limits(data)))
            command = [self._mosquitto, "-c", str(home.folder / "mosquitto.conf")]
            options: dict[str, Any] = {"stdin": subprocess.DEVNULL} | home.as_server()
        else:
            if importlib.util.find_spec("iotcore") is None:
                raise StartError(
                    "There is no MQTT broker on this machine: mosquitto is not on the PATH and the package "
                    "iotcore is not installed. Install one, or set CF_MQTT_HOST to a broker of your own."
                )
            home.write("iotcore.toml", IOTCORE.format(port=self._port, largest=mosquitto.LARGEST_MESSAGE))
            child = Path(__file__).with_name("serve_iotcore.py")
            command = [sys.executable, "-P", str(child), str(home.folder / "iotcore.toml")]
            options = {"stdin": subprocess.PIPE, "start_new_session": True}
        self._child = subprocess.Popen(command, stdout=log, stderr=log, **options)
        self._server = psutil.Process(self._child.pid)
        (home.folder / "pid").write_text(f"{self._child.pid}\n", encoding="ascii")

    def _wait_until_answered(self, log: Path) -> None:
        deadline = time.monotonic() + READY_S
        while self.alive() and time.monotonic() < deadline:
            if _answers(self._port):
                return
            time.sleep(0.02)
        said = log.read_text(encoding="utf-8", errors="replace")
        if "Address already in use" in said:
            raise ports.unusable(self._port, PORT_SETTING)
        reason = said.strip().splitlines()[-1] if said.strip() else "it said nothing"
        raise StartError(f"The MQTT broker ({self.name}) did not start: {reason} (its log is {log}).")


def _end_leftover(home: Place) -> None:
    """A broker of this folder that runs since an earlier life of ours."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        pid = int((home.folder / "pid").read_text(encoding="ascii"))
        leftover = process.find(pid, home.folder)
        if leftover is not None:
            process.stop(leftover, (signal.SIGTERM, 3.0), (signal.SIGKILL, 2.0))


def _answers(port: int) -> bool:
    """Whether an MQTT 5 CONNECT is accepted within a second."""
    accepted: list[bool] = []
    client = Client(CallbackAPIVersion.VERSION2, "cloudfamily-start", protocol=MQTTProtocolVersion.MQTTv5)
    client.on_connect = lambda _client, _data, _flags, reason, _properties: accepted.append(not reason.is_failure)
    try:
        client.connect(ports.LOOPBACK, port, keepalive=10)
    except OSError:
        return False
    deadline = time.monotonic() + 1.0
    while not accepted and time.monotonic() < deadline:
        client.loop(0.05)
    client.disconnect()
    return accepted == [True]
