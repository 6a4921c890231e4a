"""Too little water used: less than so many litres in so many hours. Set for each home with a meter.

Changning (Shanghai) tells its communities of less than 0.01 m³ in 12 h, and a volunteer looks in.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta

from cloudfamily_platform.alerts.rules import sense
from cloudfamily_platform.alerts.rules.sense import Facts, Rule, Span, Verdict

KIND = "no_water"
LOOK_EVERY = timedelta(hours=1)
#: After our own deafness a meter gets as long to say what it has counted meanwhile.
TIME_TO_SAY = timedelta(hours=2)


def needs(facts: Facts) -> str | None:
    return None if facts.meters else "water_meter"


def judge(facts: Facts, numbers: Mapping[str, float], clocks: Mapping[str, time], now: datetime) -> Verdict:
    """A meter that is out, or not known for the whole time, says nothing. `facts.meters` count from the beginning of the window.

    Told once, until the use was enough again: `episode` is then the first look that found too little.
    """
    hours = timedelta(hours=numbers["hours"])
    known = [one for one in facts.meters if not one.out and one.from_at and one.from_at <= now - hours]
    if not known or facts.watched_from > now - TIME_TO_SAY:
        return Verdict(None, now + LOOK_EVERY, facts.episode)
    litres = sum(one.litres for one in known)
    if litres >= numbers["litres"]:
        return Verdict(None, now + LOOK_EVERY)
    if facts.episode is not None:
        return Verdict(None, now + LOOK_EVERY, facts.episode)
    params: dict[str, object] = {"litres": f"{litres:.1f}", "hours": f"{numbers['hours']:g}", "limit_litres": f"{numbers['litres']:g}"}
    return Verdict(sense.told(KIND, params), now + LOOK_EVERY, now)


RULE = Rule(
    kind=KIND,
    usual=False,
    settings={"litres": Span(usual=10, least=0.1, most=1000, unit="L"), "hours": Span(usual=12, least=2, most=72, unit="h")},
    needs=needs,
    judge=judge,
    senses=(),
)
