"""The fast MQTT 5 connection, on the embedded broker, on mosquitto, and on a broker that misbehaves."""

from __future__ import annotations

import asyncio
import struct
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cloudfamily_sim import mqtt5
from cloudfamily_sim.pipe import Pipe, Refused, Will

Broker = tuple[str, int]
Until = Callable[..., Awaitable[None]]
READING = b'{"t":"2026-11-23T08:00:00.000Z","seq":17,"values":{"temperature":21.4,"humidity":40,"battery":93}}'


async def connected(broker: Broker, **more: Any) -> Pipe:
    pipe = Pipe(f"pipe-{uuid.uuid4().hex[:8]}", **more)
    await pipe.connect(*broker)
    return pipe


@pytest.fixture
def room() -> str:
    """A topic of this test alone."""
    return f"pipe/{uuid.uuid4().hex[:8]}"


def test_what_is_published_arrives_once_in_order_and_is_acknowledged(any_broker: Broker, room: str, until: Until) -> None:
    async def story() -> None:
        heard: list[tuple[str, bytes]] = []
        ear = await connected(any_broker, on_message=lambda topic, payload: heard.append((topic, payload)))
        await ear.subscribe(f"{room}/#")
        pipe = await connected(any_broker)
        sent = [(f"{room}/{number % 7}", b"%d " % number + b"x" * (number % 300)) for number in range(3000)]
        for topic, payload in sent:
            if not pipe.free:
                await pipe.room()
            pipe.publish(topic.encode(), payload)
        await pipe.drain()
        await until(lambda: len(heard) >= 3000)
        assert heard == sent
        assert (pipe.published, pipe.acknowledged, pipe.refused, pipe.unanswered) == (3000, 3000, 0, {})
        await pipe.close()
        await ear.close()

    asyncio.run(story())


@pytest.mark.parametrize("size", [0, 1, 90, 100, 128, 16_300, 16_400, 70_000])
def test_messages_of_every_size_arrive_whole(broker: Broker, room: str, until: Until, size: int) -> None:
    async def story() -> None:
        heard: list[tuple[str, bytes]] = []
        pipe = await connected(broker, on_message=lambda *message: heard.append(message))
        await pipe.subscribe(room)
        for qos in (0, 1):
            pipe.publish(room, b"y" * size, qos)
        await until(lambda: len(heard) == 2)
        assert heard == [(room, b"y" * size)] * 2
        await pipe.close()

    asyncio.run(story())


def test_the_will_is_said_when_a_device_falls_and_not_when_it_leaves(any_broker: Broker, room: str, until: Until) -> None:
    async def story() -> None:
        heard: list[tuple[str, bytes]] = []
        ear = await connected(any_broker, on_message=lambda *message: heard.append(message))
        await ear.subscribe(f"{room}/#")
        leaves, falls = (Pipe(f"{name}-{uuid.uuid4().hex[:6]}") for name in ("leaves", "falls"))
        for name, pipe in (("leaves", leaves), ("falls", falls)):
            await pipe.connect(*any_broker, will=Will(f"{room}/{name}", b"offline", retain=False))
        await leaves.close()
        falls.abort()
        await until(lambda: heard)
        assert heard == [(f"{room}/falls", b"offline")]
        await ear.close()

    asyncio.run(story())


def test_a_full_window_is_said_and_makes_room_again(scripted: Any, until: Until) -> None:
    async def story() -> None:
        async with scripted(b"\x20\x06\x00\x00\x03\x21\x00\x04") as server:  # Receive Maximum 4
            pipe = await connected(server.address)
            assert (pipe.window, pipe.free) == (4, 4)
            for number in range(4):
                pipe.publish(b"t", b"%d" % number)
            assert pipe.free == 0
            with pytest.raises(BufferError):
                pipe.publish(b"t", b"one too many")
            waiting = asyncio.create_task(pipe.room())
            server.talks[0].say(mqtt5.puback(1))
            await until(lambda: pipe.free == 1)
            assert not waiting.done(), "half the window is worth a burst, one message is not"
            server.talks[0].say(mqtt5.puback(2))
            assert await waiting == 2
            pipe.publish(b"t", b"4")
            assert list(pipe.unanswered) == [3, 4, 5]
            await pipe.close()

    asyncio.run(story())


