"""preview: if she pressed now, this would happen. The same functions as `escalate`, and nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from cloudfamily_platform.alerts import escalate, matching, offers, policy, travel
from cloudfamily_platform.alerts.alert import QUERIES
from cloudfamily_platform.alerts.rules import signals
from cloudfamily_platform.alerts.rules.hazard import Severity
from cloudfamily_platform.core import db, errors
from cloudfamily_platform.core.texts import Text
from cloudfamily_platform.people import home as homes
from cloudfamily_platform.people import roster
from cloudfamily_platform.people.person import QUERIES as PEOPLE
from cloudfamily_platform.people.person import Person


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thing that would happen."""

    at: datetime
    #: 0 is the first turn; the one past the last step is the first repeat.
    step: int
    #: tell: they hear of it; ask: they are asked to go; nobody: a word of the policy reaches nobody (`reason` says why);
    #: off_duty: nobody is on shift, so everybody who has the role is told.
    what: Literal["tell", "ask", "nobody", "off_duty"]
    #: Text key `whom.<this>`: family, operators, supervisors, neighbours, responders.
    whom: str
    person_id: int | None = None
    name: str | None = None
    #: None, of somebody who is told or asked: they cannot be reached.
    channel: str | None = None
    distance_m: int | None = None
    #: Text key `reason.<this>`.
    reason: str | None = None


@dataclass
class Asking:
    """The offers as they would go when nobody answers: `offers.py` without a database."""

    need: matching.Need
    offer: timedelta
    candidates: dict[int, matching.Candidate]
    travel_s: dict[int, float]
    standing: dict[int, datetime] = field(default_factory=dict)

    def ask(self, count: int, at: datetime, *, again: bool) -> list[matching.Match]:
        """The next `count` who are asked. `again`: also those who let it lapse, after all the others."""
        free = [one for one in self.candidates.values() if one.person_id not in self.standing and (again or not one.asked_before)]
        found = matching.rank(self.need, free, [self.travel_s[one.person_id] for one in free], count) if count > 0 else []
        for match in found:
            self.standing[match.person_id] = at + self.offer
            self.candidates[match.person_id] = replace(self.candidates[match.person_id], asked_before=True)
        return found

    def lapse(self, before: datetime) -> list[tuple[datetime, matching.Match]]:
        """Whoever is asked because others did not answer, until then."""
        found = []
        while due := min((until, person) for person, until in self.standing.items()) if self.standing else None:
            until, person = due
            if until >= before:
                break
            del self.standing[person]
            found += [(until, match) for match in self.ask(1, until, again=False)]
        return found


async def home_for(conn: db.Connection, code: str, person: Person) -> dict[str, Any]:
    """A home whose plan this person may see: an operator's, or that of their own family. Raises NotFound."""
    values = {"code": code, "person_id": person.id}
    row = await (await conn.execute(QUERIES["home_of_contact"], values)).fetchone()
    return row if row is not None else await homes.by_code(conn, code, person)


async def of_home(conn: db.Connection, home: dict[str, Any], kind: str, severity: str | None, at: datetime, now: datetime) -> dict[str, Any]:
    """What would happen if this alarm were raised in the home then and nobody answered: `lines`, to the end of the first repeat;
    `again`: how it would go on; `notes`: what is not known. `home`: a row with id, code, district_id, lat, lon, canary.
    Raises Invalid."""
    how_bad = severity_of(kind, severity)
    where = {"district_id": home["district_id"], "kind": kind, "severity": how_bad}
    row = await db.one(await conn.execute(QUERIES["policy_by_id"], where))
    plan = policy.in_force(row["plan"])
    about = {"id": None, "home_id": home["id"], "district_id": home["district_id"], "canary": home["canary"]}
    asking = await start_asking(conn, home, kind, how_bad, plan, at)
    lines, when = list[Line](), at
    last = len(plan.steps) - (0 if plan.repeats else 1)
    for step in range(last + 1):
        lines += await names(conn, asked(step - 1, asking.lapse(when)), ())
        turn = policy.turn(plan, step)
        found = await told(conn, {**about, "step": step}, turn, when)
        found += await names(conn, asked(step, [(when, match) for match in asking.ask(turn.offer, when, again=True)]), ())
        lines += found
        when += policy.wait_after(plan, step, reached=any(line.channel for line in found))
    notes = await roster.notes(conn, home["district_id"], at, when, now)
    if not policy.readable(row["plan"]):
        notes.append(Text("event.policy_unreadable"))
    about_it = {"home": home["code"], "kind": kind, "severity": how_bad, "policy": row["code"], "version": row["version"], "at": at}
    return {**about_it, "lines": lines, "again": {"every_s": plan.repeat_s, "times": plan.repeats}, "notes": notes}


