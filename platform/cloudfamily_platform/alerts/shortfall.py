"""What is missing before an alarm, judged from facts: rosters, people, homes, policies. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cloudfamily_platform.alerts.policy import Policy
from cloudfamily_platform.alerts.rules.hazard import Severity

#: How far ahead rosters are looked at.
AHEAD = timedelta(days=14)
#: A gap that begins within a day is not planned away any more.
SOON = timedelta(days=1)
ROSTER_SOON = timedelta(days=3)
NIGHT_FROM, NIGHT_UNTIL = time(22), time(6)
#: The first person must hear of a life-safety alert within so many seconds (EN 50134-7 and TSA's key measure: answered within 60 s).
FIRST_S = 60
#: How many lie behind the first contact matters only for a policy that names "family:N".
EVERY_RANK = 20


@dataclass(frozen=True, kw_only=True)
class Problem:
    #: Texts `coverage.kind.<kind>`, `coverage.what.<kind>` (filled with `params`) and `coverage.fix.<kind>`.
    kind: str
    severity: Severity
    #: None: of the whole city.
    district_id: int | None = None
    #: Code of the home.
    home: str | None = None
    #: Code of the person.
    person: str | None = None
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Shift:
    person_id: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Span:
    """So many people are on duty from `begin` to `end`."""

    begin: datetime
    end: datetime
    people: int


def spans(shifts: Sequence[Shift], begin: datetime, end: datetime) -> list[Span]:
    """How many different people are on duty, piece by piece, from `begin` to `end`."""
    inside = [(max(one.starts_at, begin), min(one.ends_at, end), one.person_id) for one in shifts if one.ends_at > begin and one.starts_at < end]
    edges = sorted({begin, end, *(at for start, stop, _ in inside for at in (start, stop))})
    changes: dict[datetime, list[tuple[int, int]]] = {at: [] for at in edges}
    for start, stop, person in inside:
        changes[start].append((person, 1))
        changes[stop].append((person, -1))
    on: dict[int, int] = {}
    found: list[Span] = []
    for at, until in itertools.pairwise(edges):
        for person, step in changes[at]:
            on[person] = on.get(person, 0) + step
        people = sum(count > 0 for count in on.values())
        if found and found[-1].people == people:
            found[-1] = Span(found[-1].begin, until, people)
        else:
            found.append(Span(at, until, people))
    return found


def lonely_nights(pieces: Sequence[Span], zone: ZoneInfo) -> list[datetime]:
    """The beginnings of the whole nights (22:00 to 06:00 where people live) in which somebody is on duty and at times alone."""
    if not pieces:
        return []
    day, found = pieces[0].begin.astimezone(zone).date(), list[datetime]()
    while (starts := datetime.combine(day, NIGHT_FROM, zone)) < pieces[-1].end:
        ends = datetime.combine(day + timedelta(days=1), NIGHT_UNTIL, zone)
        counts = [piece.people for piece in pieces if piece.begin < ends and piece.end > starts]
        if pieces[0].begin <= starts and ends <= pieces[-1].end and min(counts) == 1:
            found.append(starts)
        day += timedelta(days=1)
    return found


def of_roster(role: str, district_id: int | None, shifts: Sequence[Shift], last_end: datetime, now: datetime, zone: ZoneInfo) -> list[Problem]:
    """Hours in which a rostered role has nobody, nights in which somebody is alone, and a roster that ends.

    `shifts`: those of the district and of the whole city within AHEAD; `last_end`: of all that there are.
    """
    is_desk = role in ("operator", "supervisor")
    pieces = spans(shifts, now, now + AHEAD)
    where: dict[str, Any] = {"district_id": district_id}
    found = list[Problem]()
    for piece in pieces:
        if piece.people == 0 and not (piece.end == now + AHEAD and now < last_end <= piece.begin):
            severity: Severity = "critical" if is_desk and piece.begin < now + SOON else "high" if is_desk or piece.begin < now + SOON else "low"
            found.append(Problem(kind="shift_empty", severity=severity, **where, params={"role": role, "begin": piece.begin, "end": piece.end}))
    if now < last_end < now + AHEAD:
        soon = last_end < now + ROSTER_SOON
        severity = "critical" if is_desk and last_end < now + SOON else "high" if soon else "low"
        found.append(Problem(kind="roster_ends", severity=severity, **where, params={"role": role, "at": last_end}))
    if nights := lonely_nights(pieces, zone):
        found.append(Problem(kind="alone_at_night", severity="low", **where, params={"role": role, "nights": len(nights), "begin": nights[0]}))
    return found


def of_person(row: Mapping[str, Any]) -> Problem:
    """`row`: kind (no_channel, dead_channel, unanswered), code, name, home, is_first (of the staff, or a home's first contact),
    is_again (more than one test missed), missed."""
    severity: Severity = "high" if row["is_first"] and (row["kind"] != "unanswered" or row["is_again"]) else "low"
    params = {"name": row["name"], "times": row["missed"]}
    return Problem(kind=row["kind"], severity=severity, district_id=row["district_id"], home=row["home"], person=row["code"], params=params)


@dataclass(frozen=True, kw_only=True)
class Staff:
    """Whom a policy's words for roles yield in one district: word → (people, those with a live way)."""

    words: Mapping[str, tuple[int, int]]

    def hear(self, told: Iterable[str]) -> bool:
        return any(self.words.get(word, (0, 0))[1] > 0 for word in told)


def family_rank(word: str) -> int | None:
    """The last rank that "family" or "family:N" means; None for another word. Raises ValueError for family:<no number>."""
    name, _, number = word.partition(":")
    return None if name != "family" else int(number) if number else EVERY_RANK


def of_policy(policy: Policy, severity: Severity, code: str, district_id: int, staff: Staff) -> list[Problem]:
    """Words that yield nobody or nobody reachable in this district, and a critical policy by which the first hears too late."""
    found = list[Problem]()
    for word, (people, reachable) in staff.words.items():
        counts = severity == "critical" and word == "operators"
        if reachable == 0 and any(word in step.tell for step in policy.steps):
            kind = "word_unreachable" if people else "word_empty"
            params: dict[str, object] = {"word": word, "policy": code, "people": people}
            found.append(Problem(kind=kind, severity="high" if counts else "low", district_id=district_id, params=params))
    firsts = [step.after_s for step in policy.steps if step.offer or staff.hear(step.tell) or any(family_rank(word) for word in step.tell)]
    if severity == "critical" and firsts and min(firsts) > FIRST_S:
        found.append(Problem(kind="slow_first", severity="critical", district_id=district_id, params={"policy": code, "seconds": min(firsts)}))
    return found


def of_homes(row: Mapping[str, Any], policies: Mapping[Severity, Policy], staff: Staff) -> list[Problem]:
    """What is missing in homes of which the same is true: one problem of each kind, for all of them (`home` is not set).

    `row`: district_id, contacts (0 to 2, 2 meaning more), first_rank of a contact who is reached (None: none is), helpers within
    reach with first aid (0 to 2), has_visitor, has_button.
    """
    found = list[tuple[str, Severity]]()
    if row["contacts"] == 0:
        found.append(("no_contact", "high"))
    elif row["first_rank"] is None:
        found.append(("contacts_unreachable", "high"))
    elif row["contacts"] == 1:
        found.append(("one_contact", "low"))
    if row["helpers"] < 2:
        found.append(("one_helper", "low") if row["helpers"] else ("no_helper", "high"))
    if not row["has_button"]:
        found.append(("no_button", "high"))
    for severity, policy in policies.items():
        if severity != "low" and not somebody_hears(row, policy, severity, staff):
            found.append(("nobody_hears", severity))
            break
    return [Problem(kind=kind, severity=severity, district_id=row["district_id"]) for kind, severity in found]


def somebody_hears(row: Mapping[str, Any], policy: Policy, severity: Severity, staff: Staff) -> bool:
    """Whether any step of the policy reaches anybody at all for such a home."""
    can_be_sent = row["helpers"] > 0 if severity == "critical" else row["has_visitor"]
    for step in policy.steps:
        ranks = [rank for word in step.tell if (rank := family_rank(word))]
        if (ranks and row["first_rank"] is not None and row["first_rank"] <= max(ranks)) or (step.offer and can_be_sent) or staff.hear(step.tell):
            return True
    return False
