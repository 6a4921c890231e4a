"""Who sees how much of an alert over HTTP: family their own, helpers what they need, operators their district."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from cloudfamily_platform.alerts import escalate, watch
from cloudfamily_platform.core import db
from cloudfamily_platform.people import person as people
from cloudfamily_platform.services import visits

SECRETS = ("elder-WX-001", "示例路", "WX-001", "1234#", "高血压", "daughter", "23.47")


def leaks(body: object) -> list[str]:
    text = json.dumps(body, ensure_ascii=False)
    return [secret for secret in SECRETS if secret in text]


def test_a_volunteer_from_the_offer_to_the_end(world: Any, site: Callable[[], Any], alarm: Callable[..., int]) -> None:
    world.family(world.home(), "daughter", chat=1)
    near, far = world.responder("near", km=0.4, chat=2), world.responder("far", km=2, chat=3)
    operator = world.person("operator", "operator")
    alert_id = alarm()
    world.drain(*escalate.STAGES)
    one = f"/api/alerts/{alert_id}"

    async def story() -> None:
        async with site() as here:
            volunteer, other, desk = [await here.client(person) for person in (near, far, operator)]

            _, listed = await volunteer.get("/api/alerts")
            (offered,) = listed["alerts"]
            assert offered["district"] == {"code": "wanxiu", "name_zh": "万秀", "name_en": "Wanxiu"}
            assert offered["why"] == {"key": "alert.why.sos_masked", "params": {}}
            assert [offered[key] for key in ("elder", "home", "address", "device")] == [None] * 4
            _, detail = await volunteer.get(one)
            assert (detail["card"], detail["timeline"], detail["offers"]) == (None, [], [])
            assert leaks([listed, detail]) == []

            _, body = await volunteer.post(f"{one}/accept")
            assert (body["alert"]["elder"], body["alert"]["address"]) == ("测试·elder-WX-001", "示例路1号 WX-001")
            _, detail = await volunteer.get(one)
            card = detail["card"]
            assert card["home"]["key_code"] == "1234#"
            assert card["elders"][0]["conditions"] == ["高血压"]
            assert card["contacts"] == [{"name": "测试·daughter", "relation": "女儿", "phone": "000", "rank": 1}]
            assert {device["code"] for device in card["devices"]} == {"WX-001-button", "WX-001-motion", "WX-001-door"}
            assert [event["kind"] for event in detail["timeline"]] == ["opened", "offered", "offered", "accepted"]
            assert detail["offers"] == []  # who else was asked is the desk's business

            assert await other.get("/api/alerts") == (200, {"alerts": [], "position": detail["timeline"][-1]["id"]})
            assert (await other.get(one))[0] == 404
            assert (await other.post(f"{one}/accept"))[0] == 409

            for verb in ("on-the-way", "there"):
                assert (await volunteer.post(f"{one}/{verb}"))[0] == 200
            status, body = await volunteer.post(f"{one}/resolve", {"outcome": "real", "note": "well again"})
            assert (status, body["alert"]["state"]) == (200, "resolved")
            assert leaks(body) == []
            _, detail = await volunteer.get(one)
            assert (detail["card"], detail["timeline"]) == (None, [])
            _, listed = await volunteer.get("/api/alerts?state=resolved")
            assert [alert["id"] for alert in listed["alerts"]] == [alert_id]
            assert leaks([detail, listed]) == []
            assert (await volunteer.get("/api/alerts"))[1]["alerts"] == []
            assert (await volunteer.post(f"{one}/note", {"text": "?"}))[0] == 403

            _, detail = await desk.get(one)
            assert [(offer["person"], offer["role"], offer["state"], offer["distance_m"]) for offer in detail["offers"]] == [
                ("测试·near", "volunteer", "accepted", 400), ("测试·far", "volunteer", "withdrawn", 2000),
            ]  # fmt: skip
            assert detail["timeline"][-1]["params"] == {"outcome": "real", "note": "well again"}
            assert detail["card"]["home"]["code"] == "WX-001"

    world.run(story())


def test_declining(world: Any, site: Callable[[], Any], alarm: Callable[..., int]) -> None:
    world.home()
    near = world.responder("near", km=0.4)
    alert_id = alarm()
    world.drain(*escalate.STAGES)

    async def story() -> None:
        async with site() as here:
            volunteer = await here.client(near)
            assert (await volunteer.post(f"/api/alerts/{alert_id}/decline"))[0] == 204
            assert (await volunteer.get("/api/alerts"))[1]["alerts"] == []
            assert (await volunteer.post(f"/api/alerts/{alert_id}/decline"))[0] == 404

    world.run(story())


def test_everybody_sees_what_is_theirs(world: Any, site: Callable[[], Any], alarm: Callable[..., int]) -> None:
    world.family(world.home("WX-001"), "daughter")
    world.family(world.home("WX-002"), "son")
    world.family(world.home("CANARY", canary=True), "canary-daughter", canary=True)
    other = world.insert("district", code="changzhou", name_zh="长洲", name_en="Changzhou")
    elsewhere = world.person("elsewhere")
    world.insert("role", person_id=elsewhere.id, role="operator", district_id=other)
    wx1, wx2, canary, unknown = (alarm(device=device) for device in ("WX-001-button", "WX-002-button", "CANARY-button", "somebody-s-button"))
    everything = [wx1, wx2, canary, unknown]
    cast = {
        "operator": (world.person("operator", "operator"), [wx1, wx2, unknown]),
        "boss": (world.person("boss", "supervisor", city=True), [wx1, wx2, unknown]),
        "elsewhere": (world.run(person_of(world, "elsewhere")), [unknown]),  # a device that nobody knows is everybody's
        "daughter": (world.run(person_of(world, "daughter")), [wx1]),
        "son": (world.run(person_of(world, "son")), [wx2]),
        "volunteer": (world.person("volunteer", "volunteer"), []),
        "canary-operator": (world.person("canary-operator", "operator", city=True, canary=True), [canary]),
        "canary-daughter": (world.run(person_of(world, "canary-daughter")), [canary]),
    }

    async def story() -> None:
        async with site() as here:
            for code, (person, seen) in cast.items():
                client = await here.client(person)
                _, listed = await client.get("/api/alerts")
                assert [alert["id"] for alert in listed["alerts"]] == seen, code
                for alert_id in everything:
                    status, _ = await client.get(f"/api/alerts/{alert_id}")
                    assert status == (200 if alert_id in seen else 404), (code, alert_id)
                    if alert_id not in seen:
                        for verb in ("accept", "on-the-way", "there", "dispatch", "decline"):
                            assert (await client.post(f"/api/alerts/{alert_id}/{verb}"))[0] == 404, (code, verb)
                        assert (await client.post(f"/api/alerts/{alert_id}/note", {"text": "?"}))[0] == 404
                        assert (await client.post(f"/api/alerts/{alert_id}/resolve", {"outcome": "test"}))[0] == 404
            client = await here.client(cast["operator"][0])
            _, detail = await client.get(f"/api/alerts/{unknown}")
            assert (detail["card"], detail["alert"]["device"], detail["alert"]["home"], detail["alert"]["district"]) == (None, "somebody-s-button", None, None)

    world.run(story())


async def person_of(world: Any, code: str) -> Any:
    row = await db.one(await world.conn.execute("SELECT id FROM person WHERE code = %s", [code]))
    return await people.load(world.conn, row["id"])


def test_homes_and_devices_for_the_desk(world: Any, site: Callable[[], Any], alarm: Callable[..., int]) -> None:
    world.home("WX-001")
    world.home("WX-002")
    world.home("CANARY", canary=True)
    other = world.insert("district", code="changzhou", name_zh="长洲", name_en="Changzhou")
    elsewhere = world.person("elsewhere")
    world.insert("role", person_id=elsewhere.id, role="operator", district_id=other)
    alarm()
    world.move("WX-001-motion")
    world.say("cf/v1/new-button-17/signal", {"t": world.now.isoformat(), "seq": 1, "kind": "sos"})
    world.drain(*watch.STAGES)
    world.say("cf/v1/WX-001-hub/reading", b"\xff not a message")
    operator = world.person("operator", "operator")
    elsewhere = world.run(person_of(world, "elsewhere"))

    async def story() -> None:
        async with site() as here:
            desk, away = await here.client(operator), await here.client(elsewhere)
            _, found = await desk.get("/api/homes")
            assert [(home["code"], home["live_alerts"], home["elders"]) for home in found["homes"]] == [
                ("WX-001", 1, ["测试·elder-WX-001"]), ("WX-002", 0, ["测试·elder-WX-002"]),
            ]  # fmt: skip
            assert found["homes"][0]["last_seen_at"] == "2026-11-23T08:00:00Z"
            for q, count in (("wx-002", 1), ("示例路", 2), ("elder-WX", 2), ("000", 2), ("nobody", 0), ("CANARY", 0)):
                assert len((await desk.get(f"/api/homes?q={q}"))[1]["homes"]) == count, q
            assert (await away.get("/api/homes"))[1] == {"homes": []}

            _, home = await desk.get("/api/homes/WX-001")
            assert {(one["device"], one["quantity"], one["value"]) for one in home["recent"]} >= {("WX-001-motion", "motion", 1.0)}
            assert home["home"]["address"] == "示例路1号 WX-001"
            assert (await away.get("/api/homes/WX-001"))[0] == 404
            assert (await desk.get("/api/homes/CANARY"))[0] == 404

            _, kept = await desk.get("/api/quarantine")
            assert [(one["device"], one["family"]) for one in kept["unbound"]] == [("new-button-17", "own")]
            assert await desk.post("/api/devices/bind", {"device": "new-button-17", "kind": "button", "home": "WX-002"}) == (
                201, {"device": "new-button-17", "home": "WX-002"},
            )  # fmt: skip
            _, kept = await desk.get("/api/quarantine")
            assert kept["unbound"] == []
            for frame in kept["frames"]:
                assert (await desk.post(f"/api/quarantine/{frame['id']}/clear"))[0] == 204
                assert (await desk.post(f"/api/quarantine/{frame['id']}/clear"))[0] == 404
            assert (await desk.get("/api/quarantine"))[1]["frames"] == []

    world.run(story())
    world.press("new-button-17")
    world.drain(*watch.STAGES)
    assert world.value("SELECT h.code FROM alert a JOIN home h ON h.id = a.home_id WHERE a.device_code = 'new-button-17'") == "WX-002"


def test_visits_and_figures(world: Any, site: Callable[[], Any], alarm: Callable[..., int]) -> None:
    daughter = world.family(world.home(), "daughter", chat=1)
    near = world.responder("near", km=0.4, chat=2)
    world.home("CANARY", canary=True)
    alert_id = alarm()
    alarm(device="CANARY-button")
    world.drain(*escalate.STAGES)
    cast = (near, daughter, world.person("operator", "operator"))

    async def story() -> None:
        async with site() as here:
            volunteer, family, desk = [await here.client(person) for person in cast]
            _, figures = await desk.get("/api/figures")
            assert (figures["open_alerts"], figures["waiting"], figures["deliveries"], figures["accepted_within_60_s"]) == (1, 2, 0, None)
            world.wait(seconds=30)
            for verb in ("accept", "there"):
                await volunteer.post(f"/api/alerts/{alert_id}/{verb}")
            world.wait(minutes=35)
            await volunteer.post(f"/api/alerts/{alert_id}/resolve", {"outcome": "real"})
            while await visits.step(world.conn, world.now):
                pass
            _, listed = await family.get("/api/visits")
            (visit,) = listed["visits"]
            assert (visit["person"], visit["home"], visit["minutes"], visit["credited"]) == ("测试·near", "WX-001", 35, False)
            path = f"/api/visits/{visit['id']}/verify"
            assert (await volunteer.post(path))[0] == 403
            assert (await family.post(path))[0] == 204
            assert (await family.get("/api/visits?state=verified"))[1]["visits"][0]["verified_at"] is not None
            _, figures = await desk.get("/api/figures")
            assert (figures["open_alerts"], figures["accepted_within_60_s"]) == (0, 1.0)

    world.run(story())
