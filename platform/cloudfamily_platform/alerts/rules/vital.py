"""A vital sign past a limit: its severity, and the NEWS2 score of what else is known. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from cloudfamily_platform.alerts.rules import signals
from cloudfamily_platform.alerts.rules.hazard import Hazard
from cloudfamily_platform.people import vitals

#: NEWS2 asks for new values every 4 to 6 hours at a score of 1 to 4 (RCP 2017, chart 4): older ones are not added up.
RECENT_HOURS = 6
KINDS = frozenset(name for kind in vitals.KINDS for name in (kind, f"{kind}_urgent"))
#: As people write them; what is not known has none.
SHOWN = {"respiration": "{:g}", "spo2": "{:g} %", "systolic": "{:g} mmHg", "heart_rate": "{:g}", "body_temperature": "{:g} °C"}


def judge(kind: str, detail: Mapping[str, object], device: str, recent: Mapping[str, float], scale: int) -> Hazard | None:
    """None: NEWS2 gives this value 2 points, and with the others it is still below 5.

    Past its limit it is high, and critical where it is urgent or NEWS2 is 7 and more (an emergency response). `recent`: the last
    values of the same elder by quantity, this one among them.
    """
    name, value, limit, band = str(detail.get("quantity")), detail.get("value"), detail.get("limit"), detail.get("band")
    if name not in vitals.DEFAULTS or not isinstance(value, int | float) or not isinstance(limit, int | float) or not isinstance(band, int):
        return signals.judge(kind, {}, device)  # kept bare: what it measured is lost, that it did is not
    scored = {one: number for one, number in {**recent, name: float(value)}.items() if one in vitals.SCORED}
    score = vitals.news2(scored, scale)
    together = len(scored) > 1 and name in vitals.SCORED and score >= vitals.AGGREGATE_URGENT
    # Another that scores 3 has called people already, with this one in its score.
    called = score < vitals.AGGREGATE_EMERGENCY and any(vitals.points(one, number, scale) == 3 for one, number in scored.items())
    if band == vitals.NOTED and (not together or called):
        return None
    urgent = band == vitals.URGENT or (together and score >= vitals.AGGREGATE_EMERGENCY)
    alarm = vitals.kind(name, vitals.URGENT if urgent else vitals.PAST)
    if together:
        parts: dict[str, object] = {one: part(one, scored, scale) for one in vitals.SCORED}
        return Hazard(kind=alarm, severity=signals.SEVERITY[alarm], why="news2", params={"device": device, "score": score, **parts})
    params: dict[str, object] = {"device": device, "value": f"{value:g}", "limit": f"{limit:g}"}
    return Hazard(kind=alarm, severity=signals.SEVERITY[alarm], why=f"{name}_{detail.get('side')}", params=params)


def part(name: str, scored: Mapping[str, float], scale: int) -> str:
    """`88 % (3)`: the value and its points."""
    if name not in scored:
        return "—"
    return f"{SHOWN[name].format(scored[name])} ({vitals.points(name, scored[name], scale)})"
