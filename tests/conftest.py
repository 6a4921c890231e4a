"""Real parts for every test: a PostgreSQL (or the TimescaleDB of CF_TEST_DATABASE_URL) and an MQTT broker.

Each test that asks for `database` gets a fresh, migrated one, cloned from a template made once a run.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
import psycopg
import pytest
from psycopg.rows import dict_row

from cloudfamily import composition, press
from cloudfamily.embedded import ports
from cloudfamily.embedded.broker import EmbeddedBroker
from cloudfamily.embedded.postgres import EmbeddedPostgres
from cloudfamily.parts import Parts
from cloudfamily_gateway import wire
from cloudfamily_gateway.ingest import Store
from cloudfamily_platform.core import db, logs, migrate
from cloudfamily_platform.core.settings import Settings
from cloudfamily_platform.core.stage import Stage
from cloudfamily_platform.people import person as people
from cloudfamily_platform.people.person import QUERIES, Person

T = TypeVar("T")

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
EARLIEST = datetime(2026, 11, 10, tzinfo=UTC)


def pytest_configure() -> None:
    hypothesis.settings.register_profile("same", derandomize=True)  # a run repeats exactly
    hypothesis.settings.load_profile("same")
    composition.speak()
    logs.configure("error", "console")


@contextmanager
def passable_folder(place: Path | None = None) -> Iterator[Path]:
    """A temporary folder that other users may pass, unlike pytest's own: as root, the servers run as somebody else."""
    with tempfile.TemporaryDirectory(prefix="cf-test-", dir=place) as name:
        Path(name).chmod(0o755)
        yield Path(name)


def in_memory() -> Path | None:
    """A folder in memory with room for the databases of all tests: they are mostly files made and deleted. None: there is none."""
    folder = Path("/dev/shm")
    fits = folder.is_dir() and os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > 4e9
    return folder if fits else None


@pytest.fixture
def passable() -> Iterator[Path]:
    with passable_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """URL of a database server on which tests may make databases."""
    if url := os.environ.get("CF_TEST_DATABASE_URL"):
        yield url
        return
    with passable_folder(in_memory()) as folder:
        embedded = EmbeddedPostgres(folder, ports.any_free())
        url = embedded.start()
        with psycopg.connect(url, autocommit=True) as conn:
            # A database a test is mostly waiting for the disk, and five connections a test are mostly hashing; tests/faults has its own.
            for setting in ("fsync = off", "autovacuum = off"):
                conn.execute(f"ALTER SYSTEM SET {setting}".encode())
            conn.execute("SELECT pg_reload_conf()")
            conn.execute("SET scram_iterations = 1")
            conn.execute(f"ALTER ROLE {conn.info.user} PASSWORD '{conn.info.password}'".encode())
        yield url
        embedded.stop()


def on(server: str, name: str) -> str:
    return psycopg.conninfo.make_conninfo(server, dbname=name)


@pytest.fixture(scope="session")
def template(server: str) -> Iterator[Callable[[str], AbstractContextManager[str]]]:
    """`with template("name") as url:` is a fresh, migrated, empty database, cloned. It has partitions for the weeks around NOW and around today."""
    template = f"cf_template_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server, autocommit=True) as conn:

        @contextmanager
        def cloned(name: str) -> Iterator[str]:
            # Copied as files: a third less work than block by block through the log, the catalogue's cache is copied too.
            conn.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy".encode())
            yield on(server, name)
            conn.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

        conn.execute(f"CREATE DATABASE {template}".encode())
        migrate.migrate(on(server, template), composition.MIGRATED)
        with psycopg.connect(on(server, template), autocommit=True) as made:
            for now in (NOW, datetime.now(UTC)):
                made.execute(QUERIES["reading_maintain"], {"now": now, "keep_days": 400})
        yield cloned
        conn.execute(f"DROP DATABASE {template} WITH (FORCE)".encode())


@pytest.fixture
def database(template: Callable[[str], AbstractContextManager[str]]) -> Iterator[str]:
    """URL of a fresh, migrated, empty database."""
    with template(f"cf_test_{uuid.uuid4().hex[:12]}") as url:
        yield url


def given_broker() -> tuple[str, int] | None:
    """The broker of CF_TEST_BROKER; in the second of two test processes that of CF_TEST_BROKER_2, since a gateway hears all that is said on its broker."""
    if "CF_TEST_BROKER" not in os.environ:
        return None
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    host, _, port = os.environ["CF_TEST_BROKER" if process == 0 else f"CF_TEST_BROKER_{process + 1}"].partition(":")
    return host, int(port)


