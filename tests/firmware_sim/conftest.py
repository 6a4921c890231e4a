"""A real mosquitto beside the embedded broker, and a broker that says what a test writes down."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from cloudfamily.embedded import ports

Broker = tuple[str, int]


@pytest.fixture(scope="session")
def mosquitto() -> Iterator[Broker]:
    """Host and port of a mosquitto with the limits that docs and the embedded one set."""
    program = os.environ.get("CF_TEST_MOSQUITTO") or shutil.which("mosquitto")
    if program is None:
        pytest.skip("no mosquitto: install it, or set CF_TEST_MOSQUITTO to its program")
    port = ports.any_free()
    with TemporaryDirectory(prefix="cf-mosquitto-") as name:
        Path(name).chmod(0o755)
        conf = Path(name) / "mosquitto.conf"
        conf.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 200000\nmax_inflight_messages 1000\n")
        conf.chmod(0o644)
        child = subprocess.Popen([program, "-c", str(conf)], stderr=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while True:
            assert child.poll() is None, "mosquitto does not start"
            assert time.monotonic() < until, "mosquitto does not answer"
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.02)
        yield "127.0.0.1", port
        child.terminate()
        child.wait(10)


@pytest.fixture(params=["broker", "mosquitto"])
def any_broker(request: pytest.FixtureRequest) -> Broker:
    """The embedded broker, then mosquitto."""
    found: Broker = request.getfixturevalue(request.param)
    return found


class Script(asyncio.Protocol):
    """One connection of a broker of our own making: says `welcome` to the first packet, and then what the test tells it to."""

    def __init__(self, welcome: bytes) -> None:
        self.welcome, self.heard = welcome, bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if not self.heard:
            self.transport.write(self.welcome)
        self.heard += data

    def say(self, data: bytes) -> None:
        self.transport.write(data)


class Scripted:
    """`async with Scripted(welcome) as it:` listens on `it.address`; `it.talks` are its connections."""

    YES = b"\x20\x03\x00\x00\x00"

    def __init__(self, welcome: bytes = YES) -> None:
        self.welcome, self.talks = welcome, list[Script]()

    def made(self) -> Script:
        self.talks.append(Script(self.welcome))
        return self.talks[-1]

    async def __aenter__(self) -> Scripted:
        self.server = await asyncio.get_running_loop().create_server(self.made, "127.0.0.1", 0)
        self.address: Broker = self.server.sockets[0].getsockname()
        return self

    async def __aexit__(self, *_: object) -> None:
        for talk in self.talks:
            talk.transport.abort()
        self.server.close()
        await asyncio.sleep(0)


@pytest.fixture
def scripted() -> type[Scripted]:
    return Scripted


async def wait_until(what: Callable[[], object], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not what():
            await asyncio.sleep(0.005)


@pytest.fixture(name="until")
def until_() -> Callable[..., object]:
    """await until(condition, seconds): polls, and fails after a deadline."""
    return wait_until
