"""Devices as pure state machines on a virtual clock: no I/O, no sleeping, and no chance but what `faults` bring.

Whoever drives a device asks for `outbox(now)` when `next_at` has come, or after telling it something (`press`, `sense`,
`answer`, `command`, `connect`). All times are aware datetimes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from math import ceil
from typing import ClassVar

from cloudfamily_sim import faults, homeassistant, obey
from cloudfamily_sim.encode import DEVICE, Command, Publish, encode_info, encode_reading, encode_report, encode_status

HEARTBEAT = timedelta(minutes=10)
#: Every so many messages of a device carry its battery, beside every heartbeat.
BATTERY_EVERY = 10
#: Readings that a device keeps while nobody takes them; the oldest go first. Nothing else is ever dropped.
LONGEST_SPOOL = 1000


class Device:
    """What every device has: a code, a counter, a battery, a heartbeat, a spool, faults.

    `first_at`: its first heartbeat. `battery` percent now, empty after `battery_days` more of a full one (None: mains).
    `seq`: the last number used; it must not start anew when a device restarts, so keep it or start from the time.
    Raises ValueError when `code` is no device code.
    """

    #: What `info` says of it: see docs/devices.md.
    kind: ClassVar[str] = "other"
    model: ClassVar[str] = "sim"
    #: What it can do when told to, beside "interval" and "test".
    skills: ClassVar[frozenset[str]] = frozenset()
    #: What it may measure beside its battery, and the kinds it may call with.
    quantity: ClassVar[str | None] = None
    signals: ClassVar[tuple[str, ...]] = ()
    #: Whether it announces itself to Home Assistant when it starts.
    homeassistant = False

    def __init__(
        self,
        code: str,
        *,
        first_at: datetime,
        heartbeat: timedelta = HEARTBEAT,
        battery: float = 100.0,
        battery_days: float | None = 400.0,
        seq: int = 0,
    ) -> None:
        if not DEVICE.match(code):
            raise ValueError(f"{code!r} is no device code: 1 to 64 of A-Z a-z 0-9 _ . -")
        self.code, self.heartbeat, self.seq = code, heartbeat, seq
        self.faults = faults.NONE
        self.born_at = self.heartbeat_at = first_at
        self.full, self.battery_days = battery, battery_days
        self.online = True
        self.spool: deque[Publish] = deque()
        self.spooled_at = first_at
        self.dropped = self.words = 0
        self.stuck_at: dict[str, float] | None = None
        self.air: faults.Air[Publish] | None = None
        self.orders = obey.Orders()

    @property
    def next_at(self) -> datetime:
        """When `outbox` will have something to do."""
        return min(self.times())

    def times(self) -> Iterable[datetime]:
        yield self.heartbeat_at
        if self.orders.next_at is not None:
            yield self.orders.next_at
        if self.online and self.spool:
            yield self.spooled_at
        if self.online and self.air is not None and self.air.next_at is not None:
            yield datetime.fromtimestamp(self.air.next_at, self.born_at.tzinfo)

    def outbox(self, now: datetime) -> list[Publish]:
        """What leaves the device now, each message once and the oldest first; nothing while it is offline."""
        if now >= self.heartbeat_at:
            self.heartbeat_at += self.heartbeat
            if self.heartbeat_at <= now:  # the driver slept: the beats in between are not made up for
                self.heartbeat_at = now + self.heartbeat
            self.say(now, self.state(now))
        for number in self.orders.finished(now):
            self.put(now, encode_report(self.code, number, "done"))
        if not self.online:
            return []
        said = list(self.spool)
        self.spool.clear()
        return self.through_air(now, said)

    def boot(self, now: datetime) -> None:
        """It starts, or starts anew, and says that it is there and what it is."""
        if self.alive(now):
            self.put(now, encode_status(self.code, online=True))
            minutes = ceil(self.heartbeat / timedelta(minutes=1))
            self.put(now, encode_info(self.code, self.kind, self.model, minutes, self.battery_days is None))
            if self.homeassistant:
                measured = ("battery",) if self.quantity is None else (self.quantity, "battery")
                self.put(now, homeassistant.discovery(self.code, quantities=measured, signals=self.signals, report_minutes=minutes))

    def connect(self, now: datetime) -> None:
        """The way to the broker is there again: what was kept leaves with the next `outbox`."""
        self.online, self.spooled_at = True, now

    def disconnect(self) -> None:
        """The way to the broker is gone: from now on the device keeps what it has to say."""
        self.online = False

    def command(self, command: Command, now: datetime) -> None:
        """Does what it is told, once for each id, and reports."""
        if not self.alive(now):
            return
        if (before := self.orders.states.get(command.id)) is None:
            before = self.orders.take(command, now, self.skills)
            if before.every is not None:
                self.heartbeat, self.heartbeat_at = before.every, min(self.heartbeat_at, now + before.every)
            if before.state != "failed" and command.do == "test":
                self.say(now, self.state(now))
        self.put(now, encode_report(self.code, command.id, "delivered"))
        if before.state != "delivered":
            self.put(now, encode_report(self.code, command.id, before.state, before.detail))

    def state(self, now: datetime) -> dict[str, float]:
        """What a heartbeat tells beside the battery. Never motion or door: an empty home would seem to move."""
        return {}

    def say(self, now: datetime, values: dict[str, float]) -> None:
        """Puts one reading into the spool, unless the device is dead."""
        if not self.alive(now):
            return
        if self.faults.reboot_loop and self.words % faults.WORDS_BETWEEN_REBOOTS == 0:
            self.seq = 0
            self.boot(now)
        self.words += 1
        for time in range(self.faults.flood):
            self.seq += 1
            measured = values | {"battery": float(int(self.charge(now)))} if not values or self.seq % BATTERY_EVERY == 0 else values
            if self.faults.stuck:
                measured = self.stuck_at = self.stuck_at or measured
            self.put(now, encode_reading(self.code, self.clock(now) + time * timedelta(milliseconds=1), self.seq, measured))

    def put(self, now: datetime, message: Publish) -> None:
        if not self.spool:
            self.spooled_at = now
        self.spool.append(message)
        if len(self.spool) > LONGEST_SPOOL and (oldest := next((one for one in self.spool if one.is_reading), None)):
            self.spool.remove(oldest)
            self.dropped += 1

    def through_air(self, now: datetime, said: list[Publish]) -> list[Publish]:
        """What is lost, doubled, held up and spoilt on the way, as this device's faults have it."""
        wrong = self.faults
        if wrong.drop or wrong.duplicate or wrong.reorder or wrong.late or wrong.malformed:
            self.air = self.air or faults.Air(self.code, spoilt, 1.5 * self.heartbeat.total_seconds())
        if self.air is None:
            return said
        at = now.timestamp()
        released = list(self.air.released(at))
        return [arrives for one in said for arrives in self.air.through(at, one, wrong, signal=not one.is_reading)] + released

    def clock(self, now: datetime) -> datetime:
        """What its own clock says."""
        if self.faults.clock_ppm:
            now += (now - self.born_at) * (self.faults.clock_ppm / 1_000_000)
        return now + self.faults.clock_offset

    def charge(self, now: datetime) -> float:
        """Battery in percent."""
        if self.faults.battery is not None:
            return self.faults.battery
        if self.battery_days is None:
            return self.full
        return max(0.0, self.full - 100 * ((now - self.born_at) / timedelta(days=self.battery_days)))

    def alive(self, now: datetime) -> bool:
        return not self.faults.dead and self.charge(now) > 0


