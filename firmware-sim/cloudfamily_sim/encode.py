"""What a device writes and reads over MQTT: the own dialect, version 1. Nothing here does any I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import msgspec

from cloudfamily_gateway.wire import ANSWERS, DEVICE

__all__ = ["ANSWERS", "DEVICE", "Answer", "Publish", "encode_reading", "encode_signal", "read_answer"]

SignalKind = Literal["sos", "fall", "smoke", "gas", "water_leak"]


class Publish(NamedTuple):
    """One MQTT message to send."""

    topic: str
    payload: bytes
    qos: int = 1

    @property
    def is_signal(self) -> bool:
        """A press, a fall, smoke: goes its own way, before any reading, and is never dropped."""
        return self.topic.endswith("/signal")


class Answer(msgspec.Struct, frozen=True):
    """The platform's word to a device that called."""

    seq: int
    answer: Literal["received", "help_is_coming", "resolved"]


answer_decoder = msgspec.json.Decoder(Answer)


def encode_reading(device: str, at: datetime, seq: int | None, values: Mapping[str, float]) -> Publish:
    """`values` by quantity: motion and door 0|1, temperature °C, battery % …; `at` is aware, sent in milliseconds."""
    counted = {} if seq is None else {"seq": seq}
    said = {"t": encode_time(at), **counted, "values": dict(values)}
    return Publish(f"cf/v1/{device}/reading", msgspec.json.encode(said))


def encode_signal(device: str, at: datetime, seq: int, kind: SignalKind) -> Publish:
    said = {"t": encode_time(at), "seq": seq, "kind": kind}
    return Publish(f"cf/v1/{device}/signal", msgspec.json.encode(said))


def encode_time(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, `2026-11-23T08:00:00.000Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def read_answer(topic: str, payload: bytes) -> tuple[str, Answer] | None:
    """The device that is meant and what it is told; None when this is no answer of ours."""
    parts = topic.split("/")
    if len(parts) != 4 or parts[0] != "cf" or parts[1] != "v1" or parts[3] != "answer":
        return None
    try:
        return parts[2], answer_decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
