"""A crowd: the devices of up to a million homes, without an object for any of them.

The devices speak in turn, one after the other, each as often as every other. So what is said as the crowd's k-th word, by whom
and with which number, follows from the seed and k alone: a run repeats exactly, and 500,000 devices take no more memory than five.

    crowd = Crowd(100_000, seed=1)
    for topic, payload in crowd.messages(10_000, now): ...
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from cloudfamily_sim import faults
from cloudfamily_sim.faults import Air, Chances

MOST_HOMES = 1_000_000
#: Device 0 of a home is the button, and so on; the words are those that a device's `info` has for its kind.
KINDS = ("button", "motion", "temperature", "door", "hub")
BUTTON, MOTION, TEMPERATURE, DOOR, HUB = range(len(KINDS))
DEVICES_PER_HOME = len(KINDS)
#: The readings that a hub has of its home's five devices in one message.
READINGS_PER_REPORT = 10
#: How often, of 256 words, a motion sensor has seen somebody, by the hour of the day at home; else it tells its battery.
ACTIVITY = (6, 4, 4, 5, 12, 60, 150, 190, 180, 170, 160, 170, 160, 90, 110, 150, 170, 190, 180, 170, 150, 110, 50, 15)
#: A door opens or closes in so many of 256 words.
DOOR_MOVES = 12
SECOND_US = 1_000_000
Message = tuple[bytes, bytes]


class Listed(NamedTuple):
    """A device of a crowd, for whoever puts it on the books."""

    code: str
    home: str
    kind: str


def home_code(home: int) -> str:
    """`sim-000123`"""
    return f"sim-{home:06}"


def device_code(home: int, device: int) -> str:
    """`sim-000123-2`: device 2 (0 to 4, see KINDS) of home 123."""
    return f"sim-{home:06}-{device}"


class Crowd:
    """`homes` homes, numbered from 0, with five devices each. Raises ValueError when there are none or too many."""

    def __init__(self, homes: int, *, seed: int = 0, chances: Chances | None = None, zone: ZoneInfo | None = None) -> None:
        if not 1 <= homes <= MOST_HOMES:
            raise ValueError(f"{homes} homes: a crowd has 1 to {MOST_HOMES}")
        self.homes, self.devices, self.seed = homes, homes * DEVICES_PER_HOME, seed
        self.zone = zone or ZoneInfo("Asia/Shanghai")
        rng = random.Random(f"crowd/{seed}")
        # Steps of about the golden section, so that a home's devices and the kinds come well mixed.
        self.stride, self.offset = coprime(round(self.devices * 0.618) + rng.randrange(self.devices // 4 + 1), self.devices), rng.randrange(self.devices)
        self.home_stride = coprime(round(homes * 0.618) + rng.randrange(homes // 4 + 1), homes)
        self.salt = rng.getrandbits(64)
        self.chances = chances or Chances()
        self.marks = {name: rng.getrandbits(32) | 1 for name in ("clock_skew", "stuck", "flood", "reboot_loop")}
        #: Words said, reports said, and the time of the last in microseconds since 1970.
        self.said = self.reported = self.last_us = 0
        self.first_seq: int | None = None
        self.second, self.prefix, self.hour = -1, b"", 0

    def listed(self) -> Iterator[Listed]:
        """Every device, home after home."""
        for home in range(self.homes):
            for device, kind in enumerate(KINDS):
                yield Listed(device_code(home, device), home_code(home), kind)

    def messages(self, count: int, now: datetime, readings_per_message: int = 1) -> list[Message]:
        """The next `count` messages, without faults, to be sent as fast as one likes.

        With 1 each is one device's reading of one quantity on `cf/v1/{device}/reading`. With 10 each is a hub's report on
        `cf/v1/{hub}/senml` of ten quantities of its home. Times begin at `now` and are a microsecond apart, also from those of
        the call before, so that no device, quantity and time comes twice.
        """
        if readings_per_message not in (1, READINGS_PER_REPORT):
            raise ValueError(f"{readings_per_message} readings in a message: it is 1 or {READINGS_PER_REPORT}")
        self.begin(now)
        first_us = max(self.last_us + 1, microseconds(now))
        self.last_us = first_us + count - 1
        if readings_per_message == 1:
            found = [self.word(number, first_us + number - self.said) for number in range(self.said, self.said + count)]
            self.said += count
            return found
        found = [self.report(number, first_us + number - self.reported) for number in range(self.reported, self.reported + count)]
        self.reported += count
        return found

    def begin(self, now: datetime) -> None:
        """Counting on from the time keeps numbers growing when a crowd is started again."""
        if self.first_seq is None:
            self.first_seq = int(now.timestamp())

    def speaker(self, number: int) -> int:
        """The device, home * 5 + its number there, whose turn the crowd's word `number` is."""
        return (self.stride * (number % self.devices) + self.offset) % self.devices

    def word(self, number: int, at_us: int, seq: int | None = None, noise: int | None = None) -> Message:
        """The crowd's word `number`, said at `at_us` microseconds since 1970."""
        turn, place = divmod(number, self.devices)
        device = (self.stride * place + self.offset) % self.devices
        home, kind = divmod(device, DEVICES_PER_HOME)
        second, rest = divmod(at_us, SECOND_US)
        if second != self.second:
            self.look_at_clock(second)
        if noise is None:
            noise = self.noise(number)
        if kind == TEMPERATURE:
            said = b'"temperature":%.1f' % self.warmth(home, noise)
        elif kind == MOTION and noise & 255 < ACTIVITY[self.hour]:
            said = b'"motion":1'
        elif kind == DOOR and noise & 255 < DOOR_MOVES:
            said = b'"door":%d' % (turn & 1)
        elif kind == HUB:
            said = b'"rssi":%d' % (-40 - noise % 40)
        else:
            said = b'"battery":%d' % (60 + device % 41)
        if seq is None:
            seq = (self.first_seq or 0) + turn + 1
        return b"cf/v1/sim-%06d-%d/reading" % (home, kind), b'{"t":"%b%06dZ","seq":%d,"values":{%b}}' % (self.prefix, rest, seq, said)

    def report(self, number: int, at_us: int) -> Message:
        """SenML (RFC 8428) of the home whose turn it is: ten quantities of its five devices, all of one moment."""
        home = self.home_stride * (number % self.homes) % self.homes
        second, rest = divmod(at_us, SECOND_US)
        if second != self.second:
            self.look_at_clock(second)
        noise = self.noise(number)
        values = (
            home, BUTTON, b"battery", 60 + home % 41,
            home, MOTION, b"motion", noise & 255 < ACTIVITY[self.hour],
            home, MOTION, b"battery", 60 + (home + 1) % 41,
            home, TEMPERATURE, b"temperature", self.warmth(home, noise),
            home, TEMPERATURE, b"humidity", 35 + noise % 30,
            home, TEMPERATURE, b"battery", 60 + (home + 2) % 41,
            home, DOOR, b"door", noise >> 8 & 255 < DOOR_MOVES,
            home, DOOR, b"battery", 60 + (home + 3) % 41,
            home, HUB, b"rssi", -40 - noise % 40,
            home, HUB, b"link_quality", 60 + noise % 40,
        )  # fmt: skip
        return b"cf/v1/sim-%06d-%d/senml" % (home, HUB), REPORT % (second, rest, *values)

    def noise(self, number: int) -> int:
        """Sixteen bits that look like chance."""
        mixed = (number * 0x9E3779B97F4A7C15 + self.salt) & 0xFFFFFFFFFFFFFFFF
        return ((mixed ^ mixed >> 31) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF) >> 48

    def warmth(self, home: int, noise: int) -> float:
        """°C, warmest at three in the afternoon."""
        return 18 + home % 61 / 10 + 1.5 - abs((self.hour - 3) % 24 - 12) / 4 + noise % 5 / 10

    def look_at_clock(self, second: int) -> None:
        at = datetime.fromtimestamp(second, UTC)
        self.second, self.prefix, self.hour = second, at.strftime("%Y-%m-%dT%H:%M:%S.").encode(), at.astimezone(self.zone).hour


