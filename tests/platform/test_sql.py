"""Named queries: how they are loaded, and that every one of them fits the schema."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import psycopg
import pytest

from cloudfamily import composition
from cloudfamily_platform.core import sql

#: Parameters whose type the server cannot guess from where they stand; psycopg sends it with each value.
TYPES = {
    "now": "timestamptz", "since": "timestamptz", "before": "timestamptz", "due_at": "timestamptz", "at": "timestamptz",
    "grace_minutes": "int4", "keep_days": "int4", "q": "text", "skill": "text", "lat": "float8", "lon": "float8",
    "home_id": "int4", "outcome": "text", "canary": "bool",
}  # fmt: skip


def prepared(name: str, query: str) -> str:
    """The query as a PREPARE with $1, $2 … in place of psycopg's placeholders."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)[sbt]", query)))
    for number, one in enumerate(names, 1):
        query = re.sub(rf"%\({one}\)[sbt]", f"${number}", query)
    types = ", ".join(TYPES.get(one, "unknown") for one in names)
    return f"PREPARE {name}{f'({types})' if types else ''} AS {query.replace('%%', '%') if names else query}"


def test_every_query_fits_the_schema(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        for package in composition.QUERIED:
            queries = sql.load(package)
            assert queries
            for name, query in queries.items():
                try:
                    conn.execute(prepared(f"{package.rpartition('_')[2].replace('.', '_')}_{name}", query).encode())
                except psycopg.Error as error:
                    pytest.fail(f"{package}: {name}: {error}")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a package `cf_queries_here`."""
    folder = tmp_path / "cf_queries_here"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.delitem(sys.modules, "cf_queries_here", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_queries_by_name(package: Path) -> None:
    (package / "queries.sql").write_text("-- Read me.\n-- name: one\nSELECT 1;\n\n-- name: two\n-- why\nSELECT 2\nFROM x;\n", encoding="utf-8")
    assert sql.load("cf_queries_here") == {"one": "SELECT 1", "two": "-- why\nSELECT 2\nFROM x"}


def test_a_name_twice_is_an_error(package: Path) -> None:
    (package / "queries.sql").write_text("-- name: one\nSELECT 1;\n-- name: one\nSELECT 2;\n", encoding="utf-8")
    with pytest.raises(ValueError, match="stands twice"):
        sql.load("cf_queries_here")
