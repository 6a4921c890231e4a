"""A person: who they are, what they may do, and how they sign in or bind a chat."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from cloudfamily_platform.core import db, errors, sql

QUERIES = sql.load("cloudfamily_platform.people")
TICKET_LIFE = timedelta(days=1)
SESSION_LIFE = timedelta(days=30)
#: The order in which one role is shown as somebody's main one.
ROLES = ("operator", "supervisor", "caregiver", "volunteer", "family")


@dataclass(frozen=True, kw_only=True)
class Person:
    id: int
    code: str
    name: str
    language: str
    canary: bool
    roles: tuple[str, ...]
    #: For operators and supervisors: everything, or the districts named.
    whole_city: bool
    districts: tuple[int, ...]

    @property
    def role(self) -> str:
        return next((role for role in ROLES if role in self.roles), "none")

    @property
    def is_operator(self) -> bool:
        return "operator" in self.roles or "supervisor" in self.roles

    def oversees(self, district_id: int | None) -> bool:
        """Whether this operator looks after the district; what belongs to none (an unknown device) is everyone's."""
        return self.is_operator and (self.whole_city or district_id is None or district_id in self.districts)


async def load(conn: db.Connection, person_id: int) -> Person:
    """Raises NotFound."""
    found = await load_all(conn, [person_id])
    if not found:
        raise errors.NotFound(what="person")
    return found[person_id]


async def load_all(conn: db.Connection, ids: Iterable[int]) -> dict[int, Person]:
    """Those of them that there are, by id."""
    rows = await (await conn.execute(QUERIES["people_by_id"], {"ids": list(ids)})).fetchall()
    return {row["id"]: Person(**{**row, "roles": tuple(row["roles"]), "districts": tuple(row["districts"])}) for row in rows}


async def by_reach(conn: db.Connection, channel: str, address: str) -> Person | None:
    row = await (await conn.execute(QUERIES["person_id_by_reach"], {"channel": channel, "address": address})).fetchone()
    return await load(conn, row["person_id"]) if row else None


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


async def make_ticket(conn: db.Connection, person_id: int, purpose: Literal["sign_in", "chat"], now: datetime) -> str:
    """A secret that signs this person in, or binds a chat to them, once, within a day."""
    secret = secrets.token_urlsafe(18)
    values = {"hash": digest(secret), "person_id": person_id, "purpose": purpose, "expires_at": now + TICKET_LIFE}
    await conn.execute(QUERIES["add_ticket"], values)
    return secret


async def use_ticket(conn: db.Connection, secret: str, purpose: Literal["sign_in", "chat"], now: datetime) -> int:
    """The person that the ticket is for. Raises NotFound when it is unknown, used or too old."""
    values = {"hash": digest(secret), "purpose": purpose, "now": now}
    row = await (await conn.execute(QUERIES["use_ticket"], values)).fetchone()
    if row is None:
        raise errors.NotFound(what="ticket")
    return int(row["person_id"])


async def start_session(conn: db.Connection, person_id: int, now: datetime) -> str:
    """The secret of a new session, for the cookie."""
    secret = secrets.token_urlsafe(32)
    values = {"hash": digest(secret), "person_id": person_id, "csrf": secrets.token_urlsafe(18), "now": now}
    await conn.execute(QUERIES["add_session"], {**values, "expires_at": now + SESSION_LIFE})
    return secret


async def by_session(conn: db.Connection, secret: str, now: datetime) -> tuple[Person, str]:
    """Who is signed in, and the token that their writes must carry. Raises SignInFirst."""
    row = await (await conn.execute(QUERIES["person_id_by_session"], {"hash": digest(secret), "now": now})).fetchone()
    if row is None:
        raise errors.SignInFirst
    return await load(conn, row["person_id"]), row["csrf"]


async def bind_chat(conn: db.Connection, secret: str, channel: str, address: str, now: datetime) -> Person:
    """Binds a chat to the ticket's person; the chat leaves whoever had it. Raises NotFound for a bad ticket."""
    async with conn.transaction():
        person_id = await use_ticket(conn, secret, "chat", now)
        values = {"person_id": person_id, "channel": channel, "address": address}
        await conn.execute(QUERIES["unbind_address"], values)
        await conn.execute(QUERIES["bind_reach"], values)
        return await load(conn, person_id)
