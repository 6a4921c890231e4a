"""flap: a device that raises the same again and again is one line that counts; life safety never is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from cloudfamily_gateway.dialects import own
from cloudfamily_platform.alerts import quiet, recover, respond, watch
from cloudfamily_platform.alerts.rules import flap, signals
from cloudfamily_platform.people import person as people

STAGES = (watch.STAGES[0], *quiet.STAGES, *recover.stages(timedelta(minutes=10)))
NOW = datetime.fromisoformat("2026-11-23T08:00:00+00:00")


def alerts(world: Any) -> list[tuple[str, str, int]]:
    return [(row["kind"], row["state"], row["presses"]) for row in world.rows("SELECT kind, state, presses FROM alert ORDER BY id")]


def close(world: Any) -> None:
    """People close whatever is open: a false alarm."""
    operator = world.run(people.load(world.conn, world.value("SELECT id FROM person WHERE code = 'operator'")))
    for row in world.rows("SELECT id FROM alert WHERE state <> 'resolved'"):
        world.run(respond.resolve(world.conn, row["id"], operator, "false_alarm", "", world.now))


def rise(world: Any, kind: str = "water_leak") -> None:
    world.press("WX-001-door", kind)
    world.drain(*STAGES)


def wet(world: Any, is_wet: bool) -> None:
    """A leak sensor of Zigbee2MQTT says its state, and its level with it."""
    world.sync.execute("UPDATE level SET active = %s, since = %s WHERE device_code = 'WX-001-door' AND kind = 'water_leak'", [is_wet, world.now])
    world.sync.execute(
        "INSERT INTO level (device_code, kind, active, since) VALUES ('WX-001-door', 'water_leak', %s, %s) ON CONFLICT DO NOTHING", [is_wet, world.now]
    )


@pytest.mark.parametrize(
    ("severity", "rises", "closed_minutes_ago", "flaps"),
    [
        ("high", 5, None, False),
        ("high", 6, None, True),
        ("high", 2, 1, False),  # a leak after a false alarm is a leak
        ("low", 2, 9, True),
        ("low", 2, 10, False),
        ("low", 6, None, True),
        ("critical", 1000, 0, False),
    ],
)
def test_the_rule(severity: Any, rises: int, closed_minutes_ago: int | None, flaps: bool) -> None:
    closed_at = None if closed_minutes_ago is None else NOW - timedelta(minutes=closed_minutes_ago)
    assert flap.flaps(severity, rises, closed_at, NOW) == flaps


def test_a_leak_sensor_that_toggles_is_one_line_that_counts(world: Any) -> None:
    world.home()
    world.person("operator", "operator")
    for _ in range(14):
        wet(world, True)
        rise(world)
        close(world)
        wet(world, False)
        world.wait(minutes=4)
    assert [kind for kind, _, _ in alerts(world)] == ["water_leak"] * 5 + ["flapping"] * 9
    why = world.value("SELECT why FROM alert WHERE kind = 'flapping' ORDER BY id DESC LIMIT 1")
    assert why == {"key": "alert.why.flapping", "params": {"device": "WX-001-door", "times": 14}}
    assert world.rows("SELECT cause, kind, times, ended FROM quieted") == [{"cause": "flap", "kind": "water_leak", "times": 9, "ended": None}]
    world.wait(minutes=6)
    world.drain(*STAGES)
    assert world.rows("SELECT ended, alert_id FROM quieted") == [{"ended": "over", "alert_id": None}]


def test_while_its_line_is_open_nothing_else_opens_and_it_closes_by_itself(world: Any) -> None:
    world.home()
    world.person("operator", "operator")
    for number in range(14):
        wet(world, True)
        rise(world)
        if number < 5:
            close(world)
        wet(world, False)
        world.wait(minutes=4)
    assert alerts(world)[5:] == [("flapping", "open", 9)]
    for _ in range(17):
        world.wait(minutes=1)
        world.drain(*STAGES)
    assert alerts(world)[5:] == [("flapping", "resolved", 9)]
    assert world.value("SELECT outcome FROM alert WHERE kind = 'flapping'") == "recovered"


def test_what_stands_when_it_has_settled_is_an_alert_after_all(world: Any) -> None:
    world.home()
    world.person("operator", "operator")
    for _ in range(8):
        wet(world, True)
        rise(world)
        close(world)
        world.wait(minutes=2)
    world.wait(minutes=8)
    world.drain(*STAGES)
    assert [row for row in alerts(world) if row[1] != "resolved"] == [("water_leak", "open", 1)]
    assert world.rows("SELECT ended, times, alert_id IS NOT NULL AS became FROM quieted") == [{"ended": "raised", "times": 3, "became": True}]


def test_a_device_that_dies_and_comes_back_adds_to_its_alert(world: Any) -> None:
    """Back within the ten minutes is no new alert; after people have closed it, the next is counted."""
    home = world.home()
    world.person("operator", "operator")
    where = {"home_id": home, "device_code": "WX-001-door", "kind": "device_silent", "detail": "{}"}

    def falls_silent() -> None:
        world.insert("signal", **where, at=world.now, received_at=world.now, once=world.now.isoformat(), due_at=world.now)
        world.drain(*STAGES)

    falls_silent()
    world.wait(minutes=3)
    falls_silent()
    assert alerts(world) == [("device_silent", "open", 2)]
    close(world)
    world.wait(minutes=9)
    falls_silent()
    assert alerts(world)[1:] == [("flapping", "open", 1)]


@pytest.mark.parametrize("kind", [kind for kind, severity in signals.SEVERITY.items() if severity == "critical" and kind not in own.NOT_FOR_DEVICES])
def test_life_safety_never_flaps(world: Any, kind: str) -> None:
    world.home()
    world.person("operator", "operator")
    for _ in range(12):
        rise(world, kind)
        close(world)
        world.wait(minutes=1)
    assert alerts(world) == [(kind, "resolved", 1)] * 12
    assert world.rows("SELECT FROM quieted") == []
