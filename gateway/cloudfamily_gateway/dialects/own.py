"""Our own dialect, version 1: docs/protocol.md."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from cloudfamily_gateway import wire
from cloudfamily_platform.core import quantity

#: A battery at or below this many percent is a signal, once a day and device.
BATTERY_LOW_PERCENT = 15

#: What a reading may measure: all that we know but a press, which is a signal and would alert nobody here.
QUANTITIES = {name: one for name, one in quantity.BY_NAME.items() if one.number != quantity.PRESS}
#: What only the platform notices; a device that says it as a signal has not understood us.
NOT_FOR_DEVICES = ("battery_low", "device_silent", "hub_silent", "gateway_dark", "district_dark", "unreadable")
#: What msgspec raises on a message that is not ours.
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

Time = Annotated[datetime, msgspec.Meta(tz=True)]
#: Past 2^53 JSON numbers differ from one language to the next.
Number = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]


class ReadingMessage(msgspec.Struct, frozen=True, gc=False):
    t: Time
    values: Annotated[dict[str, float], msgspec.Meta(min_length=1)]
    seq: Number | None = None


class SignalMessage(msgspec.Struct, frozen=True, gc=False):
    kind: Annotated[str, msgspec.Meta(pattern=r"^[a-z_]{1,40}\Z")]
    seq: Number | None = None
    t: Time | None = None


class InfoMessage(msgspec.Struct, frozen=True):
    """What a device says of itself, once after each start."""

    kind: Annotated[str, msgspec.Meta(max_length=40)] = "other"
    vendor: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    model: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    name: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    hub: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}\Z")] | None = None
    report_minutes: Annotated[int, msgspec.Meta(ge=1, le=44_640)] | None = None
    mains: bool | None = None


class ReportMessage(msgspec.Struct, frozen=True):
    """What has become of a command."""

    id: Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]
    state: Literal["delivered", "done", "failed"]
    detail: Annotated[str, msgspec.Meta(max_length=200)] = ""


reading_message = msgspec.json.Decoder(ReadingMessage)
signal_message = msgspec.json.Decoder(SignalMessage)
info_message = msgspec.json.Decoder(InfoMessage)
report_message = msgspec.json.Decoder(ReportMessage)


def decode(frame: wire.Frame) -> wire.Decoded:
    """`cf/v1/{device}/reading`, `…/signal`, `…/info`, `…/status` and `…/report`."""
    parts = frame.topic.split("/")
    read = READERS.get(parts[3]) if len(parts) == 4 else None
    if read is None or parts[1] != "v1" or not wire.DEVICE.match(parts[2]):
        fault = wire.Fault("wrong_topic", f"{frame.topic[:200]!r} is not cf/v1/{{device}}/ and one of {', '.join(READERS)}")
        return wire.Decoded(None, faults=(fault,))
    device, payload = parts[2], frame.payload
    if len(payload) > wire.LARGEST:
        fault = wire.Fault("too_large", f"more than {wire.LARGEST} bytes")
        return wire.Decoded(device, (), unreadable(device, payload) if parts[3] == "signal" else (), (fault,))
    return read(device, payload)


def read_reading(device: str, payload: bytes) -> wire.Decoded:
    try:
        said = reading_message.decode(payload)
    except UNREADABLE as error:
        return wire.Decoded(device, faults=(wire.Fault("not_understood", str(error)[:300]),))
    readings: list[wire.Reading] = []
    signals: list[wire.Signal] = []
    faults: list[wire.Fault] = []
    for name, value in said.values.items():
        known = QUANTITIES.get(name)
        if known is None:
            faults.append(wire.Fault("unknown_quantity", f"{name[:40]!r} is no quantity of a reading"))
        elif not known.lowest <= value <= known.highest:
            faults.append(wire.Fault("out_of_range", f"{name} = {value}: a home gives {known.lowest:g} to {known.highest:g} {known.unit}"))
        else:
            readings.append(wire.Reading(device, known.number, value, said.t))
            if known.number == quantity.BATTERY and value <= BATTERY_LOW_PERCENT:
                signals.append(battery_low(device, value, said.t))
    return wire.Decoded(device, tuple(readings), tuple(signals), tuple(faults))


def battery_low(device: str, percent: float, at: datetime) -> wire.Signal:
    return wire.Signal(device=device, kind="battery_low", once=f"{at:%Y-%m-%d}", at=at, detail={"percent": round(percent)})


def read_signal(device: str, payload: bytes) -> wire.Decoded:
    """A signal that cannot be read is still one: somebody may have pressed."""
    try:
        said = signal_message.decode(payload)
        if said.kind in NOT_FOR_DEVICES:
            raise msgspec.ValidationError(f"{said.kind} is noticed by the platform, not said by a device")
    except UNREADABLE as error:
        fault = wire.Fault("not_understood", str(error)[:300])
        return wire.Decoded(device, (), unreadable(device, payload), (fault,))
    # A device repeats the same t and seq until it is answered; one that tells neither is heard each time.
    once = f"{said.seq}@{said.t.isoformat() if said.t else ''}" if said.seq is not None or said.t else ""
    return wire.Decoded(device, (), (wire.Signal(device=device, kind=said.kind, once=once, at=said.t, seq=said.seq),), ())


def unreadable(device: str, payload: bytes) -> tuple[wire.Signal, ...]:
    return (wire.Signal(device=device, kind="unreadable", once=hashlib.sha256(payload).hexdigest()),)


def read_info(device: str, payload: bytes) -> wire.Decoded:
    try:
        said = info_message.decode(payload)
    except UNREADABLE as error:
        return wire.Decoded(device, faults=(wire.Fault("not_understood", str(error)[:300]),))
    one = wire.Announcement(device, "own", said.kind, said.vendor, said.model, said.name, said.hub, said.report_minutes, said.mains)
    return wire.Decoded(device, announcements=(one,))


def read_status(device: str, payload: bytes) -> wire.Decoded:
    """The last will: the broker says "offline" for a device whose connection broke; it says "online" itself."""
    if payload not in (b"online", b"offline"):
        return wire.Decoded(device, faults=(wire.Fault("not_understood", "a status is online or offline"),))
    return wire.Decoded(device, links=(wire.Link(device, payload == b"online"),))


def read_report(device: str, payload: bytes) -> wire.Decoded:
    try:
        said = report_message.decode(payload)
    except UNREADABLE as error:
        return wire.Decoded(device, faults=(wire.Fault("not_understood", str(error)[:300]),))
    return wire.Decoded(device, reports=(wire.Report(device, said.id, said.state, said.detail),))


READERS: dict[str, Callable[[str, bytes], wire.Decoded]] = {
    "reading": read_reading,
    "signal": read_signal,
    "info": read_info,
    "status": read_status,
    "report": read_report,
}
