"""Somebody who goes alone: when we ask whether all is well, and how long we wait for the answer. Pure.

Decisions of ours: we know of no standard that says how often.
"""

from __future__ import annotations

from datetime import timedelta

from cloudfamily_platform.alerts.policy import Policy

#: An answer is one press of a button; who drives has time to stop.
ANSWER = timedelta(minutes=2)
#: Nobody is asked more often than this.
LEAST = timedelta(minutes=5)
SLACK = timedelta(minutes=3)
#: Of whom we do not know where they started: the 15 minutes that a home is to be reached in.
UNKNOWN_S = 900
#: At the home, only alerts of these severities are worth a question to whoever is busy helping.
ASKED_THERE = ("critical", "high")


def first_look(travel_s: int | None) -> timedelta:
    """After they set off: half as long again as reckoned, and three minutes."""
    return max(LEAST, timedelta(seconds=1.5 * (UNKNOWN_S if travel_s is None else travel_s)) + SLACK)


def look_again(travel_s: int | None) -> timedelta:
    """After they have said that they are still on the way."""
    return max(LEAST, timedelta(seconds=0.5 * (UNKNOWN_S if travel_s is None else travel_s)))


def at_home(policy: Policy, severity: str, *, is_family: bool) -> timedelta | None:
    """How often who is there is asked; None: never. Family are at home there, and not alone with a stranger."""
    return None if is_family or severity not in ASKED_THERE else max(LEAST, timedelta(seconds=policy.checkin_s))
