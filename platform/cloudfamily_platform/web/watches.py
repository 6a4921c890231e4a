"""What calls people in a home, over HTTP: limits of vital signs, circles, what is noticed by silence, and the states that hold it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from cloudfamily_platform.alerts import vigil
from cloudfamily_platform.people import home, limits, state
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


@router.get("/{code}/states")
async def states_of(code: Code, person: SignedIn, here: Here) -> schemas.States:
    """What people have said of this home (away, visitor, hospital, asleep): now, to come and lately. For operators and the family."""
    async with here.pool.connection() as conn:
        found = await limits.seen_home(conn, code, person)
        return schemas.States(states=await state.listing(conn, found["id"], here.clock()))


@router.post("/{code}/states", status_code=201)
async def set_state(code: Code, body: schemas.SetState, person: SignedIn, here: Here) -> schemas.States:
    """Says that she is away, in hospital, asleep, or has a visitor, until an end. For operators and the family; it ends by itself."""
    now = here.clock()
    async with here.pool.connection() as conn:
        found = await limits.seen_home(conn, code, person)
        await state.make(conn, found, body.state, body.starts_at, body.ends_at, body.note, person, now)
        return schemas.States(states=await state.listing(conn, found["id"], now))


@router.delete("/{code}/states/{state_id}")
async def end_state(code: Code, state_id: Annotated[int, Path(ge=1, le=2**62)], person: SignedIn, here: Here) -> schemas.States:
    """Ends it now: silence counts anew from here."""
    now = here.clock()
    async with here.pool.connection() as conn:
        found = await limits.seen_home(conn, code, person)
        await state.end(conn, found, state_id, person, now)
        return schemas.States(states=await state.listing(conn, found["id"], now))
