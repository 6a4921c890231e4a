"""make bench-alerts: 100,000 homes armed and 10,000 open alerts that nobody takes, on one gateway and one alert worker. How late is the
oldest due row of any stage, and how long from a press to its notification in the channel's hands? Beside it, in the same run, the same
presses while nothing else is open. Last line: one JSON object, milliseconds.

Of the open alerts 5 % are sos, 25 % no_movement and 70 % device_silent, under the policies that the product comes with, in their repeat
phase and at random moments of it: 500 calls for help that nobody takes is more than a city ever had, and so are two presses a second. The channel is a
webhook that answers at once: a bot may send 25 messages a second, and would be what is measured.
"""

from __future__ import annotations

import base64
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import psycopg
from aiohttp import web

from cloudfamily import composition
from cloudfamily.embedded import ports
from cloudfamily.embedded.broker import EmbeddedBroker
from cloudfamily.embedded.postgres import EmbeddedPostgres
from cloudfamily_gateway import wire
from cloudfamily_platform.core import logs, migrate
from cloudfamily_platform.people.person import QUERIES

HOMES = int(os.environ.get("CF_BENCH_HOMES", "100000"))
OPEN_ALERTS = int(os.environ.get("CF_BENCH_ALERTS", "10000"))
DISTRICTS = 50
OPERATORS = 4
RESPONDERS = 2_000
PRESSES_PER_S = 2.0
IDLE_SECONDS, LOADED_SECONDS, WARM_UP_SECONDS = 30.0, 120.0, 20.0
SAMPLE_SECONDS = 0.25
PATIENCE_SECONDS = 60.0
#: Homes whose buttons are pressed: apart from those with open alerts.
PRESSED_FROM = HOMES - 2_000


