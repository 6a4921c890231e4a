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
from typing import Any, NamedTuple

import psycopg
from psycopg.types.json import Jsonb

from cloudfamily_gateway import bounds, dialects, wire
from cloudfamily_platform.core import metrics, quantity, sql
from cloudfamily_platform.people import room

QUERIES = sql.load("cloudfamily_gateway")
#: A device's clock may be this far from ours; a spool of the last two days is taken.
AHEAD = timedelta(minutes=10)
BEHIND = timedelta(hours=48)
SAMPLE = 4096
LONGEST_DETAIL = 1000
LONGEST_ONCE = 200
#: Readings of a device, and signals of one kind, that are taken of one minute: a word a minute is usual, a press is repeated every 5 s.
MOST_READINGS, MOST_SIGNALS = 300, 30
#: Faults of a device rather than of a frame.
OF_THE_DEVICE = ("unknown_device", "wrong_way", "shouting")
#: Faults of what a device says again and again, with another value each time.
OF_THE_TOPIC = ("unknown_quantity", "wrong_unit", "no_codec")
NONE: tuple[wire.Fault, ...] = ()
#: What the database says of a row that it will never take.
REFUSED = (psycopg.DataError, psycopg.IntegrityError, UnicodeEncodeError)
#: A device's number and its way are remembered this long; its home is looked up with each signal.
REMEMBER = timedelta(minutes=10)
#: Devices without a home that are kept on the books; past it they only stand in quarantine.
MOST_UNBOUND = 10_000

Pair = tuple[wire.Frame, wire.Decoded]
# Made without the Python function of a NamedTuple.
LOOKED_AT, Said, new = bounds.LOOKED_AT, bounds.Said, tuple.__new__
#: What a frame says besides readings, when it says nothing besides.
NOTHING = wire.Decoded(None)[2:]


class Device(NamedTuple):
    id: int
    #: The edge by which its words come; None: they come straight from it.
    edge: str | None
    #: Whether it was ever heard: an edge may be given to one that was not.
    seen: bool
    #: Where it was when it was looked up, and who wears it; None: nowhere yet, nobody in particular.
    home_id: int | None
    person_id: int | None


