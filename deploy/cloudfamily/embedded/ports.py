"""Loopback ports: free or taken."""

from __future__ import annotations

import errno
import random
import socket
import time
from contextlib import suppress

from cloudfamily.embedded.errors import StartError

LOOPBACK = "127.0.0.1"
PATIENCE_SECONDS = 1.0
#: Below those that a system hands out by itself (Linux from 32768 on), so that no outgoing connection takes one meanwhile.
NOT_HANDED_OUT = range(20_000, 32_000)


def any_free() -> int:
    """A port that nobody listens on at this moment; by chance, so that two who ask at once hardly get the same. Raises StartError."""
    for port in random.SystemRandom().sample(NOT_HANDED_OUT, 100):
        with suppress(OSError):
            try_to_listen(port)
            return port
    raise StartError(f"No port from {NOT_HANDED_OUT.start} to {NOT_HANDED_OUT.stop - 1} on {LOOPBACK} can be listened on.")


def require_free(port: int, setting: str) -> None:
    """Raises StartError, naming the setting, unless a server can listen on this loopback port, within a second.

    A killed server of several threads is a zombie before the last of them has let go of the port.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return try_to_listen(port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise unusable(port, setting, error) from error
        time.sleep(0.02)


def try_to_listen(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((LOOPBACK, port))
        probe.listen(1)


def unusable(port: int, setting: str, error: OSError | None = None) -> StartError:
    """The sentence for a port that cannot be listened on; without an error: it is taken."""
    if error is None or error.errno == errno.EADDRINUSE:
        return StartError(f"Port {port} on {LOOPBACK} is taken by another program. Stop that program, or set {setting} to a free port.")
    return StartError(f"Port {port} on {LOOPBACK} cannot be used ({error.strerror}). Set {setting} to another port.")
