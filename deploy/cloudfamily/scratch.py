"""A migrated database of one's own on the running server, gone at the end."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from cloudfamily import composition
from cloudfamily_platform.core import migrate


@contextmanager
def database(server_url: str, purpose: str) -> Iterator[str]:
    """Its URL. `purpose` becomes part of its name."""
    name = f"{purpose}_{uuid.uuid4().hex[:12]}"
    url = psycopg.conninfo.make_conninfo(server_url, dbname=name)
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}".encode())
        try:
            migrate.migrate(url, composition.MIGRATED)
            yield url
        finally:
            conn.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
