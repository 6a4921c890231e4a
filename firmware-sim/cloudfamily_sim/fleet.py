"""Many homes at once: a heap of devices and lives on a virtual clock (`step`), and its two MQTT connections (`run`)."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol, get_args
from zoneinfo import ZoneInfo

from cloudfamily_sim import days
from cloudfamily_sim.button import Button, FallDetector, GasAlarm, SmokeAlarm, WaterAlarm
from cloudfamily_sim.devices import Device, DoorSensor, Hub, MotionSensor, Sensor, TemperatureSensor, Wearable
from cloudfamily_sim.encode import ANSWERS, COMMANDS, Command, Publish, read_answer, read_command
from cloudfamily_sim.faults import Chances
from cloudfamily_sim.lane import Lane

Kind = Literal[
    "button", "motion_bedroom", "motion_kitchen", "motion_bathroom", "motion_living", "door", "temperature", "hub", "smoke", "gas", "water", "fall",
    "wearable",
]  # fmt: skip
#: What a home of a story has when the story does not say.
USUAL: tuple[Kind, ...] = ("button", "motion_bedroom", "motion_kitchen", "motion_bathroom", "motion_living", "door", "temperature", "hub")
CALLERS: dict[str, type[Button]] = {"button": Button, "smoke": SmokeAlarm, "gas": GasAlarm, "water": WaterAlarm, "fall": FallDetector}
#: How often a device reports at least. Denser than in real homes, so that 60 of them show a few readings a second.
EVERY: dict[str, timedelta] = {"temperature": timedelta(minutes=1), "hub": timedelta(minutes=1)}
EVERY_OTHER = timedelta(minutes=3)
MOST_DEVICES = 100_000
#: Routine readings kept while the broker is away.
MOST_WAITING = 10_000
#: Commands that wait for the next step.
MOST_ORDERS = 10_000
#: Entries of the heap worked off in one go, so that the event loop breathes.
MOST_AT_ONCE = 2_000
SHORTEST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.005, 0.5
#: Homes begin to live one after the other: a day takes a few milliseconds to make up.
HOME_AFTER_HOME = timedelta(milliseconds=5)


@dataclass(frozen=True)
class SimDevice:
    code: str
    kind: Kind


@dataclass(frozen=True)
class SimHome:
    code: str
    devices: tuple[SimDevice, ...]
    #: Whose habits live here.
    seed: int


@dataclass
class Counters:
    readings: int = 0
    #: Calls as they leave a button, each repeat counted.
    signals: int = 0
    presses: int = 0
    #: Answers that changed something at a button.
    answers: int = 0
    #: What devices said of themselves and of their commands.
    words: int = 0
    commands: int = 0


class Playing(Protocol):
    """A story that is played in the fleet's homes: play.py."""

    @property
    def next_at(self) -> datetime | None: ...

    def step(self, now: datetime) -> None: ...


class Life:
    """What the sensors of one home sense of its elder's day. `ahead`: how far that day runs ahead of the true time."""

    def __init__(self, home: SimHome, sensors: dict[str, Sensor], since: datetime, begins_at: datetime, zone: ZoneInfo, ahead: timedelta) -> None:
        self.sensors = sensors
        self.moments: Iterator[days.Moment] = (
            moment._replace(at=moment.at - ahead) if ahead else moment for moment in days.live(home.seed, since + ahead, zone)
        )
        self.moment: days.Moment | None = None
        self.begins_at = begins_at
        #: Until then nobody moves: a fall, an illness, a journey.
        self.still_until: datetime | None = None

    @property
    def next_at(self) -> datetime:
        return self.moment.at if self.moment else self.begins_at

    def outbox(self, now: datetime) -> list[Publish]:
        said: list[Publish] = []
        if self.moment is None:
            self.moment = next(self.moments)
        elif self.moment.at <= now:
            at, name, value = self.moment
            sensor = self.sensors.get(name)
            if sensor is not None and not (self.still_until and at < self.still_until):
                sensor.sense(at, value)
                said = sensor.outbox(at)
            self.moment = next(self.moments)
        return said


