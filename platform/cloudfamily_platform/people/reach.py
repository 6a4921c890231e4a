"""How somebody can be reached: their channels in order, their quiet hours, and a trial of each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

import psycopg

from cloudfamily_platform.core import db, errors
from cloudfamily_platform.people.person import QUERIES, Person

NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")
#: Bound by the person in the chat itself, never by address.
CHAT = "telegram"
MOST_CHANNELS = 10
ADDRESS_LONGEST = 500
TRIAL_EVERY = timedelta(minutes=1)


async def load(conn: db.Connection, person_id: int) -> dict[str, Any]:
    rows = await (await conn.execute(QUERIES["reach_of"], {"person_id": person_id})).fetchall()
    quiet = await db.one(await conn.execute(QUERIES["quiet_of"], {"person_id": person_id}))
    return {"channels": rows, **quiet}


async def prefer(conn: db.Connection, person: Person, order: Sequence[str], quiet_from: time | None, quiet_to: time | None) -> None:
    """One's own order and quiet hours. Raises Invalid."""
    if (quiet_from is None) != (quiet_to is None):
        raise errors.Invalid(field="quiet", reason="from and to go together")
    async with conn.transaction():
        found = [row["channel"] for row in (await load(conn, person.id))["channels"]]
        if sorted(order) != sorted(found):
            raise errors.Invalid(field="order", reason=f"each of {', '.join(found) or '-'} once")
        await conn.execute(QUERIES["rank_reach"], {"person_id": person.id, "channels": list(order)})
        await conn.execute(QUERIES["set_quiet"], {"person_id": person.id, "begins": quiet_from, "ends": quiet_to})


async def theirs(conn: db.Connection, code: str, operator: Person) -> int:
    """The person, if this operator looks after them. Raises NotFound."""
    values = {"code": code, "canary": operator.canary, "whole_city": operator.whole_city, "districts": list(operator.districts)}
    row = await (await conn.execute(QUERIES["person_for_operator"], values)).fetchone()
    if row is None:
        raise errors.NotFound(what="person")
    return int(row["id"])


async def set_channels(conn: db.Connection, person_id: int, wanted: Mapping[str, str | None]) -> None:
    """These channels with these addresses, in this order, and no others; a chat keeps its place by the address None.

    Raises Invalid, also for an address that somebody else has.
    """
    check(wanted)
    async with conn.transaction():
        have = {row["channel"] for row in (await load(conn, person_id))["channels"]}
        if CHAT in wanted and CHAT not in have:
            raise errors.Invalid(field=CHAT, reason="this person has no chat yet: they bind it themselves, by their link")
        await conn.execute(QUERIES["forget_reach"], {"person_id": person_id, "keep": [*wanted, CHAT]})
        for rank, (channel, address) in enumerate(wanted.items(), 1):
            if channel == CHAT:
                continue
            try:
                async with conn.transaction():
                    values = {"person_id": person_id, "channel": channel, "address": address, "rank": rank}
                    await conn.execute(QUERIES["put_reach"], values)
            except psycopg.errors.UniqueViolation:
                raise errors.Invalid(field=channel, reason="somebody else has this address") from None
        order = [*wanted, *({CHAT} & have - set(wanted))]
        await conn.execute(QUERIES["rank_reach"], {"person_id": person_id, "channels": order})


def check(wanted: Mapping[str, str | None]) -> None:
    if len(wanted) > MOST_CHANNELS:
        raise errors.Invalid(field="channels", reason=f"at most {MOST_CHANNELS}")
    for channel, address in wanted.items():
        if not NAME.fullmatch(channel):
            raise errors.Invalid(field="channel", reason="letters a-z, digits and _, at most 30")
        if (channel == CHAT) != (address is None):
            raise errors.Invalid(field=channel, reason="the chat has no address here, every other channel has one")
        if address is not None and not 0 < len(address.strip()) <= ADDRESS_LONGEST:
            raise errors.Invalid(field=channel, reason=f"an address of at most {ADDRESS_LONGEST} characters")
        if channel == "webhook" and not re.match(r"https?://[^\s/]", address or ""):
            raise errors.Invalid(field=channel, reason="an address that begins with https:// or http://")


async def try_out(conn: db.Connection, person: Person, channel: str, now: datetime) -> None:
    """Sends a trial message by this channel alone. Raises NotFound, TooMany (once a minute)."""
    async with conn.transaction():
        values = {"person_id": person.id, "channel": channel, "now": now, "since": now - TRIAL_EVERY}
        if await (await conn.execute(QUERIES["tried_lately"], values)).fetchone() is not None:
            raise errors.TooMany
        if await (await conn.execute(QUERIES["try_out"], values)).fetchone() is None:
            raise errors.NotFound(what="channel")
