"""Whom to ask: of those who may go, who would be inside soonest. One number in seconds, and where each second comes from. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cloudfamily_platform.alerts.travel import Place, distance_m

# What a match is worth, in seconds. None of them is measured: they are the rates at which we would trade one good for another.
#: Getting in without a key: as long as telecare services allow themselves for it (access within 5 minutes). With a code: one minute.
NO_KEY_S, KEY_CODE_S = 300, 60
#: For each time that they have gone somewhere in the last RECENT_HOURS: the next is for somebody else, if that costs little.
LOAD_S, RECENT_HOURS = 120, 8
#: They share no language with the elder.
LANGUAGE_S = 300
#: For each thing that the elder needs and they cannot do, such as lifting.
NEED_S = 600
#: They are not of the sex that the elder would rather have at the door; marked "nobody else" and a life at stake: asked last of all.
SEX_S, LAST_S = 600, 36_000

#: Why somebody is not asked.
Refusal = Literal["off_duty", "responding", "asked", "not_allowed", "unqualified", "untrained", "sex", "out_of_reach"]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A row of `may_go`: None is any."""

    role: str
    severity: str | None
    kind: str | None
    allowed: bool
    skills: Sequence[str]
    trained: bool


@dataclass(frozen=True, kw_only=True)
class Need:
    """The alert and its home."""

    place: Place
    severity: str
    kind: str | None
    #: What who comes should be able to do besides what the rules ask for.
    needs: Sequence[str] = ()
    languages: Sequence[str] = ()
    sex: str | None = None
    sex_only: bool = False
    #: The code of a lock or key box is on the card.
    key_code: bool = False


@dataclass(frozen=True, kw_only=True)
class Candidate:
    person_id: int
    #: Where they are now, as far as we know.
    place: Place
    mode: str
    reach_m: int
    #: Those of their roles that are on duty now; none: off duty.
    serving: Sequence[str]
    skills: Sequence[str] = ()
    trained: bool = True
    languages: Sequence[str] = ()
    sex: str | None = None
    #: They have an alert already.
    busy: bool = False
    has_key: bool = False
    #: How often they went somewhere in the last RECENT_HOURS.
    recent: int = 0
    #: Asked about this alert before: they come after those who were not.
    asked_before: bool = False
    #: They are asked now, have declined, or had it and lost it.
    spent: bool = False


@dataclass(frozen=True)
class Match:
    person_id: int
    distance_m: int
    #: `seconds` until they are inside, in which `travel_s` by `mode`, `entry_s`, and what else counts; `key`: they hold it.
    why: dict[str, Any]


def refusal(need: Need, one: Candidate, rules: Iterable[Rule]) -> Refusal | None:
    """Why this person is not asked; None: they may go."""
    if not one.serving:
        return "off_duty"
    if one.busy:
        return "responding"
    if one.spent:
        return "asked"
    barred = [bar(need, one, rule_for(need, role, rules)) for role in one.serving]
    if all(barred):
        return barred[0]
    if need.sex_only and need.severity != "critical" and one.sex != need.sex:
        return "sex"
    return "out_of_reach" if distance_m(one.place, need.place) > one.reach_m else None


def rule_for(need: Need, role: str, rules: Iterable[Rule]) -> Rule | None:
    """The rule for this role that says most about the alert; None: there is none."""
    fit = [rule for rule in rules if rule.role == role and rule.severity in (None, need.severity) and rule.kind in (None, need.kind)]
    return max(fit, key=lambda rule: (rule.kind is not None, rule.severity is not None), default=None)


def bar(need: Need, one: Candidate, rule: Rule | None) -> Refusal | None:
    if rule is None:
        return None
    if not rule.allowed:
        return "not_allowed"
    if not set(rule.skills) <= set(one.skills):
        return "unqualified"
    return "untrained" if rule.trained and not one.trained else None


def rank(need: Need, candidates: Sequence[Candidate], travel_s: Sequence[float], count: int) -> list[Match]:
    """At most `count` of those who may go, the soonest inside first, fresh before asked before. `travel_s`: of each of them."""
    found = [(one, why(need, one, seconds)) for one, seconds in zip(candidates, travel_s, strict=True)]
    found.sort(key=lambda item: (item[0].asked_before, item[1]["seconds"], item[0].person_id))
    return [Match(one.person_id, round(distance_m(one.place, need.place)), because) for one, because in found[:count]]


def why(need: Need, one: Candidate, travel_s: float) -> dict[str, Any]:
    """The parts, in whole seconds; those of 0 that are no part of every way are left out."""
    more = {
        "load_s": LOAD_S * one.recent,
        "language_s": LANGUAGE_S if need.languages and one.languages and not set(need.languages) & set(one.languages) else 0,
        "needs_s": NEED_S * len(set(need.needs) - set(one.skills)),
        "sex_s": (LAST_S if need.sex_only else SEX_S) if need.sex and one.sex != need.sex else 0,
    }
    entry_s = 0 if one.has_key else KEY_CODE_S if need.key_code else NO_KEY_S
    parts = {"travel_s": round(travel_s), "entry_s": entry_s, **{name: seconds for name, seconds in more.items() if seconds}}
    return {"seconds": sum(parts.values()), "mode": one.mode, "key": one.has_key, **parts}