class Fleet:
    """`introduce`: each device says what it is when it starts; `homeassistant`: to Home Assistant as well. `chances`: what goes
    wrong. `ahead`: the homes' day runs ahead of the true time, so that a story of the night can be told at noon.

    Raises ValueError for a device code that comes twice or is none, an unknown kind, or too many devices.
    """

    def __init__(
        self,
        homes: Sequence[SimHome],
        *,
        zone: ZoneInfo | None = None,
        story_every_s: float | None = None,
        seed: int = 0,
        introduce: bool = False,
        homeassistant: bool = False,
        chances: Chances | None = None,
        ahead: timedelta = timedelta(0),
    ) -> None:
        codes = [device.code for home in homes for device in home.devices]
        if len(codes) > MOST_DEVICES:
            raise ValueError(f"{len(codes)} devices; a fleet drives {MOST_DEVICES} at most")
        if len(set(codes)) < len(codes):
            raise ValueError("two devices of a fleet have the same code")
        if unknown := {device.kind for home in homes for device in home.devices} - set(get_args(Kind)):
            raise ValueError(f"unknown kinds of device: {sorted(unknown)}")
        self.homes, self.zone = tuple(homes), zone or ZoneInfo("Asia/Shanghai")
        self.story_every = timedelta(seconds=story_every_s) if story_every_s else None
        self.seed, self.introduce, self.homeassistant, self.chances, self.ahead = seed, introduce or homeassistant, homeassistant, chances, ahead
        self.rng = random.Random(f"fleet/{seed}")
        self.story_at: datetime | None = None
        self.kinds = {device.code: device.kind for home in homes for device in home.devices}
        self.buttons = tuple(code for code, kind in self.kinds.items() if kind == "button")
        self.devices: dict[str, Device] = {}
        self.lives: dict[str, Life] = {}
        self.counters = Counters()
        self.heap: list[tuple[datetime, int, Device | Life]] = []
        self.armed: dict[Device | Life, datetime] = {}
        self.numbers = itertools.count()
        self.wanted: dict[str, None] = {}
        self.orders: list[tuple[Device, Command]] = []
        self.plays: list[Playing] = []
        self.wake = asyncio.Event()
        self.readings = Lane("readings", limit=MOST_WAITING)
        self.presses = Lane("presses", limit=None, topics=(ANSWERS, COMMANDS), on_message=self.hear, once=True)

    # Told from outside, from the event loop's thread

    def press(self, device_code: str) -> None:
        """Presses this button as soon as the fleet runs. Raises LookupError when it is no button of this fleet."""
        if self.kinds.get(device_code) != "button":
            raise LookupError(f"{device_code!r} is no button of this fleet")
        self.wanted[device_code] = None
        self.wake.set()

    def keep_still(self, home_code: str, until: datetime) -> None:
        """Nobody moves in this home until then; its devices go on reporting. Raises LookupError, also before the start."""
        if home_code not in self.lives:
            raise LookupError(f"{home_code!r} is no home of a started fleet")
        self.lives[home_code].still_until = until

    def hear(self, topic: str, payload: bytes) -> None:
        """Takes an answer or a command from the platform; those for other fleets' devices pass by."""
        told = read_command(topic, payload)
        if told and told[0] in self.devices and len(self.orders) < MOST_ORDERS:
            self.orders.append((self.devices[told[0]], told[1]))
            self.wake.set()
        heard = read_answer(topic, payload)
        button = self.devices.get(heard[0]) if heard else None
        if heard and isinstance(button, Button) and button.answer(heard[1]):
            self.counters.answers += 1
            self.arm(button)

    # Pure: a clock in, messages out

    def start(self, now: datetime) -> None:
        """Makes the devices. The first reports at once, the others spread evenly over their intervals."""
        if self.devices:
            return
        delays = spread([device for home in self.homes for device in home.devices])
        for home in self.homes:
            sensors: dict[str, Sensor] = {}
            for plan in home.devices:
                device = self.make(plan, home, now, now + delays[plan.code])
                self.devices[device.code] = device
                if self.chances:
                    device.faults = self.chances.of(device.code, self.seed)
                device.homeassistant = self.homeassistant
                if self.introduce:
                    device.boot(now + delays[plan.code])
                self.arm(device)
                if isinstance(device, Sensor):
                    sensors[plan.kind] = device
            begins_at = now + HOME_AFTER_HOME * len(self.lives)
            self.lives[home.code] = Life(home, sensors, now, begins_at, self.zone, self.ahead)
            self.arm(self.lives[home.code])
        self.story_at = now + self.story_every if self.story_every else None

    def make(self, plan: SimDevice, home: SimHome, now: datetime, first_at: datetime) -> Device:
        every = EVERY.get(plan.kind, EVERY_OTHER)
        battery = random.Random(f"battery/{plan.code}").uniform(55, 100)
        # Counting on from the time keeps numbers growing when the fleet is started again.
        seq = int(now.timestamp())
        if plan.kind == "temperature":

            def measure(at: datetime) -> float:
                return days.temperature(home.seed, at, self.zone)

            return TemperatureSensor(plan.code, measure, first_at=first_at, every=every, battery=battery, seq=seq)
        if plan.kind == "hub":
            return Hub(plan.code, first_at=first_at, heartbeat=every, battery_days=None, seq=seq)
        if plan.kind == "wearable":
            return Wearable(plan.code, first_at=first_at, heartbeat=every, battery=battery, seq=seq)
        made = CALLERS.get(plan.kind) or (DoorSensor if plan.kind == "door" else MotionSensor)
        return made(plan.code, first_at=first_at, heartbeat=every, battery=battery, seq=seq)

    def step(self, now: datetime) -> list[Publish]:
        """What the fleet sends now; at most MOST_AT_ONCE entries of the heap, ask again while `next_at` has passed."""
        self.tell_story(now)
        self.press_wanted(now)
        self.obey(now)
        for play in self.plays:
            play.step(now)
        said: list[Publish] = []
        for _ in range(MOST_AT_ONCE):
            if not self.heap or self.heap[0][0] > now:
                break
            at, _number, actor = heapq.heappop(self.heap)
            if self.armed.get(actor) == at:
                del self.armed[actor]
                said += actor.outbox(now)
                self.arm(actor)
        signals, readings = sum(publish.is_signal for publish in said), sum(publish.is_reading for publish in said)
        self.counters.signals += signals
        self.counters.readings += readings
        self.counters.words += len(said) - signals - readings
        return said

    @property
    def next_at(self) -> datetime | None:
        coming = [play.next_at for play in self.plays if play.next_at] + ([self.heap[0][0]] if self.heap else [])
        return min(coming, default=None)

    def arm(self, actor: Device | Life) -> None:
        """Puts the actor where it belongs in the heap; what it left there before is passed over."""
        at = actor.next_at
        if self.armed.get(actor) != at:
            self.armed[actor] = at
            heapq.heappush(self.heap, (at, next(self.numbers), actor))

    def press_wanted(self, now: datetime) -> None:
        for code in self.wanted:
            button = self.devices[code]
            assert isinstance(button, Button)
            button.press(now)
            self.counters.presses += 1
            self.arm(button)
        self.wanted.clear()

    def obey(self, now: datetime) -> None:
        for device, command in self.orders:
            device.command(command, now)
            self.counters.commands += 1
            self.arm(device)
        self.orders.clear()

    def tell_story(self, now: datetime) -> None:
        if self.story_at is None or self.story_every is None or now < self.story_at or not self.buttons:
            return
        self.story_at = now + self.story_every
        self.press(self.rng.choice(self.buttons))

    # Over MQTT

    async def run(
        self,
        host: str,
        port: int,
        *,
        stop: asyncio.Event,
        now: Callable[[], datetime] | None = None,
        speed: float = 1.0,
        username: str | None = None,
        password: str | None = None,
    ) -> None:
        """Drives the fleet until `stop` is set, then ends within a second. The broker may come, go and come back.

        `speed`: seconds of the homes' lives in one real second; past 1 the readings run ahead of the real time.
        """
        true = now or utc_now
        began = true()

        def clock() -> datetime:
            return began + (true() - began) * speed

        for lane in (self.presses, self.readings):
            lane.start(host, port, username, password)
        self.start(began)
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self.wake.set())
        try:
            while not stop.is_set():
                for publish in self.step(clock()):
                    (self.presses if publish.is_signal else self.readings).send(publish)
                ahead = self.next_at - clock() if self.next_at else timedelta(seconds=LONGEST_WAIT_SECONDS)
                await self.pause(ahead.total_seconds() / speed)
        finally:
            stopping.cancel()
            await asyncio.gather(self.presses.stop(), self.readings.stop())

    async def pause(self, seconds: float) -> None:
        """Until something is due, somebody presses, or the fleet stops."""
        self.wake.clear()
        if self.wanted or self.orders:
            return
        try:
            async with asyncio.timeout(min(max(seconds, SHORTEST_WAIT_SECONDS), LONGEST_WAIT_SECONDS)):
                await self.wake.wait()
        except TimeoutError:
            pass


def spread(plans: Sequence[SimDevice]) -> dict[str, timedelta]:
    """Device code → when it first reports: those with the same interval evenly over it, kind after kind."""
    delays: dict[str, timedelta] = {}
    intervals = {plan.kind: EVERY.get(plan.kind, EVERY_OTHER) for plan in plans}
    for every in set(intervals.values()):
        together = sorted((plan for plan in plans if intervals[plan.kind] == every), key=lambda plan: plan.kind)
        delays |= {plan.code: every * (number / len(together)) for number, plan in enumerate(together)}
    return delays


def utc_now() -> datetime:
    return datetime.now(UTC)
