"""incident: what belongs together is one matter for people, and no life-safety alert is ever swallowed by another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from cloudfamily_gateway import dialects, outage, supervise, wire
from cloudfamily_platform.alerts import alert, deliver, escalate, gateways, incident, offers, quiet, recover, respond, silence, watch
from cloudfamily_platform.alerts.channel import Limits, Receipt
from cloudfamily_platform.alerts.message import Message
from cloudfamily_platform.alerts.rules import grouping
from cloudfamily_platform.alerts.rules.hazard import Hazard
from cloudfamily_platform.core import db, errors
from cloudfamily_platform.core.stage import Stage
from cloudfamily_platform.people import blindness
from cloudfamily_platform.people import person as people

TEN = timedelta(minutes=10)
ALL: tuple[Stage, ...] = (*supervise.STAGES, *watch.STAGES, *silence.STAGES, *quiet.STAGES, *incident.STAGES, *recover.stages(TEN))


def live(world: Any) -> list[str]:
    return [row["kind"] for row in world.rows("SELECT kind FROM alert WHERE state <> 'resolved' ORDER BY id")]


def told(world: Any) -> list[str]:
    """Who has been told what since the last time this was asked: "code message kind"."""
    rows = world.rows(
        "WITH new AS (UPDATE notification SET state = 'sent', due_at = NULL WHERE state = 'waiting' RETURNING id, alert_id, person_id, message)"
        " SELECT p.code, n.message, a.kind FROM new n JOIN person p ON p.id = n.person_id JOIN alert a ON a.id = n.alert_id ORDER BY n.id"
    )
    return [f"{row['code']} {row['message']} {row['kind']}" for row in rows]


# Alerts of one home


@pytest.mark.parametrize(
    ("severity", "others", "main"),
    [
        ("critical", ["critical"], None),
        ("critical", ["low", "high"], None),
        ("high", [], None),
        ("high", ["low", "high"], None),
        ("high", ["low", "critical", "critical"], 1),
        ("low", ["critical"], 0),
    ],
)
def test_the_rules_of_one_matter(severity: Any, others: list[str], main: int | None) -> None:
    assert grouping.line_of(severity, [{"id": number, "severity": one} for number, one in enumerate(others)]) == main


def test_fall_then_smoke_whoever_is_on_the_way_hears_it_first(world: Any, alarm: Callable[..., int], timeline: Callable[..., list[str]]) -> None:
    home = world.home()
    world.family(home, "daughter", chat=1)
    volunteer = world.responder("volunteer", chat=2)
    fall = alarm(kind="fall")
    world.drain(*escalate.STAGES)
    world.run(respond.accept(world.conn, fall, volunteer, world.now))
    told(world)

    smoke = alarm(kind="smoke")
    assert told(world) == ["volunteer also smoke", "volunteer offer smoke"]
    world.drain(*escalate.STAGES)
    assert told(world) == ["daughter alert smoke"]  # in full, as if it were alone
    assert timeline(fall)[-1] == "also"
    assert timeline(smoke)[:2] == ["opened", "offered volunteer"]
    assert world.value("SELECT count(DISTINCT incident_id) FROM alert") == 1
    row = world.run(respond.accept(world.conn, smoke, volunteer, world.now))
    assert row["handler_id"] == volunteer.id


def test_what_is_said_to_whoever_is_on_the_way(world: Any, alarm: Callable[..., int]) -> None:
    home = world.home()
    daughter = world.family(home, "daughter", chat=1, language="en")
    world.run(respond.accept(world.conn, alarm(kind="fall"), daughter, world.now))
    world.sync.execute("DELETE FROM notification")
    alarm(kind="co")
    said: list[str] = []

    class Here:
        limits, edits = Limits(per_second=1000, burst=1000), False

        async def send(self, address: str, what: Message, key: str) -> Receipt:
            said.append(what.text)
            return Receipt()

    world.drain(*deliver.stages({"telegram": Here()}, ZoneInfo("Asia/Shanghai")))
    assert said == ["Take care: also in 测试·elder-WX-001's home, where you are needed: Carbon monoxide alarm."]


def test_what_is_less_than_a_fall_is_a_line_of_it_until_that_is_over(world: Any, alarm: Callable[..., int], timeline: Callable[..., list[str]]) -> None:
    home = world.home()
    daughter = world.family(home, "daughter", chat=1)
    fall, leak = alarm(kind="fall"), alarm(kind="water_leak")
    world.drain(*escalate.STAGES)
    assert told(world) == ["daughter alert fall"]
    assert timeline(fall)[:2] == ["opened", "also"]
    assert world.rows("SELECT told_with, state FROM alert WHERE id = %s", leak) == [{"told_with": fall, "state": "open"}]

    world.wait(minutes=20)
    world.run(respond.accept(world.conn, fall, daughter, world.now))
    world.run(respond.resolve(world.conn, fall, daughter, "real", "", world.now))
    told(world)
    world.drain(*incident.STAGES, *escalate.STAGES)
    assert told(world) == ["daughter alert water_leak"]
    assert timeline(leak)[:2] == ["opened", "speaks"]
    assert world.value("SELECT told_with FROM alert WHERE id = %s", leak) is None


def test_a_line_speaks_at_the_latest_after_an_hour(world: Any, alarm: Callable[..., int]) -> None:
    home = world.home()
    daughter = world.family(home, "daughter", chat=1)
    fall = alarm(kind="fall")
    world.run(respond.accept(world.conn, fall, daughter, world.now))
    world.run(respond.move(world.conn, fall, daughter, "there", world.now))
    alarm(kind="water_leak")
    told(world)
    world.wait(minutes=59)
    world.drain(*escalate.STAGES)
    assert told(world) == []
    world.wait(minutes=1)
    world.drain(*escalate.STAGES)
    assert told(world) == ["daughter alert water_leak"]


def test_other_homes_are_other_matters(world: Any, alarm: Callable[..., int]) -> None:
    world.home("WX-001")
    world.home("WX-002")
    alarm(kind="fall")
    alarm("WX-002-button", kind="water_leak")
    assert world.rows("SELECT DISTINCT incident_id, told_with FROM alert") == [{"incident_id": None, "told_with": None}]


def test_the_api_shows_what_belongs_together_and_closes_it_at_once(world: Any, alarm: Callable[..., int], site: Callable[[], Any]) -> None:
    home = world.home()
    daughter = world.family(home, "daughter", chat=1)
    operator = world.person("operator", "operator", chat=2)
    fall, leak, smoke = alarm(kind="fall"), alarm(kind="water_leak"), alarm(kind="smoke")
    tamper = alarm(kind="tamper")
    world.run(respond.accept(world.conn, fall, daughter, world.now))
    world.run(respond.accept(world.conn, tamper, operator, world.now))

    async def story() -> None:
        async with site() as here:
            client = await here.client(daughter)
            _, found = await client.get(f"/api/alerts/{fall}")
            assert [(one["kind"], one["told_with"]) for one in found["incident"]["alerts"]] == [
                ("fall", None), ("water_leak", fall), ("smoke", None), ("tamper", fall),
            ]  # fmt: skip
            status, _ = await client.post(f"/api/alerts/{fall}/resolve", {"outcome": "real", "with_incident": True})
            assert status == 200

    world.run(story())
    states = {row["id"]: (row["state"], row["outcome"]) for row in world.rows("SELECT id, state, outcome FROM alert")}
    assert states == {
        fall: ("resolved", "real"),
        leak: ("resolved", "real"),
        smoke: ("open", None),  # life safety is closed by itself alone
        tamper: ("accepted", None),  # somebody else has it
    }


def test_an_operator_called_in_from_next_door_sees_of_a_matter_what_they_were_called_to(world: Any, alarm: Callable[..., int]) -> None:
    world.home()
    fall, smoke = alarm(kind="fall"), alarm(kind="smoke")
    guest = world.person("from-next-door", "operator")
    world.sync.execute(
        "UPDATE role SET district_id = %s WHERE person_id = %s", [world.insert("district", code="longxu", name_zh="龙圩", name_en="Longxu"), guest.id]
    )
    guest = world.run(people.load(world.conn, guest.id))
    world.insert("alert_guest", alert_id=fall, person_id=guest.id)
    found = world.run(alert.detail(world.conn, guest, fall, world.now))
    assert [one["id"] for one in found["incident"]["alerts"]] == [fall]
    with pytest.raises(errors.NotFound):
        world.run(alert.detail(world.conn, guest, smoke, world.now))


def test_worse_than_before_begins_anew(world: Any, timeline: Callable[..., list[str]]) -> None:
    """The same kind, at first not so bad: who was to hear in four hours hears now."""
    home = world.home()
    world.family(home, "daughter", chat=1)

    def raised(severity: Any) -> int | None:
        hazard = Hazard(kind="tamper", severity=severity, why="tamper", params={"device": "x"})
        where = {"home_id": home, "district_id": world.district_id, "device_code": "WX-001-door", "seq": None, "canary": False}
        found: int | None = world.run(quiet.raise_alert(world.conn, hazard, **where, now=world.now))
        return found

    alert_id = raised("low")
    world.drain(*escalate.STAGES)
    assert told(world) == []
    assert raised("critical") == alert_id
    world.drain(*escalate.STAGES)
    assert told(world) == ["daughter alert tamper"]
    assert timeline(alert_id)[:3] == ["opened", "pressed_again", "worse"]
    assert raised("low") == alert_id
    assert world.value("SELECT severity FROM alert") == "critical"


def test_two_alerts_of_a_home_that_open_at_once_are_one_matter(world: Any) -> None:
    """Two workers, each with one of the two signals, neither committed when the other begins."""
    world.home()
    world.press(kind="smoke")
    world.press(kind="gas")

    async def story() -> None:
        async with await db.connect(world.url) as one, await db.connect(world.url) as other:
            for conn in (one, other):
                await conn.execute("SET lock_timeout = '5s'")
            assert await asyncio.gather(watch.step(one, world.now), watch.step(other, world.now)) == [True, True]

    world.run(story())
    assert sorted(live(world)) == ["gas", "smoke"]
    assert len({row["incident_id"] for row in world.rows("SELECT incident_id FROM alert")} - {None}) == 1


def test_whatever_fails_beside_it_a_critical_alert_is_there(world: Any, alarm: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> None:
    home = world.home()
    daughter = world.family(home, "daughter", chat=1)
    world.run(respond.accept(world.conn, alarm(kind="fall"), daughter, world.now))

    async def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(incident, "tell_those_who_go", fails)
    alarm(kind="smoke")
    assert live(world) == ["fall", "smoke"]


def test_the_database_keeps_life_safety_out_of_all_this(world: Any, alarm: Callable[..., int]) -> None:
    world.home()
    alert_id = alarm()
    for change in ("state = 'resolved', outcome = 'recovered', resolved_at = opened_at, due_at = NULL", "told_with = id"):
        with pytest.raises(psycopg.errors.CheckViolation):
            world.sync.execute(f"UPDATE alert SET {change} WHERE id = {alert_id}")
    row = {"cause": "flap", "kind": "sos", "severity": "critical", "why": "{}", "first_at": world.now, "last_at": world.now, "due_at": world.now}
    with pytest.raises(psycopg.errors.CheckViolation, match="quieted_never_life_safety"):
        world.insert("quieted", **row)


# Over by itself


def silent(world: Any, *devices: str) -> None:
    """These fall silent, and people hear of it."""
    for device in devices:
        world.say(f"cf/v1/{device}/status", b"offline")
    world.wait(minutes=3)
    world.drain(*ALL)
    world.wait(minutes=3)
    world.drain(*ALL)


def back(world: Any, *devices: str) -> None:
    for device in devices:
        world.say(f"cf/v1/{device}/status", b"online")
        world.move(device)
    world.wait(seconds=1)
    world.drain(*ALL)


def test_a_device_that_is_back_is_closed_when_nobody_has_it(world: Any, timeline: Callable[..., list[str]]) -> None:
    world.home()
    silent(world, "WX-001-door")
    assert live(world) == ["device_silent"]
    back(world, "WX-001-door")
    world.wait(minutes=9)
    world.drain(*ALL)
    assert live(world) == ["device_silent"]
    world.wait(minutes=1)
    world.drain(*ALL)
    assert world.rows("SELECT state, outcome, handler_id, accepted_at FROM alert") == [
        {"state": "resolved", "outcome": "recovered", "handler_id": None, "accepted_at": None}
    ]
    assert timeline(world.value("SELECT id FROM alert")) == ["opened", "recovered", "closed_by_itself"]


def test_who_has_it_keeps_it(world: Any) -> None:
    world.home()
    silent(world, "WX-001-door")
    operator = world.person("operator", "operator")
    world.run(respond.accept(world.conn, world.value("SELECT id FROM alert"), operator, world.now))
    back(world, "WX-001-door")
    world.wait(minutes=30)
    world.drain(*ALL)
    assert live(world) == ["device_silent"]


def test_while_another_device_of_the_home_is_silent_it_stays(world: Any) -> None:
    world.home()
    silent(world, "WX-001-door", "WX-001-motion")
    assert world.value("SELECT presses FROM alert") == 2
    back(world, str(world.value("SELECT device_code FROM alert")))  # the one that it names, even
    world.wait(minutes=20)
    world.drain(*ALL)
    assert live(world) == ["device_silent"]
    back(world, "WX-001-door", "WX-001-motion")
    world.wait(minutes=10)
    world.drain(*ALL)
    assert live(world) == []


def test_whoever_moves_again_after_a_long_stillness_is_called_all_the_same(world: Any) -> None:
    world.home(silence_minutes=60)
    world.sync.execute("UPDATE device SET due_at = NULL")
    world.wait(minutes=60)
    world.drain(*ALL)
    world.move()
    world.wait(hours=5)
    world.move()
    world.drain(*ALL)
    assert live(world) == ["no_movement"]


def test_a_new_battery_closes_what_the_old_one_said(world: Any) -> None:
    """The device says its percent: they are looked at once a day."""
    world.home()
    said = "cf/v1/WX-001-door/reading"
    world.say(said, {"t": world.now.isoformat(), "values": {"battery": 8}})
    world.drain(*ALL)
    assert live(world) == ["battery_low"]
    for _ in range(3):
        world.wait(hours=12)
        for device in ("door", "motion", "button"):
            world.say(f"cf/v1/WX-001-{device}/reading", {"t": world.now.isoformat(), "values": {"motion": 1, "battery": 97}})
        world.drain(*ALL)
        world.wait(minutes=10)
        world.drain(*ALL)
    assert world.rows("SELECT kind, outcome FROM alert WHERE kind = 'battery_low'") == [{"kind": "battery_low", "outcome": "recovered"}]
    assert world.value("SELECT count(*) FROM signal WHERE kind = 'back' AND detail ->> 'was' = 'battery_low'") == 1


def test_a_gateway_that_lives_again_is_closed(world: Any) -> None:
    stages = (*gateways.STAGES, *recover.stages(TEN))
    world.run(blindness.alive(world.conn, world.now, "gateway-1"))
    world.wait(minutes=2)
    world.drain(*stages)
    assert live(world) == ["gateway_dark"]
    for _ in range(12):
        world.run(blindness.alive(world.conn, world.now, "gateway-1"))
        world.drain(*stages)
        world.wait(minutes=1)
    assert live(world) == []


def test_how_late_the_closing_is(world: Any) -> None:
    """What waits its ten minutes is not late."""
    world.home()
    silent(world, "WX-001-door")
    back(world, "WX-001-door")
    recovered_at = world.value("SELECT recovered_at FROM alert")
    assert world.value(recover.stages(TEN)[0].oldest_due) == recovered_at + TEN


def test_a_battery_that_is_only_low_or_not(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world.home()
    world.sync.execute("UPDATE home SET due_at = NULL")

    def says(low: bool) -> None:
        level = wire.Level(device="WX-001-door", kind="battery_low", active=low, at=world.now)
        monkeypatch.setitem(dialects.BY_TOPIC, "other", lambda frame: wire.Decoded("WX-001-door", levels=(level,)))
        world.store.store([wire.Frame("other/door", b"{}", world.now)])
        world.wait(minutes=10)
        world.drain(*watch.STAGES, *recover.stages(TEN))

    says(True)
    assert live(world) == ["battery_low"]
    says(False)
    world.wait(minutes=10)
    world.drain(*recover.stages(TEN))
    assert live(world) == []


# A building


def building(world: Any, homes: int, name: str | None = "1号楼", *, letters: str = "WX", silence_minutes: int | None = None) -> list[str]:
    """So many homes in one building, each with a hub that speaks each minute and a sensor behind it; their codes."""
    codes = [f"{letters}-{number:03d}" for number in range(homes)]
    for code in codes:
        times = {"watched_from": world.now, "due_at": world.now + timedelta(minutes=silence_minutes) if silence_minutes else None}
        where = {"district_id": world.district_id, "building": name, "address": code, "lat": 23.47, "lon": 111.32}
        home_id = world.insert("home", code=code, silence_minutes=silence_minutes or 480, **where, **times)
        hub = world.insert("device", code=f"{code}-hub", home_id=home_id, kind="hub", report_minutes=1, watched_from=world.now, due_at=world.now)
        more = {"home_id": home_id, "report_minutes": 10, "watched_from": world.now, "due_at": world.now, "hub_id": hub}
        world.insert("device", code=f"{code}-motion", kind="motion", **more)
    return codes


def minutes(world: Any, count: int, *speaking: str, moving: tuple[str, ...] = ()) -> None:
    """Minute by minute, the hubs and sensors of these homes speak, each at a second of its own; of `moving` the sensors say movement."""
    for _ in range(count):
        for part in range(2):
            world.wait(seconds=30)
            frames = []
            for code in speaking[part::2]:
                for device in ("hub", "motion"):
                    values = {"motion": 1 if device == "motion" and code in moving else 0}
                    said = wire.encode({"t": world.now.isoformat(), "values": values})
                    frames.append(wire.Frame(f"cf/v1/{code}-{device}/reading", said, world.now))
            if frames:
                world.store.store(frames)
            world.drain(*ALL)


@pytest.mark.parametrize(("silent", "homes", "is_one"), [(1, 1, False), (1, 2, False), (2, 2, True), (2, 4, True), (2, 5, False), (3, 5, True), (3, 200, True)])
def test_what_counts_as_a_building(silent: int, homes: int, is_one: bool) -> None:
    assert outage.is_outage(silent, homes, outage.BUILDING) == is_one


def test_a_power_cut_in_a_building_is_one_incident_with_a_fall_in_the_middle_of_it(world: Any, alarm: Callable[..., int]) -> None:
    dark = building(world, 12, silence_minutes=30)
    building(world, 30, None, letters="OK")  # the district around it
    world.sync.execute("UPDATE device SET report_minutes = 1440, report_from = 'said', due_at = due_at + interval '2 days' WHERE code LIKE 'OK%'")
    minutes(world, 3, *dark)
    minutes(world, 5)
    assert live(world) == ["building_dark"]
    row = world.rows("SELECT * FROM alert")[0]
    assert (row["severity"], row["home_id"], row["district_id"], row["device_code"]) == ("high", None, world.district_id, "building.wanxiu.1号楼")
    assert row["why"]["params"]["building"] == "1号楼"
    assert row["why"]["params"]["homes"] == 12

    world.press("WX-003-motion", "fall")  # by its own battery, and another way
    world.drain(*ALL)
    assert live(world) == ["building_dark", "fall"]
    assert world.value("SELECT told_with FROM alert WHERE kind = 'fall'") is None

    # Longer than their limit of half an hour: that they cannot be seen is one alert, and not twelve more.
    minutes(world, 30)
    assert live(world) == ["building_dark", "fall"]
    assert world.value("SELECT count(*) FROM quieted WHERE cause = 'dark' AND kind = 'no_movement' AND ended IS NULL") == 12
    assert world.value("SELECT count(*) FROM signal WHERE held") >= 12

    # The power is back. In ten homes somebody is about, one is still, and one hub has not survived it.
    minutes(world, 40, *dark[:11], moving=tuple(dark[:10]))
    kinds = [
        (row["kind"], row["code"]) for row in world.rows("SELECT a.kind, h.code FROM alert a LEFT JOIN home h ON h.id = a.home_id WHERE state <> 'resolved'")
    ]
    assert sorted(kinds) == [("fall", "WX-003"), ("hub_silent", "WX-011"), ("no_movement", "WX-010"), ("no_movement", "WX-011")]
    assert world.rows("SELECT outcome FROM alert WHERE kind = 'building_dark'") == [{"outcome": "recovered"}]
    assert world.value("SELECT count(*) FROM quieted WHERE ended IS NULL") == 0
    ends = {row["ended"]: row["count"] for row in world.rows("SELECT ended, count(*) FROM quieted WHERE kind = 'no_movement' GROUP BY ended")}
    assert ends == {"over": 10, "raised": 2}


def test_a_whole_district_is_one_incident_and_not_one_for_each_building(world: Any) -> None:
    codes = [code for number in range(4) for code in building(world, 5, f"{number}号楼", letters=f"W{number}")]
    minutes(world, 3, *codes)
    minutes(world, 10)
    assert live(world) == ["district_dark"]
    # The power is back but for one building, whose main fuse has gone: now that is what people hear of.
    minutes(world, 7, *codes[5:])
    assert live(world) == ["district_dark", "building_dark"]
    minutes(world, 15, *codes)
    assert live(world) == []


def test_a_home_that_is_heard_in_a_dark_place_is_still_when_it_is_still(world: Any) -> None:
    codes = building(world, 6, silence_minutes=30)
    minutes(world, 3, *codes)
    minutes(world, 40, *codes[:1])  # a phone line of its own
    stillness = world.rows("SELECT h.code FROM alert a JOIN home h ON h.id = a.home_id WHERE a.kind = 'no_movement'")
    assert stillness == [{"code": "WX-000"}]


def test_darkness_without_an_end_holds_nothing(world: Any) -> None:
    codes = building(world, 3, silence_minutes=60)
    minutes(world, 3, *codes)
    minutes(world, 4)
    for _ in range(13):
        world.wait(hours=1)
        world.drain(*ALL)
    assert live(world).count("no_movement") == 3


def test_what_lies_beneath_an_outage_is_listed(world: Any, site: Callable[[], Any]) -> None:
    codes = building(world, 4)
    minutes(world, 3, *codes)
    minutes(world, 8)
    operator = world.person("operator", "operator")

    async def story() -> None:
        async with site() as here:
            client = await here.client(operator)
            alert_id = (await client.get("/api/alerts"))[1]["alerts"][0]["id"]
            _, found = await client.get(f"/api/alerts/{alert_id}")
            assert {one["home"] for one in found["held"]} == set(codes)
            assert {one["kind"] for one in found["held"]} <= {"hub_silent", "device_silent"}

    world.run(story())


def test_offers_of_what_is_over_by_itself_are_withdrawn(world: Any) -> None:
    world.home()
    world.sync.execute("UPDATE device SET kind = 'hub' WHERE code = 'WX-001-door'")
    world.responder("volunteer", chat=1)
    silent(world, "WX-001-door")
    world.drain(*escalate.STAGES)
    assert told(world) == ["volunteer offer hub_silent"]
    back(world, "WX-001-door")
    world.wait(minutes=10)
    world.drain(*recover.stages(TEN))
    assert told(world) == ["volunteer recovered hub_silent"]
    assert world.rows("SELECT state FROM offer") == [{"state": "withdrawn"}]
    assert world.drain(*offers.STAGES) == 0
