"""The live feed: what has been committed is on the page at once, in order, without a gap or a double, whatever breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from cloudfamily_platform.alerts import alert, escalate, respond
from cloudfamily_platform.alerts.rules import signals
from cloudfamily_platform.core import db
from cloudfamily_platform.web import stream


async def take(events: AsyncIterator[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    return [await anext(events) for _ in range(count)]


async def note(conn: db.Connection, world: Any, alert_id: int, text: object) -> None:
    async with conn.transaction():
        await alert.add_event(conn, alert_id, "note", world.now, params={"text": str(text)})


def test_what_is_committed_comes_at_once(world: Any, site: Callable[..., Any], alarm: Callable[..., int]) -> None:
    home = world.home()
    operator = world.person("operator", "operator")
    alert_id = alarm()

    async def story() -> None:
        async with site() as here:
            client = await here.client(operator)
            _, listed = await client.get("/api/alerts")
            async with client.stream(after=listed["position"]) as events:
                async with world.conn.transaction():
                    await alert.add_event(world.conn, alert_id, "note", world.now, actor_id=operator.id, params={"text": "hello"})
                    await asyncio.sleep(0.05)
                    assert next(iter(here.hub.clients)).queue.empty()  # not before the commit
                said = await anext(events)
                assert (said["event"], said["id"]) == ("alert", said["data"]["event"]["id"])
                assert said["data"]["event"] | {"id": 0} == {
                    "id": 0, "alert_id": alert_id, "at": "2026-11-23T08:00:00.000Z", "kind": "note", "actor": "测试·operator", "params": {"text": "hello"},
                }  # fmt: skip
                assert said["data"]["alert"]["elder"] == "测试·elder-WX-001"
                # A second kind opens while the page is there.
                async with world.conn.transaction():
                    where = {"home_id": home, "district_id": world.district_id, "device_code": "WX-001-smoke", "seq": None, "canary": False}
                    await alert.open_alert(world.conn, signals.judge("smoke", {}, "WX-001-smoke"), **where, now=world.now)
                said = await anext(events)
                assert (said["data"]["event"]["kind"], said["data"]["alert"]["kind"]) == ("opened", "smoke")

    world.run(story())


def test_each_hears_what_they_may(world: Any, site: Callable[..., Any], alarm: Callable[..., int]) -> None:
    cast = {"daughter": world.family(world.home("WX-001"), "daughter"), "son": world.family(world.home("WX-002"), "son")}
    cast |= {"near": world.responder("near", km=0.4, chat=1), "operator": world.person("operator", "operator")}
    cast["canary"] = world.person("canary", "operator", city=True, canary=True)
    alert_id = alarm()
    world.drain(*escalate.STAGES)

    async def story() -> None:
        async with site() as here:
            clients = {code: await here.client(person) for code, person in cast.items()}

            async def heard(code: str, last: int) -> list[tuple[str, str | None, Any]]:
                """Everything from the beginning, until line `last`."""
                found = []
                async with clients[code].stream(after=0) as events:
                    async for said in events:
                        event, shown = said["data"]["event"], said["data"]["alert"]
                        found.append((event["kind"], event["actor"], shown["elder"]))
                        if event["id"] >= last:
                            break
                return found

            last = (await clients["operator"].get("/api/alerts"))[1]["position"]
            everything = [("opened", None), ("offered", "测试·near"), ("not_told", "测试·daughter"), ("nobody_told", None)]
            elder = "测试·elder-WX-001"
            for code in ("operator", "daughter"):
                assert sorted(await heard(code, last), key=str) == sorted([(kind, actor, elder) for kind, actor in everything], key=str)
            assert await heard("near", last) == [(kind, None, None) for kind, _, _ in await heard("operator", last)]  # masked: neither who nor where

            for code in ("son", "canary"):  # they hear nothing of it, but do of their own
                async with clients[code].stream(after=0) as events:
                    waiting = asyncio.create_task(anext(events))  # type: ignore[arg-type]
                    await respond.add_note(world.conn, alert_id, cast["operator"], "hush", world.now)
                    await here.until(lambda before=last: here.hub.position > before)
                    last = here.hub.position
                    done, _ = await asyncio.wait([waiting], timeout=0.05)
                    assert not done
                    waiting.cancel()

            async with clients["near"].stream(after=last) as events:
                await respond.accept(world.conn, alert_id, cast["near"], world.now)
                said = await anext(events)
                assert (said["data"]["event"]["kind"], said["data"]["alert"]["elder"]) == ("accepted", elder)  # who goes sees whom

    world.run(story())


def test_two_hundred_events_over_broken_connections(world: Any, site: Callable[..., Any]) -> None:
    """Ten writers commit at once while the page loses its connection again and again: each event comes once, in order."""
    for number in range(10):
        world.home(f"WX-{number:03}")
    operator = world.person("operator", "operator")
    live = {"kind": "sos", "severity": "critical", "policy_id": 1, "opened_at": world.now, "due_at": world.now}
    ids = [world.insert("alert", home_id=row["id"], district_id=world.district_id, **live) for row in world.rows("SELECT id FROM home ORDER BY id")]

    async def write(alert_id: int) -> None:
        async with await db.connect(world.url) as conn:
            for number in range(20):
                await note(conn, world, alert_id, number)

    async def story() -> list[dict[str, Any]]:
        heard: list[dict[str, Any]] = []
        async with site() as here:
            client = await here.client(operator)
            writing = asyncio.gather(*(write(alert_id) for alert_id in ids))
            position = 0
            while len(heard) < 200:
                async with client.stream(last_event_id=position) as events:
                    for _ in range(min(23, 200 - len(heard))):
                        heard.append(await anext(events))
                position = heard[-1]["id"]
            await writing
            async with client.stream(last_event_id=position) as events:
                await note(world.conn, world, ids[0], "the last")
                heard.append(await anext(events))
        return heard

    heard = world.run(story())
    numbers = [said["id"] for said in heard]
    assert numbers == sorted(set(numbers))
    assert numbers == [row["id"] for row in world.rows("SELECT id FROM alert_event ORDER BY id")]
    for alert_id in ids:
        texts = [said["data"]["event"]["params"]["text"] for said in heard if said["data"]["alert"]["id"] == alert_id]
        assert texts[:20] == [str(number) for number in range(20)]


def test_too_far_behind_or_ahead_means_load_again(world: Any, site: Callable[..., Any], alarm: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "FURTHEST_BEHIND", 10)
    world.home()
    operator = world.person("operator", "operator")
    alert_id = alarm()

    async def story() -> None:
        async with site() as here:
            client = await here.client(operator)
            for number in range(11):
                await note(world.conn, world, alert_id, number)
            await here.until(lambda: here.hub.position >= 12)
            for after in (0, 10**12):
                async with client.stream(after=after) as events:
                    assert [said async for said in events] == [{"id": 0, "event": "reset", "data": {}}]
            async with client.stream(after=here.hub.position - 10) as events:
                assert len(await take(events, 10)) == 10

    world.run(story())


def test_stopping_is_said_and_quick(world: Any, site: Callable[..., Any], alarm: Callable[..., int]) -> None:
    world.home()
    operator = world.person("operator", "operator")
    alarm()

    async def story() -> None:
        async with site() as here:
            here.server.config.timeout_graceful_shutdown = 600  # nothing is cut off: the stream itself must end
            client = await here.client(operator)
            async with client.stream(after=0) as events:
                assert (await anext(events))["event"] == "alert"
                here.hub.stop()
                here.server.should_exit = True
                assert [said async for said in events] == [{"id": 0, "event": "stop", "data": {}}]
            await here.until(lambda: not here.server.server_state.connections)

    world.run(story())


def test_a_client_that_does_not_read_is_cut_off_and_goes_on_where_it_was(
    world: Any, site: Callable[..., Any], alarm: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "QUEUE", 5)
    monkeypatch.setattr(stream, "PING_SECONDS", 0.02)
    world.home()
    operator = world.person("operator", "operator")
    alert_id = alarm()

    async def story() -> None:
        async with site() as here:
            await here.hub.started.wait()
            position = here.hub.position
            slow = here.hub.stream(operator, position)  # read by hand: what a socket that is full does to it
            assert [await anext(slow), await anext(slow)] == [b"retry: 1000\n\n", stream.PING]  # it has caught up and is live
            await note(world.conn, world, alert_id, 0)
            while (said := await anext(slow)) == stream.PING:
                pass
            assert b'"text":"0"' in said
            first = here.hub.position
            for number in range(1, 9):
                await note(world.conn, world, alert_id, number)
            await here.until(lambda: here.hub.position == first + 8)
            assert [said async for said in slow] == [stream.STOP]  # none of what came after it: a gap would not be noticed
            assert not here.hub.clients

            client = await here.client(operator)
            async with client.stream(last_event_id=first) as events:
                assert [said["data"]["event"]["params"]["text"] for said in await take(events, 8)] == [str(number) for number in range(1, 9)]

    world.run(story())


def test_a_client_that_leaves_is_forgotten(world: Any, site: Callable[..., Any]) -> None:
    operator = world.person("operator", "operator")

    async def story() -> None:
        async with site() as here:
            client = await here.client(operator)
            async with client.stream(), client.stream():
                await here.until(lambda: len(here.hub.clients) == 2)
            await here.until(lambda: not here.hub.clients)

    world.run(story())


def test_a_quiet_stream_says_that_it_lives(world: Any, site: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "PING_SECONDS", 0.02)
    operator = world.person("operator", "operator")

    async def story() -> None:
        async with site() as here:
            client = await here.client(operator)
            async with client.http.get("/api/stream") as answer:
                assert await answer.content.readuntil(b"\n\n") == b"retry: 1000\n\n"
                assert await answer.content.readuntil(b"\n\n") == b": ping\n\n"

    world.run(story())


def test_a_page_that_comes_before_the_feed_is_up_does_not_hear_the_past(world: Any, site: Callable[..., Any], alarm: Callable[..., int]) -> None:
    world.home()
    operator = world.person("operator", "operator")
    alert_id = alarm()

    async def story() -> None:
        async with db.pool(world.url, size=2) as pool:
            hub = stream.Hub(pool)
            early = hub.stream(operator, None)
            assert await anext(early) == b"retry: 1000\n\n"
            first = asyncio.create_task(anext(early))
            running = asyncio.create_task(hub.run())
            await hub.started.wait()
            await note(world.conn, world, alert_id, "news")
            hub.wake()
            assert b'"text":"news"' in await first
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await early.aclose()

    world.run(story())
