"""Signals that are a hazard at once: presses, falls, smoke, and what the gateway noticed about a device."""

from __future__ import annotations

from collections.abc import Mapping

from cloudfamily_platform.alerts.rules.hazard import Hazard, Severity

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
}
#: Signals that are no hazard: `test` proves that a device works, `back` that one we were told of speaks again.
NO_HAZARD = ("test", "back")
#: Why it is out of reach, where the device's last will says so rather than its silence.
OFFLINE = {"device_silent": "device_offline", "hub_silent": "hub_offline"}


def judge(kind: str, detail: Mapping[str, object], device: str) -> Hazard:
    """Every signal but those of NO_HAZARD is a hazard: one of a kind that we do not know, or cannot read, is taken for a call for help."""
    if kind == "battery_low" and "percent" not in detail:  # some devices only say that it is low
        return Hazard(kind=kind, severity=SEVERITY[kind], why="battery_low_said", params={"device": device, **detail})
    if kind in SEVERITY:
        why = OFFLINE.get(kind, kind) if detail.get("reason") == "offline" else kind
        return Hazard(kind=kind, severity=SEVERITY[kind], why=why, params={"device": device, **detail})
    return Hazard(kind="sos", severity="critical", why="unreadable_signal", params={"device": device, "said": kind})
