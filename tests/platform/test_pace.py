"""pace: rates, circuit breakers, back-off and quiet hours, as functions of the time alone."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from cloudfamily_platform.alerts import pace
from cloudfamily_platform.alerts.channel import Limits

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")


def later(**span: float) -> datetime:
    return NOW + timedelta(**span)


def test_a_bucket_holds_a_burst_and_fills_at_its_rate() -> None:
    limits = Limits(per_second=25, burst=5)
    state = pace.filled(pace.State(name="telegram"), limits, NOW)
    assert state.tokens == 5
    empty = pace.State(name="telegram", tokens=0, filled_at=NOW)
    assert pace.filled(empty, limits, later(seconds=0.1)).tokens == pytest.approx(2.5)
    assert pace.filled(empty, limits, later(hours=1)).tokens == 5
    assert pace.filled(empty, limits, later(seconds=-5)).tokens == 0  # another machine's clock is a little behind


def broken() -> pace.State:
    state = pace.State(name="telegram")
    for person in (1, 2, 3, 1, 2):
        state = pace.after(state, person, failed=True, now=NOW)
    return state


def test_five_failures_in_a_row_to_three_people_break_it() -> None:
    state = broken()
    assert (state.open_until, pace.health(state, NOW), pace.health(state, later(seconds=30))) == (later(seconds=30), "broken", "probe")


def test_one_persons_trouble_breaks_nothing() -> None:
    state = pace.State(name="webhook")
    for person in [1, 2] * 50:
        state = pace.after(state, person, failed=True, now=NOW)
    assert pace.health(state, NOW) == "works"


def test_a_success_between_them_breaks_nothing() -> None:
    state = pace.State(name="webhook")
    for person in range(50):
        state = pace.after(state, person, failed=person % 4 != 0, now=NOW)
    assert pace.health(state, NOW) == "works"


def test_the_probe_mends_it_or_breaks_it_for_longer() -> None:
    at, state, waits = later(seconds=30), broken(), []
    for _ in range(5):
        state = pace.probing(state, at)
        assert pace.health(state, at) == "broken"  # one probe at a time
        state = pace.after(state, 9, failed=True, now=at)
        waits.append(((state.open_until or at) - at).total_seconds())
        at = state.open_until or at
    assert waits == [60, 120, 240, 300, 300]
    mended = pace.after(pace.probing(state, at), 9, failed=False, now=at)
    assert mended == pace.State(name="telegram")


def test_one_that_was_on_its_way_when_it_broke_changes_nothing_and_a_dead_prober_is_replaced() -> None:
    state = broken()
    assert pace.after(state, 7, failed=True, now=later(seconds=5)).open_until == state.open_until
    probe = pace.probing(state, later(seconds=30))
    assert pace.health(probe, later(seconds=30 + pace.PROBE_SECONDS)) == "probe"


def test_waits_grow_and_differ() -> None:
    waits = [pace.retry(1, pace.RETRY_SECONDS, number, None) for number in range(100)]
    assert len(set(waits)) == 100
    assert all(wait and 2 <= wait.total_seconds() < 2.5 for wait in waits)
    assert waits == [pace.retry(1, pace.RETRY_SECONDS, number, None) for number in range(100)]  # and are the same at each run
    assert pace.retry(len(pace.RETRY_SECONDS) + 1, pace.RETRY_SECONDS, 1, None) is None
    assert pace.retry(1, pace.RETRY_SECONDS, 1, 40.0) == timedelta(seconds=40)


@pytest.mark.parametrize(
    ("local", "begins", "ends", "until"),
    [
        ("21:59", "22:00", "07:00", None),
        ("22:00", "22:00", "07:00", "24 07:00"),
        ("23:30", "22:00", "07:00", "24 07:00"),
        ("06:59", "22:00", "07:00", "23 07:00"),
        ("07:00", "22:00", "07:00", None),
        ("13:00", "12:30", "14:00", "23 14:00"),
        ("14:00", "12:30", "14:00", None),
        ("13:00", "13:00", "13:00", None),
    ],
)
def test_quiet_hours(local: str, begins: str, ends: str, until: str | None) -> None:
    now = datetime.combine(NOW.date(), time.fromisoformat(local), SHANGHAI)
    found = pace.quiet_until(now.astimezone(UTC), time.fromisoformat(begins), time.fromisoformat(ends), SHANGHAI)
    assert (found.strftime("%d %H:%M") if found else None) == until


def test_quiet_hours_over_the_end_of_summer_time() -> None:
    night = datetime(2026, 10, 24, 23, 0, tzinfo=BERLIN)
    assert pace.quiet_until(night, time(22), time(7), BERLIN) == datetime(2026, 10, 25, 6, 0, tzinfo=UTC)
    assert pace.quiet_until(night, None, None, BERLIN) is None
