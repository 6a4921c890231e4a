"""The presses of a crowd: buttons that exist only while they call. On a virtual clock."""

from __future__ import annotations

import heapq
import random
from collections import deque
from datetime import datetime, timedelta

from cloudfamily_sim.button import Button
from cloudfamily_sim.crowd import BUTTON, Crowd, device_code
from cloudfamily_sim.encode import Publish, read_answer
from cloudfamily_sim.faults import Air

#: Buttons that call at the same time; past it nobody else presses until one is answered.
MOST_CALLING = 10_000
#: Answer times that are kept for the figures.
MOST_TIMES = 100_000
FAR = timedelta(days=36_500)


class Calls:
    """`per_minute` presses of buttons of the crowd, spread evenly; each repeats until it is answered."""

    def __init__(self, crowd: Crowd, per_minute: float, began: datetime) -> None:
        self.crowd, self.began = crowd, began
        self.pause = timedelta(minutes=1 / per_minute) if per_minute else FAR
        self.rng = random.Random(f"calls/{crowd.seed}")
        self.calling: dict[str, tuple[Button, datetime]] = {}
        self.heap: list[tuple[datetime, str]] = []
        self.air: Air[Publish] = Air(f"calls/{crowd.seed}", lambda message, _: message, 0)
        self.first_seq = int(began.timestamp())
        self.presses = self.signals = self.received = self.gave_up = 0
        self.received_seconds: deque[float] = deque(maxlen=MOST_TIMES)

    @property
    def press_at(self) -> datetime:
        return self.began + self.pause * (self.presses + 1)

    def step(self, now: datetime) -> list[Publish]:
        """What the buttons say now."""
        while self.press_at <= now and len(self.calling) < MOST_CALLING:
            self.press(self.press_at, now)
        said: list[Publish] = []
        while self.heap and self.heap[0][0] <= now:
            _, code = heapq.heappop(self.heap)
            if code not in self.calling:
                continue
            button = self.calling[code][0]
            for call in button.outbox(now):
                self.signals += 1
                said += self.air.through(0, call, self.crowd.chances, signal=True)
            if button.light == "idle":
                self.gave_up += 1
                del self.calling[code]
            else:
                heapq.heappush(self.heap, (button.next_at, code))
        return said

    def press(self, at: datetime, now: datetime) -> None:
        self.presses += 1
        code = device_code(self.rng.randrange(self.crowd.homes), BUTTON)
        if code not in self.calling:
            button = Button(code, first_at=self.began + FAR, seq=self.first_seq + self.presses, battery_days=None)
            button.press(at)
            self.calling[code] = button, now
            heapq.heappush(self.heap, (at, code))

    def hear(self, topic: str, payload: bytes, now: datetime) -> None:
        """Takes an answer; one to somebody else's button passes by."""
        heard = read_answer(topic, payload)
        if heard is None or heard[0] not in self.calling:
            return
        button, pressed_at = self.calling[heard[0]]
        if button.answer(heard[1]):
            self.received += 1
            self.received_seconds.append((now - pressed_at).total_seconds())
            del self.calling[heard[0]]
