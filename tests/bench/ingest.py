"""make bench-ingest: how many readings a second one gateway takes from a broker into the database, with presses among them, beside
the limits around it, measured in the same run on the same parts:

    insert   the product's own bulk insert with nothing before it, 1,000 rows a transaction
    copy     the same rows by bare binary COPY
    receive  the same messages by a bare paho subscriber (MQTT 5, QoS 1, manual_ack) that only acknowledges

The load is the simulated crowd. It never has more than `CREDIT` messages on the way that the other side has not finished, so both
sides are measured at the rate that they can hold. Presses are timed from publish to the committed alert. Three rounds,
interleaved; medians. Last line: one JSON object.

With root on Debian it runs on a real Mosquitto and TimescaleDB (.ci/timescale), elsewhere on what is there; it says which.
"""

from __future__ import annotations

import asyncio
import json
import mmap
import os
import platform
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import paho.mqtt.client as mqtt
import psutil
import psycopg
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from cloudfamily import composition
from cloudfamily.embedded import ports
from cloudfamily.embedded.broker import EmbeddedBroker
from cloudfamily.embedded.postgres import EmbeddedPostgres
from cloudfamily_gateway.ingest import QUERIES
from cloudfamily_platform.core import logs, migrate
from cloudfamily_platform.people.person import QUERIES as PEOPLE
from cloudfamily_sim.crowd import Crowd
from cloudfamily_sim.pipe import Pipe

ROUNDS = 3
SECONDS = 8.0
WARM_UP_SECONDS = 3.0
HOMES = 20_000
CREDIT = 5_000
LEAST = 100
PIPES = 4
BARE_ROWS = 100_000
BATCH = 1_000
PRESSES_PER_S = 10.0
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Place:
    """Where the parts are, and what they are."""

    database_url: str
    host: str
    port: int
    kind: str


# The parts


@contextmanager
def place() -> Iterator[Place]:
    """A database of its own, on the parts that are given or else on embedded ones."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cf-bench-")))
        folder.chmod(0o755)
        if server := os.environ.get("CF_TEST_DATABASE_URL"):
            database = "TimescaleDB"
        else:
            postgres = EmbeddedPostgres(folder / "postgres", ports.any_free())
            stack.callback(postgres.stop)
            server, database = postgres.start(), "embedded PostgreSQL"
        if address := os.environ.get("CF_TEST_BROKER"):
            host, _, port = address.partition(":")
            broker = "Mosquitto"
        else:
            embedded = EmbeddedBroker(folder / "broker", ports.any_free())
            stack.callback(embedded.stop)
            host, number = embedded.start()
            port, broker = str(number), embedded.name
        conn = stack.enter_context(psycopg.connect(server, autocommit=True))
        conn.execute("CREATE DATABASE cf_bench")
        stack.callback(conn.execute, "DROP DATABASE IF EXISTS cf_bench WITH (FORCE)")
        url = psycopg.conninfo.make_conninfo(server, dbname="cf_bench")
        version = conn.execute("SHOW server_version").fetchone()
        yield Place(url, host, int(port), f"{broker}, {database} ({version[0] if version else '?'})")


def settle(url: str, crowd: Crowd) -> None:
    """The schema, and everybody of the crowd on the books."""
    migrate.migrate(url, composition.MIGRATED)
    now = datetime.now(UTC)
    listed = list(crowd.listed())
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(PEOPLE["reading_maintain"], {"now": now, "keep_days": 400})
        conn.execute("INSERT INTO district (code, name_zh, name_en) VALUES ('bench', '测', 'Bench')")
        conn.execute(
            "INSERT INTO home (code, district_id, address, lat, lon, watched_from) "
            "SELECT code, 1, 'bench', 23.47, 111.3, %s FROM unnest(%s::text[]) AS h(code)",
            [now, sorted({one.home for one in listed})],
        )
        conn.execute(
            "INSERT INTO device (code, home_id, kind, watched_from, first_seen_at) SELECT d.code, h.id, d.kind, %(now)s, %(now)s "
            "FROM unnest(%(codes)s::text[], %(homes)s::text[], %(kinds)s::text[]) AS d(code, home, kind) JOIN home h ON h.code = d.home",
            {"now": now, "codes": [one.code for one in listed], "homes": [one.home for one in listed], "kinds": [one.kind for one in listed]},
        )
        conn.execute("ANALYZE")


# The limits


def insert_limit(url: str, first_device: int) -> float:
    """Rows a second of the product's own statement, 1,000 a transaction."""
    with psycopg.connect(url, autocommit=True, options="-c timezone=UTC") as conn:
        began, done = time.perf_counter(), 0
        for times, devices, quantities, values in columns(first_device):
            with conn.transaction():
                conn.execute(QUERIES["add_readings"], {"times": times, "devices": devices, "quantities": quantities, "readings": values})
            done += len(times)
        return done / (time.perf_counter() - began)


