"""A device finds its home: in one step, by a label, also while it calls for help; and it can move to another."""

from __future__ import annotations

import asyncio
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cloudfamily_platform.alerts import bound, escalate, respond, watch
from cloudfamily_platform.core import db, errors
from cloudfamily_platform.people import command, home, label, quarantine

Timeline = Callable[..., list[str]]


@pytest.fixture
def desk(world: Any) -> Any:
    """An operator who binds and unbinds, as the console does it."""

    class Desk:
        person = world.person("op", "operator")

        def bind(self, device: str = "new-1", home: str = "WX-001", kind: str = "button") -> None:
            world.run(self.binding(world.conn, device, home, kind))

        async def binding(self, conn: db.Connection, device: str, home: str, kind: str = "button") -> None:
            async with conn.transaction():
                found = await quarantine.bind(conn, device, kind, home, self.person, world.now)
                await bound.adopt(conn, device, found, self.person, world.now)

        def unbind(self, device: str = "new-1") -> None:
            world.run(quarantine.unbind(world.conn, device, self.person, world.now))

    return Desk()


@pytest.fixture
def homeless(world: Any) -> Callable[..., int]:
    """A device that nobody knows calls for help; the id of its alert."""

    def called(device: str = "new-1", kind: str = "sos") -> int:
        world.press(device, kind)
        world.drain(*watch.STAGES)
        return int(world.value("SELECT id FROM alert WHERE device_code = %s AND kind = %s AND state <> 'resolved'", device, kind))

    return called


def told(world: Any) -> list[tuple[str, str]]:
    query = "SELECT p.code, n.message FROM notification n JOIN person p ON p.id = n.person_id ORDER BY n.id"
    return [(row["code"], row["message"]) for row in world.rows(query)]


# A device that calls for help before it has a home


def test_the_alert_gets_the_home_and_begins_anew(world: Any, desk: Any, homeless: Callable[..., int], timeline: Timeline) -> None:
    world.family(world.home(), "daughter", chat=1)
    world.responder("near", chat=2)
    world.person("boss", "operator", chat=3, city=True)
    alert_id = homeless()
    for _ in range(3):
        world.drain(*escalate.STAGES)
        world.wait(seconds=40)
    assert ("daughter", "alert") not in told(world)
    assert ("boss", "alert") in told(world)

    desk.bind()
    assert timeline(alert_id)[-1] == "bound op"
    row = world.rows("SELECT v.home_code, v.step, v.state, v.district_code FROM alert_view v WHERE id = %s", alert_id)[0]
    assert row == {"home_code": "WX-001", "step": 0, "state": "open", "district_code": "wanxiu"}
    before = told(world).count(("boss", "alert"))
    world.sync.execute("UPDATE notification SET state = 'sent', due_at = NULL")
    world.drain(*escalate.STAGES)
    assert {("daughter", "alert"), ("near", "offer")} <= set(told(world))
    world.wait(seconds=31)
    world.drain(*escalate.STAGES)
    assert told(world).count(("boss", "alert")) == before + 1, "who heard of it before hears of it again"


def test_who_has_it_keeps_it_and_the_family_hears(world: Any, desk: Any, homeless: Callable[..., int]) -> None:
    world.family(world.home(), "daughter", chat=1)
    alert_id = homeless()
    world.run(respond.accept(world.conn, alert_id, desk.person, world.now))
    world.wait(seconds=5)
    desk.bind()
    row = world.rows("SELECT state, handler_id, due_at > %s AS patient FROM alert WHERE id = %s", world.now, alert_id)[0]
    assert row == {"state": "accepted", "handler_id": desk.person.id, "patient": True}
    assert told(world) == [("daughter", "alert")]


