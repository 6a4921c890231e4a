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
    "battery_low": "low",
}


def judge(kind: str, detail: Mapping[str, object], device: str) -> Hazard:
    """Every signal is a hazard: one of a kind that we do not know, or cannot read, is taken for a call for help."""
    if kind == "battery_low" and "percent" not in detail:  # some devices only say that it is low
        return Hazard(kind=kind, severity=SEVERITY[kind], why="battery_low_said", params={"device": device, **detail})
    if kind in SEVERITY:
        return Hazard(kind=kind, severity=SEVERITY[kind], why=kind, params={"device": device, **detail})
    return Hazard(kind="sos", severity="critical", why="unreadable_signal", params={"device": device, "said": kind})
