"""Homes, quarantine and visits over HTTP, for those who may see them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from cloudfamily_platform.people import home, quarantine
from cloudfamily_platform.services import visits
from cloudfamily_platform.web import schemas
from cloudfamily_platform.web.context import Here, Operator, SignedIn

router = APIRouter(prefix="/api", tags=["homes"])
Limit = Annotated[int, Query(ge=1, le=500)]
Number = Annotated[int, Path(ge=1, le=2**62)]


@router.get("/homes")
async def homes(person: Operator, here: Here, q: Annotated[str, Query(max_length=100)] = "", limit: Limit = 50) -> schemas.Homes:
    """Homes by code, address, elder's name or phone."""
    async with here.pool.connection() as conn:
        return schemas.Homes(homes=await home.search(conn, person, q, limit, here.clock()))


@router.get("/homes/{code}")
async def one_home(code: Annotated[str, Path(max_length=40)], person: Operator, here: Here) -> schemas.Home:
    """A home's card and its last readings."""
    async with here.pool.connection() as conn:
        row = await home.by_code(conn, code, person)
        now = here.clock()
        return schemas.Home(**await home.card(conn, row["id"], now), recent=await home.recent(conn, row["id"], now))


@router.get("/quarantine")
async def frames(person: Operator, here: Here, limit: Limit = 100) -> schemas.Quarantine:
    """Frames that could not be taken, with their reason, and devices that nobody knows."""
    async with here.pool.connection() as conn:
        return schemas.Quarantine(**await quarantine.frames(conn, limit, here.clock()))


@router.post("/quarantine/{frame_id}/clear", status_code=204)
async def clear(frame_id: Number, person: Operator, here: Here) -> None:
    """Seen to."""
    async with here.pool.connection() as conn:
        await quarantine.clear(conn, frame_id, here.clock())


@router.post("/devices/bind", status_code=201)
async def bind(body: schemas.Bind, person: Operator, here: Here) -> schemas.Bound:
    """Gives an unknown device its home."""
    async with here.pool.connection() as conn:
        await quarantine.bind(conn, body.device, body.kind, body.home, person, here.clock())
    return schemas.Bound(device=body.device, home=body.home)


@router.get("/visits")
async def listing(person: SignedIn, here: Here, state: Literal["unverified", "verified"] = "unverified", limit: Limit = 100) -> schemas.Visits:
    """Visits that this person may see."""
    async with here.pool.connection() as conn:
        return schemas.Visits(visits=await visits.listing(conn, person, verified=state == "verified", limit=limit))


@router.post("/visits/{visit_id}/verify", status_code=204)
async def verify(visit_id: Number, person: SignedIn, here: Here) -> None:
    """An operator or the family says that the visit took place; the visitor cannot."""
    async with here.pool.connection() as conn:
        await visits.verify(conn, visit_id, person, here.clock())
