"""Rosters over HTTP: shifts, the rotations that write them, and who takes over from whom. Supervisors change them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime

from cloudfamily_platform.people import roster
from cloudfamily_platform.web import schemas
from cloudfamily_platform.web.context import Here, Operator
from cloudfamily_platform.web.policies import sentences

router = APIRouter(prefix="/api", tags=["rosters"])
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("/shifts")
async def shifts(
    person: Operator,
    here: Here,
    since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to")] = None,
    district: Annotated[str | None, Query(max_length=40)] = None,
) -> schemas.Shifts:
    """Who is on duty when, in the districts of this operator; a week from now unless asked otherwise."""
    begins = since or here.clock()
    async with here.pool.connection() as conn:
        found = await roster.listing(conn, person, begins, until or begins + timedelta(days=7), district)
    return schemas.Shifts(**{**found, "notes": sentences(found["notes"])})


@router.post("/shifts", status_code=201)
async def add_shift(body: schemas.AddShift, person: Operator, here: Here) -> schemas.Made:
    """One shift by itself."""
    async with here.pool.connection() as conn:
        return schemas.Made(id=await roster.add_shift(conn, person, body.model_dump(), here.clock()))


@router.delete("/shifts/{shift_id}", status_code=204)
async def remove_shift(shift_id: Number, person: Operator, here: Here) -> None:
    """Ends a single shift. One that a rotation has written is changed by an override."""
    async with here.pool.connection() as conn:
        await roster.remove_shift(conn, person, shift_id, here.clock())


@router.post("/rotations", status_code=201)
async def set_rotation(body: schemas.SetRotation, person: Operator, here: Here) -> schemas.Made:
    """Makes a rotation, or changes the one of that name, role and district, from now on."""
    async with here.pool.connection() as conn:
        return schemas.Made(id=await roster.set_rotation(conn, person, body.model_dump(), here.clock()))


@router.delete("/rotations/{rotation_id}", status_code=204)
async def end_rotation(rotation_id: Number, person: Operator, here: Here) -> None:
    """Nobody takes turns in it from now on."""
    async with here.pool.connection() as conn:
        await roster.end_rotation(conn, person, rotation_id, here.clock())


@router.post("/overrides", status_code=201)
async def add_override(body: schemas.AddOverride, person: Operator, here: Here) -> schemas.Made:
    """Somebody takes the turns of somebody else for a while."""
    async with here.pool.connection() as conn:
        made = await roster.add_override(conn, person, body.instead_of, body.person, body.starts_at, body.ends_at, here.clock())
        return schemas.Made(id=made)


@router.delete("/overrides/{override_id}", status_code=204)
async def remove_override(override_id: Number, person: Operator, here: Here) -> None:
    """The one who was relieved has their turns back."""
    async with here.pool.connection() as conn:
        await roster.remove_override(conn, person, override_id, here.clock())
