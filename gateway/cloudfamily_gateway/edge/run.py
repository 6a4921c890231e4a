"""run: the edge's parts, joined. Each has a thread of its own: waiting for a name server in the city never holds up a siren."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path

import paho.mqtt.client as mqtt
import structlog

from cloudfamily_gateway import client as clients
from cloudfamily_gateway.edge import rules
from cloudfamily_gateway.edge.alarms import Alarms
from cloudfamily_gateway.edge.clock import Clock
from cloudfamily_gateway.edge.connection import connect_properties
from cloudfamily_gateway.edge.forward import Lane
from cloudfamily_gateway.edge.local import Local
from cloudfamily_gateway.edge.spool import Spool
from cloudfamily_platform.core.settings import Settings

log = structlog.get_logger()
STOP_SECONDS = 5.0
SIGN_IN = ("username", "password", "tls", "ca", "cert", "key")


class NotConfigured(Exception):
    """The edge cannot start as it is set up; the text says what to do."""


class Edge:
    """The local side, the lane of alarms and the lane of everything else."""

    def __init__(self, settings: Settings) -> None:
        """Raises NotConfigured."""
        if settings.edge_name is None or settings.uplink_host is None or settings.mqtt_host is None:
            raise NotConfigured("An edge needs a name, its own broker and the city's: set CF_EDGE_NAME, CF_MQTT_HOST and CF_UPLINK_HOST.")
        try:
            home = rules.read(settings.edge_rules)
        except (ValueError, OSError) as error:
            raise NotConfigured(f"The rules of this home cannot be read. {error}") from error
        name, folder = settings.edge_name, settings.spool_dir or settings.data_dir / "edge"
        # The city's broker in place of our own, for whoever makes clients.
        upward = settings.model_copy(update={f"mqtt_{name}": getattr(settings, f"uplink_{name}") for name in SIGN_IN})
        city = (settings.uplink_host, settings.uplink_port)

        def to_city(lane: str) -> mqtt.Client:
            return clients.make(upward, f"{name}-{lane}", manual_ack=True)

        try:
            to_city("check")
        except OSError as error:
            raise NotConfigured(f"A PEM file for the city's broker cannot be read ({error}): see CF_UPLINK_CA, CF_UPLINK_CERT and CF_UPLINK_KEY.") from error
        clock = Clock()
        self.lock = locked(folder)
        self.spool = Spool(folder, settings.spool_rows, settings.spool_megabytes * 2**20, clock.boot)
        self.local = Local(
            (settings.mqtt_host, settings.mqtt_port),
            lambda: clients.make(settings, f"{name}-edge", manual_ack=True),
            name,
            self.spool,
            home,
            clock,
            self.wake_uplink,
        )
        self.alarms = Alarms(city, lambda: to_city("alarms"), name, self.spool, self.local.hand_down, self.local.heard_by_city)
        self.local.uplink = self.alarms
        nothing_down = connect_properties(session_seconds=0, receive_maximum=1, largest_packet=2**16)
        self.routine = Lane("routine", city, lambda: to_city("routine"), nothing_down, name, self.spool)
        self.routine.ahead = self.alarms
        self.parts = (self.local, self.alarms, self.routine)
        self.threads = [threading.Thread(target=self.guard, args=(part,), name=part.name, daemon=True) for part in self.parts]
        #: A part ended by a mistake of ours: the process is to end, and to be started again.
        self.failed = threading.Event()

    def wake_uplink(self) -> None:
        self.alarms.wake()
        self.routine.wake()

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        """The local side first, so that what it has taken is kept."""
        for part, thread in zip(self.parts, self.threads, strict=True):
            part.stop.set()
            part.wake()
            thread.join(STOP_SECONDS)
        self.spool.close()
        os.close(self.lock)

    def guard(self, part: Local | Lane) -> None:
        try:
            part.run()
        except Exception:
            log.exception("edge_part_failed", part=part.name)
            self.failed.set()


def locked(folder: Path) -> int:
    """One edge to a spool: two would take each other's sessions at the brokers. Ends with the process, however it dies. A
    folder that cannot be written is the spool's to complain of."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        return os.open(os.devnull, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise NotConfigured(f"Another edge runs on {folder}: stop it, or set CF_SPOOL_DIR to another folder.") from None
    return lock
