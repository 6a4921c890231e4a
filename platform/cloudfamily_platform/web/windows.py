"""Quiet windows over HTTP: preview, make, list, end, and what they held."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from cloudfamily_platform.alerts import window
from cloudfamily_platform.web import schemas
from cloudfamily_platform.web.context import Here, SignedIn

router = APIRouter(prefix="/api/windows", tags=["windows"])
WindowId = Annotated[int, Path(ge=1, le=2**62)]
Limit = Annotated[int, Query(ge=1, le=500)]


@router.get("")
async def windows(person: SignedIn, here: Here, past: bool = False, limit: Limit = 200) -> schemas.Windows:
    """The windows that this person may see; `past`: also those that are over."""
    now = here.clock()
    async with here.pool.connection() as conn:
        rows = await window.listing(conn, person, now, past=past, limit=limit)
    return schemas.Windows(windows=[window.shown(row, now) for row in rows])


@router.post("", status_code=201)
async def make(body: schemas.MakeWindow, person: SignedIn, here: Here) -> schemas.Window:
    """Quiet for some kinds at some place. 422 `never_quiet`: life safety is never quiet."""
    now = here.clock()
    async with here.pool.connection() as conn:
        return schemas.Window(window=window.shown(await window.make(conn, person, body.asked(), now), now))


@router.post("/preview")
async def preview(
    body: schemas.MakeWindow, person: SignedIn, here: Here, days: Annotated[int, Query(ge=1, le=window.MOST_DAYS)] = window.DAYS
) -> schemas.WindowPreview:
    """What such a window would have hidden in the last days; nothing is made."""
    async with here.pool.connection() as conn:
        return schemas.WindowPreview(**await window.preview(conn, person, body.asked(), days, here.clock()))


@router.delete("/{window_id}")
async def end(window_id: WindowId, person: SignedIn, here: Here) -> schemas.Window:
    """Ends it now: what it quieted and is still true is raised. 409 `wrong_state`: it is over already."""
    now = here.clock()
    async with here.pool.connection() as conn:
        return schemas.Window(window=window.shown(await window.cancel(conn, person, window_id, now), now))


@router.get("/{window_id}/held")
async def held(window_id: WindowId, person: SignedIn, here: Here, limit: Limit = 200) -> schemas.HeldByWindow:
    """What it quieted, what waits still first, and what became of each."""
    async with here.pool.connection() as conn:
        return schemas.HeldByWindow(held=await window.held(conn, person, window_id, here.clock(), limit))
