"""What is noticed by silence or by how long it lasts: each rule as a story of a night or a day. Local time is UTC+8."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloudfamily_platform.alerts import vigil
from cloudfamily_platform.core import errors, texts
from cloudfamily_platform.people import blindness

#: Of every home here: code, kind and room.
DEVICES = (
    ("bath", "motion", "bathroom"),
    ("bedroom", "motion", "bedroom"),
    ("kitchen", "motion", "kitchen"),
    ("front", "door", "hall"),
    ("bed", "bed", "bedroom"),
    ("meter", "other", "kitchen"),
)


@pytest.fixture
def home(world: Any) -> dict[str, Any]:
    """A home with a sensor in every room, at eight in the evening; nothing is switched on yet."""
    clock(world, "20:00")
    world.insert("home", code="WX-001", district_id=world.district_id, address="x", lat=23.47, lon=111.32, watched_from=world.now)
    found: dict[str, Any] = world.rows("SELECT * FROM home")[0]
    for code, kind, room in DEVICES:
        world.insert("device", code=code, home_id=found["id"], kind=kind, room=room, watched_from=world.now)
    return found


def clock(world: Any, hour: str) -> None:
    """Waits until it is this local time; each minute the stage looks at what is due."""
    hours, minutes = (int(part) for part in hour.split(":"))
    to = (world.now + timedelta(hours=8)).replace(hour=hours, minute=minutes, second=0, microsecond=0, tzinfo=UTC) - timedelta(hours=8)
    until(world, to if to > world.now else to + timedelta(days=1))


def until(world: Any, to: datetime) -> None:
    while world.now < to:
        due = world.value("SELECT min(due_at) FROM watch_rule")
        world.now = min(to, max(due, world.now)) if due else to
        if world.drain(*vigil.STAGES) == 0 and world.now < to:
            world.now = min(to, world.now + timedelta(minutes=1))


def on(world: Any, home: dict[str, Any], kind: str, **settings: object) -> None:
    operator = world.person(f"op-{kind}-{world.now:%d%H%M}", "operator", language="en")
    world.run(vigil.change(world.conn, home, kind, True, settings, operator, world.now))


def say(world: Any, device: str, **values: float) -> None:
    world.say(f"cf/v1/{device}/reading", {"t": world.now.isoformat(), "values": values})


def alerts(world: Any) -> list[tuple[str, str]]:
    """Kind and local hour of each alert."""
    rows = world.rows("SELECT kind, opened_at FROM alert ORDER BY id")
    return [(row["kind"], f"{row['opened_at'] + timedelta(hours=8):%H:%M}") for row in rows]


def why(world: Any, language: str = "en") -> str:
    found = world.rows("SELECT why FROM alert ORDER BY id DESC LIMIT 1")[0]["why"]
    return texts.say(language, found["key"], **found["params"])


# Not up


def test_not_up_by_the_usual_time(world: Any, home: dict[str, Any], timeline: Callable[..., list[str]]) -> None:
    on(world, home, "not_up", by="08:30")
    clock(world, "03:10")
    say(world, "bath", motion=1)  # at night: shows nothing of the morning
    clock(world, "07:00")
    say(world, "bedroom", motion=1)
    clock(world, "12:00")
    assert alerts(world) == [("not_up", "08:30")]
    assert why(world) == "Nothing has moved outside the bedroom since 04:30; usually up by 08:30"
    assert "08:30" in why(world, "zh-CN")
    assert timeline(1) == ["opened"]


def test_up_in_time_and_up_again_the_next_day(world: Any, home: dict[str, Any]) -> None:
    on(world, home, "not_up", by="08:30")
    for _ in range(3):
        clock(world, "08:05")
        say(world, "kitchen", motion=1)
        clock(world, "20:00")
    assert alerts(world) == []
    say(world, "bed", bed=1)
    clock(world, "09:00")
    assert alerts(world) == [("not_up", "08:30")]
    assert why(world).startswith("Still in bed")


# The bathroom


def test_in_the_bathroom_for_too_long(world: Any, home: dict[str, Any], timeline: Callable[..., list[str]]) -> None:
    on(world, home, "bathroom_long")
    say(world, "kitchen", motion=1)
    clock(world, "20:07")
    say(world, "bath", motion=1)
    clock(world, "20:11")
    say(world, "bath", motion=1)  # she moves and then no more
    clock(world, "22:30")
    assert alerts(world) == [("bathroom_long", "21:07")]
    assert why(world) == "In the bathroom for 60 minutes, since 20:07; the limit is 60"
    assert timeline(1) == ["opened"]


def test_at_night_the_limit_is_shorter_and_a_bed_taken_ends_it(world: Any, home: dict[str, Any]) -> None:
    on(world, home, "bathroom_long")
    clock(world, "23:00")
    say(world, "bath", motion=1)
    clock(world, "23:10")
    say(world, "bed", bed=0)
    clock(world, "23:11")
    say(world, "bed", bed=1)
    clock(world, "02:00")
    assert alerts(world) == []
    say(world, "bed", bed=0)
    clock(world, "02:01")
    say(world, "bath", motion=1)
    clock(world, "04:00")
    assert alerts(world) == [("bathroom_long", "02:46")]


def test_movement_elsewhere_or_the_front_door_ends_it(world: Any, home: dict[str, Any]) -> None:
    on(world, home, "bathroom_long")
    for device, values in (("kitchen", {"motion": 1}), ("front", {"door": 1})):
        say(world, "front", door=0)
        say(world, "bath", motion=1)
        world.wait(minutes=30)
        say(world, device, **values)
        until(world, world.now + timedelta(hours=2))
    assert alerts(world) == []


# The bed


def test_out_of_bed_at_night_and_not_back(world: Any, home: dict[str, Any], timeline: Callable[..., list[str]]) -> None:
    on(world, home, "out_of_bed")
    clock(world, "22:15")
    say(world, "bed", bed=1)
    clock(world, "01:00")
    say(world, "bed", bed=0)
    clock(world, "01:20")
    say(world, "bed", bed=1)
    clock(world, "03:00")
    say(world, "bed", bed=0)
    clock(world, "05:00")
    assert alerts(world) == [("out_of_bed", "03:30")]
    assert why(world) == "Out of bed for 30 minutes, since 03:00; the limit at night is 30"
    assert timeline(1) == ["opened"]


def test_who_gets_up_for_the_day_is_not_missed(world: Any, home: dict[str, Any]) -> None:
    on(world, home, "out_of_bed")
    clock(world, "21:30")
    say(world, "bed", bed=1)
    clock(world, "05:40")
    say(world, "bed", bed=0)
    clock(world, "21:30")
    assert alerts(world) == []


@pytest.mark.parametrize(("kind", "device", "said"), [("out_of_bed", "bed", ({"bed": 1}, {"bed": 0})), ("door_open", "front", ({"door": 0}, {"door": 1}))])
def test_who_looks_late_misses_nothing_of_the_night(world: Any, home: dict[str, Any], kind: str, device: str, said: tuple[dict[str, float], ...]) -> None:
    """The alerts' side was away when the limit passed, and comes back when the night is over."""
    on(world, home, kind)
    clock(world, "22:30")
    say(world, device, **said[0])
    clock(world, "05:20")
    say(world, device, **said[1])
    world.wait(minutes=50)
    world.drain(*vigil.STAGES)
    assert alerts(world) == [(kind, "06:10")]


