"""What a voice provider says came of a call. Signed with CF_VOICE_SECRET, as the orders of calls are."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import ValidationError

from cloudfamily_platform.alerts import voice
from cloudfamily_platform.core import errors, signature
from cloudfamily_platform.web import schemas
from cloudfamily_platform.web.context import Here

router = APIRouter(prefix="/api/voice", tags=["voice"])
BODY_BYTES = 4096


@router.post("/{call}", status_code=204, openapi_extra={"requestBody": {"content": {"application/json": {"schema": schemas.CameOfCall.model_json_schema()}}}})
async def came_of(call: Annotated[str, Path(max_length=60)], request: Request, here: Here) -> None:
    """ "answered", "digit" (1: I have it, 2: false alarm) or "no_answer". 401: the signature does not fit, or is older than 5 minutes."""
    if here.voice_secret is None:
        raise errors.NotFound(what="call")
    body = await taken(request)
    try:
        signature.check(here.voice_secret, request.headers, here.clock(), body)
    except signature.BadSignature as error:
        raise errors.SignInFirst from error
    try:
        said = schemas.CameOfCall.model_validate_json(body)
    except ValidationError as error:
        raise errors.Invalid(field="body", reason=error.errors()[0]["msg"]) from error
    async with here.pool.connection() as conn:
        await voice.came_of(conn, call, said.outcome, said.digit, here.clock())


async def taken(request: Request) -> bytes:
    """The body as it came: the signature is over its bytes. Raises Invalid when there is too much of it."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES:
            raise errors.Invalid(field="body", reason=f"longer than {BODY_BYTES} bytes")
    return body
