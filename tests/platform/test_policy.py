"""Who hears when: the turns of an open alert, and how long somebody may hold one without progress."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from cloudfamily_platform.alerts import policy
from cloudfamily_platform.core import texts

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


@pytest.mark.parametrize(("state", "seconds"), [("accepted", 600), ("on_the_way", 2700), ("there", 14400), ("inside", 14400)])
def test_patience(state: str, seconds: int) -> None:
    assert policy.patience(policy.parse(PLAN), state) == timedelta(seconds=seconds)
    assert policy.patience(policy.parse(PLAN | {"inside_s": 60}), "inside") == timedelta(seconds=60)


@pytest.mark.parametrize(("step", "reached", "wait_s"), [(0, True, 30), (0, False, 0), (1, False, 0), (2, False, 120), (3, False, 120), (9, False, 3600)])
def test_a_turn_that_reaches_nobody_is_not_waited_for(step: int, reached: bool, wait_s: int) -> None:
    assert policy.wait_after(policy.parse(PLAN), step, reached=reached) == timedelta(seconds=wait_s)


def test_a_turn_that_is_to_reach_nobody_is() -> None:
    quiet = policy.parse(PLAN | {"steps": [{"after_s": 0, "tell": [], "offer": 0}, {"after_s": 600, "tell": ["family"], "offer": 0}]})
    assert policy.wait_after(quiet, 0, reached=False) == timedelta(seconds=600)


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


@pytest.mark.parametrize("plan", [{}, {"steps": []}, "tea", PLAN | {"repaets": 3}])
def test_where_a_plan_cannot_be_read_the_built_in_one_is_in_force(plan: object) -> None:
    assert not policy.readable(plan)
    assert policy.in_force(plan) is policy.DEFAULT
    assert policy.problems(policy.DEFAULT) == []


def step(**more: Any) -> dict[str, Any]:
    return {"after_s": 0, "tell": ["family"], "offer": 1, **more}


@pytest.mark.parametrize(
    ("change", "sentences"),
    [
        ({}, []),
        ({"inside_s": 900, "checkin_s": 900, "steps": [step(by=["sms", "telegram"]), step(after_s=5, tell=["neighbours", "family:20"])]}, []),
        ({"steps": []}, ["The plan has no steps: an alarm would end in nobody. Write at least one."]),
        ({"steps": [step(after_s=10)]}, ["Step 1 begins after 10 s: the first step begins at once, write after_s 0."]),
        ({"steps": [step(), step(after_s=4)]}, ["Step 2 begins after 4 s: write 5 or more, at least 5 s after"]),
        ({"steps": [step(), step(after_s=60), step(after_s=30)]}, ["Step 3 begins after 30 s: write 65 or more"]),
        ({"steps": [step(tell=["familly", "family:0"])]}, ['Step 1 tells "familly": write family,', 'Step 1 tells "family:0": write']),
        ({"steps": [step(by=["SMS!"])]}, ['Step 1 goes by "SMS!": write a channel']),
        ({"steps": [step(offer=99)]}, ["Step 1 asks 99 responders: write 0 to 20."]),
        ({"steps": [step(), step(after_s=9, tell=[], offer=0)]}, ["Step 2 is the last, and it is the one that is said again, but it tells nobody"]),
        ({"steps": [step(after_s=n * 5) for n in range(21)]}, ["The plan has 21 steps: at most 20."]),
        ({"repeat_s": 1, "accepted_s": 0}, ["repeat_s is 1: write 5 to 604800.", "accepted_s is 0: write 30 to 604800."]),
    ],
)
def test_what_is_wrong_with_a_plan_is_said_step_by_step(change: dict[str, Any], sentences: list[str]) -> None:
    found = [str(texts.said("en", problem)) for problem in policy.problems(msgspec.convert(PLAN | change, policy.Policy))]
    assert [(one[: len(start)], len(found)) for one, start in zip(found, sentences, strict=True)] == [(start, len(sentences)) for start in sentences]
