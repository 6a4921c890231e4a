"""Whom to ask: the nearest first, fresh before asked-before, nobody beyond their reach. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

EARTH_M = 6_371_000.0


@dataclass(frozen=True, kw_only=True)
class Candidate:
    person_id: int
    lat: float
    lon: float
    reach_m: int
    asked_before: bool


@dataclass(frozen=True)
class Match:
    person_id: int
    distance_m: int


def nearest(lat: float, lon: float, candidates: Iterable[Candidate], count: int) -> list[Match]:
    """At most `count` of the candidates within their own reach of the place (WGS-84 degrees)."""
    near = [(one.asked_before, distance_m(lat, lon, one.lat, one.lon), one) for one in candidates]
    fit = sorted((item for item in near if item[1] <= item[2].reach_m), key=lambda item: (item[0], item[1], item[2].person_id))
    return [Match(one.person_id, round(metres)) for _, metres, one in fit[:count]]


def distance_m(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle metres (haversine)."""
    a, b = math.radians(lat1), math.radians(lat2)
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    return 2 * EARTH_M * math.asin(math.sqrt(half))
