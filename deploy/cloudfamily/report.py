"""report: what has been, for people and for machines."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from cloudfamily_platform.core import db
from cloudfamily_platform.insight import kpi_month

SHOWN = 20


async def kpi(url: str, month: str, district: str | None, zone: ZoneInfo, *, as_json: bool) -> str:
    """The month's figures. Raises Invalid, NotFound."""
    async with await db.connect(url) as conn:
        found = await kpi_month.figures(conn, month, zone, datetime.now(UTC), district=district)
    return json.dumps(found, default=str, ensure_ascii=False) if as_json else told(found, zone)


def told(found: dict[str, Any], zone: ZoneInfo) -> str:
    lines = [f"{found['month']}, {found['district'] or 'the whole city'}: {found['alerts']} calls"]
    for bar in found["bars"]:
        share = "-" if bar["share"] is None else f"{bar['share']:.1%}"
        verdict = {True: "reached", False: "NOT REACHED", None: "nothing to count"}[bar["reached"]]
        lines.append(f"  {bar['name']:<14}{share:>7} of {bar['counted']:<6} asked: {bar['target']:.1%} within {bar['limit_s']} s   {verdict}")
    for clock, times in found["seconds"].items():
        if times:
            lines.append(f"  {clock:<14}" + "   ".join(f"{name} {seconds:.0f} s" for name, seconds in times.items()))
    lines += [f"district {one['district'] or '-'}: {one['alerts']} calls, {shares(one)}" for one in found["districts"][:SHOWN]]
    lines += [f"answered by {one['name'] or 'nobody'}: {one['alerts']} calls, {shares(one)}" for one in found["people"][:SHOWN]]
    lines.append(f"too late: {found['breached']}")
    for one in found["breaches"][:SHOWN]:
        late = ", ".join(f"{clock} after {seconds} s" for clock, seconds in one["seconds"].items())
        lines.append(f"  alert {one['alert_id']}, {one['kind']}, {one['opened_at'].astimezone(zone):%Y-%m-%d %H:%M}: {late}")
    return "\n".join(lines)


def shares(group: dict[str, Any]) -> str:
    return ", ".join(f"{bar['name']} {bar['share']:.1%}" for bar in group["bars"] if bar["share"] is not None) or "nothing to count"
