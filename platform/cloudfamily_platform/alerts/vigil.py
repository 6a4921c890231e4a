"""vigil: what is noticed by silence or by how long it lasts. A lazy deadline for each home and kind: no reading touches it.

A rule is a pure file of `rules/`; this stage fetches what the home's devices have said, asks the rule, and arms it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from psycopg.types.json import Jsonb

from cloudfamily_platform.alerts import quiet
from cloudfamily_platform.alerts.alert import QUERIES
from cloudfamily_platform.alerts.rules import bathroom, bed, door, homecoming, meals, rising, water
from cloudfamily_platform.alerts.rules.sense import A_DAY, SOON, Clock, Facts, Meter, Rule, Sense, Span, clock
from cloudfamily_platform.core import db, errors, quantity
from cloudfamily_platform.core.stage import Stage, take_one
from cloudfamily_platform.core.texts import say
from cloudfamily_platform.people import blindness, state
from cloudfamily_platform.people.person import Person

RULES: dict[str, Rule] = {file.RULE.kind: file.RULE for file in (rising, bathroom, bed, door, homecoming, meals, water)}


async def step(conn: db.Connection, now: datetime) -> bool:
    """One home's rule that is due is looked at, and armed again."""
    blind = {"gateway": blindness.NAME, "blind_before": now - blindness.BLIND_AFTER}
    return await take_one(conn, now, claim=QUERIES["claim_watch_rule"], work=look, postpone=QUERIES["watch_rule_postponed"], **blind)


async def look(conn: db.Connection, row: dict[str, Any], now: datetime) -> None:
    rule = RULES.get(row["kind"])
    seen = {"home_id": row["home_id"], "kind": row["kind"], "episode": row["episode"]}
    if rule is None:  # of another version
        await conn.execute(QUERIES["watch_rule_looked_at"], seen | {"due_at": now + A_DAY})
        return
    numbers, clocks = split(rule, usual(rule) | row["settings"])
    found = await facts(conn, row, rule, numbers, now)
    if rule.needs(found):
        await conn.execute(QUERIES["watch_rule_looked_at"], seen | {"due_at": now + timedelta(hours=1)})
        return
    if found.deaf or (rule.of_somebody_at_home and not await at_home(conn, row["home_id"], now)):
        await conn.execute(QUERIES["watch_rule_looked_at"], seen | {"due_at": now + SOON})
        return
    verdict = rule.judge(found, numbers, clocks, now)
    await conn.execute(QUERIES["watch_rule_looked_at"], seen | {"due_at": verdict.look_again_at, "episode": verdict.episode})
    if verdict.hazard:
        where = {"home_id": row["home_id"], "district_id": row["district_id"], "canary": row["canary"]}
        device = verdict.hazard.params.get("device")
        await quiet.raise_alert(conn, verdict.hazard, **where, device_code=str(device) if device else None, seq=None, now=now)


async def at_home(conn: db.Connection, home_id: int, now: datetime) -> bool:
    """Whether somebody is to be watched there: people have not said that she is away or in hospital."""
    return not await state.nobody_in(conn, home_id, now)


async def facts(conn: db.Connection, row: dict[str, Any], rule: Rule, numbers: Mapping[str, float], now: datetime) -> Facts:
    values = {"home_id": row["home_id"], "now": now, "since": now - rule.back, "quantities": list(rule.senses)}
    rows = await (await conn.execute(QUERIES["home_senses"], values)).fetchall()
    senses = tuple(Sense(**one) for one in rows)
    found = Facts(senses=senses, zone=ZoneInfo(row["timezone"]), watched_from=row["watched_from"], episode=row["episode"])
    return await more_facts(conn, found, rule, numbers, values)


