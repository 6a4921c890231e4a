"""No meal: nothing has moved in the kitchen (a fridge, a stove and their doors belong to it) for so many hours. Set for each home."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta

from cloudfamily_platform.alerts.rules import sense
from cloudfamily_platform.alerts.rules.sense import Facts, Rule, Sense, Span, Verdict

KIND = "no_meal"


def in_kitchen(one: Sense) -> bool:
    return one.room == "kitchen"


def needs(facts: Facts) -> str | None:
    return None if any(in_kitchen(one) and (one.is_motion or one.kind == "door") and not one.out for one in facts.senses) else "kitchen_sensor"


def judge(facts: Facts, numbers: Mapping[str, float], clocks: Mapping[str, time], now: datetime) -> Verdict:
    limit = timedelta(hours=numbers["hours"])
    last = max(facts.moved_at(in_kitchen) or facts.watched_from, facts.watched_from)
    if now - last < limit:
        return Verdict(None, last + limit)
    if facts.episode == last:
        return Verdict(None, now + sense.SOON * 6, last)
    params: dict[str, object] = {"hours": sense.minutes(now - last) // 60, "limit_hours": f"{numbers['hours']:g}"}
    return Verdict(sense.told(KIND, params), now + sense.SOON * 6, last)


RULE = Rule(kind=KIND, usual=False, settings={"hours": Span(usual=16, least=4, most=48, unit="h")}, needs=needs, judge=judge, back=timedelta(days=3))
