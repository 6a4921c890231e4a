"""Credit: takes one verified visit that is due and writes its transfers."""

from __future__ import annotations

import uuid
from datetime import datetime

from psycopg.rows import DictRow

from cloudfamily_platform.core import db
from cloudfamily_platform.core.stage import Stage, take_one
from cloudfamily_timebank import ledger, policy
from cloudfamily_timebank.ledger import EXCHANGEABLE, HONOUR, QUERIES

PACK = "wuzhou"
#: Ids of transfers are made from the visit's, so that a visit can never be credited under two ids.
NAMESPACE = uuid.UUID("ebd89bea-3e3b-4251-a450-e9c9a5e5e6d6")


async def step(conn: db.Connection, now: datetime) -> bool:
    """Credits one visit, or postpones it by an hour when it cannot be credited. True if there was one."""
    return await take_one(conn, now, claim=QUERIES["claim_visit"], work=settle, postpone=QUERIES["postpone_visit"])


async def settle(conn: db.Connection, visit: DictRow, now: datetime) -> None:
    """Credits volunteers only (caregivers are paid), and once, even when a visit is made due again."""
    if visit["is_volunteer"] and not visit["is_credited"]:
        await write(conn, visit, policy.load(PACK), now)
        await conn.execute(QUERIES["tell"])
    await conn.execute(QUERIES["visit_done"], {"visit_id": visit["id"]})


async def write(conn: db.Connection, visit: DictRow, pack: policy.Pack, now: datetime) -> None:
    """Posts what the visit gives. The person's account stays locked from reading its room to the commit."""
    mine = await ledger.person_account(conn, visit["person_id"], EXCHANGEABLE, pack.cap_minutes, now)
    honours = await ledger.person_account(conn, visit["person_id"], HONOUR, None, now)
    issue = await ledger.public_account(conn, "issue", EXCHANGEABLE, visit["district_id"], now)
    honour_issue = await ledger.public_account(conn, "issue", HONOUR, visit["district_id"], now)
    pool = await ledger.public_account(conn, "pool", EXCHANGEABLE, visit["district_id"], now)

    room = (await db.one(await conn.execute(QUERIES["lock_room"], {"account_id": mine})))["minutes"]
    given = policy.credit(pack, visit["minutes"], room)
    for kind, debit_id, credit_id, minutes in (
        ("credit", issue, mine, given.exchangeable),
        ("overflow", issue, pool, given.overflow),
        ("honour", honour_issue, honours, given.honour),
    ):
        if minutes:
            transfer = ledger.Transfer(
                id=uuid.uuid5(NAMESPACE, f"visit:{visit['id']}:{kind}"),
                debit_id=debit_id,
                credit_id=credit_id,
                minutes=minutes,
                kind=kind,
                visit_id=visit["id"],
                policy=pack.version,
                actor_id=visit["verified_by"],
                event_at=visit["ended_at"],
                written_at=now,
                canary=visit["canary"],
            )
            await ledger.post(conn, transfer)


STAGE = Stage(
    name="credit",
    step=step,
    hint="visit",
    oldest_due="SELECT min(credit_due_at) AS due_at FROM visit WHERE credit_due_at IS NOT NULL",
)
