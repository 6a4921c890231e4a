"""coverage: empty shifts, people whom nothing reaches, homes to which nobody can be sent, policies that end in nobody: found before the alarm."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, LiteralString
from zoneinfo import ZoneInfo

import msgspec

from cloudfamily_platform.alerts import circle, escalate, policy, shortfall
from cloudfamily_platform.alerts.alert import QUERIES
from cloudfamily_platform.alerts.rules.hazard import Severity
from cloudfamily_platform.alerts.shortfall import Problem
from cloudfamily_platform.core import db, errors
from cloudfamily_platform.core.texts import LANGUAGES, say
from cloudfamily_platform.people.device import CITY, Scope

SEVERITIES: tuple[Severity, ...] = ("critical", "high", "low")
#: Devices with which somebody calls for help, or that do it for them.
ALARM_KINDS = ("button", "wearable", "fall")
#: Every kind of problem, those that end in nobody first: the order among equals.
KINDS = (
    "nobody_hears", "policy_missing", "policy_unreadable", "slow_first", "shift_empty", "word_empty", "word_unreachable", "roster_ends",
    "no_helper", "far_helper", "no_contact", "contacts_unreachable", "no_button", "no_channel", "dead_channel", "unanswered", "one_contact", "one_helper",
    "alone_at_night",
)  # fmt: skip
#: So many of one kind are named at most; all are counted.
MOST = 1000


@dataclass
class Found:
    """What one look has found. `districts`: those looked at, by id."""

    districts: dict[int, dict[str, Any]]
    zone: ZoneInfo
    #: So many of each kind and severity are named.
    limit: int = MOST
    problems: list[Problem] = field(default_factory=list)
    counts: dict[tuple[str, Severity], int] = field(default_factory=dict)
    named: dict[tuple[str, Severity], int] = field(default_factory=dict)

    def add(self, problem: Problem, times: int = 1) -> None:
        """`times`: how many it stands for in the count; those that are named beside it are added with 0."""
        self.count(problem, times)
        key = (problem.kind, problem.severity)
        if self.named.get(key, 0) < self.limit:
            self.named[key] = self.named.get(key, 0) + 1
            self.problems.append(problem)

    def count(self, problem: Problem, times: int) -> None:
        key = (problem.kind, problem.severity)
        self.counts[key] = self.counts.get(key, 0) + times

    @property
    def is_critical(self) -> bool:
        return any(severity == "critical" for _, severity in self.counts)


@dataclass(frozen=True)
class Look:
    """What every finder gets."""

    conn: db.Connection
    seen: Scope
    now: datetime
    found: Found

    async def rows(self, query: LiteralString, **more: object) -> list[dict[str, Any]]:
        values = {**self.seen, "now": self.now, "limit": self.found.limit, **more}
        return await (await self.conn.execute(query, values)).fetchall()


async def look(conn: db.Connection, seen: Scope, now: datetime, zone: ZoneInfo, *, limit: int = MOST) -> Found:
    """Everything that is wrong in the districts of `seen`, gravest first. All is counted, `limit` of each kind are named."""
    places = await (await conn.execute(QUERIES["covered_districts"], seen)).fetchall()
    found = Found({row["id"]: row for row in places}, zone, limit)
    for finder in FINDERS:
        await finder(Look(conn, seen, now, found))
    found.problems.sort(key=gravity)
    return found


def gravity(problem: Problem) -> tuple[int, int, int, str]:
    return SEVERITIES.index(problem.severity), KINDS.index(problem.kind), problem.district_id or 0, problem.home or problem.person or ""


async def find_rosters(at: Look) -> None:
    """Rostered roles with hours in which nobody is on duty."""
    rosters = {(row["role"], row["district_id"]): row for row in await at.rows(QUERIES["rosters"], until=at.now + shortfall.AHEAD)}
    for (role, district_id), row in rosters.items():
        if district_id is not None and district_id not in at.found.districts:
            continue
        # Whoever is on duty for the whole city is so for each district.
        both = [row] if district_id is None else [row, *filter(None, [rosters.get((role, None))])]
        shifts = [shortfall.Shift(*one) for each in both for one in zip(each["people"], each["begins"], each["ends"], strict=True)]
        for problem in shortfall.of_roster(role, district_id, shifts, max(each["ends_at"] for each in both), at.now, at.found.zone):
            at.found.add(problem)


async def find_people(at: Look) -> None:
    """People on a policy whom nothing reaches, or who did not answer their weekly test."""
    for row in await at.rows(QUERIES["people_without_a_way"]):
        at.found.add(shortfall.of_person(row), times=row["total"] if row["number"] == 1 else 0)


async def find_policies_and_homes(at: Look) -> None:
    """Policies that end in nobody, by district; and homes by their contacts, the helpers within reach and their devices."""
    policies = await readable_policies(at)
    own = {district_id: {severity: one for severity in SEVERITIES if (one := choose(policies, severity, district_id))} for district_id in at.found.districts}
    staff = {district_id: await staff_of(at, district_id, chosen) for district_id, chosen in own.items()}
    for district_id, chosen in own.items():
        for problem in policies_of_district(district_id, chosen, staff[district_id]):
            at.found.add(problem)
    skills = {"critical_skill": "first_aid", "high_skill": "visit"}
    for row in await at.rows(QUERIES["home_facts"], **skills, alarm_kinds=list(ALARM_KINDS)):
        plans = {severity: one.plan for severity, one in own[row["district_id"]].items()}
        for problem in shortfall.of_homes(row, plans, staff[row["district_id"]]):
            at.found.count(problem, row["homes"])
            for code in row["codes"]:
                at.found.add(replace(problem, home=code, params={"home": code}), times=0)


async def find_far(at: Look) -> None:
    """Homes at whose door nobody who is free now could be within a quarter of an hour."""
    for home in await circle.uncovered(at.conn, at.now, MOST):
        if home.only is None and home.district_id in at.found.districts:
            at.found.add(Problem(kind="far_helper", severity="low", district_id=home.district_id, home=home.code, params={"home": home.code}))


#: Each adds what it finds. What else can be wrong gets its finder here.
FINDERS: tuple[Callable[[Look], Awaitable[None]], ...] = (find_rosters, find_people, find_policies_and_homes, find_far)


@dataclass(frozen=True)
class Readable:
    """An active policy that can be read."""

    code: str
    district_id: int | None
    severity: Severity
    plan: policy.Policy


async def readable_policies(at: Look) -> list[Readable]:
    """In the order in which an alert finds its own; those that cannot be read are problems."""
    found = list[Readable]()
    for row in await at.rows(QUERIES["active_policies"]):
        if row["district_id"] is not None and row["district_id"] not in at.found.districts:
            continue
        try:
            plan = policy.parse(row["plan"])
            for word in (word for step in plan.steps for word in step.tell):
                shortfall.family_rank(word)
        except (msgspec.ValidationError, ValueError) as error:
            severity: Severity = "critical" if row["severity"] == "critical" else "high"
            params = {"policy": row["code"], "version": row["version"], "error": str(error)[:200]}
            at.found.add(Problem(kind="policy_unreadable", severity=severity, district_id=row["district_id"], params=params))
        else:
            found.append(Readable(row["code"], row["district_id"], row["severity"], plan))
    return found


def choose(policies: list[Readable], severity: Severity, district_id: int) -> Readable | None:
    """The policy that an alert of this district would get: its own before the general one, the newest first (see `open_alert`)."""
    return next((one for one in policies if one.severity == severity and one.district_id in (None, district_id)), None)


async def staff_of(at: Look, district_id: int, chosen: Mapping[Severity, Readable]) -> shortfall.Staff:
    """Whom the words of these policies yield, asked as an alert would ask."""
    words = dict.fromkeys(word for one in chosen.values() for step in one.plan.steps for word in step.tell if not shortfall.family_rank(word))
    found = {}
    for word in words:
        nowhere = {"id": None, "step": 0, "home_id": None, "district_id": district_id, "canary": False}
        (those,), _ = await escalate.named(at.conn, nowhere, [word], at.now)
        ids = list(those.people)
        found[word] = (len(ids), (await at.rows(QUERIES["reachable_of"], people=ids))[0]["people"])
    return shortfall.Staff(words=found)


def policies_of_district(district_id: int, chosen: Mapping[Severity, Readable], staff: shortfall.Staff) -> list[Problem]:
    """A word that yields nobody is said once, of the gravest policy that uses it."""
    found = [
        Problem(kind="policy_missing", severity=severity, district_id=district_id, params={"severity": severity})
        for severity in SEVERITIES
        if severity not in chosen
    ]
    once = dict[tuple[str, object], Problem]()
    for severity, one in chosen.items():
        for problem in shortfall.of_policy(one.plan, severity, one.code, district_id, staff):
            once.setdefault((problem.kind, problem.params.get("word")), problem)
    return [*found, *once.values()]


async def count(conn: db.Connection, now: datetime, zone: ZoneInfo) -> None:
    """The job: keeps how many problems of each kind there are in the whole city, for the metrics."""
    found = await look(conn, CITY, now, zone, limit=0)
    counts = {kind: sum(times for (one, _), times in found.counts.items() if one == kind) for kind in KINDS}
    await conn.execute(QUERIES["forget_coverage"])
    await conn.execute(QUERIES["keep_coverage"], {"kinds": list(counts), "counts": list(counts.values()), "now": now})


async def counted(conn: db.Connection) -> dict[str, int]:
    """What the job has counted last."""
    return {row["kind"]: row["problems"] for row in await (await conn.execute(QUERIES["coverage_counts"])).fetchall()}


async def within(conn: db.Connection, seen: Scope, code: str) -> Scope:
    """Of what is seen, this district alone. Raises NotFound."""
    for row in await (await conn.execute(QUERIES["covered_districts"], seen)).fetchall():
        if row["code"] == code:
            return {**seen, "whole_city": False, "districts": [row["id"]]}
    raise errors.NotFound(what="district")


def shown(found: Found) -> list[dict[str, Any]]:
    """For people and machines, gravest first: of each kind and severity the count, the sentences in both languages, and who and where."""
    groups = dict[tuple[str, Severity], dict[str, Any]]()
    for kind, severity in sorted(found.counts, key=lambda one: (SEVERITIES.index(one[1]), KINDS.index(one[0]))):
        texts = {language: {"title": say(language, f"coverage.kind.{kind}"), "fix": say(language, f"coverage.fix.{kind}")} for language in LANGUAGES}
        groups[kind, severity] = {"kind": kind, "severity": severity, "count": found.counts[kind, severity], "texts": texts, "problems": []}
    for problem in found.problems:
        place = found.districts.get(problem.district_id or 0)
        district = {"code": place["code"], "name_zh": place["name_zh"], "name_en": place["name_en"]} if place else None
        what = {language: sentence(language, problem, place, found.zone) for language in LANGUAGES}
        groups[problem.kind, problem.severity]["problems"].append({"what": what, "district": district, "home": problem.home, "person": problem.person})
    return list(groups.values())


def sentence(language: str, problem: Problem, place: Mapping[str, Any] | None, zone: ZoneInfo) -> str:
    """What is wrong, in one sentence."""
    values = {name: spoken(language, name, value, zone) for name, value in problem.params.items()}
    district = place["name_zh" if language == "zh-CN" else "name_en"] if place else say(language, "coverage.whole_city")
    return say(language, f"coverage.what.{problem.kind}", **{"district": district, **values})


def spoken(language: str, name: str, value: object, zone: ZoneInfo) -> object:
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime("%m-%d %H:%M")
    return say(language, f"coverage.{name}.{value}") if name in ("role", "severity") else value
