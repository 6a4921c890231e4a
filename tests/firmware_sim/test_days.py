"""Days that a rule may believe: same seed, same day; nobody is still for longer than an elder would be."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from cloudfamily_sim import days
from cloudfamily_sim.days import Day, Habits, Moment

ZONE = ZoneInfo("Asia/Shanghai")
MONTH = [date(2026, 11, 1) + timedelta(days=n) for n in range(30)]
HOUR = timedelta(hours=1)


def month_of(seed: int, zone: ZoneInfo = ZONE) -> list[Moment]:
    return [moment for day in MONTH for moment in Day(day, seed, zone)]


@pytest.fixture(scope="module")
def homes() -> list[list[Moment]]:
    """30 days of 20 homes."""
    return [month_of(seed) for seed in range(20)]


def test_moments_come_in_order_and_each_end_has_its_beginning(homes: list[list[Moment]]) -> None:
    for moments in homes:
        assert moments == sorted(moments)
        on: dict[str, int] = {}
        for moment in moments:
            assert moment.value != on.get(moment.sensor, 0), moment
            on[moment.sensor] = moment.value
        assert set(on) == {days.BEDROOM, days.BATHROOM, days.KITCHEN, days.LIVING, days.DOOR} or not Habits.of(homes.index(moments)).walks


@pytest.mark.parametrize("blind", ["", days.LIVING])
def test_nobody_is_still_for_more_than_three_hours_by_day_or_five_by_night(homes: list[list[Moment]], blind: str) -> None:
    """Also where the living room has no sensor."""
    for moments in homes:
        for before, after in pairwise(moment for moment in moments if moment.sensor != blind):
            by_day = 7 <= before.at.astimezone(ZONE).hour < 19
            assert after.at - before.at < (3 if by_day else 5) * HOUR, before


def test_nights_are_quiet_and_have_visits_to_the_bathroom(homes: list[list[Moment]]) -> None:
    for moments in homes:
        night = [moment for moment in moments if moment.value and moment.at.astimezone(ZONE).hour in (23, 0, 1, 2, 3)]
        assert {moment.sensor for moment in night} == {days.BEDROOM, days.BATHROOM}
        assert len(night) < 30 * 20


def test_walks_are_a_door_a_silence_and_a_door(homes: list[list[Moment]]) -> None:
    walkers = [moments for seed, moments in enumerate(homes) if Habits.of(seed).walks]
    assert len(walkers) > 10
    for moments in walkers:
        seen = [moment for moment in moments if moment.value]
        passed = [number for number, moment in enumerate(seen) if moment.sensor == days.DOOR]
        assert len(passed) % 2 == 0
        for leaves, returns in zip(passed[::2], passed[1::2], strict=True):
            assert returns == leaves + 1, "somebody moves in the empty home"
            assert timedelta(minutes=18) < seen[returns].at - seen[leaves].at < 2 * HOUR


def test_the_same_seed_and_date_are_the_same_day_and_others_are_not() -> None:
    assert list(Day(MONTH[0], 7, ZONE)) == list(Day(MONTH[0], 7, ZONE))
    assert list(Day(MONTH[0], 7, ZONE)) != list(Day(MONTH[0], 8, ZONE))
    times = {tuple(moment.at.time() for moment in Day(day, 7, ZONE)) for day in MONTH}
    assert len(times) == 30
    assert len({Habits.of(seed) for seed in range(100)}) == 100


def test_a_life_goes_on_over_midnight_from_any_moment() -> None:
    since = datetime(2026, 11, 3, 15, 30, tzinfo=UTC)
    lived = list(islice(days.live(7, since, ZONE), 1000))
    expected = [moment for day in MONTH[2:8] for moment in Day(day, 7, ZONE) if moment.at > since]
    assert lived == expected[:1000]


def test_days_with_23_and_25_hours_leave_no_hole() -> None:
    for zone, month in ((ZoneInfo("America/New_York"), 3), (ZoneInfo("America/New_York"), 11)):
        moments = [m for n in range(15) for m in Day(date(2026, month, 1) + timedelta(days=n), 3, zone)]
        assert moments == sorted(moments)
        assert max(b.at - a.at for a, b in pairwise(moments)) < 5 * HOUR


def test_the_living_room_is_warmest_in_the_afternoon() -> None:
    degrees = [days.temperature(1, datetime(2026, 11, 3, hour, tzinfo=ZONE), ZONE) for hour in range(24)]
    assert degrees.index(max(degrees)) == 15
    assert degrees.index(min(degrees)) == 3
    assert all(15 < degree < 27 for degree in degrees)
