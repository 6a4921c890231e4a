"""A home's state that people set: away, in hospital, asleep, with a visitor. It always has an end, and ends by itself.

While nobody is in, or she is known to sleep, silence means nothing; a visitor changes no alarm, for what a visitor moves may hide
that she does not. No state touches an emergency call, smoke or anything else that is said at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from cloudfamily_platform.core import db, errors
from cloudfamily_platform.people.person import QUERIES, Person

Kind = Literal["away", "visitor", "hospital", "asleep"]
LONGEST: dict[str, timedelta] = {kind: timedelta(hours=14) if kind == "asleep" else timedelta(days=30) for kind in get_args(Kind)}
#: Whoever needs more ends one first; and so many are looked at.
MOST_LIVE, MOST_LISTED = 20, 200
#: No further ahead than this.
AHEAD = timedelta(days=90)
LISTED = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Set:
    id: int
    state: Kind
    starts_at: datetime
    ends_at: datetime
    note: str
    #: By name.
    set_by: str
    set_at: datetime
    ended_by: str | None

    @property
    def nobody_in(self) -> bool:
        return self.state in ("away", "hospital")

    @property
    def with_others(self) -> bool:
        """What moves then is not her, or not only her."""
        return self.state != "asleep"

    def holds(self, now: datetime) -> bool:
        return self.starts_at <= now < self.ends_at


async def since(conn: db.Connection, home_id: int, at: datetime) -> list[Set]:
    """All that were not over then, newest first."""
    rows = await (await conn.execute(QUERIES["home_states_since"], {"home_id": home_id, "since": at, "most": MOST_LISTED})).fetchall()
    return [Set(**row) for row in rows]


def holds_silence_until(states: Sequence[Set], now: datetime) -> datetime | None:
    """When silence means something again; None: it does now."""
    return max((one.ends_at for one in states if one.holds(now) and one.state != "visitor"), default=None)


async def nobody_in(conn: db.Connection, home_id: int, now: datetime) -> bool:
    """Whether people have said that nobody is there: away or in hospital."""
    return any(one.nobody_in and one.holds(now) for one in await since(conn, home_id, now))


async def shown(conn: db.Connection, home_id: int, now: datetime) -> dict[str, Any] | None:
    """What people have said, or else what the home's rhythm tells; `by`: a name or "inferred". None: nothing is known."""
    said = next((one for one in await since(conn, home_id, now) if one.holds(now)), None)
    if said is not None:
        return {"state": said.state, "since": said.starts_at, "by": said.set_by}
    row = await (await conn.execute(QUERIES["inferred_state"], {"home_id": home_id})).fetchone()
    return row and row | {"by": "inferred"}


async def listing(conn: db.Connection, home_id: int, now: datetime) -> list[dict[str, Any]]:
    """What holds, what is to come, and what has been in the last days, newest first."""
    return [{**vars(one), "holds": one.holds(now)} for one in await since(conn, home_id, now - LISTED)]


async def make(
    conn: db.Connection, home: dict[str, Any], kind: Kind, starts_at: datetime | None, ends_at: datetime, note: str, person: Person, now: datetime
) -> None:
    """Raises Invalid. Whether this person may is asked before."""
    begin = starts_at or now
    if begin < now - timedelta(days=1) or begin > now + AHEAD:
        raise errors.Invalid(field="starts_at", reason=f"from a day ago to {AHEAD.days} days ahead")
    if ends_at <= max(begin, now) or ends_at - begin > LONGEST[kind]:
        longest = LONGEST[kind]
        most = f"{longest.days} days" if longest.days else f"{longest.seconds // 3600} hours"
        raise errors.Invalid(field="ends_at", reason=f"after its beginning and now, at most {most} after its beginning")
    values = {"home_id": home["id"], "state": kind, "starts_at": begin, "ends_at": ends_at, "note": note.strip(), "person_id": person.id, "now": now}
    async with conn.transaction():
        await conn.execute(QUERIES["lock_home_for_state"], values)
        if await (await conn.execute(QUERIES["add_home_state"], values | {"most": MOST_LIVE})).fetchone() is None:
            raise errors.Invalid(field="state", reason=f"this home has {MOST_LIVE} states already; end one of them first")


async def end(conn: db.Connection, home: dict[str, Any], state_id: int, person: Person, now: datetime) -> None:
    """Ends it now; the home is looked at at once. Raises NotFound, WrongState (it is over)."""
    values = {"home_id": home["id"], "id": state_id, "person_id": person.id, "now": now}
    async with conn.transaction():
        await conn.execute(QUERIES["lock_home_for_state"], values)
        if await (await conn.execute(QUERIES["end_home_state"], values)).fetchone() is None:
            if not (await db.one(await conn.execute(QUERIES["home_state_exists"], values)))["there"]:
                raise errors.NotFound(what="state")
            raise errors.WrongState(state="over")
        await conn.execute(QUERIES["look_at_home_now"], values)
