"""One device with its own connection: will, status, answers, commands, and a broker that goes away."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from cloudfamily_sim.button import Button
from cloudfamily_sim.devices import Hub, MotionSensor
from cloudfamily_sim.pipe import Pipe
from cloudfamily_sim.solo import Solo

Broker = tuple[str, int]
Until = Callable[..., Awaitable[None]]


class Platform:
    """Hears one device, and can answer it."""

    def __init__(self, code: str) -> None:
        self.code, self.heard = code, list[tuple[str, bytes]]()
        self.pipe = Pipe(f"ear-{uuid.uuid4().hex[:8]}", on_message=lambda topic, payload: self.heard.append((topic.rsplit("/", 1)[1], payload)))

    async def listen(self, broker: Broker) -> None:
        await self.pipe.connect(*broker)
        await self.pipe.subscribe(f"cf/v1/{self.code}/+")

    def said(self, what: str) -> list[Any]:
        return [payload.decode() if what == "status" else json.loads(payload) for topic, payload in self.heard if topic == what]

    def say(self, what: str, said: dict[str, Any]) -> None:
        self.pipe.publish(f"cf/v1/{self.code}/{what}", json.dumps(said).encode())


def code() -> str:
    return f"solo-{uuid.uuid4().hex[:8]}"


def later() -> datetime:
    return datetime.now(UTC) + timedelta(days=1)


def test_a_device_introduces_itself_obeys_and_says_goodbye(any_broker: Broker, until: Until) -> None:
    async def story() -> None:
        hub = Hub(code(), first_at=later(), battery_days=None)
        platform, stop = Platform(hub.code), asyncio.Event()
        await platform.listen(any_broker)
        solo = Solo(hub)
        running = asyncio.create_task(solo.run(*any_broker, stop=stop))
        await until(lambda: platform.said("info"))
        assert platform.said("status") == ["online"]
        platform.say("command", {"id": 7, "do": "siren", "params": {"seconds": 5}})
        await until(lambda: len(platform.said("report")) == 2)
        assert platform.said("report") == [{"id": 7, "state": "delivered"}, {"id": 7, "state": "done"}]
        stop.set()
        await asyncio.wait_for(running, 60)
        await until(lambda: platform.said("status") == ["online", "offline"])
        await platform.pipe.close()

    asyncio.run(story())


def test_a_button_calls_until_it_is_answered(broker: Broker, until: Until) -> None:
    async def story() -> None:
        button = Button(code(), first_at=later())
        platform, stop = Platform(button.code), asyncio.Event()
        await platform.listen(broker)
        solo = Solo(button)
        running = asyncio.create_task(solo.run(*broker, stop=stop))
        await until(lambda: solo.connected)
        button.press(datetime.now(UTC))
        solo.nudge()
        await until(lambda: platform.said("signal"))
        platform.say("answer", {"seq": platform.said("signal")[0]["seq"], "answer": "received"})
        await until(lambda: button.light == "received")
        stop.set()
        await running
        await platform.pipe.close()

    asyncio.run(story())


def test_when_the_way_breaks_the_will_is_said_and_the_spool_comes_after(any_broker: Broker, until: Until) -> None:
    async def story() -> None:
        sensor = MotionSensor(code(), first_at=later())
        platform, stop = Platform(sensor.code), asyncio.Event()
        await platform.listen(any_broker)
        solo = Solo(sensor, first_pause_seconds=0.2)
        running = asyncio.create_task(solo.run(*any_broker, stop=stop))
        await until(lambda: solo.connected and platform.said("info"))
        assert solo.pipe
        solo.pipe.abort()
        began = datetime.now(UTC)
        for second in range(3):
            sensor.sense(began + timedelta(seconds=second), (second + 1) % 2)
        await until(lambda: len(platform.said("reading")) == 3)
        assert platform.said("status") == ["online", "offline", "online"]
        assert [reading["seq"] for reading in platform.said("reading")] == [1, 2, 3]
        assert solo.connections == 2
        stop.set()
        await running
        await platform.pipe.close()

    asyncio.run(story())


def test_it_waits_for_a_broker_that_is_not_there_and_stops_at_once(until: Until) -> None:
    async def story() -> None:
        solo, stop = Solo(Hub(code(), first_at=later())), asyncio.Event()
        running = asyncio.create_task(solo.run("127.0.0.1", 1, stop=stop))
        await asyncio.sleep(0.05)
        assert not running.done()
        stop.set()
        await asyncio.wait_for(running, 60)

    asyncio.run(story())
