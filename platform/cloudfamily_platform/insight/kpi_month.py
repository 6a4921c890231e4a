"""The KPI clocks of a month, for those who may see them: as figures, and line by line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from cloudfamily_platform.core import db, errors
from cloudfamily_platform.insight import kpi
from cloudfamily_platform.insight.figures import QUERIES
from cloudfamily_platform.people.person import Person

MONTH = re.compile(r"^(20\d\d)-(0[1-9]|1[0-2])$")
#: Small, so that others have their turn between two.
BATCH = 200
COLUMNS = ("alert", "kind", "severity", "district", "opened_at", "answered_by", "answered_s", "on_site_s", "entry_s", "outcome", "breached")
#: A cell that begins so would be a formula for a spreadsheet (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def span(month: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The month in the zone in which people live. Raises Invalid."""
    if (found := MONTH.match(month)) is None:
        raise errors.Invalid(field="month", reason="write it like 2026-11")
    year, number = int(found[1]), int(found[2])
    return datetime(year, number, 1, tzinfo=zone), datetime(year + number // 12, number % 12 + 1, 1, tzinfo=zone)


async def clocks(conn: db.Connection, alert_id: int, now: datetime) -> dict[str, dict[str, Any]]:
    """One alert's clocks by the name of their bar, as the API gives them. Whoever calls knows that it may be seen."""
    row = await db.one(await conn.execute(QUERIES["kpi_alert"], {"id": alert_id}))
    return {name: shown(one) for name, one in kpi.clocks(row, now).items()}


def shown(one: kpi.Reading) -> dict[str, Any]:
    bar, times = one.bar, {"started_at": one.started_at, "due_at": one.due_at, "ended_at": one.ended_at}
    return {"clock": bar.clock, "limit_s": round(bar.limit.total_seconds()), "framework": bar.framework, "state": one.state, **times}


async def scope(conn: db.Connection, person: Person | None, district: str | None) -> dict[str, Any]:
    """What this person may see; None: whoever rules the machine. Raises NotFound for a district that is not theirs."""
    found = {"whole_city": person is None or person.whole_city, "districts": list(person.districts) if person else [], "district": district}
    if district is not None and await (await conn.execute(QUERIES["kpi_district"], found)).fetchone() is None:
        raise errors.NotFound(what="district")
    return found


async def rows(conn: db.Connection, month: str, zone: ZoneInfo, seen: Mapping[str, Any]) -> AsyncIterator[list[dict[str, Any]]]:
    """The month's calls, a batch at a time."""
    since, until = span(month, zone)
    values = {**seen, "since": since, "until": until, "of_no_home": list(kpi.OF_NO_HOME)}
    async with conn.transaction(), conn.cursor(name="kpi") as cursor:
        await cursor.execute(QUERIES["kpi_alerts"], values)
        while found := await cursor.fetchmany(BATCH):
            yield found


async def figures(
    conn: db.Connection, month: str, zone: ZoneInfo, now: datetime, *, person: Person | None = None, district: str | None = None
) -> dict[str, Any]:
    """Shares, times and breaches of a month. Raises Invalid, NotFound."""
    tally = kpi.Tally(now)
    async for batch in rows(conn, month, zone, await scope(conn, person, district)):
        for row in batch:
            tally.add(row)
    return {"month": month, "district": district, "timezone": zone.key, **tally.summary()}


async def table(conn: db.Connection, month: str, zone: ZoneInfo, now: datetime, seen: Mapping[str, Any]) -> AsyncIterator[str]:
    """CSV, a line per call; times in the zone, durations in seconds."""
    yield "\ufeff" + line(COLUMNS)  # with the mark by which Excel knows UTF-8
    async for batch in rows(conn, month, zone, seen):
        yield "".join(line(cells(row, zone, now)) for row in batch)


def cells(row: Mapping[str, Any], zone: ZoneInfo, now: datetime) -> list[object]:
    readings = kpi.clocks(row, now)
    opened_at = row["opened_at"].astimezone(zone).isoformat(timespec="seconds")
    seconds = [took(readings[name]) for name in kpi.TIMED]
    late = " ".join(name for name, one in readings.items() if one.state == "breached")
    return [row["id"], row["kind"], row["severity"], row["district"], opened_at, row["by_name"], *seconds, row["outcome"], late]


def took(one: kpi.Reading) -> int | None:
    return round((one.ended_at - one.started_at).total_seconds()) if one.started_at and one.ended_at else None


def line(cells: Sequence[object]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([f"'{one}" if isinstance(one, str) and one.startswith(FORMULA) else one for one in cells])
    return out.getvalue()
