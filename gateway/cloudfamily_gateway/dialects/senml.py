"""SenML, RFC 8428, in JSON: `cf/v1/{device}/senml`. A hub's report: the readings of many devices in one message.

A name is a quantity, or another device and a quantity: `temperature`, `th-0042/temperature`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import msgspec

from cloudfamily_gateway import wire
from cloudfamily_gateway.dialects import common
from cloudfamily_platform.core import quantity

#: RFC 8428, 4.4: the version that is meant when none is said.
VERSION = 10
#: RFC 8428, 4.5.3: smaller times are relative to now.
ABSOLUTE = 2**28
#: Names and units that are remembered with what they mean, and how long one may be.
REMEMBERED, LONGEST_NAME = 1_000, 128
#: More faults of one message than this are not written down.
MOST_FAULTS = 50

#: Units (RFC 8428, 12.1; RFC 8798) of a quantity, with what makes them of its own unit: value × factor + offset.
UNITS: dict[str, dict[str, tuple[float, float]]] = {
    "temperature": {"Cel": (1, 0), "K": (1, -273.15)},
    "body_temperature": {"Cel": (1, 0), "K": (1, -273.15)},
    "humidity": {"%RH": (1, 0), "%": (1, 0), "/": (100, 0)},
    "power": {"W": (1, 0), "kW": (1000, 0)},
    "water": {"l": (1, 0), "m3": (1000, 0)},
    "illuminance": {"lx": (1, 0)},
    "pressure": {"Pa": (0.01, 0), "hPa": (1, 0)},
    "co2": {"ppm": (1, 0), "/": (1e6, 0)},
    "heart_rate": {"beat/min": (1, 0), "/min": (1, 0), "1/min": (1, 0)},
    "respiration": {"/min": (1, 0), "1/min": (1, 0)},
    "spo2": {"%": (1, 0), "/": (100, 0)},
    "systolic": {"mmHg": (1, 0)},
    "diastolic": {"mmHg": (1, 0)},
    "glucose": {"mmol/L": (1, 0), "mmol/l": (1, 0)},
    "battery": {"%EL": (1, 0), "%": (1, 0), "/": (100, 0)},
    "link_quality": {"%": (1, 0), "/": (100, 0)},
    "rssi": {"dBm": (1, 0), "dBW": (1, 30)},
    "voltage": {"V": (1, 0), "mV": (0.001, 0)},
    "latitude": {"lat": (1, 0)},
    "longitude": {"lon": (1, 0)},
    "accuracy": {"m": (1, 0)},
}
STATES = ("motion", "door", "bed")
take = common.take


class Record(msgspec.Struct, gc=False):
    """The fields of RFC 8428, table 1, that we look at; `bs`, `s` and `ut` mean nothing here."""

    n: str = ""
    bn: str | None = None
    v: float | None = None
    bv: float | None = None
    t: float = 0.0
    bt: float | None = None
    u: str | None = None
    bu: str | None = None
    vb: bool | None = None
    vs: str | None = None
    vd: str | None = None
    bver: int | None = None


pack = msgspec.json.Decoder(list[Record])
loose = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


class Meaning(NamedTuple):
    #: None: the fault says why not.
    known: quantity.Quantity | None
    factor: float = 1.0
    offset: float = 0.0
    fault: wire.Fault | None = None


def read(device: str, frame: wire.Frame) -> wire.Decoded:
    """One bad record costs itself; a pack that cannot be read goes whole."""
    try:
        records = pack.decode(frame.payload)
        if b"_" in frame.payload and b'_"' in frame.payload:
            refuse_what_must_be_understood(frame.payload)
    except common.UNREADABLE as error:
        return common.not_understood(device, str(error))
    readings: list[wire.Reading] = []
    signals: list[wire.Signal] = []
    faults: list[wire.Fault] = []
    base_name, base_unit, base_value, base_time, other = "", "", 0.0, 0.0, ""
    said_at, time = 0.0, frame.received_at
    for one in records:
        if one.bn is not None:
            base_name = one.bn
        if one.bu is not None:
            base_unit = one.bu
        if one.bv is not None:
            base_value = one.bv
        if one.bt is not None:
            base_time = one.bt
        if one.bver is not None and one.bver > VERSION:
            return common.not_understood(device, f"SenML version {one.bver} is not known, only up to {VERSION}")
        if one.v is None:
            if one.vb is None and one.vs is None and one.vd is None:
                if one.n:
                    faults.append(wire.Fault("not_understood", f"{base_name + one.n!r} has no value"[:300]))
                continue  # base fields for those that follow
            value = float(bool(one.vb))
        else:
            value = one.v + base_value
        name = base_name + one.n
        of, _, what = name.rpartition("/")
        if of and of != other:  # a hub's values of one device stand together
            if not wire.DEVICE.match(of):
                faults.append(wire.Fault("not_understood", f"{of[:80]!r} is no device code"))
                continue
            other = of
        known, factor, offset, fault = meaning_of(what, base_unit if one.u is None else one.u) if len(what) <= LONGEST_NAME else TOO_LONG
        if known is None or (one.v is None and (one.vb is None or known.name not in STATES)):
            faults.append(fault or wire.Fault("not_understood", f"{name!r} is no number"[:300]))
            continue
        at = base_time + one.t
        if at != said_at:
            found = moment(at, frame.received_at)
            if found is None:
                faults.append(wire.Fault("not_understood", f"{name!r}: {at} is no time"[:300]))
                continue
            said_at, time = at, found
        if factor != 1.0 or offset:
            value = value * factor + offset
        take(known, value, of or device, time, readings, signals, faults)
    if not readings and not faults:
        faults.append(wire.Fault("not_understood", "no value in it"))
    return wire.Decoded(device, tuple(readings), tuple(signals), tuple(faults[:MOST_FAULTS]))


def moment(at: float, now: datetime) -> datetime | None:
    """RFC 8428, 4.5.3: seconds since 1970, or relative to now when less than 2^28."""
    try:
        return now + timedelta(seconds=at) if at < ABSOLUTE else datetime.fromtimestamp(at, UTC)
    except (OverflowError, ValueError, OSError):
        return None


@lru_cache(REMEMBERED)
def meaning_of(what: str, unit: str) -> Meaning:
    known = common.QUANTITIES.get(what)
    if known is None:
        return Meaning(None, fault=wire.Fault("unknown_quantity", f"{what[:80]!r} is no quantity of a reading"))
    units = UNITS.get(what, {})
    if unit and unit not in units:
        return Meaning(None, fault=wire.Fault("wrong_unit", f"{what[:80]}: in {unit[:20]!r}, not in {' or '.join(units) or 'no unit at all'}"))
    return Meaning(known, *units.get(unit, (1.0, 0.0)))


TOO_LONG = Meaning(None, fault=wire.Fault("unknown_quantity", f"a name of more than {LONGEST_NAME} characters"))


def refuse_what_must_be_understood(payload: bytes) -> None:
    """RFC 8428, 4.4: a field whose name ends in "_" must be understood, or the whole message be refused."""
    for record in loose.decode(payload):
        for name in record:
            if name.endswith("_"):
                raise msgspec.ValidationError(f"the field {name[:40]!r} must be understood, and is not")
