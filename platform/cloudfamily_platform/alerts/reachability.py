"""reachability: everybody on a policy gets a test message each week and must answer it, so that a dead way is found before an alarm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from psycopg.types.json import Jsonb

from cloudfamily_platform.alerts import message
from cloudfamily_platform.alerts.alert import QUERIES
from cloudfamily_platform.core import db, errors
from cloudfamily_platform.core.stage import Stage, take_one
from cloudfamily_platform.people.device import Scope, placed
from cloudfamily_platform.people.person import Person

MESSAGE = "reach_test"
#: The hours, where people live, in which a test is asked; and those in which nobody is woken by a reminder.
ASK_FROM, ASK_UNTIL = time(10), time(18)
REMIND_FROM, REMIND_UNTIL = time(8), time(21)
REMIND_AFTER, MISSED_AFTER = timedelta(hours=12), timedelta(hours=24)
#: Who was heard by a way within so long need not be bothered.
HEARD_WITHIN = timedelta(days=7)
#: So many tests wait to be sent at most: half of what `deliver` does at once, so that an alarm finds it free.
AT_ONCE = 2
#: An operator's test is not said again while the last is younger.
AGAIN_AFTER = timedelta(hours=1)
KEPT = timedelta(days=400)


@dataclass(frozen=True)
class Turn:
    """What one look at a test comes to. `until`: when to look again; None: it is over, as `do` says."""

    do: Literal["wait", "ask", "remind", "heard", "missed", "dropped"]
    until: datetime | None = None


def judge(row: dict[str, Any], now: datetime, zone: ZoneInfo) -> Turn:
    """Pure. `row`: a test with heard_at, is_live, is_wanted."""
    asked_at, heard_at = row["asked_at"], row["heard_at"]
    if asked_at is None:
        if not (row["is_wanted"] and row["is_live"]):
            return Turn("dropped")
        if row["week"] is not None:
            if heard_at and heard_at > now - HEARD_WITHIN:
                return Turn("heard")
            if (begin := within(now, zone, ASK_FROM, ASK_UNTIL)) > now:
                return Turn("wait", begin)
        return Turn("ask", min(within(now + REMIND_AFTER, zone, REMIND_FROM, REMIND_UNTIL), now + MISSED_AFTER))
    if heard_at and heard_at >= asked_at:
        return Turn("heard")
    return Turn("remind", asked_at + MISSED_AFTER) if now < asked_at + MISSED_AFTER else Turn("missed")


def within(at: datetime, zone: ZoneInfo, begin: time, end: time) -> datetime:
    """`at`, or the next moment after it at which the local time is from `begin` to `end`."""
    local = at.astimezone(zone)
    if begin <= local.time() < end:
        return at
    day = local.date() + timedelta(days=local.time() >= end)
    return datetime.combine(day, begin, zone).astimezone(at.tzinfo)


async def plan(conn: db.Connection, now: datetime, zone: ZoneInfo) -> None:
    """The job: a row for each test of this week and the next, due at an hour of its own. Done again, it adds who is new."""
    seconds = (ASK_UNTIL.hour - ASK_FROM.hour) * 3600
    values = {"now": now, "zone": zone.key, "from_hour": ASK_FROM.hour, "seconds": seconds}
    await conn.execute(QUERIES["plan_reach_tests"], values)
    await conn.execute(QUERIES["forget_reach_tests"], {"before": now - KEPT})


class Reachability:
    """The stage, with the zone in which people live."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone

    async def step(self, conn: db.Connection, now: datetime) -> bool:
        """One test that is due is asked, reminded of, or over."""
        postpone = QUERIES["reach_test_postponed"]
        return await take_one(conn, now, claim=QUERIES["claim_reach_test"], work=self.look, postpone=postpone, at_once=AT_ONCE)

    async def look(self, conn: db.Connection, row: dict[str, Any], now: datetime) -> None:
        turn = judge(row, now, self.zone)
        if turn.until is None:
            answered_at = row["heard_at"] if turn.do == "heard" else None
            await conn.execute(QUERIES["reach_test_over"], {"id": row["id"], "result": turn.do, "answered_at": answered_at})
            return
        asked_at = now if turn.do == "ask" else row["asked_at"]
        await conn.execute(QUERIES["reach_test_later"], {"id": row["id"], "due_at": turn.until, "asked_at": asked_at})
        if turn.do in ("ask", "remind"):
            params = Jsonb({"test": row["id"]})
            said = {"person_id": row["person_id"], "channel": row["channel"], "params": params, "round": int(turn.do == "remind"), "now": now}
            await conn.execute(QUERIES["say_reach_test"], said)


async def compose(conn: db.Connection, claim: dict[str, Any], language: str) -> message.Message | None:
    """What `deliver` sends; None once it has been answered."""
    test = {"id": claim["params"]["test"], "person_id": claim["person_id"]}
    row = await (await conn.execute(QUERIES["reach_test_of"], test)).fetchone()
    if row is None or row["result"] is not None:
        return None
    return message.reach_test_message(language, row["id"], is_reminder=claim["round"] > 0)


async def answer(conn: db.Connection, test_id: int, person: Person, channel: str, now: datetime) -> None:
    """This person has pressed the message's button. Raises NotFound when it is not their test, or of another way."""
    values = {"id": test_id, "person_id": person.id, "channel": channel, "now": now}
    if await (await conn.execute(QUERIES["reach_test_answered"], values)).fetchone() is None:
        row = await (await conn.execute(QUERIES["reach_test_of"], values)).fetchone()
        if row is None or row["result"] not in ("answered", "heard"):
            raise errors.NotFound(what="reach test")


async def heard(conn: db.Connection, person: Person, channel: str, now: datetime) -> None:
    """This person has written, or pressed a button, by this way: it works."""
    await conn.execute(QUERIES["heard_from"], {"person_id": person.id, "channel": channel, "now": now})


async def ask_now(conn: db.Connection, code: str, by: Person, now: datetime) -> list[dict[str, Any]]:
    """An operator's test of all ways of a person, at once; returns those that wait for an answer.

    Raises NotFound for somebody who is on no policy of this operator's districts, NoChannel when there is no way to reach them.
    """
    async with conn.transaction():
        where = {"code": code, "whole_city": by.whole_city, "districts": list(by.districts)}
        row = await (await conn.execute(QUERIES["person_to_test"], where)).fetchone()
        if row is None or row["canary"] != by.canary or not row["is_seen"]:
            raise errors.NotFound(what="person")
        await conn.execute(QUERIES["ask_now"], {"person_id": row["id"], "now": now, "since": now - AGAIN_AFTER})
        tests = await (await conn.execute(QUERIES["open_reach_tests"], {"person_id": row["id"]})).fetchall()
        if not tests:
            raise errors.NoChannel(name=row["name"])
        await db.hint(conn, MESSAGE)
    return tests


async def unanswered(conn: db.Connection, seen: Scope, limit: int = 1000) -> dict[str, Any]:
    """Who did not answer, most often first: by district, since when, by which way; `total` counts those beyond the limit too."""
    rows = await (await conn.execute(QUERIES["unanswered"], seen | {"limit": limit})).fetchall()
    total = rows[0]["total"] if rows else 0
    return {"people": [placed({key: value for key, value in row.items() if key != "total"}) for row in rows], "total": total}


def stages(zone: ZoneInfo) -> tuple[Stage, ...]:
    due = "SELECT min(due_at) AS due_at FROM reach_test WHERE due_at IS NOT NULL"
    return (Stage(name="reach_test", step=Reachability(zone).step, hint=MESSAGE, oldest_due=due),)
