"""Real parts for every test: a PostgreSQL (or the TimescaleDB of CF_TEST_DATABASE_URL) and an MQTT broker.

Each test that asks for `database` gets a fresh, migrated one, cloned from a template made once a run.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from cloudfamily import composition
from cloudfamily.embedded.broker import EmbeddedBroker
from cloudfamily.embedded.postgres import EmbeddedPostgres
from cloudfamily_platform.core import logs, migrate
from cloudfamily_platform.people.person import QUERIES

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
