"""One incident for what a hundred alarms would say: a district that loses its power, a gateway that is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cloudfamily import runner
from cloudfamily.parts import Parts
from cloudfamily_gateway import outage, supervise, wire
from cloudfamily_platform.alerts import alert, escalate, gateways, watch
from cloudfamily_platform.core.settings import Settings
from cloudfamily_platform.people import blindness
from cloudfamily_platform.people import person as people

STAGES = (*supervise.STAGES, watch.STAGES[0], *gateways.STAGES)


def town(world: Any, homes: int, *, minutes: int = 1, district_id: int | None = None, letters: str = "WX") -> list[str]:
    """So many homes, each with a hub that speaks each `minutes` and a sensor behind it; the codes of the hubs."""
    hubs = []
    for number in range(homes):
        code = f"{letters}-{number:03d}"
        home_id = world.insert(
            "home", code=code, district_id=district_id or world.district_id, address=code, lat=23.47, lon=111.32, watched_from=world.now, due_at=None
        )
        hub = world.insert("device", code=f"{code}-hub", home_id=home_id, kind="hub", report_minutes=minutes, watched_from=world.now, due_at=world.now)
        more = {"home_id": home_id, "report_minutes": 10, "watched_from": world.now, "due_at": world.now, "hub_id": hub}
        world.insert("device", code=f"{code}-motion", kind="motion", **more)
        hubs.append(f"{code}-hub")
    return hubs


def say(world: Any, *codes: str) -> None:
    said = wire.encode({"t": world.now.isoformat(), "values": {"motion": 1}})
    world.store.store([wire.Frame(f"cf/v1/{code}/reading", said, world.now) for code in codes])


def sensors(hubs: list[str]) -> list[str]:
    return [hub.replace("-hub", "-motion") for hub in hubs]


def minutes(world: Any, count: int, *speaking: str) -> None:
    """Minute by minute; within each, everybody who speaks does so at a second of their own."""
    for _ in range(count):
        for part in range(4):
            world.wait(seconds=15)
            say(world, *speaking[part::4])
            world.drain(*STAGES)


def alerts(world: Any) -> list[tuple[str, str]]:
    return [(row["kind"], row["device_code"]) for row in world.rows("SELECT kind, device_code FROM alert ORDER BY id")]


def events(world: Any, kind: str) -> list[str]:
    rows = world.rows("SELECT e.kind, e.params FROM alert_event e JOIN alert a ON a.id = e.alert_id WHERE a.kind = %s ORDER BY e.id", kind)
    return [row["kind"] for row in rows]


# A district


def test_a_power_cut_is_one_incident_and_whoever_stays_silent_is_told_afterwards(world: Any) -> None:
    hubs = town(world, 20)
    everybody = [*hubs, *sensors(hubs)]
    minutes(world, 3, *everybody)
    cut_at = world.now
    lucky, dark = hubs[:4], hubs[4:]  # another street
    minutes(world, 3, *lucky, *sensors(lucky))
    assert alerts(world) == [("district_dark", "district.wanxiu")]
    row = world.rows("SELECT * FROM alert")[0]
    assert row["opened_at"] - cut_at <= timedelta(minutes=3)
    assert (row["severity"], row["home_id"], row["district_id"]) == ("high", None, world.district_id)
    params = row["why"]["params"]
    assert params["homes"] == 20
    assert 6 <= params["silent"] <= 16  # said as soon as it is plain, not when the last has fallen silent
    assert params["minutes"] == 1

    minutes(world, 20, *lucky, *sensors(lucky))
    assert alerts(world) == [("district_dark", "district.wanxiu")]
    assert world.value("SELECT count(*) FROM device WHERE silent_since IS NOT NULL") == 32
    assert world.value("SELECT count(*) FROM signal WHERE held") == 32

    # The power is back; one home's hub has not survived it, and behind another a sensor.
    broken = {dark[0], *sensors(dark[:1]), *sensors(dark[1:2])}
    back = [code for code in everybody if code not in broken]
    minutes(world, 2, *back)
    assert world.value("SELECT count(*) FROM outage WHERE ended_at IS NULL") == 0
    assert events(world, "district_dark") == ["opened", "recovered"]
    minutes(world, 30, *back)
    assert alerts(world) == [("district_dark", "district.wanxiu"), ("hub_silent", dark[0]), ("device_silent", sensors(dark)[1])]
    assert world.value("SELECT count(*) FROM device WHERE silent_since IS NOT NULL") == 3


def test_who_is_slow_gets_time_after_it(world: Any) -> None:
    hubs = town(world, 6)
    world.sync.execute("UPDATE device SET report_minutes = 30, hub_id = NULL WHERE kind = 'motion'")  # by a way of their own
    minutes(world, 1, *hubs, *sensors(hubs))
    minutes(world, 4)
    world.wait(hours=2)
    world.drain(*STAGES)
    assert world.value("SELECT count(*) FROM device WHERE silent_since IS NOT NULL") == 12
    for minute in range(40):
        world.wait(minutes=1)
        say(world, *hubs, *(sensors(hubs) if minute == 28 else ()))
        world.drain(*STAGES)
    assert alerts(world) == [("district_dark", "district.wanxiu")]
    assert world.value("SELECT count(*) FROM device WHERE silent_since IS NOT NULL") == 0


@pytest.mark.parametrize(
    ("silent", "homes", "is_one"),
    [(4, 4, False), (5, 5, True), (5, 16, True), (5, 17, False), (29, 100, False), (30, 100, True), (0, 0, False)],
)
def test_what_counts_as_an_outage(silent: int, homes: int, is_one: bool) -> None:
    assert outage.is_outage(silent, homes) == is_one


def test_a_few_homes_or_some_each_hour_are_alarms_of_their_own(world: Any) -> None:
    hubs = town(world, 20)
    living = set(hubs)
    for hub in hubs[:7]:  # seven of twenty, but one every half an hour
        living.discard(hub)
        for _ in range(3):
            world.wait(minutes=1)
            say(world, *living, *sensors(hubs))
            world.drain(*STAGES)
        world.wait(minutes=27)
        say(world, *living, *sensors(hubs))
    assert alerts(world) == [("hub_silent", hub) for hub in hubs[:7]]


def test_other_districts_and_canaries_are_left_alone(world: Any) -> None:
    other = world.insert("district", code="changzhou", name_zh="长洲", name_en="Changzhou")
    dark, single = town(world, 10), town(world, 10, district_id=other, letters="CZ")
    world.home("CANARY", canary=True)
    world.sync.execute("UPDATE device SET report_minutes = 1, due_at = watched_from WHERE code = 'CANARY-door'")
    minutes(world, 1, *dark, *single, *sensors(dark), *sensors(single))
    minutes(world, 8, *single[1:], *sensors(single))
    assert sorted(alerts(world)) == [("device_silent", "CANARY-door"), ("district_dark", "district.wanxiu"), ("hub_silent", single[0])]


def test_homes_without_a_hub_count_by_what_speaks_most_often(world: Any) -> None:
    for number in range(6):
        world.home(f"WX-{number:03d}")  # three sensors each, a word an hour
    world.sync.execute("UPDATE device SET report_minutes = 15, due_at = watched_from WHERE kind = 'motion'")
    world.wait(minutes=31)
    world.drain(*STAGES)
    assert alerts(world) == [("district_dark", "district.wanxiu")]


def test_people_in_danger_are_heard_through_a_dark_district(world: Any) -> None:
    hubs = town(world, 6)
    minutes(world, 1, *hubs)
    minutes(world, 4)
    for kind in ("smoke", "sos"):
        world.press(sensors(hubs)[0], kind)  # by its own battery, and another way
    world.drain(*STAGES)
    assert [kind for kind, _ in alerts(world)] == ["district_dark", "smoke", "sos"]


def test_operators_of_the_district_see_it_and_others_do_not(world: Any, site: Callable[[], Any]) -> None:
    other = world.insert("district", code="changzhou", name_zh="长洲", name_en="Changzhou")
    hubs = town(world, 6)
    minutes(world, 1, *hubs)
    minutes(world, 4)
    here_op, city, family = world.person("here", "operator", chat=1), world.person("city", "operator", chat=2, city=True), world.person("family", "family")
    there_op = world.person("there", "operator", chat=3)
    world.sync.execute("UPDATE role SET district_id = %s WHERE person_id = %s", [other, there_op.id])
    there_op = world.run(people.load(world.conn, there_op.id))
    alert_id = world.value("SELECT id FROM alert")

    async def story() -> None:
        async with site() as here:
            for person in (here_op, city):
                client = await here.client(person)
                _, listed = await client.get("/api/alerts")
                (one,) = listed["alerts"]
                assert (one["kind"], one["district"]["code"], one["home"], one["device"]) == ("district_dark", "wanxiu", None, "district.wanxiu")
                assert (await client.post(f"/api/alerts/{alert_id}/note", {"text": "The grid says: until noon."}))[0] < 300
            for person in (there_op, family):
                client = await here.client(person)
                assert (await client.get("/api/alerts"))[1]["alerts"] == []
                assert (await client.get(f"/api/alerts/{alert_id}"))[0] == 404

    world.run(story())
    for _ in range(3):  # nobody takes it: it goes to the operators of the district and the city
        world.drain(*escalate.STAGES)
        world.wait(minutes=3)
    told = world.rows("SELECT DISTINCT p.code FROM notification n JOIN person p ON p.id = n.person_id ORDER BY 1")
    assert [row["code"] for row in told] == ["city", "here"]


def test_while_we_are_deaf_ourselves_no_district_is_dark(world: Any) -> None:
    """The broker is gone: all hubs fall silent at once, and it is us who do not hear."""
    hubs = town(world, 10)
    for _ in range(3):
        minutes(world, 1, *hubs, *sensors(hubs))
        world.run(blindness.alive(world.conn, world.now))
    minutes(world, 20)  # no word, and no gateway that hears
    world.run(blindness.alive(world.conn, world.now))
    world.drain(*STAGES)
    for _ in range(5):
        minutes(world, 1, *hubs, *sensors(hubs))
        world.run(blindness.alive(world.conn, world.now))
    assert alerts(world) == []


# Gateways


def lives(world: Any, *names: str, seconds: int) -> None:
    """For so long these gateways say every ten seconds that they live, and the alerts' side looks every two."""
    for second in range(0, seconds, 2):
        if second % 10 == 0:
            for name in names:
                world.run(blindness.alive(world.conn, world.now, name))
        world.wait(seconds=2)
        world.drain(*gateways.STAGES)


