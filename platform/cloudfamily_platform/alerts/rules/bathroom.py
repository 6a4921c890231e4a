"""In the bathroom for too long. Somebody is there from the first movement in it after the last one elsewhere.

Telecare calls it "extended bathroom stay"; an hour by day is its usual setting, and at night a visit is shorter.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta

from cloudfamily_platform.alerts.rules import sense
from cloudfamily_platform.alerts.rules.sense import Clock, Facts, Rule, Sense, Span, Verdict
from cloudfamily_platform.core import quantity

KIND = "bathroom_long"


def here(one: Sense) -> bool:
    return one.room == "bathroom"


def elsewhere(one: Sense) -> bool:
    return one.room != "bathroom"


def needs(facts: Facts) -> str | None:
    """Without a sensor at the bed, somebody who went back to bed would seem to be in the bathroom all night."""
    if not any(one.is_motion for one in facts.of(quantity.MOTION, here)):
        return "bathroom_motion"
    at_bed = any(one.kind == "bed" or (one.room == "bedroom" and one.is_motion) for one in facts.senses if not one.out)
    return None if at_bed else "bedroom_sensor"


def judge(facts: Facts, numbers: Mapping[str, float], clocks: Mapping[str, time], now: datetime) -> Verdict:
    """Nobody in it: whoever goes in now cannot be there too long before the limit has passed."""
    at_night = sense.window(clocks["night_from"], clocks["night_to"], now, facts.zone)[0] <= now
    limit = timedelta(minutes=numbers["night_minutes" if at_night else "minutes"])
    soonest = timedelta(minutes=min(numbers["night_minutes"], numbers["minutes"]))
    entered = facts.entered_at
    in_bed = any(one.is_on and not one.out for one in facts.of(quantity.BED))
    if entered is None or in_bed:
        return Verdict(None, now + soonest)
    since = max(entered, facts.watched_from)
    if now - since < limit:
        return Verdict(None, min(since + limit, now + soonest))
    if facts.episode == since:
        return Verdict(None, now + soonest, since)
    params: dict[str, object] = {"minutes": sense.minutes(now - since), "limit_minutes": sense.minutes(limit), "since": sense.shown(since, facts.zone)}
    return Verdict(sense.told(KIND, params), now + soonest, since)


RULE = Rule(
    kind=KIND,
    usual=True,
    settings={
        "minutes": Span(usual=60, least=10, most=600, unit="min"),
        "night_minutes": Span(usual=45, least=10, most=600, unit="min"),
        "night_from": Clock(usual="22:00"),
        "night_to": Clock(usual="06:00"),
    },
    needs=needs,
    judge=judge,
)
