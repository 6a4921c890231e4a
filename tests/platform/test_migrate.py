"""Migrations run once each, in order, under a lock; one that ran may not change."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from cloudfamily import composition
from cloudfamily_platform.core import migrate

PACKAGE = "cf_migrated_here"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The migrations of a component of its own."""
    made = tmp_path / PACKAGE / "migrations"
    made.mkdir(parents=True)
    (tmp_path / PACKAGE / "__init__.py").touch()
    (made / "0001_cup.sql").write_text("CREATE TABLE cup (id integer);\n", encoding="utf-8")
    monkeypatch.delitem(sys.modules, PACKAGE, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    return made


def test_up_to_date_means_nothing_to_do(database: str) -> None:
    assert migrate.migrate(database, composition.MIGRATED) == []


def test_a_new_component_and_then_a_new_migration(database: str, folder: Path) -> None:
    assert migrate.migrate(database, [PACKAGE]) == [f"{PACKAGE}/0001_cup"]
    assert migrate.migrate(database, [PACKAGE]) == []
    (folder / "0002_saucer.sql").write_text("CREATE TABLE saucer (id integer);\n", encoding="utf-8")
    assert migrate.migrate(database, [*composition.MIGRATED, PACKAGE]) == [f"{PACKAGE}/0002_saucer"]


def test_one_that_ran_may_not_change(database: str, folder: Path) -> None:
    migrate.migrate(database, [PACKAGE])
    (folder / "0001_cup.sql").write_text("CREATE TABLE cup (id bigint);\n", encoding="utf-8")
    with pytest.raises(migrate.MigrationError, match="0001_cup was changed"):
        migrate.migrate(database, [PACKAGE])


def test_one_that_fails_leaves_nothing_behind(database: str, folder: Path) -> None:
    (folder / "0002_broken.sql").write_text("CREATE TABLE saucer (id integer); SELECT 1/0;\n", encoding="utf-8")
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate.migrate(database, [PACKAGE])
    (folder / "0002_broken.sql").write_text("CREATE TABLE saucer (id integer);\n", encoding="utf-8")
    assert migrate.migrate(database, [PACKAGE]) == [f"{PACKAGE}/0002_broken"]


def test_outside_a_transaction_statement_by_statement(database: str, folder: Path) -> None:
    text = "-- no transaction\nCREATE INDEX CONCURRENTLY cup_id ON cup (id);\n-- the end; really\nCREATE INDEX CONCURRENTLY cup_id2 ON cup (id);\n"
    (folder / "0002_index.sql").write_text(text, encoding="utf-8")
    assert migrate.migrate(database, [PACKAGE]) == [f"{PACKAGE}/0001_cup", f"{PACKAGE}/0002_index"]


def test_several_processes_at_once(database: str, folder: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        ran = list(threads.map(lambda _: migrate.migrate(database, [PACKAGE]), range(4)))
    assert sorted(ran, key=len) == [[], [], [], [f"{PACKAGE}/0001_cup"]]


def test_each_level_takes_its_own_variant(folder: Path) -> None:
    for level in ("plain", "apache", "community"):
        (folder / f"0002_saucer@{level}.sql").write_text(f"-- {level}\n", encoding="utf-8")
    for level in ("plain", "apache", "community"):
        assert [one.name for one in migrate.collect([PACKAGE], level)] == [f"{PACKAGE}/0001_cup", f"{PACKAGE}/0002_saucer"]  # type: ignore[arg-type]
        assert migrate.collect([PACKAGE], level)[1].sql == f"-- {level}\n"  # type: ignore[arg-type]


def test_a_missing_variant_is_an_error(folder: Path) -> None:
    (folder / "0002_saucer@plain.sql").write_text("SELECT 1;\n", encoding="utf-8")
    with pytest.raises(migrate.MigrationError, match="0002_saucer has no variant for a community database"):
        migrate.collect([PACKAGE], "community")


@pytest.mark.parametrize("name", ["0002_saucer@plane.sql", "2_saucer.sql", "0002-saucer.sql"])
def test_a_file_that_would_never_run_is_an_error(folder: Path, name: str) -> None:
    (folder / name).write_text("SELECT 1;\n", encoding="utf-8")
    with pytest.raises(migrate.MigrationError, match=f"{name} would never run"):
        migrate.collect([PACKAGE], "plain")


def test_the_platforms_own_have_every_variant() -> None:
    names = [[one.name for one in migrate.collect(composition.MIGRATED, level)] for level in ("plain", "apache", "community")]
    assert names[0] == names[1] == names[2]
