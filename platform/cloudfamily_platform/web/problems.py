"""Refusals as HTTP: a status, a stable code, and a sentence in both languages."""

from __future__ import annotations

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException

from cloudfamily_platform.core import errors
from cloudfamily_platform.core.texts import catalogue, say

log = structlog.get_logger()
STATUS = {
    "not_found": 404,
    "no_such_code": 404,
    "sign_in_first": 401,
    "not_allowed": 403,
    "csrf": 403,
    "taken": 409,
    "wrong_state": 409,
    "device_busy": 409,
    "already_bound": 409,
    "no_channel": 409,
    "invalid": 422,
    "never_quiet": 422,
    "too_many": 429,
    "no_font": 503,
}


def problem(code: str, **params: object) -> JSONResponse:
    key = f"error.{code}" if f"error.{code}" in catalogue("en") else "error.refused"
    body = {"code": code, "message": say("en", key, **params), "message_zh": say("zh-CN", key, **params)}
    return JSONResponse({"error": body}, {"server": 500, "busy": 503}.get(code, STATUS.get(code, 400)))


def install(app: FastAPI) -> None:
    @app.exception_handler(errors.Refusal)
    async def refused(request: Request, error: errors.Refusal) -> JSONResponse:
        return problem(error.code, **error.params)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path")) or "body"
        return problem("invalid", field=field, reason=first["msg"])

    @app.exception_handler(HTTPException)
    async def no_such_way(request: Request, error: HTTPException) -> JSONResponse:
        """No such path (404), or not with this method (405)."""
        answer = problem("not_found" if error.status_code == 404 else "refused")
        answer.status_code = error.status_code
        return answer

    @app.exception_handler(psycopg.DataError)
    async def not_storable(request: Request, error: psycopg.DataError) -> JSONResponse:
        """A character that no database text may hold (NUL), a number past its range."""
        return problem("invalid", field="request", reason=str(error).splitlines()[0])

    @app.exception_handler(PoolTimeout)
    @app.exception_handler(psycopg.OperationalError)
    async def busy(request: Request, error: Exception) -> JSONResponse:
        log.warning("database_away", path=request.url.path, error=str(error))
        return problem("busy")

    @app.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> JSONResponse:
        log.error("request_failed", path=request.url.path, exc_info=error)
        return problem("server")
