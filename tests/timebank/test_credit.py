"""A verified visit becomes minutes, once, whoever works on it and whatever breaks."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from cloudfamily_platform.core import db
from cloudfamily_timebank import credit, ledger


def test_a_verified_visit_is_credited(town: Any, run: Any) -> None:
    async def story() -> None:
        async with town() as here, await db.connect(here.url) as ear:
            await ear.execute("LISTEN transfer")
            volunteer = await here.person("volunteer")
            ended_at = here.now - timedelta(hours=2)
            visit = await here.visit(volunteer, 45.9, ended_at=ended_at)

            assert await credit.step(here.conn, here.now)
            assert not await credit.step(here.conn, here.now)
            assert await ledger.balance(here.conn, volunteer) == ledger.Balance(minutes=30, held=0, honour_minutes=15)
            lines = await ledger.statement(here.conn, volunteer, 10)
            assert sorted((line.kind, line.minutes, line.at) for line in lines) == [
                ("credit", 30, ended_at),
                ("honour", 15, ended_at),
            ]
            assert await here.value("SELECT count(DISTINCT actor_id) FROM transfer WHERE policy = 'wuzhou-1'") == 1
            assert await here.due(visit) is None
            assert await here.audits() == []
            assert [note.channel async for note in ear.notifies(timeout=60, stop_after=1)] == ["transfer"]

    run(story())


def test_a_visit_is_not_credited_before_it_is_due(town: Any, run: Any) -> None:
    async def story() -> None:
        async with town() as here:
            visit = await here.visit(await here.person("volunteer"), 45)
            assert not await credit.step(here.conn, here.now - timedelta(seconds=1))
            assert await here.due(visit) == here.now
            due = await (await here.conn.execute(credit.STAGE.oldest_due)).fetchone()
            assert due == {"due_at": here.now}

    run(story())


def test_five_workers_credit_each_visit_once(town: Any, run: Any) -> None:
    async def story() -> None:
        async with town() as here, db.pool(here.url, size=5) as pool:
            volunteers = [await here.person("volunteer") for _ in range(3)]
            for volunteer in volunteers * 4:
                await here.visit(volunteer, 45)

            async def work() -> int:
                units = 0
                async with pool.connection() as conn:
                    while await credit.step(conn, here.now):
                        units += 1
                return units

            assert sum(await asyncio.gather(*(work() for _ in range(5)))) == 12
            for volunteer in volunteers:
                balance = await ledger.balance(here.conn, volunteer)
                assert (balance.minutes, balance.honour_minutes) == (120, 60)
            assert await here.audits() == []

    run(story())


def test_a_worker_killed_before_its_commit_leaves_the_visit_due(town: Any, run: Any) -> None:
    async def story() -> None:
        async with town() as here:
            volunteer = await here.person("volunteer")
            visit = await here.visit(volunteer, 45)

            async def die() -> None:
                async with await db.connect(here.url) as doomed, doomed.transaction():
                    assert await credit.step(doomed, here.now)
                    await here.value("SELECT pg_terminate_backend(%s)", doomed.info.backend_pid)

            with pytest.raises(psycopg.OperationalError):
                await die()
            assert await here.transfers() == 0
            assert await here.due(visit) == here.now
            assert await credit.step(here.conn, here.now)
            assert (await ledger.balance(here.conn, volunteer)).minutes == 30

    run(story())


@pytest.mark.parametrize("roles", [("caregiver",), (), ("operator",)])
def test_only_volunteers_are_credited(town: Any, run: Any, roles: tuple[str, ...]) -> None:
    async def story() -> None:
        async with town() as here:
            visit = await here.visit(await here.person(*roles), 45)
            assert await credit.step(here.conn, here.now)
            assert await here.due(visit) is None
            assert await here.transfers() == 0

    run(story())


def test_who_came_and_was_sent_home_at_once_still_gets_the_least(town: Any, run: Any) -> None:
    async def story() -> None:
        async with town() as here:
            visit = await here.visit(await here.person("volunteer"), 0.9)
            assert await credit.step(here.conn, here.now)
            assert await here.due(visit) is None
            assert await here.transfers() == 1
            assert await here.value("SELECT minutes FROM transfer") == 30

    run(story())


def test_a_visit_made_due_again_is_not_credited_again(town: Any, run: Any) -> None:
    async def story() -> None:
        async with town() as here:
            volunteer = await here.person("volunteer")
            # At the cap, so that the second time would count otherwise than the first: everything to the pool.
            await here.account(volunteer, cap=30)
            visit = await here.visit(volunteer, 45)
            assert await credit.step(here.conn, here.now)
            await here.conn.execute("UPDATE visit SET credit_due_at = %s WHERE id = %s", [here.now, visit])
            assert await credit.step(here.conn, here.now)
            assert await here.due(visit) is None
            assert await here.value("SELECT sum(minutes) FROM transfer") == 45

    run(story())


def test_what_passes_the_cap_flows_into_the_districts_pool(town: Any, run: Any) -> None:
    async def story() -> None:
        async with town() as here:
            volunteer = await here.person("volunteer")
            await here.account(volunteer, cap=100)
            await here.visit(volunteer, 90)
            await here.visit(volunteer, 60)
            while await credit.step(here.conn, here.now):
                pass
            assert (await ledger.balance(here.conn, volunteer)).minutes == 100
            pool = """SELECT minutes FROM account_balance JOIN district ON id = district_id
                      WHERE kind = 'pool' AND code = 'wanxiu'"""
            assert await here.value(pool) == 50
            assert await here.audits() == []

    run(story())


def test_workers_at_once_do_not_pass_the_cap_together(town: Any, run: Any) -> None:
    async def story() -> None:
        async with town() as here, db.pool(here.url, size=5) as pool:
            volunteer = await here.person("volunteer")
            await here.account(volunteer, cap=100)
            visits = [await here.visit(volunteer, 60) for _ in range(10)]

            async def work() -> None:
                async with pool.connection() as conn:
                    while await credit.step(conn, here.now):
                        pass

            await asyncio.gather(*(work() for _ in range(5)))
            assert [await here.due(visit) for visit in visits] == [None] * 10
            assert (await ledger.balance(here.conn, volunteer)).minutes == 100
            assert await here.value("SELECT sum(minutes) FROM transfer WHERE kind = 'overflow'") == 500
            assert await here.audits() == []

    run(story())


def test_a_visit_that_cannot_be_credited_waits_an_hour_and_the_others_go_on(town: Any, run: Any) -> None:
    async def story() -> None:
        async with town() as here:
            volunteer, other = await here.person("volunteer"), await here.person("volunteer")
            # Their honour is full, which no pack foresees: the first half of the visit must not stay behind.
            honours = await here.account(volunteer, ledger.HONOUR, cap=10)
            bad = await here.visit(volunteer, 45)
            good = await here.visit(other, 45)
            while await credit.step(here.conn, here.now):
                pass
            assert await here.due(bad) == here.now + timedelta(hours=1)
            assert await here.due(good) is None
            assert await ledger.statement(here.conn, volunteer, 10) == []
            assert (await ledger.balance(here.conn, other)).minutes == 30

            await here.conn.execute("UPDATE balance SET hi = NULL WHERE account_id = %s", [honours])
            assert await credit.step(here.conn, here.now + timedelta(hours=1))
            assert (await ledger.balance(here.conn, volunteer)).minutes == 30
            assert await here.audits() == []

    run(story())