class Store:
    """Stores frames over one connection of its own. Not for several threads at once."""

    def __init__(self, conn: psycopg.Connection[tuple[object, ...]]) -> None:
        self.conn = conn
        self.known: dict[str, Device] = {}
        self.announced: dict[str, wire.Announcement] = {}
        self.throttle = Throttle()
        self.bounds = bounds.Bounds()
        self.forget_at: datetime | None = None

    def store(self, frames: Sequence[wire.Frame]) -> list[wire.Signal]:
        """Stores all of them, each message once however often it comes, and returns the signals among them.

        A row that the database refuses goes into quarantine alone. Raises psycopg.OperationalError when the database is
        away: then nothing was stored, and nothing may be acknowledged.
        """
        return self.store_judged([(frame, judge(frame)) for frame in frames])

    def store_judged(self, pairs: Sequence[Pair]) -> list[wire.Signal]:
        """The same for frames that somebody has looked at already."""
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
            self.learn(pairs)
            rest, looked_at = self.add_readings(pairs)
            if looked_at:
                self.add_changes(looked_at)
            signals = [signal for frame, decoded in rest for signal in self.add_signals(frame, decoded.signals)]
            signals += self.add_levels(rest)
            self.add_announcements(rest)
            for frame, decoded in rest:
                self.add_words(frame, decoded)
                self.add_faults(frame, decoded)
        return signals

    def learn(self, pairs: Sequence[Pair]) -> None:
        """Looks up who speaks in these frames; who was never heard before is registered, and waits for a home."""
        now = pairs[-1][0].received_at
        if self.forget_at is None or now >= self.forget_at or now < self.forget_at - REMEMBER:
            self.known, self.forget_at = {}, now + REMEMBER
        known, wanted = self.known, dict[str, str | None]()
        for frame, decoded in pairs:
            for one in decoded.readings:
                if one.device not in known:
                    wanted[one.device] = frame.hub
            if decoded[2:] != NOTHING:
                wanted |= {code: frame.hub for code in speakers(decoded) if code not in known}
        if wanted:
            self.look_up(list(wanted))
            unheard = {code: hub for code, hub in wanted.items() if code not in known or not known[code].seen}
            if unheard:
                values = {"codes": list(unheard), "edges": list(unheard.values()), "now": now, "most": MOST_UNBOUND}
                self.conn.execute(QUERIES["register_devices"], values)
                self.look_up(list(unheard))

    def look_up(self, codes: list[str]) -> None:
        rows: Iterable[Any] = self.conn.execute(QUERIES["devices"], {"codes": codes})
        for code, *values in rows:
            self.known[code] = Device(*values)

    def add_readings(self, pairs: Sequence[Pair]) -> tuple[list[Pair], list[bounds.Said]]:
        """One bulk insert for all readings; returns the frames that say anything else, or had something wrong with them, and the
        values that must be held against somebody's limits.

        A device's readings come by the way that we know it to come, through its edge or without one: another edge cannot speak
        for it, and so hide that it has fallen silent. Its signals are heard all the same.
        """
        times: list[datetime] = []
        devices: list[int] = []
        quantities: list[int] = []
        values: list[float] = []
        rest: list[Pair] = []
        looked_at: list[bounds.Said] = []
        for frame, decoded in pairs:
            faults = NONE
            for device_code, number, value, at in decoded.readings:
                device = self.known.get(device_code)
                if device is None:
                    fault = unknown(device_code)
                elif device.edge != frame.hub:
                    ways = f"{frame.hub or 'no edge'}, and is known to come through {device.edge or 'none'}"
                    fault = wire.Fault("wrong_way", f"{device_code} came through {ways}")
                elif self.throttle.refuses(device.id, at, MOST_READINGS):
                    fault = wire.Fault("shouting", f"{device_code} says more than {MOST_READINGS} things a minute: the rest of that minute is not stored")
                else:
                    times.append(at)
                    devices.append(device.id)
                    quantities.append(number)
                    values.append(value)
                    if number in LOOKED_AT:
                        looked_at.append(new(Said, (device_code, (device.home_id or 0, device.person_id or 0), number, value, at, frame)))
                    continue
                if not faults or fault.reason != faults[-1].reason:
                    faults = (*faults, fault)
            if faults or decoded[2:] != NOTHING:
                rest.append((frame, decoded._replace(faults=(*decoded.faults, *faults))))
        if times:
            self.conn.execute(QUERIES["add_readings"], {"times": times, "devices": devices, "quantities": quantities, "readings": values})
            metrics.readings.inc(len(times))
        return rest, looked_at

    def add_changes(self, said: Sequence[bounds.Said]) -> None:
        """Values that are newly past a limit, and those that are back: each a signal in the transaction of its reading."""
        self.bounds.learn(self.conn, said[-1].frame.received_at)
        for change in self.bounds.look(said, self.standing({one.device for one in said})):
            values = {"device": change.device, "kind": change.level, "active": change.active, "at": change.at}
            changed = self.conn.execute(QUERIES["level_again" if change.again else "set_level"], values).fetchone()
            if changed and change.signal:
                self.add_signals(change.frame, (change.signal,))

    def standing(self, codes: set[str]) -> dict[tuple[str, str], datetime]:
        rows: Iterable[Any] = self.conn.execute(QUERIES["standing"], {"codes": list(codes)})
        return {(code, kind): since for code, kind, since in rows}

    def add_signals(self, frame: wire.Frame, signals: Sequence[wire.Signal]) -> Sequence[wire.Signal]:
        for signal in signals:
            if self.throttle.refuses((signal.device, signal.kind), frame.received_at, MOST_SIGNALS):
                said = f"{signal.device} says {signal.kind} more than {MOST_SIGNALS} times a minute: the alert is open, the rest adds nothing"
                self.add_faults(frame, wire.Decoded(signal.device, faults=(wire.Fault("shouting", said),)))
                continue
            values = {
                "device": signal.device,
                "kind": signal.kind,
                "at": signal.at or frame.received_at,
                "received_at": frame.received_at,
                "seq": signal.seq,
                "once": once(signal.once),
                "detail": Jsonb(signal.detail),
            }
            self.conn.execute(QUERIES["add_signal"], values)
            self.conn.execute(QUERIES["hint_signal"])
            metrics.signals.inc()
        return signals

    def add_levels(self, pairs: Sequence[Pair]) -> list[wire.Signal]:
        """What rises becomes a signal. Which levels stand is asked once a batch: most say that nothing is the matter."""
        # Another edge may say that something is wrong, but not that all is well.
        levels = [(level, frame) for frame, decoded in pairs for level in decoded.levels if level.active or self.by_its_way(level.device, frame)]
        if not levels:
            return []
        standing = set(self.standing({level.device for level, _ in levels}))
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
                risen += self.add_signals(frame, (signal,))
                if level.kind == "sos" and (device := self.known.get(level.device)):  # somebody has pressed: a sign of life, as every press
                    row = {"times": [at], "devices": [device.id], "quantities": [quantity.PRESS], "readings": [1.0]}
                    self.conn.execute(QUERIES["add_readings"], row)
            elif changed and level.kind == "battery_low":  # a new battery: nobody need come for the old one
                back = wire.Signal(device=level.device, kind="back", once=f"until {at.isoformat()}", at=at, detail={"was": level.kind})
                risen += self.add_signals(frame, (back,))
        return risen

    def by_its_way(self, code: str, frame: wire.Frame) -> bool:
        device = self.known.get(code)
        return device is None or device.edge == frame.hub

    def add_announcements(self, pairs: Sequence[Pair]) -> None:
        for frame, decoded in pairs:
            for said in decoded.announcements:
                if self.announced.get(said.device) == said or said.device not in self.known or not self.by_its_way(said.device, frame):
                    continue
                hub = self.known.get(said.hub) if said.hub else None
                self.conn.execute(
                    QUERIES["announce"], said._asdict() | {"hub_id": hub.id if hub else None, "room": room.infer(said.name, said.device, said.kind)}
                )
                self.announced[said.device] = said

    def add_words(self, frame: wire.Frame, decoded: wire.Decoded) -> None:
        """What devices say of themselves: that they are there or gone, and what has become of a command."""
        for link in decoded.links:
            self.conn.execute(QUERIES["link"], {"device": link.device, "online": link.online, "at": frame.received_at})
        for said in decoded.reports:
            values = {"detail": said.detail.replace("\0", "�"), "hub": frame.hub, "at": frame.received_at}
            self.conn.execute(QUERIES["report"], said._asdict() | values)

    def add_faults(self, frame: wire.Frame, decoded: wire.Decoded) -> None:
        details: dict[str, str] = {}
        stranger = decoded.device and decoded.device not in self.known and decoded.signals
        for fault in (*decoded.faults, *((unknown(decoded.device or ""),) if stranger else ())):
            said = details.get(fault.reason)
            details[fault.reason] = f"{said}; {fault.detail}"[:LONGEST_DETAIL] if said else fault.detail[:LONGEST_DETAIL]
        for reason, detail in details.items():
            # Where it is the device that is wrong, it is one row, and not one for each of its frames.
            same = decoded.device if reason in OF_THE_DEVICE else frame.topic if reason in OF_THE_TOPIC else None
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


