"""An operator tells a device to do something and sees what has become of it; the elder's button learns who is coming."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from cloudfamily import composition
from cloudfamily_platform.alerts import escalate, respond
from cloudfamily_platform.people import command

Alarm = Callable[..., int]


def test_an_operator_tells_a_device_and_follows_it(world: Any, site: Any) -> None:
    world.home()
    operator = world.person("op", "operator")

    async def follow() -> None:
        async with site() as here:
            client = await here.client(operator)
            status, made = await client.post("/api/devices/WX-001-button/commands", {"do": "light", "params": {"mode": "blink", "colour": "green"}})
            assert (status, made["state"], made["params"], made["by"]) == (201, "queued", {"mode": "blink", "colour": "green"}, "测试·op")
            assert datetime.fromisoformat(made["expires_at"]) == world.now + timedelta(minutes=2)
            assert (await client.post("/api/devices/WX-001-button/commands", {"do": "siren"}))[1]["params"] == {"seconds": 30}, "a default is said"
            world.say("cf/v1/WX-001-button/report", {"id": made["id"], "state": "failed", "detail": "no light"})
            status, found = await client.get("/api/devices/WX-001-button/commands")
            assert [(one["do"], one["state"], one["error"]) for one in found["commands"]] == [("siren", "queued", None), ("light", "failed", "no light")]

    world.run(follow())


def test_what_is_refused_says_why(world: Any, site: Any) -> None:
    world.home()
    operator, daughter = world.person("op", "operator"), world.person("daughter", "family")
    district = world.insert("district", code="changzhou", name_zh="长洲", name_en="Changzhou")
    stranger = world.person("far", "supervisor")
    world.sync.execute("UPDATE role SET district_id = %s WHERE person_id = %s", [district, stranger.id])
    path = "/api/devices/WX-001-button/commands"

    async def ask() -> None:
        async with site() as here:
            client = await here.client(operator)

            async def refused(body: object, path: str = path) -> str:
                status, answer = await client.post(path, body)
                return f"{status} {answer['error']['message']}"

            assert await refused({"do": "siren", "params": {"seconds": 601}}) == "422 params is not right: seconds: 1–600"
            assert await refused({"do": "dance"}) == "422 do is not right: siren, light, voice, interval, test"
            assert await refused({"do": "test"}, "/api/devices/nobody/commands") == "404 There is no such thing, or you may not see it."
            assert (await refused({"do": "test", "alert_id": 4711})).startswith("404")
            assert (await client.get(path))[1] == {"commands": []}, "nothing of it was kept"
            for _ in range(command.MOST_LIVE):
                assert (await client.post(path, {"do": "test"}))[0] == 201
            assert await refused({"do": "test"}) == "409 WX-001-button has 20 commands before it. Wait until they are done or have expired."
            for person, status in ((daughter, 403), (stranger, 404)):
                other = await here.client(person)
                assert (await other.get(path))[0] == status
                assert (await other.post(path, {"do": "siren"}))[0] == status

    world.run(ask())


def test_an_alert_says_what_was_done_on_its_account(world: Any, site: Any, alarm: Alarm, timeline: Callable[..., list[str]]) -> None:
    world.home()
    world.home("WX-002")
    operator, alert_id = world.person("op", "operator"), alarm()

    async def do() -> None:
        async with site() as here:
            client = await here.client(operator)
            said = {"do": "voice", "params": {"text": "我们马上就到", "language": "zh-CN"}, "alert_id": alert_id}
            assert (await client.post("/api/devices/WX-001-motion/commands", said))[0] == 201
            assert (await client.post("/api/devices/WX-002-motion/commands", said))[0] == 404, "another home's device has nothing to do with it"

    world.run(do())
    assert timeline(alert_id)[-1] == "command op"
    assert world.value("SELECT params FROM alert_event WHERE kind = 'command'") == {"device": "WX-001-motion", "do": "voice"}
    assert world.value("SELECT count(*) FROM command") == 1


def answers(world: Any) -> list[tuple[str, str | None]]:
    return [(row["answer"], row["params"].get("name")) for row in world.rows("SELECT answer, params FROM command ORDER BY id")]


def test_the_button_learns_who_is_on_the_way(world: Any, alarm: Alarm) -> None:
    world.home()
    near, alert_id = world.responder("near", chat=2), alarm()
    world.drain(*escalate.STAGES)
    world.run(respond.accept(world.conn, alert_id, near, world.now))
    world.run(respond.move(world.conn, alert_id, near, "on_the_way", world.now))
    assert answers(world) == [("help_is_coming", None), ("on_the_way", "测试·near")]
    world.wait(seconds=20)
    alarm()
    assert answers(world)[2:] == [("on_the_way", "测试·near")], "who presses again hears how far it is"


def test_an_operator_who_has_it_is_not_announced_at_the_door(world: Any, alarm: Alarm) -> None:
    world.home()
    operator, alert_id = world.person("op", "operator"), alarm()
    world.run(respond.accept(world.conn, alert_id, operator, world.now))
    world.run(respond.move(world.conn, alert_id, operator, "on_the_way", world.now))
    assert answers(world)[1:] == [("on_the_way", None)]


def test_old_commands_are_forgotten_and_waiting_ones_are_not(world: Any) -> None:
    world.home()
    operator = world.person("op", "operator")
    done, waiting = (world.run(command.give(world.conn, "WX-001-button", "test", {}, operator, world.now))["id"] for _ in range(2))
    world.say("cf/v1/WX-001-button/report", {"id": done, "state": "done"})
    world.wait(days=89)
    world.run(composition.tidy(world.conn, world.now, 400))
    assert world.value("SELECT count(*) FROM command") == 2
    world.wait(days=2)
    world.run(composition.tidy(world.conn, world.now, 400))
    assert [row["id"] for row in world.rows("SELECT id FROM command")] == [waiting]
