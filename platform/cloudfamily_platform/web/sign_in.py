"""Signing in by a one-time link, who I am, and signing out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Cookie, Depends, Request
from fastapi.responses import RedirectResponse, Response

from cloudfamily_platform.core import errors
from cloudfamily_platform.people import person as people
from cloudfamily_platform.people import place
from cloudfamily_platform.people.person import QUERIES, SESSION_LIFE, Person
from cloudfamily_platform.web import schemas
from cloudfamily_platform.web.context import COOKIE, Here, SignedIn, session

router = APIRouter(tags=["sign-in"])


@router.get("/signin/{ticket}", include_in_schema=False)
async def sign_in(ticket: str, request: Request, here: Here) -> Response:
    now = here.clock()
    try:
        async with here.pool.connection() as conn, conn.transaction():
            person_id = await people.use_ticket(conn, ticket, "sign_in", now)
            secret = await people.start_session(conn, person_id, now)
    except errors.NotFound:
        return RedirectResponse("/?signin=expired", 303)
    answer = RedirectResponse("/", 303)
    answer.set_cookie(COOKIE, secret, max_age=int(SESSION_LIFE.total_seconds()), httponly=True, samesite="strict", secure=request.url.scheme == "https")
    return answer


@router.get("/api/me")
async def me(found: Annotated[tuple[Person, str], Depends(session)]) -> schemas.Me:
    """Who is signed in, and the token that writes must carry as `X-CSRF-Token`."""
    person, csrf = found
    about = {"id": person.id, "code": person.code, "name": person.name, "language": person.language}
    districts = None if person.whole_city else list(person.districts)
    return schemas.Me(person=about, roles=list(person.roles), role=person.role, districts=districts, csrf=csrf)


@router.post("/api/me/language")
async def language(body: schemas.Language, person: SignedIn, here: Here) -> dict[str, str]:
    """The language in which this person is told things."""
    async with here.pool.connection() as conn:
        await conn.execute(QUERIES["set_language"], {"person_id": person.id, "language": body.language})
    return {"language": body.language}


@router.post("/api/me/place", status_code=204)
async def my_place(body: schemas.MyPlace, person: SignedIn, here: Here) -> None:
    """Where this responder is now. Only the last place is kept, for a day at most; it counts for half an hour."""
    async with here.pool.connection() as conn:
        await place.tell(conn, person, body.lat, body.lon, here.clock())


@router.post("/api/sign-out", status_code=204)
async def sign_out(person: SignedIn, here: Here, cf_session: Annotated[str, Cookie(include_in_schema=False)]) -> Response:
    """Ends this session."""
    async with here.pool.connection() as conn:
        await conn.execute(QUERIES["end_session"], {"hash": people.digest(cf_session)})
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE)
    return answer
