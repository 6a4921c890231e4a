"""Which alerts of one home are one matter, and which of them speak. Pure.

1. Alerts of a home that are live together are one incident, whatever their kinds.
2. A critical one always speaks: it is told and escalates in full, and whoever has another of the incident hears of it first.
3. Any other that comes to a live critical one is a line of it: people are on their way for worse. It speaks once that is over,
   and at the latest after `LINE_LONGEST`.
4. Any other speaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from cloudfamily_platform.alerts.rules.hazard import Severity

LINE_LONGEST = timedelta(hours=1)


def line_of(severity: Severity, live: Sequence[dict[str, Any]]) -> int | None:
    """The alert of which a new one is a line; None: it speaks. `live`: the home's other live alerts with id and severity, oldest first."""
    if severity == "critical":
        return None
    return next((one["id"] for one in live if one["severity"] == "critical"), None)
