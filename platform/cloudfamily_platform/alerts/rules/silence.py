"""No movement past the home's limit. A lazy deadline: it looks when it is due and says when to look next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cloudfamily_platform.alerts.rules.hazard import Hazard


@dataclass(frozen=True)
class Verdict:
    hazard: Hazard | None
    look_again_at: datetime


def judge(last_movement_at: datetime, silence_minutes: int, now: datetime) -> Verdict:
    """A hazard once the home has been still for its limit; it is said again each time the limit passes once more."""
    limit = timedelta(minutes=silence_minutes)
    if now - last_movement_at < limit:
        return Verdict(None, last_movement_at + limit)
    minutes = int((now - last_movement_at).total_seconds() // 60)
    params = {"minutes": minutes, "limit_minutes": silence_minutes, "since": last_movement_at.isoformat()}
    return Verdict(Hazard(kind="no_movement", severity="high", why="no_movement", params=params), now + limit)
