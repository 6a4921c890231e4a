"""Numbered plain-SQL migrations of every component, run once each under an advisory lock and checked by hash."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Literal, cast

import psycopg
import structlog

log = structlog.get_logger()
Level = Literal["plain", "apache", "community"]
FILE = re.compile(r"^(?P<name>\d{4}_\w+?)(@(?P<level>plain|apache|community))?\.sql$")
LOCK = 7_423_001


class MigrationError(Exception):
    """A migration that ran before has since been changed, or is missing for this database level."""


@dataclass(frozen=True)
class Migration:
    #: "platform/0001_people": the same at every level.
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def in_transaction(self) -> bool:
        return not self.sql.startswith("-- no transaction")


def collect(packages: Sequence[str], level: Level) -> list[Migration]:
    """The migrations of `packages`, in that order, as this database level needs them.

    `0002_reading.sql` serves every level; `0002_reading@plain.sql` and its siblings one each.
    """
    found: list[Migration] = []
    for package in packages:
        files = sorted((resources.files(package) / "migrations").iterdir(), key=lambda file: file.name)
        names: dict[str, str | None] = {}
        for file in files:
            if match := FILE.match(file.name):
                mine = match["level"] in (None, level)
                names[match["name"]] = file.read_text(encoding="utf-8") if mine else names.get(match["name"])
            elif file.name.endswith(".sql"):
                raise MigrationError(f"{package}: {file.name} would never run: name it like 0001_what.sql or 0001_what@plain.sql")
        for name, sql in names.items():
            if sql is None:
                raise MigrationError(f"{package}: migration {name} has no variant for a {level} database")
            found.append(Migration(f"{package.removeprefix('cloudfamily_')}/{name}", sql))
    return found


def level_of(conn: psycopg.Connection[tuple[object, ...]]) -> Level:
    """Which of the three databases this is: asked once, by the migrations alone."""
    row = conn.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'").fetchone()
    preloaded = conn.execute("SELECT current_setting('shared_preload_libraries') LIKE '%timescaledb%'").fetchone()
    if row is None or preloaded is None or not preloaded[0]:
        return "plain"
    conn.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    licence = conn.execute("SELECT current_setting('timescaledb.license')").fetchone()
    return "community" if licence == ("timescale",) else "apache"


def migrate(url: str, packages: Sequence[str]) -> list[str]:
    """Brings the database up to date and returns the names of what was run.

    Raises MigrationError when an applied migration has changed. Several processes may call it at once.
    """
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        conn.execute("CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, checksum text NOT NULL, ran_at timestamptz NOT NULL DEFAULT now())")
        done = dict(cast(list[tuple[str, str]], conn.execute("SELECT name, checksum FROM migration").fetchall()))
        return [run(conn, one) for one in collect(packages, level_of(conn)) if not applied(one, done)]


def applied(migration: Migration, done: dict[str, str]) -> bool:
    if migration.name not in done:
        return False
    if done[migration.name] != migration.checksum:
        raise MigrationError(f"{migration.name} was changed after it had run: write a new migration instead")
    return True


def run(conn: psycopg.Connection[tuple[object, ...]], migration: Migration) -> str:
    record = ("INSERT INTO migration (name, checksum) VALUES (%s, %s)", [migration.name, migration.checksum])
    if migration.in_transaction:
        with conn.transaction():
            conn.execute(migration.sql.encode())
            conn.execute(*record)
    else:
        # One statement at a time: several in one call would share a transaction.
        for statement in re.split(r";\s*$", migration.sql, flags=re.MULTILINE):
            if re.sub(r"^\s*--.*$", "", statement, flags=re.MULTILINE).strip():
                conn.execute(statement.encode())
        conn.execute(*record)
    log.info("migrated", migration=migration.name)
    return migration.name
