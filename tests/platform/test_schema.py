"""What the database itself refuses, whatever the code does."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from typing import Any

import psycopg
import pytest

from cloudfamily_platform.alerts import alert
from cloudfamily_platform.alerts.rules import signals
from cloudfamily_platform.core import db


def test_the_timeline_only_grows(world: Any, alarm: Callable[..., int]) -> None:
    world.home()
    alarm()
    for change in ("UPDATE alert_event SET kind = 'note'", "DELETE FROM alert_event", "TRUNCATE alert_event", "TRUNCATE alert_event CASCADE"):
        with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
            world.sync.execute(change)
        world.sync.execute("SET session_replication_role = replica")  # as a restore does
        with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
            world.sync.execute(change)
        world.sync.execute("RESET session_replication_role")
    assert world.value("SELECT count(*) FROM alert_event") == 1


def test_one_live_alert_a_home_and_kind_however_many_come_at_once(world: Any, timeline: Callable[..., list[str]]) -> None:
    home_id = world.home()

    async def open_one() -> int:
        async with await db.connect(world.url) as conn, conn.transaction():
            where = {"home_id": home_id, "district_id": world.district_id, "device_code": "WX-001-button", "seq": 1, "canary": False}
            return await alert.open_alert(conn, signals.judge("sos", {}, "WX-001-button"), **where, now=world.now)

    async def all_at_once() -> list[int]:
        return await asyncio.gather(*(open_one() for _ in range(10)))

    opened = world.run(all_at_once())
    assert len(set(opened)) == 1
    assert world.rows("SELECT presses, state FROM alert") == [{"presses": 10, "state": "open"}]
    assert timeline(opened[0]) == ["opened", *["pressed_again"] * 9]


def test_a_second_live_alert_is_refused(world: Any, alarm: Callable[..., int]) -> None:
    world.home()
    for column, alert_id in (("home_id", alarm()), ("device_code", alarm(device="somebody-s-button"))):
        more = "kind, severity, policy_id, opened_at, due_at"
        with pytest.raises(psycopg.errors.UniqueViolation, match="alert_one_live"):
            world.sync.execute(f"INSERT INTO alert ({column}, {more}) SELECT {column}, {more} FROM alert WHERE id = %s", [alert_id])


def test_a_line_of_the_timeline_waits_for_nobody_who_holds_the_alert(world: Any, alarm: Callable[..., int], timeline: Callable[..., list[str]]) -> None:
    """Else the one who holds the alert and then writes a line would wait for the one who writes and waits for the alert."""
    world.home()
    alert_id = alarm()

    async def story() -> None:
        async with await db.connect(world.url) as responder, await db.connect(world.url) as deliverer:
            await deliverer.execute("SET lock_timeout = '2s'")
            for name, values in (("lock_alert", {"id": alert_id}), ("claim_alert", {"now": world.now})):
                async with responder.transaction():
                    assert await (await responder.execute(alert.QUERIES[name], values)).fetchone()
                    async with deliverer.transaction():
                        await alert.add_event(deliverer, alert_id, "told", world.now)
                    await alert.add_event(responder, alert_id, "note", world.now)

    world.run(story())
    assert timeline(alert_id) == ["opened", "told", "note", "told", "note"]


IMPOSSIBLE = {
    "a resolved alert without its time": "UPDATE alert SET state = 'resolved', outcome = 'real', due_at = NULL",
    "a resolved alert without its outcome": "UPDATE alert SET state = 'resolved', resolved_at = opened_at, due_at = NULL",
    "a resolved alert with a clock": "UPDATE alert SET state = 'resolved', resolved_at = opened_at, outcome = 'real'",
    "an open alert without a clock": "UPDATE alert SET due_at = NULL",
    "accepted by nobody": "UPDATE alert SET state = 'accepted'",
    "an unknown state": "UPDATE alert SET state = 'asleep'",
    "an unknown outcome": "UPDATE alert SET outcome = 'fine'",
    "of no home and no device": "UPDATE alert SET home_id = NULL, device_code = NULL",
    "an offer that stands for ever": "INSERT INTO offer (alert_id, person_id, distance_m, offered_at) SELECT a.id, p.id, 1, now() FROM alert a, person p",
    "a response that ended without a time": (
        "INSERT INTO response (alert_id, person_id, accepted_at, ended) SELECT a.id, p.id, now(), 'dropped' FROM alert a, person p"
    ),
    "a visit that ends before it begins": (
        "INSERT INTO visit (home_id, person_id, started_at, ended_at) SELECT h.id, p.id, now(), now() - interval '1 s' FROM home h, person p"
    ),
    "a visit verified by its visitor": (
        "INSERT INTO visit (home_id, person_id, started_at, ended_at, verified_at, verified_by)"
        " SELECT h.id, p.id, now(), now(), now(), p.id FROM home h, person p"
    ),
    "credit for a visit not verified": (
        "INSERT INTO visit (home_id, person_id, started_at, ended_at, credit_due_at) SELECT h.id, p.id, now(), now(), now() FROM home h, person p"
    ),
    "a place off the earth": "UPDATE home SET lat = 91",
    "a limit of five minutes": "UPDATE home SET silence_minutes = 5",
    "a device with a slash": "UPDATE device SET code = 'a/b'",
    "a language that nobody wrote": "UPDATE person SET language = 'fr'",
    "an unknown role": "INSERT INTO role (person_id, role) SELECT id, 'boss' FROM person",
}


def test_what_cannot_be(world: Any, alarm: Callable[..., int]) -> None:
    world.home()
    alarm()
    for what, change in IMPOSSIBLE.items():
        try:
            world.sync.execute(change.encode())
        except psycopg.errors.CheckViolation:
            continue
        pytest.fail(f"the database took {what}")


def test_one_live_response_an_alert(world: Any, alarm: Callable[..., int]) -> None:
    world.home()
    alert_id, person_id = alarm(), world.person("volunteer").id
    world.insert("response", alert_id=alert_id, person_id=person_id, accepted_at=world.now)
    with pytest.raises(psycopg.errors.UniqueViolation, match="response_one_live"):
        world.insert("response", alert_id=alert_id, person_id=person_id, accepted_at=world.now)


def test_who_writes_into_one_timeline_does_not_wait_for_who_writes_into_another(world: Any, alarm: Callable[..., int]) -> None:
    """And who reads on sees nothing above what is not settled yet, so that nothing can come in behind them."""
    world.home()
    one, other = alarm(), alarm(kind="fall")

    async def story() -> None:
        async with await db.connect(world.url) as first, await db.connect(world.url) as second, await db.connect(world.url) as reader:
            before = await alert.settled(reader)
            async with first.transaction():
                await alert.add_event(first, one, "note", world.now)
                await alert.add_event(second, other, "note", world.now)  # committed, and the higher number
                assert len(await numbers(reader, above=before)) == 1
                assert await alert.settled(reader) == before
                waiting = asyncio.create_task(alert.add_event(second, one, "note", world.now))
                async with asyncio.timeout(60):
                    while not await seen_waiting(reader):
                        await asyncio.sleep(0.005)
            await waiting
            written = await numbers(reader, above=before)
            assert (len(written), written[-1]) == (3, await alert.settled(reader))

    world.run(story())
    assert world.rows("SELECT FROM audit_timeline") == []


async def numbers(conn: db.Connection, *, above: int) -> list[int]:
    return [row["id"] for row in await (await conn.execute("SELECT id FROM alert_event WHERE id > %s ORDER BY id", [above])).fetchall()]


def test_reading_on_to_what_is_settled_misses_nothing_of_what_eight_write_at_once(world: Any, alarm: Callable[..., int]) -> None:
    """Also of those who take back what they wrote, and of those who take their time to commit."""
    world.home()
    alerts = [alarm(kind=kind) for kind in ("sos", "fall", "smoke", "gas")]
    rng = random.Random(7)

    async def write(conn: db.Connection) -> None:
        for _ in range(60):
            with suppress(ZeroDivisionError):
                async with conn.transaction():
                    for alert_id in sorted(rng.choices(alerts, k=2)):
                        await alert.add_event(conn, alert_id, "note", world.now)
                        await asyncio.sleep(rng.random() / 500)
                    if rng.random() < 0.2:
                        raise ZeroDivisionError

    async def story() -> tuple[list[int], list[int]]:
        async with AsyncExitStack() as stack:
            writers = [await stack.enter_async_context(await db.connect(world.url)) for _ in range(8)]
            reader = await stack.enter_async_context(await db.connect(world.url))
            seen = await numbers(reader, above=0)
            writing = asyncio.gather(*(write(conn) for conn in writers))
            while True:
                over, upto = writing.done(), await alert.settled(reader)
                seen += [number for number in await numbers(reader, above=seen[-1]) if number <= upto]
                if over:
                    await writing
                    return seen, await numbers(reader, above=0)
                await asyncio.sleep(0)

    seen, written = world.run(story())
    assert len(written) > 400
    assert seen == written
    assert world.rows("SELECT FROM audit_timeline") == []


async def seen_waiting(conn: db.Connection) -> bool:
    waiting = "SELECT count(*) AS n FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE datname = current_database() AND NOT granted"
    row = await db.one(await conn.execute(f"{waiting} AND locktype = 'advisory'".encode()))
    return bool(row["n"])
