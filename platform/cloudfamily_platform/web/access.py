"""Who may speak at the broker: an operator makes a code, a device makes a secret of it, an operator takes it back."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from cloudfamily_platform.core import errors
from cloudfamily_platform.people import credential
from cloudfamily_platform.web import schemas
from cloudfamily_platform.web.context import Here, Operator

Device = Annotated[str, Path(max_length=64)]
WRONG_CODES = 10
WITHIN = timedelta(minutes=1)
MOST_ADDRESSES = 10_000


class Guesses:
    """Wrong codes by the address that they came from. A code has 60 bits; this is for the load that guessing makes."""

    def __init__(self) -> None:
        self.wrong: OrderedDict[str, list[datetime]] = OrderedDict()

    def check(self, address: str, now: datetime) -> None:
        """Raises TooMany."""
        recent = [at for at in self.wrong.get(address, ()) if now - at < WITHIN]
        if len(recent) >= WRONG_CODES:
            raise errors.TooMany

    def count(self, address: str, now: datetime) -> None:
        self.wrong[address] = [*self.wrong.pop(address, [])[-WRONG_CODES + 1 :], now]
        while len(self.wrong) > MOST_ADDRESSES:
            self.wrong.popitem(last=False)


def router() -> APIRouter:
    made = APIRouter(prefix="/api", tags=["access"])
    guesses = Guesses()

    @made.post("/enrol")
    async def enrol(body: schemas.Code, request: Request, answer: Response, here: Here) -> schemas.Enrolled:
        """A device gives the code from its sticker and gets its name and password at the broker: once."""
        now, address = here.clock(), request.client.host if request.client else ""
        guesses.check(address, now)
        try:
            async with here.pool.connection() as conn:
                username, secret = await credential.enrol(conn, body.code, now)
        except credential.NoSuchCode:
            guesses.count(address, now)
            raise
        answer.headers["Cache-Control"] = "no-store"
        topics = credential.topics(username, "device")
        broker = schemas.Broker(**here.broker._asdict())
        return schemas.Enrolled(username=username, password=secret, broker=broker, publish=list(topics.write), subscribe=list(topics.read))

    @made.post("/devices/{code}/enrolment", status_code=201)
    async def enrolment(code: Device, person: Operator, answer: Response, here: Here) -> schemas.Enrolment:
        """A code for this device's sticker; an earlier one that was not used is void."""
        async with here.pool.connection() as conn:
            await credential.look_after(conn, code, person)
            letters, expires_at = await credential.make_enrolment(conn, code, here.clock())
        answer.headers["Cache-Control"] = "no-store"
        return schemas.Enrolment(device=code, code=letters, expires_at=expires_at)

    @made.post("/devices/{code}/revoke", status_code=204)
    async def revoke(code: Device, person: Operator, here: Here) -> None:
        """This device may not speak any more: the broker shuts it out within a minute."""
        async with here.pool.connection() as conn:
            await credential.look_after(conn, code, person)
            await credential.revoke(conn, code, here.clock())

    return made
