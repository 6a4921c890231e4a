"""The ledger: transfers in whole minutes, posted once, kept for ever. Unit 1 can be spent, unit 2 honours."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import psycopg

from cloudfamily_platform.core import db, errors, sql

QUERIES = sql.load("cloudfamily_timebank")
EXCHANGEABLE, HONOUR = 1, 2
#: The longest statement that is given at once.
STATEMENT_LINES = 200


class DifferentRequest(errors.Refusal):
    """A transfer with this id was posted before, and it was not the same one."""

    code = "different_request"


class NoSuchAccount(errors.Refusal):
    """One of the two accounts does not exist."""

    code = "no_such_account"


class SameAccount(errors.Refusal):
    """Giver and taker are the same account."""

    code = "same_account"


class UnitsDiffer(errors.Refusal):
    """Exchangeable and honour minutes never mix."""

    code = "units_differ"


class MinutesOutOfRange(errors.Refusal):
    """A transfer has 1 to 100,000 whole minutes."""

    code = "minutes_out_of_range"


class KindNotAllowed(errors.Refusal):
    """Transfers of this kind do not go between such accounts."""

    code = "kind_not_allowed"


class Overdraft(errors.Refusal):
    """The giver has fewer minutes, less those that are held."""

    code = "overdraft"


class CapReached(errors.Refusal):
    """The taker may not have more minutes."""

    code = "cap_reached"


class VisitCredited(errors.Refusal):
    """This visit has been credited before, under another id."""

    code = "visit_credited"


class ReasonTooLong(errors.Refusal):
    """A reason has at most 200 characters."""

    code = "reason_too_long"


REFUSALS: dict[str, type[errors.Refusal]] = {
    refusal.code: refusal
    for refusal in (
        DifferentRequest,
        NoSuchAccount,
        SameAccount,
        UnitsDiffer,
        MinutesOutOfRange,
        KindNotAllowed,
        Overdraft,
        CapReached,
        VisitCredited,
        ReasonTooLong,
    )
}


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """What a client asks for. With the same `id`, all but `written_at` must be the same again."""

    id: UUID
    debit_id: int
    credit_id: int
    minutes: int
    kind: str
    #: Pack and version, as `Pack.version` says it.
    policy: str
    #: When it happened in the world, and when it was asked for (aware).
    event_at: datetime
    written_at: datetime
    reason: str = ""
    visit_id: int | None = None
    #: Who answers for it; None: the platform by rule.
    actor_id: int | None = None
    canary: bool = False


@dataclass(frozen=True, kw_only=True)
class Posted:
    seq: int
    written_at: datetime
    #: It was posted before; seq and written_at are those of the first time.
    repeated: bool


@dataclass(frozen=True, kw_only=True)
class Balance:
    minutes: int
    held: int
    honour_minutes: int


@dataclass(frozen=True, kw_only=True)
class Line:
    """One transfer as one person sees it: what they gave is negative."""

    id: UUID
    at: datetime
    minutes: int
    unit: int
    kind: str
    reason: str


async def post(conn: db.Connection, transfer: Transfer) -> Posted:
    """Posts it, once, whoever asks how often. Raises one of REFUSALS, and then nothing was written.

    A refusal spoils the transaction it is raised in: to go on, open a savepoint around the call.
    """
    try:
        return Posted(**await db.one(await conn.execute(QUERIES["post"], asdict(transfer))))
    except psycopg.DatabaseError as error:
        if refusal := REFUSALS.get(code_of(error)):
            raise refusal(transfer=str(transfer.id)) from error
        raise


def code_of(error: psycopg.DatabaseError) -> str:
    """The stable code that the database gave: in the detail of our own errors, else the constraint's name."""
    ours = (error.sqlstate or "").startswith("TB")
    return (error.diag.message_detail if ours else error.diag.constraint_name) or ""


async def person_account(conn: db.Connection, person_id: int, unit: int, cap_minutes: int | None, now: datetime) -> int:
    """The id of this person's account, opened now with this cap (None: no cap) when there was none."""
    return await account(conn, "person", unit, now, person_id=person_id, cap_minutes=cap_minutes)


async def public_account(conn: db.Connection, kind: Literal["issue", "pool"], unit: int, district_id: int | None, now: datetime) -> int:
    """The id of a district's (None: the city's) issuing account or pool, opened now when there was none."""
    return await account(conn, kind, unit, now, district_id=district_id)


async def account(
    conn: db.Connection,
    kind: str,
    unit: int,
    now: datetime,
    *,
    person_id: int | None = None,
    district_id: int | None = None,
    cap_minutes: int | None = None,
) -> int:
    owner = {"person_id": person_id, "district_id": district_id}
    values = {"kind": kind, "unit": unit, "cap_minutes": cap_minutes, "now": now, **owner}
    return int((await db.one(await conn.execute(QUERIES["account"], values)))["id"])


async def balance(conn: db.Connection, person_id: int) -> Balance:
    """Zeros for somebody who has no account yet."""
    return Balance(**await db.one(await conn.execute(QUERIES["balance"], {"person_id": person_id})))


async def statement(conn: db.Connection, person_id: int, limit: int) -> list[Line]:
    """The last transfers of both units, the newest first, at most STATEMENT_LINES."""
    values = {"person_id": person_id, "limit": max(0, min(limit, STATEMENT_LINES))}
    return [Line(**row) for row in await (await conn.execute(QUERIES["statement"], values)).fetchall()]