REPORT = b'[{"bn":"","bt":%d.%06d,' + b",{".join(b'"n":"sim-%06d-%d/%b","v":%.4g}' for _ in range(READINGS_PER_REPORT)) + b"]"


class Stream:
    """A crowd that lives: its words at a steady rate from `began` on, with what goes wrong on the way. On a virtual clock.

    `rate`: words a second. `take(until, most)` gives what has become due, each with the number of its place, by which the words
    of one device can be kept on one connection.
    """

    def __init__(self, crowd: Crowd, rate: float, began: datetime) -> None:
        self.crowd, self.rate, self.began_us = crowd, rate, microseconds(began)
        crowd.begin(began)
        self.number = 0
        self.air: Air[tuple[int, bytes, bytes]] = Air(crowd.seed, spoilt, 1.5 * crowd.devices / rate)
        self.sick = bool(crowd.chances)

    def due(self, now: datetime) -> int:
        """Words whose time has come and that were not taken."""
        return max(0, int((microseconds(now) - self.began_us) * self.rate / SECOND_US) + 1 - self.number)

    def time_us(self, number: int) -> int:
        return self.began_us + int(number * SECOND_US / self.rate)

    def take(self, count: int) -> list[tuple[int, bytes, bytes]]:
        """The next `count` words, as place, topic and payload. Faults make more or fewer of them."""
        crowd, numbers = self.crowd, range(self.number, self.number + count)
        self.number += count
        if not self.sick:
            return [(number % crowd.devices, *crowd.word(number, self.time_us(number))) for number in numbers]
        found: list[tuple[int, bytes, bytes]] = []
        for number in numbers:
            at = self.time_us(number) / SECOND_US
            found += self.air.released(at)
            for message in self.sick_words(number):
                found += self.air.through(at, message, crowd.chances)
        return found

    def sick_words(self, number: int) -> Iterator[tuple[int, bytes, bytes]]:
        """A word of a device that may have one of the faults that stay."""
        crowd, at_us = self.crowd, self.time_us(number)
        turn, place = divmod(number, crowd.devices)
        device = crowd.speaker(number)
        if self.has("clock_skew", device):
            at_us += skew_us(device * crowd.marks["clock_skew"])
        seq = None
        if self.has("reboot_loop", device):
            seq = turn % faults.WORDS_BETWEEN_REBOOTS + 1
            if seq == 1:
                home, kind = divmod(device, DEVICES_PER_HOME)
                topic = b"cf/v1/%b/" % device_code(home, kind).encode()
                yield place, topic + b"status", b"online"
                yield place, topic + b"info", b'{"kind":"%b","vendor":"sim"}' % KINDS[kind].encode()
        noise = crowd.noise(device) if self.has("stuck", device) else None
        for time in range(faults.FLOOD if self.has("flood", device) else 1):
            yield place, *crowd.word(number, at_us + time, seq, noise)

    def has(self, fault: str, device: int) -> bool:
        share = float(getattr(self.crowd.chances, fault))
        return share > 0 and (device + 1) * self.crowd.marks[fault] * 0x9E3779B1 % 0x100000000 < share * 0x100000000


def spoilt(message: tuple[int, bytes, bytes], turn: int) -> tuple[int, bytes, bytes]:
    place, topic, payload = message
    return place, topic, faults.spoil(payload, turn)


def skew_us(mixed: int) -> int:
    least, most = faults.SKEW_HOURS
    return round((least + (most - least) * (mixed % 10_007) / 10_007) * 3600 * SECOND_US)


def microseconds(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def coprime(about: int, to: int) -> int:
    """The next number from `about` on with no factor in common with `to`, so that its multiples visit everyone."""
    found = max(1, about)
    while math.gcd(found, to) != 1:
        found += 1
    return found
