"""Circles in which somebody may be, and whether a position is outside them. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

EARTH_M = 6_371_000.0
#: So far inside again, in metres, and at most this part of the radius, before it counts as back.
BACK_M, BACK_PART = 30.0, 0.2
#: What a receiver does not say of its accuracy: usual for GNSS among houses.
USUAL_ACCURACY_M = 20.0


class Fence(NamedTuple):
    name: str
    lat: float
    lon: float
    radius_m: float
    zone: str
    #: Local hours in which leaving it is told; None: always.
    starts: time | None = None
    ends: time | None = None

    def active(self, at: datetime) -> bool:
        if self.starts is None or self.ends is None:
            return True
        clock = at.astimezone(ZoneInfo(self.zone)).time()
        return self.starts <= clock < self.ends if self.starts <= self.ends else clock >= self.starts or clock < self.ends


class Outside(NamedTuple):
    """Outside every circle, or back in one: the nearest and how far from its centre."""

    outside: bool
    fence: str
    distance_m: float


def judge(lat: float, lon: float, accuracy_m: float | None, fences: Sequence[Fence], at: datetime) -> Outside | None:
    """None: it cannot be said, being at the edge, or no circle is watched at this hour.

    Outside is what is surely outside all circles, `accuracy_m` given; back is who is well inside one, at whatever hour.
    """
    if not fences:
        return None
    blur = USUAL_ACCURACY_M if accuracy_m is None else accuracy_m
    distances = [(distance_m(lat, lon, one.lat, one.lon), one) for one in fences]
    away, nearest = min(distances, key=lambda pair: pair[0] - pair[1].radius_m)
    if away <= nearest.radius_m - min(BACK_M, BACK_PART * nearest.radius_m):
        return Outside(False, nearest.name, away)
    watched = [(far, one) for far, one in distances if one.active(at)]
    if watched and all(far - blur > one.radius_m for far, one in distances):
        far, one = min(watched, key=lambda pair: pair[0] - pair[1].radius_m)
        return Outside(True, one.name, far)
    return None


def distance_m(lat: float, lon: float, to_lat: float, to_lon: float) -> float:
    """Along the earth's surface (haversine)."""
    a, b = math.radians(lat), math.radians(to_lat)
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(to_lon - lon) / 2) ** 2
    return 2 * EARTH_M * math.asin(math.sqrt(min(1.0, half)))
