"""A device that raises the same again and again: one line that counts, in place of an alert each time. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from cloudfamily_platform.alerts.rules.hazard import Hazard, Severity

#: More rises of one kind than this within so long are no news; with their own alert each, people would stop reading them.
MOST_RISES, WITHIN = 5, timedelta(hours=1)
#: Of low severity already the second is no news, when the alert of the first was closed less than this ago.
CLOSED_WITHIN = timedelta(minutes=10)
#: Without a rise for this long it has settled: what still stands then is an alert of its own, after all.
CALM = timedelta(minutes=10)


def flaps(severity: Severity, rises: int, closed_at: datetime | None, now: datetime) -> bool:
    """`rises`: of this kind by this device within `WITHIN`, with this one; `closed_at`: when its last alert was. Life safety never flaps."""
    if severity == "critical":
        return False
    again = severity == "low" and closed_at is not None and now - closed_at < CLOSED_WITHIN
    return again or rises > MOST_RISES


def hazard(device: str, times: int) -> Hazard:
    return Hazard(kind="flapping", severity="low", why="flapping", params={"device": device, "times": times})
