"""A door to the outside that stands open at night: forgotten, or somebody has gone out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta

from cloudfamily_platform.alerts.rules import sense
from cloudfamily_platform.alerts.rules.sense import INNER, Clock, Facts, Rule, Sense, Span, Verdict
from cloudfamily_platform.core import quantity

KIND = "door_open"


def leads_out(one: Sense) -> bool:
    return one.kind == "door" and one.room not in INNER


def needs(facts: Facts) -> str | None:
    return None if any(leads_out(one) for one in facts.senses) else "door_sensor"


def judge(facts: Facts, numbers: Mapping[str, float], clocks: Mapping[str, time], now: datetime) -> Verdict:
    """One left open in the evening counts from the beginning of the night; the last night counts also if we look when it is over."""
    limit = timedelta(minutes=numbers["minutes"])
    soonest = max(now, sense.window(clocks["night_from"], clocks["night_to"], now, facts.zone)[0]) + limit
    starts = sense.last_before(clocks["night_from"], now, facts.zone)
    ends = sense.next_after(clocks["night_to"], starts, facts.zone)
    doors = [(max(one.since, starts, facts.watched_from), one) for one in facts.of(quantity.DOOR, leads_out) if one.is_on and one.since and not one.out]
    open_at_night = [(since, one) for since, one in doors if since + limit <= ends]
    if not open_at_night:
        return Verdict(None, soonest)
    since, door = min(open_at_night, key=lambda pair: pair[0])
    if now - since < limit:
        return Verdict(None, since + limit)
    if facts.episode == since:
        return Verdict(None, soonest, since)
    params: dict[str, object] = {"device": door.code, "minutes": sense.minutes(now - since), "since": sense.shown(door.since or since, facts.zone)}
    return Verdict(sense.told(KIND, params), soonest, since)


RULE = Rule(
    kind=KIND,
    usual=True,
    settings={"minutes": Span(usual=15, least=2, most=300, unit="min"), "night_from": Clock(usual="22:00"), "night_to": Clock(usual="06:00")},
    needs=needs,
    judge=judge,
    senses=(quantity.DOOR,),
    of_somebody_at_home=False,
)