def test_a_dark_gateway_is_known_within_three_minutes_and_is_one_incident(world: Any) -> None:
    lives(world, "gateway-1", "gateway-2", seconds=300)
    assert alerts(world) == []
    died_at = world.now
    lives(world, "gateway-2", seconds=600)
    row = world.rows("SELECT * FROM alert")
    assert [(one["kind"], one["device_code"], one["severity"]) for one in row] == [("gateway_dark", "gateway.gateway-1", "high")]
    assert row[0]["opened_at"] - died_at <= timedelta(seconds=100)
    assert row[0]["why"]["params"] == {"device": "gateway-1", "seconds": 90}

    lives(world, "gateway-1", "gateway-2", seconds=60)
    assert events(world, "gateway_dark") == ["opened", "recovered"]
    lives(world, "gateway-2", seconds=200)  # and once more
    assert events(world, "gateway_dark") == ["opened", "recovered", "pressed_again"]
    assert len(alerts(world)) == 1


def test_a_gateway_that_is_stopped_on_purpose_is_not_missed(world: Any) -> None:
    lives(world, "gateway-1", "gateway-2", seconds=60)
    world.run(blindness.leave(world.conn, "gateway-1"))
    lives(world, "gateway-2", seconds=600)
    assert alerts(world) == []


def test_a_gateway_says_that_it_lives_and_that_it_leaves(world: Any, broker: tuple[str, int]) -> None:
    """The real one, with its lanes on a real broker."""

    def there() -> list[str]:
        return [row["name"] for row in world.rows("SELECT name FROM alive ORDER BY name")]

    async def story() -> None:
        settings = Settings(gateway_name="gateway-9")
        running = runner.Runner(settings, Parts(world.url, *broker, "http://nowhere"), ["gateway"])
        task = asyncio.create_task(running.run())
        async with asyncio.timeout(20):
            await running.ready.wait()
            assert there() == ["gateway", "gateway/gateway-9"]
            running.stop.set()
            await task
        await running.jobs()["alive"][1]()  # a tick that was under way
        assert there() == ["gateway"]

    world.run(story())


