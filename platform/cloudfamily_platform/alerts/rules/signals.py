"""Signals that are a hazard at once: presses, falls, smoke, and what the gateway noticed about a device or a value."""

from __future__ import annotations

from collections.abc import Mapping

from cloudfamily_platform.alerts.rules.hazard import Hazard, Severity
from cloudfamily_platform.people import vitals

SEVERITY: dict[str, Severity] = {
    "sos": "critical",
    "fall": "critical",
    "smoke": "critical",
    "gas": "critical",
    "co": "critical",
    "water_leak": "high",
    "tamper": "low",
    "device_silent": "low",
    "hub_silent": "high",
    "gateway_dark": "high",
    "district_dark": "high",
    "building_dark": "high",
    "flapping": "low",
    "battery_low": "low",
    "geofence": "high",
    # A vital sign past its limit, and past one at which life is in danger.
    **dict.fromkeys(vitals.KINDS, "high"),
    **{f"{kind}_urgent": "critical" for kind in vitals.KINDS},
}
#: Signals that are no hazard: `test` proves that a device works, `back` that one we were told of speaks again.
NO_HAZARD = ("test", "back")
#: Why it is out of reach, where the device's last will says so rather than its silence.
OFFLINE = {"device_silent": "device_offline", "hub_silent": "hub_offline"}
#: Why, where a detail is missing: some devices only say that a battery is low, and what the database refuses is kept bare.
BARE = {"geofence": ("distance_m", "geofence_bare"), "battery_low": ("percent", "battery_low_said")}
BARE |= {kind: ("", "vital_bare") for kind in SEVERITY if kind.removesuffix("_urgent") in vitals.KINDS}
#: How the end of a hazard is said in the timeline, where it is not that a device speaks again.
RECOVERED = {"geofence": "came_back"} | {kind: "back_in_range" for kind in SEVERITY if kind.removesuffix("_urgent") in vitals.KINDS}


def judge(kind: str, detail: Mapping[str, object], device: str) -> Hazard:
    """Every signal but those of NO_HAZARD is a hazard: one of a kind that we do not know, or cannot read, is taken for a call for help."""
    needed, bare = BARE.get(kind, ("", ""))
    if bare and needed not in detail:
        return Hazard(kind=kind, severity=SEVERITY[kind], why=bare, params={"device": device, **detail})
    if kind in SEVERITY:
        why = OFFLINE.get(kind, kind) if detail.get("reason") == "offline" else kind
        return Hazard(kind=kind, severity=SEVERITY[kind], why=why, params={"device": device, **detail})
    return Hazard(kind="sos", severity="critical", why="unreadable_signal", params={"device": device, "said": kind})
