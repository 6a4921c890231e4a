"""A fleet on a virtual clock, and the same fleet over a real broker."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from cloudfamily_sim import days
from cloudfamily_sim import fleet as fleets
from cloudfamily_sim.button import Button
from cloudfamily_sim.encode import Publish, encode_reading
from cloudfamily_sim.faults import Chances, Faults
from cloudfamily_sim.fleet import Fleet, SimDevice, SimHome
from cloudfamily_sim.lane import Lane

NOW = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)  # eight in the morning in Guangxi
ZONE = ZoneInfo("Asia/Shanghai")
SECOND = timedelta(seconds=1)
#: What is promised within a second may take a little longer on a machine that runs other tests as well.
PATIENCE_SECONDS = 60.0
KINDS: tuple[fleets.Kind, ...] = ("button", "motion_bedroom", "motion_kitchen", "motion_bathroom", "door", "temperature")


def homes(number: int, prefix: str = "F") -> list[SimHome]:
    return [SimHome(f"{prefix}-{n:03}", tuple(SimDevice(f"{prefix}-{n:03}-{kind}", kind) for kind in KINDS), seed=n) for n in range(number)]


def drive(fleet: Fleet, begins: datetime, ends: datetime) -> list[tuple[datetime, Publish]]:
    """What the fleet says in that time, each message when it is due."""
    said = []
    now = begins
    while now <= ends:
        said += [(now, publish) for publish in fleet.step(now)]
        assert fleet.next_at is not None
        now = max(fleet.next_at, now)
    return said


def values(publish: Publish) -> dict[str, float]:
    return json.loads(publish.payload).get("values", {})


class TestOnAVirtualClock:
    def started(self, number: int, **more: Any) -> Fleet:
        fleet = Fleet(homes(number), **more)
        fleet.start(NOW)
        return fleet

    def test_sixty_homes_show_a_few_readings_in_every_second_from_the_first(self) -> None:
        fleet = self.started(60)
        said = drive(fleet, NOW, NOW + timedelta(minutes=15))
        per_second = Counter((at - NOW) // SECOND for at, _ in said)
        assert 2 < len(said) / (15 * 60) < 6
        assert all(per_second[second] >= 1 for second in range(15 * 60))
        assert max(per_second.values()) < 15
        assert {publish.topic.split("/")[2] for _, publish in said} == set(fleet.devices), "all within 15 minutes"

    def test_one_home_reports_at_once(self) -> None:
        assert len(self.started(1).step(NOW)) >= 1

    def test_the_same_fleet_says_the_same(self) -> None:
        once, again = (drive(self.started(5), NOW, NOW + timedelta(hours=1)) for _ in range(2))
        assert once == again

    def test_a_day_of_a_home_has_movement_doors_and_warmth(self) -> None:
        dry = next(day for n in range(9) if not days.Day((day := NOW + timedelta(days=n)).date(), 0, ZONE).rainy)
        fleet = Fleet(homes(3))
        fleet.start(dry)
        said = [values(publish) for _, publish in drive(fleet, dry, dry + timedelta(days=1))]
        seen = Counter(quantity for reading in said for quantity in reading)
        assert seen["motion"] > 600
        assert seen["door"] >= 4
        assert seen["temperature"] == pytest.approx(3 * 24 * 60, abs=5)
        assert seen["battery"] > 3 * 4 * 24 * 20
        assert all(50 < reading["battery"] <= 100 for reading in said if "battery" in reading), "no low battery by itself"

    def test_a_still_home_goes_on_reporting_but_does_not_move(self) -> None:
        fleet = self.started(1)
        fleet.keep_still("F-000", NOW + timedelta(hours=5))
        moved = [at for at, publish in drive(fleet, NOW, NOW + timedelta(hours=7)) if "motion" in values(publish)]
        assert timedelta(hours=5) <= moved[0] - NOW < timedelta(hours=7)
        assert fleet.counters.readings > 7 * 60

    def test_a_press_is_repeated_until_it_is_answered(self) -> None:
        fleet = self.started(2)
        code = "F-001-button"
        fleet.press(code)
        calls = [publish for _, publish in drive(fleet, NOW, NOW + timedelta(minutes=1)) if publish.is_signal]
        assert len(calls) >= 6
        assert len(set(calls)) == 1
        seq = json.loads(calls[0].payload)["seq"]
        for answer in ("received", "received", "help_is_coming"):
            fleet.hear(f"cf/v1/{code}/answer", json.dumps({"seq": seq, "answer": answer}).encode())
        fleet.hear("cf/v1/someone-else/answer", b'{"seq":1,"answer":"received"}')
        fleet.hear("cf/v1/F-001-door/answer", b'{"seq":1,"answer":"received"}')
        more = drive(fleet, NOW + timedelta(minutes=1), NOW + timedelta(hours=1))
        assert not any(publish.is_signal for _, publish in more)
        button = fleet.devices[code]
        assert isinstance(button, Button)
        assert button.light == "help_is_coming"
        assert (fleet.counters.presses, fleet.counters.signals, fleet.counters.answers) == (1, len(calls), 2)

    def test_numbers_go_on_when_the_fleet_is_started_again(self) -> None:
        def press(now: datetime) -> int:
            fleet = Fleet(homes(1))
            fleet.start(now)
            fleet.press("F-000-button")
            return next(json.loads(p.payload)["seq"] for p in fleet.step(now) if p.is_signal)

        assert press(NOW) < press(NOW + timedelta(minutes=1))

    def test_a_story_presses_a_button_every_so_often(self) -> None:
        fleet = self.started(20, story_every_s=60)
        said = drive(fleet, NOW, NOW + timedelta(seconds=610))
        assert fleet.counters.presses == 10
        assert len({publish.topic for _, publish in said if publish.is_signal}) > 5

    def test_faults_reach_the_devices(self) -> None:
        fleet = self.started(2)
        for code in ("F-000-door", "F-000-temperature"):
            fleet.devices[code].faults = Faults(dead=True)
        said = drive(fleet, NOW, NOW + timedelta(minutes=15))
        assert len({publish.topic for _, publish in said}) == len(fleet.devices) - 2

    def test_devices_obey_commands_and_report(self) -> None:
        fleet = Fleet([SimHome("H", (SimDevice("hub-1", "hub"), SimDevice("door-1", "door")), 1)])
        fleet.start(NOW)
        fleet.step(NOW)
        order = b'{"id":7,"do":"siren","params":{"seconds":5}}'
        for topic in ("cf/v1/hub-1/command", "cf/v1/door-1/command", "cf/v1/stranger/command"):
            fleet.hear(topic, order)
        said = [(publish.topic, json.loads(publish.payload)["state"]) for publish in fleet.step(NOW + SECOND) if "report" in publish.topic]
        assert said == [
            (f"cf/v1/{code}/report", state) for code, state in (("hub-1", "delivered"), ("hub-1", "done"), ("door-1", "delivered"), ("door-1", "failed"))
        ]
        assert (fleet.counters.commands, fleet.counters.words) == (2, 4)

    def test_chances_are_for_all_and_repeat_from_the_seed(self) -> None:
        def said(seed: int) -> list[tuple[datetime, Publish]]:
            fleet = Fleet(homes(5), seed=seed, chances=Chances.read("drop=0.1,duplicate=0.1,late=0.05,stuck=0.2,reboot_loop=0.1,flood=0.05"))
            fleet.start(NOW)
            return drive(fleet, NOW, NOW + timedelta(minutes=30))

        assert said(1) == said(1)
        assert said(1) != said(2)

    def test_every_device_introduces_itself_once_and_not_all_at_the_same_moment(self) -> None:
        fleet = self.started(20, introduce=True)
        at = [at for at, publish in drive(fleet, NOW, NOW + timedelta(minutes=10)) if publish.topic.endswith("/info")]
        assert len(at) == len(fleet.devices)
        assert len(set(at)) > 50

    def test_a_step_is_bounded_and_the_next_one_goes_on(self) -> None:
        fleet = Fleet([SimHome("H", tuple(SimDevice(f"hub-{n}", "hub") for n in range(5000)), 1)])
        fleet.start(NOW)
        late = NOW + timedelta(minutes=1)
        sizes = []
        while fleet.next_at and fleet.next_at <= late:
            sizes.append(len(fleet.step(late)))
        assert len(sizes) > 2
        assert fleets.MOST_AT_ONCE - 10 < max(sizes) <= fleets.MOST_AT_ONCE
        assert sum(sizes) >= 5000

    def test_what_makes_no_fleet_is_refused(self) -> None:
        with pytest.raises(ValueError, match="same code"):
            Fleet([*homes(1), *homes(1)])
        with pytest.raises(ValueError, match="unknown kinds"):
            Fleet([SimHome("H", (SimDevice("a", "toaster"),), 1)])  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="device code"):
            Fleet([SimHome("H", (SimDevice("a b", "door"),), 1)]).start(NOW)
        with pytest.raises(LookupError, match="no button"):
            Fleet(homes(1)).press("F-000-door")
        with pytest.raises(LookupError, match="no home"):
            Fleet(homes(1)).keep_still("F-000", NOW)


class TestALaneWithoutABroker:
    """Nothing is connected, so everything waits."""

    def reading(self, number: int) -> Publish:
        return encode_reading("d", NOW, number, {"motion": 1})

    def test_the_oldest_readings_go_first_and_are_counted(self) -> None:
        lane = Lane("readings", limit=fleets.MOST_WAITING)
        for number in range(fleets.MOST_WAITING + 7):
            lane.send(self.reading(number))
        assert (len(lane.waiting), lane.dropped) == (fleets.MOST_WAITING, 7)
        assert next(iter(lane.waiting)) == self.reading(7)

    def test_a_press_is_never_dropped_and_a_repeat_waits_once(self) -> None:
        fleet = Fleet(homes(1))
        fleet.start(NOW)
        fleet.press("F-000-button")
        for _, publish in drive(fleet, NOW, NOW + timedelta(hours=3)):
            if publish.is_signal:
                fleet.presses.send(publish)
        assert fleet.counters.signals == 201
        assert (len(fleet.presses.waiting), fleet.presses.dropped, fleet.presses.limit) == (1, 0, None)


class Ear:
    """Another MQTT client: hears all devices, and speaks for the platform."""

    def __init__(self, broker: tuple[str, int], prefix: str) -> None:
        self.prefix, self.heard = prefix, []  # type: ignore[var-annotated]
        self.listening = threading.Event()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"ear-{prefix}", protocol=mqtt.MQTTv5)
        self.client.on_message = lambda _c, _u, message: self.hear(Publish(message.topic, message.payload))
        self.client.on_connect = lambda client, *_: client.subscribe([("cf/v1/+/reading", 1), ("cf/v1/+/signal", 1)])
        self.client.on_subscribe = lambda *_: self.listening.set()
        self.client.connect(*broker)
        self.client.loop_start()
        assert self.listening.wait(5)

    def hear(self, publish: Publish) -> None:
        if publish.topic.split("/")[2].startswith(self.prefix):
            self.heard.append(publish)

    def calls(self) -> list[Publish]:
        return [publish for publish in self.heard if publish.is_signal]

    def answer(self, call: Publish, answer: str) -> None:
        said = {"seq": json.loads(call.payload)["seq"], "answer": answer}
        self.client.publish(call.topic.replace("signal", "answer"), json.dumps(said), qos=1)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def ear(broker: tuple[str, int], request: pytest.FixtureRequest) -> Iterator[Ear]:
    it = Ear(broker, request.node.name[-20:].replace("_", "."))
    yield it
    it.close()


async def until(what: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    async with asyncio.timeout(seconds):
        while not what():
            await asyncio.sleep(0.01)


class Wire:
    """A way to the broker that can be cut and mended."""

    def __init__(self, broker: tuple[str, int]) -> None:
        self.broker, self.ends, self.port, self.cut = broker, set[asyncio.StreamWriter](), 0, False

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.cut:
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection(*self.broker)
        self.ends |= {writer, far_writer}
        await asyncio.gather(self.carry(reader, far_writer), self.carry(far_reader, writer))
        self.ends -= {writer, far_writer}

    def sever(self) -> None:
        self.cut = True
        for end in self.ends:
            end.transport.abort()

    @asynccontextmanager
    async def laid(self) -> Any:
        server = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self.sever()
            server.close()
            await asyncio.sleep(0.01)


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


class TestOverARealBroker:
    @pytest.fixture(autouse=True)
    def never_looks_by_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What comes within the patience of these tests came at once, also on a machine that is slow."""
        monkeypatch.setattr(fleets, "LONGEST_WAIT_SECONDS", 600.0)

    def test_the_fleet_speaks_at_once_and_stops_at_once(self, broker: tuple[str, int], ear: Ear) -> None:
        async def story() -> None:
            fleet, stop = Fleet(homes(60, ear.prefix)), asyncio.Event()
            running = asyncio.create_task(fleet.run(*broker, stop=stop))
            await until(lambda: len(ear.heard) >= 5)
            stop.set()
            async with asyncio.timeout(PATIENCE_SECONDS):
                await running
            assert fleet.readings.empty
            assert fleet.readings.acknowledged == fleet.counters.readings

        run(story())

    def test_a_press_is_heard_at_once_and_its_light_follows_the_answers(self, broker: tuple[str, int], ear: Ear) -> None:
        async def story() -> None:
            fleet, stop = Fleet(homes(2, ear.prefix)), asyncio.Event()
            running = asyncio.create_task(fleet.run(*broker, stop=stop))
            await until(lambda: ear.heard)
            code = f"{ear.prefix}-001-button"
            fleet.press(code)
            await until(ear.calls)
            button = fleet.devices[code]
            assert isinstance(button, Button)
            for answer in ("received", "help_is_coming", "resolved"):
                ear.answer(ear.calls()[0], answer)
                await until(lambda answer=answer: button.light == answer)
            stop.set()
            await running
            assert len(ear.calls()) == fleet.presses.acknowledged == 1

        run(story())

    def test_nothing_is_lost_while_the_way_to_the_broker_is_cut(self, broker: tuple[str, int], ear: Ear) -> None:
        async def story() -> None:
            fleet, stop = Fleet(homes(20, ear.prefix)), asyncio.Event()
            async with Wire(broker).laid() as wire:
                running = asyncio.create_task(fleet.run("127.0.0.1", wire.port, stop=stop, speed=20))
                await until(lambda: len(ear.heard) >= 10)
                wire.sever()
                await until(lambda: not fleet.readings.connected and not fleet.presses.connected)
                fleet.press(f"{ear.prefix}-007-button")
                await until(lambda: fleet.readings.waiting and fleet.presses.waiting)
                wire.cut = False
                await until(ear.calls)
                await until(lambda: fleet.readings.connections >= 2)
                stop.set()
                await running
                await until(lambda: len({*ear.heard} - {*ear.calls()}) == fleet.counters.readings)
                assert len({*ear.calls()}) == 1
                assert fleet.readings.dropped == 0

        run(story())

    def test_it_stops_at_once_when_there_is_no_broker_at_all(self) -> None:
        async def story() -> None:
            fleet, stop = Fleet(homes(2)), asyncio.Event()
            async with Wire(("127.0.0.1", 9)).laid() as wire:
                wire.cut = True
                running = asyncio.create_task(fleet.run("127.0.0.1", wire.port, stop=stop))
                await until(lambda: fleet.counters.readings)
                stop.set()
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await running

        run(story())