def test_a_home_that_calls_already_has_one_alert_for_both(world: Any, desk: Any, homeless: Callable[..., int], timeline: Timeline) -> None:
    world.home()
    own = homeless("WX-001-button")
    world.run(respond.accept(world.conn, own, world.person("op2", "operator"), world.now))
    other, water = homeless(), homeless(kind="water_leak")
    homeless()
    desk.bind()
    rows = {row["id"]: (row["state"], row["outcome"], row["presses"], row["home_code"]) for row in world.rows("SELECT * FROM alert_view")}
    assert rows == {own: ("accepted", None, 3, "WX-001"), other: ("resolved", "merged", 2, None), water: ("open", None, 1, "WX-001")}
    assert timeline(own)[-1] == "joined op"
    assert timeline(other)[-1] == "merged op"
    said = world.rows("SELECT device_code, answer, seq FROM command ORDER BY id DESC LIMIT 1")
    assert said == [{"device_code": "new-1", "answer": "help_is_coming", "seq": world.seq}], "the device hears how far its help is"
    world.run(respond.resolve(world.conn, own, desk.person, "real", "", world.now))
    assert world.value("SELECT device_code FROM command ORDER BY id DESC LIMIT 1") == "new-1"


def test_an_open_alert_stays_open_when_one_that_somebody_had_goes_into_it(world: Any, desk: Any, homeless: Callable[..., int]) -> None:
    world.home()
    own, other = homeless("WX-001-button"), homeless()
    world.run(respond.accept(world.conn, other, desk.person, world.now))
    desk.bind()
    assert world.rows("SELECT id, state FROM alert ORDER BY id") == [{"id": own, "state": "open"}, {"id": other, "state": "resolved"}]
    assert world.value("SELECT due_at FROM alert WHERE id = %s", own) is not None


def test_a_press_judged_while_the_device_is_bound_is_one_of_its_home(world: Any, desk: Any) -> None:
    """The press is stored without a home; whichever of the two transactions is first, the alert has one in the end."""
    world.home()
    world.press("new-1")
    assert world.value("SELECT home_id FROM signal") is None

    async def at_once() -> None:
        async with await db.connect(world.url) as one, await db.connect(world.url) as two:
            await asyncio.gather(watch.step(one, world.now), desk.binding(two, "new-1", "WX-001"))

    world.run(at_once())
    assert [row["home_code"] for row in world.rows("SELECT home_code FROM alert_view")] == ["WX-001"]


def test_an_alert_under_way_is_waited_for(world: Any, desk: Any) -> None:
    """The alert is written, and not yet committed, when the device is bound: the binding waits and takes it along."""
    world.home()
    world.press("new-1")

    async def overlapping() -> None:
        async with await db.connect(world.url) as one, await db.connect(world.url) as two:
            async with one.transaction():
                assert await watch.step(one, world.now)
                binding = asyncio.create_task(desk.binding(two, "new-1", "WX-001"))
                await asyncio.sleep(0.1)
                assert not binding.done()
            await binding

    world.run(overlapping())
    assert [row["home_code"] for row in world.rows("SELECT home_code FROM alert_view")] == ["WX-001"]


# Moving house


def test_a_device_that_moves_calls_help_to_where_it_is(world: Any, desk: Any, homeless: Callable[..., int]) -> None:
    world.home()
    world.home("WX-002")
    world.move("new-1")
    desk.bind()
    first = homeless()
    with pytest.raises(errors.AlreadyBound):
        desk.bind(home="WX-002")
    desk.unbind()
    world.wait(seconds=1)
    second = homeless()
    assert world.value("SELECT home_code FROM alert_view WHERE id = %s", first) == "WX-001", "it was there that somebody pressed"
    assert world.value("SELECT home_code FROM alert_view WHERE id = %s", second) is None, "a lane that remembers the old home does not send help there"
    desk.bind(home="WX-002")
    assert world.value("SELECT home_code FROM alert_view WHERE id = %s", second) == "WX-002"
    history = world.rows("SELECT h.code, p.code AS by, q.code AS until FROM binding b JOIN home h ON h.id = b.home_id JOIN person p ON p.id = b.bound_by"
                         " LEFT JOIN person q ON q.id = b.unbound_by ORDER BY b.id")  # fmt: skip
    assert history == [{"code": "WX-001", "by": "op", "until": "op"}, {"code": "WX-002", "by": "op", "until": None}]


