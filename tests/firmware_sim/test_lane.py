"""A connection that is kept, on a broker that takes messages, breaks off and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cloudfamily_sim import mqtt5
from cloudfamily_sim.lane import Lane, Message

Until = Callable[..., Awaitable[None]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloudfamily_sim.lane.FIRST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr("cloudfamily_sim.lane.FLUSH_SECONDS", 0.05)


def word(number: int) -> Message:
    return f"t/{number}", b"word %d" % number, 1, False


def test_what_was_not_acknowledged_goes_first_over_the_next_connection(scripted: Any, until: Until) -> None:
    async def story() -> None:
        async with scripted() as broker:
            lane = Lane("x", limit=None)
            lane.start(*broker.address)
            await until(lambda: lane.connected)
            for number in range(3):
                lane.send(word(number))
            await until(lambda: b"word 2" in broker.talks[0].heard)
            broker.talks[0].say(mqtt5.puback(2))
            await until(lambda: lane.acknowledged == 1)
            broker.talks[0].transport.abort()
            await until(lambda: not lane.connected)
            lane.send(word(3))
            await until(lambda: len(broker.talks) == 2 and b"word 3" in broker.talks[1].heard)
            heard = bytes(broker.talks[1].heard)
            assert heard.index(b"word 0") < heard.index(b"word 2") < heard.index(b"word 3")
            assert b"word 1" not in heard
            assert not lane.empty
            broker.talks[1].say(mqtt5.puback(1) + mqtt5.puback(2) + mqtt5.puback(3))
            await until(lambda: lane.empty)
            assert (lane.acknowledged, lane.connections, lane.dropped) == (4, 2, 0)
            await lane.stop()

    asyncio.run(story())


def test_the_oldest_goes_when_too_many_wait_and_a_repeated_press_waits_once(scripted: Any) -> None:
    async def story() -> None:
        readings, presses = Lane("r", limit=3), Lane("p", limit=None, once=True)
        for number in range(5):
            readings.send(word(number))
            presses.send(word(number % 2))
        assert [message[0] for message in readings.waiting] == ["t/2", "t/3", "t/4"]
        assert readings.dropped == 2
        assert [message[0] for message in presses.waiting] == ["t/0", "t/1"]

    asyncio.run(story())


def test_a_message_that_the_broker_never_takes_is_counted_and_the_next_one_goes(scripted: Any, until: Until) -> None:
    async def story() -> None:
        async with scripted(b"\x20\x08\x00\x00\x05\x27\x00\x00\x00\x40") as broker:  # packets of at most 64 bytes
            lane = Lane("x", limit=None)
            lane.send(("t", b"x" * 100, 1, False))
            lane.send(word(1))
            lane.start(*broker.address)
            await until(lambda: broker.talks and b"word 1" in broker.talks[0].heard)
            assert (lane.refused, lane.sent) == (1, 1)
            await lane.stop()

    asyncio.run(story())
