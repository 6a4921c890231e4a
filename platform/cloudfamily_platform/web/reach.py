"""How people are reached: one's own order and quiet hours; addresses are set by operators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from cloudfamily_platform.people import reach
from cloudfamily_platform.web import schemas
from cloudfamily_platform.web.context import Here, Operator, SignedIn

router = APIRouter(prefix="/api", tags=["reach"])
Channel = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,29}$")]
Code = Annotated[str, Path(max_length=64)]


@router.get("/me/reach")
async def mine(person: SignedIn, here: Here) -> schemas.Reach:
    """One's channels, the first tried first, with what came of the last trial of each; and one's quiet hours."""
    async with here.pool.connection() as conn:
        return schemas.Reach(**await reach.load(conn, person.id))


@router.put("/me/reach")
async def prefer(body: schemas.Preference, person: SignedIn, here: Here) -> schemas.Reach:
    """One's own order and quiet hours (local time). What is about life and death comes at any hour."""
    async with here.pool.connection() as conn:
        await reach.prefer(conn, person, body.order, body.quiet_from, body.quiet_to)
        return schemas.Reach(**await reach.load(conn, person.id))


@router.post("/me/reach/{channel}/test", status_code=204)
async def try_out(channel: Channel, person: SignedIn, here: Here) -> None:
    """Sends a trial message by this channel; what came of it stands in `/api/me/reach`."""
    async with here.pool.connection() as conn:
        await reach.try_out(conn, person, channel, here.clock())


@router.get("/people/{code}/reach")
async def theirs(code: Code, operator: Operator, here: Here) -> schemas.Reach:
    """The channels of somebody in the operator's districts."""
    async with here.pool.connection() as conn:
        return schemas.Reach(**await reach.load(conn, await reach.theirs(conn, code, operator)))


@router.put("/people/{code}/reach")
async def set_channels(code: Code, body: schemas.Channels, operator: Operator, here: Here) -> schemas.Reach:
    """Gives them these channels, in this order. Their chat (`telegram`) they bind themselves: it has no address here."""
    async with here.pool.connection() as conn:
        person_id = await reach.theirs(conn, code, operator)
        await reach.set_channels(conn, person_id, {one.channel: one.address for one in body.channels})
        return schemas.Reach(**await reach.load(conn, person_id))
