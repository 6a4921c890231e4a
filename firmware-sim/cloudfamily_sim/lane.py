"""A connection that is kept: a queue in front of one pipe after the other, for as long as it runs.

What the broker had not acknowledged when a connection broke goes first over the next one.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence

from cloudfamily_sim.pipe import Pipe

#: Most messages on the way that the broker has not acknowledged; fewer when its Receive Maximum says so.
WINDOW = 1000
KEEPALIVE_SECONDS = 15
CONNECT_SECONDS = 2.0
FIRST_PAUSE_SECONDS, SLOWEST_PAUSE_SECONDS, SLOWER = 0.25, 5.0, 2.0
#: What a clean stop may take for the last acknowledgements.
FLUSH_SECONDS = 0.5

Listener = Callable[[str, bytes], None]
#: Topic, payload, QoS, retain; a `Publish` is one.
Message = tuple[str | bytes, bytes, int, bool]


class Lane:
    """`limit`: the oldest waiting message goes when more than so many wait (None: never; the sender is bounded).

    `once`: a message that is waiting already is not queued twice, so a repeated press waits once.
    """

    def __init__(
        self, name: str, *, limit: int | None, topics: Sequence[str] = (), on_message: Listener | None = None, once: bool = False, window: int = WINDOW
    ) -> None:
        self.name, self.limit, self.topics, self.on_message, self.once, self.window = name, limit, topics, on_message, once, window
        self.waiting: deque[Message] = deque()
        self.known: set[Message] = set()
        self.connections = self.sent = self.answered = self.refused = self.dropped = 0
        self.pipe: Pipe | None = None
        self.wake = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        #: Why there is no connection, for people.
        self.trouble: Exception | None = None

    def start(self, host: str, port: int, username: str | None = None, password: str | None = None) -> None:
        """Returns at once; connects, and connects again, until `stop`. Needs a running event loop."""
        self.task = asyncio.create_task(self.keep(host, port, username, password), name=f"lane {self.name}")

    @property
    def connected(self) -> bool:
        return self.pipe is not None and self.pipe.connected

    @property
    def acknowledged(self) -> int:
        return self.answered + (self.pipe.acknowledged if self.pipe else 0)

    @property
    def empty(self) -> bool:
        return not self.waiting and (self.pipe is None or not self.pipe.unanswered)

    def send(self, message: Message) -> None:
        """Sends now if there is room, else when there is."""
        if self.once:
            if message in self.known:
                return
            self.known.add(message)
        self.waiting.append(message)
        if self.limit is not None and len(self.waiting) > self.limit:
            self.known.discard(self.waiting.popleft())
            self.dropped += 1
        self.pump()
        if self.waiting:
            self.wake.set()

    def pump(self) -> None:
        if self.pipe is None:
            return
        free = self.pipe.free
        while self.waiting and free:
            message = self.waiting.popleft()
            if self.once:
                self.known.discard(message)
            topic, payload, qos, retain = message
            try:
                self.pipe.publish(topic, payload, qos, retain)
            except ValueError:  # larger than the broker takes: it would never be taken
                self.refused += 1
                continue
            self.sent += 1
            free -= 1

    async def stop(self) -> None:
        """Lets the last messages out if there is a connection; under a second in any case."""
        if self.task is None:
            return
        deadline = time.monotonic() + FLUSH_SECONDS
        while self.connected and not self.empty and time.monotonic() < deadline:
            await asyncio.sleep(0.005)
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def keep(self, host: str, port: int, username: str | None, password: str | None) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            name = f"sim-{self.name}-{secrets.token_hex(4)}"
            pipe = Pipe(name, window=self.window, keepalive_seconds=KEEPALIVE_SECONDS, on_message=self.on_message, on_close=lambda _: self.wake.set())
            try:
                await pipe.connect(host, port, username, password, timeout_s=CONNECT_SECONDS)
                for topic in self.topics:
                    await pipe.subscribe(topic)
                self.pipe, self.trouble, pause = pipe, None, FIRST_PAUSE_SECONDS
                self.connections += 1
                await self.carry(pipe)
            except OSError as error:
                self.trouble = error
            finally:
                self.pipe = None
                self.answered += pipe.acknowledged
                self.refused += pipe.refused
                self.waiting.extendleft(reversed(pipe.unanswered.values()))
                pipe.unanswered.clear()
                await pipe.close()
            await asyncio.sleep(pause)
            pause = min(SLOWEST_PAUSE_SECONDS, pause * SLOWER)

    async def carry(self, pipe: Pipe) -> None:
        """Until the connection breaks. Raises ConnectionError."""
        while True:
            self.wake.clear()
            self.pump()
            if not pipe.connected:
                raise ConnectionError("the connection broke") from pipe.why
            if self.waiting:
                await pipe.room()
            else:
                await self.wake.wait()