# The door


def test_a_door_left_open_at_night(world: Any, home: dict[str, Any]) -> None:
    on(world, home, "door_open")
    say(world, "front", door=0)
    clock(world, "20:30")
    say(world, "front", door=1)
    clock(world, "21:50")
    say(world, "front", door=1)  # still open
    clock(world, "23:00")
    assert alerts(world) == [("door_open", "22:15")]
    assert world.value("SELECT device_code FROM alert") == "front"
    assert why(world) == "Door front has been open since 20:30, 15 minutes of the night"


def test_a_door_that_closes_in_time_or_stands_open_by_day(world: Any, home: dict[str, Any]) -> None:
    on(world, home, "door_open")
    clock(world, "23:40")
    say(world, "front", door=1)
    clock(world, "23:54")
    say(world, "front", door=0)
    clock(world, "09:00")
    say(world, "front", door=1)
    clock(world, "21:00")
    say(world, "front", door=0)
    clock(world, "07:00")
    assert alerts(world) == []


# Not back home


def test_not_back_by_the_hour_after_the_door_was_used(world: Any, home: dict[str, Any]) -> None:
    on(world, home, "not_home", by="19:00")
    say(world, "front", door=0)
    for leaves, comes in (("15:00", "17:30"), ("15:00", None)):
        clock(world, leaves)
        say(world, "kitchen", motion=1)
        for at, used in ((leaves, (1, 0)), (comes, (1, 0))):
            if at:
                clock(world, at) if at != leaves else None
                for value in used:
                    world.wait(seconds=5)
                    say(world, "front", door=value)
        if comes:
            world.wait(seconds=30)
            say(world, "kitchen", motion=1)
        clock(world, "20:00")
    assert alerts(world) == [("not_home", "19:00")]
    assert why(world) == "The door was used at 15:00 and nothing has moved inside since; usually back by 19:00"


