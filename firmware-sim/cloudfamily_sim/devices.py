"""Devices as pure state machines on a virtual clock: no I/O, no sleeping, no random numbers.

Whoever drives a device asks for `outbox(now)` when `next_at` has come, or after telling it something (`press`, `sense`,
`answer`). All times are aware datetimes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from cloudfamily_sim import faults
from cloudfamily_sim.encode import DEVICE, Answer, Publish, encode_reading, encode_signal

Light = Literal["idle", "sending", "received", "help_is_coming", "resolved"]
#: A light only moves forward: an answer that the broker delivers once more never takes it back.
LIGHTS: tuple[Light, ...] = ("idle", "sending", "received", "help_is_coming", "resolved")

HEARTBEAT = timedelta(minutes=10)
#: Every so many messages of a device carry its battery, beside every heartbeat.
BATTERY_EVERY = 10
#: Readings that a device keeps for its driver; the oldest go first.
LONGEST_QUEUE = 100


class Device:
    """What every device has: a code, a counter, a battery, a heartbeat, faults.

    `first_at`: its first heartbeat. `battery` percent now, empty after `battery_days` more of a full one (None: mains).
    `seq`: the last number used; it must not start anew when a device restarts, so keep it or start from the time.
    Raises ValueError when `code` is no device code.
    """

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
        self.queue: deque[Publish] = deque(maxlen=LONGEST_QUEUE)
        self.queued_at = first_at

    @property
    def next_at(self) -> datetime:
        """When `outbox` will have something to say."""
        return min(self.heartbeat_at, self.queued_at) if self.queue else self.heartbeat_at

    def outbox(self, now: datetime) -> list[Publish]:
        """What leaves the device now, each message once."""
        if now >= self.heartbeat_at:
            self.heartbeat_at += self.heartbeat
            if self.heartbeat_at <= now:  # the driver slept: the beats in between are not made up for
                self.heartbeat_at = now + self.heartbeat
            self.say(now, self.state(now))
        said = list(self.queue)
        self.queue.clear()
        return said

    def state(self, now: datetime) -> dict[str, float]:
        """What a heartbeat tells beside the battery. Never motion or door: an empty home would seem to move."""
        return {}

    def say(self, now: datetime, values: dict[str, float]) -> None:
        """Queues one reading, unless the device is dead."""
        if not self.alive(now):
            return
        self.seq += 1
        if not values or self.seq % BATTERY_EVERY == 0:
            values = values | {"battery": float(int(self.charge(now)))}
        reading = encode_reading(self.code, now + self.faults.clock_offset, self.seq, values)
        if self.faults.garbage:
            reading = reading._replace(payload=faults.spoil(reading.payload, self.seq))
        if not self.queue:
            self.queued_at = now
        self.queue.append(reading)

    def charge(self, now: datetime) -> float:
        """Battery in percent."""
        if self.faults.battery is not None:
            return self.faults.battery
        if self.battery_days is None:
            return self.full
        return max(0.0, self.full - 100 * ((now - self.born_at) / timedelta(days=self.battery_days)))

    def alive(self, now: datetime) -> bool:
        return not self.faults.dead and self.charge(now) > 0


class Hub(Device):
    """A home's hub on the mains: only says that it is there."""


class Sensor(Device):
    """Tells a change when it senses one."""

    quantity: ClassVar[str]

    def sense(self, now: datetime, value: int) -> None:
        """`value` 1: motion, or the door opens; 0: no more motion, or it closes."""
        self.say(now, {self.quantity: float(value)})


class MotionSensor(Sensor):
    quantity = "motion"


class DoorSensor(Sensor):
    quantity = "door"


class TemperatureSensor(Device):
    """Each heartbeat is a report of `measure(now)` °C."""

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


class Button(Device):
    """Calls for help until it is answered, and shows by its light how far help is.

    The call is repeated byte for byte: after 5 s, then more and more slowly, each 30 s at the slowest, 200 times at
    most (an hour and a half). Then the light goes out, so that it does not promise what nobody heard, and
    `gave_up` counts.
    """

    FIRST_PAUSE_SECONDS = 5.0
    SLOWEST_PAUSE_SECONDS = 30.0
    SLOWER = 1.25
    MOST_REPEATS = 200

    light: Light = "idle"
    gave_up = 0
    call: Publish | None = None
    call_seq: int | None = None
    repeat_at: datetime | None = None
    repeats = 0

    @property
    def next_at(self) -> datetime:
        return min(super().next_at, self.repeat_at) if self.repeat_at else super().next_at

    def press(self, now: datetime) -> None:
        """Calls; while a call is still unanswered, says that same call again at once and with new patience."""
        if not self.alive(now):
            return
        if self.light != "sending":
            self.seq += 1
            self.call_seq = self.seq
            self.call = encode_signal(self.code, now + self.faults.clock_offset, self.seq, "sos")
            self.light = "sending"
        self.repeats, self.repeat_at = -1, now

    def answer(self, answer: Answer) -> bool:
        """Takes the platform's answer to the last call; False when it is old news or for another call."""
        if answer.seq != self.call_seq or LIGHTS.index(answer.answer) <= LIGHTS.index(self.light):
            return False
        self.light, self.repeat_at = answer.answer, None
        return True

    def outbox(self, now: datetime) -> list[Publish]:
        said = super().outbox(now)
        if self.repeat_at is None or self.call is None or now < self.repeat_at:
            return said
        self.repeats += 1
        if self.repeats > self.MOST_REPEATS:
            self.light, self.repeat_at = "idle", None
            self.gave_up += 1
            return said
        self.repeat_at = now + timedelta(seconds=self.pause_seconds(self.repeats))
        return [self.call, *said] if self.alive(now) else said

    def pause_seconds(self, repeats: int) -> float:
        # Past 20 repeats the power would only overflow: the slowest pause is reached by the ninth.
        return min(self.SLOWEST_PAUSE_SECONDS, self.FIRST_PAUSE_SECONDS * self.SLOWER ** min(repeats, 20))
