"""escalate: while nobody has an alert, the next people hear of it; one that is held without progress opens again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from cloudfamily_platform.alerts import alert, notify, offers, policy
from cloudfamily_platform.alerts.alert import QUERIES, Event
from cloudfamily_platform.core import db
from cloudfamily_platform.core.stage import Stage, take_one


@dataclass(frozen=True)
class Named:
    """Whom one word of a policy names."""

    word: str
    people: tuple[int, ...]
    #: The role is rostered, and nobody is on shift: `people` are all who have it.
    off_duty: bool

    @property
    def base(self) -> str:
        """Of "family:2" the family."""
        return self.word.partition(":")[0]

    @property
    def why_nobody(self) -> str:
        """Text key `reason.<this>`, when none of them can be reached."""
        return "no_channel" if self.people else "nobody"


class Told(NamedTuple):
    #: Who can be reached.
    people: set[int]
    #: Who cannot, and why.
    events: list[Event]


async def step(conn: db.Connection, now: datetime) -> bool:
    """One due alert takes its next turn."""
    return await take_one(conn, now, claim=QUERIES["claim_alert"], work=look, postpone=QUERIES["alert_postponed"])


async def look(conn: db.Connection, claimed: dict[str, Any], now: datetime) -> None:
    row = await alert.load(conn, claimed["id"])
    await (take_turn(conn, row, now) if row["state"] == "open" else reopen(conn, row, now))


async def take_turn(conn: db.Connection, row: dict[str, Any], now: datetime) -> None:
    """The next turn. One that reaches nobody is due again at once: an alarm does not wait for people who cannot hear it."""
    plan, number = policy.in_force(row["plan"]), row["step"]
    reached = await one_turn(conn, row, plan, number, now)
    await conn.execute(QUERIES["next_turn"], {"id": row["id"], "step": number + 1, "due_at": now + policy.wait_after(plan, number, reached=reached)})


async def one_turn(conn: db.Connection, row: dict[str, Any], plan: policy.Policy, number: int, now: datetime) -> bool:
    """Tells and asks whom the turn names; whether that reached anybody."""
    turn = policy.turn(plan, number)
    # Before any event: the lock of the timeline must not wait for a routing engine.
    chosen = await offers.choose(conn, row, turn.offer, now, again=True)
    events = [Event("policy_unreadable")] if number == 0 and not policy.readable(row["plan"]) else []
    if number > 0:
        events.append(Event("escalated", params={"step": number}))
    told = await tell_all(conn, {**row, "step": number}, turn, now, known=policy.words_before(plan, number))
    asked = await offers.ask(conn, row, chosen, now)
    events += [*told.events, *asked.events]
    if turn.offer and not asked.people and number == 0:
        events.append(Event("no_responder"))
    await alert.add_events(conn, row["id"], events, now)
    return bool(told.people) or asked.reached


async def tell_all(conn: db.Connection, row: dict[str, Any], turn: policy.Turn, now: datetime, *, known: Set[str] = frozenset()) -> Told:
    """One turn's telling, each person once. The caller has the alert's lock, and writes the events.

    Family who cannot be told, and a word that reaches nobody, is a line of the timeline and not a silence; of the words that are
    `known`, earlier turns have said it.
    """
    if not turn.tell:
        return Told(set(), [])
    groups, number = await named(conn, row, turn.tell, now)
    people = list(dict.fromkeys(person for group in groups for person in group.people))
    told = await notify.tell_many(conn, row["id"], people, "alert", now, number=number, by=turn.by)
    guests = [person for group in groups if group.word == "neighbours" for person in group.people]
    if guests:
        await conn.execute(QUERIES["call_in"], {"id": row["id"], "people": guests})
    return Told(told, [line for group in groups for line in what_failed(group, told, again=group.base in known)])


def what_failed(group: Named, told: set[int], *, again: bool) -> Iterator[Event]:
    if group.off_duty and not again:
        yield Event("nobody_on_duty", params={"whom": group.word})
    for person in group.people if group.base == "family" else ():
        if person not in told:
            yield Event("not_told", person, {"reason": "no_channel"})
    if told.isdisjoint(group.people) and not again:
        yield Event("nobody_told", params={"whom": group.base, "reason": group.why_nobody})


async def named(conn: db.Connection, row: dict[str, Any], words: Sequence[str], at: datetime) -> tuple[list[Named], int]:
    """Whom the words name at that time, a group each, and the number of this telling. `row`: an alert's, or one that could be."""
    values = {key: row[key] for key in ("id", "step", "home_id", "district_id", "canary")}
    rows = await (await conn.execute(QUERIES["people_of_words"], {**values, "words": list(words), "at": at})).fetchall()
    groups = []
    for word in dict.fromkeys(words):
        rank = policy.family_rank(word)
        mine = [one for one in rows if (one["word"] == word if rank is None else one["word"] == "family" and one["rank"] <= rank)]
        groups.append(Named(word, tuple(dict.fromkeys(one["person_id"] for one in mine)), any(one["off_duty"] for one in mine)))
    return groups, rows[0]["number"] if rows else row["step"]


async def reopen(conn: db.Connection, row: dict[str, Any], now: datetime) -> None:
    """Accepting is not doing: who has it and shows no progress loses it, and the alert goes on where it was."""
    await conn.execute(QUERIES["drop_response"], {"id": row["id"], "now": now})
    await conn.execute(QUERIES["reopen"], {"id": row["id"], "now": now})
    await alert.add_event(conn, row["id"], "reopened", now, actor_id=row["handler_id"], params={"after": row["state"]})


STAGES = (
    Stage(name="escalate", step=step, workers=2, hint="alert", oldest_due="SELECT min(due_at) AS due_at FROM alert WHERE due_at IS NOT NULL", limit_seconds=5),
)
