"""What the dialects do alike: values in their ranges, truth in many spellings, and what one frame tells of one device."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from cloudfamily_gateway import wire
from cloudfamily_platform.core import quantity

#: A battery at or below this many percent is a signal, once a day and device.
BATTERY_LOW_PERCENT = 15
# Looked up once, and made without the Python function of a NamedTuple: `take` is the product's hottest line.
BATTERY, Reading, new = quantity.BATTERY, wire.Reading, tuple.__new__
#: What a reading may measure: all that we know but a press, which is a signal and would alert nobody here.
QUANTITIES = {name: one for name, one in quantity.BY_NAME.items() if one.number != quantity.PRESS}
#: What msgspec raises on a message that is not ours.
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


YES = words("on true yes 1 open opened detected alarm active activated pressed triggered occupied present presence motion wet leak leaking emergency sos")
NO = words("off false no 0 close closed clear cleared normal idle inactive none released dry vacant absent unoccupied safe ok")
NOTHING = frozenset(("", "null", "unknown", "unavailable", "nan"))
#: A device or button of such a name calls for help, whatever its press is called. An installer names it so: docs/devices.md.
CALLS = re.compile(r"(?<![a-z])(sos|emergency|panic|help|call)(?![a-z])|紧急|求助|求救|呼叫|报警", re.IGNORECASE)
#: What no topic to publish on may have: wildcards, zero bytes, halves of characters.
ODD = re.compile("[+#\0\ud800-\udfff]")


def take(
    known: quantity.Quantity, value: float, device: str, time: datetime, readings: list[wire.Reading], signals: list[wire.Signal], faults: list[wire.Fault]
) -> None:
    """Adds a value, in the quantity's own unit, to what a frame tells of a device."""
    number = known.number
    if known.lowest <= value <= known.highest:
        readings.append(new(Reading, (device, number, value, time)))
        if number == BATTERY and value <= BATTERY_LOW_PERCENT:
            signals.append(battery_low(device, value, time))
    else:
        faults.append(wire.Fault("out_of_range", f"{known.name} = {value}: a home gives {known.lowest:g} to {known.highest:.9g} {known.unit}"))


def battery_low(device: str, percent: float | None, at: datetime) -> wire.Signal:
    """`percent` is None for a device that only says that it is low."""
    return wire.Signal(device=device, kind="battery_low", once=f"{at:%Y-%m-%d}", at=at, detail={} if percent is None else {"percent": round(percent)})


def unreadable(device: str, *said: bytes) -> wire.Signal:
    """Somebody may have pressed: what cannot be read is heard, once for the same words."""
    return wire.Signal(device=device, kind="unreadable", once=hashlib.sha256(b"\0".join(said)).hexdigest())


def read_object(payload: bytes) -> dict[str, Any] | None:
    """The JSON object in it; None: there is none."""
    try:
        found = msgspec.json.decode(payload)
    except UNREADABLE:
        return None
    return found if isinstance(found, dict) else None


def number(value: object) -> float | None:
    """A finite number, also one in a string."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def truth(value: object) -> bool | None:
    """True and false as devices spell them; None: neither."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return bool(value) if value in (0, 1) else None
    if isinstance(value, str):
        word = value.strip().lower()
        return True if word in YES else False if word in NO else None
    return None


def says_nothing(value: object) -> bool:
    """Null and its like: the device does not know it just now."""
    return value is None or (isinstance(value, str) and value.strip().lower() in NOTHING)


def when(value: object) -> datetime | None:
    """A time with an offset: RFC 3339, or seconds or milliseconds since 1970."""
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            return found if found.tzinfo else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def wanted(params: Mapping[str, object]) -> tuple[bool, int]:
    """What a command wants: `on` (true unless it says otherwise) and `seconds` (60; 1 to 1800)."""
    seconds = number(params.get("seconds", 60))
    return truth(params.get("on", True)) is not False, int(min(max(seconds or 60, 1), 1800))


def text(value: object) -> str | None:
    """A short text of a message, for an announcement, as a database can keep it."""
    if not isinstance(value, str):
        return None
    return value.strip()[:100].replace("\0", "").encode("utf-8", "replace").decode() or None


def is_address(said: str) -> bool:
    """Whether something can be published there: no wildcards, no halves of characters, as short as MQTT wants it."""
    return bool(said) and not ODD.search(said) and len(said) <= 1000


def wrong_topic(topic: str) -> wire.Decoded:
    return wire.Decoded(None, faults=(wire.Fault("wrong_topic", f"no device family speaks on {topic[:200]!r}"),))


def not_understood(device: str | None, why: str) -> wire.Decoded:
    return wire.Decoded(device, faults=(wire.Fault("not_understood", why[:300]),))