@pytest.fixture(scope="session")
def broker() -> Iterator[tuple[str, int]]:
    """Host and port of an MQTT 5 broker."""
    if given := given_broker():
        yield given
        return
    with passable_folder() as folder:
        embedded = EmbeddedBroker(folder, ports.any_free())
        yield embedded.start()
        embedded.stop()


@pytest.fixture(scope="session")
def mosquitto_program() -> str:
    """Path of a real Mosquitto."""
    found = os.environ.get("CF_TEST_MOSQUITTO") or shutil.which("mosquitto")
    if not found:
        pytest.skip("no Mosquitto: CF_TEST_MOSQUITTO does not name one, and there is none on the PATH")
    return found


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


class System:
    """The whole product, started as its user would, with the demo city: `cloudfamily run` in a process of its own."""

    def __init__(self, folder: Path, database_url: str, broker: tuple[str, int]) -> None:
        self.folder = folder
        self.web_port, self.chat_port = ports.any_free(), ports.any_free()
        self.environment = {
            **os.environ,
            "CF_DATA_DIR": str(folder),
            "CF_DATABASE_URL": database_url,
            "CF_MQTT_HOST": broker[0],
            "CF_MQTT_PORT": str(broker[1]),
            "CF_WEB_PORT": str(self.web_port),
            "CF_CHAT_PORT": str(self.chat_port),
            "CF_GATEWAY_NAME": f"system-{uuid.uuid4().hex[:8]}",
            "CF_DEMO": "true",
            "CF_CANARY": "false",
            "CF_MQTT_SHARED": "false",  # its session stays at the broker after it, and would take its share of what later tests say
        }
        self.parts = Parts(database_url, *broker, f"http://127.0.0.1:{self.web_port}")
        self.chat_url = f"http://127.0.0.1:{self.chat_port}"

    def start(self) -> None:
        log = self.folder / "log"
        with log.open("ab") as out:
            self.process = subprocess.Popen([sys.executable, "-m", "cloudfamily", "run"], env=self.environment, stdout=out, stderr=out)
        until = time.monotonic() + 120
        while time.monotonic() < until:
            assert self.process.poll() is None, log.read_text()[-3000:]
            with suppress(OSError), urllib.request.urlopen(f"{self.parts.web_url}/readyz", timeout=2) as answer:
                if json.load(answer)["ready"]:
                    return
            time.sleep(0.05)
        raise AssertionError(f"not ready: {log.read_text()[-3000:]}")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=60)
        finally:
            self.process.kill()

    def press(self, home: str) -> None:
        """A home's button, until the platform says "received"."""
        with press.button(self.parts.broker, f"{home}-button", Settings()) as button:
            button.press()

    def link(self, person_code: str) -> str:
        """A one-time sign-in link. Without a loop: Playwright's has this thread."""
        secret, person = uuid.uuid4().hex, self.rows("SELECT id FROM person WHERE code = %s", person_code)[0]
        ticket = {"hash": people.digest(secret), "person_id": person["id"], "purpose": "sign_in", "expires_at": datetime.now(UTC) + timedelta(hours=1)}
        with psycopg.connect(self.parts.database_url) as conn:
            conn.execute(QUERIES["add_ticket"], ticket)
        return f"{self.parts.web_url}/signin/{secret}"

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        with psycopg.connect(self.parts.database_url, row_factory=dict_row) as conn:
            return conn.execute(query.encode(), values or None).fetchall()

    def wait_for(self, query: str, *values: object, seconds: float = 60.0) -> dict[str, Any]:
        """The first row of a query, as soon as it gives one."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if rows := self.rows(query, *values):
                return rows[0]
            time.sleep(0.05)
        raise AssertionError(f"no row within {seconds} s: {query} {values}")


@pytest.fixture(scope="module")
def system(template: Callable[[str], AbstractContextManager[str]]) -> Iterator[System]:
    """One running product for a file of stories; each story takes homes of its own. Not for longer: its devices speak on the broker."""
    with template(f"cf_system_{uuid.uuid4().hex[:8]}") as url, passable_folder() as folder, ExitStack() as stack:
        broker = given_broker()
        if broker is None:
            own = EmbeddedBroker(folder / "broker", ports.any_free())
            stack.callback(own.stop)
            broker = own.start()
        made = System(folder, url, broker)
        made.start()
        stack.callback(made.stop)
        yield made
