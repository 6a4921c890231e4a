"""Not up by the usual time: nothing has moved outside the bedroom since the night. The time is set for each home."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta

from cloudfamily_platform.alerts.rules import sense
from cloudfamily_platform.alerts.rules.sense import Clock, Facts, Rule, Sense, Verdict
from cloudfamily_platform.core import quantity

KIND = "not_up"
#: After our own deafness she gets as long to show herself; one that has lasted until so long after the hour leaves it to "no movement".
TIME_TO_SHOW, TOO_LATE = timedelta(hours=1), timedelta(hours=6)


def outside_bedroom(one: Sense) -> bool:
    return one.room != "bedroom" and one.kind != "bed"


def needs(facts: Facts) -> str | None:
    seen = any(outside_bedroom(one) and (one.is_motion or one.kind == "door") and not one.out for one in facts.senses)
    return None if seen else "movement_outside_bedroom"


def judge(facts: Facts, numbers: Mapping[str, float], clocks: Mapping[str, time], now: datetime) -> Verdict:
    """`not_before`: what moves earlier is a way to the bathroom at night and shows nothing."""
    by = sense.last_before(clocks["by"], now, facts.zone)
    tomorrow = by + sense.A_DAY
    night_ends = sense.last_before(clocks["not_before"], by, facts.zone)
    moved = facts.moved_at(outside_bedroom)
    if facts.watched_from > by + TOO_LATE or facts.episode == by or (moved is not None and moved >= night_ends):
        return Verdict(None, tomorrow, facts.episode)
    if facts.watched_from > night_ends and now < facts.watched_from + TIME_TO_SHOW:
        return Verdict(None, facts.watched_from + TIME_TO_SHOW, facts.episode)
    in_bed = any(one.is_on and not one.out for one in facts.of(quantity.BED))
    params: dict[str, object] = {"by": sense.shown(by, facts.zone), "not_before": sense.shown(night_ends, facts.zone)}
    return Verdict(sense.told(KIND, params, "not_up_in_bed" if in_bed else None), tomorrow, by)


RULE = Rule(kind=KIND, usual=False, settings={"by": Clock(), "not_before": Clock(usual="04:30")}, needs=needs, judge=judge)
