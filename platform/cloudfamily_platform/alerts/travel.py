"""Travel time: how long somebody needs from where they are. Reckoned here; a routing engine may know better, and is never waited for."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import aiohttp
import structlog

from cloudfamily_platform.core import metrics

log = structlog.get_logger()
EARTH_M = 6_371_000.0
#: Road metres in a metre as the crow flies. Kim, Shin, Lee, Suh, "Calculation of Regional Circuity Factors using Road Network
#: Distance in South Korea" (J. Korean Society of Agricultural Engineers 57(4), 2015) measured 1.26 for the country, 1.22 to 1.44 by
#: province; 1.3 lies on the careful side of the mean. A city that has measured its own roads runs a routing engine instead.
DETOUR = 1.3
#: Metres a second from door to door in a town, by responder.mode. Assumptions, none of them measured: 4.7, 16, 16 and 25 km/h.
SPEEDS = {"walk": 1.3, "bicycle": 4.5, "ebike": 4.5, "car": 7.0}
#: What a routing engine calls them.
PROFILES = {"walk": "foot", "bicycle": "bike", "ebike": "bike", "car": "car"}
#: A routing engine has this long, for all that is asked at once; then its answer is no longer waited for, nor asked for a while.
ROUTER_SECONDS = 1.0
REST_SECONDS = 30.0
#: So many of the nearest are asked for; OSRM takes 100 places at once by default (--max-table-size).
MOST_STARTS = 50


class Place(NamedTuple):
    """WGS-84 degrees."""

    lat: float
    lon: float


class Router(Protocol):
    async def seconds(self, starts: Sequence[tuple[Place, str]], to: Place) -> list[float]:
        """Seconds from each start, by its mode, to the place. Answers within ROUTER_SECONDS and does not fail."""


class Straight:
    """The built-in one: great circle, road factor, speed of the mode."""

    async def seconds(self, starts: Sequence[tuple[Place, str]], to: Place) -> list[float]:
        return [estimate(distance_m(start, to), mode) for start, mode in starts]


class Osrm:
    """An OSRM server's table service (project-osrm.org/docs, "Table service").

    `url`: such as http://osrm:5000. An OSRM holds the roads of one profile: with `{profile}` in the URL, car, bike and foot are put
    there, each with a server of its own; without it, the server is asked for those who drive, and the others are reckoned.
    """

    def __init__(self, url: str, seconds: float = ROUTER_SECONDS) -> None:
        self.url, self.patience = url.rstrip("/"), seconds
        self.profiles = set(PROFILES.values()) if "{profile}" in url else {"car"}
        self.rests_until = 0.0

    async def seconds(self, starts: Sequence[tuple[Place, str]], to: Place) -> list[float]:
        found = await Straight().seconds(starts, to)
        if time.monotonic() < self.rests_until:
            metrics.routed.labels("resting").inc()
            return found
        nearest = sorted(range(len(starts)), key=lambda at: found[at])[:MOST_STARTS]
        parts = {profile: [at for at in nearest if PROFILES[starts[at][1]] == profile] for profile in self.profiles}
        try:
            async with asyncio.timeout(self.patience), aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
                asked = [(part, group.create_task(self.table(session, profile, [starts[at][0] for at in part], to))) for profile, part in parts.items() if part]
        except Exception as error:  # whatever it is: it must not cost anybody their offer
            metrics.routed.labels("failed").inc()
            self.rests_until = time.monotonic() + REST_SECONDS
            log.warning("router_failed", error=f"{type(error).__name__}: {error}", rests_seconds=REST_SECONDS)
            return found
        for part, task in asked:
            for at, seconds in zip(part, task.result(), strict=True):
                found[at] = found[at] if seconds is None else seconds  # no road is known there
        metrics.routed.labels("answered").inc()
        return found

    async def table(self, session: aiohttp.ClientSession, profile: str, starts: Sequence[Place], to: Place) -> list[float | None]:
        """Seconds from each start. Raises ValueError for an answer that is none."""
        places = ";".join(f"{place.lon:.6f},{place.lat:.6f}" for place in (*starts, to))
        sources = ";".join(str(number) for number in range(len(starts)))
        url = f"{self.url.replace('{profile}', profile)}/table/v1/{profile}/{places}?sources={sources}&destinations={len(starts)}&annotations=duration"
        async with session.get(url) as answer:
            body = await answer.json(content_type=None)
        return durations(body, len(starts))


def durations(body: Any, count: int) -> list[float | None]:
    """The one column of OSRM's table: seconds, None where there is no road. Raises ValueError."""
    if not isinstance(body, dict) or body.get("code") != "Ok":
        raise ValueError(f"code {body.get('code') if isinstance(body, dict) else body!r}")
    found = [row[0] for row in body["durations"]]
    if len(found) != count or any(one is not None and (not isinstance(one, int | float) or one < 0) for one in found):
        raise ValueError(f"{len(found)} durations for {count} places, or not all of them seconds")
    return found


def estimate(metres: float, mode: str) -> float:
    """Seconds for so many metres as the crow flies."""
    return metres * DETOUR / SPEEDS[mode]


def distance_m(here: Place, there: Place) -> float:
    """Great-circle metres (haversine)."""
    a, b = math.radians(here[0]), math.radians(there[0])
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(there[1] - here[1]) / 2) ** 2
    return 2 * EARTH_M * math.asin(math.sqrt(half))


#: The process's own; the composition root puts another here.
_router: list[Router] = [Straight()]


def use(router: Router) -> None:
    _router[0] = router


def router() -> Router:
    return _router[0]
