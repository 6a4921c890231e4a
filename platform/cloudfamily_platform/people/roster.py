"""Rosters: who is on duty. Rotations are written out into `shift` rows eight weeks ahead, so that "who at T" is one look."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import psycopg
import structlog
from psycopg.types.json import Jsonb

from cloudfamily_platform.core import db, errors
from cloudfamily_platform.core.job import Job
from cloudfamily_platform.core.texts import Text
from cloudfamily_platform.people import holiday, rotation
from cloudfamily_platform.people.person import QUERIES, Person

log = structlog.get_logger()
AHEAD = timedelta(weeks=8)
LONGEST_SHIFT = timedelta(days=7)
#: How far a listing reaches at most.
LISTED = timedelta(days=92)
PEOPLE_MOST = 200


async def on_duty(conn: db.Connection, role: str, district_id: int | None, at: datetime) -> list[dict[str, Any]]:
    """Who is on duty: those on shift in the district or the whole city, or everybody who has the role when nobody is.
    Rows with person_id, name, rostered, on_shift (False in all: nobody is)."""
    return await (await conn.execute(QUERIES["on_duty"], {"role": role, "district_id": district_id, "at": at})).fetchall()


async def write_all(conn: db.Connection, now: datetime) -> None:
    """The job: every rotation is written out further. Rows that are right already are left alone, and so is a rotation that fails."""
    await conn.execute(QUERIES["lock_rosters"])
    for row in await (await conn.execute(QUERIES["live_rotations"], {"id": None})).fetchall():
        try:
            async with conn.transaction():
                await write(conn, row, now)
        except psycopg.OperationalError:
            raise
        except Exception:
            log.exception("rotation_not_written", rotation=row["id"], name=row["name"])


async def write(conn: db.Connection, row: dict[str, Any], now: datetime) -> None:
    """Makes the rows of one rotation what it says from now on. What has been stays: who was on duty is known for good."""
    coming = [span for span in await planned(conn, row, now - LONGEST_SHIFT, now + AHEAD) if span.ends_at > now]
    wanted = {rotation.Span(max(span.starts_at, now), span.ends_at, span.person_id) for span in coming}
    rows = await (await conn.execute(QUERIES["written_shifts"], {"id": row["id"], "now": now})).fetchall()
    there = {one["id"]: rotation.Span(one["starts_at"], one["ends_at"], one["person_id"]) for one in rows}
    wrong = [shift_id for shift_id, span in there.items() if span not in wanted]
    missing = sorted(wanted - set(there.values()))
    if wrong:
        await conn.execute(QUERIES["end_shifts"], {"ids": wrong, "now": now})
    if missing:
        spans = {"people": [one.person_id for one in missing], "starts": [one.starts_at for one in missing], "ends": [one.ends_at for one in missing]}
        await conn.execute(QUERIES["write_shifts"], {**spans, "id": row["id"], "role": row["role"], "district_id": row["district_id"]})


async def planned(conn: db.Connection, row: dict[str, Any], since: datetime, until: datetime) -> list[rotation.Span]:
    """What a rotation and its overrides say about a stretch of time."""
    made = of_row(row)
    spans = rotation.spans(made, since.astimezone(made.zone).date(), until.astimezone(made.zone).date())
    values = {"people": row["people"], "since": since, "role": row["role"], "district_id": row["district_id"]}
    found = await (await conn.execute(QUERIES["overrides"], values)).fetchall()
    return rotation.overridden(spans, [rotation.Override(**one) for one in found])


def of_row(row: dict[str, Any]) -> rotation.Rotation:
    return rotation.Rotation(
        zone=ZoneInfo(row["timezone"]),
        starts_on=row["starts_on"],
        handover_days=row["handover_days"],
        people=tuple(row["people"]),
        shifts=msgspec.convert(row["shifts"], tuple[rotation.Shift, ...]),
        holidays=row["holidays"],
        on_holidays=msgspec.convert(row["on_holidays"], tuple[rotation.Shift, ...] | None),
    )


async def set_rotation(conn: db.Connection, person: Person, wanted: dict[str, Any], now: datetime) -> int:
    """Makes a rotation, or changes the one of that name, role and district, and writes it out at once; returns its id.

    `wanted`: name, district (code or None), role, timezone, starts_on, handover_days, people (codes, in their order), shifts,
    holidays, on_holidays. Raises NotAllowed, NotFound, Invalid.
    """
    async with conn.transaction():
        district_id = await district_of(conn, person, wanted["district"])
        try:
            ZoneInfo(wanted["timezone"])
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise errors.Invalid(field="timezone", reason=Text("roster.bad_zone", {"zone": wanted["timezone"]})) from error
        if wanted["holidays"] and (reason := holiday.problem(wanted["holidays"])):
            raise errors.Invalid(field="holidays", reason=reason)
        check_shifts(wanted)
        people = await with_role(conn, wanted["people"], wanted["role"], district_id)
        values = {key: wanted[key] for key in ("name", "role", "timezone", "starts_on", "handover_days", "holidays")}
        lists = {"shifts": Jsonb(wanted["shifts"]), "on_holidays": Jsonb(wanted["on_holidays"]) if wanted["on_holidays"] is not None else None}
        await conn.execute(QUERIES["lock_rosters"])
        made = await db.one(await conn.execute(QUERIES["add_rotation"], {**values, **lists, "district_id": district_id}))
        await conn.execute(QUERIES["set_rotation_people"], {"id": made["id"], "people": people})
        await write(conn, await load(conn, made["id"]), now)
        return int(made["id"])


def check_shifts(wanted: dict[str, Any]) -> None:
    """Raises Invalid."""
    for name in ("shifts", "on_holidays"):
        try:
            shifts = msgspec.convert(wanted[name] or [], tuple[rotation.Shift, ...])
        except msgspec.ValidationError as error:
            raise errors.Invalid(field=name, reason=str(error)) from error
        if found := rotation.problems(shifts, name):
            raise errors.Invalid(field=name, reason=found)
    if not wanted["shifts"]:
        raise errors.Invalid(field="shifts", reason=Text("roster.no_shifts"))
    if wanted["on_holidays"] is not None and not wanted["holidays"]:
        raise errors.Invalid(field="on_holidays", reason=Text("roster.whose_holidays"))


async def load(conn: db.Connection, rotation_id: int) -> dict[str, Any]:
    """A live rotation's row. Raises NotFound."""
    row = await (await conn.execute(QUERIES["live_rotations"], {"id": rotation_id})).fetchone()
    if row is None:
        raise errors.NotFound(what="rotation")
    return row


