"""The demo: an empty database becomes the demo city, its devices live their day, and a local page takes Telegram's place."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from cloudfamily import city
from cloudfamily.parts import Parts
from cloudfamily_platform.core import db
from cloudfamily_platform.people import person
from cloudfamily_sim.chat import ChatPerson, ChatServer
from cloudfamily_sim.fleet import Fleet, SimDevice, SimHome

CHAT_ROLES = """
SELECT x.address, p.code, p.name, p.language, min(r.role) AS role
FROM reach x JOIN person p ON p.id = x.person_id JOIN role r ON r.person_id = p.id
WHERE x.channel = 'telegram' GROUP BY x.address, p.id ORDER BY p.id LIMIT 500
"""
#: The local page counts from 1001; a real messenger must never be asked for these numbers.
FORGET_LOCAL_CHATS = "DELETE FROM reach WHERE channel = 'telegram' AND length(address) <= 4"
PERSON = "SELECT p.id, p.name, x.address FROM person p LEFT JOIN reach x ON x.person_id = p.id WHERE p.code = %s"
#: Who sits at the console: in the chat they are alike, and not the ones whom a newcomer wants to be first.
DESK = ("operator", "supervisor")
HOMES = """
SELECT h.code, array_agg(v.code ORDER BY v.id) AS devices, array_agg(v.kind ORDER BY v.id) AS kinds
FROM home h JOIN device v ON v.home_id = h.id WHERE NOT h.canary GROUP BY h.id ORDER BY h.code LIMIT 10000
"""


async def prepare(url: str, *, demo: bool, local_chat: bool) -> None:
    """Seeds what is missing: the canary always, the city in a demo. The city's chats are the local page's alone."""
    async with await db.connect(url) as conn:
        now = datetime.now(UTC)
        await city.seed_canary(conn, now)
        if demo:
            await city.seed(conn, now)
            if not local_chat:
                await conn.execute(FORGET_LOCAL_CHATS)


async def start_chat(url: str, port: int) -> tuple[ChatServer, str]:
    """The local page in Telegram's place, and its address."""
    chat = ChatServer("127.0.0.1", port, await chat_people(url))
    return chat, await chat.start()


async def chat_people(url: str) -> list[ChatPerson]:
    """Everybody with a chat, the story's people first."""
    async with await db.connect(url) as conn:
        rows = await (await conn.execute(CHAT_ROLES)).fetchall()
    story = [code for code, role in city.STORY if role not in DESK]
    rows.sort(key=lambda row: story.index(row["code"]) if row["code"] in story else len(story))
    return [ChatPerson(int(row["address"]), row["name"], "operator" if row["role"] in DESK else row["role"], row["language"]) for row in rows]


async def fleet(url: str) -> Fleet:
    """The devices of every home, as simulations."""
    async with await db.connect(url) as conn:
        rows = await (await conn.execute(HOMES)).fetchall()
    homes = [
        SimHome(row["code"], tuple(SimDevice(code, kind) for code, kind in zip(row["devices"], row["kinds"], strict=True)), seed)
        for seed, row in enumerate(rows)
    ]
    return Fleet(homes)


def living(parts: Parts) -> Callable[..., Awaitable[None]]:
    """The task in which the devices live until the system stops."""

    async def live(_: object) -> None:
        devices = await fleet(parts.database_url)
        stop = asyncio.Event()
        running = asyncio.create_task(devices.run(*parts.broker, stop=stop))
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            stop.set()
            await running
            raise

    return live


@dataclass(frozen=True)
class Way:
    """How a newcomer becomes somebody: a link to sign in, and their chat at the local page or a code to link one of their own."""

    role: str
    name: str
    link: str
    chat: str
    code: str


async def ways_in(parts: Parts) -> list[Way]:
    """One for each kind of user."""
    found = []
    async with await db.connect(parts.database_url) as conn:
        for code, role in city.STORY:
            row = await (await conn.execute(PERSON, [code])).fetchone()
            if row:
                now = datetime.now(UTC)
                ticket = await person.make_ticket(conn, row["id"], "sign_in", now)
                chat = await person.make_ticket(conn, row["id"], "chat", now)
                found.append(Way(role, row["name"], f"{parts.web_url}/signin/{ticket}", row["address"] or "", chat))
    return found
