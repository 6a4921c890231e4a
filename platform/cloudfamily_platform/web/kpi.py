"""KPI clocks over HTTP: a month's figures and its table."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from cloudfamily_platform.insight import kpi_month
from cloudfamily_platform.web import schemas
from cloudfamily_platform.web.context import Here, Operator

router = APIRouter(prefix="/api", tags=["figures"])
Month = Annotated[str, Query(max_length=7, examples=["2026-11"])]
District = Annotated[str | None, Query(max_length=40, examples=["wanxiu"])]


@router.get("/kpi")
async def figures(month: Month, person: Operator, here: Here, district: District = None) -> schemas.Kpi:
    """How quickly calls were answered, and somebody was there and inside: shares against what is asked, and what came too late."""
    async with here.pool.connection() as conn:
        found: dict[str, Any] = await kpi_month.figures(conn, month, here.zone, here.clock(), person=person, district=district)
    return schemas.Kpi(**found)


@router.get("/kpi.csv", response_class=StreamingResponse, responses={200: {"content": {"text/csv": {}}}})
async def table(month: Month, person: Operator, here: Here, district: District = None) -> StreamingResponse:
    """A line per call, for a spreadsheet."""
    kpi_month.span(month, here.zone)
    async with here.pool.connection() as conn:
        seen = await kpi_month.scope(conn, person, district)

    async def lines() -> AsyncIterator[str]:
        async with here.pool.connection() as conn:
            async for part in kpi_month.table(conn, month, here.zone, here.clock(), seen):
                yield part

    headers = {"Content-Disposition": f'attachment; filename="kpi-{month}.csv"', "Cache-Control": "no-store"}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)
