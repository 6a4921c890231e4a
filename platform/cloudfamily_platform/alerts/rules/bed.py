"""Out of bed for too long at night: left it in the hours of sleep and not back within the limit, whatever moves elsewhere.

The usual meaning of a telecare bed sensor; who gets up so late that the limit ends after the night has got up for the day.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta

from cloudfamily_platform.alerts.rules import sense
from cloudfamily_platform.alerts.rules.sense import Clock, Facts, Rule, Span, Verdict
from cloudfamily_platform.core import quantity

KIND = "out_of_bed"


def needs(facts: Facts) -> str | None:
    return None if any(one.kind == "bed" and not one.out for one in facts.senses) else "bed_sensor"


def judge(facts: Facts, numbers: Mapping[str, float], clocks: Mapping[str, time], now: datetime) -> Verdict:
    limit = timedelta(minutes=numbers["minutes"])
    soonest = max(now, sense.window(clocks["night_from"], clocks["night_to"], now, facts.zone)[0]) + limit
    beds = [one for one in facts.of(quantity.BED, lambda one: one.kind == "bed" and not one.out) if one.is_on is not None]
    # Of who had never lain in it, nobody knows that they left.
    left = max((one.since for one in beds if one.since and one.other_at), default=None)
    if any(one.is_on for one in beds) or left is None or left < facts.watched_from:
        return Verdict(None, soonest)
    # The night in which they left, also if we look only when it is over.
    starts, ends = sense.window(clocks["night_from"], clocks["night_to"], left, facts.zone)
    if left < starts or left + limit > ends:
        return Verdict(None, soonest)
    if now - left < limit:
        return Verdict(None, left + limit)
    if facts.episode == left:
        return Verdict(None, soonest, left)
    params: dict[str, object] = {"minutes": sense.minutes(now - left), "limit_minutes": sense.minutes(limit), "since": sense.shown(left, facts.zone)}
    return Verdict(sense.told(KIND, params), soonest, left)


RULE = Rule(
    kind=KIND,
    usual=True,
    settings={"minutes": Span(usual=30, least=5, most=300, unit="min"), "night_from": Clock(usual="22:00"), "night_to": Clock(usual="06:00")},
    needs=needs,
    judge=judge,
    senses=(quantity.BED,),
)