# Meals and water


def test_no_sign_of_a_meal(world: Any, home: dict[str, Any], timeline: Callable[..., list[str]]) -> None:
    on(world, home, "no_meal", hours=14)
    say(world, "kitchen", motion=1)
    clock(world, "14:00")
    assert alerts(world) == [("no_meal", "10:00")]
    assert timeline(1) == ["opened"]
    assert why(world) == "Nothing has moved in the kitchen for 14 hours; the limit is 14"


def test_hardly_any_water_used(world: Any, home: dict[str, Any], timeline: Callable[..., list[str]]) -> None:
    """Changning: less than 0.01 m³ in 12 h."""
    litres = 52_000.0
    say(world, "meter", water=litres)
    on(world, home, "no_water")
    for hour in range(30):
        litres += 4.0 if hour < 10 else 0.5
        say(world, "meter", water=litres)
        until(world, world.now + timedelta(hours=1))
    assert len(alerts(world)) == 1
    assert timeline(1) == ["opened"]
    assert "L of water in 12 hours; at least 10 L are usual" in why(world)


def test_a_meter_that_is_silent_or_too_new_says_nothing(world: Any, home: dict[str, Any]) -> None:
    say(world, "meter", water=5)
    on(world, home, "no_water")
    until(world, world.now + timedelta(hours=11))
    assert alerts(world) == []
    world.sync.execute("UPDATE device SET silent_since = %s WHERE code = 'meter'", [world.now])
    until(world, world.now + timedelta(hours=24))
    assert alerts(world) == []


# What is switched on, and when silence means nothing


def test_what_the_devices_allow_is_on_by_itself(world: Any, home: dict[str, Any]) -> None:
    bare = world.home("WX-002")  # a button, a motion sensor of no room, and a door
    world.run(vigil.arm(world.conn, world.now))
    world.run(vigil.arm(world.conn, world.now))
    kinds = {code: sorted(row["kind"] for row in world.rows("SELECT kind FROM watch_rule WHERE home_id = %s", code)) for code in (home["id"], bare)}
    assert kinds == {home["id"]: ["bathroom_long", "door_open", "out_of_bed"], bare: ["door_open"]}
    world.drain(*vigil.STAGES)
    assert alerts(world) == []


def test_while_nobody_listens_nothing_counts(world: Any, home: dict[str, Any]) -> None:
    on(world, home, "bathroom_long")
    world.run(blindness.alive(world.conn, world.now))
    say(world, "bath", motion=1)
    world.wait(hours=5)
    assert world.drain(*vigil.STAGES) == 0
    world.run(blindness.alive(world.conn, world.now))
    assert world.drain(*vigil.STAGES) == 1
    assert alerts(world) == []


def test_a_home_whose_hub_is_out_is_not_judged(world: Any, home: dict[str, Any]) -> None:
    world.insert("device", code="hub", home_id=home["id"], kind="hub", watched_from=world.now, silent_since=world.now)
    on(world, home, "bathroom_long")
    say(world, "bath", motion=1)
    until(world, world.now + timedelta(hours=5))
    assert alerts(world) == []


def test_one_rule_that_fails_stops_no_other(world: Any, home: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    for kind in ("door_open", "bathroom_long"):
        on(world, home, kind)
    monkeypatch.setitem(vigil.RULES, "door_open", vigil.replace(vigil.RULES["door_open"], judge=broken))
    say(world, "bath", motion=1)
    until(world, world.now + timedelta(hours=2))
    assert alerts(world) == [("bathroom_long", "21:00")]


def test_what_cannot_be_watched_is_refused_with_a_sentence(world: Any, home: dict[str, Any]) -> None:
    for kind, settings, field, reason in (
        ("earthquake", {}, "kind", "not_up"),
        ("not_up", {}, "not_up.by", "HH:MM"),
        ("not_up", {"by": "half past eight"}, "not_up.by", "HH:MM"),
        ("bathroom_long", {"minutes": 5}, "bathroom_long.minutes", "10 – 600 min"),
        ("bathroom_long", {"hours": 5}, "bathroom_long.hours", "minutes, night_minutes"),
    ):
        with pytest.raises(errors.Invalid) as refused:
            on(world, home, kind, **settings)
        assert refused.value.params["field"] == field
        assert reason in str(refused.value.params["reason"])
        world.wait(minutes=1)
    world.sync.execute("UPDATE device SET home_id = NULL WHERE code IN ('bed', 'bedroom')")
    with pytest.raises(errors.Invalid, match="a bed sensor, or a motion sensor with the room “bedroom”"):
        on(world, home, "bathroom_long")
