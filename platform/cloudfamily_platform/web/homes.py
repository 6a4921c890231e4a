"""Homes, quarantine and visits over HTTP, for those who may see them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from cloudfamily_platform.alerts import bound, circle
from cloudfamily_platform.people import home, label, quarantine
from cloudfamily_platform.services import visits
from cloudfamily_platform.web import schemas
from cloudfamily_platform.web.context import Here, Operator, SignedIn

router = APIRouter(prefix="/api", tags=["homes"])
Limit = Annotated[int, Query(ge=1, le=500)]
Code = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
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


@router.get("/homes/{code}/circle")
async def around(code: Annotated[str, Path(max_length=40)], person: Operator, here: Here) -> schemas.Circle:
    """Who could be at this home's door within 15 minutes, now."""
    async with here.pool.connection() as conn:
        row = await home.by_code(conn, code, person)
        return schemas.Circle(**await circle.around(conn, row, here.clock()))


@router.get("/quarantine")
async def frames(person: Operator, here: Here, limit: Limit = 100) -> schemas.Quarantine:
    """Frames that could not be taken, with their reason, and devices without a home."""
    async with here.pool.connection() as conn:
        return schemas.Quarantine(**await quarantine.frames(conn, limit, here.clock()))


@router.post("/quarantine/{frame_id}/clear", status_code=204)
async def clear(frame_id: Number, person: Operator, here: Here) -> None:
    """Seen to."""
    async with here.pool.connection() as conn:
        await quarantine.clear(conn, frame_id, here.clock())


@router.post("/devices/bind", status_code=201)
async def bind(body: schemas.Bind, person: Operator, here: Here) -> schemas.Bound:
    """Gives a device its home; what it has called for becomes an alert of that home. 409 `already_bound`: it has one."""
    now = here.clock()
    async with here.pool.connection() as conn, conn.transaction():
        home_row = await quarantine.bind(conn, body.device, body.kind, body.home, person, now, room=body.room, wearer=body.wearer)
        await bound.adopt(conn, body.device, home_row, person, now)
    return schemas.Bound(device=body.device, home=body.home)


@router.post("/devices/unbind", status_code=204)
async def unbind(body: schemas.Unbind, person: Operator, here: Here) -> None:
    """Takes a device out of its home, for instance before it is given to another."""
    async with here.pool.connection() as conn:
        await quarantine.unbind(conn, body.device, person, here.clock())


@router.get("/devices/{code}/binding")
async def binding(code: Code, person: Operator, here: Here) -> schemas.Binding:
    """What a device says of itself, and its home, if it has one. 404: it was never heard, or its home is not yours to see."""
    async with here.pool.connection() as conn:
        return schemas.Binding(**await quarantine.device(conn, code, person, here.clock()))


@router.get("/devices/{code}/label.svg", response_class=Response)
async def sticker(code: Code, person: Operator, here: Here, request: Request) -> Response:
    """A label for the device: a QR code that opens the console where it is bound to a home, and its code."""
    return Response(label.sheet([code], here.public_url or str(request.base_url)), media_type="image/svg+xml")


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
