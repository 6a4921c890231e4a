"""What must stay true of the tree itself."""

from __future__ import annotations

import platform
import re
import subprocess
import sysconfig
from pathlib import Path

import pytest

from cloudfamily import composition
from cloudfamily_platform.core import sql

ROOT = Path(__file__).parents[1]
COMPONENTS = ("platform", "gateway", "timebank", "firmware-sim", "deploy")
PACKAGES = (
    "platform/cloudfamily_platform",
    "gateway/cloudfamily_gateway",
    "timebank/cloudfamily_timebank",
    "firmware-sim/cloudfamily_sim",
    "deploy/cloudfamily",
)


def test_the_standard_librarys_platform_is_not_hidden() -> None:
    assert Path(platform.__file__).is_relative_to(sysconfig.get_path("stdlib"))


@pytest.mark.parametrize("component", COMPONENTS)
def test_component_folders_are_no_packages(component: str) -> None:
    assert not (ROOT / component / "__init__.py").exists()


def test_no_package_in_tests() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_every_component_says_what_it_is() -> None:
    assert [component for component in COMPONENTS if not (ROOT / component / "README.md").is_file()] == []


def test_only_the_composition_root_lists_what_has_queries_and_migrations() -> None:
    with_queries = {str(path.parent.relative_to(ROOT).as_posix()) for package in PACKAGES for path in (ROOT / package).rglob("queries.sql")}
    assert {path.split("/", 1)[1].replace("/", ".") for path in with_queries} == set(composition.QUERIED)
    with_migrations = {path.parent.name for package in PACKAGES for path in (ROOT / package).glob("migrations")}
    assert with_migrations == set(composition.MIGRATED)


def test_every_named_query_is_used() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    used = (
        set(re.findall(r'QUERIES\[f?"(\w+)', code))
        | set(re.findall(r'PEOPLE\["(\w+)"\]', code))
        | {"on_the_way", "there", "inside", "response_on_the_way", "response_there", "response_inside"}
    )
    named = {name for package in composition.QUERIED for name in sql.load(package)}
    assert named - used == set()


def test_nothing_that_decides_reads_the_servers_clock() -> None:
    """`now` is a parameter, so that tests and replays run on a virtual clock."""
    for path in ROOT.glob("*/cloudfamily_*/**/queries.sql"):
        assert not re.search(r"\bnow\(\)|current_timestamp|clock_timestamp", path.read_text(encoding="utf-8"), re.IGNORECASE), path


def test_no_function_reads_the_time_behind_a_stages_back() -> None:
    for folder in ("alerts", "services", "insight", "people"):
        for path in (ROOT / "platform/cloudfamily_platform" / folder).rglob("*.py"):
            assert "datetime.now" not in path.read_text(encoding="utf-8"), path


def test_the_tree_holds_no_recordings() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not re.search(r"\.(tsv|kasteren)$", tracked, re.MULTILINE)
