"""An escalation policy: pure decisions about who hears when. Data from the `policy` table; an alert keeps its version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

import msgspec
import structlog

from cloudfamily_platform.core.texts import Text

log = structlog.get_logger()
WORD = re.compile(r"family(:([1-9]|1\d|20))?|operators|supervisors|neighbours")
CHANNEL = re.compile(r"[a-z][a-z0-9_]{0,29}")
STEPS_MOST = 20
#: Steps are at least this far apart: nobody can answer faster.
APART_S = 5
#: What each number of seconds or times may be.
RANGES = {
    "repeat_s": (APART_S, 604_800),
    "repeats": (0, 1000),
    "offer_s": (5, 86_400),
    "accepted_s": (30, 604_800),
    "on_the_way_s": (60, 604_800),
    "there_s": (60, 604_800),
    "inside_s": (60, 604_800),
    "checkin_s": (60, 86_400),
}


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    #: Seconds after the alert opened.
    after_s: int
    #: "family" or "family:N" (the first N contacts), "operators" and "supervisors" (on duty), "neighbours" (the operators on
    #: duty of the neighbouring districts).
    tell: list[str]
    #: How many of the nearest free and qualified responders are asked.
    offer: int
    #: The channels to prefer, in this order; empty: each person's own order.
    by: list[str] = []


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
    #: As long as `there_s` unless said otherwise.
    inside_s: int | None = None
    #: How often a lone responder at the home is asked whether all is well; 0: never.
    checkin_s: int = 1200


HOURLY = timedelta(hours=1)
#: In force where a plan cannot be read: an alert whose policy is broken calls more people, not fewer.
DEFAULT = Policy(
    steps=[
        Step(after_s=0, tell=["family", "operators"], offer=3),
        Step(after_s=60, tell=["family", "operators", "supervisors"], offer=3),
        Step(after_s=120, tell=["family", "operators", "supervisors", "neighbours"], offer=3),
    ],
    repeat_s=120, repeats=30, offer_s=45, accepted_s=600, on_the_way_s=2700, there_s=14400,
)  # fmt: skip


@dataclass(frozen=True)
class Turn:
    """What happens at one look at an open alert, and how long until the next."""

    tell: tuple[str, ...]
    offer: int
    wait: timedelta
    by: tuple[str, ...] = ()


def parse(plan: object) -> Policy:
    """Raises msgspec.ValidationError when the plan is not of this shape, ValueError when it has no steps."""
    policy = msgspec.convert(plan, Policy)
    if not policy.steps:
        raise ValueError("a policy needs at least one step: one without would end in nobody")
    return policy


def readable(plan: object) -> bool:
    try:
        parse(plan)
    except ValueError:
        return False
    return True


def in_force(plan: object) -> Policy:
    """The plan of a live alert, and DEFAULT in place of one that cannot be read: an alarm does not wait until somebody mends it."""
    try:
        return parse(plan)
    except ValueError as error:
        log.error("policy_unreadable", error=str(error), instead="the built-in plan")
        return DEFAULT


def turn(policy: Policy, step: int) -> Turn:
    """The turn number `step` (0 first) of an open alert."""
    last = len(policy.steps) - 1
    here = policy.steps[min(step, last)]
    if step < last:
        wait = timedelta(seconds=policy.steps[step + 1].after_s - here.after_s)
    else:
        wait = timedelta(seconds=policy.repeat_s) if step < last + policy.repeats else HOURLY
    return Turn(tuple(here.tell), here.offer, wait, tuple(here.by))


def wait_after(policy: Policy, step: int, *, reached: bool) -> timedelta:
    """How long after turn number `step` the next one comes. One that was to reach somebody and reached nobody is not waited
    for: the next step comes at once (0)."""
    here = turn(policy, step)
    in_vain = not reached and bool(here.tell or here.offer)
    return timedelta(0) if in_vain and step < len(policy.steps) - 1 else here.wait


def words_before(policy: Policy, step: int) -> frozenset[str]:
    """Whom earlier turns have named: "family", "operators" …"""
    return frozenset(word.partition(":")[0] for one in policy.steps[:step] for word in one.tell)


def patience(policy: Policy, state: str) -> timedelta:
    """How long an alert that somebody has may stay in `state` (accepted, on_the_way, there, inside) without progress."""
    inside_s = policy.there_s if policy.inside_s is None else policy.inside_s
    seconds = {"accepted": policy.accepted_s, "on_the_way": policy.on_the_way_s, "there": policy.there_s, "inside": inside_s}
    return timedelta(seconds=seconds[state])


def family_rank(word: str) -> int | None:
    """Of "family:2" the 2, of "family" everybody; None for other words."""
    name, _, number = word.partition(":")
    return int(number or 20) if name == "family" else None


def problems(policy: Policy) -> list[Text]:
    """What is wrong with a plan that somebody wants to put in force, a sentence each: which step, what, what to do."""
    found = [problem for number, step in enumerate(policy.steps, 1) for problem in problems_of_step(policy, number, step)]
    if not policy.steps:
        found.append(Text("policy.no_steps"))
    elif not (policy.steps[-1].tell or policy.steps[-1].offer):
        found.append(Text("policy.ends_in_nobody", {"step": len(policy.steps)}))
    if len(policy.steps) > STEPS_MOST:
        found.append(Text("policy.too_many_steps", {"count": len(policy.steps), "most": STEPS_MOST}))
    for name, (least, most) in RANGES.items():
        value = getattr(policy, name)
        if value is not None and not least <= value <= most and (name, value) != ("checkin_s", 0):
            found.append(Text("policy.out_of_range", {"name": name, "value": value, "least": least, "most": most}))
    return found


def problems_of_step(policy: Policy, number: int, step: Step) -> list[Text]:
    found = []
    earliest = policy.steps[number - 2].after_s + APART_S if number > 1 else 0
    if number == 1 and step.after_s != 0:
        found.append(Text("policy.first_not_at_once", {"after_s": step.after_s}))
    elif step.after_s < earliest:
        found.append(Text("policy.too_soon", {"step": number, "after_s": step.after_s, "earliest": earliest, "apart": APART_S}))
    found += [Text("policy.unknown_word", {"step": number, "word": word}) for word in step.tell if not WORD.fullmatch(word)]
    found += [Text("policy.unknown_channel", {"step": number, "channel": name}) for name in step.by if not CHANNEL.fullmatch(name)]
    if not 0 <= step.offer <= 20:
        found.append(Text("policy.offer", {"step": number, "offer": step.offer}))
    return found
