"""Devices as operators see them: alive or not, batteries, and the ledger of weekly button tests with its gaps."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from cloudfamily import check, cli
from cloudfamily_gateway import supervise
from cloudfamily_platform.alerts import respond, watch
from cloudfamily_platform.people import device, quarantine

MONDAY = date(2026, 11, 23)  # the world's today, 16:00 in the city


def listed(world: Any, **wanted: Any) -> dict[str, str]:
    found = world.run(device.listing(world.conn, device.CITY, world.now, **wanted))
    return {row["code"].removeprefix("WX-001-"): row["state"] for row in found["devices"]}


def weeks(world: Any, code: str = "WX-001-button", count: int = 4) -> list[str]:
    """This week first."""
    rows = world.run(device.button_tests(world.conn, device.CITY, world.now, weeks=count))
    (row,) = [row for row in rows if row["code"] == code]
    assert row["gaps"] == sum(week["state"] == "gap" for week in row["weeks"])
    monday = (world.now + timedelta(hours=8)).date()
    monday -= timedelta(days=monday.weekday())
    assert [week["week"] for week in row["weeks"]] == [monday - timedelta(weeks=number) for number in range(count)]
    return [week["state"] for week in row["weeks"]]


def test_each_device_has_one_state_and_trouble_comes_first(world: Any) -> None:
    world.home()
    world.move("new-sensor")
    for number, kind in enumerate(("button", "motion", "door")):
        world.sync.execute("UPDATE device SET family = %s WHERE kind = %s", [("own", "shelly", "own")[number], kind])
    world.sync.execute("UPDATE device SET due_at = watched_from")
    world.say("cf/v1/WX-001-door/status", b"offline")
    world.wait(hours=25)
    world.drain(*supervise.STAGES)
    assert list(listed(world).items()) == [("door", "offline"), ("button", "silent"), ("new-sensor", "unbound"), ("motion", "quiet")]
    assert listed(world, state="quiet") == {"motion": "quiet"}
    world.move("WX-001-motion")
    assert listed(world, state="ok") == {"motion": "ok"}
    assert listed(world, q="wx-001", limit=1) == {"door": "offline"}
    assert listed(world, q="NEW-sen") == {"new-sensor": "unbound"}
    assert listed(world, q="100%_sure") == {}


def test_what_is_told_of_a_device(world: Any) -> None:
    world.home()
    world.say("cf/v1/WX-001-button/info", {"kind": "button", "vendor": "Yunfu", "model": "B2", "name": "bedside", "report_minutes": 720})
    world.say("cf/v1/WX-001-button/reading", {"t": world.now.isoformat(), "values": {"battery": 41}})
    world.sync.execute("UPDATE device SET battery_empty_on = '2026-12-24' WHERE kind = 'button'")
    (found,) = world.run(device.listing(world.conn, device.CITY, world.now, q="bedside"))["devices"]
    assert found == {
        "code": "WX-001-button", "home": "WX-001", "district": {"code": "wanxiu", "name_zh": "万秀", "name_en": "Wanxiu"},
        "kind": "button", "name": "bedside", "family": "own", "vendor": "Yunfu", "model": "B2", "hub": None, "mains": None,
        "state": "ok", "promise": "regular", "report_minutes": 720, "silent_since": None, "offline_since": None,
        "last_seen_at": world.now, "battery": 41.0, "battery_empty_on": date(2026, 12, 24),
    }  # fmt: skip


def test_operators_see_their_district_and_what_is_nobody_s(world: Any, site: Callable[[], Any]) -> None:
    world.home()
    world.home("CANARY", canary=True)
    other = world.insert("district", code="changzhou", name_zh="长洲", name_en="Changzhou")
    world.insert("home", code="CZ-001", district_id=other, address="x", lat=23, lon=111, watched_from=world.now)
    world.sync.execute("INSERT INTO device (code, home_id, kind, watched_from) SELECT 'CZ-001-button', id, 'button', %s FROM home WHERE code = 'CZ-001'", [NOW])
    world.move("new-sensor")
    people = world.person("here", "operator"), world.person("city", "operator", city=True), world.person("canary", "operator", canary=True)
    family = world.person("daughter", "family")
    mine = ["new-sensor", "WX-001-button", "WX-001-door", "WX-001-motion"]
    wanted = (mine, sorted([*mine, "CZ-001-button"]), ["CANARY-button", "CANARY-door", "CANARY-motion"])

    async def story() -> None:
        async with site() as here:
            for person, codes in zip(people, wanted, strict=True):
                client = await here.client(person)
                status, body = await client.get("/api/devices")
                assert status == 200
                assert sorted(one["code"] for one in body["devices"]) == sorted(codes)
                assert body["counts"]["all"] == len(codes)
                assert body["counts"]["unbound"] == codes.count("new-sensor")
                _, ledger = await client.get("/api/devices/tests?weeks=3")
                assert [one["code"] for one in ledger["buttons"]] == sorted(code for code in codes if code.endswith("button"))
                assert {len(one["weeks"]) for one in ledger["buttons"]} == {3}
            client = await here.client(people[0])
            assert (await client.get("/api/devices?state=silent"))[1]["devices"] == []
            for wrong in ("?state=dead", "?limit=0", "?limit=1001", "/tests?weeks=0", "/tests?weeks=54"):
                assert (await client.get(f"/api/devices{wrong}"))[0] == 422
            client = await here.client(family)
            assert (await client.get("/api/devices"))[0] == 403
            assert (await client.get("/api/devices/tests"))[0] == 403
            assert (await here.stranger().get("/api/devices"))[0] == 401

    world.run(story())


NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


# The ledger


def at_home_since(world: Any, days: int) -> None:
    world.home()
    world.sync.execute("UPDATE device SET bound_at = %s", [world.now - timedelta(days=days)])


def pressed(world: Any, days_ago: float, kind: str = "test", outcome: str | None = None) -> None:
    """What happened then, with the time as it was then."""
    now, world.now = world.now, world.now - timedelta(days=days_ago)
    world.press(kind=kind)
    world.drain(watch.STAGES[0])
    if outcome:
        operator = world.person(f"operator-{days_ago}", "operator")
        alert_id = world.value("SELECT id FROM alert WHERE state <> 'resolved'")
        world.run(respond.resolve(world.conn, alert_id, operator, outcome, "", world.now + timedelta(minutes=10)))
    world.now = now


def test_each_week_is_a_test_a_press_or_a_gap(world: Any) -> None:
    at_home_since(world, 38)
    pressed(world, 30, "sos", "false_alarm")
    pressed(world, 15, "sos", "test")
    pressed(world, 8, "test")
    assert weeks(world, count=7) == ["due", "gap", "test", "test", "gap", "false_alarm", "before"]
    pressed(world, 0.1, "sos")
    assert weeks(world, count=2) == ["open", "gap"]
    world.wait(days=7)
    assert weeks(world, count=3) == ["due", "open", "gap"]


def test_a_week_ends_on_sunday_night_in_the_city(world: Any) -> None:
    """Monday 00:30 in the city is Sunday 16:30 in UTC."""
    at_home_since(world, 38)
    pressed(world, (NOW - datetime(2026, 11, 22, 16, 30, tzinfo=UTC)) / timedelta(days=1))
    assert weeks(world, count=2) == ["test", "gap"]
    pressed(world, (NOW - datetime(2026, 11, 22, 15, 30, tzinfo=UTC)) / timedelta(days=1))
    assert weeks(world, count=2) == ["test", "test"]


def test_a_press_of_one_incident_is_not_the_end_of_another(world: Any) -> None:
    at_home_since(world, 38)
    pressed(world, 16, "sos", "real")
    pressed(world, 8, "sos", "test")
    assert weeks(world, count=4) == ["due", "gap", "test", "real"]


def test_a_button_that_never_spoke_owes_its_tests_since_it_was_bound(world: Any) -> None:
    operator = world.person("operator", "operator")
    world.home()
    world.run(quarantine.bind(world.conn, "sticker-7", "button", "WX-001", operator, world.now))
    world.wait(weeks=3)
    world.sync.execute("UPDATE device SET watched_from = %s", [world.now])  # as after our own blindness
    assert weeks(world, "sticker-7", count=5) == ["due", "gap", "gap", "before", "before"]  # bound in a week that had begun
    assert world.value("SELECT bound_at FROM device WHERE code = 'sticker-7'") == NOW


def test_a_test_calls_nobody_and_is_answered_and_a_sign_of_life(world: Any) -> None:
    world.home()
    world.wait(minutes=100)
    signals = world.say("cf/v1/WX-001-button/signal", {"kind": "test", "seq": 4})
    assert [(one.kind, one.seq) for one in signals] == [("test", 4)]  # the lane answers "received" to each
    assert world.drain(*watch.STAGES) == 1
    assert world.rows("SELECT 1 FROM alert") == []
    assert world.value("SELECT count(*) FROM signal WHERE due_at IS NOT NULL") == 0
    world.wait(minutes=60)
    world.drain(*supervise.STAGES)
    assert "button" not in listed(world, state="silent")
    assert world.value("SELECT count(*) FROM reading WHERE value > 0") == 0  # and shows that nobody moved


# The command


def test_check_devices_lists_what_to_see_to(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home_since(world, 16)
    world.sync.execute("UPDATE device SET battery_empty_on = '2026-12-20' WHERE kind = 'motion'")
    world.sync.execute("UPDATE device SET battery_empty_on = '2027-01-20' WHERE kind = 'door'")
    world.wait(hours=3)
    for code in ("WX-001-button", "WX-001-motion"):
        world.move(code)
    world.drain(*supervise.STAGES)
    world.sync.execute("UPDATE device SET battery_empty_on = '2026-12-20' WHERE kind = 'motion'")
    world.sync.execute("UPDATE device SET battery_empty_on = '2027-01-20' WHERE kind = 'door'")

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            found: datetime = world.now
            return found

    monkeypatch.setattr(check, "datetime", Clock)
    for name, value in {"DATABASE_URL": world.url, "MQTT_HOST": "127.0.0.1", "DATA_DIR": "/nonexistent"}.items():
        monkeypatch.setenv(f"CF_{name}", value)
    said = CliRunner().invoke(cli.app, ["check", "devices", "--weeks", "4"])
    assert said.exit_code == 0, said.output
    assert said.output.splitlines() == [
        "silent: 1",
        "  WX-001      WX-001-door                     silent   last heard not within 45 days",
        "battery empty within 30 days: 1",
        "  WX-001      WX-001-motion                   2026-12-20",
        "buttons without a weekly test in the last 4 weeks: 1",
        "  WX-001      WX-001-button                   2 missed: 2026-11-16, 2026-11-09",
    ]
    told = json.loads(CliRunner().invoke(cli.app, ["check", "devices", "--json"]).output)
    assert [[one["code"] for one in told[what]] for what in ("silent", "batteries", "untested")] == [["WX-001-door"], ["WX-001-motion"], ["WX-001-button"]]
