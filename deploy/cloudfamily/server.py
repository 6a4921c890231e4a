"""uvicorn inside our own loop: the runner owns the signals, and open streams are told before they are closed."""

from __future__ import annotations

import asyncio
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
    """Serves until cancelled, then ends the open streams, which would otherwise keep it alive, and closes cleanly."""
    serving = asyncio.create_task(server.serve())
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        hub.stop()
        server.should_exit = True
        await serving
        raise
