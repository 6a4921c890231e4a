"""What the platform's demonstrations share: an alarm raised, a timeline read, the web served."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from fastapi import FastAPI

from cloudfamily import composition, server
from cloudfamily_platform.alerts import watch
from cloudfamily_platform.core import db
from cloudfamily_platform.people import person as people
from cloudfamily_platform.people.person import Person
from cloudfamily_platform.web.context import Check
from cloudfamily_platform.web.stream import Hub


@pytest.fixture
def alarm(world: Any) -> Callable[..., int]:
    """`alarm()` presses the button of WX-001 and returns the alert's id."""

    def raised(device: str = "WX-001-button", kind: str = "sos") -> int:
        world.press(device, kind)
        world.drain(*watch.STAGES)
        return int(world.value("SELECT id FROM alert WHERE device_code = %s AND kind = %s AND state <> 'resolved'", device, kind))

    return raised


@pytest.fixture
def timeline(world: Any) -> Callable[..., list[str]]:
    """`timeline(alert_id)`: its lines, each as "kind" or "kind person's code"."""

    def lines(alert_id: int) -> list[str]:
        rows = world.rows("SELECT e.kind, p.code FROM alert_event e LEFT JOIN person p ON p.id = e.actor_id WHERE alert_id = %s ORDER BY e.id", alert_id)
        return [" ".join(filter(None, (row["kind"], row["code"]))) for row in rows]

    return lines


@dataclass
class Client:
    """Somebody at the API. Answers are (status, body)."""

    http: aiohttp.ClientSession
    csrf: str = ""

    async def get(self, path: str) -> tuple[int, Any]:
        async with self.http.get(path, allow_redirects=False) as answer:
            return answer.status, json.loads(await answer.read() or b"null")

    async def text(self, path: str) -> tuple[int, str]:
        async with self.http.get(path, allow_redirects=False) as answer:
            return answer.status, await answer.text()

    async def post(self, path: str, body: object = None, csrf: str | None = None) -> tuple[int, Any]:
        headers = {"X-CSRF-Token": self.csrf if csrf is None else csrf}
        async with self.http.post(path, json=body, headers=headers) as answer:
            return answer.status, json.loads(await answer.read() or b"null")

    @asynccontextmanager
    async def stream(self, after: int | None = None, last_event_id: int | None = None) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """The event stream, open before this returns: {"id", "event", "data"} each."""
        headers = {} if last_event_id is None else {"Last-Event-ID": str(last_event_id)}
        query = "" if after is None else f"?after={after}"
        async with asyncio.timeout(60), self.http.get(f"/api/stream{query}", headers=headers) as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            assert await answer.content.readuntil(b"\n\n") == b"retry: 1000\n\n"
            yield said(answer.content)


async def said(content: aiohttp.StreamReader) -> AsyncIterator[dict[str, Any]]:
    while not content.at_eof():
        try:
            block = (await content.readuntil(b"\n\n")).decode()
        except asyncio.IncompleteReadError:
            return
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
        if "event" in fields:
            yield {"id": int(fields.get("id", 0)), "event": fields["event"], "data": json.loads(fields["data"])}


class Site:
    """The platform's web on a free port, over the world's database and the world's clock."""

    def __init__(self, world: Any, pool: db.Pool, hub: Hub, made: server.Server) -> None:
        self.world, self.pool, self.hub, self.server = world, pool, hub, made
        self.clients: list[aiohttp.ClientSession] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}"

    def stranger(self) -> Client:
        """Somebody without a session."""
        self.clients.append(aiohttp.ClientSession(self.url, cookie_jar=aiohttp.CookieJar(unsafe=True)))
        return Client(self.clients[-1])

    async def client(self, person: Person) -> Client:
        """This person, signed in by a link of their own."""
        found = self.stranger()
        ticket = await people.make_ticket(self.world.conn, person.id, "sign_in", self.world.now)
        assert (await found.text(f"/signin/{ticket}"))[0] == 303
        status, me = await found.get("/api/me")
        assert status == 200
        found.csrf = me["csrf"]
        return found

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(60):
            while not true():
                await asyncio.sleep(0.005)


@asynccontextmanager
async def serving(app: FastAPI, hub: Hub) -> AsyncIterator[server.Server]:
    """uvicorn with this application on a free port, up."""
    made = server.make(app, "127.0.0.1", 0)
    task = asyncio.create_task(made.serve())
    try:
        async with asyncio.timeout(60):
            while not made.started:
                await asyncio.sleep(0.005)
        yield made
    finally:
        hub.stop()
        made.should_exit = True
        await task


@pytest.fixture
def site(world: Any) -> Callable[..., AbstractAsyncContextManager[Site]]:
    """`async with site() as here:` serves in the world's own loop. `checks`: what /readyz asks; `app`: another application."""

    @asynccontextmanager
    async def served(checks: Sequence[Check] = (), app: FastAPI | None = None) -> AsyncIterator[Site]:
        async with db.pool(world.url, size=6) as pool:
            hub = Hub(pool)
            beside = [asyncio.create_task(work) for work in (hub.run(), db.listen(world.url, {"alert_event": [hub.wake]}))]
            async with serving(app or composition.web(pool, lambda: world.now, hub, checks), hub) as made:
                here = Site(world, pool, hub, made)
                try:
                    yield here
                finally:
                    for http in here.clients:
                        await http.close()
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    return served
