"""make faults, last part: the gateway, the broker and the database are killed (-9) at random, 50 times, while a thousand homes speak
and press. Every press must become one signal and be counted once by an alert. Last line: one JSON object.

A press is repeated by its button until the platform has answered, so it outlives a broker that forgets. A routine reading that the
broker has acknowledged and not yet handed on is gone with a killed broker (its persistence is a snapshot): these are counted too.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from cloudfamily import composition
from cloudfamily.embedded import ports
from cloudfamily.embedded.broker import EmbeddedBroker
from cloudfamily.embedded.errors import StartError
from cloudfamily.embedded.postgres import EmbeddedPostgres
from cloudfamily_platform.core import logs, migrate
from cloudfamily_platform.people.person import QUERIES
from cloudfamily_sim import calls
from cloudfamily_sim.crowd import Crowd
from cloudfamily_sim.drive import Drive

SEED = 2026
KILLS = 50
HOMES = 1_000
READINGS_PER_S = 300.0
PRESSES_PER_MINUTE = 600.0
PAUSE_SECONDS = (0.3, 3.0)
PATIENCE_SECONDS = 180.0


class Parts:
    """Database, broker and the product's two processes, each of which can be killed and comes back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = EmbeddedPostgres(folder / "postgres", ports.any_free())
        self.broker = EmbeddedBroker(folder / "broker", ports.any_free())
        self.url = self.database.start()
        self.address = self.broker.start()
        self.environment = {
            **os.environ,
            "CF_DATABASE_URL": self.url,
            "CF_MQTT_HOST": self.address[0],
            "CF_MQTT_PORT": str(self.address[1]),
            "CF_MQTT_SHARED": str(self.broker.name == "mosquitto"),
            "CF_GATEWAY_NAME": "faults",
            "CF_DATA_DIR": str(folder / "data"),
            "CF_POLL_SECONDS": "0.5",
            "CF_CANARY": "false",
            "CF_LOG_LEVEL": "error",
        }

    def settle(self, crowd: Crowd) -> None:
        migrate.migrate(self.url, composition.MIGRATED)
        now, listed = datetime.now(UTC), list(crowd.listed())
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute(QUERIES["reading_maintain"], {"now": now, "keep_days": 400})
            conn.execute("INSERT INTO district (code, name_zh, name_en) VALUES ('faults', '故', 'Faults')")
            homes = sorted({one.home for one in listed})
            conn.execute(
                "INSERT INTO home (code, district_id, address, lat, lon, watched_from) "
                "SELECT h.code, 1, 'faults', 23.47, 111.3, %s FROM unnest(%s::text[]) AS h(code)",
                [now, homes],
            )
            conn.execute(
                "INSERT INTO device (code, home_id, kind, watched_from, first_seen_at) SELECT d.code, h.id, d.kind, %(now)s, %(now)s "
                "FROM unnest(%(codes)s::text[], %(homes)s::text[], %(kinds)s::text[]) AS d(code, home, kind) JOIN home h ON h.code = d.home",
                {"now": now, "codes": [one.code for one in listed], "homes": [one.home for one in listed], "kinds": [one.kind for one in listed]},
            )

    def run(self, *roles: str) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen([sys.executable, "-m", "cloudfamily", "run", *roles], env=self.environment, stdout=log, stderr=log)

    def start(self) -> None:
        self.gateway, self.alerts = self.run("gateway"), self.run("alerts")

    def kill(self, what: str) -> None:
        """Kills it with -9 and has it back; the alert worker starts again when it has ended."""
        if what == "gateway":
            self.gateway.kill()
            self.gateway.wait()
        else:
            part: EmbeddedBroker | EmbeddedPostgres = self.broker if what == "broker" else self.database
            assert part._server is not None
            with suppress(ProcessLookupError):
                os.kill(part._server.pid, signal.SIGKILL)
            part.stop()
            self.again(part)
        if self.gateway.poll() is not None:
            self.gateway = self.run("gateway")
        if self.alerts.poll() is not None:
            self.alerts = self.run("alerts")

    def again(self, part: EmbeddedBroker | EmbeddedPostgres) -> None:
        for last in (False, False, True):
            try:
                part.start()
                return
            except StartError:
                if last:
                    raise
                time.sleep(1)

    def stop(self) -> None:
        for process in (self.gateway, self.alerts):
            process.terminate()
        for process in (self.gateway, self.alerts):
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
        self.broker.stop()
        self.database.stop()