async def end_rotation(conn: db.Connection, person: Person, rotation_id: int, now: datetime) -> None:
    """Nobody takes turns in it from now on. Raises NotFound, NotAllowed."""
    async with conn.transaction():
        await conn.execute(QUERIES["lock_rosters"])
        row = await load(conn, rotation_id)
        must_supervise(person, row["district_id"])
        rows = await (await conn.execute(QUERIES["written_shifts"], {"id": rotation_id, "now": now})).fetchall()
        await conn.execute(QUERIES["end_shifts"], {"ids": [one["id"] for one in rows], "now": now})
        await conn.execute(QUERIES["end_rotation"], {"id": rotation_id, "now": now})


async def add_override(conn: db.Connection, person: Person, instead_of: str, takes_over: str, starts_at: datetime, ends_at: datetime, now: datetime) -> int:
    """`takes_over` has the turns of `instead_of` (person codes) for a while. Raises Invalid, NotFound, NotAllowed."""
    check_times(starts_at, ends_at, now)
    if instead_of == takes_over:
        raise errors.Invalid(field="person", reason=Text("roster.same_person"))
    async with conn.transaction():
        await conn.execute(QUERIES["lock_rosters"])
        other = (await with_role(conn, [instead_of], None, None))[0]
        rotations = await (await conn.execute(QUERIES["rotations_of_person"], {"person_id": other})).fetchall()
        if not rotations:
            raise errors.Invalid(field="instead_of", reason=Text("roster.no_turns", {"person": instead_of}))
        for row in rotations:
            must_supervise(person, row["district_id"])
            taker = (await with_role(conn, [takes_over], row["role"], row["district_id"]))[0]
        values = {"instead_of": other, "person_id": taker, "starts_at": starts_at, "ends_at": ends_at, "by": person.id}
        made = await db.one(await conn.execute(QUERIES["add_override"], values))
        for row in rotations:
            await write(conn, await load(conn, row["id"]), now)
        return int(made["id"])


async def remove_override(conn: db.Connection, person: Person, override_id: int, now: datetime) -> None:
    """The one who was to be relieved has their turns back, from now on. Raises NotFound, NotAllowed."""
    async with conn.transaction():
        await conn.execute(QUERIES["lock_rosters"])
        row = await (await conn.execute(QUERIES["override_by_id"], {"id": override_id})).fetchone()
        if row is None:
            raise errors.NotFound(what="override")
        rotations = await (await conn.execute(QUERIES["rotations_of_person"], {"person_id": row["instead_of"]})).fetchall()
        for one in rotations:
            must_supervise(person, one["district_id"])
        if not rotations:
            must_supervise(person, None)
        await conn.execute(QUERIES["remove_override"], {"id": override_id, "now": now})
        for one in rotations:
            await write(conn, await load(conn, one["id"]), now)


async def add_shift(conn: db.Connection, person: Person, wanted: dict[str, Any], now: datetime) -> int:
    """One shift by itself: person (code), role, district (code or None), starts_at, ends_at. Raises Invalid, NotFound, NotAllowed."""
    check_times(wanted["starts_at"], wanted["ends_at"], now)
    if wanted["ends_at"] - wanted["starts_at"] > LONGEST_SHIFT:
        raise errors.Invalid(field="ends_at", reason=Text("roster.too_long", {"days": LONGEST_SHIFT.days}))
    async with conn.transaction():
        district_id = await district_of(conn, person, wanted["district"])
        people = await with_role(conn, [wanted["person"]], wanted["role"], district_id)
        values = {key: wanted[key] for key in ("role", "starts_at", "ends_at")}
        made = await db.one(await conn.execute(QUERIES["add_shift"], {**values, "person_id": people[0], "district_id": district_id}))
        return int(made["id"])