def spoilt(message: Publish, turn: int) -> Publish:
    return message._replace(payload=faults.spoil(message.payload, turn))


class Hub(Device):
    """A home's hub on the mains: says that it is there, and can make itself seen and heard."""

    kind = "hub"
    skills = frozenset({"siren", "light", "voice"})


class Sensor(Device):
    """Tells a change when it senses one. A contact that bounces is one change; what it settles on is told in the end."""

    quantity: ClassVar[str]
    debounce: ClassVar[timedelta] = timedelta(milliseconds=50)

    level = told = 0
    told_at: datetime | None = None
    settles_at: datetime | None = None

    def sense(self, now: datetime, value: int) -> None:
        """`value` 1: motion, or the door opens; 0: no more motion, or it closes."""
        self.level = value
        if self.told_at is not None and now - self.told_at < self.debounce:
            self.settles_at = self.told_at + self.debounce
        else:
            self.tell(now)

    def tell(self, now: datetime) -> None:
        self.told, self.told_at, self.settles_at = self.level, now, None
        self.say(now, {self.quantity: float(self.level)})

    def times(self) -> Iterable[datetime]:
        yield from super().times()
        if self.settles_at is not None:
            yield self.settles_at

    def outbox(self, now: datetime) -> list[Publish]:
        if self.settles_at is not None and now >= self.settles_at:
            if self.level == self.told:
                self.settles_at = None
            else:
                self.tell(self.settles_at)
        return super().outbox(now)


class MotionSensor(Sensor):
    kind = quantity = "motion"


class DoorSensor(Sensor):
    kind = quantity = "door"


class TemperatureSensor(Device):
    """Each heartbeat is a report of `measure(now)` °C."""

    kind = quantity = "temperature"

    def __init__(
        self,
        code: str,
        measure: Callable[[datetime], float],
        *,
        first_at: datetime,
        every: timedelta = HEARTBEAT,
        battery: float = 100.0,
        seq: int = 0,
    ) -> None:
        super().__init__(code, first_at=first_at, heartbeat=every, battery=battery, seq=seq)
        self.measure = measure

    def state(self, now: datetime) -> dict[str, float]:
        return {"temperature": round(self.measure(now), 1)}


#: Of somebody at rest who is well.
AT_REST = {"heart_rate": 68.0, "spo2": 97.0, "respiration": 15.0}
VITALS = (*AT_REST, "systolic", "diastolic", "body_temperature", "glucose")


class Wearable(Device):
    """A watch: pulse, oxygen and breathing with each heartbeat, and whatever a story makes of them, at once and from then on."""

    kind = "wearable"
    quantity = "heart_rate"

    def __init__(self, code: str, *, first_at: datetime, heartbeat: timedelta = HEARTBEAT, battery: float = 100.0, seq: int = 0) -> None:
        super().__init__(code, first_at=first_at, heartbeat=heartbeat, battery=battery, battery_days=7.0, seq=seq)
        self.vitals = dict(AT_REST)

    def measure(self, now: datetime, quantity: str, value: float) -> None:
        self.vitals[quantity] = value
        self.say(now, {quantity: value})

    def state(self, now: datetime) -> dict[str, float]:
        return dict(self.vitals)
