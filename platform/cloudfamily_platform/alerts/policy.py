"""An escalation policy: pure decisions about who hears when. Data from the `policy` table; an alert keeps its version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import msgspec


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    #: Seconds after the alert opened.
    after_s: int
    #: "operators", "supervisors", "family" or "family:N" (the first N contacts).
    tell: list[str]
    #: How many of the nearest free and qualified responders are asked.
    offer: int


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    steps: list[Step]
    #: After the last step it is said again this often, so many times; then hourly: an open alert never falls silent.
    repeat_s: int
    repeats: int
    #: How long an offer stands.
    offer_s: int
    #: Accepting is not doing: without progress for this long the alert opens again.
    accepted_s: int
    on_the_way_s: int
    there_s: int
    #: In the home, and not done; None: as long as at the door.
    inside_s: int | None = None
    #: How often a lone responder at the home is asked whether all is well.
    checkin_s: int = 1200


HOURLY = timedelta(hours=1)


@dataclass(frozen=True)
class Turn:
    """What happens at one look at an open alert, and how long until the next."""

    tell: tuple[str, ...]
    offer: int
    wait: timedelta


def parse(plan: object) -> Policy:
    """Raises msgspec.ValidationError when the plan is not of this shape, ValueError when it has no steps."""
    policy = msgspec.convert(plan, Policy)
    if not policy.steps:
        raise ValueError("a policy needs at least one step: one without would end in nobody")
    return policy


def turn(policy: Policy, step: int) -> Turn:
    """The turn number `step` (0 first) of an open alert."""
    last = len(policy.steps) - 1
    here = policy.steps[min(step, last)]
    if step < last:
        wait = timedelta(seconds=policy.steps[step + 1].after_s - here.after_s)
    else:
        wait = timedelta(seconds=policy.repeat_s) if step < last + policy.repeats else HOURLY
    return Turn(tuple(here.tell), here.offer, wait)


def patience(policy: Policy, state: str) -> timedelta:
    """How long an alert that somebody has may stay in `state` (accepted, on_the_way, there, inside) without progress."""
    inside_s = policy.there_s if policy.inside_s is None else policy.inside_s
    return timedelta(seconds={"accepted": policy.accepted_s, "on_the_way": policy.on_the_way_s, "there": policy.there_s, "inside": inside_s}[state])
