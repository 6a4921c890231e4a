"""Whether a device is alive: dead, or only quiet, is decided by what its model promises. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from cloudfamily_gateway.models import Promise

#: A connection that comes back this soon was never lost; the `link` query looks as soon.
OFFLINE_GRACE = timedelta(seconds=30)
#: Whoever promises nothing is looked at as often, for its battery.
QUIET = timedelta(days=1)
#: Whoever is out is looked at as often, so that its return is seen soon: a hub, and any other device.
HUB_AGAIN, DEVICE_AGAIN = timedelta(minutes=1), timedelta(minutes=5)


class Facts(NamedTuple):
    promise: Promise
    #: Without a word for this long, it is silent.
    limit: timedelta
    #: Its last reading, in the time looked back to.
    last_at: datetime | None
    #: Silence counts from here at the earliest: when it was bound, came back, or was given time after our own blindness.
    watched_from: datetime
    #: Its last will or its bridge says that it is away.
    offline_since: datetime | None
    is_hub: bool


class Verdict(NamedTuple):
    #: None: alive, as far as its promise goes.
    out: Literal["silent", "offline"] | None
    #: Its last word, or when it went away.
    since: datetime
    look_again_at: datetime


def judge(facts: Facts, now: datetime) -> Verdict:
    """A last will counts for every device; silence only for one that promised to speak."""
    last = max(facts.last_at or facts.watched_from, facts.watched_from)
    again = now + (HUB_AGAIN if facts.is_hub else DEVICE_AGAIN)
    away = facts.offline_since
    if away is not None and (facts.last_at is None or facts.last_at <= away):
        if now - away >= OFFLINE_GRACE:
            return Verdict("offline", away, again)
        return Verdict(None, last, away + OFFLINE_GRACE)
    if facts.promise == "events":
        return Verdict(None, last, now + QUIET)
    if now - last >= facts.limit:
        return Verdict("silent", last, again)
    return Verdict(None, last, last + facts.limit)
