"""Commands to devices over HTTP: an operator tells a device to do something and sees what has become of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from cloudfamily_platform.alerts import alert
from cloudfamily_platform.people import command
from cloudfamily_platform.web import schemas
from cloudfamily_platform.web.context import Here, Operator

router = APIRouter(prefix="/api/devices", tags=["devices"])
Code = Annotated[str, Path(max_length=64)]


@router.post("/{code}/commands", status_code=201)
async def give(code: Code, body: schemas.GiveCommand, person: Operator, here: Here) -> schemas.Command:
    """Tells a device to do something. It is sent until the device says that it has it, or until it is too late to be of use."""
    now = here.clock()
    async with here.pool.connection() as conn, conn.transaction():
        if body.alert_id is not None:
            await alert.of_device(conn, body.alert_id, person, code)
        row = await command.give(conn, code, body.do, body.params, person, now, body.alert_id)
        if body.alert_id is not None:
            await alert.add_event(conn, body.alert_id, "command", now, actor_id=person.id, params={"device": code, "do": body.do})
    return schemas.Command(**row)


@router.get("/{code}/commands")
async def listing(code: Code, person: Operator, here: Here) -> schemas.Commands:
    """The last 50 that this device was told, newest first."""
    async with here.pool.connection() as conn:
        return schemas.Commands(commands=[schemas.Command(**row) for row in await command.listing(conn, code, person, here.clock())])
