"""A PostgreSQL server of our own on loopback.

It outlives us when we are killed; the next start on the same folder adopts it.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from pathlib import Path

import psutil
import psycopg

from cloudfamily.embedded import binaries, cluster, errors, place, ports, process
from cloudfamily.embedded.errors import StartError
from cloudfamily.embedded.lock import Lock
from cloudfamily.embedded.place import Place

PORT_SETTING = "CF_DATABASE_PORT"
READY_S = 120.0  # crash recovery replays up to max_wal_size
FAST, IMMEDIATE = signal.SIGINT, signal.SIGQUIT  # PostgreSQL's shutdown modes


class EmbeddedPostgres:
    """The server of the data folder `folder`, on 127.0.0.1 and `port`. Not for two threads at once."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._port = port
        self._lock: Lock | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._server: psutil.Process | None = None

    def start(self) -> str:
        """Blocks until the server answers and returns the libpq URL of a superuser.

        Takes 0.1 s, the first time 1 s, after a crash as long as the recovery takes.
        Raises StartError; then nothing of ours is left running.
        """
        try:
            with errors.about(self._folder):
                return self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self, timeout_s: float = 4.0) -> None:
        """Ends the sessions and stops the server; past the time-out at once, which loses nothing either.

        May be called twice, and when nothing runs.
        """
        if self._server is not None:
            process.stop(self._server, (FAST, timeout_s), (IMMEDIATE, 2.0), (signal.SIGKILL, 2.0))
            self._server = None
        if self._child is not None:
            self._child.wait(1.0)
            self._child = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def alive(self) -> bool:
        """Whether the server that start() left running still runs."""
        return self._server is not None and process.alive(self._server)

    def _start(self) -> str:
        home = place.prepare(self._folder, "postgres")
        lock = Lock(home.folder)
        lock.acquire()
        self._lock = lock
        cluster.create(home)
        cluster.require_same_major(home)
        url = f"postgresql://{cluster.NAME}:{cluster.password(home)}@{ports.LOOPBACK}:{self._port}"
        changed = cluster.configure(home, self._port)
        self._server = _leftover(home)
        if self._server is not None and (changed or not _answers(url)):
            process.stop(self._server, (FAST, 4.0), (IMMEDIATE, 2.0), (signal.SIGKILL, 2.0))
            self._server = None
        if self._server is None:
            _clear_stale(home)
            ports.require_free(self._port, PORT_SETTING)
            self._launch(home)
        self._create_database(url)
        return f"{url}/{cluster.NAME}"

    def _launch(self, home: Place) -> None:
        log = home.server_folder("log")
        cluster.prune_log(log)
        sizes = {path: path.stat().st_size for path in log.iterdir()}
        first_words = home.folder / "start.log"
        first_words.unlink(missing_ok=True)
        with open(first_words, "xb") as output:
            child = self._child = subprocess.Popen(
                [str(binaries.folder(home) / "postgres"), "-D", str(cluster.folder(home))],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=cluster.environment(),
                **home.as_server(),
            )
        self._server = psutil.Process(child.pid)
        deadline = time.monotonic() + READY_S
        while not _ready(home, child.pid):
            if child.poll() is not None:
                said = "".join(_tail(path, sizes.get(path, 0)) for path in (first_words, *log.iterdir()))
                raise self._explain(home, said)
            if time.monotonic() > deadline:
                raise StartError(f"PostgreSQL was not ready within {READY_S:.0f} s; its log is in {log}.")
            time.sleep(0.01)

    def _explain(self, home: Place, said: str) -> StartError:
        if cluster.for_want_of_space(home, said):
            return errors.disk_full(self._folder)
        if "Address already in use" in said:
            return ports.unusable(self._port, PORT_SETTING)
        lines = said.splitlines() or ["it said nothing"]
        reason = next((line for line in lines if "FATAL" in line or "PANIC" in line), lines[-1])
        return StartError(f"PostgreSQL did not start: {reason.strip()} (its log is in {home.folder / 'log'}).")

    def _create_database(self, url: str) -> None:
        try:
            with psycopg.connect(f"{url}/postgres", autocommit=True, connect_timeout=10) as connection:
                known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [cluster.NAME])
                if known.rowcount == 0:
                    connection.execute(f"CREATE DATABASE {cluster.NAME}")
        except psycopg.errors.DiskFull as error:
            raise errors.disk_full(self._folder) from error
        except psycopg.Error as error:
            raise StartError(f"The database in {self._folder} runs but cannot be used: {error}") from error


def _leftover(home: Place) -> psutil.Process | None:
    """The postmaster of this very cluster that runs since an earlier life of ours."""
    with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
        return process.find(int(_pid_file(home)[0]), cluster.folder(home))
    return None


def _answers(url: str) -> bool:
    try:
        psycopg.connect(f"{url}/{cluster.NAME}", connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _clear_stale(home: Place) -> None:
    """After a killed postmaster: ends what it left, drops its pid file, whose number may be another's now."""
    pid_file = cluster.folder(home) / "postmaster.pid"
    if pid_file.exists():
        process.stop_all(process.working_in(pid_file.parent), (IMMEDIATE, 3.0), (signal.SIGKILL, 2.0))
        pid_file.unlink()


def _ready(home: Place, pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        lines = _pid_file(home)
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"
    return False


def _pid_file(home: Place) -> list[str]:
    """Process id, folder, start time, port, socket folder, address, shared memory, state."""
    path = cluster.folder(home) / "postmaster.pid"
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def _tail(path: Path, start: int) -> str:
    """At most 8 kB of what stands in the file from byte `start` on."""
    with open(path, "rb") as file:
        file.seek(start)
        return file.read(8192).decode("utf-8", "replace")
