"""Commands to devices: what may be asked of one, within which limits, and for how long it is worth doing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from psycopg.types.json import Jsonb

from cloudfamily_platform.core import db, errors
from cloudfamily_platform.people import quarantine
from cloudfamily_platform.people.person import QUERIES, Person

#: How many commands of one device may wait or run at once.
MOST_LIVE = 20
LISTED = 50


class Siren(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sound, and stop by itself."""

    takes: ClassVar[str] = "seconds: 1–600"
    #: A minute later nobody wants to hear it any more.
    lives: ClassVar[timedelta] = timedelta(minutes=1)

    seconds: Annotated[int, msgspec.Meta(ge=1, le=600)] = 30


class Light(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Be on, off, or blink."""

    takes: ClassVar[str] = "mode: on, off, blink; colour: white, red, amber, green, blue"
    lives: ClassVar[timedelta] = timedelta(minutes=2)

    mode: Literal["on", "off", "blink"]
    colour: Literal["white", "red", "amber", "green", "blue"] | None = None


class Voice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Say a text aloud."""

    takes: ClassVar[str] = "text: 1–200; language: zh-CN, en"
    lives: ClassVar[timedelta] = timedelta(minutes=2)

    #: Something to be said, on one line.
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$")]
    language: Literal["zh-CN", "en"] = "zh-CN"


class Interval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Report at least this often. Once the device says that it does, the platform expects it."""

    takes: ClassVar[str] = "minutes: 1–1440"
    #: A device on a battery may wake up once a day.
    lives: ClassVar[timedelta] = timedelta(days=1)

    minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)]


class Test(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Test yourself, without raising an alarm."""

    __test__: ClassVar[bool] = False  # not one of pytest's
    takes: ClassVar[str] = "{}"
    lives: ClassVar[timedelta] = timedelta(minutes=10)


Params = Siren | Light | Voice | Interval | Test
#: What a device can be told to do.
DO: dict[str, type[Params]] = {"siren": Siren, "light": Light, "voice": Voice, "interval": Interval, "test": Test}


def check(do: str, params: object) -> Params:
    """The parameters of a command, with what was left out filled in. Raises Invalid."""
    if do not in DO:
        raise errors.Invalid(field="do", reason=", ".join(DO))
    try:
        return msgspec.convert(params, DO[do])
    except msgspec.ValidationError:
        raise errors.Invalid(field="params", reason=DO[do].takes) from None


async def give(conn: db.Connection, code: str, do: str, params: object, person: Person, now: datetime, alert_id: int | None = None) -> dict[str, Any]:
    """Queues a command for a device. Raises NotFound, Invalid, and DeviceBusy when too many wait already."""
    wanted = check(do, params)
    async with conn.transaction():
        await quarantine.device(conn, code, person, now)
        # One at a time for each device, so that the count holds.
        await conn.execute(QUERIES["lock_device"], {"code": code})
        live = (await db.one(await conn.execute(QUERIES["live_commands"], {"device": code})))["live"]
        if live >= MOST_LIVE:
            raise errors.DeviceBusy(device=code, count=live)
        said = {name: value for name, value in msgspec.to_builtins(wanted).items() if value is not None}
        values = {"device": code, "kind": do, "params": Jsonb(said), "now": now, "expires_at": now + wanted.lives}
        row = await db.one(await conn.execute(QUERIES["give_command"], values | {"created_by": person.id, "alert_id": alert_id}))
        await db.hint(conn, "command")
        return shown(row)


async def listing(conn: db.Connection, code: str, person: Person, now: datetime) -> list[dict[str, Any]]:
    """The last of what a device was told, newest first. Raises NotFound."""
    await quarantine.device(conn, code, person, now)
    rows = await (await conn.execute(QUERIES["commands_of_device"], {"device": code, "limit": LISTED})).fetchall()
    return [shown(row) for row in rows]


def shown(row: dict[str, Any]) -> dict[str, Any]:
    said = {"answer": row["answer"]} if row["answer"] else {}
    kept = ("id", "state", "created_at", "sent_at", "delivered_at", "done_at", "expires_at", "error", "by", "alert_id")
    return {"do": row["kind"], "params": row["params"] | said, **{key: row[key] for key in kept}}
