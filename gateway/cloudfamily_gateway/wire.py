"""What goes over MQTT and what a decoder makes of it. Nothing here does any I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import msgspec

#: Topics of our own dialect, for subscriptions.
SIGNALS = "cf/v1/+/signal"
ANSWERS = "cf/v1/+/answer"
#: What the bulk lane leaves alone: signals have a lane of their own, answers are ours.
HAS_OWN_LANE = re.compile(r"^cf/v1/[^/]*/(signal|answer)\Z")
DEVICE = re.compile(r"^[A-Za-z0-9_.-]{1,64}\Z")
#: A frame past this many bytes is not decoded.
LARGEST = 65_536


class Frame(NamedTuple):
    """One MQTT message as it came."""

    topic: str
    payload: bytes
    received_at: datetime


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


class Fault(NamedTuple):
    """Why a frame, or a part of it, was not taken: a stable reason and a sentence for an operator."""

    reason: str
    detail: str


@dataclass(frozen=True)
class Decoded:
    #: None when the topic does not even say which device spoke.
    device: str | None
    readings: tuple[Reading, ...] = ()
    signals: tuple[Signal, ...] = ()
    faults: tuple[Fault, ...] = ()


class Answer(msgspec.Struct, frozen=True):
    """Platform → device, on `cf/v1/{device}/answer`: "received", then "help_is_coming", then "resolved"."""

    answer: str
    seq: int | None = None


def answer_topic(device: str) -> str:
    return f"cf/v1/{device}/answer"


encode = msgspec.json.encode
