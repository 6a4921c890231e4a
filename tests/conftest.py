"""Real parts for every test: a PostgreSQL (or the TimescaleDB of CF_TEST_DATABASE_URL) and an MQTT broker.

Each test that asks for `database` gets a fresh, migrated one, cloned from a template made once a run.
"""

from __future__ import annotations

import asyncio
import os
import socket
import uuid
from collections.abc import Coroutine, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from psycopg.rows import dict_row

from cloudfamily import composition
from cloudfamily.embedded.broker import EmbeddedBroker
from cloudfamily.embedded.postgres import EmbeddedPostgres
from cloudfamily_gateway import wire
from cloudfamily_gateway.ingest import Store
from cloudfamily_platform.core import db, logs, migrate
from cloudfamily_platform.core.stage import Stage
from cloudfamily_platform.people import person as people
from cloudfamily_platform.people.person import QUERIES, Person

T = TypeVar("T")

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
EARLIEST = datetime(2026, 11, 10, tzinfo=UTC)


def pytest_configure() -> None:
    composition.speak()
    logs.configure("error", "console")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a database server on which tests may make databases."""
    if url := os.environ.get("CF_TEST_DATABASE_URL"):
        yield url
        return
    embedded = EmbeddedPostgres(tmp_path_factory.mktemp("server"), free_port())
    yield embedded.start()
    embedded.stop()


def on(server: str, name: str) -> str:
    return psycopg.conninfo.make_conninfo(server, dbname=name)


@pytest.fixture(scope="session")
def template(server: str) -> Iterator[str]:
    """Name of the migrated database that tests clone. It has partitions for the weeks around NOW and around today."""
    name = f"cf_template_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}".encode())
        migrate.migrate(on(server, name), composition.MIGRATED)
        with psycopg.connect(on(server, name), autocommit=True) as made:
            for now in (NOW, datetime.now(UTC)):
                made.execute(QUERIES["reading_maintain"], {"now": now, "keep_days": 400})
        yield name
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def database(server: str, template: str) -> Iterator[str]:
    """URL of a fresh, migrated, empty database."""
    name = f"cf_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        yield on(server, name)
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """Host and port of an MQTT 5 broker."""
    if address := os.environ.get("CF_TEST_BROKER"):
        host, _, port = address.partition(":")
        yield host, int(port)
        return
    embedded = EmbeddedBroker(tmp_path_factory.mktemp("broker"), free_port())
    yield embedded.start()
    embedded.stop()


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of recorded homes beside the project."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no recordings beside the project ({folder.name}/ is not there)")
    return folder


class World:
    """A small town in a real database, on a clock that only moves when a test says so.

    `run(coroutine)` runs on the world's own loop; `drain(stage)` does all that is due at `now`.
    """

    def __init__(self, url: str) -> None:
        self.url, self.now = url, NOW
        self.runner = asyncio.Runner()
        self.conn = self.run(db.connect(url))
        self.sync = psycopg.connect(url, autocommit=True, options="-c timezone=UTC")
        self.store = Store(self.sync)
        self.seq = 0
        self.district_id = self.insert("district", code="wanxiu", name_zh="万秀", name_en="Wanxiu")

    def close(self) -> None:
        self.run(self.conn.close())
        self.sync.close()
        self.runner.close()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    def wait(self, **span: float) -> None:
        """Moves the clock on: `wait(seconds=30)`."""
        self.now += timedelta(**span)

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        with self.sync.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query.encode(), values or None).fetchall()

    def value(self, query: str, *values: object) -> Any:
        return next(iter(self.rows(query, *values)[0].values()))

    def insert(self, table: str, **values: Any) -> int:
        names, marks = ", ".join(values), ", ".join(f"%({name})s" for name in values)
        row = self.sync.execute(f"INSERT INTO {table} ({names}) VALUES ({marks}) RETURNING *".encode(), values).fetchone()
        return int(row[0]) if row and isinstance(row[0], int) else 0

    def drain(self, *stages: Stage) -> int:
        """Does every unit that is due now; returns how many there were."""

        async def all_of_them() -> int:
            done = 0
            for stage in stages:
                while await stage.step(self.conn, self.now):
                    done += 1
                    assert done < 10_000, f"{stage.name} never ends"
            return done

        return self.run(all_of_them())

    # People and things

    def person(self, code: str, *roles: str, chat: int | None = None, language: str = "zh-CN", canary: bool = False, city: bool = False) -> Person:
        person_id = self.insert("person", code=code, name=f"测试·{code}", language=language, phone="000", canary=canary)
        for role in roles:
            self.insert("role", person_id=person_id, role=role, district_id=None if city else self.district_id)
        if chat is not None:
            self.insert("reach", person_id=person_id, channel="telegram", address=str(chat))
        return self.run(people.load(self.conn, person_id))

    def home(self, code: str = "WX-001", *, silence_minutes: int = 480, canary: bool = False) -> int:
        """A home with an elder and a button `<code>-button`, a motion sensor `<code>-motion` and a door `<code>-door`."""
        home_id = self.insert(
            "home", code=code, district_id=self.district_id, address=f"示例路1号 {code}", lat=23.47, lon=111.32, key_code="1234#",
            silence_minutes=silence_minutes, watched_from=self.now, due_at=self.now + timedelta(minutes=silence_minutes), canary=canary,
        )  # fmt: skip
        elder = self.person(f"elder-{code}", canary=canary)
        self.insert("resident", home_id=home_id, person_id=elder.id, conditions=["高血压"])
        for kind in ("button", "motion", "door"):
            self.insert(
                "device", code=f"{code}-{kind}", home_id=home_id, kind=kind, report_minutes=60, watched_from=self.now, due_at=self.now + timedelta(hours=2)
            )
        return home_id

    def family(self, home_id: int, code: str, rank: int = 1, **more: Any) -> Person:
        found = self.person(code, "family", **more)
        self.insert("contact", home_id=home_id, person_id=found.id, relation="女儿", rank=rank)
        return found

    def responder(self, code: str, role: str = "volunteer", *, km: float = 1.0, skills: Sequence[str] = ("first_aid", "visit"), **more: Any) -> Person:
        """Somebody who can be sent, `km` north of the homes."""
        found = self.person(code, role, **more)
        self.insert("responder", person_id=found.id, lat=23.47 + km / 111.195, lon=111.32, skills=list(skills))
        return found

    # What devices say, through the gateway's own code

    def say(self, topic: str, payload: bytes | dict[str, Any]) -> list[wire.Signal]:
        body = payload if isinstance(payload, bytes) else wire.encode(payload)
        return self.store.store([wire.Frame(topic, body, self.now)])

    def press(self, device: str = "WX-001-button", kind: str = "sos") -> dict[str, Any]:
        """A press with a number of its own; returns what was said, so that a test can say it again."""
        self.seq += 1
        said = {"t": self.now.isoformat(), "seq": self.seq, "kind": kind}
        self.say(f"cf/v1/{device}/signal", said)
        return said

    def move(self, device: str = "WX-001-motion") -> None:
        self.say(f"cf/v1/{device}/reading", {"t": self.now.isoformat(), "values": {"motion": 1}})


@pytest.fixture
def world(database: str) -> Iterator[World]:
    made = World(database)
    yield made
    made.close()
