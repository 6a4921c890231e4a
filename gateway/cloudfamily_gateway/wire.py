"""What goes over MQTT and what a decoder makes of it. Nothing here does any I/O."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import msgspec

#: Topics of our own dialect, for subscriptions.
SIGNALS = "cf/v1/+/signal"
ANSWERS = "cf/v1/+/answer"
COMMANDS = "cf/v1/+/command"
#: Whatever an edge hands on stands below its own name: `edge/{hub}/{the topic as the device said it}`.
EDGE = "edge/"
#: What the bulk lane leaves alone: signals have a lane of their own, answers and commands are ours.
HAS_OWN_LANE = re.compile(r"^(edge/[^/]*/)?cf/v1/[^/]*/(signal|answer|command)\Z")
#: Where devices are announced, retained by the broker.
ANNOUNCED = ("homeassistant/+/+/config", "homeassistant/+/+/+/config", "+/bridge/devices", "cf/v1/+/info", f"{EDGE}+/+/bridge/devices")
#: MQTT 5 user properties in which an edge says when it took a message, RFC 3339, and that its own broker had kept it ("1").
TAKEN_AT, RETAINED = "at", "retained"
#: What an edge has kept is at most so old.
OLDEST = timedelta(days=7)
DEVICE = re.compile(r"^[A-Za-z0-9_.-]{1,64}\Z")
#: A frame past this many bytes is not decoded.
LARGEST = 65_536


class Frame(NamedTuple):
    """One MQTT message as it came."""

    #: As the device said it: without an edge's prefix.
    topic: str
    payload: bytes
    #: When we took it, or the edge before us.
    received_at: datetime
    #: The edge that handed it on; None: it came straight from the device.
    hub: str | None = None
    #: Kept by the broker and given out at subscription: it says how things stand, never that something happens.
    retained: bool = False


class Reading(NamedTuple):
    device: str
    #: quantity.Quantity.number
    quantity: int
    value: float
    time: datetime


@dataclass(frozen=True, kw_only=True)
class Signal:
    """Something that must be looked at at once. `once` is the same each time the device says the same thing again."""

    device: str
    kind: str
    once: str
    at: datetime | None = None
    seq: int | None = None
    detail: dict[str, object] = field(default_factory=dict)


class Level(NamedTuple):
    """A state that stands until it falls: smoke, water, a latched sos. It may be said again and again, also after a restart of
    whoever says it; only its rise from False to True becomes a signal of this kind."""

    device: str
    kind: str
    active: bool
    #: None: when the frame came.
    at: datetime | None = None


class Announcement(NamedTuple):
    """A device, or its hub on its behalf, says what it is. None: it does not say."""

    device: str
    #: The dialect: "own", "zigbee2mqtt", …
    family: str
    #: One of people.quarantine.KINDS.
    kind: str = "other"
    vendor: str | None = None
    model: str | None = None
    #: What its people call it.
    name: str | None = None
    #: Device code of the hub or bridge through which it speaks.
    hub: str | None = None
    #: It says something at least this often.
    report_minutes: int | None = None
    mains: bool | None = None
    #: Where it hears commands, in its dialect's own words (a topic or a name); None: by its code, as our own do.
    address: str | None = None


class Link(NamedTuple):
    """A last will or an availability: this device, or a hub with all its devices, is there or not."""

    device: str
    online: bool


class Report(NamedTuple):
    """What a device says of a command that it was given."""

    device: str
    command_id: int
    state: Literal["delivered", "done", "failed"]
    detail: str = ""


class Fault(NamedTuple):
    """Why a frame, or a part of it, was not taken: a stable reason and a sentence for an operator."""

    reason: str
    detail: str


class Decoded(NamedTuple):
    """All that a frame says, nearly always of one device; a hub's report speaks of many."""

    #: Who spoke; None when the topic does not even say that.
    device: str | None
    readings: tuple[Reading, ...] = ()
    signals: tuple[Signal, ...] = ()
    faults: tuple[Fault, ...] = ()
    levels: tuple[Level, ...] = ()
    announcements: tuple[Announcement, ...] = ()
    links: tuple[Link, ...] = ()
    reports: tuple[Report, ...] = ()


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Platform → device, on `cf/v1/{device}/answer`: "received", "help_is_coming", "on_the_way" (with a name), "resolved"."""

    answer: str
    seq: int | None
    name: str | None = None


class Command(msgspec.Struct, frozen=True):
    """Platform → device, on `cf/v1/{device}/command`: one of people.command.DO with its parameters. A device does an id once."""

    id: int
    do: str
    params: dict[str, object]
    #: Not to be done after this.
    until: datetime


def has_own_lane(topic: str) -> bool:
    return topic.endswith(("/signal", "/answer", "/command")) and HAS_OWN_LANE.match(topic) is not None


def own_topic(device: str, what: str, hub: str | None = None) -> str:
    """`cf/v1/{device}/{what}`, below the edge through which the device is reached."""
    return f"{EDGE}{hub}/cf/v1/{device}/{what}" if hub else f"cf/v1/{device}/{what}"


def answer_topic(device: str, hub: str | None = None) -> str:
    return own_topic(device, "answer", hub)


def without_edge(topic: str) -> tuple[str, str | None]:
    """The topic as the device said it, and the edge that handed it on."""
    if not topic.startswith(EDGE):
        return topic, None
    _, hub, rest = [*topic.split("/", 2), "", ""][:3]
    return (rest, hub) if rest and DEVICE.match(hub) else (topic, None)


def device_code(*parts: str) -> str:
    """A device code of ours for names that others gave: joined by dots; what is too long or has other characters is told apart by a hash."""
    code = ".".join(part for part in parts if part)
    if DEVICE.match(code):
        return code
    told_apart = hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', code)[:53].strip('-')}-{told_apart}"


encode = msgspec.json.encode
