"""Policies over HTTP: what is in force, a new version, and what would happen if somebody pressed now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime

from cloudfamily_platform.alerts import policies, preview
from cloudfamily_platform.core.texts import Text, say
from cloudfamily_platform.web import schemas
from cloudfamily_platform.web.context import Here, Operator, SignedIn

router = APIRouter(prefix="/api", tags=["policies"])


@router.get("/policies")
async def in_force(person: Operator, here: Here) -> schemas.Policies:
    """Every policy that is in force, and where."""
    async with here.pool.connection() as conn:
        return schemas.Policies(policies=await policies.in_force(conn))


@router.get("/policies/{code:path}")
async def versions(code: Annotated[str, Path(max_length=130)], person: Operator, here: Here) -> schemas.Policies:
    """All versions of one policy, the newest first."""
    async with here.pool.connection() as conn:
        return schemas.Policies(policies=await policies.versions(conn, code))


@router.post("/policies", status_code=201)
async def add(body: schemas.SetPolicy, person: Operator, here: Here) -> schemas.PolicySet:
    """Puts a plan in force as a new version; supervisors only. 422 says what is wrong with it, step by step."""
    async with here.pool.connection() as conn:
        return schemas.PolicySet(**await policies.add(conn, person, body.model_dump(), here.clock()))


@router.get("/homes/{code}/preview")
async def of_home(
    code: Annotated[str, Path(max_length=40)],
    person: SignedIn,
    here: Here,
    kind: Annotated[str, Query(max_length=40)] = "sos",
    severity: Annotated[str | None, Query(max_length=20)] = None,
    at: AwareDatetime | None = None,
) -> schemas.Preview:
    """Who would be told and asked, when and how, if this alarm were raised and nobody answered. For operators and the home's family."""
    async with here.pool.connection() as conn:
        home = await preview.home_for(conn, code, person)
        found = await preview.of_home(conn, home, kind, severity, at or here.clock(), here.clock())
    began = found["at"]
    lines = [
        {"at": one.at, "after_s": (one.at - began).total_seconds(), "step": one.step, "what": one.what, "whom": one.whom, "name": one.name}
        | {"channel": one.channel, "distance_m": one.distance_m, "reason": one.reason}
        for one in found["lines"]
    ]
    return schemas.Preview(**{**found, "lines": lines, "notes": sentences(found["notes"])})


def sentences(notes: Sequence[Text]) -> list[schemas.Sentence]:
    return [schemas.Sentence(message=say("en", note.key, **note.params), message_zh=say("zh-CN", note.key, **note.params)) for note in notes]
