"""The embedded PostgreSQL through a rough life: stops, kills, leftovers, moved ports."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest

from cloudfamily.embedded import cluster
from cloudfamily.embedded.errors import StartError
from cloudfamily.embedded.postgres import EmbeddedPostgres

AS_ROOT = os.geteuid() == 0
COMMITTED_THEN_WAIT = """
import sys, time
from pathlib import Path
import psycopg
from cloudfamily.embedded.postgres import EmbeddedPostgres
url = EmbeddedPostgres(Path(sys.argv[1]), int(sys.argv[2])).start()
with psycopg.connect(url, autocommit=True) as connection:
    connection.execute("CREATE TABLE pressed (at int)")
    connection.execute("INSERT INTO pressed VALUES (17)")
    print("committed", flush=True)
    time.sleep(15)
"""


def test_what_was_written_is_there_after_a_stop_and_a_start(made: Path, port: int, nothing_runs: Callable[[], bool]) -> None:
    server = EmbeddedPostgres(made, port)
    url = server.start()
    assert server.alive()
    assert os.getsid(int(pid_file(made).read_text().splitlines()[0])) != os.getsid(0)  # out of Ctrl-C's reach
    press(url)
    server.stop()
    assert not server.alive()
    assert nothing_runs()

    again = EmbeddedPostgres(made, port)
    assert again.start() == url
    assert presses(url) == [17]
    again.stop()
    again.stop()  # a second stop is nothing special


def test_it_is_durable_speaks_utf8_and_only_to_this_machine(made: Path, port: int) -> None:
    server = EmbeddedPostgres(made, port)
    url = server.start()
    with psycopg.connect(url, autocommit=True) as connection:

        def show(name: str) -> object:
            row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
            return row and row[0]

        assert url.startswith("postgresql://cloudfamily:")
        assert url.endswith(f"@127.0.0.1:{port}/cloudfamily")
        assert [show(name) for name in ("fsync", "synchronous_commit", "data_checksums")] == ["on"] * 3
        assert [show(name) for name in ("listen_addresses", "unix_socket_directories")] == ["127.0.0.1", ""]
        assert [show(name) for name in ("server_encoding", "timezone", "jit")] == ["UTF8", "UTC", "off"]
        connection.execute("CREATE EXTENSION pg_trgm")
        found = connection.execute("SELECT similarity('万秀区老人', '万秀区')").fetchone()
        assert found is not None
        assert found[0] > 0.3  # with a character type of C trigrams would ignore every Chinese character
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://cloudfamily:guess@127.0.0.1:{port}/cloudfamily")
    assert stat.S_IMODE((made / "postgres" / "password").stat().st_mode) == 0o600
    server.stop()


def test_a_server_whose_owner_was_killed_is_adopted_and_stopped_by_the_next(made: Path, port: int, nothing_runs: Callable[[], bool]) -> None:
    killed_after_commit(made, port)
    leftover = int(pid_file(made).read_text().splitlines()[0])
    assert psutil.pid_exists(leftover)

    server = EmbeddedPostgres(made, port)
    assert presses(server.start()) == [17]
    assert int(pid_file(made).read_text().splitlines()[0]) == leftover
    server.stop()
    assert nothing_runs()


def test_a_leftover_on_another_port_comes_back_on_the_new_one(made: Path, port: int) -> None:
    killed_after_commit(made, port)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        new_port = int(probe.getsockname()[1])
    server = EmbeddedPostgres(made, new_port)
    url = server.start()
    assert f":{new_port}/" in url
    assert presses(url) == [17]
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    server.stop()


def test_killing_every_process_loses_nothing_that_was_committed(made: Path, port: int) -> None:
    killed_after_commit(made, port)
    postmaster = psutil.Process(int(pid_file(made).read_text().splitlines()[0]))
    for process in [postmaster, *postmaster.children()]:
        process.kill()
    psutil.wait_procs([postmaster], 5)

    server = EmbeddedPostgres(made, port)
    assert presses(server.start()) == [17]
    server.stop()


def test_a_leftover_of_an_older_version_takes_the_new_configuration(made: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_after_commit(made, port)
    monkeypatch.setattr(cluster, "CONFIGURATION", cluster.CONFIGURATION + "work_mem = 5MB\n")
    server = EmbeddedPostgres(made, port)
    with psycopg.connect(server.start()) as connection:
        assert connection.execute("SHOW work_mem").fetchone() == ("5MB",)
    server.stop()


def test_a_stop_past_its_time_out_loses_nothing_either(made: Path, port: int, nothing_runs: Callable[[], bool]) -> None:
    server = EmbeddedPostgres(made, port)
    url = server.start()
    press(url)
    postmaster = psutil.Process(int(pid_file(made).read_text().splitlines()[0]))
    postmaster.children()[0].suspend()  # nobody can wait for that one
    server.stop(timeout_s=0.2)
    assert nothing_runs()
    server.start()
    assert presses(url) == [17]
    server.stop()


def test_a_stale_pid_file_with_somebody_elses_number_is_no_obstacle(made: Path, port: int) -> None:
    server = EmbeddedPostgres(made, port)
    server.start()
    whole = pid_file(made).read_text().splitlines()
    server.stop()
    as_server = {} if not AS_ROOT else {"user": "nobody"}
    with subprocess.Popen(["sleep", "15"], **as_server) as innocent:  # type: ignore[call-overload]
        pid_file(made).write_text("\n".join([str(innocent.pid), *whole[1:]]) + "\n")
        server.start()
        assert innocent.poll() is None
        innocent.kill()
    server.stop()


def test_two_at_once_on_one_folder_are_kept_apart(made: Path, port: int) -> None:
    first = EmbeddedPostgres(made, port)
    url = first.start()
    with pytest.raises(StartError, match=f"already running.*pid {os.getpid()}"):
        EmbeddedPostgres(made, port).start()
    assert first.alive()
    psycopg.connect(url).close()
    first.stop()


def press(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE pressed (at int)")
        connection.execute("INSERT INTO pressed VALUES (17)")


def presses(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT at FROM pressed").fetchall()]


def killed_after_commit(folder: Path, port: int) -> None:
    """Another process starts the server, commits a press and is killed without a chance to tidy up."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", COMMITTED_THEN_WAIT, str(folder), str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "committed\n"
        owner.send_signal(signal.SIGKILL)


def pid_file(folder: Path) -> Path:
    return folder / "postgres" / "cluster" / "postmaster.pid"
