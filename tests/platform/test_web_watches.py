"""Limits, circles and watches over HTTP: seen by the operators of the district and the family, set by operators, with who did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


async def put(client: Any, path: str, body: object) -> tuple[int, Any]:
    async with client.http.put(path, json=body, headers={"X-CSRF-Token": client.csrf}) as answer:
        return answer.status, await answer.json()


@pytest.fixture
def people(world: Any) -> dict[str, Any]:
    home_id = world.home()
    other = world.insert("district", code="longxu", name_zh="龙圩", name_en="Longxu")
    far = world.person("far")
    world.insert("role", person_id=far.id, role="operator", district_id=other)
    found = {"operator": world.person("op", "operator"), "family": world.family(home_id, "daughter"), "volunteer": world.person("v", "volunteer")}
    return found | {"far": far}


def test_limits(world: Any, people: dict[str, Any], site: Callable[..., Any]) -> None:
    path = "/api/homes/WX-001/limits"

    async def story() -> None:
        async with site() as here:
            operator, family = await here.client(people["operator"]), await here.client(people["family"])
            status, body = await family.get(path)
            assert status == 200
            pulse = next(one for one in body["limits"] if one["quantity"] == "heart_rate")
            assert (pulse["low"], pulse["high"], pulse["own"], pulse["unit"]) == (41, 130, None, "/min")
            assert "NEWS2" in pulse["source"]
            status, body = await put(operator, path, {"limits": [{"quantity": "heart_rate", "high": 110}, {"quantity": "spo2", "scale": 2}]})
            assert status == 200
            pulse, spo2 = (next(one for one in body["limits"] if one["quantity"] == name) for name in ("heart_rate", "spo2"))
            assert (pulse["high"], pulse["own"]["high"], pulse["set_by"]) == (110, 110, "测试·op")
            assert (spo2["low"], spo2["scale"]) == (84, 2)
            status, body = await put(operator, path, {"elder": "elder-WX-001", "limits": [{"quantity": "heart_rate", "high": 100}]})
            assert status == 200
            assert next(one for one in body["limits"] if one["quantity"] == "heart_rate")["high"] == 100
            for one, sentence in (
                ({"quantity": "mood"}, "quantity is not right: respiration"),
                ({"quantity": "heart_rate", "low": 200}, "heart_rate.low is not right: < 130"),
                ({"quantity": "heart_rate", "low": 500}, "heart_rate.low is not right: 0 – 300 /min"),
                ({"quantity": "heart_rate", "urgent_low": 60}, "heart_rate.urgent_low is not right: <= 41"),
                ({"quantity": "glucose", "urgent_high": 10}, "glucose.urgent_high is not right: >= 13.9"),
                ({"quantity": "glucose", "scale": 2}, "glucose.scale is not right: 1"),
            ):
                status, body = await put(operator, path, {"limits": [one]})
                assert (status, sentence in body["error"]["message"]) == (422, True), body
            assert (await put(operator, path, {"elder": "nobody", "limits": [{"quantity": "spo2"}]}))[0] == 422
            assert (await put(family, path, {"limits": [{"quantity": "heart_rate"}]}))[0] == 403
            for who in ("volunteer", "far"):
                assert (await (await here.client(people[who])).get(path))[0] == 404
            assert world.value("SELECT count(*) FROM vital_limit") == 3

    world.run(story())


def test_circles(world: Any, people: dict[str, Any], site: Callable[..., Any]) -> None:
    path = "/api/homes/WX-001/geofences"
    circle = {"name": "park", "lat": 23.47, "lon": 111.32, "radius_m": 400, "starts": "20:00", "ends": "06:00"}

    async def story() -> None:
        async with site() as here:
            operator, family = await here.client(people["operator"]), await here.client(people["family"])
            assert (await put(operator, path, {"fences": [circle, circle | {"name": "home", "elder": "elder-WX-001"}]}))[0] == 200
            status, body = await family.get(path)
            assert (status, [(one["name"], one["elder"], one["set_by"]) for one in body["fences"]]) == (
                200, [("park", None, "测试·op"), ("home", "elder-WX-001", "测试·op")],
            )  # fmt: skip
            assert (await put(operator, path, {"fences": [circle | {"ends": None}]}))[0] == 422
            assert (await put(operator, path, {"fences": [circle | {"starts": "29:00"}]}))[0] == 422
            assert (await put(operator, path, {"fences": [circle] * 11}))[0] == 422
            assert (await put(family, path, {"fences": []}))[0] == 403
            assert len((await family.get(path))[1]["fences"]) == 2  # what was refused changed nothing
            assert (await put(operator, path, {"fences": []}))[1] == {"fences": []}
            assert world.value("SELECT count(*) FROM geofence WHERE ended_at IS NOT NULL") == 2

    world.run(story())


def test_watches(world: Any, people: dict[str, Any], site: Callable[..., Any]) -> None:
    path = "/api/homes/WX-001/watches"

    async def story() -> None:
        async with site() as here:
            operator, family = await here.client(people["operator"]), await here.client(people["family"])
            status, body = await family.get(path)
            assert status == 200
            assert {one["kind"]: (one["on"], one["missing"]) for one in body["watches"]} == {
                "not_up": (False, None),
                "bathroom_long": (False, "bathroom_motion"),
                "out_of_bed": (False, "bed_sensor"),
                "door_open": (False, None),
                "not_home": (False, None),
                "no_meal": (False, "kitchen_sensor"),
                "no_water": (False, "water_meter"),
            }
            status, body = await put(operator, path, {"watches": [{"kind": "not_up", "settings": {"by": "08:30"}}, {"kind": "door_open", "on": False}]})
            found = {one["kind"]: one for one in body["watches"]}
            assert (status, found["not_up"]["on"], found["not_up"]["set_by"], found["door_open"]["on"]) == (200, True, "测试·op", False)
            assert found["not_up"]["settings"] == {"by": "08:30", "not_before": "04:30"}
            status, body = await put(operator, path, {"watches": [{"kind": "out_of_bed"}]})
            assert (status, "床垫" in body["error"]["message"]) == (422, True)
            assert (await put(family, path, {"watches": [{"kind": "not_up", "on": False}]}))[0] == 403

    world.run(story())


def test_a_device_is_bound_with_its_room_and_who_wears_it(world: Any, people: dict[str, Any], site: Callable[..., Any]) -> None:
    async def story() -> None:
        async with site() as here:
            operator = await here.client(people["operator"])
            for body, room in (
                ({"device": "m-1", "kind": "motion", "room": "bathroom"}, "bathroom"),
                ({"device": "m-2-fridge", "kind": "door"}, "kitchen"),
                ({"device": "w-1", "kind": "wearable", "wearer": "elder-WX-001"}, None),
            ):
                assert (await operator.post("/api/devices/bind", body | {"home": "WX-001"}))[0] == 201
                assert (await operator.get(f"/api/devices/{body['device']}/binding"))[1]["room"] == room
            assert world.value("SELECT p.code FROM device v JOIN person p ON p.id = v.person_id WHERE v.code = 'w-1'") == "elder-WX-001"
            for wrong in ({"room": "cellar"}, {"wearer": "nobody"}):
                assert (await operator.post("/api/devices/bind", {"device": "m-9", "kind": "motion", "home": "WX-001"} | wrong))[0] == 422

    world.run(story())
