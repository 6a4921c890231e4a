"""Texts, figures, health and metrics."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from cloudfamily_platform.core.texts import catalogue
from cloudfamily_platform.insight import figures
from cloudfamily_platform.web import schemas
from cloudfamily_platform.web.context import Here, Operator

router = APIRouter()


@router.get("/api/texts", tags=["texts"])
async def texts(language: Literal["zh-CN", "en"] = "zh-CN") -> dict[str, str]:
    """Every text that the server says, by key, with {name} placeholders."""
    return catalogue(language)


@router.get("/api/figures", tags=["figures"])
async def how_it_goes(person: Operator, here: Here) -> schemas.Figures:
    """The status line's figures. Canaries do not count."""
    async with here.pool.connection() as conn:
        return schemas.Figures(**await figures.figures(conn, here.clock()))


@router.get("/healthz", include_in_schema=False)
async def alive() -> PlainTextResponse:
    return PlainTextResponse("ok\n")


@router.get("/readyz", include_in_schema=False)
async def ready(here: Here) -> Response:
    """503, with the names, while something does not work."""
    unready = [check.name for check in here.checks if not await check.ready()]
    return JSONResponse({"ready": not unready, "unready": unready}, 503 if unready else 200)


@router.get("/metrics", include_in_schema=False)
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