async def remove_shift(conn: db.Connection, person: Person, shift_id: int, now: datetime) -> None:
    """Ends a single shift, or takes it back before it has begun. Raises NotFound (also for one that a rotation has written)."""
    async with conn.transaction():
        row = await (await conn.execute(QUERIES["single_shift"], {"id": shift_id, "now": now})).fetchone()
        if row is None:
            raise errors.NotFound(what="shift")
        must_supervise(person, row["district_id"])
        await conn.execute(QUERIES["end_shifts"], {"ids": [shift_id], "now": now})


async def listing(conn: db.Connection, person: Person, since: datetime, until: datetime, district: str | None) -> dict[str, Any]:
    """Shifts, rotations and overrides that this operator may see, and what is not known about the time. Raises Invalid."""
    if not since < until <= since + LISTED:
        raise errors.Invalid(field="to", reason=Text("roster.bad_stretch", {"days": LISTED.days}))
    scope = {"whole_city": person.whole_city, "districts": list(person.districts), "district": district, "since": since, "until": until}
    shifts = await (await conn.execute(QUERIES["shifts"], scope)).fetchall()
    rows = await (await conn.execute(QUERIES["live_rotations"], {"id": None})).fetchall()
    mine = [row for row in rows if person.oversees(row["district_id"]) and (district is None or row["district"] in (district, None))]
    overrides = await (await conn.execute(QUERIES["open_overrides"], {"since": since, "until": until})).fetchall()
    people = {code for row in mine for code in row["codes"]}
    shown = ("id", "name", "district", "role", "timezone", "starts_on", "handover_days", "shifts", "holidays", "on_holidays")
    return {
        "shifts": shifts,
        "rotations": [{**{key: row[key] for key in shown}, "people": row["codes"]} for row in mine],
        "overrides": [one for one in overrides if one["instead_of"] in people],
        "notes": unknown_holidays(mine, since.date(), until.date()),
    }


async def notes(conn: db.Connection, district_id: int | None, since: datetime, until: datetime, now: datetime) -> list[Text]:
    """What is not known about who is on duty in a district in that time."""
    rows = await (await conn.execute(QUERIES["live_rotations"], {"id": None})).fetchall()
    mine = [row for row in rows if row["district_id"] in (district_id, None)]
    found = unknown_holidays(mine, since.date(), until.date())
    return [Text("roster.not_written", {"weeks": AHEAD.days // 7}), *found] if mine and until > now + AHEAD else found


def unknown_holidays(rotations: Sequence[dict[str, Any]], since: date, until: date) -> list[Text]:
    calendars = sorted({row["holidays"] for row in rotations if row["holidays"]})
    years = [(code, year) for code in calendars for year in range(since.year, until.year + 1)]
    return [Text("roster.holidays_unknown", {"holidays": code, "year": year}) for code, year in years if not holiday.known(code, year)]


async def with_role(conn: db.Connection, codes: Sequence[str], role: str | None, district_id: int | None) -> list[int]:
    """The ids of these people, who must all have the role there (None: any). Raises Invalid."""
    if not 0 < len(codes) <= PEOPLE_MOST:
        raise errors.Invalid(field="people", reason=Text("roster.how_many_people", {"most": PEOPLE_MOST}))
    rows = await (await conn.execute(QUERIES["who_has_role"], {"codes": list(codes), "role": role, "district_id": district_id})).fetchall()
    known = {row["code"]: row for row in rows}
    for code in codes:
        if code not in known:
            raise errors.Invalid(field="people", reason=Text("roster.unknown_person", {"person": code}))
        if role is not None and not known[code]["has_role"]:
            raise errors.Invalid(field="people", reason=Text("roster.lacks_role", {"person": code, "role": role}))
    return [known[code]["id"] for code in codes]


async def district_of(conn: db.Connection, person: Person, code: str | None) -> int | None:
    """The id of the district whose rosters this person may change; None: the whole city. Raises NotFound, NotAllowed."""
    if code is None:
        must_supervise(person, None)
        return None
    row = await (await conn.execute(QUERIES["district_by_code"], {"code": code})).fetchone()
    if row is None:
        raise errors.NotFound(what="district")
    must_supervise(person, row["id"])
    return int(row["id"])


def must_supervise(person: Person, district_id: int | None) -> None:
    """Raises NotAllowed but for supervisors of the district, or of the whole city."""
    if "supervisor" not in person.roles or not (person.whole_city or district_id in person.districts):
        raise errors.NotAllowed


def check_times(starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    """Raises Invalid."""
    if ends_at <= starts_at:
        raise errors.Invalid(field="ends_at", reason=Text("roster.ends_before"))
    if ends_at <= now:
        raise errors.Invalid(field="ends_at", reason=Text("roster.over"))


JOB = Job(name="roster", every=timedelta(hours=1), run=write_all)
