"""The timeline proves itself: chains and seals are checked here once more, by other code than the database's own.

The lines of an alert are a chain: each hash is made of the line and of the hash before it (the trigger `alert_event_chain`).
A chain alone does not show that its end, or all of it, was taken away: seals do, which cover all lines of all alerts in order.
Whoever rules the database can make all of it anew; then the head, kept elsewhere, no longer fits.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import structlog
from psycopg.rows import tuple_row

from cloudfamily_platform.alerts import alert
from cloudfamily_platform.alerts.alert import QUERIES
from cloudfamily_platform.core import db

log = structlog.get_logger()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: A seal covers at most so many lines, and one run makes at most so many seals: a year's backlog, in bounded memory.
MOST_LINES, MOST_SEALS = 50_000, 1000
#: So many rows are fetched at a time; so many breaks are told.
BATCH, MOST_BREAKS = 5000, 20
#: A canary's alerts are kept for so long, and so many are forgotten at once.
CANARIES_KEPT, MOST_CANARIES = timedelta(days=1), 2000
NO_SEAL = bytes(32)
#: alert_id, n, event id, at, kind, actor_id, params as the database writes them, hash.
Line = tuple[int, int | None, int, datetime, str, int | None, str, bytes | None]


async def seal(conn: db.Connection, now: datetime) -> None:
    """Seals every line since the last seal; each new head is in the log, for whoever keeps it elsewhere."""
    settled = await alert.settled(conn)
    for _ in range(MOST_SEALS):
        row = await (await conn.execute(QUERIES["add_seal"], {"now": now, "most": MOST_LINES, "settled": settled})).fetchone()
        if row is None:
            return
        log.info("timeline_sealed", seal=row["id"], lines=row["events"], head=row["head"])


async def forget_canaries(conn: db.Connection, now: datetime) -> None:
    """What canaries left behind more than a day ago. The database lets no other line of a timeline be taken away."""
    values = {"before": now - CANARIES_KEPT, "most": MOST_CANARIES}
    await conn.execute(QUERIES["forget_canary_alerts"], values)
    await conn.execute(QUERIES["forget_canary_signals"], values)
    await conn.execute(QUERIES["forget_canary_sessions"], values)


def line_hash(previous: bytes | None, line: Line, n: int) -> bytes:
    """What the hash of this line must be at place `n`: the fields one after the other, each behind its length in 4 bytes."""
    alert_id, _, _, at, kind, actor_id, params, _ = line
    micros = (at - EPOCH) // timedelta(microseconds=1)
    fields = (
        previous, alert_id.to_bytes(8, "big"), n.to_bytes(4, "big"), micros.to_bytes(8, "big", signed=True), kind.encode(),
        None if actor_id is None else actor_id.to_bytes(8, "big"), params.encode(),
    )  # fmt: skip
    return hashlib.sha256(b"".join(b"\xff\xff\xff\xff" if one is None else len(one).to_bytes(4, "big") + one for one in fields)).digest()


def seal_hash(previous: bytes, row: Mapping[str, Any]) -> bytes:
    numbers = (row["id"], (row["at"] - EPOCH) // timedelta(microseconds=1), row["after_id"], row["upto_id"], row["events"], row["alerts"])
    return hashlib.sha256(previous + b"".join(one.to_bytes(8, "big", signed=True) for one in numbers) + row["digest"]).digest()


@dataclass
class Verdict:
    """What was looked at and what is broken: sentences, the first break first, at most one an alert."""

    lines: int = 0
    alerts: int = 0
    seals: int = 0
    #: Lines younger than the last seal: their chains alone vouch for them.
    unsealed: int = 0
    #: Number and hash of the last seal, to be kept elsewhere.
    head: str | None = None
    broken: list[str] = field(default_factory=list)

    def say(self, sentence: str) -> None:
        if len(self.broken) < MOST_BREAKS:
            self.broken.append(sentence)


async def check(conn: db.Connection, alert_id: int | None = None, published: str | None = None) -> Verdict:
    """Every chain (or one alert's) and every seal, on one snapshot, in memory that does not grow with the table.

    `published`: "12:9f3c…", a head that was kept elsewhere.
    """
    found = Verdict()
    async with conn.transaction():
        await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        since = await check_chains(conn, alert_id, found)
        await check_seals(conn, since, published, found)
    return found


async def check_chains(conn: db.Connection, alert_id: int | None, found: Verdict) -> int:
    """Returns the first event looked at: seals before it have nothing to say about it."""
    one = {"alert_id": alert_id}
    for row in await (await conn.execute(QUERIES["alerts_without_lines"], one)).fetchall():
        found.say(f"Alert {row['id']} has no timeline: all its lines were taken away.")
    chain, broken, since = Chain(0), False, 0
    async for line in stream(conn, QUERIES["lines_to_check"], one):
        if line[0] != chain.alert_id:
            chain, broken = Chain(line[0]), False
            since = min(since or line[2], line[2])
            found.alerts += 1
        found.lines += 1
        if not broken and (why := chain.wrong(line)):
            broken = True
            found.say(f"Alert {line[0]}, line {line[1] or '?'} (event {line[2]}, {line[4]}, {told(line[3])}): {why}")
    return since if alert_id is not None else 0


class Chain:
    """One alert's lines, as they come."""

    def __init__(self, alert_id: int) -> None:
        self.alert_id, self.n, self.event_id = alert_id, 0, 0
        self.hash: bytes | None = None
        self.hash_before: bytes | None = None

    def wrong(self, line: Line) -> str | None:
        """What is wrong with the next line, or None."""
        _, n, event_id, _, _, _, _, stored = line
        if n is None or stored is None:
            return "it has no place in the chain: it was written past the database's own rule."
        if n > self.n + 1:
            gap = f"line {n - 1} is" if n == self.n + 2 else f"lines {self.n + 1} to {n - 1} are"
            return f"{gap} missing before it."
        if n <= self.n:
            return "its number stands twice."
        if event_id <= self.event_id:
            return "it was written before the line above it: the two have changed places."
        if line_hash(self.hash, line, n) != stored:
            if n > 1 and line_hash(self.hash_before, line, n - 1) == stored:
                return f"line {n - 1}, above it, was put in later."
            return "what it says, its time or its place is not what was written."
        self.n, self.event_id, self.hash, self.hash_before = n, event_id, stored, self.hash
        return None


async def check_seals(conn: db.Connection, since: int, published: str | None, found: Verdict) -> None:
    previous, upto, heads = NO_SEAL, 0, published is None
    async for number, at, after_id, upto_id, events, alerts, digest, stored in stream(conn, QUERIES["seals_to_check"], {}):
        found.seals += 1
        row = {"id": number, "at": at, "after_id": after_id, "upto_id": upto_id, "events": events, "alerts": alerts, "digest": digest}
        if number != found.seals or after_id != upto:
            found.say(f"Seal {found.seals} is missing: the next one there is seal {number}.")
            return
        if seal_hash(previous, row) != stored:
            found.say(f"Seal {number} ({told(at)}) is not what was written: it, or the one before it, was changed.")
            return
        if upto_id >= since and (why := await wrong_beneath(conn, row)):
            found.say(f"Seal {number} ({told(at)}) covers {events} lines of {alerts} alerts, events {after_id + 1} to {upto_id}: {why}")
        previous, upto, found.head = stored, upto_id, f"{number}:{stored.hex()}"
        heads = heads or found.head == published
    if not heads:
        found.say(f"The published head {published} is not among the {found.seals} seals: the timeline was made anew, or cut, or this is another database.")
    found.unsealed = (await db.one(await conn.execute(QUERIES["lines_unsealed"], {"upto": upto})))["lines"]


async def wrong_beneath(conn: db.Connection, row: Mapping[str, Any]) -> str | None:
    """What is wrong with the lines that a seal covers, or None."""
    made, count, alerts = hashlib.sha256(), 0, set[int]()
    async for event_id, alert_id, stored in stream(conn, QUERIES["sealed_lines"], {"after": row["after_id"], "upto": row["upto_id"]}):
        made.update(event_id.to_bytes(8, "big") + (stored or b""))
        count += 1
        alerts.add(alert_id)
    if count != row["events"] or len(alerts) != row["alerts"]:
        what = "taken away" if count < row["events"] else "put in later"
        return f"{count} lines of {len(alerts)} alerts are there. Lines were {what}."
    if made.digest() != row["digest"]:
        return "as many are there, but not the same. A line was changed and its chain made anew, or lines were put in others' places."
    return None


async def stream(conn: db.Connection, query: LiteralString, values: Mapping[str, object]) -> AsyncIterator[tuple[Any, ...]]:
    """Rows as tuples, a batch at a time. Streams of one query do not run at once."""
    async with conn.cursor(name=f"check {hash(query)}", row_factory=tuple_row) as cursor:
        await cursor.execute(query, values)
        while rows := await cursor.fetchmany(BATCH):
            for row in rows:
                yield row


def told(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