def test_acknowledgements_in_pieces_and_of_every_shape_are_counted_once(scripted: Any, until: Until) -> None:
    async def story() -> None:
        async with scripted() as server:
            pipe = await connected(server.address)
            for _ in range(6):
                pipe.publish(b"t", b"")
            short = mqtt5.puback(1) + mqtt5.puback(1) + mqtt5.puback(900)
            nobody_listens, refused = b"\x40\x03\x00\x02\x10", b"\x40\x04\x00\x03\x97\x00"
            all_of_it = short + nobody_listens + refused + mqtt5.puback(4) + mqtt5.puback(6)
            for number in range(len(all_of_it)):
                server.talks[0].say(all_of_it[number : number + 1])
                await asyncio.sleep(0.001)
            await until(lambda: len(pipe.unanswered) == 1)
            assert (pipe.acknowledged, pipe.refused, list(pipe.unanswered)) == (4, 1, [5])
            await pipe.close()

    asyncio.run(story())


def test_when_the_way_breaks_what_was_not_acknowledged_is_kept_in_order(scripted: Any, broker: Broker, room: str, until: Until) -> None:
    async def story() -> None:
        why: list[Exception | None] = []
        async with scripted() as server:
            pipe = await connected(server.address, on_close=why.append)
            for number in range(5):
                pipe.publish(room, b"%d" % number)
            await asyncio.sleep(0)
            draining = asyncio.create_task(pipe.drain())
            server.talks[0].say(mqtt5.puback(2))
            await until(lambda: pipe.acknowledged)
            server.talks[0].transport.abort()
            with pytest.raises(ConnectionError):
                await draining
        assert isinstance(why[0], OSError)
        with pytest.raises(ConnectionError):
            pipe.publish(room, b"")
        heard: list[bytes] = []
        again = await connected(broker, on_message=lambda _, payload: heard.append(payload))
        await again.subscribe(room)
        for message in pipe.unanswered.values():
            again.publish(*message)
        await until(lambda: len(heard) == 4)
        assert heard == [b"0", b"2", b"3", b"4"]
        await again.close()

    asyncio.run(story())


def test_packet_ids_go_round_and_pass_over_those_in_use(broker: Broker, room: str) -> None:
    async def story() -> None:
        pipe = await connected(broker)
        pipe.last_id = mqtt5.MOST_IN_FLIGHT - 1
        pipe.unanswered[1] = (b"", b"", 1, False)
        assert [pipe.next_id(), pipe.next_id(), pipe.next_id()] == [65_535, 2, 3]
        await pipe.close()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("welcome", "words"),
    [
        (b"\x20\x03\x00\x86\x00", "bad user name or password"),
        (b"\x20\x03\x00\x87\x00", "not authorized"),
        (b"\x20\x02\x00\x84", "refused"),
    ],
)
def test_a_broker_that_says_no_is_quoted(scripted: Any, welcome: bytes, words: str) -> None:
    async def story() -> None:
        async with scripted(welcome) as server:
            with pytest.raises(Refused, match=words):
                await connected(server.address)

    asyncio.run(story())


def test_a_port_where_nobody_speaks_mqtt_is_an_error_and_no_wait_without_end(scripted: Any) -> None:
    async def story() -> None:
        async with scripted(b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
            with pytest.raises(ConnectionError):
                await connected(server.address)
        async with scripted(b"") as server:
            with pytest.raises(TimeoutError):
                await Pipe("nobody").connect(*server.address, timeout_s=0.05)
        with pytest.raises(OSError):
            await Pipe("nobody").connect("127.0.0.1", server.address[1])

    asyncio.run(story())


def test_a_refused_subscription_and_a_packet_that_is_too_large_are_errors(scripted: Any, until: Until) -> None:
    async def story() -> None:
        async with scripted(b"\x20\x08\x00\x00\x05\x27" + struct.pack(">I", 50)) as server:
            pipe = await connected(server.address)
            with pytest.raises(ValueError, match="50"):
                pipe.publish(b"t", b"x" * 50)
            asking = asyncio.create_task(pipe.subscribe("not/for/you"))
            await until(lambda: pipe.subscribing)
            (number,) = pipe.subscribing
            server.talks[0].say(b"\x90\x04" + struct.pack(">HBB", number, 0, 0x87))
            with pytest.raises(Refused, match="not authorized"):
                await asking
            await pipe.close()

    asyncio.run(story())


def test_it_pings_while_there_is_nothing_to_say_and_leaves_a_silent_broker(scripted: Any, until: Until) -> None:
    async def story() -> None:
        async with scripted() as server:
            why: list[Exception | None] = []
            pipe = await connected(server.address, keepalive_seconds=1, on_close=why.append)
            pipe.keepalive_seconds = 0  # as fast as the loop turns, from the first beat on
            await until(lambda: why)
            assert server.talks[0].heard.endswith(mqtt5.PINGREQ * 3)
            assert "silent" in str(why[0])

    asyncio.run(story())
