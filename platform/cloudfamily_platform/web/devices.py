"""Devices over HTTP, for operators: who is alive, and the ledger of weekly button tests."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from cloudfamily_platform.people import device
from cloudfamily_platform.web import schemas
from cloudfamily_platform.web.context import Here, Operator

router = APIRouter(prefix="/api/devices", tags=["devices"])
Limit = Annotated[int, Query(ge=1, le=1000)]


@router.get("")
async def listing(
    person: Operator, here: Here, state: device.State | None = None, q: Annotated[str, Query(max_length=100)] = "", limit: Limit = 200
) -> schemas.Devices:
    """Devices of this operator's districts and those without a home, trouble first."""
    async with here.pool.connection() as conn:
        return schemas.Devices(**await device.listing(conn, device.scope(person), here.clock(), state=state, q=q, limit=limit))


@router.get("/tests")
async def button_tests(
    person: Operator, here: Here, weeks: Annotated[int, Query(ge=1, le=device.MOST_WEEKS)] = device.WEEKS, limit: Limit = 200
) -> schemas.ButtonTests:
    """Each button and its last weeks, this week first: tested, or a gap (JGJ/T 484-2019 asks for a test a week)."""
    async with here.pool.connection() as conn:
        return schemas.ButtonTests(buttons=await device.button_tests(conn, device.scope(person), here.clock(), weeks=weeks, limit=limit))
