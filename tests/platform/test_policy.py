"""Who hears when: the turns of an open alert, and how long somebody may hold one without progress."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from cloudfamily_platform.alerts import policy

PLAN: dict[str, Any] = {
    "steps": [
        {"after_s": 0, "tell": ["family:1"], "offer": 2},
        {"after_s": 30, "tell": ["family", "operators"], "offer": 3},
        {"after_s": 90, "tell": ["supervisors"], "offer": 0},
    ],
    "repeat_s": 120, "repeats": 2, "offer_s": 45, "accepted_s": 600, "on_the_way_s": 2700, "there_s": 14400,
}  # fmt: skip


@pytest.mark.parametrize(
    ("step", "tell", "offer", "wait_s"),
    [
        (0, ("family:1",), 2, 30),
        (1, ("family", "operators"), 3, 60),
        (2, ("supervisors",), 0, 120),  # the last step …
        (3, ("supervisors",), 0, 120),  # … is said again, twice
        (4, ("supervisors",), 0, 3600),  # and then hourly
        (500, ("supervisors",), 0, 3600),  # an open alert never falls silent
    ],
)
def test_a_turn(step: int, tell: tuple[str, ...], offer: int, wait_s: int) -> None:
    assert policy.turn(policy.parse(PLAN), step) == policy.Turn(tell, offer, timedelta(seconds=wait_s))


@pytest.mark.parametrize(("state", "seconds"), [("accepted", 600), ("on_the_way", 2700), ("there", 14400)])
def test_patience(state: str, seconds: int) -> None:
    assert policy.patience(policy.parse(PLAN), state) == timedelta(seconds=seconds)


@pytest.mark.parametrize("missing", ["steps", "repeat_s", "accepted_s"])
def test_a_plan_lacks_something(missing: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=missing):
        policy.parse({name: value for name, value in PLAN.items() if name != missing})


@pytest.mark.parametrize("wrong", [{"steps": [{"after_s": 0, "tell": "family", "offer": 1}]}, {"repeat_s": "often"}, {"repaets": 3}])
def test_a_plan_of_another_shape(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        policy.parse(PLAN | wrong)


def test_a_plan_without_steps_would_end_in_nobody() -> None:
    with pytest.raises(ValueError, match="at least one step"):
        policy.parse(PLAN | {"steps": []})
