"""What counts as a hazard: facts in, a hazard or nothing out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cloudfamily_platform.alerts.rules import signals

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "severity"),
    [
        ("sos", "critical"), ("fall", "critical"), ("smoke", "critical"), ("gas", "critical"),
        ("water_leak", "high"), ("device_silent", "low"), ("battery_low", "low"),
    ],
)  # fmt: skip
def test_a_signal_is_a_hazard_at_once(kind: str, severity: str) -> None:
    hazard = signals.judge(kind, {"minutes": 130, "percent": 9}, "WX-001-hub")
    assert (hazard.kind, hazard.severity, hazard.why) == (kind, severity, kind)
    assert hazard.params == {"device": "WX-001-hub", "minutes": 130, "percent": 9}


@pytest.mark.parametrize("kind", ["unreadable", "SOS", "", "alarm-9"])
def test_a_signal_that_nobody_understands_is_a_call_for_help(kind: str) -> None:
    hazard = signals.judge(kind, {}, "old-button")
    assert (hazard.kind, hazard.severity, hazard.why) == ("sos", "critical", "unreadable_signal")
    assert hazard.params == {"device": "old-button", "said": kind}
