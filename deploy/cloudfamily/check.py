"""check: what somebody should see to before it matters, for people and for machines."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from cloudfamily.embedded.errors import StartError
from cloudfamily_platform.alerts import coverage as coverages
from cloudfamily_platform.alerts import timeline as timelines
from cloudfamily_platform.core import db, errors
from cloudfamily_platform.core.texts import say
from cloudfamily_platform.people import device

#: So many of one kind are printed; --json names more.
NAMED = 10
Problems = dict[str, list[dict[str, Any]]]


async def devices(url: str, weeks: int, zone: ZoneInfo, *, as_json: bool) -> str:
    """Silent devices, batteries that run out within a month, buttons whose weekly test is missing."""
    now = datetime.now(UTC)
    async with await db.connect(url) as conn:
        found = await device.problems(conn, now, weeks)
    return json.dumps(found, default=str, ensure_ascii=False) if as_json else told(found, weeks, zone)


async def timeline(url: str, alert_id: int | None, published: str | None, *, as_json: bool) -> tuple[bool, str]:
    """Whether every chain and every seal is whole, and what to print."""
    began = time.monotonic()
    async with await db.connect(url) as conn:
        found = await timelines.check(conn, alert_id, published)
    seconds = round(time.monotonic() - began, 3)
    if as_json:
        return not found.broken, json.dumps({"ok": not found.broken, "seconds": seconds, **vars(found)}, ensure_ascii=False)
    lines = found.broken or ["ok"]
    lines.append(f"{found.lines} lines of {found.alerts} alerts, {found.seals} seals, {found.unsealed} lines not sealed yet; {seconds:g} s")
    lines.append(f"head: {found.head or 'no seal yet'}")
    return not found.broken, "\n".join(lines)


def told(found: Problems, weeks: int, zone: ZoneInfo) -> str:
    lines = [f"silent: {len(found['silent'])}"]
    lines += [f"  {name(one)}{one['state']:<9}last heard {when(one['last_seen_at'], zone)}" for one in found["silent"]]
    lines.append(f"battery empty within {device.SOON.days} days: {len(found['batteries'])}")
    lines += [f"  {name(one)}{one['battery_empty_on']}" for one in found["batteries"]]
    lines.append(f"buttons without a weekly test in the last {weeks} weeks: {len(found['untested'])}")
    lines += [f"  {name(one)}{one['gaps']} missed: {', '.join(missed(one))}" for one in found["untested"]]
    return "\n".join(lines)


def name(one: dict[str, Any]) -> str:
    return f"{one['home'] or '-':<12}{one['code']:<32}"


def missed(one: dict[str, Any]) -> list[str]:
    """The Mondays of the weeks without a press, newest first."""
    return [str(week["week"]) for week in one["weeks"] if week["state"] == "gap"]


def when(at: datetime | None, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M") if at else f"not within {device.LOOK_BACK.days} days"


async def coverage(url: str, zone: ZoneInfo, *, district: str | None, language: str, as_json: bool) -> tuple[str, bool]:
    """What is missing before an alarm, and whether any of it is critical. Raises StartError for an unknown district."""
    now = datetime.now(UTC)
    async with await db.connect(url) as conn:
        try:
            seen = await coverages.within(conn, device.CITY, district) if district else device.CITY
        except errors.NotFound as error:
            raise StartError(f"There is no district {district!r} with homes in it: name one by its code, such as wanxiu.") from error
        found = await coverages.look(conn, seen, now, zone, limit=coverages.MOST if as_json else NAMED)
    groups = coverages.shown(found)
    return json.dumps({"groups": groups}, ensure_ascii=False) if as_json else "\n".join(listed(groups, language)), found.is_critical


def listed(groups: list[dict[str, Any]], language: str) -> list[str]:
    lines = []
    for group in groups:
        texts = group["texts"][language]
        lines.append(f"{say(language, 'coverage.severity.' + group['severity']).upper()}  {texts['title']}: {group['count']}")
        lines += [f"  {problem['what'][language]}" for problem in group["problems"][:NAMED]]
        lines += [f"  … {more}"] if (more := group["count"] - min(NAMED, len(group["problems"]))) > 0 else []
        lines.append(f"  → {texts['fix']}")
    return lines or [say(language, "coverage.all_well")]
