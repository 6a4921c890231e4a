"""The ledger refuses what it must, keeps what it took, and never counts anything twice."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import uuid
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudfamily_platform.core import db, errors
from cloudfamily_timebank import ledger


def test_asking_twice_is_asking_once(town: Any, run: Any) -> None:
    async def story() -> None:
        async with town() as here:
            giver, taker = await here.person(), await here.person()
            await here.earn(giver, 120)
            asked = await here.gift(giver, taker, 30)
            first = await ledger.post(here.conn, asked)
            again = await ledger.post(here.conn, dataclasses.replace(asked, written_at=here.now + timedelta(hours=1)))

            assert not first.repeated
            assert again == dataclasses.replace(first, repeated=True)
            assert (await ledger.balance(here.conn, giver)).minutes == 90
            assert (await ledger.balance(here.conn, taker)).minutes == 30
            assert await here.audits() == []

    run(story())


def test_another_request_under_the_same_id_is_refused(town: Any, run: Any, subtests: pytest.Subtests) -> None:
    async def story() -> None:
        async with town() as here:
            giver, taker, third = await here.person(), await here.person(), await here.person()
            await here.earn(giver, 120)
            await here.earn(third, 120)
            asked = await here.gift(giver, taker, 30)
            await ledger.post(here.conn, asked)
            changes: dict[str, Any] = {
                "minutes": 31,
                "reason": "thanks",
                "kind": "donation",
                "policy": "wuzhou-2",
                "canary": True,
                "event_at": here.now - timedelta(seconds=1),
                "debit_id": await here.account(third),
            }
            for name, value in changes.items():
                with subtests.test(name), pytest.raises(ledger.DifferentRequest):
                    await ledger.post(here.conn, dataclasses.replace(asked, **{name: value}))
            assert (await ledger.balance(here.conn, taker)).minutes == 30

    run(story())


#: What is asked for instead of a gift of 30 minutes out of 120.
REFUSED: list[tuple[dict[str, Any], type[errors.Refusal]]] = [
    ({"minutes": 0}, ledger.MinutesOutOfRange),
    ({"minutes": -30}, ledger.MinutesOutOfRange),
    ({"minutes": 100_001}, ledger.MinutesOutOfRange),
    ({"minutes": 2**63}, ledger.MinutesOutOfRange),
    ({"minutes": -(2**63)}, ledger.MinutesOutOfRange),
    ({"minutes": 0.5}, ledger.MinutesOutOfRange),
    ({"minutes": 30.5}, ledger.MinutesOutOfRange),
    ({"minutes": float("nan")}, ledger.MinutesOutOfRange),
    ({"minutes": float("inf")}, ledger.MinutesOutOfRange),
    ({"minutes": 121}, ledger.Overdraft),
    ({"credit_id": "giver"}, ledger.SameAccount),
    ({"credit_id": "honours"}, ledger.UnitsDiffer),
    ({"credit_id": 987_654}, ledger.NoSuchAccount),
    ({"kind": "credit"}, ledger.KindNotAllowed),
    ({"kind": "'; DROP TABLE transfer; --"}, ledger.KindNotAllowed),
    ({"reason": "长" * 201}, ledger.ReasonTooLong),
]


def test_what_the_ledger_refuses(town: Any, run: Any, subtests: pytest.Subtests) -> None:
    async def story() -> None:
        async with town() as here:
            giver, taker = await here.person(), await here.person()
            await here.earn(giver, 120)
            accounts = {"giver": await here.account(giver), "honours": await here.account(taker, ledger.HONOUR, None)}
            asked = await here.gift(giver, taker, 30)
            for change, refusal in REFUSED:
                changed = {key: accounts.get(str(value), value) for key, value in change.items()}
                with subtests.test(str(change)):
                    with pytest.raises(refusal) as caught:
                        await ledger.post(here.conn, dataclasses.replace(asked, **changed))
                    assert caught.value.code == refusal.code
                    assert await here.transfers() == 1
                    assert (await ledger.balance(here.conn, giver)).minutes == 120

            # The id is not burnt: the right request under it is taken.
            assert not (await ledger.post(here.conn, asked)).repeated
            assert await here.audits() == []

    run(story())


def test_held_minutes_cannot_be_spent_and_nobody_passes_the_cap(town: Any, run: Any) -> None:
    async def story() -> None:
        async with town() as here:
            giver, taker = await here.person(), await here.person()
            await here.earn(giver, 120)
            taking = await here.account(taker, cap=40)
            with pytest.raises(ledger.CapReached):
                await ledger.post(here.conn, await here.gift(giver, taker, 41))
            await ledger.post(here.conn, await here.gift(giver, taker, 40))

            await here.conn.execute("UPDATE balance SET held = 30 WHERE account_id = %s", [taking])
            with pytest.raises(ledger.Overdraft):
                await ledger.post(here.conn, await here.gift(taker, giver, 11))
            assert await ledger.balance(here.conn, taker) == ledger.Balance(minutes=40, held=30, honour_minutes=0)

    run(story())


def test_twenty_at_once_with_one_id_are_one_transfer(town: Any, run: Any) -> None:
    async def story() -> None:
        async with town() as here, db.pool(here.url, size=20) as pool:
            giver, taker = await here.person(), await here.person()
            await here.earn(giver, 600)
            asked = await here.gift(giver, taker, 30)

            async def ask() -> ledger.Posted:
                async with pool.connection() as conn:
                    return await ledger.post(conn, asked)

            answers = await asyncio.gather(*(ask() for _ in range(20)))
            assert len({answer.seq for answer in answers}) == 1
            assert sorted(answer.repeated for answer in answers) == [False] + [True] * 19
            assert (await ledger.balance(here.conn, taker)).minutes == 30
            assert await here.audits() == []

    run(story())


@pytest.mark.parametrize("first_commits", [True, False])
def test_the_second_of_two_with_one_id_waits_for_the_first(town: Any, run: Any, first_commits: bool) -> None:
    """They have no balance in common that would make them queue, so the id itself must."""

    async def story() -> None:
        async with town() as here, await db.connect(here.url) as one, await db.connect(here.url) as two:
            asked = []
            for _ in range(2):
                giver, taker = await here.person(), await here.person()
                await here.earn(giver, 60)
                asked.append(await here.gift(giver, taker, 30, id=uuid.UUID(int=7)))

            async with one.transaction(force_rollback=not first_commits):
                await ledger.post(one, asked[0])
                second = asyncio.create_task(ledger.post(two, asked[1]))
                await waits(here, two)
            if first_commits:
                with pytest.raises(ledger.DifferentRequest):
                    await second
            else:
                assert not (await second).repeated
            assert await here.value("SELECT count(*) FROM transfer WHERE kind = 'gift'") == 1
            assert await here.audits() == []

    run(story())


def test_the_second_of_two_between_public_accounts_gets_the_first_answer(town: Any, run: Any) -> None:
    """No person's balance at all, and the very same request."""

    async def story() -> None:
        async with town() as here, await db.connect(here.url) as one, await db.connect(here.url) as two:
            visit_id = await here.visit(await here.person("volunteer"), 60)
            asked = dataclasses.replace(
                await here.gift(await here.person(), await here.person(), 30, kind="overflow", visit_id=visit_id),
                debit_id=await ledger.public_account(here.conn, "issue", ledger.EXCHANGEABLE, None, here.now),
                credit_id=await ledger.public_account(here.conn, "pool", ledger.EXCHANGEABLE, None, here.now),
            )
            async with one.transaction():
                first = await ledger.post(one, asked)
                second = asyncio.create_task(ledger.post(two, asked))
                await waits(here, two)
            assert await second == dataclasses.replace(first, repeated=True)
            assert await here.transfers() == 1

    run(story())


