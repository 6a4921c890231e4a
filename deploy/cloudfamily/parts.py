"""The outside parts: an embedded database and broker where none is configured, held under one lock of the data folder."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg

from cloudfamily.embedded.broker import EmbeddedBroker
from cloudfamily.embedded.errors import StartError
from cloudfamily.embedded.lock import Lock
from cloudfamily.embedded.postgres import EmbeddedPostgres
from cloudfamily_platform.core.settings import Settings
from cloudfamily_platform.web.context import Broker

RUNNING = "running.json"


@dataclass(frozen=True)
class Parts:
    """Where database, broker and console of a running system are. Holds a password: its file is the owner's alone."""

    database_url: str
    mqtt_host: str
    mqtt_port: int
    web_url: str
    #: "embedded" or "external", for people.
    kind: str = "external"

    @property
    def broker(self) -> tuple[str, int]:
        return self.mqtt_host, self.mqtt_port


def web_url(settings: Settings) -> str:
    host = "127.0.0.1" if settings.web_host in ("0.0.0.0", "::") else settings.web_host
    return settings.public_url or f"http://{host}:{settings.web_port}"


def device_broker(settings: Settings, there: Parts) -> Broker:
    """Where devices find the broker: what is set for them, else where we find it ourselves."""
    if settings.device_broker is None:
        return Broker(there.mqtt_host, there.mqtt_port, settings.mqtt_tls)
    scheme, _, where = settings.device_broker.partition("://")
    host, _, port = where.partition(":")
    tls = scheme == "mqtts"
    return Broker(host, int(port) if port else 8883 if tls else 1883, tls)


@contextmanager
def started(settings: Settings, *, broker: bool = True) -> Iterator[Parts]:
    """Starts what is not configured, and stops it at the end. Raises StartError with a sentence for the user."""
    if broker and settings.database_url is not None and settings.mqtt_host is None:
        raise StartError(
            "The embedded broker is for the demo and for tests: it knows no access rules and keeps nothing on disk. "
            "With a database of your own (CF_DATABASE_URL), set CF_MQTT_HOST to a broker of your own as well."
        )
    if broker and settings.mqtt_host is None and settings.mqtt_tls:
        raise StartError("CF_MQTT_TLS is set, and the embedded broker has no TLS: set CF_MQTT_HOST to a broker that has, or take CF_MQTT_TLS away.")
    with ExitStack() as stack:
        kind = "external"
        if settings.database_url is None or (broker and settings.mqtt_host is None):
            stack.enter_context(Lock(settings.data_dir))
            kind = "embedded"
        if settings.database_url is None:
            database = EmbeddedPostgres(settings.data_dir / "postgres", settings.database_port)
            stack.callback(database.stop)
            url = database.start()
        else:
            url = settings.database_url.get_secret_value()
        host, port = settings.mqtt_host or "127.0.0.1", settings.mqtt_port
        if broker and settings.mqtt_host is None:
            embedded = EmbeddedBroker(settings.data_dir / "broker", settings.mqtt_port)
            stack.callback(embedded.stop)
            host, port = embedded.start()
        yield Parts(url, host, port, web_url(settings), kind)


@contextmanager
def announced(folder: Path, parts: Parts) -> Iterator[None]:
    """Leaves `running.json` for the other commands (press, canary) while the system runs."""
    path = folder / RUNNING
    folder.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(parts), file)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def running(settings: Settings) -> Parts:
    """The system that runs here, or the one configured. Raises StartError when there is none."""
    try:
        return Parts(**json.loads((settings.data_dir / RUNNING).read_text(encoding="utf-8")))
    except FileNotFoundError:
        if settings.database_url is None or settings.mqtt_host is None:
            raise StartError(
                f"Nothing runs on the data folder {settings.data_dir}: start it with `make run`, or set CF_DATABASE_URL and CF_MQTT_HOST."
            ) from None
        return Parts(settings.database_url.get_secret_value(), settings.mqtt_host, settings.mqtt_port, web_url(settings))


@contextmanager
def some_database(settings: Settings) -> Iterator[str]:
    """A server on which databases can be made: that of the running system, the one configured, or else an embedded one."""
    url = None
    with suppress(StartError, psycopg.OperationalError):
        there = running(settings)
        psycopg.connect(there.database_url, connect_timeout=5).close()
        url = there.database_url
    if url is not None:
        yield url
        return
    with started(settings, broker=False) as there:
        yield there.database_url


def check_port(host: str, port: int, what: str, setting: str) -> None:
    """Raises StartError when somebody else listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise StartError(f"Port {port} for {what} is not free ({error.strerror}): stop what uses it, or set {setting}.") from error
