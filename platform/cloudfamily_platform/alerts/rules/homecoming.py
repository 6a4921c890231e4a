"""Not back home by the hour: the door was used last, and nothing has moved inside since. The hour is set for each home."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time

from cloudfamily_platform.alerts.rules import door, sense
from cloudfamily_platform.alerts.rules.sense import Clock, Facts, Rule, Sense, Verdict
from cloudfamily_platform.core import quantity

KIND = "not_home"


def inside(one: Sense) -> bool:
    return not door.leads_out(one)


def needs(facts: Facts) -> str | None:
    if not any(door.leads_out(one) and not one.out for one in facts.senses):
        return "door_sensor"
    return None if any(one.is_motion and not one.out for one in facts.senses) else "motion_sensor"


def judge(facts: Facts, numbers: Mapping[str, float], clocks: Mapping[str, time], now: datetime) -> Verdict:
    """Only a door that opens or closes is used; that it is still closed, is not."""
    by = sense.last_before(clocks["by"], now, facts.zone)
    tomorrow = by + sense.A_DAY
    left = max((one.since for one in facts.of(quantity.DOOR, door.leads_out) if one.since and one.other_at and not one.out), default=None)
    moved = facts.moved_at(inside)
    if left is None or left < facts.watched_from or left > by or facts.episode == by or (moved is not None and moved > left):
        return Verdict(None, tomorrow, facts.episode)
    params: dict[str, object] = {"by": sense.shown(by, facts.zone), "since": sense.shown(left, facts.zone)}
    return Verdict(sense.told(KIND, params), tomorrow, by)


RULE = Rule(kind=KIND, usual=False, settings={"by": Clock()}, needs=needs, judge=judge)
