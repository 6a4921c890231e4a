"""routine and silence, pure: what a home is used to, and when a stillness is too long."""

from __future__ import annotations

import json
from datetime import datetime
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as some

from cloudfamily_platform.alerts.rules import silence
from cloudfamily_platform.alerts.rules.routine import DAY, HOUR, LONGEST_AWAY, MINUTE, SHORTEST_AWAY, Event, Routine, rank

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = int(datetime(2026, 11, 2, tzinfo=ZONE).timestamp())


def lived(days: int, every: int) -> Routine:
    """Up from 7 to 22, heard in the living room as often as this."""
    routine = Routine(ZONE)
    routine.start(MONDAY + 7 * HOUR)
    for day in range(days):
        for at in range(MONDAY + day * DAY + 7 * HOUR, MONDAY + day * DAY + 22 * HOUR + 1, every):
            routine.hear(Event(at, "living", True))
            routine.hear(Event(at + 5, "living", False))
    return routine


def alarm(routine: Routine, now: int, **more: float) -> tuple[int, silence.Verdict]:
    """When it comes, if nothing more is heard, looked at as the stage does."""
    while True:
        verdict = silence.judge(routine, now, **more)  # type: ignore[arg-type]
        if verdict.hazard:
            return now, verdict
        now = verdict.look_again_at


def test_whoever_is_about_every_half_hour_is_missed_sooner_than_whoever_is_not() -> None:
    ten = MONDAY + 14 * DAY + 10 * HOUR
    found = []
    for every in (20 * MINUTE, 150 * MINUTE):
        routine = lived(14, every)
        routine.hear(Event(ten - HOUR, "living", True))
        routine.hear(Event(ten, "living", True))
        found.append(alarm(routine, ten)[0] - ten)
    assert silence.SHORTEST <= found[0] < found[1] <= silence.LONGEST + 15 * MINUTE


def test_a_night_is_no_stillness_but_a_morning_in_which_nobody_rises_is() -> None:
    routine = lived(14, 30 * MINUTE)
    evening = MONDAY + 13 * DAY + 22 * HOUR
    at, verdict = alarm(routine, evening)
    assert (verdict.state, verdict.hazard and verdict.hazard.why) == ("asleep", "no_movement_risen")
    assert MONDAY + 14 * DAY + 7 * HOUR < at < MONDAY + 14 * DAY + 11 * HOUR


def test_whoever_went_out_by_the_door_is_away_and_no_alarm_comes_for_days() -> None:
    routine, noon = lived(7, 30 * MINUTE), MONDAY + 7 * DAY + 12 * HOUR
    routine.hear(Event(noon - 60, "living", True))
    routine.hear(Event(noon, "door", True), "front door")
    routine.hear(Event(noon + 5, "door", False), "front door")
    assert silence.judge(routine, noon + 6 * HOUR).state == "away"
    at, verdict = alarm(routine, noon)
    assert (at - noon >= LONGEST_AWAY, verdict.hazard and verdict.hazard.why) == (True, "no_movement_gone")


def go_out(routine: Routine, at: int, hours: float) -> None:
    for moment in range(at - 2 * HOUR, at, 20 * MINUTE):
        routine.hear(Event(moment, "living", True))
        routine.hear(Event(moment + 5, "living", False))
    for moment in (at, at + int(hours * HOUR)):
        routine.hear(Event(moment, "door", True), "front door")
        routine.hear(Event(moment + 5, "door", False), "front door")
    routine.hear(Event(moment + 60, "living", True))
    routine.hear(Event(moment + 65, "living", False))


def test_whoever_is_never_out_for_long_is_missed_on_the_same_day() -> None:
    routine = lived(1, 30 * MINUTE)
    for day in range(1, 11):
        for hour in (9, 15):
            go_out(routine, MONDAY + day * DAY + hour * HOUR, 2)
    noon = MONDAY + 11 * DAY + 12 * HOUR
    routine.hear(Event(noon - 20 * MINUTE, "living", True))
    routine.hear(Event(noon - 5 * MINUTE, "living", True))
    routine.hear(Event(noon, "door", True), "front door")
    routine.hear(Event(noon + 5, "door", False), "front door")
    at, verdict = alarm(routine, noon)
    assert (verdict.hazard and verdict.hazard.why, at - noon - 5) == ("no_movement_gone", SHORTEST_AWAY)