async def more_facts(conn: db.Connection, found: Facts, rule: Rule, numbers: Mapping[str, float], values: dict[str, Any]) -> Facts:
    """What only one rule asks for."""
    if rule is bathroom.RULE:
        codes = [one.code for one in found.of(quantity.MOTION, bathroom.here)]
        after = found.moved_at(bathroom.elsewhere) or values["since"]
        asked = values | {"codes": codes, "after": after, "movement": [quantity.MOTION, quantity.PRESS]}
        first = await db.one(await conn.execute(QUERIES["first_movement"], asked))
        return replace(found, entered_at=first["at"])
    if rule is water.RULE:
        since = values["now"] - timedelta(hours=numbers["hours"])
        asked = {"home_id": values["home_id"], "now": values["now"], "water": quantity.WATER, "since": since, "far": since - timedelta(days=7)}
        rows = await (await conn.execute(QUERIES["water_used"], asked)).fetchall()
        return replace(found, meters=tuple(Meter(**one) for one in rows))
    return found


async def arm(conn: db.Connection, now: datetime) -> None:
    """The job: homes whose devices allow it get the rules that are usual."""
    await conn.execute(QUERIES["arm_watch_rules"], {"kinds": [kind for kind, rule in RULES.items() if rule.usual], "now": now})


# Settings


def usual(rule: Rule) -> dict[str, object]:
    return {name: one.usual for name, one in rule.settings.items()}


def split(rule: Rule, settings: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, time]]:
    """Numbers and local times by name. Raises Invalid, naming the setting."""
    numbers, clocks = dict[str, float](), dict[str, time]()
    for name, said in settings.items():
        field = f"{rule.kind}.{name}"
        one = rule.settings.get(name)
        if isinstance(one, Span):
            if isinstance(said, bool) or not isinstance(said, int | float) or not one.least <= said <= one.most:
                raise errors.Invalid(field=field, reason=f"{one.least:g} – {one.most:g} {one.unit}")
            numbers[name] = float(said)
        elif isinstance(one, Clock):
            try:
                clocks[name] = clock(said)
            except (ValueError, TypeError) as error:
                raise errors.Invalid(field=field, reason="HH:MM") from error
        else:
            raise errors.Invalid(field=field, reason=", ".join(rule.settings))
    return numbers, clocks


async def listing(conn: db.Connection, home: dict[str, Any], now: datetime) -> list[dict[str, Any]]:
    """Each kind: whether it is on, its settings, and what the home lacks for it (a key of `watch.needs`)."""
    rows = {row["kind"]: row for row in await (await conn.execute(QUERIES["watch_rules_of_home"], {"home_id": home["id"]})).fetchall()}
    shown = []
    for kind, rule in RULES.items():
        row = rows.get(kind) or {"settings": {}, "due_at": None, "by": None, "set_at": None}
        blank = {"home_id": home["id"], "timezone": home["timezone"], "watched_from": now, "episode": None}
        numbers = {name: one.usual for name, one in rule.settings.items() if isinstance(one, Span)}
        found = await facts(conn, blank, rule, numbers, now)
        about = {"kind": kind, "on": row["due_at"] is not None, "settings": usual(rule) | row["settings"], "missing": rule.needs(found)}
        shown.append(about | {"set_by": row["by"], "set_at": row["set_at"], "looks_at": row["due_at"]})
    return shown


async def change(conn: db.Connection, home: dict[str, Any], kind: str, on: bool, settings: Mapping[str, Any], person: Person, now: datetime) -> None:
    """Sets one kind for a home. Raises Invalid: for a kind or setting that there is not, or devices that the home has not got."""
    rule = RULES.get(kind)
    if rule is None:
        raise errors.Invalid(field="kind", reason=", ".join(RULES))
    own = {name: said for name, said in settings.items() if said is not None}
    # What is switched off may lack the hour that it needs.
    numbers, _ = split(rule, {name: said for name, said in (usual(rule) | own).items() if on or said is not None})
    if on:
        blank = {"home_id": home["id"], "timezone": home["timezone"], "watched_from": now, "episode": None}
        if missing := rule.needs(await facts(conn, blank, rule, numbers, now)):
            raise errors.Invalid(field=kind, reason=say(person.language, f"watch.needs.{missing}"))
    values = {"home_id": home["id"], "kind": kind, "settings": Jsonb(own), "now": now, "due_at": now if on else None, "person_id": person.id}
    await conn.execute(QUERIES["set_watch_rule"], values)


STAGES = (Stage(name="vigil", step=step, oldest_due="SELECT min(due_at) AS due_at FROM watch_rule WHERE due_at IS NOT NULL", workers=2),)
