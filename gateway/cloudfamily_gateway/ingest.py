"""ingest: frames become rows, a batch in one transaction. The caller acknowledges after it returns."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import psycopg
from psycopg.types.json import Jsonb

from cloudfamily_gateway import dialects, wire
from cloudfamily_platform.core import metrics, quantity, sql

QUERIES = sql.load("cloudfamily_gateway")
#: A device's clock may be this far from ours; a spool of the last two days is taken.
AHEAD = timedelta(minutes=10)
BEHIND = timedelta(hours=48)
SAMPLE = 4096
LONGEST_DETAIL = 1000
#: What the database says of a row that it will never take.
REFUSED = (psycopg.DataError, psycopg.IntegrityError)
#: Known devices are remembered this long, so that a new home is known within a minute.
REMEMBER = timedelta(seconds=30)


@dataclass(frozen=True)
class Device:
    id: int
    home_id: int


class Store:
    """Stores frames over one connection of its own. Not for several threads at once."""

    def __init__(self, conn: psycopg.Connection[tuple[object, ...]]) -> None:
        self.conn = conn
        self.known: dict[str, Device] = {}
        self.forget_at: datetime | None = None

    def store(self, frames: Sequence[wire.Frame]) -> list[wire.Signal]:
        """Stores all of them, each message once however often it comes, and returns the signals among them.

        A row that the database refuses goes into quarantine alone. Raises psycopg.OperationalError when the database is
        away: then nothing was stored, and nothing may be acknowledged.
        """
        pairs = [(frame, judge(frame)) for frame in frames]
        if not pairs:
            return []
        try:
            return self.write(pairs)
        except REFUSED:
            return [signal for pair in pairs for signal in self.write_alone(*pair)]

    def write_alone(self, frame: wire.Frame, decoded: wire.Decoded) -> list[wire.Signal]:
        """As it is, else without its readings, else with signals that say no more than that there was one."""
        try:
            return self.write([(frame, decoded)])
        except REFUSED as error:
            fault = wire.Fault("not_stored", str(error).splitlines()[0][:300])
        less = replace(decoded, readings=(), faults=(*decoded.faults, fault))
        try:
            return self.write([(frame, less)])
        except REFUSED:
            return self.write([(frame, replace(less, signals=tuple(replace(one, seq=None, detail={}) for one in less.signals)))])

    def write(self, pairs: Sequence[tuple[wire.Frame, wire.Decoded]]) -> list[wire.Signal]:
        with self.conn.transaction():
            devices = self.devices({decoded.device for _, decoded in pairs if decoded.device}, pairs[-1][0].received_at)
            self.add_readings(pairs, devices)
            signals = [signal for frame, decoded in pairs for signal in self.add_signals(frame, decoded, devices)]
            for frame, decoded in pairs:
                self.add_faults(frame, decoded, devices)
        return signals

    def devices(self, codes: set[str], now: datetime) -> dict[str, Device]:
        if self.forget_at is None or now >= self.forget_at or now < self.forget_at - REMEMBER:
            self.known, self.forget_at = {}, now + REMEMBER
        if missing := [code for code in codes if code not in self.known]:
            for code, device_id, home_id in self.conn.execute(QUERIES["devices"], {"codes": missing}):
                self.known[str(code)] = Device(int(str(device_id)), int(str(home_id)))
        return self.known

    def add_readings(self, pairs: Sequence[tuple[wire.Frame, wire.Decoded]], devices: dict[str, Device]) -> None:
        found = [(reading, devices[reading.device].id) for _, decoded in pairs for reading in decoded.readings if reading.device in devices]
        if not found:
            return
        rows = {
            "times": [reading.time for reading, _ in found],
            "devices": [device for _, device in found],
            "quantities": [reading.quantity for reading, _ in found],
            "readings": [reading.value for reading, _ in found],
        }
        self.conn.execute(QUERIES["add_readings"], rows)
        metrics.readings.inc(len(found))

    def add_signals(self, frame: wire.Frame, decoded: wire.Decoded, devices: dict[str, Device]) -> tuple[wire.Signal, ...]:
        for signal in decoded.signals:
            device = devices.get(signal.device)
            values = {
                "device": signal.device,
                "device_id": device.id if device else None,
                "home_id": device.home_id if device else None,
                "kind": signal.kind,
                "at": signal.at or frame.received_at,
                "received_at": frame.received_at,
                "seq": signal.seq,
                "once": signal.once or uuid.uuid4().hex,
                "detail": Jsonb(signal.detail),
            }
            self.conn.execute(QUERIES["add_signal"], values)
            self.conn.execute(QUERIES["hint_signal"])
            metrics.signals.inc()
        return decoded.signals

    def add_faults(self, frame: wire.Frame, decoded: wire.Decoded, devices: dict[str, Device]) -> None:
        details: dict[str, str] = {}
        for fault in decoded.faults:
            said = details.get(fault.reason)
            details[fault.reason] = f"{said}; {fault.detail}"[:LONGEST_DETAIL] if said else fault.detail[:LONGEST_DETAIL]
        if decoded.device and decoded.device not in devices and (decoded.readings or decoded.signals):
            details["unknown_device"] = f"device {decoded.device} has no home yet: give it one, and what it says next is kept"
        for reason, detail in details.items():
            # For an unknown device the device is what matters, not each of its frames.
            same = decoded.device if reason == "unknown_device" else None
            digest = hashlib.sha256((same or f"{frame.topic}\n").encode() + (b"" if same else frame.payload)).digest()
            values = {
                "topic": frame.topic[:1000].replace("\0", "�"),
                "device": decoded.device,
                "reason": reason,
                "detail": detail.replace("\0", "�"),
                "size": len(frame.payload),
                "sample": frame.payload[:SAMPLE],
                "digest": digest,
                "at": frame.received_at,
            }
            self.conn.execute(QUERIES["add_quarantine"], values)
            metrics.quarantined.labels(reason).inc()


def judge(frame: wire.Frame) -> wire.Decoded:
    """Decodes, and holds the device's clock against ours: a reading of the wrong time is not taken, a signal always is."""
    decoded = dialects.decode(frame.topic, frame.payload)
    now = frame.received_at
    readings = tuple(one for one in decoded.readings if right(one.time, now))
    times = (*(one.time for one in decoded.readings), *(one.at for one in decoded.signals if one.at))
    wrong = next((time for time in times if not right(time, now)), None)
    pressed = frame.topic.endswith("/signal")
    signals = tuple(one if one.at and right(one.at, now) else on_our_clock(one, now, "%Y-%m-%dT%H" if pressed else "%Y-%m-%d") for one in decoded.signals)
    # A sign of life of the device; only a press is one of somebody at home as well.
    presses = tuple(wire.Reading(one.device, quantity.PRESS, float(one.kind == "sos"), one.at or now) for one in signals if pressed)
    faults = decoded.faults
    if wrong is not None:
        faults = (*faults, wire.Fault("wrong_clock", f"the device says {wrong.isoformat()}, it is {now.isoformat(timespec='seconds')}"))
    return wire.Decoded(decoded.device, (*readings, *presses), signals, faults)


def right(time: datetime, now: datetime) -> bool:
    return now - BEHIND <= time <= now + AHEAD


def on_our_clock(signal: wire.Signal, now: datetime, span: str) -> wire.Signal:
    """A signal that does not say when it was. The same words count as new in the next hour (a press) or day: a device without
    a clock counts from 1 again after a new battery, and its press must be heard."""
    return replace(signal, at=now, once=signal.once and f"{signal.once}/{now.strftime(span)}")
