"""ingest: frames become rows, a batch in one transaction. The caller acknowledges after it returns.

Each thing is stored once, however often it comes: a reading is unique by device, quantity and the device's own time, a signal
by device, kind and what the device repeats. Both are looked up in the index that stores them, so a repeat costs one probe.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

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
#: Devices without a home that are kept on the books; past it they only stand in quarantine.
MOST_UNBOUND = 10_000

Pair = tuple[wire.Frame, wire.Decoded]


class Device(NamedTuple):
    id: int
    #: None: nobody has given it a home yet.
    home_id: int | None
    edge: str | None
    seen: bool


class Store:
    """Stores frames over one connection of its own. Not for several threads at once."""

    def __init__(self, conn: psycopg.Connection[tuple[object, ...]]) -> None:
        self.conn = conn
        self.known: dict[str, Device] = {}
        self.announced: dict[str, wire.Announcement] = {}
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
            self.known, self.announced = {}, {}
            return [signal for pair in pairs for signal in self.write_alone(*pair)]

    def write_alone(self, frame: wire.Frame, decoded: wire.Decoded) -> list[wire.Signal]:
        """As it is, else its signals and levels alone, else with signals that say no more than that there was one."""
        try:
            return self.write([(frame, decoded)])
        except REFUSED as error:
            fault = wire.Fault("not_stored", str(error).splitlines()[0][:300])
        less = wire.Decoded(decoded.device, signals=decoded.signals, levels=decoded.levels, faults=(*decoded.faults, fault))
        try:
            return self.write([(frame, less)])
        except REFUSED:
            return self.write([(frame, less._replace(signals=tuple(replace(one, seq=None, detail={}) for one in less.signals)))])

    def write(self, pairs: Sequence[Pair]) -> list[wire.Signal]:
        with self.conn.transaction():
            devices = self.devices(pairs)
            pairs = [held_to_its_way(frame, decoded, devices) for frame, decoded in pairs]
            self.add_readings(pairs, devices)
            signals = [signal for frame, decoded in pairs for signal in self.add_signals(frame, decoded.signals, devices)]
            signals += self.add_levels(pairs, devices)
            self.add_announcements(pairs, devices)
            for frame, decoded in pairs:
                self.add_words(frame, decoded, devices)
                self.add_faults(frame, decoded, devices)
        return signals

    def devices(self, pairs: Sequence[Pair]) -> dict[str, Device]:
        """Everybody who speaks in these frames; who was never heard before is registered, and waits for a home."""
        now = pairs[-1][0].received_at
        if self.forget_at is None or now >= self.forget_at or now < self.forget_at - REMEMBER:
            self.known, self.forget_at = {}, now + REMEMBER
        # One without a home is looked up each time: it may have got one just now.
        wanted = {code: frame.hub for frame, decoded in pairs for code in speakers(decoded) if code not in self.known or self.known[code].home_id is None}
        if wanted:
            self.look_up(list(wanted))
            hubs = {code: hub for code, hub in wanted.items() if code not in self.known or not self.known[code].seen}
            if hubs:
                values = {"codes": list(hubs), "edges": list(hubs.values()), "now": now, "most": MOST_UNBOUND}
                self.conn.execute(QUERIES["register_devices"], values)
                self.look_up(list(hubs))
        return self.known

    def look_up(self, codes: list[str]) -> None:
        for code, device_id, home_id, edge, seen in self.conn.execute(QUERIES["devices"], {"codes": codes}):
            home = None if home_id is None else int(str(home_id))
            self.known[str(code)] = Device(int(str(device_id)), home, None if edge is None else str(edge), bool(seen))

    def add_readings(self, pairs: Sequence[Pair], devices: dict[str, Device]) -> None:
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

    def add_signals(self, frame: wire.Frame, signals: Sequence[wire.Signal], devices: dict[str, Device]) -> Sequence[wire.Signal]:
        for signal in signals:
            device = devices.get(signal.device)
            values = {
                "device": signal.device,
                "device_id": device.id if device else None,
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
        return signals

    def add_levels(self, pairs: Sequence[Pair], devices: dict[str, Device]) -> list[wire.Signal]:
        """What rises becomes a signal. Which levels stand is asked once a batch: most say that nothing is the matter."""
        levels = [(level, frame) for frame, decoded in pairs for level in decoded.levels]
        if not levels:
            return []
        standing = {(str(code), str(kind)) for code, kind in self.conn.execute(QUERIES["levels"])}
        risen: list[wire.Signal] = []
        # In one order everywhere, so that two gateways cannot wait for each other.
        for level, frame in sorted(levels, key=lambda pair: pair[0][:2]):
            key, at = (level.device, level.kind), level.at or frame.received_at
            if level.active == (key in standing):
                continue
            standing ^= {key}
            values = {"device": level.device, "kind": level.kind, "active": level.active, "at": at}
            changed = self.conn.execute(QUERIES["set_level"], values).fetchone()
            if changed and level.active:
                signal = wire.Signal(device=level.device, kind=level.kind, once=f"since {at.isoformat()}", at=at)
                risen += self.add_signals(frame, (signal,), devices)
        return risen

    def add_announcements(self, pairs: Sequence[Pair], devices: dict[str, Device]) -> None:
        for _, decoded in pairs:
            for said in decoded.announcements:
                if self.announced.get(said.device) == said or said.device not in devices:
                    continue
                hub = devices.get(said.hub) if said.hub else None
                self.conn.execute(QUERIES["announce"], said._asdict() | {"hub_id": hub.id if hub else None})
                self.announced[said.device] = said

    def add_words(self, frame: wire.Frame, decoded: wire.Decoded, devices: dict[str, Device]) -> None:
        """What devices say of themselves: that they are there or gone, and what has become of a command."""
        for link in decoded.links:
            self.conn.execute(QUERIES["link"], {"device": link.device, "online": link.online, "at": frame.received_at})
        for said in decoded.reports:
            values = {"detail": said.detail.replace("\0", "�"), "hub": frame.hub, "at": frame.received_at}
            self.conn.execute(QUERIES["report"], said._asdict() | values)

    def add_faults(self, frame: wire.Frame, decoded: wire.Decoded, devices: dict[str, Device]) -> None:
        details: dict[str, str] = {}
        for fault in decoded.faults:
            said = details.get(fault.reason)
            details[fault.reason] = f"{said}; {fault.detail}"[:LONGEST_DETAIL] if said else fault.detail[:LONGEST_DETAIL]
        if decoded.device and decoded.device not in devices and (decoded.readings or decoded.signals):
            details["unknown_device"] = f"device {decoded.device} is not on the books and {MOST_UNBOUND} others wait for a home: give them theirs"
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


def speakers(decoded: wire.Decoded) -> Iterable[str]:
    """The devices that this frame is a word of. A link alone is not: a bridge speaks of many before they say anything."""
    if len(decoded.readings) == 1 and not (decoded.signals or decoded.levels or decoded.announcements):
        return (decoded.readings[0].device,)
    parts: tuple[wire.Reading | wire.Signal | wire.Level | wire.Announcement, ...]
    parts = (*decoded.readings, *decoded.signals, *decoded.levels, *decoded.announcements)
    return {one.device for one in parts} | {one.hub for one in decoded.announcements if one.hub}


def held_to_its_way(frame: wire.Frame, decoded: wire.Decoded, devices: dict[str, Device]) -> Pair:
    """A device's readings come by the way that we know it to come, through its edge or without one: another edge cannot speak
    for it, and so hide that it has fallen silent. Its signals are heard all the same."""
    wrong = sorted({code for code in speakers(decoded) if code in devices and devices[code].edge != frame.hub})
    if not wrong:
        return frame, decoded
    way = f"edge {frame.hub}" if frame.hub else "no edge"
    fault = wire.Fault("wrong_way", f"{', '.join(wrong[:5])}: came through {way}, and is known to come another way")
    kept = tuple(one for one in decoded.readings if one.device not in wrong)
    levels = tuple(one for one in decoded.levels if one.device not in wrong or one.active)
    return frame, wire.Decoded(decoded.device, kept, decoded.signals, (*decoded.faults, fault), levels)


def judge(frame: wire.Frame) -> wire.Decoded:
    """Decodes, and holds the device's clock against ours: a reading of the wrong time is not taken, a signal always is."""
    decoded = dialects.decode(frame)
    now = frame.received_at
    earliest, latest = now - BEHIND, now + AHEAD
    if not decoded.signals and all(earliest <= one.time <= latest for one in decoded.readings):
        return decoded
    readings = tuple(one for one in decoded.readings if earliest <= one.time <= latest)
    times = (*(one.time for one in decoded.readings), *(one.at for one in decoded.signals if one.at))
    wrong = next((time for time in times if not right(time, now)), None)
    pressed = frame.topic.endswith("/signal")
    signals = tuple(one if one.at and right(one.at, now) else on_our_clock(one, now, "%Y-%m-%dT%H" if pressed else "%Y-%m-%d") for one in decoded.signals)
    # A sign of life of the device; only a press is one of somebody at home as well.
    presses = tuple(wire.Reading(one.device, quantity.PRESS, float(one.kind == "sos"), one.at or now) for one in signals if one.kind != "battery_low")
    faults = decoded.faults
    if wrong is not None:
        faults = (*faults, wire.Fault("wrong_clock", f"the device says {wrong.isoformat()}, it is {now.isoformat(timespec='seconds')}"))
    return decoded._replace(readings=(*readings, *presses), signals=signals, faults=faults)


def right(time: datetime, now: datetime) -> bool:
    return now - BEHIND <= time <= now + AHEAD


def on_our_clock(signal: wire.Signal, now: datetime, span: str) -> wire.Signal:
    """A signal that does not say when it was. The same words count as new in the next hour (a press) or day: a device without
    a clock counts from 1 again after a new battery, and its press must be heard."""
    return replace(signal, at=now, once=signal.once and f"{signal.once}/{now.strftime(span)}")
