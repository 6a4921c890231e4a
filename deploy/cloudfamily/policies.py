"""policy, preview: a city's policies from a file, and what would happen if somebody pressed now, as text."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from cloudfamily.embedded.errors import StartError
from cloudfamily_platform.alerts import policies, preview
from cloudfamily_platform.alerts.alert import QUERIES
from cloudfamily_platform.core import db, errors
from cloudfamily_platform.core.texts import Text, said, say

#: What stands beside the plan in an entry of the file.
ABOUT = (*policies.PLACE, "retire")


class Undo(Exception):
    """Only looked at: nothing of it stays."""


def read(file: Path) -> dict[str, Any]:
    """The file's `policies` and `neighbours`. YAML holds JSON too. Raises StartError."""
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise StartError(f"{file} cannot be read: {' '.join(str(error).split())}.") from error
    if not isinstance(found, dict) or (unknown := set(found) - {"policies", "neighbours"}):
        raise StartError(f"{file} holds {', '.join(sorted(unknown)) if isinstance(found, dict) else 'no words'}: it may hold policies and neighbours.")
    entries, near = found.get("policies") or [], found.get("neighbours") or {}
    if not isinstance(entries, list) or not all(isinstance(one, dict) and "severity" in one for one in entries):
        raise StartError(f"{file}: policies is a list, and each of them says its severity.")
    if not isinstance(near, dict) or not all(isinstance(those, list) for those in near.values()):
        raise StartError(f"{file}: neighbours names a list of districts for each district.")
    return {"policies": entries, "neighbours": near}


async def apply(url: str, file: Path, now: datetime, *, check: bool) -> str:
    """Puts the file in force, all of it or nothing, and says what changes; `check`: only says it. Raises StartError."""
    wanted, lines = read(file), list[str]()
    async with await db.connect(url) as conn:
        try:
            async with conn.transaction():
                for number, entry in enumerate(wanted["policies"], 1):
                    lines += await one_policy(conn, file, number, entry, now)
                for district, those in wanted["neighbours"].items():
                    try:
                        if await policies.set_neighbours(conn, str(district), [str(one) for one in those]):
                            lines.append(f"neighbours of {district}: {', '.join(map(str, those)) or 'none'}")
                    except errors.Invalid as error:
                        raise StartError(f"{file}, neighbours of {district}: {reason(error)}.") from error
                if check:
                    raise Undo
        except Undo:
            lines.append("nothing of this was done: leave --check away")
    return "\n".join(lines) or "nothing to change"


async def one_policy(conn: db.Connection, file: Path, number: int, entry: dict[str, Any], now: datetime) -> list[str]:
    where = {"district": entry.get("district"), "kind": entry.get("kind"), "severity": entry["severity"]}
    plan = {name: value for name, value in entry.items() if name not in ABOUT}
    code = policies.code_of(where)
    try:
        if entry.get("retire"):
            return [f"{code}: retired"] if await policies.retire(conn, None, where) else []
        made = await policies.add(conn, None, {**where, "plan": plan}, now)
    except errors.Invalid as error:
        raise StartError(f"{file}, policy {number} ({code}): {reason(error)}") from error
    return [f"{made['code']}: version {made['version']}"] if made["changed"] else []


def reason(error: errors.Invalid) -> str:
    return str(said("en", error.params["reason"]))


async def preview_text(url: str, home: str, kind: str, severity: str | None, at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """Raises StartError."""
    async with await db.connect(url) as conn:
        row = await (await conn.execute(QUERIES["home_to_preview"], {"code": home})).fetchone()
        if row is None:
            raise StartError(f"There is no home {home}.")
        try:
            found = await preview.of_home(conn, row, kind, severity, at, now)
        except errors.Invalid as error:
            raise StartError(f"{error.params['field']}: {reason(error)}.") from error
    return "\n".join(told(found, zone))


def told(found: dict[str, Any], zone: ZoneInfo) -> list[str]:
    began, again = found["at"], found["again"]
    when, which = f"{began.astimezone(zone):%Y-%m-%d %H:%M:%S}", f"policy {found['policy']} version {found['version']}"
    lines = [f"{found['home']}, {found['kind']} ({found['severity']}) at {when}, {which}"]
    lines += [f"{line.at.astimezone(zone):%H:%M:%S}  {f'+{(line.at - began).total_seconds():g} s':>8}  {sentence(line)}" for line in found["lines"]]
    lines.append(f"then the last step again every {again['every_s']} s, {again['times']} times in all, and hourly after that")
    notes: list[Text] = found["notes"]
    return lines + [f"note: {said('en', note)}" for note in notes]


def sentence(line: preview.Line) -> str:
    whom = say("en", f"whom.{line.whom}")
    if line.what == "off_duty":
        return say("en", "event.nobody_on_duty", whom=whom)
    if line.what == "nobody":
        return say("en", "event.nobody_told", whom=whom, reason=say("en", f"reason.{line.reason}"))
    how = f"by {line.channel}" if line.channel else f"CANNOT BE REACHED: {say('en', f'reason.{line.reason}')}"
    far = f", {line.distance_m} m away" if line.distance_m is not None else ""
    return f"{'ask ' if line.what == 'ask' else 'tell'}  {line.name} ({whom}{far}) {how}"
