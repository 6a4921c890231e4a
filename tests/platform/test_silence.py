"""silence: a home that is still past its limit becomes an alert; movement alone keeps it quiet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from cloudfamily_platform.alerts import watch
from cloudfamily_platform.alerts.rules import silence
from cloudfamily_platform.people import blindness


def reading(world: Any, device: str, **values: float) -> None:
    world.say(f"cf/v1/{device}/reading", {"t": world.now.isoformat(), "values": values})


def alerts(world: Any) -> list[str]:
    return [row["kind"] for row in world.rows("SELECT kind FROM alert ORDER BY id")]


def due(world: Any) -> datetime:
    found: datetime = world.value("SELECT due_at FROM home")
    return found


def test_after_the_limit_and_again_each_time_it_passes(world: Any, timeline: Callable[..., list[str]]) -> None:
    world.home(silence_minutes=480)
    began = world.now
    world.wait(minutes=479)
    assert world.drain(*watch.STAGES) == 0
    world.wait(minutes=1)
    assert world.drain(*watch.STAGES) == 1
    alert = world.rows("SELECT * FROM alert")[0]
    assert (alert["kind"], alert["severity"], alert["device_code"]) == ("no_movement", "high", None)
    assert alert["why"]["params"] == {"minutes": 480, "limit_minutes": 480, "since": began.isoformat()}
    assert due(world) == world.now + timedelta(minutes=480)
    world.wait(minutes=480)
    assert world.drain(*watch.STAGES) == 1
    assert timeline(alert["id"]) == ["opened", "pressed_again"]


def test_movement_keeps_it_quiet(world: Any) -> None:
    for number in (1, 2, 3):
        world.home(f"WX-00{number}", silence_minutes=480)
    world.wait(minutes=400)
    moved_at = world.now
    reading(world, "WX-001-motion", motion=1)
    reading(world, "WX-002-door", door=1)
    world.press("WX-003-button")  # who presses is about
    world.wait(minutes=80)
    assert world.drain(watch.STAGES[1]) == 3  # it looks, sees the movement, and looks again when that is too old
    assert alerts(world) == []
    assert world.rows("SELECT DISTINCT due_at FROM home") == [{"due_at": moved_at + timedelta(minutes=480)}]
    world.wait(minutes=400)
    world.drain(watch.STAGES[1])
    assert alerts(world) == ["no_movement"] * 3


def test_a_sensor_that_says_nothing_moves_shows_no_movement(world: Any) -> None:
    world.home(silence_minutes=480)
    world.wait(minutes=470)
    reading(world, "WX-001-motion", motion=0, temperature=21, battery=93)
    reading(world, "WX-001-door", door=0)
    world.wait(minutes=10)
    world.drain(*watch.STAGES)
    assert alerts(world) == ["no_movement"]


def test_another_homes_movement_is_another_homes(world: Any) -> None:
    world.home("WX-001", silence_minutes=60)
    world.home("WX-002", silence_minutes=60)
    world.wait(minutes=59)
    world.move("WX-002-motion")
    world.wait(minutes=1)
    world.drain(*watch.STAGES)
    assert world.rows("SELECT h.code FROM alert a JOIN home h ON h.id = a.home_id") == [{"code": "WX-001"}]


def test_a_home_that_is_not_watched_is_left_alone(world: Any) -> None:
    world.home()
    world.sync.execute("UPDATE home SET due_at = NULL")
    world.wait(days=3)
    assert world.drain(*watch.STAGES) == 0


def test_one_home_that_cannot_be_judged_stops_no_other(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world.home("WX-001", silence_minutes=60)
    world.home("WX-002", silence_minutes=90)
    judge = silence.judge

    def judge_but_not_this(last: datetime, limit: int, now: datetime) -> silence.Verdict:
        if limit == 60:
            raise ZeroDivisionError("a broken rule")
        return judge(last, limit, now)

    monkeypatch.setattr(silence, "judge", judge_but_not_this)
    world.wait(minutes=90)
    assert world.drain(*watch.STAGES) == 2
    assert world.value("SELECT h.code FROM alert a JOIN home h ON h.id = a.home_id") == "WX-002"
    assert world.value("SELECT due_at FROM home WHERE code = 'WX-001'") == world.now + timedelta(minutes=5)


def test_while_no_gateway_listens_silence_means_nothing(world: Any) -> None:
    """A power cut of five hours: nobody is alarmed about homes that could not be heard, also not in the seconds after it."""
    world.home(silence_minutes=240)
    world.run(blindness.alive(world.conn, world.now))
    world.wait(hours=5)
    assert world.drain(*watch.STAGES) == 0  # the stages may be up before the first gateway is

    world.run(blindness.alive(world.conn, world.now))
    assert due(world) == world.now + timedelta(minutes=180)
    assert world.value("SELECT watched_from FROM device WHERE kind = 'motion'") == world.now
    assert world.drain(*watch.STAGES) == 0

    for _ in range(180):
        world.wait(minutes=1)
        world.run(blindness.alive(world.conn, world.now))
    assert due(world) == world.now  # living on changes nothing
    world.drain(*watch.STAGES)
    assert alerts(world) == ["no_movement"]


def test_the_first_gateway_ever_gives_time_and_a_short_gap_does_not(world: Any) -> None:
    world.home(silence_minutes=30)
    world.wait(minutes=25)
    world.run(blindness.alive(world.conn, world.now))
    assert due(world) == world.now + timedelta(minutes=30)  # a home's own limit, where that is shorter than the grace
    given = due(world)
    world.wait(minutes=2)
    world.run(blindness.alive(world.conn, world.now))
    assert due(world) == given
    world.sync.execute("UPDATE home SET due_at = NULL")
    world.wait(minutes=3)
    world.run(blindness.alive(world.conn, world.now))
    assert due(world) is None  # who is not watched is not watched after a gap either
