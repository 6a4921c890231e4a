"""silence: a home that is still for longer than it is used to becomes an alert; movement alone keeps it quiet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from cloudfamily_gateway import wire
from cloudfamily_platform.alerts import silence
from cloudfamily_platform.alerts.rules import silence as rule
from cloudfamily_platform.core.texts import say
from cloudfamily_platform.people import blindness


def reading(world: Any, device: str, **values: float) -> None:
    world.say(f"cf/v1/{device}/reading", {"t": world.now.isoformat(), "values": values})


def alerts(world: Any) -> list[str]:
    return [row["kind"] for row in world.rows("SELECT kind FROM alert ORDER BY id")]


def why(world: Any) -> str:
    found = world.value("SELECT why FROM alert ORDER BY id DESC LIMIT 1")
    return str(found["key"].removeprefix("alert.why."))


def due(world: Any) -> datetime:
    found: datetime = world.value("SELECT due_at FROM home")
    return found


def go_on(world: Any, until: datetime) -> None:
    """The stage looks whenever a home is due."""
    while (next_due := world.value("SELECT min(due_at) FROM home")) and next_due <= until:
        world.now = max(world.now, next_due)
        world.drain(*silence.STAGES)
    world.now = until


def live(world: Any, days: int, minutes: int, code: str = "WX-001") -> None:
    """So many days (her time is UTC+8), up from 7 to 22 and heard in this rhythm; ends at 22:00."""
    frames = []
    for day in range(days):
        morning = (world.now + timedelta(days=day)).replace(hour=23, minute=0)  # 07:00 of the day after
        for step in range(0, 15 * 60 + 1, minutes):
            for value, later in ((1, 0), (0, 10)):
                at = morning + timedelta(minutes=step, seconds=later)
                frames.append((at, wire.Frame(f"cf/v1/{code}-motion/reading", wire.encode({"t": at.isoformat(), "values": {"motion": value}}), at)))
    for at, frame in frames:
        go_on(world, at)
        world.store.store([frame])


def test_of_a_new_home_it_is_believed_what_holds_for_elders_at_large(world: Any, timeline: Callable[..., list[str]]) -> None:
    world.home()
    world.now = world.now.replace(hour=1)  # 09:00 for her
    world.sync.execute("UPDATE home SET watched_from = %s, due_at = %s", [world.now, world.now])
    began = world.now
    go_on(world, began + timedelta(hours=4))
    (alert,) = world.rows("SELECT * FROM alert")
    assert (alert["kind"], alert["severity"], alert["device_code"], why(world)) == ("no_movement", "high", None, "no_movement_new")
    assert rule.SHORTEST <= (alert["opened_at"] - began).total_seconds() <= rule.LONGEST
    assert "小时" in say("zh-CN", alert["why"]["key"], **alert["why"]["params"])
    assert "Still since 09:00" in say("en", alert["why"]["key"], **alert["why"]["params"])
    go_on(world, began + timedelta(hours=9))
    assert set(timeline(alert["id"])) == {"opened", "pressed_again"}, "one alert, said again"


def test_a_home_that_is_never_still_for_long_is_missed_sooner(world: Any) -> None:
    """Ten days with somebody about each half hour: a stillness that a new home is allowed is too long for this one."""
    world.wait(hours=6)  # 22:00 for her
    world.home()
    live(world, 10, 30)
    assert alerts(world) == [], "a night's sleep is none"
    go_on(world, world.now + timedelta(hours=9))
    for _ in range(12):
        world.move()
        go_on(world, world.now + timedelta(minutes=10))
    fell_at = world.now - timedelta(minutes=10)
    go_on(world, fell_at + timedelta(hours=4))
    assert (alerts(world), why(world)) == (["no_movement"], "no_movement_learned")
    assert (world.value("SELECT opened_at FROM alert") - fell_at).total_seconds() < rule.BELIEVED - 3600


@pytest.mark.parametrize("late_minutes", [30, 85])
def test_a_reading_that_a_hub_delivers_late_still_counts(world: Any, late_minutes: int) -> None:
    world.home(silence_minutes=180)
    moved_at = world.now + timedelta(minutes=90)
    go_on(world, moved_at + timedelta(minutes=late_minutes))
    world.drain(*silence.STAGES)
    world.say("cf/v1/WX-001-motion/reading", {"t": moved_at.isoformat(), "values": {"motion": 1}})
    go_on(world, moved_at + timedelta(minutes=179))
    assert alerts(world) == []
    go_on(world, moved_at + timedelta(minutes=180))
    assert alerts(world) == ["no_movement"]


# The family's own limit


def test_no_silence_is_longer_than_the_family_says(world: Any, timeline: Callable[..., list[str]]) -> None:
    world.home(silence_minutes=60)
    began = world.now
    world.wait(minutes=59)
    assert world.drain(*silence.STAGES) == 0
    world.wait(minutes=1)
    assert world.drain(*silence.STAGES) == 1
    (alert,) = world.rows("SELECT * FROM alert")
    params = alert["why"]["params"]
    assert (params["minutes"], params["limit_minutes"], datetime.fromisoformat(params["since"])) == (60, 60, began)
    assert due(world) == world.now + timedelta(minutes=60)
    world.wait(minutes=60)
    assert world.drain(*silence.STAGES) == 1
    assert timeline(alert["id"]) == ["opened", "pressed_again"]


def test_movement_keeps_it_quiet(world: Any) -> None:
    for number in (1, 2, 3):
        world.home(f"WX-00{number}", silence_minutes=60)
    world.wait(minutes=40)
    moved_at = world.now
    reading(world, "WX-001-motion", motion=1)
    reading(world, "WX-002-motion", motion=1)
    world.press("WX-003-button")  # who presses is about
    world.wait(minutes=20)
    assert world.drain(*silence.STAGES) == 3  # it looks, hears the movement, and looks again when that is too old
    assert alerts(world) == []
    assert world.rows("SELECT DISTINCT due_at FROM home") == [{"due_at": moved_at + timedelta(minutes=60)}]
    world.wait(minutes=40)
    world.drain(*silence.STAGES)
    assert alerts(world) == ["no_movement"] * 3


def test_a_sensor_that_says_nothing_moves_shows_no_movement(world: Any) -> None:
    world.home(silence_minutes=60)
    world.wait(minutes=50)
    reading(world, "WX-001-motion", motion=0, temperature=21, battery=93)
    reading(world, "WX-001-door", door=0)
    world.wait(minutes=10)
    world.drain(*silence.STAGES)
    assert alerts(world) == ["no_movement"]


def test_another_homes_movement_is_another_homes(world: Any) -> None:
    world.home("WX-001", silence_minutes=60)
    world.home("WX-002", silence_minutes=60)
    world.wait(minutes=59)
    world.move("WX-002-motion")
    world.wait(minutes=1)
    world.drain(*silence.STAGES)
    assert world.rows("SELECT h.code FROM alert a JOIN home h ON h.id = a.home_id") == [{"code": "WX-001"}]


def test_a_home_that_is_not_watched_is_left_alone(world: Any) -> None:
    world.home()
    world.sync.execute("UPDATE home SET due_at = NULL")
    world.wait(days=3)
    assert world.drain(*silence.STAGES) == 0


def test_one_home_that_cannot_be_judged_stops_no_other(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world.home("WX-001", silence_minutes=60)
    world.home("WX-002", silence_minutes=90)
    judge = rule.judge

    def judge_but_not_this(routine: Any, now: int, bearable: float, limit: int | None) -> rule.Verdict:
        if limit == 60:
            raise ZeroDivisionError("a broken rule")
        return judge(routine, now, bearable, limit)

    monkeypatch.setattr(rule, "judge", judge_but_not_this)
    world.wait(minutes=90)
    assert world.drain(*silence.STAGES) == 2
    assert world.value("SELECT h.code FROM alert a JOIN home h ON h.id = a.home_id") == "WX-002"
    assert world.value("SELECT due_at FROM home WHERE code = 'WX-001'") == world.now + timedelta(minutes=5)


# Nobody listened


def test_while_no_gateway_listens_silence_means_nothing(world: Any) -> None:
    """A power cut of five hours: nobody is alarmed about homes that could not be heard, also not in the seconds after it."""
    world.home(silence_minutes=240)
    world.run(blindness.alive(world.conn, world.now))
    world.wait(hours=5)
    assert world.drain(*silence.STAGES) == 0  # the stages may be up before the first gateway is

    world.run(blindness.alive(world.conn, world.now))
    back_at = world.now
    assert due(world) == back_at + timedelta(minutes=180)
    assert world.value("SELECT watched_from FROM device WHERE kind = 'motion'") == back_at
    assert world.drain(*silence.STAGES) == 0

    for minutes in range(240):
        world.wait(minutes=1)
        world.run(blindness.alive(world.conn, world.now))
        world.drain(*silence.STAGES)
        assert alerts(world) == (["no_movement"] if minutes == 239 else []), "silence counts from when we could hear again"


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