def once(said: str) -> str:
    """What a device repeats, fit for an index; each signal is one of its own where it says nothing that it could repeat."""
    if not said:
        return uuid.uuid4().hex
    return said if len(said) <= LONGEST_ONCE and said.isprintable() else hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def unknown(code: str) -> wire.Fault:
    return wire.Fault("unknown_device", f"device {code} is not on the books and {MOST_UNBOUND} others wait for a home: give them theirs")


class Throttle:
    """A device that shouts is throttled alone: of one minute so much is taken and no more.

    Of readings it is the minute of the device's own clock, so that a spool of two days is not mistaken for shouting.
    """

    #: Devices and minutes counted at once; then it begins anew, and a shouter gets one more minute's worth.
    LONGEST = 200_000

    def __init__(self) -> None:
        self.counts: dict[tuple[object, int, int], int] = {}

    def refuses(self, who: object, at: datetime, most: int) -> bool:
        key = (who, at.hour, at.minute)
        count = self.counts.get(key, 0)
        if count >= most:
            return True
        if not count and len(self.counts) >= self.LONGEST:
            self.counts.clear()
        self.counts[key] = count + 1
        return False


def speakers(decoded: wire.Decoded) -> set[str]:
    """The devices that this frame is a word of. A link alone is not: a bridge speaks of many before they say anything."""
    parts: tuple[wire.Signal | wire.Level | wire.Announcement, ...] = (*decoded.signals, *decoded.levels, *decoded.announcements)
    return {one.device for one in parts} | {one.hub for one in decoded.announcements if one.hub}


def judge(frame: wire.Frame) -> wire.Decoded:
    """Decodes, and holds the device's clock against ours: a reading of the wrong time is not taken, a signal always is. Never raises."""
    decoded = dialects.decode(frame)
    now = frame.received_at
    earliest, latest = now - BEHIND, now + AHEAD
    if not decoded.signals:
        for one in decoded.readings:
            if not earliest <= one.time <= latest:
                break
        else:
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
