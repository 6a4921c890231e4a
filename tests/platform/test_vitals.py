"""Vital signs: NEWS2 as published, limits that hover, and what an elder's values call."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from cloudfamily_platform.alerts import alert, watch
from cloudfamily_platform.alerts.rules import vital
from cloudfamily_platform.core import texts
from cloudfamily_platform.people import limits, vitals

#: Royal College of Physicians, NEWS2 (2017), chart 1: the lowest and highest value of each band and its points.
PUBLISHED = {
    ("respiration", 1): [(0, 8, 3), (9, 11, 1), (12, 20, 0), (21, 24, 2), (25, 60, 3)],
    ("spo2", 1): [(50, 91, 3), (92, 93, 2), (94, 95, 1), (96, 100, 0)],
    ("spo2", 2): [(50, 83, 3), (84, 85, 2), (86, 87, 1), (88, 92, 0), (93, 100, 0)],  # on air
    ("systolic", 1): [(50, 90, 3), (91, 100, 2), (101, 110, 1), (111, 219, 0), (220, 300, 3)],
    ("heart_rate", 1): [(20, 40, 3), (41, 50, 1), (51, 90, 0), (91, 110, 1), (111, 130, 2), (131, 250, 3)],
    ("body_temperature", 1): [(30, 35.0, 3), (35.1, 36.0, 1), (36.1, 38.0, 0), (38.1, 39.0, 1), (39.1, 43, 2)],
}
NAMES = some.sampled_from(sorted(vitals.DEFAULTS))
VALUES = some.floats(-1e6, 1e6)
OWN = some.builds(vitals.Own, low=some.none() | some.floats(0, 100), high=some.none() | some.floats(0, 300), scale=some.sampled_from([1, 2]))


@pytest.mark.parametrize(("parameter", "bands"), PUBLISHED.items())
def test_every_boundary_is_as_published(parameter: tuple[str, int], bands: list[tuple[float, float, int]]) -> None:
    name, scale = parameter
    for lowest, highest, points in bands:
        assert {vitals.points(name, value, scale) for value in (lowest, (lowest + highest) / 2, highest)} == {points}


def test_default_limits_are_where_one_parameter_scores_three() -> None:
    for name, scale in PUBLISHED:
        counts = vitals.limits(name, vitals.Own(scale=scale))
        if name == "body_temperature":
            assert [vitals.points(name, value) for value in (35.0, 35.1, 39.0, 39.1)] == [3, 1, 1, 2]
            assert (counts.low, counts.high) == (35.1, 39.0)
            continue
        for limit, step in ((counts.low, -1), (counts.high, 1)):
            if limit is not None:
                assert (vitals.points(name, limit, scale) < 3, vitals.points(name, limit + step, scale)) == (True, 3)
        noted = [(counts.noted_low, -1), (counts.noted_high, 1)]
        assert all(vitals.points(name, limit + step, scale) == 2 > vitals.points(name, limit, scale) for limit, step in noted if limit is not None)


@given(name=NAMES, value=VALUES, own=some.none() | OWN, standing=some.integers(0, 3))
def test_scoring_never_raises_and_what_stands_falls_later_than_it_rises(name: str, value: float, own: vitals.Own | None, standing: int) -> None:
    counts = vitals.limits(name, own)
    for side in vitals.SIDES:
        fresh, held = vitals.reached(value, counts, side), vitals.reached(value, counts, side, standing)
        assert 0 <= fresh <= held <= max(fresh, standing) <= 3
    if name in vitals.SCORED:
        assert 0 <= vitals.points(name, value, own.scale if own else 1) <= 3


@given(name=NAMES, values=some.tuples(VALUES, VALUES), standing=some.integers(0, 3))
def test_further_past_is_never_less(name: str, values: tuple[float, float], standing: int) -> None:
    less, more = sorted(values)
    counts = vitals.DEFAULTS[name]
    assert vitals.reached(less, counts, "low", standing) >= vitals.reached(more, counts, "low", standing)
    assert vitals.reached(less, counts, "high", standing) <= vitals.reached(more, counts, "high", standing)


@given(name=NAMES, value=VALUES, own=some.none() | OWN)
def test_what_passes_as_calm_is_past_nothing(name: str, value: float, own: vitals.Own | None) -> None:
    counts = vitals.limits(name, own)
    lowest, highest = vitals.calm(counts)
    if lowest <= value <= highest and all(math.isclose(limit, vitals.rounded(limit, counts.digits)) for limit in (lowest, highest) if math.isfinite(limit)):
        assert [vitals.reached(value, counts, side) for side in vitals.SIDES] == [0, 0]


# In a home


def say(world: Any, device: str = "watch-1", **values: float) -> None:
    world.say(f"cf/v1/{device}/reading", {"t": world.now.isoformat(), "values": values})
    world.drain(watch.STAGES[0])
    world.wait(minutes=1)


def wearable(world: Any, code: str = "watch-1", **more: Any) -> int:
    home_id = world.home() if not world.rows("SELECT FROM home") else world.value("SELECT id FROM home")
    world.insert("device", code=code, home_id=home_id, kind="wearable", watched_from=world.now, **more)
    return int(home_id)


def alerts(world: Any) -> list[tuple[str, str]]:
    return [(row["kind"], row["severity"]) for row in world.rows("SELECT kind, severity FROM alert ORDER BY id")]


def why(world: Any, language: str = "en") -> str:
    found = world.rows("SELECT why FROM alert ORDER BY id DESC LIMIT 1")[0]["why"]
    return texts.say(language, found["key"], **found["params"])


def test_a_value_past_its_limit_is_an_alert_with_its_words_and_one_that_hovers_is_one_alert(world: Any, timeline: Callable[..., list[str]]) -> None:
    wearable(world)
    for pulse in (72, 130, 131, 130, 129, 132, 126, 131, 139):
        say(world, heart_rate=pulse)
    assert alerts(world) == [("heart_rate", "high")]
    assert why(world) == "Pulse 131/min, above the limit of 130 (watch-1)"
    assert why(world, "zh-CN") == "心率 131 次/分，高于上限 130（watch-1）"
    assert timeline(1) == ["opened"]
    say(world, heart_rate=125)
    assert timeline(1) == ["opened", "back_in_range"]
    assert world.rows("SELECT params FROM alert_event WHERE kind = 'back_in_range'")[0]["params"]["value"] == "125"
    say(world, heart_rate=135)
    assert timeline(1) == ["opened", "back_in_range", "pressed_again"]


def test_a_danger_to_life_is_critical_whatever_is_open_already(world: Any) -> None:
    wearable(world)
    say(world, glucose=3.6)
    say(world, glucose=2.9)
    say(world, glucose=2.6)
    assert alerts(world) == [("glucose", "high"), ("glucose_urgent", "critical")]
    say(world, spo2=83)  # at once far past: one alert, the grave one
    assert alerts(world)[2:] == [("spo2_urgent", "critical")]


def test_a_value_comes_with_its_reading_and_only_once(world: Any) -> None:
    wearable(world)
    said = {"t": world.now.isoformat(), "values": {"spo2": 88}}
    for _ in range(3):
        world.say("cf/v1/watch-1/reading", said)
    assert world.rows("SELECT kind, detail FROM signal") == [
        {"kind": "spo2", "detail": {"quantity": "spo2", "side": "low", "band": 2, "value": 88, "limit": 92}}
    ]
    assert world.value("SELECT count(*) FROM reading WHERE quantity = 21") == 1


def test_news2_adds_up_what_is_known_and_says_it(world: Any) -> None:
    """Two values of 2 points each call nobody; with a third they are 5, and with a fourth 7."""
    wearable(world)
    say(world, heart_rate=118)
    say(world, spo2=93)
    assert alerts(world) == []
    say(world, body_temperature=38.4)  # 1 point: 5 in all, but nothing of its own to be noted
    say(world, respiration=22)
    assert alerts(world) == [("respiration_urgent", "critical")]
    assert why(world) == (
        "NEWS2 7 from what is known, points in brackets: breathing 22 (2), blood oxygen 93 % (2), systolic pressure —, pulse 118 (2),"
        " temperature 38.4 °C (1) (watch-1)"
    )


def test_news2_of_five_is_high_and_of_old_values_nothing(world: Any) -> None:
    wearable(world)
    say(world, heart_rate=118)
    say(world, spo2=88)
    assert alerts(world) == [("spo2", "high")]
    assert "NEWS2 5 " in why(world)
    assert "88 % (3)" in why(world)
    say(world, spo2=97, heart_rate=80)
    world.sync.execute("UPDATE alert SET state = 'resolved', outcome = 'real', resolved_at = now(), due_at = NULL")
    say(world, heart_rate=118)
    world.wait(hours=vital.RECENT_HOURS)
    say(world, spo2=93)
    assert len(alerts(world)) == 1


def test_what_goes_on_for_hours_is_said_again(world: Any, timeline: Callable[..., list[str]]) -> None:
    wearable(world)
    for _ in range(7):
        say(world, spo2=89)
        world.wait(minutes=59)
    assert timeline(1) == ["opened", "pressed_again"]


def test_a_spool_that_comes_late_and_out_of_order_is_one_episode(world: Any) -> None:
    wearable(world)
    frames = []
    for minutes, pulse in ((50, 80), (10, 90), (20, 150), (30, 150), (40, 85)):
        at = world.now.timestamp() - minutes * 60
        frames.append((at, pulse))
    world.say("cf/v1/watch-1/senml", str([{"n": "heart_rate", "bt": at, "v": pulse} for at, pulse in frames]).replace("'", '"').encode())
    kinds = world.rows("SELECT kind FROM signal ORDER BY at, id")
    assert [row["kind"] for row in kinds] == ["heart_rate_urgent", "back", "back"]
    assert world.value("SELECT count(*) FROM level WHERE active") == 0


# Own limits


def own(world: Any, elder: str | None = None, **one: Any) -> None:
    home = world.rows("SELECT id FROM home")[0]
    operator = world.person(f"op-{world.now:%H%M%S}", "operator")
    limit = {"low": None, "high": None, "urgent_low": None, "urgent_high": None, "scale": 1} | one
    world.run(limits.change(world.conn, home, elder, [limit], operator, world.now))


def test_an_elders_own_limits_come_before_everybodys_within_seconds(world: Any) -> None:
    wearable(world)
    say(world, heart_rate=101)
    own(world, quantity="heart_rate", low=50, high=100)
    world.wait(seconds=10)
    say(world, heart_rate=101)
    assert alerts(world) == [("heart_rate", "high")]
    assert "limit of 100" in why(world)
    own(world, quantity="heart_rate")  # as everybody again
    say(world, heart_rate=101)
    assert world.value("SELECT count(*) FROM level WHERE active") == 0


def test_scale_2_for_who_lives_with_little_oxygen(world: Any) -> None:
    wearable(world)
    own(world, quantity="spo2", scale=2)
    say(world, spo2=88)
    assert alerts(world) == []
    say(world, spo2=83, heart_rate=112)
    assert alerts(world) == [("spo2", "high")]
    assert "NEWS2 5 " in why(world)


def test_of_a_couple_each_has_limits_of_their_own(world: Any) -> None:
    home_id = wearable(world)
    husband = world.person("elder-2")
    world.insert("resident", home_id=home_id, person_id=husband.id)
    wearable(world, "watch-2", person_id=husband.id)
    own(world, "elder-2", quantity="heart_rate", high=150)
    say(world, "watch-2", heart_rate=135, spo2=88)
    say(world, "watch-1", heart_rate=135)
    assert [row["device_code"] for row in world.rows("SELECT device_code FROM signal WHERE kind LIKE 'heart_rate%%' AND detail->>'band' = '2'")] == ["watch-1"]
    assert why(world) == "Pulse 135/min, above the limit of 130 (watch-1)"  # his oxygen is not added to her pulse


def test_a_value_of_a_device_without_a_home_is_heard(world: Any) -> None:
    world.home()
    say(world, "stray-watch", spo2=80)
    assert alerts(world) == [("spo2_urgent", "critical")]


def test_a_signal_kept_bare_is_an_alert_all_the_same(world: Any) -> None:
    wearable(world)
    for kind in sorted(vital.KINDS):
        found = vital.judge(kind, {}, "watch-1", {}, 1)
        assert found
        assert texts.say("en", f"alert.why.{found.why}", **found.params).endswith("(watch-1)")


def test_every_vital_has_its_words(world: Any) -> None:
    for name in vitals.DEFAULTS:
        for side in vitals.SIDES:
            detail = {"quantity": name, "side": side, "band": 2, "value": 1.0, "limit": 2.0}
            found = vital.judge(vitals.kind(name, 2), detail, "w", {}, 1)
            assert found
            for language in texts.LANGUAGES:
                assert texts.say(language, f"alert.why.{found.why}", **found.params)
    assert alert.QUERIES["recent_vitals"]
