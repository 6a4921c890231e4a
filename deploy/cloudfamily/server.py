"""uvicorn inside our own loop: the runner owns the signals, and open streams are told before they are closed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from cloudfamily_platform.web.stream import Hub


class Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def make(app: FastAPI, host: str, port: int) -> Server:
    config = uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False, timeout_graceful_shutdown=2, lifespan="off")
    return Server(config)


async def serve(server: Server, hub: Hub) -> None:
    """Serves until cancelled, then closes cleanly: open streams would otherwise keep it alive."""
    try:
        await server.serve()
    finally:
        hub.stop()
        server.should_exit = True
