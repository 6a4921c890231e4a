"""What the embedded PostgreSQL refuses, in words, and the homes it has to get by with."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
from pathlib import Path

import psutil
import psycopg
import pytest

from cloudfamily.embedded import binaries, place
from cloudfamily.embedded.errors import StartError
from cloudfamily.embedded.postgres import EmbeddedPostgres

AS_ROOT = os.geteuid() == 0


def test_a_taken_port_is_named_with_its_setting(made: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(StartError, match=f"Port {taken} on 127.0.0.1 is taken.*CF_DATABASE_PORT"):
            EmbeddedPostgres(made, taken).start()


def test_a_folder_that_is_none_is_said(folder: Path, port: int) -> None:
    folder.write_text("a file")
    with pytest.raises(StartError, match=r"data is not a folder.*CF_DATA_DIR"):
        EmbeddedPostgres(folder, port).start()


@pytest.mark.skipif(AS_ROOT, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_said(folder: Path, port: int) -> None:
    folder.mkdir(mode=0o500)
    with pytest.raises(StartError, match=r"cannot be read or written.*CF_DATA_DIR"):
        EmbeddedPostgres(folder, port).start()


def test_a_cluster_of_another_version_or_without_its_password_is_left_alone(made: Path, port: int) -> None:
    (made / "postgres" / "cluster" / "PG_VERSION").write_text("17\n")
    with pytest.raises(StartError, match=r"made by PostgreSQL 17.*pg_dump"):
        EmbeddedPostgres(made, port).start()
    (made / "postgres" / "cluster" / "PG_VERSION").write_text("18\n")
    (made / "postgres" / "password").unlink()
    with pytest.raises(StartError, match=r"password file .* is missing"):
        EmbeddedPostgres(made, port).start()


def test_a_machine_without_binaries_is_pointed_to_a_server(folder: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "PACKAGE", "embedded_postgres_of_another_platform")
    with pytest.raises(StartError, match=r"brings no PostgreSQL for this machine.*CF_DATABASE_URL"):
        EmbeddedPostgres(folder, port).start()


@pytest.mark.skipif(not AS_ROOT, reason="only root can mount a small disk")
def test_a_full_disk_is_called_a_full_disk(folder: Path, port: int) -> None:
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", folder], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("this container may not mount")
    server = EmbeddedPostgres(folder, port)
    try:
        with pytest.raises(StartError, match=r"disk that holds .* is full"):
            server.start()  # while the cluster is made

        subprocess.run(["mount", "-o", "remount,size=200m", folder], check=True)
        server.start()
        server.stop()
        (folder / "postgres" / "start.log").write_bytes(b"")  # the start would free and need the same block
        fill(folder / "films")
        with pytest.raises(StartError, match=r"disk that holds .* is full"):
            server.start()  # of a cluster that is whole

        (folder / "films").unlink()
        server.start()
    finally:
        server.stop()


@pytest.mark.skipif(not AS_ROOT, reason="only root has to give up its rights")
def test_root_in_a_private_home_opens_no_folder_to_others(folder: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    home, outside = folder / "root", folder / "var"
    home.mkdir(parents=True, mode=0o700)
    for package in Path(psycopg.__file__).parents[1].glob("embedded_postgres*"):
        (home / package.name).symlink_to(package)
    monkeypatch.syspath_prepend(str(home))  # the checkout and its venv lie there too
    monkeypatch.setattr(place, "OUTSIDE", outside)

    server = EmbeddedPostgres(home / "data", port)
    with psycopg.connect(server.start()) as connection:
        connection.execute("CREATE TABLE pressed (at int)")
    pid_file = home / "data" / "postgres" / "cluster" / "postmaster.pid"
    running = psutil.Process(int(pid_file.read_text().splitlines()[0]))
    assert running.username() == "nobody"
    assert Path(running.exe()).is_relative_to(outside)
    server.stop()
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert (home / "data" / "postgres").resolve().parent == outside

    assert has_presses(server.start())
    server.stop()
    shutil.rmtree(home / "data")
    assert not has_presses(server.start())  # whoever empties the data folder starts empty
    server.stop()


def test_a_strict_umask_and_an_unusual_path_are_no_obstacle(folder: Path, port: int) -> None:
    before = os.umask(0o077)
    try:
        server = EmbeddedPostgres(folder / "it's 数据", port)
        server.start()
        server.stop()
    finally:
        os.umask(before)


def has_presses(url: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT to_regclass('pressed')").fetchone() == ("pressed",)


def fill(path: Path) -> None:
    with open(path, "wb", buffering=0) as file:
        try:
            while file.write(bytes(65536)):
                pass
        except OSError:
            pass