class Recorded(calls.Calls):
    """Remembers whose press had which number."""

    pressed: list[tuple[str, int]]

    def press(self, at: datetime, now: datetime) -> None:
        before = set(self.calling)
        super().press(at, now)
        for code in set(self.calling) - before:
            button = self.calling[code][0]
            assert button.call_seq is not None
            self.pressed.append((code, button.call_seq))


async def storm(parts: Parts, crowd: Crowd, rng: random.Random) -> tuple[list[tuple[str, int]], int, dict[str, int]]:
    """What was pressed, how many readings the brokers acknowledged, and how often what was killed."""
    drive, stop = Drive(crowd, rate=READINGS_PER_S, presses_per_minute=PRESSES_PER_MINUTE), asyncio.Event()
    running = asyncio.create_task(drive.run(*parts.address, stop=stop))
    await asyncio.sleep(0)
    drive.calls = recorded = Recorded(crowd, PRESSES_PER_MINUTE, datetime.now(UTC))
    recorded.pressed = []
    await asyncio.sleep(3)
    killed = {"gateway": 0, "broker": 0, "database": 0}
    for number in range(KILLS):
        what = rng.choice(list(killed))
        await asyncio.to_thread(parts.kill, what)
        killed[what] += 1
        print(f"kill {number + 1:2}: {what:<9} {len(recorded.pressed):4} presses, {recorded.received:4} received", flush=True)
        await asyncio.sleep(rng.uniform(*PAUSE_SECONDS))
    recorded.pause = timedelta(days=1)  # nobody presses any more
    until = time.monotonic() + PATIENCE_SECONDS
    while recorded.calling and time.monotonic() < until:
        await asyncio.sleep(0.2)
    stop.set()
    await running
    await asyncio.sleep(3)
    return recorded.pressed, int(drive.counters()["acknowledged"]), killed


def judge(url: str, pressed: list[tuple[str, int]], words: int) -> dict[str, Any]:
    """Waits until every signal is judged, then compares what was pressed with what is there."""
    with psycopg.connect(url, autocommit=True) as conn:
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until and conn.execute("SELECT FROM signal WHERE due_at IS NOT NULL LIMIT 1").fetchone():
            time.sleep(0.2)
        found = [(str(code), int(seq)) for code, seq in conn.execute("SELECT device_code, seq FROM signal WHERE kind = 'sos' AND seq IS NOT NULL")]
        row = conn.execute("SELECT coalesce(sum(presses), 0), count(*) FROM alert WHERE kind = 'sos'").fetchone()
        readings = conn.execute("SELECT count(*) FROM reading WHERE quantity <> 3").fetchone()
    assert row
    assert readings
    missing = set(pressed) - set(found)
    return {
        "presses": len(pressed),
        "alerts": int(row[0]),
        "lost": len(missing) + max(0, len(found) - int(row[0])),
        "duplicated": len(found) - len(set(found)) + len(set(found) - set(pressed)) + max(0, int(row[0]) - len(set(found))),
        "open_alerts": int(row[1]),
        "readings": words,
        "readings_lost": words - int(readings[0]),
    }


def main() -> None:
    logs.configure("error", "console")
    if program := os.environ.get("CF_TEST_MOSQUITTO"):
        os.environ["PATH"] = f"{Path(program).parent}{os.pathsep}{os.environ['PATH']}"
    crowd, rng = Crowd(HOMES, seed=SEED), random.Random(SEED)
    with tempfile.TemporaryDirectory(prefix="cf-faults-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        parts = Parts(folder)
        parts.settle(crowd)
        parts.start()
        stack.callback(parts.stop)
        print(f"parts: {parts.broker.name}, embedded PostgreSQL; mosquitto {'found' if shutil.which('mosquitto') else 'not found'}")
        pressed, words, killed = asyncio.run(storm(parts, crowd, rng))
        found = judge(parts.url, pressed, words)
    print(json.dumps(found | {"kills": sum(killed.values()), "killed": killed, "broker": parts.broker.name}))
    raise SystemExit(0 if not found["lost"] and not found["duplicated"] else 1)


if __name__ == "__main__":
    main()