def test_whoever_moves_inside_a_minute_after_the_door_has_not_gone_out() -> None:
    routine, noon = lived(7, 30 * MINUTE), MONDAY + 7 * DAY + 12 * HOUR
    routine.hear(Event(noon, "door", True), "front door")
    routine.hear(Event(noon + 5, "door", False), "front door")
    routine.hear(Event(noon + 60, "living", True))
    assert alarm(routine, noon)[0] - noon < 4 * HOUR


def test_whoever_rises_from_the_seat_long_after_the_door_had_not_gone_out() -> None:
    routine, noon = lived(7, 30 * MINUTE), MONDAY + 7 * DAY + 12 * HOUR
    for at, sensor, begins in ((0, "seat", True), (10, "door", True), (15, "door", False), (60 * MINUTE, "seat", False)):
        routine.hear(Event(noon + at, sensor, begins), "front door" if sensor == "door" else "")
    assert silence.judge(routine, noon + 90 * MINUTE).state == "home"


def test_after_an_alarm_the_home_is_looked_at_as_often_as_before_it() -> None:
    """She may rise or come back a minute later, and fall."""
    routine = lived(14, 30 * MINUTE)
    at, verdict = alarm(routine, MONDAY + 13 * DAY + 22 * HOUR)
    assert verdict.look_again_at - at <= silence.LOOK_EVERY


def test_an_evening_stillness_that_no_known_night_has_is_noticed_before_the_morning() -> None:
    routine, evening = lived(4, 30 * MINUTE), MONDAY + 4 * DAY + 20 * HOUR + 30 * MINUTE
    routine.hear(Event(evening, "living", True))
    assert alarm(routine, evening)[0] - evening <= 4 * HOUR


def test_a_home_of_which_nothing_was_ever_heard_is_judged() -> None:
    routine = Routine(ZONE)
    routine.start(MONDAY + 9 * HOUR)
    assert alarm(routine, MONDAY + 9 * HOUR)[0] - MONDAY - 9 * HOUR <= 4 * HOUR


def test_the_familys_limit_cuts_what_the_home_is_used_to() -> None:
    routine, noon = lived(7, 150 * MINUTE), MONDAY + 7 * DAY + 12 * HOUR
    routine.hear(Event(noon, "living", True))
    at, verdict = alarm(routine, noon, family_limit_minutes=60)
    assert (at - noon, verdict.hazard and verdict.hazard.why) == (HOUR, "no_movement")


def test_whoever_bears_fewer_false_alarms_waits_longer() -> None:
    routine, noon = lived(14, 60 * MINUTE), MONDAY + 14 * DAY + 12 * HOUR
    routine.hear(Event(noon, "living", True))
    assert alarm(routine, noon, bearable=0.1)[0] > alarm(routine, noon, bearable=10)[0]


def test_names_tell_which_door_leads_out() -> None:
    assert [rank(name) for name in ("front door", "door", "entryway", "bedroom door", "living")] == [3, 2, 1, 0, 0]


EVENTS = some.lists(
    some.tuples(some.integers(-60, 9 * HOUR), some.sampled_from(("living", "bed", "front door", "kitchen")), some.booleans()), min_size=1, max_size=60
)


@settings(max_examples=60, deadline=None)
@given(EVENTS, some.integers(0, 6 * DAY), some.floats(0.01, 100), some.one_of(some.none(), some.integers(10, 10_080)))
def test_whatever_is_heard_the_rule_says_when_it_looks_again(events: list[tuple[int, str, bool]], later: int, bearable: float, family: int | None) -> None:
    routine, at = Routine(ZONE), MONDAY
    routine.start(at)
    for gap, sensor, begins in events:
        at += gap
        routine.hear(Event(at, sensor, begins))
    now = max(at, routine.heard) + later
    verdict = silence.judge(routine, now, bearable, family)
    assert now < verdict.look_again_at <= now + max(LONGEST_AWAY, (family or 0) * MINUTE)
    saved = Routine.from_json(ZONE, json.loads(json.dumps(routine.to_json())))
    assert silence.judge(saved, now, bearable, family) == verdict, "what is saved says the same"
    if verdict.hazard is not None:
        limit = verdict.hazard.params["limit_minutes"]
        assert isinstance(limit, int)
        assert min(family or 10_080, silence.SHORTEST // MINUTE) <= limit <= LONGEST_AWAY // MINUTE
