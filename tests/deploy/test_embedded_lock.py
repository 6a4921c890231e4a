"""One running Cloud Family per data folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cloudfamily.embedded.errors import StartError
from cloudfamily.embedded.lock import Lock

# The forked worker outlives the one who holds the lock.
HOLD = """
import os, sys, time
from pathlib import Path
from cloudfamily.embedded.lock import Lock
Lock(Path(sys.argv[1])).acquire()
worker = os.fork()
if worker:
    print(worker, flush=True)
time.sleep(15)
"""


def test_a_second_run_is_told_who_runs_and_may_start_once_the_first_is_dead(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as first:
        assert first.stdout is not None
        worker = int(first.stdout.readline())
        with pytest.raises(StartError, match=rf"already running on the data folder .*\(pid {first.pid}\)"):
            Lock(tmp_path).acquire()
        first.kill()
        first.wait(5)
        try:
            with Lock(tmp_path):
                assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
        finally:
            os.kill(worker, signal.SIGKILL)


def test_a_lock_let_go_is_free_for_the_next(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    with Lock(folder), pytest.raises(StartError, match=f"pid {os.getpid()}"):
        Lock(folder).acquire()
    with Lock(folder):
        pass


def test_a_file_where_the_folder_should_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    with pytest.raises(StartError, match=r"data is not a folder.*CF_DATA_DIR"):
        Lock(tmp_path / "data").acquire()