class Sink:
    """The channel: takes what it gets and notes when it came, for whom. A process of its own, so that it costs the product nothing but CPU."""

    def __init__(self, port: int, journal: Path) -> None:
        self.port, self.journal = port, journal.open("a", buffering=1)

    async def call(self, request: web.Request) -> web.Response:
        self.journal.write(f"{time.time():.6f} {request.match_info['chat']}\n")
        return web.Response()

    def run(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{chat}", self.call)
        web.run_app(app, host="127.0.0.1", port=self.port, print=None, access_log=None)


SETTLE = """
INSERT INTO district (code, name_zh, name_en) SELECT 'd' || n, '区' || n, 'District ' || n FROM generate_series(1, %(districts)s) n;
INSERT INTO home (code, district_id, address, lat, lon, watched_from, due_at)
SELECT 'H-' || n, 1 + n %% %(districts)s, '示例路' || n || '号', 23.4 + (n %% %(districts)s) * 0.01 + random() * 0.01, 111.2 + random() * 0.02,
       %(now)s, %(now)s + random() * interval '8 hours' FROM generate_series(1, %(homes)s) n;
INSERT INTO device (code, home_id, kind, watched_from) SELECT 'H-' || n || '-button', n, 'button', %(now)s FROM generate_series(1, %(homes)s) n;
INSERT INTO device (code, home_id, kind, watched_from) SELECT 'H-' || n || '-motion', n, 'motion', %(now)s FROM generate_series(1, %(homes)s) n;
INSERT INTO person (code, name) SELECT 'elder-' || n, '老人' || n FROM generate_series(1, %(homes)s) n;
INSERT INTO person (code, name) SELECT 'family-' || n, '家人' || n FROM generate_series(1, %(homes)s) n;
INSERT INTO resident (home_id, person_id) SELECT n, n FROM generate_series(1, %(homes)s) n;
INSERT INTO contact (home_id, person_id, relation, rank) SELECT n, %(homes)s + n, '女儿', 1 FROM generate_series(1, %(homes)s) n;
INSERT INTO reach (person_id, channel, address) SELECT %(homes)s + n, 'webhook', %(hook)s || (1000000 + n) FROM generate_series(1, %(homes)s) n;
INSERT INTO person (code, name) SELECT 'operator-' || n, '值班' || n FROM generate_series(1, %(operators)s * %(districts)s) n;
INSERT INTO role (person_id, role, district_id) SELECT p.id, 'operator', 1 + p.id %% %(districts)s FROM person p WHERE code LIKE 'operator-%%';
INSERT INTO person (code, name) SELECT 'helper-' || n, '护理员' || n FROM generate_series(1, %(responders)s) n;
INSERT INTO role (person_id, role, district_id) SELECT p.id, 'caregiver', 1 + p.id %% %(districts)s FROM person p WHERE code LIKE 'helper-%%';
INSERT INTO responder (person_id, lat, lon, reach_m, skills)
SELECT p.id, 23.4 + (p.id %% %(districts)s) * 0.01 + random() * 0.01, 111.2 + random() * 0.02, 5000, ARRAY['first_aid', 'visit', 'device']
FROM person p WHERE code LIKE 'helper-%%';
INSERT INTO reach (person_id, channel, address)
SELECT id, 'webhook', %(hook)s || (2000000 + id) FROM person WHERE code LIKE 'operator-%%' OR code LIKE 'helper-%%';
ANALYZE;
"""
#: Each in the repeat phase of its policy, at a random moment of it.
OPEN = """
INSERT INTO alert (home_id, district_id, device_code, kind, severity, why, policy_id, step, opened_at, due_at)
SELECT h.id, h.district_id, h.code || '-button', k.kind, k.severity, jsonb_build_object('key', 'alert.why.' || k.kind, 'params', k.params::jsonb), p.id,
       jsonb_array_length(p.plan -> 'steps'), %(now)s - interval '20 minutes' * random(),
       %(now)s + random() * (p.plan ->> 'repeat_s')::float8 * interval '1 second'
FROM home h
JOIN (VALUES (0, 'sos', 'critical', '{"device": "H-button"}'),
             (1, 'no_movement', 'high', '{"minutes": 500, "limit_minutes": 480, "since": "2026-11-24T00:00:00+00:00"}'),
             (2, 'device_silent', 'low', '{"device": "H-motion", "minutes": 130}')) AS k(n, kind, severity, params)
  ON k.n = CASE WHEN h.id %% 20 = 0 THEN 0 WHEN h.id %% 20 <= 5 THEN 1 ELSE 2 END
JOIN policy p ON p.severity = k.severity AND p.active
WHERE h.id <= %(alerts)s;
INSERT INTO alert_event (alert_id, at, kind, params) SELECT id, opened_at, 'opened', '{}' FROM alert WHERE id > %(before)s;
"""


class Plant:
    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.folder, self.journal = folder, folder / "journal"
        self.rng = random.Random(2026)
        if url := os.environ.get("CF_TEST_DATABASE_URL"):
            name = f"cf_bench_{int(time.time())}"
            with psycopg.connect(url, autocommit=True) as conn:
                conn.execute(f"CREATE DATABASE {name}".encode())
            self.url = psycopg.conninfo.make_conninfo(url, dbname=name)
        else:
            database = EmbeddedPostgres(folder / "postgres", ports.any_free())
            self.url = database.start()
            stack.callback(database.stop)
        if address := os.environ.get("CF_TEST_BROKER"):
            host, _, port = address.partition(":")
            self.broker = host, int(port)
        else:
            broker = EmbeddedBroker(folder / "broker", ports.any_free())
            self.broker = broker.start()
            stack.callback(broker.stop)
        migrate.migrate(self.url, composition.MIGRATED)
        port = ports.any_free()
        self.hook = f"http://127.0.0.1:{port}/"
        self.start(stack, "sink", [sys.executable, __file__, "--sink", str(port), str(self.journal)])
        self.environment = {
            **os.environ,
            "CF_DATABASE_URL": self.url,
            "CF_MQTT_HOST": self.broker[0],
            "CF_MQTT_PORT": str(self.broker[1]),
            "CF_MQTT_SHARED": "false",
            "CF_GATEWAY_NAME": "bench-alerts",
            "CF_DATA_DIR": str(folder / "data"),
            "CF_WEBHOOK_SECRET": "whsec_" + base64.b64encode(b"bench" * 8).decode(),
            "CF_LOG_LEVEL": "error",
            "CF_CANARY": "false",
        }
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="bench-alerts-buttons", protocol=mqtt.MQTTv5)
        self.client.connect(*self.broker)
        self.client.loop_start()
        stack.callback(self.client.loop_stop)
        self.pressed: dict[str, float] = {}
        self.seq = int(time.time())

    def start(self, stack: ExitStack, name: str, command: list[str], **more: Any) -> None:
        log = stack.enter_context((self.folder / f"{name}.log").open("ab"))
        process = subprocess.Popen(command, stdout=log, stderr=log, **more)

        def stop() -> None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
            process.kill()

        stack.callback(stop)

    def settle(self) -> None:
        values = {"districts": DISTRICTS, "homes": HOMES, "operators": OPERATORS, "responders": RESPONDERS, "hook": self.hook, "now": datetime.now(UTC)}
        with psycopg.ClientCursor(psycopg.connect(self.url, autocommit=True)) as cursor:
            cursor.execute(QUERIES["reading_maintain"], {"now": datetime.now(UTC), "keep_days": 400})
            cursor.execute(SETTLE, values)

    def open_alerts(self) -> None:
        with psycopg.ClientCursor(psycopg.connect(self.url, autocommit=True)) as cursor:
            cursor.execute("SELECT coalesce(max(id), 0) FROM alert")
            before = cursor.fetchone()
            cursor.execute(OPEN, {"now": datetime.now(UTC), "alerts": OPEN_ALERTS, "before": before[0] if before else 0})

    def press(self, seconds: float) -> list[str]:
        """Presses buttons of homes that are quiet until then; returns their families' chats."""
        chats = []
        for _ in range(round(seconds * PRESSES_PER_S)):
            home = PRESSED_FROM + len(self.pressed) % (HOMES - PRESSED_FROM)
            self.seq += 1
            said = {"t": datetime.now(UTC).isoformat(), "seq": self.seq, "kind": "sos"}
            chat = str(1_000_000 + home)
            self.pressed[chat] = time.time()
            chats.append(chat)
            self.client.publish(f"cf/v1/H-{home}-button/signal", wire.encode(said), qos=1)
            time.sleep(1 / PRESSES_PER_S * self.rng.uniform(0.5, 1.5))
        time.sleep(3)
        return chats

    def delays_ms(self, chats: list[str]) -> list[float]:
        """From the press to its first message in the channel's hands; one that is not there after PATIENCE_SECONDS counts as that late."""
        until = time.monotonic() + PATIENCE_SECONDS
        first: dict[str, float] = {}
        while time.monotonic() < until and not first.keys() >= set(chats):
            time.sleep(0.5)
            for line in self.journal.read_text().splitlines():
                at, chat = line.split()
                first.setdefault(chat, float(at))
        return sorted((first[chat] - self.pressed[chat] if chat in first else PATIENCE_SECONDS) * 1000 for chat in chats)

    def handed(self) -> int:
        return len(self.journal.read_text().splitlines())


