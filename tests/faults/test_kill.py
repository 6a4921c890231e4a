"""The plug pulled (kill -9 on everything: product, database, broker) after every step of the main job."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import paho.mqtt.client as mqtt
import psutil
import psycopg
import pytest

from cloudfamily.canary import Canary, Session
from cloudfamily.embedded import ports
from cloudfamily.parts import Parts
from cloudfamily_gateway import wire
from cloudfamily_platform.core import db

DEVICE = "CANARY-button"
PRESS = {"t": None, "seq": 77, "kind": "sos"}
DEADLINE_SECONDS = 60.0


class Plug:
    """`cloudfamily run` without the demo, in a folder of its own, that can be pulled at any moment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        free = {f"CF_{name}_PORT": str(ports.any_free()) for name in ("DATABASE", "MQTT", "WEB", "CHAT")}
        self.environment = {**os.environ, **free, "CF_DATA_DIR": str(folder), "CF_DEMO": "false", "CF_CANARY": "false", "CF_POLL_SECONDS": "0.2"}
        self.pulled = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        (self.folder / "running.json").unlink(missing_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([sys.executable, "-m", "cloudfamily", "run"], env=self.environment, stdout=log, stderr=log, start_new_session=True)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        until = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < until:
            with suppress(OSError, ValueError, KeyError), socket.create_connection(("127.0.0.1", int(self.environment["CF_WEB_PORT"])), timeout=1):
                return
            assert self.process is not None
            assert self.process.poll() is None, (self.folder / "log").read_text()[-3000:]
            time.sleep(0.05)
        raise AssertionError("it did not start")

    def parts(self) -> Parts:
        return Parts(**json.loads((self.folder / "running.json").read_text()))

    def pull(self) -> None:
        """Kills the process group and, as a power cut would, the database and the broker as well."""
        assert self.process is not None
        self.pulled += 1
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for other in psutil.process_iter(["cmdline"]):
            if any(str(self.folder) in word for word in other.info["cmdline"] or ()):
                with suppress(psutil.NoSuchProcess):
                    other.kill()

    def stop(self) -> float:
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=15) == 0
        return time.monotonic() - began


class Button:
    """A button that says the same thing again until it is answered, over whatever broker is alive."""

    def __init__(self, plug: Plug, now: str) -> None:
        self.answered = threading.Event()
        self.payload = wire.encode({**PRESS, "t": now})
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="the-button", protocol=mqtt.MQTTv5)
        self.client.on_connect = lambda client, *_: client.subscribe(wire.answer_topic(DEVICE), qos=1)
        self.client.on_message = lambda *_: self.answered.set()
        self.client.reconnect_delay_set(1, 1)
        self.client.connect_async("127.0.0.1", int(plug.environment["CF_MQTT_PORT"]), keepalive=10)
        self.client.loop_start()

    def press(self) -> None:
        self.client.publish(f"cf/v1/{DEVICE}/signal", self.payload, qos=1)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def plug(passable: Path) -> Iterator[Plug]:
    made = Plug(passable)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.pull()


def row(plug: Plug) -> dict[str, Any]:
    """How far it has come; a query that answers while the product is down as well as up."""
    query = """SELECT (SELECT count(*) FROM signal WHERE seq = 77) AS signals,
                      (SELECT count(*) FROM alert) AS alerts, (SELECT max(state) FROM alert) AS state, (SELECT count(*) FROM offer) AS offers,
                      (SELECT count(*) FROM visit) AS visits, (SELECT count(*) FROM transfer WHERE kind = 'credit') AS credits"""
    with psycopg.connect(plug.parts().database_url, connect_timeout=5) as conn:
        cursor = conn.execute(query.encode())
        names = [column.name for column in cursor.description or ()]
        return dict(zip(names, cursor.fetchone() or (), strict=True))


class Story:
    """Drives the job forward from wherever it stands, as impatient people would."""

    def __init__(self, plug: Plug) -> None:
        self.plug = plug

    def act(self, state: str | None) -> None:
        """The next thing that a person does."""
        asyncio.run(self.act_as(state))

    async def act_as(self, state: str | None) -> None:
        canary = Canary(self.plug.parts())
        async with await db.connect(canary.parts.database_url) as conn:
            who = "canary-operator" if state == "there" else "canary-volunteer"
            session: Session = await canary.sign_in(conn, who)
            alert = (await (await conn.execute("SELECT id FROM alert")).fetchone() or {})["id"]
        async with session:
            verb = {"open": "accept", "accepted": "on-the-way", "on_the_way": "there", "there": "resolve"}[str(state)]
            with suppress(ValueError, aiohttp.ClientError):
                await session.post(f"/api/alerts/{alert}/{verb}", {"outcome": "real", "note": ""} if verb == "resolve" else None)


#: After which observation the plug is pulled, once each.
PULLS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "pressed": lambda seen: True,
    "stored": lambda seen: seen["signals"] > 0,
    "opened": lambda seen: seen["alerts"] > 0,
    "offered": lambda seen: seen["offers"] > 0,
    "accepted": lambda seen: seen["state"] == "accepted",
    "on the way": lambda seen: seen["state"] == "on_the_way",
    "there": lambda seen: seen["state"] == "there",
    "resolved": lambda seen: seen["state"] == "resolved",
    "visited": lambda seen: seen["visits"] > 0,
    "credited": lambda seen: seen["credits"] > 0,
}


def test_the_plug_pulled_after_every_step_leaves_one_alert_and_one_credit(plug: Plug) -> None:
    plug.start()
    button = Button(plug, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    story, waiting = Story(plug), list(PULLS)
    until = time.monotonic() + 180
    while waiting or row(plug)["credits"] == 0:
        assert time.monotonic() < until, f"stuck: {row(plug)}, still to pull after {waiting}"
        if not button.answered.is_set():
            button.press()
        seen = row(plug)
        if waiting and PULLS[waiting[0]](seen):
            waiting.pop(0)
            plug.pull()
            plug.start()
        elif seen["state"] in ("open", "accepted", "on_the_way", "there") and seen["offers"]:
            story.act(seen["state"])
        else:
            time.sleep(0.02)
    button.close()
    assert plug.pulled == len(PULLS)
    assert row(plug) == {"signals": 1, "alerts": 1, "state": "resolved", "offers": 1, "visits": 1, "credits": 1}
    assert plug.stop() < 5
    assert not [other for other in psutil.process_iter(["cmdline"]) if any(str(plug.folder) in word for word in other.info["cmdline"] or ())]
