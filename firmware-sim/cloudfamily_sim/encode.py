"""What a device writes and reads over MQTT: the own dialect, version 1. Nothing here does any I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import msgspec

from cloudfamily_gateway.wire import ANSWERS, COMMANDS, DEVICE, own_topic

__all__ = [
    "ANSWERS", "COMMANDS", "DEVICE", "Answer", "Command", "Publish", "encode_info", "encode_reading", "encode_report", "encode_signal", "encode_status",
    "own_topic", "read_answer", "read_command",
]  # fmt: skip

SignalKind = Literal["sos", "fall", "smoke", "gas", "co", "water_leak", "tamper"]


class Publish(NamedTuple):
    """One MQTT message to send."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False

    @property
    def is_signal(self) -> bool:
        """A press, a fall, smoke: goes its own way, before any reading, and is never dropped."""
        return self.topic.endswith("/signal")

    @property
    def is_reading(self) -> bool:
        return self.topic.endswith("/reading")


class Answer(msgspec.Struct, frozen=True):
    """The platform's word to a device that called; `name`: who is on the way."""

    seq: int
    answer: Literal["received", "help_is_coming", "on_the_way", "resolved"]
    name: str | None = None


class Command(msgspec.Struct, frozen=True):
    """What the platform wants a device to do. The same `id` is the same command, however often it comes."""

    id: int
    do: str
    params: dict[str, Any] = {}


answer_decoder = msgspec.json.Decoder(Answer)
command_decoder = msgspec.json.Decoder(Command)


def encode_reading(device: str, at: datetime, seq: int | None, values: Mapping[str, float]) -> Publish:
    """`values` by quantity: motion and door 0|1, temperature °C, battery % …; `at` is aware, sent in milliseconds."""
    counted = {} if seq is None else {"seq": seq}
    said = {"t": encode_time(at), **counted, "values": dict(values)}
    return Publish(own_topic(device, "reading"), msgspec.json.encode(said))


def encode_signal(device: str, at: datetime, seq: int, kind: SignalKind) -> Publish:
    said = {"t": encode_time(at), "seq": seq, "kind": kind}
    return Publish(own_topic(device, "signal"), msgspec.json.encode(said))


def encode_info(device: str, kind: str, model: str, report_minutes: int, mains: bool) -> Publish:
    """What a device says of itself, once after each start."""
    said = {"kind": kind, "vendor": "Cloud Family", "model": model, "report_minutes": report_minutes, "mains": mains}
    return Publish(own_topic(device, "info"), msgspec.json.encode(said))


def encode_status(device: str, online: bool) -> Publish:
    return Publish(own_topic(device, "status"), b"online" if online else b"offline", retain=True)


def encode_report(device: str, command_id: int, state: Literal["delivered", "done", "failed"], detail: str = "") -> Publish:
    said = {"id": command_id, "state": state} | ({"detail": detail} if detail else {})
    return Publish(own_topic(device, "report"), msgspec.json.encode(said))


def encode_time(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, `2026-11-23T08:00:00.000Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def read_answer(topic: str, payload: bytes) -> tuple[str, Answer] | None:
    """The device that is meant and what it is told; None when this is no answer of ours."""
    return read(topic, payload, "answer", answer_decoder)


def read_command(topic: str, payload: bytes) -> tuple[str, Command] | None:
    """The device that is meant and what it must do; None when this is no command of ours."""
    return read(topic, payload, "command", command_decoder)


def read(topic: str, payload: bytes, what: str, decoder: msgspec.json.Decoder[Any]) -> tuple[str, Any] | None:
    parts = topic.split("/")
    if len(parts) != 4 or parts[0] != "cf" or parts[1] != "v1" or parts[3] != what:
        return None
    try:
        return parts[2], decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
