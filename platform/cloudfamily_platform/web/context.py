"""What every endpoint needs: pool, clock, and who is signed in."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple, Protocol, cast
from zoneinfo import ZoneInfo

from fastapi import Cookie, Depends, Request

from cloudfamily_platform.core import db, errors
from cloudfamily_platform.core.stage import Clock
from cloudfamily_platform.people import person as people
from cloudfamily_platform.people.person import Person

COOKIE = "cf_session"
UTC = ZoneInfo("UTC")


class WrongCsrf(errors.Refusal):
    """A write without the token that /api/me gave."""

    code = "csrf"


class Check(Protocol):
    """Something that must be well before this process may be sent work."""

    @property
    def name(self) -> str: ...

    async def ready(self) -> bool: ...


class Broker(NamedTuple):
    """Where a device finds the broker."""

    host: str
    port: int
    tls: bool


LOOPBACK = Broker("127.0.0.1", 1883, False)
ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Context:
    pool: db.Pool
    clock: Clock
    #: What /readyz asks.
    checks: Sequence[Check] = ()
    #: What a device is told at its enrolment.
    broker: Broker = LOOPBACK
    #: Under which people reach the console; None: the address of each request.
    public_url: str | None = None
    #: What a voice provider signs with; None: there is none.
    voice_secret: str | None = None
    #: In which people read times where no home says so.
    zone: ZoneInfo = ZONE


def context(request: Request) -> Context:
    return cast(Context, request.app.state.context)


def pool(request: Request) -> db.Pool:
    return context(request).pool


async def session(request: Request, cf_session: Annotated[str | None, Cookie(include_in_schema=False)] = None) -> tuple[Person, str]:
    """Raises SignInFirst, and WrongCsrf for a write that does not carry the session's token."""
    if not cf_session or len(cf_session) > 200:
        raise errors.SignInFirst
    here = context(request)
    async with here.pool.connection() as conn:
        found, csrf = await people.by_session(conn, cf_session, here.clock())
    if request.method not in ("GET", "HEAD") and not secrets.compare_digest(request.headers.get("x-csrf-token", "").encode(), csrf.encode()):
        raise WrongCsrf
    return found, csrf


async def signed_in(found: Annotated[tuple[Person, str], Depends(session)]) -> Person:
    return found[0]


async def operator(person: Annotated[Person, Depends(signed_in)]) -> Person:
    """Raises NotAllowed for anybody who is not an operator or supervisor."""
    if not person.is_operator:
        raise errors.NotAllowed
    return person


Here = Annotated[Context, Depends(context)]
SignedIn = Annotated[Person, Depends(signed_in)]
Operator = Annotated[Person, Depends(operator)]
