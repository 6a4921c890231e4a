"""A credential: who may speak at the broker, as what, and how a device comes by its secret.

Any broker can check it: Mosquitto takes the hash as it stands, EMQX asks the database (docs/access.md).
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from cloudfamily_platform.core import db, errors
from cloudfamily_platform.people.person import QUERIES, Person

Kind = Literal["device", "edge", "bridge", "service"]
KINDS: tuple[Kind, ...] = ("device", "edge", "bridge", "service")
USERNAME = re.compile(r"^[A-Za-z0-9_.-]{1,64}\Z")
BASE = re.compile(r"^[A-Za-z0-9_.-]{1,64}(/[A-Za-z0-9_.-]{1,64}){0,5}\Z")
#: What a device says and hears below `cf/v1/{device}/`, docs/protocol.md.
SAYS = ("reading", "signal", "info", "status", "senml", "report")
HEARS = ("answer", "command")
#: Rounds slow down guesses at words that people choose; nobody guesses 160 random bits. The broker checks every connected
#: device again at each reload, and hears nobody meanwhile: 5,000 of them took it 0.5 s with 101 rounds and 0.005 s with one.
ITERATIONS = 1
ENROLMENT_LIFE = timedelta(days=14)
#: Crockford's base32: no I, L, O, U. Twelve of them are 60 bits.
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
READ_AS = str.maketrans("ILO", "110")


class NoSuchCode(errors.NotFound):
    """The code is unknown, used or too old: which of these is nobody's business."""

    code = "no_such_code"


class Topics(NamedTuple):
    """Topic filters under which somebody may publish, and of which it is given messages."""

    write: tuple[str, ...]
    read: tuple[str, ...]


def topics(username: str, kind: Kind, bases: Sequence[str] = ()) -> Topics:
    """What one may say and hear. A service (a gateway) may all; an edge speaks for the devices behind it, below its own name."""
    if kind == "service":
        return Topics(("#",), ("#", "$SYS/#"))
    if kind == "edge":
        return Topics((f"edge/{username}/#",), (f"edge/{username}/#",))
    below = tuple(f"{base}/#" for base in bases)
    says = (*(f"cf/v1/{username}/{word}" for word in SAYS), f"homeassistant/device/{username}/config")
    return Topics((*says, *below), (*(f"cf/v1/{username}/{word}" for word in HEARS), *below))


async def issue(conn: db.Connection, username: str, kind: Kind, now: datetime, bases: Sequence[str] = ()) -> str:
    """A new secret, which nobody can see again; the one before it stops working. Raises Invalid, and Taken when the name is
    somebody's of another kind or a base is another bridge's."""
    check(username, kind, bases)
    secret = secrets.token_urlsafe(20)
    values = {"username": username, "kind": kind, "hash": digest(secret), "bases": list(bases), "now": now}
    async with conn.transaction():
        for other in await (await conn.execute(QUERIES["other_bridges"], values)).fetchall():
            if any(overlap(one, two) for one in bases for two in other["bases"]):
                raise errors.Taken(what=other["username"])
        if await (await conn.execute(QUERIES["issue_credential"], values)).fetchone() is None:
            raise errors.Taken(what=username)
    return secret


async def revoke(conn: db.Connection, username: str, now: datetime) -> None:
    """From now on it may not speak, by password nor by certificate; the broker knows within seconds. Raises NotFound."""
    async with conn.transaction():
        values = {"username": username, "now": now}
        await conn.execute(QUERIES["forget_enrolments"], values)
        if await (await conn.execute(QUERIES["revoke_credential"], values)).fetchone() is None:
            raise errors.NotFound(what="credential")


async def everybody(conn: db.Connection) -> list[dict[str, Any]]:
    """All credentials, the revoked ones too, by name."""
    return await (await conn.execute(QUERIES["credentials"])).fetchall()


async def stamp(conn: db.Connection) -> str:
    """Changes whenever `everybody` does."""
    return str((await db.one(await conn.execute(QUERIES["credentials_stamp"])))["stamp"])


async def look_after(conn: db.Connection, device: str, person: Person) -> dict[str, Any]:
    """The device's row, known or not, if this operator may decide about it. Raises NotFound, and Taken when the name is an edge's,
    a bridge's or a service's."""
    row = await db.one(await conn.execute(QUERIES["device_or_credential"], {"username": device}))
    if not person.oversees(row["district_id"]) or (row["device_id"] is not None and row["canary"] != person.canary):
        raise errors.NotFound(what="device")
    if row["kind"] not in (None, "device"):
        raise errors.Taken(what=device)
    return row


async def make_enrolment(conn: db.Connection, device: str, now: datetime) -> tuple[str, datetime]:
    """A code that makes this device's secret, once, until the time returned; an earlier one that was not used is void."""
    check(device, "device", ())
    letters = "".join(secrets.choice(LETTERS) for _ in range(12))
    values = {"username": device, "hash": code_digest(letters), "now": now, "expires_at": now + ENROLMENT_LIFE}
    async with conn.transaction():
        await conn.execute(QUERIES["forget_enrolments"], values)
        await conn.execute(QUERIES["add_enrolment"], values)
    return f"{letters[:4]}-{letters[4:8]}-{letters[8:]}", now + ENROLMENT_LIFE


async def enrol(conn: db.Connection, code: str, now: datetime) -> tuple[str, str]:
    """User name and secret for a code from a sticker. Raises NoSuchCode; of two at once, one."""
    async with conn.transaction():
        row = await (await conn.execute(QUERIES["use_enrolment"], {"hash": code_digest(code), "now": now})).fetchone()
        if row is None:
            raise NoSuchCode
        return row["username"], await issue(conn, row["username"], "device", now)


def check(username: str, kind: Kind, bases: Sequence[str]) -> None:
    if not USERNAME.match(username):
        raise errors.Invalid(field="username", reason="1 to 64 of A-Z, a-z, 0-9, _, . and -")
    if (kind == "bridge") != bool(bases):
        raise errors.Invalid(field="bases", reason="a bridge has at least one topic of its own, and nobody else has any")
    for base in bases:
        if not BASE.match(base) or base.split("/")[0] == "cf" or base == "edge":
            raise errors.Invalid(field="bases", reason="words of A-Z, a-z, 0-9, _, . and -, joined by /; not below cf/, and no edge but one's own")


def overlap(one: str, two: str) -> bool:
    """Whether one of the topics is the other, or lies below it."""
    return f"{one}/".startswith(f"{two}/") or f"{two}/".startswith(f"{one}/")


def digest(secret: str) -> str:
    """As in Mosquitto's password file. The salt has twelve bytes, as Mosquitto wants, and is text, as EMQX does."""
    salt = secrets.token_urlsafe(9).encode()
    key = hashlib.pbkdf2_hmac("sha512", secret.encode(), salt, ITERATIONS, 64)
    return f"$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


def code_digest(code: str) -> bytes:
    """However it was typed: small letters, spaces, I for 1, O for 0."""
    letters = re.sub(r"[\s-]", "", code).upper().translate(READ_AS)
    return hashlib.sha256(letters.encode()).digest()
