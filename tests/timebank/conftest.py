"""A small town in a real database: one district, one home, people, visits; time stands still at NOW."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloudfamily_platform.core import db, texts
from cloudfamily_timebank import ledger

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
AUDITS = ("audit_sum_zero", "audit_balance_matches", "audit_one_credit_per_visit")


class Town:
    def __init__(self, url: str, conn: db.Connection) -> None:
        self.url, self.conn, self.now = url, conn, NOW

    async def value(self, query: str, *params: object) -> Any:
        row = await (await self.conn.execute(query.encode(), params or None)).fetchone()
        return next(iter(row.values())) if row else None

    async def person(self, *roles: str, language: str = "zh-CN") -> int:
        code = f"p-{uuid.uuid4().hex[:12]}"
        added = "INSERT INTO person (code, name, language) VALUES (%s, %s, %s) RETURNING id"
        person_id = int(await self.value(added, code, "李明", language))
        for role in roles:
            await self.conn.execute("INSERT INTO role (person_id, role) VALUES (%s, %s)", [person_id, role])
        return person_id

    async def visit(self, person_id: int, minutes: float, ended_at: datetime = NOW, home: str = "WX-001") -> int:
        """A verified visit whose credit is due now."""
        times = [ended_at - timedelta(minutes=minutes), ended_at, NOW, await self.person("operator"), NOW]
        added = """INSERT INTO visit (home_id, person_id, started_at, ended_at, verified_at, verified_by,
                                      credit_due_at)
                   VALUES ((SELECT id FROM home WHERE code = %s), %s, %s, %s, %s, %s, %s) RETURNING id"""
        return int(await self.value(added, home, person_id, *times))

    async def due(self, visit_id: int) -> datetime | None:
        found: datetime | None = await self.value("SELECT credit_due_at FROM visit WHERE id = %s", visit_id)
        return found

    async def account(self, person_id: int, unit: int = ledger.EXCHANGEABLE, cap: int | None = 90_000) -> int:
        return await ledger.person_account(self.conn, person_id, unit, cap, NOW)

    async def gift(self, giver: int, taker: int, minutes: int, **other: Any) -> ledger.Transfer:
        """A gift as a client asks for it; not posted yet."""
        asked = {
            "id": uuid.uuid4(),
            "kind": "gift",
            "policy": "wuzhou-1",
            "event_at": NOW,
            "written_at": NOW,
            **other,
        }
        return ledger.Transfer(debit_id=await self.account(giver), credit_id=await self.account(taker), minutes=minutes, **asked)

    async def earn(self, person_id: int, minutes: int) -> None:
        """Gives them minutes the proper way: a verified visit and its credit."""
        visit_id = await self.visit(person_id, minutes)
        await self.conn.execute("UPDATE visit SET credit_due_at = NULL WHERE id = %s", [visit_id])
        transfer = ledger.Transfer(
            id=uuid.uuid4(),
            debit_id=await ledger.public_account(self.conn, "issue", ledger.EXCHANGEABLE, None, NOW),
            credit_id=await self.account(person_id),
            minutes=minutes,
            kind="credit",
            visit_id=visit_id,
            policy="wuzhou-1",
            event_at=NOW,
            written_at=NOW,
        )
        await ledger.post(self.conn, transfer)

    async def transfers(self) -> int:
        return int(await self.value("SELECT count(*) FROM transfer"))

    async def audits(self) -> list[dict[str, Any]]:
        """What the invariant views show: nothing, in a sound ledger."""
        found: list[dict[str, Any]] = []
        for view in AUDITS:
            rows = await (await self.conn.execute(f"SELECT * FROM {view}".encode())).fetchall()
            found += [{"view": view, **row} for row in rows]
        return found


@pytest.fixture
def town(database: str) -> Callable[[], AbstractAsyncContextManager[Town]]:
    """`async with town() as here:` opens the town of this test's database."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Town]:
        async with await db.connect(database) as conn:
            await conn.execute(
                """INSERT INTO district (code, name_zh, name_en) VALUES ('wanxiu', '万秀', 'Wanxiu')
                   ON CONFLICT DO NOTHING"""
            )
            await conn.execute(
                """INSERT INTO home (code, district_id, address, lat, lon, watched_from)
                   SELECT 'WX-001', id, '大东路 1 号', 23.48, 111.3, %s FROM district WHERE code = 'wanxiu'
                   ON CONFLICT DO NOTHING""",
                [NOW],
            )
            yield Town(database, conn)

    return opened


@pytest.fixture
def run() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Runs a story to its end."""
    return asyncio.run


@pytest.fixture
def catalogue() -> None:
    """The texts as the composition root puts them together."""
    texts.register("cloudfamily_timebank")
