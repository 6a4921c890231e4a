"""bounds: a value past an elder's limits, or a position outside their circles, is a signal beside its reading.

The limits of elders that have their own, and all circles, are few: they are read once, and then what has changed, so that no
reading costs a query. What stands is a row of `level`, as with every alarm that stands: only a rise is a signal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import psycopg

from cloudfamily_gateway import wire
from cloudfamily_platform.core import quantity, sql
from cloudfamily_platform.people import fence, vitals

QUERIES = sql.load("cloudfamily_gateway")
LATITUDE, LONGITUDE, ACCURACY = (quantity.BY_NAME[name].number for name in ("latitude", "longitude", "accuracy"))
PLACE = (LATITUDE, LONGITUDE, ACCURACY)
#: The quantities that are looked at; all others pass by.
LOOKED_AT = frozenset((*vitals.BY_NUMBER, *PLACE))
#: What people change counts within this; what was committed late is read again for so long.
LEARN_EVERY, OVERLAP = timedelta(seconds=10), timedelta(minutes=2)
#: What goes on after this is said again: an alert may have been closed meanwhile.
AGAIN = timedelta(hours=6)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
GEOFENCE = "geofence"
CALM = {number: vitals.calm(vitals.DEFAULTS[name]) for number, name in vitals.BY_NUMBER.items()}
#: Home and elder; 0: whoever lives there.
Whose = tuple[int, int]
#: (device, kind of level) → since when it stands.
Standing = Mapping[tuple[str, str], datetime]


class Said(NamedTuple):
    """A value of a device, and who wears it."""

    device: str
    whose: Whose
    quantity: int
    value: float
    at: datetime
    frame: wire.Frame


class Change(NamedTuple):
    """A level that rises or falls, or stands `again`, and the signal that this is, if any. In the order of device and level."""

    device: str
    level: str
    active: bool
    at: datetime
    again: bool
    signal: wire.Signal | None
    frame: wire.Frame


class Bounds:
    """What counts as too much for whom. Not for several threads at once."""

    def __init__(self) -> None:
        self.own: dict[Whose, dict[str, vitals.Own]] = {}
        self.fences: dict[Whose, list[fence.Fence]] = {}
        #: Between what a value is calm, of those who have limits of their own; of all others `CALM` is.
        self.calm: dict[tuple[Whose, int], tuple[float, float]] = {}
        self.learnt_at: datetime | None = None

    def learn(self, conn: psycopg.Connection[tuple[object, ...]], now: datetime) -> None:
        """Reads what people have set since; at the first time all of it."""
        if self.learnt_at is not None and timedelta(0) <= now - self.learnt_at < LEARN_EVERY:
            return
        since = LONG_AGO if self.learnt_at is None else min(self.learnt_at, now) - OVERLAP
        self.learn_limits(conn.execute(QUERIES["limits_changed"], {"since": since}))
        self.learn_fences(conn.execute(QUERIES["fences_changed"], {"since": since}))
        self.learnt_at = now

    def learn_limits(self, rows: Iterable[Any]) -> None:
        for home_id, person_id, number, low, high, urgent_low, urgent_high, scale in rows:
            own = vitals.Own(low=low, high=high, urgent_low=urgent_low, urgent_high=urgent_high, scale=scale)
            self.own.setdefault((home_id, person_id or 0), {})[vitals.BY_NUMBER[number]] = own
            self.calm.clear()

    def learn_fences(self, rows: Iterable[Any]) -> None:
        """All circles of the homes in which something has changed."""
        found: dict[int, dict[Whose, list[fence.Fence]]] = {}
        for home_id, person_id, zone, name, lat, lon, radius_m, starts, ends in rows:
            of_home = found.setdefault(home_id, defaultdict(list))
            if name is not None:
                of_home[home_id, person_id or 0].append(fence.Fence(name, lat, lon, radius_m, zone, starts, ends))
        if found:
            self.fences = {whose: fences for whose, fences in self.fences.items() if whose[0] not in found}
            for of_home in found.values():
                self.fences |= of_home

    def limits_of(self, whose: Whose, name: str) -> vitals.Limits:
        """This elder's, else their home's, else everybody's."""
        return vitals.limits(name, self.own.get(whose, {}).get(name) or self.own.get((whose[0], 0), {}).get(name))

    def look(self, said: Sequence[Said], standing: Standing) -> list[Change]:
        """What rises and what falls with these values, in the order of their time, whatever order they came in."""
        stands, troubled = dict(standing), {device for device, _ in standing}
        odd = [one for one in said if one.device in troubled or not self.is_calm(one)]
        if not odd:
            return []
        changes: list[Change] = []
        positions: dict[tuple[str, datetime], dict[int, Said]] = defaultdict(dict)
        # Also what was calm of a device that is not: it may be what ends the trouble.
        troubled |= {one.device for one in odd}
        for one in sorted((one for one in said if one.device in troubled), key=lambda one: one.at):
            name = vitals.BY_NUMBER.get(one.quantity)
            if name is not None:
                changes += self.vital(one, name, stands)
            else:
                positions[one.device, one.at][one.quantity] = one
        for parts in positions.values():
            if LATITUDE in parts and LONGITUDE in parts:
                changes += self.position(parts, stands)
        return sorted(changes, key=lambda change: change[:2])

    def is_calm(self, said: Said) -> bool:
        """A value well within its limits, or a position of somebody without circles: nearly all are."""
        if said.quantity in PLACE:
            return not self.fences
        between = CALM[said.quantity]
        if self.own and (said.whose in self.own or (said.whose[0], 0) in self.own):
            key = (said.whose, said.quantity)
            if key not in self.calm:
                self.calm[key] = vitals.calm(self.limits_of(said.whose, vitals.BY_NUMBER[said.quantity]))
            between = self.calm[key]
        return between[0] <= said.value <= between[1]

    def vital(self, said: Said, name: str, stands: dict[tuple[str, str], datetime]) -> Iterable[Change]:
        limits = self.limits_of(said.whose, name)
        for side in vitals.SIDES:
            keys = {band: (said.device, f"{name}_{side}_{band}") for band in (vitals.NOTED, vitals.PAST, vitals.URGENT)}
            standing = max((band for band, key in keys.items() if key in stands), default=0)
            reached = vitals.reached(said.value, limits, side, standing)
            for band, key in keys.items():
                if band > reached and key in stands:
                    del stands[key]
                    yield Change(*key, False, said.at, False, back(said, name, side, band), said.frame)
                elif band <= reached and key not in stands:
                    stands[key] = said.at
                    yield Change(*key, True, said.at, False, past(said, name, side, band, limits) if band == reached else None, said.frame)
                elif band == reached and band > vitals.NOTED and said.at - stands[key] >= AGAIN:
                    stands[key] = said.at
                    yield Change(*key, True, said.at, True, past(said, name, side, band, limits), said.frame)

    def position(self, parts: Mapping[int, Said], stands: dict[tuple[str, str], datetime]) -> Iterable[Change]:
        lat, lon, accuracy = parts[LATITUDE], parts[LONGITUDE], parts.get(ACCURACY)
        fences = [*self.fences.get(lat.whose, ()), *(self.fences.get((lat.whose[0], 0), ()) if lat.whose[1] else ())]
        found = fence.judge(lat.value, lon.value, accuracy.value if accuracy else None, fences, lat.at)
        key = (lat.device, GEOFENCE)
        if found is None:
            return
        again = found.outside and key in stands and lat.at - stands[key] >= AGAIN
        if found.outside == (key in stands) and not again:
            return
        detail: dict[str, object] = {"distance_m": round(found.distance_m), "fence": found.fence, "lat": round(lat.value, 5), "lon": round(lon.value, 5)}
        if found.outside:
            stands[key] = lat.at
            signal = wire.Signal(device=lat.device, kind=GEOFENCE, once=f"since {lat.at.isoformat()}", at=lat.at, detail=detail)
        else:
            del stands[key]
            once = f"{GEOFENCE} {lat.at.isoformat()}"
            signal = wire.Signal(device=lat.device, kind="back", once=once, at=lat.at, detail={"was": GEOFENCE, **detail})
        yield Change(*key, found.outside, lat.at, again, signal, lat.frame)


def past(said: Said, name: str, side: vitals.Side, band: int, limits: vitals.Limits) -> wire.Signal:
    limit = limits.of(band, side)
    detail: dict[str, object] = {"quantity": name, "side": side, "band": band, "value": vitals.rounded(said.value, limits.digits), "limit": limit}
    once = f"{name} {side} {band} since {said.at.isoformat()}"
    return wire.Signal(device=said.device, kind=vitals.kind(name, band), once=once, at=said.at, detail=detail)


def back(said: Said, name: str, side: vitals.Side, band: int) -> wire.Signal | None:
    """What noted it only, had called nobody of this kind that PAST does not call back as well."""
    if band == vitals.NOTED:
        return None
    kind = vitals.kind(name, band)
    detail: dict[str, object] = {"was": kind, "quantity": name, "value": f"{vitals.rounded(said.value, vitals.DEFAULTS[name].digits):g}"}
    return wire.Signal(device=said.device, kind="back", once=f"{name} {side} {band} {said.at.isoformat()}", at=said.at, detail=detail)
