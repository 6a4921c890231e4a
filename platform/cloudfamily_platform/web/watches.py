"""What calls people in a home, over HTTP: limits of vital signs, circles, and what is noticed by silence."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from cloudfamily_platform.alerts import vigil
from cloudfamily_platform.people import home, limits
from cloudfamily_platform.web import schemas
from cloudfamily_platform.web.context import Here, Operator, SignedIn

router = APIRouter(prefix="/api/homes", tags=["watches"])
Code = Annotated[str, Path(max_length=40)]
Elder = Annotated[str | None, Query(max_length=40)]


@router.get("/{code}/limits")
async def limits_of(code: Code, person: SignedIn, here: Here, elder: Elder = None) -> schemas.Limits:
    """The limits that count in this home, or for one of its elders, and whose figures they are. For operators and the family."""
    async with here.pool.connection() as conn:
        return schemas.Limits(**await limits.listing(conn, await limits.seen_home(conn, code, person), elder))


@router.put("/{code}/limits")
async def set_limits(code: Code, body: schemas.SetLimits, person: Operator, here: Here) -> schemas.Limits:
    """Sets an elder's own limits of the vital signs named; a side left out is everybody's. Gateways heed it within ten seconds."""
    async with here.pool.connection() as conn, conn.transaction():
        found = await home.by_code(conn, code, person)
        await limits.change(conn, found, body.elder, [one.model_dump() for one in body.limits], person, here.clock())
        return schemas.Limits(**await limits.listing(conn, found, body.elder))


@router.get("/{code}/geofences")
async def fences_of(code: Code, person: SignedIn, here: Here) -> schemas.Fences:
    """The circles that people of this home are not to leave unnoticed. For operators and the family."""
    async with here.pool.connection() as conn:
        return schemas.Fences(fences=await limits.fences(conn, (await limits.seen_home(conn, code, person))["id"]))


@router.put("/{code}/geofences")
async def set_fences(code: Code, body: schemas.SetFences, person: Operator, here: Here) -> schemas.Fences:
    """These circles and no others from now on. Gateways heed it within ten seconds."""
    async with here.pool.connection() as conn, conn.transaction():
        found = await home.by_code(conn, code, person)
        await limits.change_fences(conn, found, [one.model_dump() for one in body.fences], person, here.clock())
        return schemas.Fences(fences=await limits.fences(conn, found["id"]))


@router.get("/{code}/watches")
async def watches_of(code: Code, person: SignedIn, here: Here) -> schemas.Watches:
    """What is noticed by silence in this home, with its settings, and what it lacks for the others. For operators and the family."""
    async with here.pool.connection() as conn:
        found = await limits.seen_home(conn, code, person)
        return schemas.Watches(watches=await vigil.listing(conn, found, here.clock()))


@router.put("/{code}/watches")
async def set_watches(code: Code, body: schemas.SetWatches, person: Operator, here: Here) -> schemas.Watches:
    """Switches what is named on or off, with its settings; a setting left out is the usual one."""
    now = here.clock()
    async with here.pool.connection() as conn, conn.transaction():
        found = await home.by_code(conn, code, person)
        for one in body.watches:
            await vigil.change(conn, found, one.kind, one.on, one.settings, person, now)
        return schemas.Watches(watches=await vigil.listing(conn, found, now))
