"""Mosquitto: its configuration, and the keeper that holds its password and access files to what the database says.

Tried with 2.0.11 and 2.0.21 (tests/access/). What decides the shape of the files:

- Without the raised limits Mosquitto drops what it has acknowledged when many speak at once, even for a reader that is there.
- `per_listener_settings` must stay off: with it 2.0.21 gives a session whose owner is away nothing at all.
- A reload forgets the `user` rules of sessions that came back from disk and whose owner has not been there since, and drops
  what such a session should have been given. So what waits for devices and edges is granted by `pattern` rules, which are not
  forgotten, and the keeper reloads while a gateway is connected.
- A reload ends the connections of those whose password no longer holds. Names from certificates have no password: they are
  told apart by a `deny`, which leaves the connection but lets nothing through.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shlex
import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from cloudfamily.embedded import process
from cloudfamily_platform.core import db
from cloudfamily_platform.people import credential

log = structlog.get_logger()
LARGEST_MESSAGE = 2 * 1024 * 1024  # bytes
CONFIGURATION, PASSWORDS, RULES, DATA, LOADED = "mosquitto.conf", "passwords", "acl", "data", "loaded"
KEEP_SECONDS = 10.0
RELOAD_SECONDS = 10.0
#: Without a gateway that hears, a reload waits this long: see above.
PATIENCE = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Tls:
    """PEM files. `authority`: signs the certificates of devices that have one; `service_authority`: those of gateways."""

    certificate: Path
    key: Path
    authority: Path | None = None
    #: Certificates of `authority` that are withdrawn.
    withdrawn: Path | None = None
    service_authority: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Where Mosquitto listens. Without TLS on loopback alone."""

    folder: Path
    tls: Tls | None
    #: Devices, edges and bridges, with a password.
    port: int = 8883
    #: Devices that show a certificate with their name, when there is an `authority`.
    certificate_port: int = 8884
    #: Gateways. A device that got in here could take over a gateway's session: so loopback, or certificates of their own.
    service_host: str = "127.0.0.1"
    service_port: int = 1883


def limits(data: Path) -> str:
    """What every Mosquitto of ours is set to."""
    return f"""\
max_queued_messages 200000
max_inflight_messages 1000
max_packet_size {LARGEST_MESSAGE}
set_tcp_nodelay true
persistence true
persistence_location {data}/
autosave_interval 5
persistent_client_expiration 7d
log_dest stderr
log_type error
log_type warning
"""


def configuration(plan: Plan) -> str:
    """mosquitto.conf. On every listener but the gateways' the broker takes the user name for the client id: nobody can take over
    the session of somebody else, and each credential has one connection."""
    folder = plan.folder
    listeners = [listener(plan.port, None if plan.tls else "127.0.0.1", plan.tls), "use_username_as_clientid true\n"]
    if plan.tls and plan.tls.authority:
        withdrawn = f"crlfile {plan.tls.withdrawn}\n" if plan.tls.withdrawn else ""
        asks = f"cafile {plan.tls.authority}\n{withdrawn}require_certificate true\nuse_identity_as_username true\nuse_username_as_clientid true\n"
        listeners += [listener(plan.certificate_port, None, plan.tls), asks]
    if plan.service_host in ("127.0.0.1", "::1"):
        listeners.append(listener(plan.service_port, plan.service_host, None))
    elif plan.tls and plan.tls.service_authority:
        listeners += [listener(plan.service_port, plan.service_host, plan.tls), f"cafile {plan.tls.service_authority}\nrequire_certificate true\n"]
    else:
        raise ValueError("a listener for gateways that others can reach needs a service_authority")
    return f"""\
# Written by `cloudfamily access broker`. Start it with: mosquitto -c {folder / CONFIGURATION}
{"".join(listeners)}
per_listener_settings false
allow_anonymous false
password_file {folder / PASSWORDS}
acl_file {folder / RULES}
pid_file {folder / DATA / "mosquitto.pid"}
{limits(folder / DATA)}"""


def listener(port: int, host: str | None, tls: Tls | None) -> str:
    secured = f"certfile {tls.certificate}\nkeyfile {tls.key}\ntls_version tlsv1.2\n" if tls else ""
    return f"\nlistener {port}{f' {host}' if host else ''}\n{secured}"


def passwords(rows: Iterable[Mapping[str, Any]]) -> str:
    """Mosquitto's password file."""
    return "".join(f"{row['username']}:{row['hash']}\n" for row in rows if row["revoked_at"] is None)