def test_balances_are_locked_in_the_order_of_their_accounts(town: Any, run: Any) -> None:
    """Whoever waits for the lower account must not yet hold the higher one: nobody waits in a circle."""

    async def story() -> None:
        async with town() as here, await db.connect(here.url) as one, await db.connect(here.url) as two:
            taker, giver = await here.person(), await here.person()
            low, high = await here.account(taker), await here.account(giver)
            await here.earn(giver, 60)
            # The lower account's row now lies behind the higher one's in the table.
            await here.conn.execute("DELETE FROM balance WHERE account_id = %s", [low])
            await here.conn.execute("INSERT INTO balance (account_id) VALUES (%s)", [low])
            asked = await here.gift(giver, taker, 30)
            async with one.transaction():
                await one.execute("SELECT FROM balance WHERE account_id = %s FOR UPDATE", [low])
                posting = asyncio.create_task(ledger.post(two, asked))
                await waits(here, two)
                free = "SELECT account_id FROM balance WHERE account_id = %s FOR UPDATE SKIP LOCKED"
                assert await here.value(free, high) == high
            assert not (await posting).repeated

    run(story())


async def waits(here: Any, conn: db.Connection) -> None:
    """Until this connection waits for a lock; five seconds at most."""
    for _ in range(500):
        kind = "SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s"
        if await here.value(kind, conn.info.backend_pid) == "Lock":
            return
        await asyncio.sleep(0.01)
    raise TimeoutError("nobody waits")


