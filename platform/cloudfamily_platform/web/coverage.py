"""Coverage over HTTP, for operators: what is missing before an alarm, who did not answer the weekly test, and a test at once."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from cloudfamily_platform.alerts import coverage, reachability
from cloudfamily_platform.people import device
from cloudfamily_platform.web import schemas
from cloudfamily_platform.web.context import Here, Operator

router = APIRouter(prefix="/api", tags=["coverage"])


@router.get("/coverage")
async def look(
    person: Operator,
    here: Here,
    district: Annotated[str | None, Query(max_length=40)] = None,
    limit: Annotated[int, Query(ge=1, le=coverage.MOST)] = 50,
) -> schemas.Coverage:
    """What is missing before an alarm in this operator's districts, or in one of them: all is counted, `limit` of each kind are named."""
    async with here.pool.connection() as conn:
        seen = device.scope(person)
        if district is not None:
            seen = await coverage.within(conn, seen, district)
        return schemas.Coverage(groups=coverage.shown(await coverage.look(conn, seen, here.clock(), here.zone, limit=limit)))


@router.get("/reachability")
async def unanswered(person: Operator, here: Here, limit: Annotated[int, Query(ge=1, le=1000)] = 200) -> schemas.Reachability:
    """Who did not answer their last test and has not been heard by that way since, of this operator's districts."""
    async with here.pool.connection() as conn:
        return schemas.Reachability(**await reachability.unanswered(conn, device.scope(person), limit))


@router.post("/people/{code}/reach-test", status_code=201)
async def ask_now(code: Annotated[str, Path(max_length=64)], person: Operator, here: Here) -> schemas.ReachTests:
    """Sends a test by all ways of this person, at once; what waits for an answer already is not said again within the hour.

    409 `no_channel`: there is no way to reach them.
    """
    async with here.pool.connection() as conn:
        return schemas.ReachTests(tests=await reachability.ask_now(conn, code, person, here.clock()))
