"""What counts as a hazard: facts in, a hazard or nothing out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cloudfamily_platform.alerts.rules import signals, silence

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


@pytest.mark.parametrize(
    ("still_minutes", "limit", "hazard", "look_again_in"),
    [
        (0, 480, False, 480),
        (479, 480, False, 1),
        (480, 480, True, 480),
        (481, 480, True, 480),
        (5000, 480, True, 480),
        (9, 10, False, 1),
        (-5, 10, False, 15),  # a sensor whose clock runs ahead
    ],
)
def test_a_home_is_still_for_too_long(still_minutes: int, limit: int, hazard: bool, look_again_in: int) -> None:
    last = NOW - timedelta(minutes=still_minutes)
    verdict = silence.judge(last, limit, NOW)
    assert verdict.look_again_at == NOW + timedelta(minutes=look_again_in)
    assert (verdict.hazard is not None) == hazard
    if verdict.hazard:
        assert (verdict.hazard.kind, verdict.hazard.severity) == ("no_movement", "high")
        assert verdict.hazard.params == {"minutes": still_minutes, "limit_minutes": limit, "since": last.isoformat()}