class Told:
    """What one frame tells of one device.

    A frame that the broker kept tells how things stand, of an unknown time: its alarms count, its values and presses do not.
    Alarms carry the time at which we heard them: one of a clock far ahead would keep every later one from rising.
    """

    __slots__ = ("device", "faults", "frame", "levels", "readings", "signals", "time")

    def __init__(self, frame: wire.Frame, device: str, time: datetime | None = None) -> None:
        self.frame, self.device = frame, device
        self.time = time or frame.received_at
        self.readings: list[wire.Reading] = []
        self.signals: list[wire.Signal] = []
        self.faults: list[wire.Fault] = []
        self.levels: list[wire.Level] = []

    def measure(self, name: str, value: object, factor: float = 1.0) -> None:
        """A value of a quantity; `factor` makes it of the quantity's own unit."""
        found = number(value)
        if found is None:
            if not says_nothing(value):
                self.fault("not_understood", f"{name}: {str(value)[:40]!r} is no number")
            return
        take(quantity.BY_NAME[name], found * factor if factor != 1.0 else found, self.device, self.time, self.readings, self.signals, self.faults)

    def state(self, name: str, value: object, inverted: bool = False) -> None:
        """A quantity that is 1 or 0: motion, an open door, somebody in bed."""
        found = truth(value)
        if found is not None:
            self.readings.append(wire.Reading(self.device, quantity.BY_NAME[name].number, float(found != inverted), self.time))
        elif not says_nothing(value):
            self.fault("not_understood", f"{name}: {str(value)[:40]!r} is neither true nor false")

    def level(self, kind: str, value: object) -> None:
        """An alarm that stands until it falls. A call for help that cannot be read is heard all the same."""
        found = truth(value)
        if found is not None:
            self.levels.append(wire.Level(self.device, kind, found))
        elif not says_nothing(value):
            self.fault("not_understood", f"{kind}: {str(value)[:40]!r} is neither true nor false")
            if kind == "sos":
                self.signals.append(unreadable(self.device, str(value).encode("utf-8", "replace")))

    def press(self, word: str) -> None:
        """Somebody calls for help. The same word within the same second is one press: it comes on two topics from some bridges."""
        self.happened("sos", f"{word}@{self.time:%Y-%m-%dT%H:%M:%S}", word)

    def happened(self, kind: str, once: str, said: str = "") -> None:
        """`once` and `said` are of the device's own making: of any length, with bytes that no database keeps."""
        if not once.isprintable() or len(once) > 100:
            once = hashlib.sha256(once.encode("utf-8", "replace")).hexdigest()
        word = text(said)
        self.signals.append(wire.Signal(device=self.device, kind=kind, once=once, at=self.time, detail={"said": word} if word else {}))

    def touched(self) -> None:
        """Somebody used a button that calls for nothing: it shows that somebody is about."""
        self.readings.append(wire.Reading(self.device, quantity.PRESS, 1.0, self.time))

    def low(self, value: object) -> None:
        """The device says itself whether its battery is low; its percentage, when it has told that before, says more."""
        if truth(value) and not any(one.kind == "battery_low" for one in self.signals):
            percent = next((one.value for one in self.readings if one.quantity == quantity.BATTERY), None)
            self.signals.append(battery_low(self.device, percent, self.time))

    def fault(self, reason: str, detail: str) -> None:
        self.faults.append(wire.Fault(reason, detail[:300]))

    @property
    def empty(self) -> bool:
        return not (self.readings or self.signals or self.levels or self.faults)

    def alive(self) -> None:
        """The device has spoken, and said nothing that is measured: a press of 0, as every signal leaves one."""
        self.readings.append(wire.Reading(self.device, quantity.PRESS, 0.0, self.frame.received_at))

    def decoded(self, announcements: tuple[wire.Announcement, ...] = (), links: tuple[wire.Link, ...] = ()) -> wire.Decoded:
        if self.frame.retained:
            return wire.Decoded(self.device, (), (), tuple(self.faults), tuple(self.levels), announcements, links)
        if self.levels and not self.readings and not self.signals and not any(one.kind == "sos" and one.active for one in self.levels):
            self.alive()
        return wire.Decoded(self.device, tuple(self.readings), tuple(self.signals), tuple(self.faults), tuple(self.levels), announcements, links)


def merged(device: str, told: Iterable[Told], announcements: tuple[wire.Announcement, ...] = ()) -> wire.Decoded:
    """What one frame tells of several devices; `device` spoke for them."""
    parts = [one.decoded() for one in told]
    return wire.Decoded(
        device,
        tuple(one for part in parts for one in part.readings),
        tuple(one for part in parts for one in part.signals),
        tuple(one for part in parts for one in part.faults),
        tuple(one for part in parts for one in part.levels),
        announcements,
    )