def copy_limit(url: str, first_device: int) -> float:
    """Rows a second of binary COPY, 1,000 a transaction."""
    with psycopg.connect(url, autocommit=True, options="-c timezone=UTC") as conn:
        began, done = time.perf_counter(), 0
        for batch in columns(first_device):
            with conn.transaction(), conn.cursor().copy("COPY reading (time, device_id, quantity, value) FROM STDIN (FORMAT binary)") as copy:
                copy.set_types(["timestamptz", "int4", "int2", "float8"])
                for row in zip(*batch, strict=True):
                    copy.write_row(row)
            done += len(batch[0])
        return done / (time.perf_counter() - began)


def columns(first_device: int) -> Iterator[tuple[list[datetime], list[int], list[int], list[float]]]:
    """The same number of rows over as many devices as the crowd's, none of them there yet."""
    began, devices = datetime.now(UTC), HOMES * 5
    for start in range(0, BARE_ROWS, BATCH):
        numbers = range(start, start + BATCH)
        yield (
            [began + timedelta(microseconds=number) for number in numbers],
            [first_device + number * 61 % devices for number in numbers],
            [10] * BATCH,
            [20 + number % 10 / 2 for number in numbers],
        )


# The other side of the broker


class Subscriber:
    """A bare paho subscriber in a process of its own, as its documentation has it: it acknowledges each message in the callback."""

    def __init__(self, at: Place, folder: Path) -> None:
        path = folder / "count"
        path.write_bytes(bytes(8))
        self.count = mmap.mmap(os.open(path, os.O_RDWR), 8)
        self.process = subprocess.Popen([sys.executable, __file__, "subscriber", at.host, str(at.port), str(path)], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        assert self.process.stdout.readline().strip() == "ready"

    def done(self) -> int:
        return int(struct.unpack("Q", self.count[:8])[0])

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


def subscriber(host: str, port: str, path: str) -> None:
    count, got = mmap.mmap(os.open(path, os.O_RDWR), 8), 0
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "bench-subscriber", protocol=mqtt.MQTTv5, manual_ack=True)

    def on_message(client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        nonlocal got
        client.ack(message.mid, message.qos)
        got += 1
        if not got % 50:
            count[:8] = struct.pack("Q", got)

    client.on_message = on_message
    client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
    client.on_subscribe = lambda *_: print("ready", flush=True)
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.ReceiveMaximum = 1000
    client.connect(host, int(port), clean_start=True, properties=properties)
    while True:
        client.loop(0.05)
        count[:8] = struct.pack("Q", got)


class Product:
    """`cloudfamily run gateway web` and `cloudfamily run alerts`, each a process of its own, as in production."""

    def __init__(self, at: Place, folder: Path) -> None:
        self.at, self.web_port = at, ports.any_free()
        environment = {
            **os.environ,
            "CF_DATABASE_URL": at.database_url,
            "CF_MQTT_HOST": at.host,
            "CF_MQTT_PORT": str(at.port),
            "CF_WEB_PORT": str(self.web_port),
            "CF_GATEWAY_NAME": "bench",
            "CF_CANARY": "false",
            "CF_DATA_DIR": str(folder),
            "CF_MQTT_SHARED": str("iotcore" not in at.kind),
            "CF_LOG_LEVEL": "warning",
        }
        self.processes = [
            subprocess.Popen([sys.executable, "-m", "cloudfamily", "run", *roles], env=environment) for roles in (("gateway", "web"), ("alerts",))
        ]
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.web_port}/readyz", timeout=2) as answer:
                if json.load(answer)["ready"]:
                    break
            time.sleep(0.1)
        else:
            raise SystemExit("the product did not get ready")
        self.gateway = psutil.Process(self.processes[0].pid)

    def done(self) -> int:
        """Frames that are stored and acknowledged."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.web_port}/metrics", timeout=10) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith('cf_gateway_frames_total{lane="bulk"}'):
                    return int(float(line.split()[1]))
        return 0

    def rss_mb(self) -> float:
        return float(self.gateway.memory_info().rss) / 1e6

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(20)
        for lane in ("bulk", "press"):  # or its session would keep what the bare subscriber is measured with
            client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, f"bench-{lane}", protocol=mqtt.MQTTv5)
            gone: list[bool] = []
            client.on_connect = lambda *_, gone=gone: gone.append(True)
            client.connect(self.at.host, self.at.port, clean_start=True)
            until = time.monotonic() + 5
            while not gone and time.monotonic() < until:
                client.loop(0.05)
            client.disconnect()


# Presses


def presses(host: str, port: str, url: str, first: str, seconds: str) -> None:
    """A process that presses one home's button after the other and prints, as JSON, the milliseconds to each committed alert,
    and to each answer at the button."""
    print(json.dumps(asyncio.run(Pressing(url, int(first)).run(host, int(port), float(seconds)))))


@dataclass
class Pressing:
    url: str
    first: int
    began: dict[str, float] = field(default_factory=dict)
    took_ms: list[float] = field(default_factory=list)
    unanswered: dict[str, float] = field(default_factory=dict)
    answered_ms: list[float] = field(default_factory=list)

    def hear(self, topic: str, payload: bytes) -> None:
        if (began := self.unanswered.pop(topic.split("/")[2], None)) is not None:
            self.answered_ms.append((time.perf_counter() - began) * 1000)

    async def run(self, host: str, port: int, seconds: float) -> tuple[list[float], list[float]]:
        pipe = Pipe("bench-presses", on_message=self.hear)
        await pipe.connect(host, port)
        await pipe.subscribe("cf/v1/+/answer")
        listening = asyncio.create_task(self.listen())
        await asyncio.sleep(0.5)
        for number in range(int(seconds * PRESSES_PER_S)):
            device, now = f"sim-{self.first + number:06}-0", datetime.now(UTC)
            self.began[device] = self.unanswered[device] = time.perf_counter()
            pipe.publish(f"cf/v1/{device}/signal", json.dumps({"t": now.isoformat(), "seq": number, "kind": "sos"}).encode())
            await asyncio.sleep(1 / PRESSES_PER_S)
        until = time.monotonic() + 20
        while (self.began or self.unanswered) and time.monotonic() < until:
            await asyncio.sleep(0.05)
        listening.cancel()
        await pipe.close()
        return self.took_ms + [1e9] * len(self.began), self.answered_ms + [1e9] * len(self.unanswered)

    async def listen(self) -> None:
        """A NOTIFY comes after the commit, so whatever it tells of is committed."""
        async with (
            await psycopg.AsyncConnection.connect(self.url, autocommit=True) as listener,
            await psycopg.AsyncConnection.connect(self.url, autocommit=True) as reader,
        ):
            row = await (await reader.execute("SELECT coalesce(max(id), 0) FROM alert_event")).fetchone()
            last = int(row[0]) if row else 0
            await listener.execute("LISTEN alert_event")
            async for _ in listener.notifies():
                at = time.perf_counter()
                query = "SELECT e.id, a.device_code FROM alert_event e JOIN alert a ON a.id = e.alert_id WHERE e.id > %s ORDER BY e.id"
                for event, device in await (await reader.execute(query, [last])).fetchall():
                    last = event
                    if (began := self.began.pop(device, None)) is not None:
                        self.took_ms.append((at - began) * 1000)


Side = TypeVar("Side", Subscriber, Product)


# The load


class Load:
    """The crowd, as fast as the other side takes it: at most CREDIT messages on the way. In a process of its own it has a core
    to share with the broker."""

    def __init__(self, crowd: Crowd, at: Place) -> None:
        self.crowd, self.at, self.sent = crowd, at, 0

    async def run(self, done: Callable[[], int], readings_per_message: int, seconds: float) -> float:
        """Messages a second that the other side finished, over `seconds` after a warm-up; returns when all is done."""
        pipes = [Pipe(f"bench-{number}") for number in range(PIPES)]
        for pipe in pipes:
            await pipe.connect(self.at.host, self.at.port)
        base, self.sent = done(), 0
        asking = asyncio.create_task(self.ask(done, base))
        began = time.perf_counter()
        marks: list[tuple[float, int]] = []
        while (at := time.perf_counter() - began) < WARM_UP_SECONDS + seconds:
            if not marks and at >= WARM_UP_SECONDS:
                marks.append((at, self.finished))
            room = min(CREDIT - (self.sent - self.finished), 500, PIPES * min(pipe.free for pipe in pipes))
            if room < LEAST:  # in handfuls, so that the load does not spend its core on asking
                await asyncio.sleep(0.002)
                continue
            for number, message in enumerate(self.crowd.messages(room, datetime.now(UTC), readings_per_message)):
                pipes[number % PIPES].publish(*message)
            self.sent += room
            await asyncio.sleep(0)
        marks.append((time.perf_counter() - began, self.finished))
        for pipe in pipes:
            await pipe.drain()
        until = time.monotonic() + PATIENCE_SECONDS
        while self.finished < self.sent and time.monotonic() < until:
            await asyncio.sleep(0.05)
        asking.cancel()
        for pipe in pipes:
            await pipe.close()
        (at0, done0), (at1, done1) = marks
        return (done1 - done0) / (at1 - at0)

    finished = 0

    async def ask(self, done: Callable[[], int], base: int) -> None:
        self.finished = 0
        while True:
            self.finished = await asyncio.to_thread(done) - base
            await asyncio.sleep(0.1)


# All of it


def one_value(url: str, query: str) -> int:
    with psycopg.connect(url, autocommit=True) as conn:
        row = conn.execute(query.encode()).fetchone()
        return int(row[0]) if row else 0


def measure() -> dict[str, Any]:
    crowd = Crowd(HOMES, seed=2026)
    with place() as at, tempfile.TemporaryDirectory(prefix="cf-bench-") as name:
        folder = Path(name)
        print(f"parts: {at.kind}; {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; {HOMES * 5:,} devices")
        settle(at.database_url, crowd)
        load = Load(crowd, at)
        found: dict[str, list[float]] = {name: [] for name in ("insert", "copy", "receive", "one", "ten")}
        latencies: list[float] = []
        answers: list[float] = []
        rss: list[float] = []
        sent = pressed = 0
        bare = one_value(at.database_url, "SELECT max(id) FROM device")
        for number in range(ROUNDS):
            found["insert"].append(insert_limit(at.database_url, bare + 1))
            found["copy"].append(copy_limit(at.database_url, bare + 1))
            with ending(Subscriber(at, folder)) as one:
                found["receive"].append(asyncio.run(load.run(one.done, 1, SECONDS)))
            with ending(Product(at, folder)) as running:
                for key, count in (("one", 1), ("ten", 10)):
                    button = subprocess.Popen(
                        [sys.executable, __file__, "presses", at.host, str(at.port), at.database_url, str(pressed), str(WARM_UP_SECONDS + SECONDS)],
                        stdout=subprocess.PIPE, text=True,
                    )  # fmt: skip
                    pressed += int((WARM_UP_SECONDS + SECONDS) * PRESSES_PER_S)
                    found[key].append(count * asyncio.run(load.run(running.done, count, SECONDS)))
                    sent += count * load.sent
                    rss.append(running.rss_mb())
                    alerted, answered = json.loads(button.communicate(timeout=PATIENCE_SECONDS)[0])
                    latencies += alerted
                    answers += answered
            print(f"round {number + 1}: " + ", ".join(f"{key} {values[-1]:,.0f}/s" for key, values in found.items()) + f", rss {rss[-2]:.0f}, {rss[-1]:.0f} MB")
        readings = f"SELECT count(*) FROM reading WHERE device_id <= {bare} AND quantity <> 3"
        stored = one_value(at.database_url, readings)
        signals, presses = one_value(at.database_url, "SELECT count(*) FROM signal"), one_value(at.database_url, "SELECT coalesce(sum(presses), 0) FROM alert")
        return summary(found, latencies, answers, rss) | {
            "lost": max(0, sent - stored) + max(0, pressed - signals),
            "duplicated": max(0, stored - sent) + max(0, signals - pressed) + max(0, presses - pressed),
            "parts": at.kind,
        }


@contextmanager
def ending(running: Side) -> Iterator[Side]:
    try:
        yield running
    finally:
        running.stop()


def summary(found: dict[str, list[float]], latencies: list[float], answers: list[float], rss: list[float]) -> dict[str, Any]:
    middle = {key: statistics.median(values) for key, values in found.items()}
    latencies, answers = sorted(latencies), sorted(answers)
    return {
        "readings_per_s": round(middle["one"]),
        "insert_limit_per_s": round(middle["insert"]),
        "copy_limit_per_s": round(middle["copy"]),
        "receive_limit_per_s": round(middle["receive"]),
        "ratio": round(statistics.median(one / other for one, other in zip(found["one"], found["receive"], strict=True)), 2),
        "readings10_per_s": round(middle["ten"]),
        "ratio10": round(statistics.median(one / other for one, other in zip(found["ten"], found["insert"], strict=True)), 2),
        "press_p50_ms": round(latencies[len(latencies) // 2], 1),
        "press_p99_ms": round(latencies[int(len(latencies) * 0.99)], 1),
        "answer_p50_ms": round(answers[len(answers) // 2], 1),
        "answer_p99_ms": round(answers[int(len(answers) * 0.99)], 1),
        "presses": len(latencies),
        "rss_mb": round(max(rss), 1),
    }


def main() -> None:
    given = {"subscriber": subscriber, "presses": presses}
    if len(sys.argv) > 1 and sys.argv[1] in given:
        given[sys.argv[1]](*sys.argv[2:])
        return
    real = Path(__file__).parents[2] / ".ci" / "timescale"
    if "--embedded" not in sys.argv and "CF_TEST_BROKER" not in os.environ and os.geteuid() == 0 and shutil.which("apt-get"):
        done = subprocess.run(["bash", str(real), sys.executable, __file__], check=False, stdout=subprocess.PIPE, text=True)
        print(done.stdout, end="")
        if "SKIPPED" not in done.stdout:
            raise SystemExit(done.returncode)
    logs.configure("warning", "console")
    print(json.dumps(measure(), ensure_ascii=False))


if __name__ == "__main__":
    main()
