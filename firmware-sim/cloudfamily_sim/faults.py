"""What can be wrong with a device, and with the way from it to the broker. The same seed gives the same faults.

`Faults` are those of one device: `button.faults = Faults(dead=True)`, at any moment. `Chances` are those of a fleet or a crowd:
how often a message meets one, and how many of the devices have one.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Generic, TypeVar

M = TypeVar("M")

#: A device that floods says everything so many times over.
FLOOD = 20
#: A device in a reboot loop starts anew with every so many words.
WORDS_BETWEEN_REBOOTS = 3
#: A late message comes so long after its time.
LATE_SECONDS = (60.0, 1800.0)
#: Past so many messages that are held back, the next ones go at once.
MOST_HELD = 100_000
#: How far a skewed clock is off, in hours: some of it the gateway takes, some of it it must refuse.
SKEW_HOURS = (-72.0, 24.0)


@dataclass(frozen=True, kw_only=True)
class Faults:
    """Of one device. Numbers from 0 to 1 are the chance that a message meets the fault, and it meets one at most."""

    #: It never arrives; a press is repeated, and each repeat has the same chance.
    drop: float = 0.0
    #: It arrives twice.
    duplicate: float = 0.0
    #: It is overtaken by the device's next one. Never a signal, as with the two below.
    reorder: float = 0.0
    #: It comes minutes after its time.
    late: float = 0.0
    #: It is rubbish. A signal stays whole, as a device repeats the very same bytes.
    malformed: float = 0.0
    #: How far the device's own clock is ahead of the true time (negative: behind), and how much it gains on it.
    clock_offset: timedelta = timedelta(0)
    clock_ppm: float = 0.0
    #: It says for ever what it said first.
    stuck: bool = False
    #: It says everything so many times over, each time as if it were new.
    flood: int = 1
    #: It starts anew over and over, and counts from one each time.
    reboot_loop: bool = False
    #: Nothing leaves it any more.
    dead: bool = False
    #: Percent that it reports instead of its real charge; at 0 it is as good as dead.
    battery: float | None = None


NONE = Faults()


@dataclass(frozen=True, kw_only=True)
class Chances:
    """Of many devices, each from 0 to 1. The first five are per message, the last four the share of devices that have it."""

    drop: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    late: float = 0.0
    malformed: float = 0.0
    clock_skew: float = 0.0
    stuck: float = 0.0
    flood: float = 0.0
    reboot_loop: float = 0.0

    def __post_init__(self) -> None:
        for one in fields(self):
            if not 0 <= getattr(self, one.name) <= 1:
                raise ValueError(f"fault {one.name}={getattr(self, one.name)}: a chance is a number from 0 to 1")
        if self.drop + self.duplicate + self.reorder + self.late + self.malformed > 1:
            raise ValueError("the chances of drop, duplicate, reorder, late and malformed together are at most 1")

    @classmethod
    def read(cls, text: str) -> Chances:
        """`drop=0.01,duplicate=0.02`. Raises ValueError with a sentence."""
        found: dict[str, float] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, _, value = part.partition("=")
            if name not in NAMES:
                raise ValueError(f"there is no fault {name!r}: the faults are {', '.join(NAMES)}")
            try:
                found[name] = float(value)
            except ValueError:
                raise ValueError(f"{part!r}: write it like {name}=0.01") from None
        return cls(**found)

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in NAMES)

    def of(self, code: str, seed: int | str) -> Faults:
        """What this device has of it; the same for the same seed."""
        rng = random.Random(f"faults/{seed}/{code}")
        skewed, stuck, floods, reboots = (rng.random() < share for share in (self.clock_skew, self.stuck, self.flood, self.reboot_loop))
        return Faults(
            drop=self.drop, duplicate=self.duplicate, reorder=self.reorder, late=self.late, malformed=self.malformed,
            clock_offset=timedelta(hours=rng.uniform(*SKEW_HOURS)) if skewed else timedelta(0),
            stuck=stuck, flood=FLOOD if floods else 1, reboot_loop=reboots,
        )  # fmt: skip


NAMES = tuple(one.name for one in fields(Chances))


class Air(Generic[M]):
    """The way from devices to the broker, where messages are lost, doubled, overtaken, held up and spoilt.

    `reorder_seconds`: what is overtaken is held for so long; a little more than the pause between two words of a device.
    Times are seconds of any clock. Which message meets what depends only on the seed and on how many went before.
    """

    def __init__(self, seed: int | str, spoilt: Callable[[M, int], M], reorder_seconds: float) -> None:
        self.rng, self.spoilt, self.reorder_seconds = random.Random(f"air/{seed}"), spoilt, reorder_seconds
        self.held: list[tuple[float, int, M]] = []
        self.met = dict.fromkeys(("drop", "duplicate", "reorder", "late", "malformed"), 0)

    @property
    def next_at(self) -> float | None:
        return self.held[0][0] if self.held else None

    def released(self, now: float) -> Iterator[M]:
        """What was held back long enough."""
        while self.held and self.held[0][0] <= now:
            yield heapq.heappop(self.held)[2]

    def through(self, now: float, message: M, chances: Faults | Chances, *, signal: bool = False) -> tuple[M, ...]:
        """What arrives at once in this message's place."""
        luck = self.rng.random()
        if (luck := luck - chances.drop) < 0:
            self.met["drop"] += 1
            return ()
        if (luck := luck - chances.duplicate) < 0:
            self.met["duplicate"] += 1
            return message, message
        if signal:
            return (message,)
        if (luck := luck - chances.reorder) < 0:
            return self.hold("reorder", now + self.reorder_seconds, message)
        if (luck := luck - chances.late) < 0:
            return self.hold("late", now + self.rng.uniform(*LATE_SECONDS), message)
        if luck < chances.malformed:
            self.met["malformed"] += 1
            return (self.spoilt(message, self.met["malformed"]),)
        return (message,)

    def hold(self, why: str, until: float, message: M) -> tuple[M, ...]:
        if len(self.held) >= MOST_HELD:
            return (message,)
        self.met[why] += 1
        # Whole milliseconds survive the way through a datetime and back.
        heapq.heappush(self.held, (round(until, 3), sum(self.met.values()), message))
        return ()


#: One kind of rubbish after the other; each must end in quarantine, none may stop a decoder.
RUBBISH = (
    b"",
    b"\xff\xfe\x00\x9c",
    b"{",
    b"null",
    b'{"values":{"motion":1}}',
    b'{"t":"yesterday","seq":1,"values":{"motion":1}}',
    b'{"t":"2026-11-23T08:00:00.000Z","seq":1,"values":{"motion":"yes"}}',
    b'{"t":"2026-11-23T08:00:00.000Z","seq":1,"values":{"temperature":4000}}',
    b'{"t":"2026-11-23T08:00:00.000Z","seq":1,"values":{"nonsense":1}}',
    b"[" * 5_000,
)


def spoil(payload: bytes, turn: int) -> bytes:
    """What a broken device sends instead of `payload`: the same for the same `turn`."""
    turn %= len(RUBBISH) + 1
    return payload[: len(payload) // 2] if turn == len(RUBBISH) else RUBBISH[turn]
