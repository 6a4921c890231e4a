"""make bench-circle: 100,000 homes and 2,000 responders in a city of 30 × 30 km, a fifth of them on shifts: which homes nobody, or one
person only, could reach within 15 minutes, and how long it takes to choose whom to ask. Five rounds, medians; one JSON object."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg

sys.path.insert(0, str(Path(__file__).parents[1]))
from conftest import EmbeddedPostgres, composition, in_memory, passable_folder, ports

from cloudfamily_platform.alerts import circle, offers
from cloudfamily_platform.core import db, logs, migrate

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
ROUNDS = 5
#: The responders gather in one corner, so that some homes are far from all of them.
CITY = (
    "SELECT setseed(0.5)",
    "INSERT INTO district (code, name_zh, name_en) VALUES ('d', 'd', 'd')",
    "INSERT INTO home (code, district_id, address, lat, lon, watched_from)"
    " SELECT 'H' || n, 1, 'x', 23.4 + random() * 0.27, 111.2 + random() * 0.29, '2026-11-01' FROM generate_series(1, 100000) n",
    "INSERT INTO person (code, name) SELECT 'r' || n, 'x' FROM generate_series(1, 2000) n",
    "INSERT INTO role (person_id, role, district_id) SELECT id, CASE WHEN id % 5 = 0 THEN 'caregiver' ELSE 'volunteer' END, 1 FROM person",
    "INSERT INTO responder (person_id, lat, lon, skills, mode) SELECT id, 23.4 + power(random(), 3) * 0.27, 111.2 + power(random(), 3) * 0.29,"
    " '{first_aid,visit}', (ARRAY['walk', 'ebike', 'ebike', 'car'])[1 + id % 4] FROM person",
    "INSERT INTO shift (person_id, role, district_id, starts_at, ends_at) SELECT id, 'caregiver', 1,"
    " '2026-11-24 00:00Z'::timestamptz + id % 3 * interval '8 hours',"
    " '2026-11-24 00:00Z'::timestamptz + (id % 3 + 1) * interval '8 hours' FROM person WHERE id % 5 = 0",
    "ANALYZE",
)


async def median_ms(work: Callable[[], Awaitable[object]]) -> float:
    spans = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await work()
        spans.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(spans), 1)


async def measure(url: str) -> dict[str, object]:
    async with await db.connect(url) as conn:
        home = {"id": 50_000, "code": "H50000", "canary": False}
        alert = {"id": None, "home_id": 50_000, "severity": "critical", "kind": "sos", "canary": False}
        found = await circle.uncovered(conn, NOW, 100_000)
        return {
            "uncovered_ms": await median_ms(lambda: circle.uncovered(conn, NOW, 1000)),
            "nobody": sum(one.only is None for one in found),
            "one_only": sum(one.only is not None for one in found),
            "choose_ms": await median_ms(lambda: offers.choose(conn, alert, 3, NOW)),
            "around_ms": await median_ms(lambda: circle.around(conn, home, NOW)),
            "load": os.getloadavg()[0],
        }


def main() -> None:
    logs.configure("error", "console")
    with passable_folder(in_memory()) as folder:
        embedded = EmbeddedPostgres(folder, ports.any_free())
        url = embedded.start()
        try:
            migrate.migrate(url, composition.MIGRATED)
            with psycopg.connect(url, autocommit=True) as conn:
                for statement in CITY:
                    conn.execute(statement.encode())
            print(json.dumps(asyncio.run(measure(url))))
        finally:
            embedded.stop()


if __name__ == "__main__":
    main()
