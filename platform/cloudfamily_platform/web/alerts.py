"""Alerts over HTTP: list, one, and what can be done with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query

from cloudfamily_platform.alerts import alert, incident, respond
from cloudfamily_platform.insight import kpi_month
from cloudfamily_platform.people.person import Person
from cloudfamily_platform.web import schemas
from cloudfamily_platform.web.context import Context, Here, SignedIn

router = APIRouter(prefix="/api/alerts", tags=["alerts"])
AlertId = Annotated[int, Path(ge=1, le=2**62)]


@router.get("")
async def alerts(person: SignedIn, here: Here, state: Literal["live", "resolved"] = "live", limit: Annotated[int, Query(ge=1, le=500)] = 200) -> schemas.Alerts:
    """This person's alerts, and the position from which `/api/stream` goes on without a gap."""
    async with here.pool.connection() as conn:
        return schemas.Alerts(**await alert.listing(conn, person, resolved=state == "resolved", limit=limit))


@router.get("/{alert_id}")
async def detail(alert_id: AlertId, person: SignedIn, here: Here) -> schemas.AlertDetail:
    """One alert with the elder's card, its timeline and its offers, and how long somebody has to answer and to be there."""
    async with here.pool.connection() as conn:
        found = await alert.detail(conn, person, alert_id, here.clock())
        return schemas.AlertDetail(**found, clocks=await kpi_month.clocks(conn, alert_id, here.clock()))


async def act(here: Context, person: Person, do: Callable[..., Awaitable[dict[str, Any]]], alert_id: int, *more: str) -> schemas.AlertOnly:
    async with here.pool.connection() as conn:
        row = await do(conn, alert_id, person, *more, here.clock())
    return schemas.AlertOnly(alert=alert.shown(row, alert.sight(person, row) or "masked"))


@router.post("/{alert_id}/accept")
async def accept(alert_id: AlertId, person: SignedIn, here: Here) -> schemas.AlertOnly:
    """I have it. 409 `taken`: somebody was first."""
    return await act(here, person, respond.accept, alert_id)


@router.post("/{alert_id}/on-the-way")
async def on_the_way(alert_id: AlertId, person: SignedIn, here: Here) -> schemas.AlertOnly:
    """The one who has it is on the way."""
    return await act(here, person, respond.move, alert_id, "on_the_way")


@router.post("/{alert_id}/there")
async def there(alert_id: AlertId, person: SignedIn, here: Here) -> schemas.AlertOnly:
    """The one who has it has arrived."""
    return await act(here, person, respond.move, alert_id, "there")


@router.post("/{alert_id}/inside")
async def inside(alert_id: AlertId, person: SignedIn, here: Here) -> schemas.AlertOnly:
    """The one who has it has got in."""
    return await act(here, person, respond.move, alert_id, "inside")


@router.post("/{alert_id}/no-entry")
async def no_entry(alert_id: AlertId, person: SignedIn, here: Here) -> schemas.AlertOnly:
    """At the door, and nobody opens: operators and who stands there hear who has a key."""
    return await act(here, person, respond.no_entry, alert_id)


@router.post("/{alert_id}/checkin")
async def checkin(alert_id: AlertId, person: SignedIn, here: Here) -> schemas.AlertOnly:
    """All is well with the one who goes: the answer to being asked."""
    return await act(here, person, respond.answer, alert_id)


@router.post("/{alert_id}/release")
async def release(alert_id: AlertId, person: SignedIn, here: Here, body: schemas.CannotCome | None = None) -> schemas.AlertOnly:
    """The one who has it cannot after all: the next in line is asked, and they are not asked again."""
    async with here.pool.connection() as conn:
        row = await respond.release(conn, alert_id, person, here.clock(), body.reason if body else None)
    return schemas.AlertOnly(alert=alert.shown(row, alert.sight(person, row) or "masked"))


@router.post("/{alert_id}/resolve")
async def resolve(alert_id: AlertId, body: schemas.Resolve, person: SignedIn, here: Here) -> schemas.AlertOnly:
    """It is over, with an outcome. `with_incident`: so is what came with it, but for life safety."""
    return await act(here, person, incident.resolve if body.with_incident else respond.resolve, alert_id, body.outcome, body.note)


@router.post("/{alert_id}/dispatch")
async def dispatch(alert_id: AlertId, person: SignedIn, here: Here) -> schemas.AlertOnly:
    """Ask the nearest free and qualified responders now. 409 `taken`: somebody goes already."""
    return await act(here, person, respond.dispatch, alert_id)


@router.post("/{alert_id}/decline", status_code=204)
async def decline(alert_id: AlertId, person: SignedIn, here: Here, body: schemas.CannotCome | None = None) -> None:
    """I cannot come: the next in line is asked."""
    async with here.pool.connection() as conn:
        await respond.decline(conn, alert_id, person, here.clock(), body.reason if body else None)


@router.post("/{alert_id}/note")
async def note(alert_id: AlertId, body: schemas.Note, person: SignedIn, here: Here) -> schemas.AlertOnly:
    """A line for the timeline."""
    return await act(here, person, respond.add_note, alert_id, body.text)
