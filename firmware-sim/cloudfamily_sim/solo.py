"""One device with a connection of its own, as a real one has it: last will, status, answers and commands, and a spool
while the way to the broker is gone."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from cloudfamily_sim.button import Button
from cloudfamily_sim.devices import Device
from cloudfamily_sim.encode import Publish, encode_status, own_topic, read_answer, read_command
from cloudfamily_sim.pipe import Pipe, Will

#: Between two attempts to connect; doubled each time, and a little different for each device, so that they do not all come at once.
FIRST_PAUSE_SECONDS, SLOWEST_PAUSE_SECONDS = 0.5, 30.0
LONGEST_WAIT_SECONDS = 30.0
#: What the broker keeps for a device that sleeps.
SESSION_SECONDS = 86_400
FLUSH_SECONDS = 0.5


class Solo:
    """Drives one device until `stop` is set. Press and sense the device itself, then call `nudge`."""

    def __init__(self, device: Device, *, clock: Callable[[], datetime] | None = None, first_pause_seconds: float = FIRST_PAUSE_SECONDS) -> None:
        self.device, self.clock, self.first_pause_seconds = device, clock or utc_now, first_pause_seconds
        self.rng = random.Random(f"solo/{device.code}")
        self.wake = asyncio.Event()
        self.connections = 0
        self.pipe: Pipe | None = None

    def nudge(self) -> None:
        """Something was done to the device: it looks at once what it has to say."""
        self.wake.set()

    @property
    def connected(self) -> bool:
        return self.pipe is not None and self.pipe.connected

    async def run(
        self, host: str, port: int, *, stop: asyncio.Event, username: str | None = None, password: str | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        device, pause = self.device, self.first_pause_seconds
        device.disconnect()
        device.boot(self.clock())
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self.wake.set())
        try:
            while not stop.is_set():
                pipe = Pipe(device.code, on_message=self.hear, on_close=lambda _: self.wake.set(), session_seconds=SESSION_SECONDS)
                try:
                    will = Will(own_topic(device.code, "status"), encode_status(device.code, online=False).payload)
                    await pipe.connect(host, port, username, password, will=will, tls=tls)
                    for what in ("answer", "command"):
                        await pipe.subscribe(own_topic(device.code, what))
                    self.pipe, pause = pipe, self.first_pause_seconds
                    await self.talk(pipe, stop)
                except OSError:
                    pass  # the broker is away: try again
                finally:
                    await self.part(pipe)
                if not stop.is_set():
                    with suppress(TimeoutError):
                        async with asyncio.timeout(pause * self.rng.uniform(0.75, 1.25)):
                            await stop.wait()
                    pause = min(SLOWEST_PAUSE_SECONDS, pause * 2)
        finally:
            stopping.cancel()

    async def talk(self, pipe: Pipe, stop: asyncio.Event) -> None:
        """Until the connection breaks, or it is time to leave."""
        device = self.device
        if self.connections:
            device.put(self.clock(), encode_status(device.code, online=True))
        self.connections += 1
        device.connect(self.clock())
        while pipe.connected:
            self.wake.clear()
            while device.next_at <= self.clock():
                said = device.outbox(self.clock())
                for number, publish in enumerate(said):
                    if not pipe.free:
                        try:
                            await pipe.room(1)
                        except OSError:
                            device.spool.extendleft(reversed(said[number:]))
                            raise
                    pipe.publish(*publish)
            if stop.is_set():
                pipe.publish(*encode_status(device.code, online=False))
                async with asyncio.timeout(FLUSH_SECONDS):
                    await pipe.drain()
                return
            wait = (device.next_at - self.clock()).total_seconds()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(max(wait, 0.001), LONGEST_WAIT_SECONDS)):
                    await self.wake.wait()

    async def part(self, pipe: Pipe) -> None:
        """What the broker has not acknowledged goes back into the spool, before what came after it."""
        self.pipe = None
        self.device.disconnect()
        back = [Publish(topic.decode(), payload, qos, retain) for topic, payload, qos, retain in pipe.unanswered.values()]
        self.device.spool.extendleft(one for one in reversed(back) if not one.is_signal)  # a call is repeated anyway
        await pipe.close()

    def hear(self, topic: str, payload: bytes) -> None:
        answer, command = read_answer(topic, payload), read_command(topic, payload)
        if answer and isinstance(self.device, Button):
            self.device.answer(answer[1])
        if command:
            self.device.command(command[1], self.clock())
        self.wake.set()


def utc_now() -> datetime:
    return datetime.now(UTC)