def test_when_all_gateways_were_dark_everybody_gets_time(world: Any) -> None:
    hubs = town(world, 8)
    for _ in range(3):
        minutes(world, 1, *hubs, *sensors(hubs))
        world.run(blindness.alive(world.conn, world.now, "gateway-1"))
    minutes(world, 30)
    assert alerts(world) == [("gateway_dark", "gateway.gateway-1")]  # and no home, hub or district
    world.run(blindness.alive(world.conn, world.now, "gateway-1"))
    world.drain(*STAGES)
    for _ in range(10):
        minutes(world, 1, *hubs, *sensors(hubs))
        world.run(blindness.alive(world.conn, world.now, "gateway-1"))
    assert alerts(world) == [("gateway_dark", "gateway.gateway-1")]
    assert events(world, "gateway_dark") == ["opened", "recovered"]


def test_a_gateway_whose_alert_was_closed_comes_back_without_a_word(world: Any) -> None:
    lives(world, "gateway-1", seconds=10)
    world.wait(seconds=200)
    world.drain(*gateways.STAGES)
    world.sync.execute("UPDATE alert SET state = 'resolved', resolved_at = opened_at, outcome = 'real', due_at = NULL")
    lives(world, "gateway-1", seconds=60)
    assert events(world, "gateway_dark") == ["opened"]
    world.wait(seconds=200)
    world.drain(*gateways.STAGES)
    assert len(alerts(world)) == 2


def test_a_gateway_that_cannot_be_looked_at_stops_no_other(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("gateway-1", "gateway-2"):
        world.run(blindness.alive(world.conn, world.now, name))
    opened = alert.open_alert

    async def fails(conn: Any, hazard: Any, **more: Any) -> int:
        if more["device_code"].endswith("-1"):
            raise ZeroDivisionError
        return await opened(conn, hazard, **more)

    monkeypatch.setattr(alert, "open_alert", fails)
    world.wait(minutes=2)
    world.drain(*gateways.STAGES)
    assert alerts(world) == [("gateway_dark", "gateway.gateway-2")]
    monkeypatch.undo()
    world.wait(seconds=10)
    world.drain(*gateways.STAGES)
    assert len(alerts(world)) == 2


def test_gateways_long_gone_are_forgotten(world: Any) -> None:
    lives(world, "old", seconds=10)
    world.wait(days=31)
    world.drain(*gateways.STAGES)
    world.run(blindness.alive(world.conn, world.now, "new"))
    world.run(blindness.forget(world.conn, world.now))
    assert [row["name"] for row in world.rows("SELECT name FROM alive ORDER BY name")] == ["gateway", "gateway/new"]
