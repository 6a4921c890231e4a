"""Leaving the agreed area: one alert a leaving, no flutter at the edge, and back again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from cloudfamily_platform.alerts import watch
from cloudfamily_platform.core import texts
from cloudfamily_platform.people import fence, limits
from cloudfamily_platform.people.fence import Fence

#: A degree of latitude in metres.
DEGREE_M = 111_195
HOME = Fence("home", 23.47, 111.32, 300, "Asia/Shanghai")
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def at(metres: float, accuracy: float | None = 10, fences: tuple[Fence, ...] = (HOME,), now: datetime = NOON) -> bool | None:
    """Outside (True), back (False), or nothing to say (None), so many metres north of home."""
    found = fence.judge(23.47 + metres / DEGREE_M, 111.32, accuracy, fences, now)
    return found.outside if found else None


def test_at_the_edge_nothing_is_said_and_a_blurred_position_only_when_it_is_sure() -> None:
    assert [at(metres) for metres in (0, 260, 280, 305, 315)] == [False, False, None, None, True]
    assert [at(metres, 200) for metres in (260, 450, 510)] == [False, None, True]
    assert [at(metres, None) for metres in (315, 325)] == [None, True]


def test_several_circles_are_one_area() -> None:
    park = Fence("park", 23.47 + 800 / DEGREE_M, 111.32, 300, "Asia/Shanghai")
    assert [at(metres, fences=(HOME, park)) for metres in (400, 800, 1200)] == [True, False, True]


def test_hours() -> None:
    night = HOME._replace(starts=time(21), ends=time(6))
    assert [at(500, fences=(night,), now=NOON.replace(hour=hour)) for hour in (4, 13, 21, 22)] == [None, True, True, None]
    assert at(0, fences=(night,)) is False


@given(some.floats(-90, 90), some.floats(-180, 180), some.none() | some.floats(0, 1e5), some.floats(-90, 90), some.floats(-180, 180))
def test_judging_never_raises(lat: float, lon: float, accuracy: float | None, to_lat: float, to_lon: float) -> None:
    fence.judge(lat, lon, accuracy, [HOME._replace(lat=to_lat, lon=to_lon)], NOON)
    assert 0 <= fence.distance_m(lat, lon, to_lat, to_lon) <= 20_100_000


def walk(world: Any, metres: float, **more: float) -> None:
    world.say("cf/v1/watch-1/reading", {"t": world.now.isoformat(), "values": {"latitude": 23.47 + metres / DEGREE_M, "longitude": 111.32, **more}})
    world.drain(watch.STAGES[0])
    world.wait(minutes=1)


@pytest.fixture
def circle(world: Any) -> Callable[..., None]:
    """circle(radius_m): the home's one circle, and a watch worn by whoever lives there."""
    home_id = world.home()
    world.insert("device", code="watch-1", home_id=home_id, kind="wearable", watched_from=world.now)
    operator = world.person("op", "operator")

    def draw(*radius_m: int, **more: Any) -> None:
        one = {"name": "park", "elder": None, "lat": 23.47, "lon": 111.32, "starts": None, "ends": None, **more}
        world.run(limits.change_fences(world.conn, {"id": home_id}, [one | {"radius_m": radius} for radius in radius_m], operator, world.now))
        world.wait(seconds=10)

    return draw


def test_leaving_and_coming_back(world: Any, circle: Callable[..., None], timeline: Callable[..., list[str]]) -> None:
    circle(300)
    for metres in (0, 250, 310, 350, 340, 310, 295, 350):
        walk(world, metres, accuracy=15)
    (alert,) = world.rows("SELECT kind, severity, why FROM alert")
    assert (alert["kind"], alert["severity"]) == ("geofence", "high")
    said = texts.say("en", alert["why"]["key"], **alert["why"]["params"])
    assert said == "watch-1 is 350 m from the middle of “park” and outside it, at 23.47315, 111.32"
    walk(world, 100)
    assert timeline(1) == ["opened", "came_back"]
    walk(world, 400)
    assert timeline(1) == ["opened", "came_back", "pressed_again"]


def test_a_circle_that_is_changed_counts_within_seconds(world: Any, circle: Callable[..., None]) -> None:
    walk(world, 900)
    circle(1000)
    walk(world, 900)
    assert world.value("SELECT count(*) FROM alert") == 0
    circle(500)
    walk(world, 900)
    assert world.value("SELECT count(*) FROM alert") == 1
    circle()
    walk(world, 5000)
    assert world.value("SELECT count(*) FROM signal") == 1


def test_half_a_position_is_none(world: Any, circle: Callable[..., None]) -> None:
    circle(300)
    world.say("cf/v1/watch-1/reading", {"t": world.now.isoformat(), "values": {"latitude": 50.0}})
    assert world.value("SELECT count(*) FROM signal") == 0
