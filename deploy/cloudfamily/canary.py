"""canary: one press of the canary home, followed over MQTT, the console's stream and the API to an hour in the time bank."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import msgspec

from cloudfamily import city, press
from cloudfamily.parts import Parts
from cloudfamily_platform.core import db
from cloudfamily_platform.core.job import Job
from cloudfamily_platform.core.settings import Settings
from cloudfamily_platform.people import person

STEP_SECONDS = 15.0
DEVICE = "CANARY-button"
EVERY = timedelta(minutes=1)
#: A round that takes longer has failed.
TIMEOUT_SECONDS = 50.0
#: A round in the time bank is a line of a ledger that forgets nothing: once an hour is enough there.
WHOLE_EVERY = timedelta(hours=1)
LAST_VISIT = "SELECT max(v.ended_at) AS at FROM visit v JOIN person p ON p.id = v.person_id WHERE p.code = 'canary-volunteer'"


class Failed(Exception):
    """A step that did not come through."""

    def __init__(self, step: str, why: str) -> None:
        super().__init__(f"{step}: {why}")
        self.step, self.why = step, why


@dataclass
class Canary:
    """`steps`: name → seconds, in order."""

    parts: Parts
    settings: Settings = field(default_factory=Settings)
    steps: dict[str, float] = field(default_factory=dict)

    async def step(self, name: str, work: Awaitable[Any]) -> Any:
        """One step with its time-out and its latency. Raises Failed."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(STEP_SECONDS):
                result = await work
        except TimeoutError:
            raise Failed(name, f"not within {STEP_SECONDS:g} s") from None
        except (aiohttp.ClientError, OSError, LookupError, ValueError) as error:
            raise Failed(name, f"{type(error).__name__}: {error}") from error
        self.steps[name] = round(time.monotonic() - began, 4)
        return result

    async def once(self, *, whole: bool = True) -> None:
        """The whole path, or all of it but the time bank. Raises Failed with the step that did not come through."""
        began = datetime.now(UTC)
        async with await self.step("database", db.connect(self.parts.database_url)) as conn:
            await city.seed_canary(conn, datetime.now(UTC))
            volunteer = await self.step("sign in volunteer", self.sign_in(conn, "canary-volunteer"))
            operator = await self.step("sign in operator", self.sign_in(conn, "canary-operator"))
        async with volunteer, operator:
            await self.step("leftovers", self.clear(operator))
            async with operator.stream() as events:
                alert_id = await self.press(events)
            await self.step("offer", self.until(lambda: self.offered(volunteer, alert_id)))
            for verb in ("accept", "on-the-way", "there"):
                await self.step(verb, volunteer.post(f"/api/alerts/{alert_id}/{verb}"))
            await self.step("resolve", operator.post(f"/api/alerts/{alert_id}/resolve", {"outcome": "real" if whole else "test", "note": "canary"}))
            if whole:
                await self.step("credit to balance", self.until(lambda: self.credited(operator, began)))

    async def press(self, events: AsyncIterator[dict[str, Any]]) -> int:
        """Presses, and sees the alert come down the stream; returns its id."""
        pressing = asyncio.create_task(asyncio.to_thread(self.push))
        seeing = asyncio.create_task(self.step("press to console", self.opened(events)))
        await asyncio.wait((pressing, seeing), return_when=asyncio.FIRST_EXCEPTION)
        try:
            self.steps["press to received"] = round(await pressing, 4)
        except (TimeoutError, OSError) as error:
            seeing.cancel()
            raise Failed("press to received", str(error)) from error
        return int(await seeing)

    def push(self) -> float:
        with press.button(self.parts.broker, DEVICE, self.settings) as button:
            return button.press(timeout_s=STEP_SECONDS)

    async def opened(self, events: AsyncIterator[dict[str, Any]]) -> int:
        async for said in events:
            if said["event"]["kind"] == "opened" and said["alert"]["home"] == "CANARY":
                return int(said["alert"]["id"])
        raise LookupError("the stream ended")

    async def offered(self, volunteer: Session, alert_id: int) -> bool:
        return any(one["id"] == alert_id for one in (await volunteer.get("/api/alerts"))["alerts"])

    async def credited(self, operator: Session, since: datetime) -> bool:
        """Not by the balance: it stands still once it is full."""
        visits = (await operator.get("/api/visits?state=verified&limit=1"))["visits"]
        return any(one["credited"] and datetime.fromisoformat(one["ended_at"]) > since for one in visits)

    async def clear(self, operator: Session) -> None:
        """An alert that an interrupted canary left open is closed first."""
        for one in (await operator.get("/api/alerts"))["alerts"]:
            await operator.post(f"/api/alerts/{one['id']}/resolve", {"outcome": "test", "note": "left by an earlier canary"})

    async def until(self, true: Callable[[], Awaitable[bool]]) -> None:
        while not await true():
            await asyncio.sleep(0.02)

    async def sign_in(self, conn: db.Connection, code: str) -> Session:
        row = await db.one(await conn.execute("SELECT id FROM person WHERE code = %s", [code]))
        session = Session(self.parts.web_url)
        await session.sign_in(await person.make_ticket(conn, row["id"], "sign_in", datetime.now(UTC)))
        return session


def job(parts: Parts, settings: Settings) -> Job:
    """A round each minute, whichever process makes it; `job.error` says where one did not come through."""

    async def run(conn: db.Connection, now: datetime) -> None:
        last = (await db.one(await conn.execute(LAST_VISIT)))["at"]
        await Canary(parts, settings).once(whole=last is None or now - last >= WHOLE_EVERY)

    return Job(name="canary", every=EVERY, run=run)


class Session:
    """A signed-in client of the API."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.csrf = ""

    async def __aenter__(self) -> Session:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    async def sign_in(self, ticket: str) -> None:
        async with self.http.get(f"{self.url}/signin/{ticket}", allow_redirects=False) as answer:
            answer.raise_for_status()
        self.csrf = (await self.get("/api/me"))["csrf"]

    async def get(self, path: str) -> dict[str, Any]:
        async with self.http.get(self.url + path) as answer:
            answer.raise_for_status()
            return dict(await answer.json())

    async def post(self, path: str, body: dict[str, str] | None = None) -> None:
        async with self.http.post(self.url + path, json=body, headers={"X-CSRF-Token": self.csrf}) as answer:
            if answer.status >= 400:
                raise ValueError(f"{answer.status} {await answer.text()}")

    @asynccontextmanager
    async def stream(self) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """The console's event stream, open before this returns."""
        async with self.http.get(f"{self.url}/api/stream", timeout=aiohttp.ClientTimeout(total=None, sock_read=60)) as answer:
            answer.raise_for_status()
            await answer.content.readline()

            async def events() -> AsyncIterator[dict[str, Any]]:
                async for line in answer.content:
                    if line.startswith(b'data: {"alert"'):
                        yield msgspec.json.decode(line[6:], type=dict[str, Any])

            yield events()
