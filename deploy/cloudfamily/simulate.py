"""simulate: a crowd of homes from one process, against the running system or any MQTT 5 broker."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass

from cloudfamily import parts
from cloudfamily.embedded.errors import StartError
from cloudfamily_platform.core.settings import Settings
from cloudfamily_sim.crowd import Crowd
from cloudfamily_sim.drive import Drive
from cloudfamily_sim.faults import Chances

LINE_SECONDS = 1.0
#: Without --rate, every device says a word a minute.
WORDS_PER_SECOND_AND_DEVICE = 1 / 60


@dataclass(frozen=True)
class Wanted:
    homes: int
    #: Words a second of all devices together; None: a word a minute from each.
    rate: float | None
    seed: int
    #: None: until Ctrl-C.
    seconds: float | None
    presses_per_minute: float
    chances: Chances
    connections: int


def broker_address(text: str) -> tuple[str, int]:
    """`host:port`; 1883 when no port is given. Raises StartError."""
    host, _, port = text.rpartition(":") if ":" in text else (text, "", "1883")
    if not host or not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65_535:
        raise StartError(f"--broker {text!r}: write it like 192.0.2.7:1883.")
    return host.strip("[]"), int(port)


def read_faults(text: str) -> Chances:
    try:
        return Chances.read(text)
    except ValueError as error:
        raise StartError(f"--faults: {error}.") from error


def simulate(settings: Settings, address: str | None, wanted: Wanted) -> None:
    """Runs until the time is over or Ctrl-C; prints a line a second on a terminal, and at the end one JSON object.

    `address`: the broker's, else that of the running system. It signs in with CF_MQTT_USERNAME and CF_MQTT_PASSWORD.
    """
    broker = broker_address(address) if address else parts.running(settings).broker
    try:
        socket.create_connection(broker, timeout=5).close()
    except OSError as error:
        raise StartError(f"No broker answers at {broker[0]}:{broker[1]} ({error.strerror or error}): start it, or name another with --broker.") from error
    try:
        crowd = Crowd(wanted.homes, seed=wanted.seed, chances=wanted.chances)
        rate = crowd.devices * WORDS_PER_SECOND_AND_DEVICE if wanted.rate is None else wanted.rate
        drive = Drive(crowd, rate=rate, presses_per_minute=wanted.presses_per_minute, connections=wanted.connections)
    except ValueError as error:
        raise StartError(f"{error}.") from error
    password = settings.mqtt_password.get_secret_value() if settings.mqtt_password else None
    asyncio.run(live(broker, settings.mqtt_username, password, wanted.seconds, drive))


async def live(broker: tuple[str, int], username: str | None, password: str | None, seconds: float | None, drive: Drive) -> None:
    stop, loop, began = asyncio.Event(), asyncio.get_running_loop(), time.monotonic()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    running = asyncio.create_task(drive.run(*broker, stop=stop, username=username, password=password))
    running.add_done_callback(lambda _: stop.set())
    before = 0
    while not stop.is_set():
        left = LINE_SECONDS if seconds is None else min(LINE_SECONDS, began + seconds - time.monotonic())
        if left <= 0:
            stop.set()
            break
        with suppress(TimeoutError):
            async with asyncio.timeout(left):
                await stop.wait()
        if sys.stdout.isatty():
            before = show(drive, before)
    await running
    if sys.stdout.isatty():
        print()
    print(json.dumps(drive.counters() | {"seconds": round(time.monotonic() - began, 1)}), flush=True)


def show(drive: Drive, before: int) -> int:
    """The live line; returns the words so far."""
    now = drive.counters()
    trouble = f" · {drive.trouble}" if drive.trouble else ""
    said, presses = f"{now['words'] - before:,} words/s · {now['acknowledged']:,} taken · {now['behind']:,} behind", f"{now['presses']:,} presses"
    line = f"{said} · {presses}, {now['received']:,} answered{trouble}"
    print(f"\r\033[K{line[:150]}", end="", flush=True)
    return int(now["words"])