def test_what_a_device_said_stays_with_the_home_where_it_said_it(world: Any, desk: Any) -> None:
    """Nobody sees another home's days, and an elder's silence is not filled with somebody else's steps."""
    first, second = world.home(), world.home("WX-002")
    world.move("new-1")
    world.wait(minutes=1)
    desk.bind(kind="motion")
    world.wait(minutes=1)
    world.move("new-1")
    moved_at = world.now
    world.wait(minutes=1)
    desk.unbind()
    world.wait(minutes=1)
    desk.bind(home="WX-002", kind="motion")

    async def steps(home_id: int) -> Any:
        values = {"home_id": home_id, "now": world.now, "since": world.now - timedelta(days=14), "movement": [1], "press": 3, "most": 1}
        row = await (await world.conn.execute(watch.QUERIES["movement_of_home"], values)).fetchone()
        return row["at"] if row else None

    assert [world.run(steps(home_id)) for home_id in (first, second)] == [moved_at, None]
    assert world.run(home.recent(world.conn, second, world.now)) == []


def test_what_it_was_told_to_do_is_not_done_elsewhere(world: Any, desk: Any) -> None:
    world.home()
    desk.bind(kind="siren")
    number = world.run(command.give(world.conn, "new-1", "siren", {}, desk.person, world.now))["id"]
    desk.unbind()
    assert world.rows("SELECT id, state, error FROM command") == [{"id": number, "state": "failed", "error": "the device was taken out of its home"}]


# Over HTTP


def test_an_operator_sees_what_waits_and_says_whose_it_is(world: Any, desk: Any, homeless: Callable[..., int], site: Any) -> None:
    world.home()
    world.say("cf/v1/new-1/info", {"kind": "button", "vendor": "Yunfu", "model": "B2", "name": "bedside"})
    world.move("new-2")
    alert_id = homeless()
    daughter = world.person("daughter", "family")

    async def story() -> None:
        async with site() as here:
            client = await here.client(desk.person)
            unbound = (await client.get("/api/quarantine"))[1]["unbound"]
            assert [(one["device"], one["kind"], one["vendor"], one["live_alerts"]) for one in unbound] == [
                ("new-1", "button", "Yunfu", 1), ("new-2", "other", None, 0),
            ]  # fmt: skip
            status, about = await client.get("/api/devices/new-1/binding")
            assert (status, about["model"], about["home"]) == (200, "B2", None)
            assert (await client.get("/api/devices/never-heard/binding"))[0] == 404
            assert (await client.post("/api/devices/bind", {"device": "new-1", "kind": "button", "home": "WX-001"}))[0] == 201
            _, detail = await client.get(f"/api/alerts/{alert_id}")
            assert (detail["alert"]["home"], detail["timeline"][-1]["kind"]) == ("WX-001", "bound")
            assert (await client.get("/api/devices/new-1/binding"))[1]["home"] == "WX-001"
            status, refused = await client.post("/api/devices/bind", {"device": "new-1", "kind": "button", "home": "WX-001"})
            assert (status, refused["error"]["message"]) == (409, "new-1 belongs to a home already. Take it out of that home first.")
            assert (await client.post("/api/devices/unbind", {"device": "new-1"}))[0] == 204
            assert (await client.post("/api/devices/unbind", {"device": "new-1"}))[0] == 404
            family = await here.client(daughter)
            assert (await family.post("/api/devices/unbind", {"device": "new-1"}))[0] == 403
            assert (await family.text("/api/devices/new-1/label.svg"))[0] == 403
            status, drawn = await client.text("/api/devices/new-1/label.svg")
            assert (status, drawn) == (200, label.sheet(["new-1"], here.url))

    world.run(story())


# Labels


def test_a_label_leads_to_the_bind_form_and_says_the_code() -> None:
    long = "a" * 64
    drawn = label.sheet(["btn-0017", "two", "three", long], "https://care.example/")
    assert label.address("btn-0017", "https://care.example/") == "https://care.example/#/bind/btn-0017"
    root = ET.fromstring(drawn)
    texts = [one.text or "" for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[:3] == ["btn-0017", "two", "three"]
    assert "".join(texts[3:]) == long
    assert root.get("viewBox") == "0 0 186 60"
    assert not re.search(r"style|script|href", drawn), "nothing that a content security policy forbids"