class Lag(threading.Thread):
    """The age of the oldest due row of any stage, sampled."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.conn = psycopg.connect(url, autocommit=True)
        self.samples: list[float] = []
        self.worst: dict[str, float] = {}
        self.over = threading.Event()

    def run(self) -> None:
        stages = {"signal": "signal", "silence": "home", "escalate": "alert", "offer": "offer", "deliver": "notification", "visit": "response"}
        while not self.over.wait(SAMPLE_SECONDS):
            worst = 0.0
            for name, table in stages.items():
                row = self.conn.execute(f"SELECT min(due_at) FROM {table} WHERE due_at IS NOT NULL".encode()).fetchone()
                late = max(0.0, (datetime.now(UTC) - row[0]).total_seconds()) if row and row[0] else 0.0
                self.worst[name] = max(self.worst.get(name, 0.0), late)
                worst = max(worst, late)
            self.samples.append(worst * 1000)


def at(share: float, ordered: list[float]) -> float:
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)


def main() -> None:
    logs.configure("error", "console")
    with tempfile.TemporaryDirectory(prefix="cf-bench-") as name, ExitStack() as stack:
        Path(name).chmod(0o755)
        plant = Plant(stack, Path(name))
        began = time.monotonic()
        plant.settle()
        print(f"{HOMES:,} homes after {time.monotonic() - began:.0f} s", flush=True)
        for roles in (["gateway"], ["alerts"]):
            plant.start(stack, roles[0], [sys.executable, "-m", "cloudfamily", "run", *roles], env=plant.environment)
        time.sleep(WARM_UP_SECONDS)
        idle = plant.delays_ms(plant.press(IDLE_SECONDS))
        print(f"nothing open: press → channel p50 {at(0.5, idle)} ms, p99 {at(0.99, idle)} ms", flush=True)
        plant.open_alerts()
        time.sleep(WARM_UP_SECONDS)
        lag, before = Lag(plant.url), plant.handed()
        lag.start()
        loaded_since = time.monotonic()
        loaded = plant.delays_ms(plant.press(LOADED_SECONDS))
        lag.over.set()
        messages_per_s = (plant.handed() - before) / (time.monotonic() - loaded_since)
        lags = sorted(lag.samples)
        with psycopg.connect(plant.url) as conn:
            row = conn.execute("SELECT count(*) FROM alert WHERE state <> 'resolved'").fetchone()
        print("worst lag by stage, s:", {stage: round(late, 2) for stage, late in lag.worst.items()})
    found = {
        "homes": HOMES,
        "open_alerts": int(row[0]) if row else 0,
        "lag_p99_ms": at(0.99, lags),
        "lag_max_ms": round(lags[-1], 1),
        "press_to_channel_p50_ms": at(0.5, loaded),
        "press_to_channel_p99_ms": at(0.99, loaded),
        "idle_p50_ms": at(0.5, idle),
        "idle_p99_ms": at(0.99, idle),
        "messages_per_s": round(messages_per_s, 1),
        "lag_limit_ms": 2000,
        "press_limit_ms": 500,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--sink"]:
        Sink(int(sys.argv[2]), Path(sys.argv[3])).run()
    else:
        main()
