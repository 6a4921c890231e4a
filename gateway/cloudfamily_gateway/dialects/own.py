"""Our own dialect, version 1: docs/protocol.md."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from cloudfamily_gateway import wire
from cloudfamily_gateway.dialects import common, senml
from cloudfamily_platform.people import vitals

Reader = Callable[[str, wire.Frame], wire.Decoded]
#: What only the platform notices; a device that says it as a signal has not understood us.
NOT_FOR_DEVICES = (
    *("battery_low", "device_silent", "hub_silent", "gateway_dark", "district_dark", "building_dark", "flapping", "back", "unreadable", "geofence"),
    *(name for kind in vitals.KINDS for name in (kind, f"{kind}_urgent")),
)
NOBODY: tuple[str, None] = ("", None)

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


class LostMessage(msgspec.Struct, frozen=True):
    """What a hub had no room for."""

    lost: Number
    until: Annotated[str, msgspec.Meta(max_length=40)]
    since: Annotated[str, msgspec.Meta(max_length=40)] = msgspec.field(name="from")


reading_message = msgspec.json.Decoder(ReadingMessage)
signal_message = msgspec.json.Decoder(SignalMessage)
info_message = msgspec.json.Decoder(InfoMessage)
lost_message = msgspec.json.Decoder(LostMessage)
report_message = msgspec.json.Decoder(ReportMessage)


def decode(frame: wire.Frame) -> wire.Decoded:
    """`cf/v1/{device}/reading`, `…/senml`, `…/signal`, `…/info`, `…/status` and `…/report`."""
    device, read = address(frame.topic)
    if read is None:
        fault = wire.Fault("wrong_topic", f"{frame.topic[:200]!r} is not cf/v1/{{device}}/ and one of {', '.join(READERS)}")
        return wire.Decoded(None, faults=(fault,))
    if len(frame.payload) > wire.LARGEST:
        fault = wire.Fault("too_large", f"more than {wire.LARGEST} bytes")
        return wire.Decoded(device, (), (common.unreadable(device, frame.payload),) if read is read_signal else (), (fault,))
    return read(device, frame)


def address(topic: str) -> tuple[str, Reader | None]:
    """Who speaks on a topic, and who reads it; None: a topic that is not ours."""
    parts = topic.split("/")
    read = READERS.get(parts[3]) if len(parts) == 4 and parts[1] == "v1" and wire.DEVICE.match(parts[2]) else None
    return (parts[2], read) if read else NOBODY


def read_reading(device: str, frame: wire.Frame) -> wire.Decoded:
    try:
        said = reading_message.decode(frame.payload)
    except common.UNREADABLE as error:
        return wire.Decoded(device, faults=(wire.Fault("not_understood", str(error)[:300]),))
    readings: list[wire.Reading] = []
    signals: list[wire.Signal] = []
    faults: list[wire.Fault] = []
    for name, value in said.values.items():
        known = common.QUANTITIES.get(name)
        if known is None:
            faults.append(wire.Fault("unknown_quantity", f"{name[:40]!r} is no quantity of a reading"))
        else:
            common.take(known, value, device, said.t, readings, signals, faults)
    return wire.Decoded(device, tuple(readings), tuple(signals), tuple(faults))


def read_signal(device: str, frame: wire.Frame) -> wire.Decoded:
    """A signal that cannot be read is still one: somebody may have pressed."""
    try:
        said = signal_message.decode(frame.payload)
        if said.kind in NOT_FOR_DEVICES:
            raise msgspec.ValidationError(f"{said.kind} is noticed by the platform, not said by a device")
    except common.UNREADABLE as error:
        fault = wire.Fault("not_understood", str(error)[:300])
        return wire.Decoded(device, (), (common.unreadable(device, frame.payload),), (fault,))
    # A device repeats the same t and seq until it is answered; one that tells neither is heard each time.
    once = f"{said.seq}@{said.t.isoformat() if said.t else ''}" if said.seq is not None or said.t else ""
    return wire.Decoded(device, (), (wire.Signal(device=device, kind=said.kind, once=once, at=said.t, seq=said.seq),), ())


def read_info(device: str, frame: wire.Frame) -> wire.Decoded:
    try:
        said = info_message.decode(frame.payload)
    except common.UNREADABLE as error:
        return wire.Decoded(device, faults=(wire.Fault("not_understood", str(error)[:300]),))
    one = wire.Announcement(device, "own", said.kind, said.vendor, said.model, said.name, said.hub, said.report_minutes, said.mains)
    return wire.Decoded(device, announcements=(one,))


def read_status(device: str, frame: wire.Frame) -> wire.Decoded:
    """The last will: the broker says "offline" for a device whose connection broke; it says "online" itself."""
    if frame.payload not in (b"online", b"offline"):
        return wire.Decoded(device, faults=(wire.Fault("not_understood", "a status is online or offline"),))
    return wire.Decoded(device, links=(wire.Link(device, frame.payload == b"online"),))


def read_report(device: str, frame: wire.Frame) -> wire.Decoded:
    try:
        said = report_message.decode(frame.payload)
    except common.UNREADABLE as error:
        return wire.Decoded(device, faults=(wire.Fault("not_understood", str(error)[:300]),))
    return wire.Decoded(device, reports=(wire.Report(device, said.id, said.state, said.detail),))


def read_lost(device: str, frame: wire.Frame) -> wire.Decoded:
    """A hub was cut off for so long that its disk was full: what it had to let go, for an operator to see."""
    try:
        said = lost_message.decode(frame.payload)
    except common.UNREADABLE as error:
        return wire.Decoded(device, faults=(wire.Fault("not_understood", str(error)[:300]),))
    return wire.Decoded(device, faults=(wire.Fault("spool_full", f"hub {device} has let {said.lost} readings go, from {said.since} to {said.until}"),))


READERS: dict[str, Reader] = {
    "reading": read_reading,
    "senml": senml.read,
    "signal": read_signal,
    "info": read_info,
    "status": read_status,
    "report": read_report,
    "lost": read_lost,
}