def rules(rows: Iterable[Mapping[str, Any]]) -> str:
    """Mosquitto's access file: everybody speaks as themselves (`pattern`); for who may do more, or nothing, a paragraph each."""
    lines = ["# Written by the gateway; changes are overwritten.\n"]
    for row in rows:
        name, kind = row["username"], row["kind"]
        granted = credential.topics(name, kind, row["bases"])
        if row["revoked_at"] is not None:
            lines += [f"\nuser {name}\n", "topic deny #\n"]
        elif kind == "service":
            lines += [f"\nuser {name}\n", *(f"topic readwrite {topic}\n" for topic in granted.write), "topic read $SYS/#\n"]
        elif kind == "edge":
            lines += [f"\nuser {name}\n", *(f"topic write {topic}\n" for topic in granted.write)]
        elif kind == "bridge":
            lines += [f"\nuser {name}\n", *(f"topic readwrite {base}/#\n" for base in row["bases"])]
    everybody, edge = credential.topics("%u", "device"), credential.topics("%u", "edge")
    lines.append("\n")
    lines += [f"pattern write {topic}\n" for topic in everybody.write]
    # What lies below an edge's name is only written by that edge, so anybody may read below a name of theirs.
    lines += [f"pattern read {topic}\n" for topic in (*everybody.read, *edge.read)]
    return "".join(lines)


def prepare(plan: Plan, rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes all that Mosquitto needs to start, into a folder that may be there already."""
    plan.folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    data = plan.folder / DATA
    if not data.is_dir():
        data.mkdir(mode=0o770)
        data.chmod(0o770)
        give(data, plan.folder)
    write(plan.folder / CONFIGURATION, configuration(plan))
    rows = list(rows)
    write(plan.folder / PASSWORDS, passwords(rows))
    write(plan.folder / RULES, rules(rows))


@dataclass
class Keeper:
    """Brings the files of a folder up to date, and Mosquitto to read them. Several may keep one folder."""

    folder: Path
    #: None: SIGHUP to the process of the folder's pid file.
    command: str | None = None
    waits_since: datetime | None = None
    #: What the database held when Mosquitto was last known to have all of it.
    stamp: str | None = None

    async def keep(self, conn: db.Connection, now: datetime, *, heard: bool) -> bool:
        """Whether Mosquitto was told to read the files again. `heard`: a gateway is connected just now.

        Raises OSError when the folder cannot be written, TimeoutError when the command does not end.
        """
        stamp = await credential.stamp(conn)
        if stamp == self.stamp:
            return False
        rows = await credential.everybody(conn)
        texts = {PASSWORDS: passwords(rows), RULES: rules(rows)}
        wanted = hashlib.sha256("\0".join(texts.values()).encode()).hexdigest()
        loaded = self.folder / LOADED
        if loaded.exists() and loaded.read_text(encoding="ascii") == wanted:
            self.waits_since, self.stamp = None, stamp
            return False
        for name, text in texts.items():
            write(self.folder / name, text)
        self.waits_since = self.waits_since or now
        if not heard and now - self.waits_since < PATIENCE:
            return False
        if not await self.reload():
            return False
        # Only now: whoever is stopped before this does it again.
        write(loaded, wanted)
        self.waits_since, self.stamp = None, stamp
        log.info("broker_reloaded", credentials=len(rows))
        return True

    async def reload(self) -> bool:
        if self.command:
            made = await asyncio.create_subprocess_exec(*shlex.split(self.command), stdin=asyncio.subprocess.DEVNULL)
            try:
                status = await asyncio.wait_for(made.wait(), RELOAD_SECONDS)
            finally:
                if made.returncode is None:
                    made.kill()
                    await made.wait()
            if status != 0:
                log.warning("broker_not_reloaded", command=self.command, status=status)
            return status == 0
        with contextlib.suppress(OSError, ValueError):
            found = process.find(int((self.folder / DATA / "mosquitto.pid").read_text(encoding="ascii")), Path(CONFIGURATION))
            if found is not None:
                found.send_signal(signal.SIGHUP)
                return True
        log.warning(
            "broker_not_reloaded", why="no Mosquitto of this folder runs on this machine; CF_MOSQUITTO_RELOAD may name a command", folder=str(self.folder)
        )
        return False


def write(path: Path, text: str) -> None:
    """In one step: Mosquitto locks everybody out when it finds half a file, or one that it may not read."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        os.fchmod(file.fileno(), 0o640)
    give(new, path.parent)
    new.replace(path)


def give(path: Path, folder: Path) -> None:
    """To whom the folder belongs: Mosquitto reads its files as a user of its own."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