def test_people_who_give_to_each_other_at_once_lose_nothing(town: Any, run: Any) -> None:
    """Four people, every pair in both directions, at once: no deadlock, no lost update."""

    async def story() -> None:
        async with town() as here, db.pool(here.url, size=12) as pool:
            people = [await here.person() for _ in range(4)]
            for person_id in people:
                await here.earn(person_id, 600)
            asked = [await here.gift(a, b, 5) for a, b in itertools.permutations(people, 2) for _ in range(10)]

            async def ask(transfer: ledger.Transfer) -> None:
                async with pool.connection() as conn:
                    await ledger.post(conn, transfer)

            await asyncio.gather(*(ask(transfer) for transfer in asked))
            assert [(await ledger.balance(here.conn, person_id)).minutes for person_id in people] == [600] * 4
            assert await here.audits() == []

    run(story())


def test_what_is_written_stays(town: Any, run: Any, subtests: pytest.Subtests) -> None:
    """Also in a session that switches ordinary triggers off."""
    changes = ("UPDATE {} SET unit = 1", "DELETE FROM {}", "TRUNCATE {} CASCADE")

    async def story() -> None:
        async with town() as here:
            await here.earn(await here.person(), 30)
            for role, table, change in itertools.product(("origin", "replica"), ("transfer", "account"), changes):
                await here.conn.execute(f"SET session_replication_role = {role}".encode())
                with subtests.test(f"{role}: {change.format(table)}"):
                    with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
                        await here.conn.execute(change.format(table).encode())
                    assert await here.transfers() == 1

    run(story())


def test_the_audits_see_what_a_superuser_slips_in(town: Any, run: Any) -> None:
    async def story() -> None:
        async with town() as here:
            giver, taker = await here.person(), await here.person()
            await here.earn(giver, 60)
            mine, honours = await here.account(giver), await here.account(taker, ledger.HONOUR, None)
            assert await here.audits() == []
            await here.conn.execute("SET session_replication_role = replica")
            await here.conn.execute(
                """INSERT INTO transfer (id, debit_id, credit_id, unit, minutes, kind, policy, reason,
                                         event_at, written_at, request_digest, canary)
                   SELECT %s, debit_id, %s, unit, 60, kind, policy, reason,
                          event_at, written_at, request_digest, canary FROM transfer WHERE credit_id = %s""",
                [uuid.uuid4(), honours, mine],
            )
            seen = {found["view"] for found in await here.audits()}
            assert seen == {"audit_sum_zero", "audit_balance_matches", "audit_one_credit_per_visit"}

    run(story())


def test_a_statement_shows_both_sides_with_the_newest_first(town: Any, run: Any) -> None:
    async def story() -> None:
        async with town() as here:
            giver, taker = await here.person(), await here.person()
            await here.earn(giver, 120)
            await ledger.post(here.conn, await here.gift(giver, taker, 30, reason="生日快乐"))

            lines = await ledger.statement(here.conn, giver, 10)
            assert [(line.minutes, line.kind, line.reason) for line in lines] == [
                (-30, "gift", "生日快乐"),
                (120, "credit", ""),
            ]
            assert [line.minutes for line in await ledger.statement(here.conn, taker, 10)] == [30]
            assert len(await ledger.statement(here.conn, giver, 1)) == 1
            stranger = await here.person()
            assert await ledger.statement(here.conn, stranger, 10) == []
            assert await ledger.balance(here.conn, stranger) == ledger.Balance(minutes=0, held=0, honour_minutes=0)

    run(story())


MOVES = st.tuples(st.integers(0, 2), st.integers(0, 2), st.one_of(st.integers(-2, 130), st.integers()), st.booleans())


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(moves=st.lists(MOVES, max_size=12))
def test_whatever_is_asked_the_sums_stay_zero(town: Any, run: Any, moves: list[tuple[int, int, int, bool]]) -> None:
    """Three people give to each other at random, some ask twice; a dictionary says what must come of it."""

    async def story() -> None:
        async with town() as here:
            people = [await here.person() for _ in range(3)]
            for person_id in people:
                await here.account(person_id, cap=150)
                await here.earn(person_id, 90)
            have = dict.fromkeys(people, 90)
            for a, b, minutes, twice in moves:
                giver, taker = people[a], people[b]
                fits = 1 <= minutes <= have[giver] and have[taker] + minutes <= 150 and giver != taker
                asked = await here.gift(giver, taker, minutes)
                for _ in range(1 + twice):
                    assert await taken(here.conn, asked) == fits
                if fits:
                    have[giver] -= minutes
                    have[taker] += minutes
            assert {who: (await ledger.balance(here.conn, who)).minutes for who in people} == have
            assert await here.audits() == []

    async def taken(conn: db.Connection, transfer: ledger.Transfer) -> bool:
        try:
            await ledger.post(conn, transfer)
        except errors.Refusal:
            return False
        return True

    run(story())