async def told(conn: db.Connection, row: dict[str, Any], turn: policy.Turn, at: datetime) -> list[Line]:
    """Whom one turn would tell, and the words that would reach nobody."""
    if not turn.tell:
        return []
    groups, _ = await escalate.named(conn, row, turn.tell, at)
    found, seen = list[Line](), set[int]()
    for group in groups:
        if group.off_duty:
            found.append(Line(at=at, step=row["step"], what="off_duty", whom=group.base))
        new = [person for person in group.people if person not in seen]
        mine = await names(conn, [Line(at=at, step=row["step"], what="tell", whom=group.base, person_id=one) for one in group.people], turn.by)
        if not any(line.channel for line in mine):
            found.append(Line(at=at, step=row["step"], what="nobody", whom=group.base, reason=group.why_nobody))
        found += [line for line in mine if line.person_id in new]
        seen |= set(new)
    return found


def asked(step: int, those: Sequence[tuple[datetime, matching.Match]]) -> list[Line]:
    return [Line(at=at, step=step, what="ask", whom="responders", person_id=match.person_id, distance_m=match.distance_m) for at, match in those]


async def names(conn: db.Connection, lines: Sequence[Line], by: Sequence[str]) -> list[Line]:
    """The lines with each person's name and the channel by which they would be told."""
    people = [line.person_id for line in lines]
    if not people:
        return []
    ways = await (await conn.execute(PEOPLE["ways"], {"people": people, "by": list(by) if by else None})).fetchall()
    known = await (await conn.execute(QUERIES["names_of"], {"people": people})).fetchall()
    channel, name = {one["person_id"]: one["channel"] for one in ways}, {one["id"]: one["name"] for one in known}
    return [
        replace(line, name=name[line.person_id], channel=channel.get(line.person_id), reason=None if line.person_id in channel else "no_channel")
        for line in lines
        if line.person_id is not None
    ]


async def start_asking(conn: db.Connection, home: dict[str, Any], kind: str, severity: str, plan: policy.Policy, at: datetime) -> Asking:
    need, rules = await offers.need_of(conn, home["id"], severity, kind), await offers.may_go(conn)
    nearby = await offers.candidates(conn, at, need.place, home["canary"], home_id=home["id"], again=True)
    fit = [one for one in nearby if matching.refusal(need, one, rules) is None]
    travel_s = await travel.router().seconds([(one.place, one.mode) for one in fit], need.place)
    times = {one.person_id: seconds for one, seconds in zip(fit, travel_s, strict=True)}
    return Asking(need, timedelta(seconds=plan.offer_s), {one.person_id: one for one in fit}, times)


def severity_of(kind: str, severity: str | None) -> str:
    """Raises Invalid."""
    if severity is not None:
        if severity not in get_args(Severity):
            raise errors.Invalid(field="severity", reason=Text("policy.unknown_severity"))
        return severity
    if kind not in signals.SEVERITY:
        raise errors.Invalid(field="kind", reason=Text("policy.unknown_kind", {"kind": kind, "kinds": ", ".join(signals.SEVERITY)}))
    return signals.SEVERITY[kind]
