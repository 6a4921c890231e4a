"""make bench-latency: press → console's stream at the demo's load, beside the bare floor (publish → receive → one-row commit →
NOTIFY → listener) on the same broker and database in the same run. Last line: one JSON object, milliseconds."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import queue
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import paho.mqtt.client as mqtt
import psycopg

from cloudfamily.canary import Session
from cloudfamily.embedded import ports
from cloudfamily.parts import Parts
from cloudfamily_gateway import wire
from cloudfamily_platform.core import db
from cloudfamily_platform.people import person

ROUNDS = 5
PAUSE_SECONDS = 0.05
WARM_UP_SECONDS = 15.0
PATIENCE_SECONDS = 30.0


def client(parts: Parts, name: str, **more: bool) -> mqtt.Client:
    made = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5, **more)
    made.connect(*parts.broker)
    return made


class Floor:
    """The least that any such path costs: nothing is decoded, decided or escalated."""

    def __init__(self, parts: Parts) -> None:
        self.arrived: queue.Queue[float] = queue.Queue()
        self.url = parts.database_url
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute("CREATE TABLE IF NOT EXISTS bench_floor (at timestamptz, device int, quantity smallint, value float8)")
        self.publisher, self.gateway = client(parts, "floor-publisher"), client(parts, "floor-gateway", manual_ack=True)
        self.store = psycopg.connect(self.url, autocommit=True)
        self.gateway.on_message = self.on_message
        self.gateway.subscribe("bench/floor", qos=1)
        self.publisher.loop_start()
        self.gateway.loop_start()
        threading.Thread(target=self.listen, daemon=True).start()
        time.sleep(1)

    def on_message(self, gateway: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        with self.store.transaction():
            self.store.execute("INSERT INTO bench_floor VALUES (%s, 1, 1, 1)", [datetime.now(UTC)])
            self.store.execute("SELECT pg_notify('bench_floor', '')")
        gateway.ack(message.mid, message.qos)

    def listen(self) -> None:
        with suppress(psycopg.OperationalError), psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute("LISTEN bench_floor")
            for _ in conn.notifies():
                self.arrived.put(time.perf_counter())

    def sample(self, count: int) -> list[float]:
        found = []
        for _ in range(count):
            began = time.perf_counter()
            self.publisher.publish("bench/floor", b'{"t":"2026-11-23T08:00:00Z","values":{"motion":1}}', qos=1)
            found.append((self.arrived.get(timeout=PATIENCE_SECONDS) - began) * 1000)
            time.sleep(PAUSE_SECONDS)
        return found


class Console:
    """One console on the stream, and buttons pressed for it."""

    def __init__(self, parts: Parts, session: Session, homes: list[str]) -> None:
        self.parts, self.session, self.homes = parts, session, homes
        self.publisher = client(parts, "bench-buttons")
        self.publisher.loop_start()
        self.seq = int(time.time() * 1000)

    async def sample(self) -> list[float]:
        """One press of every home, and then all of them resolved."""
        began: dict[str, float] = {}
        found: list[float] = []
        async with self.session.stream() as events:
            reading = asyncio.create_task(self.read(events, began, found))
            for home in self.homes:
                self.seq += 1
                payload = wire.encode({"t": datetime.now(UTC).isoformat(), "seq": self.seq, "kind": "sos"})
                began[home] = time.perf_counter()
                self.publisher.publish(f"cf/v1/{home}-button/signal", payload, qos=1)
                await asyncio.sleep(PAUSE_SECONDS)
            async with asyncio.timeout(PATIENCE_SECONDS):
                await reading
        for alert in (await self.session.get("/api/alerts"))["alerts"]:
            await self.session.post(f"/api/alerts/{alert['id']}/resolve", {"outcome": "test"})
        return found

    async def read(self, events: object, began: dict[str, float], found: list[float]) -> None:
        async for said in events:  # type: ignore[attr-defined]
            if said["event"]["kind"] == "opened" and said["alert"]["kind"] == "sos" and said["alert"]["home"] in began:
                found.append((time.perf_counter() - began[said["alert"]["home"]]) * 1000)
                if len(found) == len(self.homes):
                    return


def quantile(values: list[float], share: float) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]


async def measure(parts: Parts) -> tuple[list[list[float]], list[list[float]]]:
    async with await db.connect(parts.database_url) as conn:
        operator = await db.one(await conn.execute("SELECT id FROM person WHERE code = 'operator-city'"))
        homes = [row["code"] for row in await (await conn.execute("SELECT code FROM home WHERE NOT canary ORDER BY code")).fetchall()]
        session = Session(parts.web_url)
        await session.sign_in(await person.make_ticket(conn, operator["id"], "sign_in", datetime.now(UTC)))
    floor, presses = Floor(parts), []
    floors = []
    async with session:
        console = Console(parts, session, homes)
        for number in range(ROUNDS + 1):
            at_rest = await asyncio.to_thread(floor.sample, len(homes))
            pressed = await console.sample()
            if number:  # the first round warms everything up
                floors.append(at_rest)
                presses.append(pressed)
            said = f"round {number}: floor p50 {statistics.median(at_rest):.1f} ms, press p50 {statistics.median(pressed):.1f}"
            print(f"{said} p99 {quantile(pressed, 0.99):.1f} ms", flush=True)
    return floors, presses


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="cf-bench-") as folder:
        Path(folder).chmod(0o755)  # as root, the database runs as somebody else
        ports = {f"CF_{name}_PORT": str(ports.any_free()) for name in ("DATABASE", "MQTT", "WEB", "CHAT")}
        log = (Path(folder) / "log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "cloudfamily", "run"], env={**os.environ, **ports, "CF_DATA_DIR": folder, "CF_CANARY": "false"}, stdout=log, stderr=log
        )
        try:
            announced, until = Path(folder) / "running.json", time.monotonic() + PATIENCE_SECONDS
            while not announced.exists() and time.monotonic() < until and process.poll() is None:
                time.sleep(0.1)
            parts = Parts(**json.loads(announced.read_text()))
            time.sleep(WARM_UP_SECONDS)  # the chat library loads, the devices begin their day
            floors, presses = asyncio.run(measure(parts))
        finally:
            process.terminate()
            process.wait(timeout=15)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}; {ROUNDS} rounds of {len(floors[0])} each, medians of the rounds")
    result = {}
    for name, rounds in (("floor", floors), ("press", presses)):
        for share in (0.5, 0.99):
            result[f"{name}_p{share * 100:.0f}_ms"] = round(statistics.median(quantile(one, share) for one in rounds), 2)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
