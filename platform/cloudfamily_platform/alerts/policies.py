"""The policies of a city: what is in force, and how a new version is put in force. A plan is looked at here before it counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from cloudfamily_platform.alerts import policy
from cloudfamily_platform.alerts.alert import QUERIES
from cloudfamily_platform.core import db, errors
from cloudfamily_platform.core.texts import Text
from cloudfamily_platform.people import roster
from cloudfamily_platform.people.person import Person

SEVERITIES = ("critical", "high", "low")
#: Where a plan counts, beside what it says.
PLACE = ("district", "kind", "severity")


async def in_force(conn: db.Connection) -> list[dict[str, Any]]:
    """Every policy that is in force, and where."""
    return shown(await (await conn.execute(QUERIES["policies"], {"code": None})).fetchall())


async def versions(conn: db.Connection, code: str) -> list[dict[str, Any]]:
    """All versions of one policy, the newest first. Raises NotFound."""
    rows = shown(await (await conn.execute(QUERIES["policies"], {"code": code})).fetchall())
    if not rows:
        raise errors.NotFound(what="policy")
    return rows


def shown(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    keys = ("code", "version", *PLACE, "plan", "active", "created_at", "created_by")
    return [{**{key: row[key] for key in keys}, "readable": policy.readable(row["plan"])} for row in rows]


def checked(plan: object) -> policy.Policy:
    """The plan, fit to be put in force. Raises Invalid, with a sentence for each thing that is wrong."""
    try:
        found = msgspec.convert(plan, policy.Policy)
    except msgspec.ValidationError as error:
        raise errors.Invalid(field="plan", reason=Text("policy.unreadable", {"error": str(error)})) from error
    if problems := policy.problems(found):
        raise errors.Invalid(field="plan", reason=problems)
    return found


async def add(conn: db.Connection, person: Person | None, wanted: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Puts a plan in force: a new version, the one before it retired. Alerts that are open keep theirs.

    `wanted`: district (code or None: everywhere), kind (None: all), severity, plan. `person`: a supervisor there; None: whoever
    has the machine. Gives code, version and changed (False: it was in force already). Raises Invalid, NotFound, NotAllowed.
    """
    plan = msgspec.to_builtins(checked(wanted["plan"]))
    async with conn.transaction():
        await conn.execute(QUERIES["lock_policies"])
        where = await place(conn, person, wanted)
        now_in_force = await (await conn.execute(QUERIES["policy_in_place"], where)).fetchone()
        if now_in_force is not None and same(now_in_force["plan"], plan):
            return {"code": now_in_force["code"], "version": now_in_force["version"], "changed": False}
        await conn.execute(QUERIES["retire_policies"], where)
        code = code_of(wanted)
        values = {**where, "code": code, "plan": Jsonb(plan), "now": now, "by": person.id if person else None}
        made = await db.one(await conn.execute(QUERIES["add_policy"], values))
        return {"code": code, "version": made["version"], "changed": True}


async def retire(conn: db.Connection, person: Person | None, wanted: Mapping[str, Any]) -> bool:
    """The next more general policy counts from now on; False when there was none to retire. Raises Invalid for a general one."""
    async with conn.transaction():
        await conn.execute(QUERIES["lock_policies"])
        where = await place(conn, person, wanted)
        if where["district_id"] is None and where["kind"] is None:
            raise errors.Invalid(field="retire", reason=Text("policy.general_stays"))
        return (await conn.execute(QUERIES["retire_policies"], where)).rowcount > 0


async def place(conn: db.Connection, person: Person | None, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Where a plan is to count, as the table says it. Raises Invalid, NotFound, NotAllowed."""
    if wanted["severity"] not in SEVERITIES:
        raise errors.Invalid(field="severity", reason=Text("policy.unknown_severity"))
    if person is not None:
        district_id = await roster.district_of(conn, person, wanted["district"])
    elif wanted["district"] is None:
        district_id = None
    else:
        district_id = (await districts(conn, [wanted["district"]]))[0]
    return {"district_id": district_id, "kind": wanted["kind"], "severity": wanted["severity"]}


def code_of(wanted: Mapping[str, Any]) -> str:
    """ "critical", "critical:sos", "wanxiu/critical", "wanxiu/critical:sos"."""
    district, kind = wanted["district"], wanted["kind"]
    return f"{f'{district}/' if district else ''}{wanted['severity']}{f':{kind}' if kind else ''}"


def same(stored: object, plan: object) -> bool:
    return policy.readable(stored) and msgspec.to_builtins(policy.parse(stored)) == plan


async def districts(conn: db.Connection, codes: Sequence[str]) -> list[int]:
    """Their ids. Raises Invalid."""
    known = {row["code"]: row["id"] for row in await (await conn.execute(QUERIES["districts"])).fetchall()}
    for code in codes:
        if code not in known:
            raise errors.Invalid(field="district", reason=Text("policy.unknown_district", {"district": code}))
    return [known[code] for code in codes]


async def neighbours(conn: db.Connection) -> dict[str, list[str]]:
    """Whose operators are called for a district, by code."""
    found: dict[str, list[str]] = {}
    for row in await (await conn.execute(QUERIES["neighbours"])).fetchall():
        found.setdefault(row["district"], []).append(row["neighbour"])
    return found


async def set_neighbours(conn: db.Connection, district: str, those: Sequence[str]) -> bool:
    """Whether that changed anything. Raises Invalid."""
    wanted = sorted(set(those) - {district})
    district_id, *ids = await districts(conn, [district, *wanted])
    if wanted == (await neighbours(conn)).get(district, []):
        return False
    await conn.execute(QUERIES["set_neighbours"], {"district_id": district_id, "neighbours": ids})
    return True
