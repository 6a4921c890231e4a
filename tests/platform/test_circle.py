"""The 15-minute circle: who could be at a home's door in time, and which homes nobody could reach."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies

from cloudfamily_platform.alerts import circle, escalate, respond, travel
from cloudfamily_platform.alerts.circle import Disc
from cloudfamily_platform.alerts.travel import Place
from cloudfamily_platform.people import person as people


def change(world: Any, code: str, what: str) -> None:
    world.sync.execute(f"UPDATE responder SET {what} FROM person p WHERE p.id = person_id AND p.code = %s".encode(), [code])


def test_who_could_be_there_and_why_the_others_could_not(world: Any, alarm: Callable[..., int]) -> None:
    home = world.home("WX-001")
    world.home("WX-002")
    for code, km in (("rider", 3.1), ("too slow", 3.2), ("walker", 0.8), ("far walker", 1.0), ("off", 0.1), ("unqualified", 0.1), ("busy", 0.2)):
        world.responder(code, km=km)
    world.responder("driver", "caregiver", km=4.8)
    for code, mode in (("driver", "car"), ("walker", "walk"), ("far walker", "walk")):
        change(world, code, f"mode = '{mode}'")
    change(world, "off", "on_duty = false")
    change(world, "unqualified", "skills = '{visit}'")
    world.insert("key_holder", home_id=home, person_id=world.value("SELECT id FROM person WHERE code = 'driver'"))
    busy = world.run(people.load(world.conn, world.value("SELECT id FROM person WHERE code = 'busy'")))
    other = alarm(device="WX-002-button")
    world.drain(*escalate.STAGES)
    world.run(respond.accept(world.conn, other, busy, world.now))

    found = world.run(circle.around(world.conn, {"id": home, "code": "WX-001", "canary": False}, world.now))
    assert [(one["person"], one["mode"], one["seconds"], one["distance_m"], one["key"]) for one in found["people"]] == [
        ("测试·walker", "walk", 800, 800, False), ("测试·driver", "car", 891, 4800, True), ("测试·rider", "ebike", 896, 3100, False),
    ]  # fmt: skip
    assert found["others"] == {"off_duty": 1, "unqualified": 1, "responding": 1, "too_far": 2}
    assert (found["home"], found["minutes"]) == ("WX-001", 15)


def test_over_http(world: Any, site: Any) -> None:
    world.home()
    world.responder("a")
    operator, family = world.person("operator", "operator"), world.person("stranger", "family")

    async def story() -> None:
        async with site() as here:
            desk, other = await here.client(operator), await here.client(family)
            status, body = await desk.get("/api/homes/WX-001/circle")
            assert (status, [one["person"] for one in body["people"]], body["others"]) == (200, ["测试·a"], {})
            assert (await desk.get("/api/homes/NO-001/circle"))[0] == 404
            assert (await other.get("/api/homes/WX-001/circle"))[0] == 403

    world.run(story())


def test_homes_that_nobody_or_one_only_could_reach(world: Any) -> None:
    for number, north_km in enumerate((0, 2, 9, 20), 1):
        world.home(f"WX-00{number}")
        world.sync.execute("UPDATE home SET lat = lat + %s WHERE code = %s", [north_km / 111.195, f"WX-00{number}"])
    world.home("CANARY", canary=True)
    world.responder("a", km=0.5)
    b = world.responder("b", km=3)
    world.responder("c", km=9)
    world.responder("d", km=9.1, skills=["visit"])
    assert [(one.code, one.only) for one in world.run(circle.uncovered(world.conn, world.now, 10))] == [
        ("WX-004", None), ("WX-003", world.value("SELECT id FROM person WHERE code = 'c'")),
    ]  # fmt: skip
    change(world, "a", "on_duty = false")
    assert [(one.code, one.only) for one in world.run(circle.uncovered(world.conn, world.now, 3))][1:] == [("WX-001", b.id), ("WX-002", b.id)]
    assert [one.code for one in world.run(circle.uncovered(world.conn, world.now, 1))] == ["WX-004"]


def slowly(homes: list[dict[str, Any]], discs: list[Disc]) -> list[tuple[int, int | None]]:
    """What the grid must find, by comparing everybody with everybody."""
    found = []
    for home in homes:
        near = [one.person_id for one in discs if travel.distance_m(one.place, Place(home["lat"], home["lon"])) <= one.radius_m]
        if len(near) < 2:
            found.append((home["id"], near[0] if near else None))
    return sorted(found, key=lambda one: (one[1] is not None, one[0]))


@pytest.mark.parametrize(("lat", "lon"), [(23.47, 111.32), (0.0, 0.0), (-33.9, 18.4), (68.9, 33.0)])
@hypothesis.given(seed=strategies.integers(0, 10_000))
@hypothesis.settings(max_examples=15, deadline=None)
def test_the_grid_finds_what_comparing_all_would_find(lat: float, lon: float, seed: int) -> None:
    dice = random.Random(seed)

    def somewhere() -> Place:
        return Place(lat + dice.uniform(-0.05, 0.05), lon + dice.uniform(-0.05, 0.05))

    discs = [Disc(number, somewhere(), dice.choice([100, 900, 3115, 4846])) for number in range(12)]
    places = [somewhere() for _ in range(80)]
    homes = [{"id": number, "code": str(number), "district_id": 1, "lat": place.lat, "lon": place.lon} for number, place in enumerate(places)]
    assert [(one.home_id, one.only) for one in circle.thinly_covered(homes, discs, 1000)] == slowly(homes, discs)
