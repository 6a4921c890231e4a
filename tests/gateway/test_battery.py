"""The day on which a battery will be empty: going on as in the last weeks, and nothing said where nothing can be known."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from cloudfamily_gateway import battery, models, supervise
from cloudfamily_platform.people.person import QUERIES

TODAY = date(2026, 11, 23)


def days(*percents: float | None) -> list[tuple[date, float]]:
    """The last days up to today; None: it said nothing that day."""
    first = TODAY - timedelta(days=len(percents) - 1)
    return [(first + timedelta(days=number), percent) for number, percent in enumerate(percents) if percent is not None]


def falling(count: int, start: float, a_day: float) -> list[float]:
    return [start - a_day * number for number in range(count)]


def left(series: list[tuple[date, float]]) -> int | None:
    empty_on = battery.forecast(series, TODAY)
    return empty_on and (empty_on - TODAY).days


def test_a_battery_that_loses_one_percent_a_day() -> None:
    assert left(days(*falling(30, 60, 1))) == 31  # 31 % today


def test_noise_gaps_and_wild_values_move_it_little() -> None:
    dice = random.Random(7)
    noisy: list[float | None] = [percent + dice.gauss(0, 1.5) for percent in falling(56, 80, 0.5)]
    for day in (3, 9, 10, 30):
        noisy[day] = None
    noisy[20], noisy[41] = 5.0, 95.0
    found = left(days(*noisy))
    assert found is not None
    assert 95 <= found <= 115  # 52.5 % at half a percent a day: 105


def test_whole_percents_as_devices_tell_them() -> None:
    found = left(days(*(round(percent) for percent in falling(56, 50, 0.25))))
    assert found is not None
    assert 130 <= found <= 160  # 36 % at a quarter a day: 145


@pytest.mark.parametrize(
    "series",
    [
        pytest.param([], id="never told"),
        pytest.param(days(*falling(6, 60, 5)), id="six days"),
        pytest.param(days(*falling(13, 60, 1)), id="not yet two weeks"),
        pytest.param(days(*[100.0] * 56), id="full and staying so"),
        pytest.param(days(*[80.0] * 28, *[79.0] * 28), id="one percent in two months is rounding"),
        pytest.param(days(*falling(56, 40, -0.4)), id="charging"),
        pytest.param(days(*falling(56, 100, 0.06)), id="in four years"),
    ],
)
def test_nothing_is_said_that_cannot_be_known(series: list[tuple[date, float]]) -> None:
    assert battery.forecast(series, TODAY) is None


def test_a_new_battery_begins_a_new_series() -> None:
    assert left(days(*falling(30, 40, 1), *[100.0] * 5)) is None
    found = left(days(*falling(30, 40, 1), *falling(20, 100, 0.5)))
    assert found is not None
    assert 175 <= found <= 185  # 90.5 % at half a percent a day
    assert left(days(*falling(15, 60, 1), 90.0, *falling(14, 44, 1))) == 31  # one wild day is no new battery


def test_one_that_should_be_empty_is_empty_today() -> None:
    assert left([(day - timedelta(days=40), percent) for day, percent in days(*falling(30, 32, 1))]) == 0


@pytest.mark.parametrize(
    ("family", "vendor", "volts", "percent"),
    [
        ("zigbee2mqtt", "Tuya", 3.1, 100), ("zigbee2mqtt", "Tuya", 2.95, 71), ("zigbee2mqtt", "Tuya", 2.74, 18), ("zigbee2mqtt", "Tuya", 1.8, 0),
        ("shelly", "Shelly", 2.75, 50), ("zigbee2mqtt", "Third Reality", 2.0, 50.1),
    ],
)  # fmt: skip
def test_volts_stand_for_percent_by_the_kind_of_cell(family: str, vendor: str, volts: float, percent: float) -> None:
    curve = models.find({"family": family, "vendor": vendor, "model": None, "kind": "button"}).battery
    assert curve
    assert battery.percent(volts, curve) == pytest.approx(percent)


def test_the_curve_of_two_alkaline_cells_is_its_source_within_two_percent() -> None:
    curve = models.find({"family": "zigbee2mqtt", "vendor": "Third Reality", "model": None, "kind": "water"}).battery
    assert curve
    for millivolts in range(1500, 2900, 10):
        wanted = min(max(235 - 370_000 / (millivolts + 1), 0), 100)
        assert battery.percent(millivolts / 1000, curve) == pytest.approx(wanted, abs=2.0)


@pytest.fixture
def weeks(world: Any) -> Any:
    """A world with partitions for the last eight weeks, and a home whose devices the stage looks at."""
    for week in range(9):
        world.sync.execute(QUERIES["reading_maintain"], {"now": world.now - timedelta(weeks=week), "keep_days": 400})
    world.home()
    return world


def told(world: Any, device: str, quantity: int, day: int, value: float, hour: int = 6) -> None:
    """What the device said `day` days ago."""
    at = datetime(2026, 11, 23, hour, tzinfo=UTC) - timedelta(days=day)
    row = world.rows("SELECT id FROM device WHERE code = %s", device)[0]
    world.insert("reading", time=at, device_id=row["id"], quantity=quantity, value=value)


def looked_at(world: Any) -> dict[str, date | None]:
    world.sync.execute("UPDATE device SET due_at = %s", [world.now])
    world.drain(supervise.STAGES[0])
    return {row["code"].removeprefix("WX-001-"): row["battery_empty_on"] for row in world.rows("SELECT code, battery_empty_on FROM device")}


def test_the_stage_looks_at_percent_or_volts_once_a_day(weeks: Any) -> None:
    weeks.sync.execute("UPDATE device SET family = 'zigbee2mqtt' WHERE kind = 'motion'")
    weeks.sync.execute("UPDATE device SET mains = true WHERE kind = 'door'")
    for day in range(28):
        for hour in (0, 3, 6):
            told(weeks, "WX-001-button", 30, day, 20 + day, hour)  # 20 % today, one a day
        told(weeks, "WX-001-button", 30, day, 100, 1)  # one wild value a day: the median of the day is not moved
        told(weeks, "WX-001-motion", 33, day, 2.44 + 0.01 * day)  # a coin cell between 18 % and 6 %: 0.4 % for each 0.01 V
        told(weeks, "WX-001-door", 30, day, 20 + day)
    found = looked_at(weeks)
    assert found["button"] == TODAY + timedelta(days=20)
    assert found["motion"] == TODAY + timedelta(days=15)
    assert found["door"] is None  # on the mains

    told(weeks, "WX-001-button", 30, 0, 5, hour=7)
    weeks.sync.execute("DELETE FROM reading")
    assert looked_at(weeks) == found  # not a second time on the same day
    weeks.wait(days=1)
    assert looked_at(weeks)["button"] is None
