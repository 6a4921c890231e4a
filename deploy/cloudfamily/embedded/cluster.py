"""The files of the embedded PostgreSQL: made once by initdb, configured anew at each start."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from pathlib import Path

from cloudfamily.embedded import binaries, errors
from cloudfamily.embedded.errors import StartError
from cloudfamily.embedded.place import Place

NAME = "cloudfamily"  # of the superuser and of the database
INITDB_S = 120.0
LOG_BYTES = 64 * 1024 * 1024  # all log files together, checked at each start
LOG_KEPT_S = 24 * 3600.0
LITTLE_SPACE = 1024 * 1024  # bytes; a server that fails with less than this failed for want of space

# Trigram search on Chinese names needs a UTF-8 character type, whose name depends on the system's libc.
CHARACTER_TYPES = ("C.UTF-8", "en_US.UTF-8", "C")

CONFIGURATION = """\
# Written by Cloud Family at each start. Your own settings: ALTER SYSTEM, which takes precedence.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 100
shared_buffers = 128MB
max_wal_size = 1GB
fsync = on
synchronous_commit = on
autovacuum = on
jit = off
timezone = 'UTC'
lc_messages = 'C'
log_timezone = 'UTC'
logging_collector = on
log_directory = '../log'
log_filename = 'postgres-%H.log'
log_rotation_age = 60
log_rotation_size = 0
log_truncate_on_rotation = on
log_min_messages = warning
log_line_prefix = '%m [%p] '
"""


def folder(place: Place) -> Path:
    """PostgreSQL's data directory. Beside it lie its password, its configuration and its log."""
    return place.folder / "cluster"


def create(place: Place) -> None:
    """Makes the cluster unless it is there. Raises StartError and OSError."""
    for unfinished in place.folder.glob("new-cluster-*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    if folder(place).exists():
        return
    # Under another name first, so that a cluster which has its name is whole; a new name each time, because
    # an initdb that outlived us empties its folder when it fails.
    new = place.server_folder(f"new-cluster-{secrets.token_hex(4)}")
    password = place.folder / "password"
    password.unlink(missing_ok=True)
    place.write(password.name, secrets.token_urlsafe(24), 0o600)
    _initdb(place, new, password)
    with open(new / "postgresql.conf", "a", encoding="utf-8") as configuration:
        configuration.write("\ninclude '../cloudfamily.conf'\n")
        configuration.flush()
        os.fsync(configuration.fileno())
    place.rename(new, folder(place))


def configure(place: Place, port: int) -> bool:
    """Whether the configuration differs from that of the last start."""
    return place.write("cloudfamily.conf", CONFIGURATION.format(port=port))


def password(place: Place) -> str:
    """The superuser's password; it consists of characters that stand for themselves in a URL."""
    path = place.folder / "password"
    if not path.is_file():
        raise StartError(f"The database's password file {path} is missing. Bring it back, or delete {path.parent} to start with an empty database.")
    return path.read_text(encoding="ascii")


def require_same_major(place: Place) -> None:
    """Raises StartError if another major version of PostgreSQL made the cluster."""
    made_by = (folder(place) / "PG_VERSION").read_text(encoding="ascii").strip()
    if made_by != str(binaries.major()):
        raise StartError(
            f"The database in {folder(place)} was made by PostgreSQL {made_by}, and Cloud Family now brings "
            f"PostgreSQL {binaries.major()}. Move the data with pg_dump of PostgreSQL {made_by}, "
            "or set CF_DATA_DIR to another folder."
        )


def prune_log(log: Path) -> None:
    """Deletes log files past a day, and the oldest while all together are too large."""
    total = 0
    for path in sorted(log.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True):
        total += path.stat().st_size
        if total > LOG_BYTES or time.time() - path.stat().st_mtime > LOG_KEPT_S:
            path.unlink()


def environment() -> dict[str, str]:
    """For PostgreSQL's programs: no PG… variable of the user's shell steers them, and they speak English."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def for_want_of_space(place: Place, said: str) -> bool:
    """Whether a program that failed with these words did so because the disk is full."""
    return "No space left on device" in said or shutil.disk_usage(place.folder).free < LITTLE_SPACE


def _initdb(place: Place, new: Path, password: Path) -> None:
    for character_type in CHARACTER_TYPES:
        said = _try_initdb(place, new, password, character_type)
        if said is None:
            return
        if "invalid locale name" not in said:
            break
    if for_want_of_space(place, said or ""):
        raise errors.disk_full(place.folder)
    reason = next((line for line in (said or "").splitlines() if "error:" in line or "FATAL" in line), said)
    raise StartError(f"The database could not be created in {new}: {reason}")


def _try_initdb(place: Place, new: Path, password: Path, character_type: str) -> str | None:
    """None, or what initdb said when it failed; it then has emptied the folder again."""
    # fmt: off
    command = [
        binaries.folder(place) / "initdb", "-D", new, "--username", NAME, "--pwfile", password,
        "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--lc-ctype", character_type,
        "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8",
    ]
    # fmt: on
    try:
        done = subprocess.run(
            [str(word) for word in command],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=INITDB_S,
            **place.as_server(),
        )
    except subprocess.TimeoutExpired as error:
        raise StartError(f"Creating the database in {new} took longer than {INITDB_S:.0f} s.") from error
    return None if done.returncode == 0 else str(done.stdout, "utf-8", "replace")
