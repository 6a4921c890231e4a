"""The live feed: server-sent events, one hub a process, each event encoded once, resumed by Last-Event-ID without a gap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
import structlog
from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from cloudfamily_platform.alerts import alert
from cloudfamily_platform.alerts.alert import QUERIES
from cloudfamily_platform.core import db, metrics
from cloudfamily_platform.core.stopping import told_to_stop
from cloudfamily_platform.people.person import Person
from cloudfamily_platform.web.context import Here, SignedIn

log = structlog.get_logger()
PING_SECONDS = 15.0
POLL_SECONDS = 2.0
#: How soon what is not settled yet is looked at again; its commit wakes us, but a rollback says nothing.
SOON_SECONDS = 0.05
BATCH = 500
#: A client further behind than this reloads its list instead.
FURTHEST_BEHIND = 5000
#: A client that does not read is cut off here; it comes back with its Last-Event-ID.
QUEUE = 1000
STOP = b"event: stop\ndata: {}\n\n"
RESET = b"event: reset\ndata: {}\n\n"
PING = b": ping\n\n"


class Told:
    """One event, encoded at most twice: in full, and without name and address."""

    def __init__(self, event: dict[str, Any], row: dict[str, Any]) -> None:
        self.id = event["event_id"]
        self.event, self.row = event, row
        self.encoded: dict[alert.Sight, bytes] = {}

    def bytes_for(self, person: Person) -> bytes | None:
        how = alert.sight(person, self.row)
        if how is None:
            return None
        if how not in self.encoded:
            event = alert.shown_event(self.event)
            if how == "masked":
                event = {**event, "actor": None, "params": {}}
            data = msgspec.json.encode({"alert": alert.shown(self.row, how), "event": event})
            self.encoded[how] = b"id: %d\nevent: alert\ndata: %s\n\n" % (self.id, data)
        return self.encoded[how]


class Client:
    def __init__(self, person: Person) -> None:
        self.person = person
        self.queue: asyncio.Queue[Told | None] = asyncio.Queue(QUEUE)


class Hub:
    """Reads the timeline on from where it was whenever it is woken, and hands each event to every open stream."""

    def __init__(self, pool: db.Pool) -> None:
        self.pool = pool
        self.clients: set[Client] = set()
        self.position = 0
        #: Set once `position` is the database's: before that, 0 would mean everything that ever was.
        self.started = asyncio.Event()
        self.awake = asyncio.Event()
        self.stopping = asyncio.Event()

    def wake(self) -> None:
        self.awake.set()

    def stop(self) -> None:
        """Tells every client to come back later; their responses end."""
        self.stopping.set()
        for client in self.clients:
            self.cut(client)

    async def run(self) -> None:
        async with self.pool.connection() as conn:
            self.position = await alert.settled(conn)
        self.started.set()
        while not told_to_stop():
            try:
                told, more = await self.read(self.position)
                for one in told:
                    self.tell(one)
                    self.position = one.id
                if told:
                    continue
            except Exception:
                log.exception("stream_read_failed")
                await asyncio.sleep(0.5)
                continue
            try:
                async with asyncio.timeout(SOON_SECONDS if more else POLL_SECONDS):
                    await self.awake.wait()
            except TimeoutError:
                pass
            self.awake.clear()

    async def read(self, after: int) -> tuple[list[Told], bool]:
        """The next events that are settled, at most BATCH of them, and whether there are some that are not."""
        async with self.pool.connection() as conn:
            upto = await alert.settled(conn)
            found = await (await conn.execute(QUERIES["events_after"], {"after": after, "limit": BATCH})).fetchall()
            events = [event for event in found if event["event_id"] <= upto]
            more = len(events) < len(found)
            if not events:
                return [], more
            ids = list({event["alert_id"] for event in events})
            rows = await (await conn.execute(QUERIES["alerts_by_id"], {"ids": ids})).fetchall()
        by_id = {row["id"]: row for row in rows}
        return [Told(event, by_id[event["alert_id"]]) for event in events], more

    def tell(self, told: Told) -> None:
        for client in list(self.clients):
            if client.queue.full():
                self.clients.discard(client)
                self.cut(client)
            else:
                client.queue.put_nowait(told)

    def cut(self, client: Client) -> None:
        """Ends a stream at what it has sent. All that waits is dropped: of a gap before the rest nobody would know."""
        while not client.queue.empty():
            client.queue.get_nowait()
        client.queue.put_nowait(None)

    async def stream(self, person: Person, after: int | None) -> AsyncIterator[bytes]:
        """Everything after `after` that this person may see, and then everything new, until they leave or we stop."""
        client = Client(person)
        self.clients.add(client)  # first, so that nothing falls between the replay and the live feed
        metrics.streams.set(len(self.clients))
        try:
            yield b"retry: 1000\n\n"
            await self.started.wait()
            sent = after if after is not None else self.position
            if self.position - sent > FURTHEST_BEHIND or sent > self.position + BATCH:
                yield RESET
                return
            while told := (await self.read(sent))[0]:
                for one in told:
                    sent = one.id
                    if data := one.bytes_for(person):
                        yield data
            while not self.stopping.is_set():
                try:
                    async with asyncio.timeout(PING_SECONDS):
                        live = await client.queue.get()
                except TimeoutError:
                    yield PING
                    continue
                if live is None:
                    break
                if live.id > sent:
                    sent = live.id
                    if data := live.bytes_for(person):
                        yield data
            yield STOP
        finally:
            self.clients.discard(client)
            metrics.streams.set(len(self.clients))


def router(hub: Hub) -> APIRouter:
    made = APIRouter(prefix="/api", tags=["alerts"])

    @made.get("/stream", response_class=StreamingResponse)
    async def stream(
        person: SignedIn, here: Here, after: Annotated[int | None, Query(ge=0)] = None, last_event_id: Annotated[str | None, Header()] = None
    ) -> StreamingResponse:
        """Server-sent events `alert`, `stop`, `reset`; `id` is the position. Resumes after Last-Event-ID or `after`."""
        resumed = int(last_event_id) if last_event_id and last_event_id.isdecimal() and len(last_event_id) < 19 else after
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(hub.stream(person, resumed), media_type="text/event-stream", headers=headers)

    return made
