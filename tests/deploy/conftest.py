"""A data folder and a port for the tests of the embedded servers."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from cloudfamily.embedded import ports
from cloudfamily.embedded.postgres import EmbeddedPostgres


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that other users may pass, unlike pytest's own; afterwards nothing may run on it."""
    base = Path(tempfile.mkdtemp())
    base.chmod(0o755)
    yield base / "data"
    left = processes_of(base)
    for process in left:
        process.kill()
    psutil.wait_procs(left, 5)
    if (base / "data").is_mount():
        subprocess.run(["umount", base / "data"], check=True)
    shutil.rmtree(base)
    assert left == []


@pytest.fixture
def port() -> int:
    return ports.any_free()


@pytest.fixture(scope="session")
def once_made() -> Iterator[Path]:
    """A data folder whose database was made, started and stopped once."""
    base = Path(tempfile.mkdtemp())
    base.chmod(0o755)
    server = EmbeddedPostgres(base / "data", ports.any_free())
    server.start()
    server.stop()
    yield base / "data"
    shutil.rmtree(base)


@pytest.fixture
def made(once_made: Path, folder: Path) -> Path:
    """A copy of it for one test: a data folder may be copied and moved as long as nothing runs on it."""
    subprocess.run(["cp", "-a", once_made, folder], check=True)
    return folder


@pytest.fixture
def nothing_runs(folder: Path) -> Callable[[], bool]:
    return lambda: processes_of(folder) == []


def processes_of(folder: Path) -> list[psutil.Process]:
    """Every other process that works in the folder or below, or has a path of it in its command line."""
    found = []
    for process in psutil.process_iter():
        try:
            named = any(str(folder) in word for word in process.cmdline())
            if process.pid != os.getpid() and (named or Path(process.cwd()).is_relative_to(folder.resolve())):
                found.append(process)
        except psutil.Error:
            continue
    return found
