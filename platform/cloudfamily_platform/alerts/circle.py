"""The 15-minute circle: for each home, who could be at its door within 15 minutes now. 家庭养老床位 asks for 15 in town, 30 outside it."""

from __future__ import annotations

import asyncio
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from cloudfamily_platform.alerts import matching, offers, travel
from cloudfamily_platform.alerts.alert import QUERIES
from cloudfamily_platform.alerts.matching import Candidate, Need
from cloudfamily_platform.alerts.travel import EARTH_M, Place
from cloudfamily_platform.core import db

MINUTES = 15
#: More responders than a city has.
MOST = 20_000
#: Edge of a square of the grid, in metres of latitude.
SQUARE_M = 500.0


async def around(conn: db.Connection, row: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Who could be there, for a call for help, and how many could not, by the reason. `row`: a home with id, code and canary."""
    need = await offers.need_of(conn, row["id"], "critical", None)
    rules = await offers.may_go(conn)
    everybody = await offers.candidates(conn, now, need.place, row["canary"], home_id=row["id"], limit=MOST)
    refused = [matching.refusal(need, one, rules) for one in everybody]
    free = [one for one, reason in zip(everybody, refused, strict=True) if reason is None]
    seconds = await travel.router().seconds([(one.place, one.mode) for one in free], need.place)
    near = sorted((round(time), one.person_id, one) for time, one in zip(seconds, free, strict=True) if time <= MINUTES * 60)[:100]
    names = await (await conn.execute(QUERIES["names"], {"ids": [one.person_id for _, _, one in near]})).fetchall()
    name_of = {name["id"]: name["name"] for name in names}
    others = Counter[str](reason for reason in refused if reason)
    if far := sum(time > MINUTES * 60 for time in seconds):
        others["too_far"] = far
    return {"home": row["code"], "minutes": MINUTES, "people": [shown(need, one, time, name_of[one.person_id]) for time, _, one in near], "others": others}


def shown(need: Need, one: Candidate, seconds: int, name: str) -> dict[str, Any]:
    distance_m = round(travel.distance_m(one.place, need.place))
    return {"person": name, "roles": one.serving, "mode": one.mode, "seconds": seconds, "distance_m": distance_m, "key": one.has_key}


class Uncovered(NamedTuple):
    home_id: int
    code: str
    district_id: int
    #: The one who could be there; None: nobody.
    only: int | None


async def uncovered(conn: db.Connection, now: datetime, limit: int) -> list[Uncovered]:
    """At most `limit` homes that nobody, or one person only, could reach within 15 minutes now; those with nobody first.

    By the reckoned travel time, whatever routing engine there is. A city is looked at in a second or two, in a thread of its own.
    """
    need = Need(place=Place(0.0, 0.0), severity="critical", kind=None)
    rules = await offers.may_go(conn)
    everybody = await offers.candidates(conn, now, None, False, limit=MOST)
    free = [one for one in everybody if matching.refusal(Need(**{**vars(need), "place": one.place}), one, rules) is None]
    homes = await (await conn.execute(QUERIES["homes_to_reach"])).fetchall()
    return await asyncio.to_thread(thinly_covered, homes, [Disc.of(one) for one in free], limit)


@dataclass(frozen=True)
class Disc:
    """As far as somebody comes within 15 minutes, and no further than they go."""

    person_id: int
    place: Place
    radius_m: float

    @classmethod
    def of(cls, one: Candidate) -> Disc:
        return cls(one.person_id, one.place, min(one.reach_m, MINUTES * 60 * travel.SPEEDS[one.mode] / travel.DETOUR))


def thinly_covered(homes: Sequence[dict[str, Any]], discs: Iterable[Disc], limit: int) -> list[Uncovered]:
    """Pure. A square that two discs cover wholly needs no look at its homes; in the others, each home is compared with the discs
    that touch its square, until two hold it."""
    whole, touching = spread(discs)
    found: list[Uncovered] = []
    for home in homes:
        square = square_of(home["lat"], home["lon"])
        if whole[square] >= 2:
            continue
        place, holding = Place(home["lat"], home["lon"]), list[int]()
        for disc in touching[square]:
            if travel.distance_m(disc.place, place) <= disc.radius_m:
                holding.append(disc.person_id)
                if len(holding) == 2:
                    break
        else:
            found.append(Uncovered(home["id"], home["code"], home["district_id"], holding[0] if holding else None))
    return sorted(found, key=lambda one: (one.only is not None, one.home_id))[:limit]


Square = tuple[int, int]
DEGREES = math.degrees(SQUARE_M / EARTH_M)


def square_of(lat: float, lon: float) -> Square:
    return math.floor(lat / DEGREES), math.floor(lon / DEGREES)


def spread(discs: Iterable[Disc]) -> tuple[Counter[Square], defaultdict[Square, list[Disc]]]:
    """By square: how many discs cover all of it, and which may touch it.

    By the distance of its middle on a flat map, give or take half its diagonal and a hundredth of the radius: within a few
    kilometres that is more than the map is wrong by. What is in doubt is left to the homes themselves.
    """
    whole, touching = Counter[Square](), defaultdict[Square, list[Disc]](list)
    for disc in discs:
        wide_m = SQUARE_M * max(0.01, math.cos(math.radians(disc.place.lat)))
        doubt_m = SQUARE_M * math.sqrt(0.5) + disc.radius_m * 0.01
        inner, outer = max(0.0, disc.radius_m - doubt_m) ** 2, (disc.radius_m + doubt_m) ** 2
        row, column = square_of(*disc.place)
        rows, columns = math.ceil((disc.radius_m + doubt_m) / SQUARE_M), math.ceil((disc.radius_m + doubt_m) / wide_m)
        up, right = row + 0.5 - disc.place.lat / DEGREES, column + 0.5 - disc.place.lon / DEGREES
        for down in range(-rows, rows + 1):
            north = ((up + down) * SQUARE_M) ** 2
            for across in range(-columns, columns + 1):
                square = north + ((right + across) * wide_m) ** 2
                if square <= outer:
                    at = row + down, column + across
                    touching[at].append(disc)
                    if square < inner:
                        whole[at] += 1
    return whole, touching
