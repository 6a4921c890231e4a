"""The time bank's HTTP API: what the signed-in person has and how it came."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Literal, Protocol
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from cloudfamily_platform.core import texts
from cloudfamily_platform.core.db import Pool
from cloudfamily_timebank import ledger

LINES = 50


class Person(Protocol):
    """What the time bank needs to know of whoever asks."""

    @property
    def id(self) -> int: ...
    @property
    def language(self) -> str: ...


class TransferOut(BaseModel):
    id: UUID
    at: datetime
    #: Negative: given away.
    minutes: int
    unit: Literal["exchangeable", "honour"]
    kind: str
    reason: str


class Account(BaseModel):
    """Minutes to spend, those of them reserved, minutes of honour, the last 50 transfers (newest first)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "minutes": 210,
                    "held": 0,
                    "honour_minutes": 15,
                    "transfers": [
                        {
                            "id": "0f8f0a52-6d0e-5c8e-9a39-0a6a4f1c2b3d",
                            "at": "2026-11-23T08:45:00Z",
                            "minutes": 30,
                            "unit": "exchangeable",
                            "kind": "credit",
                            "reason": "上门帮助",
                        }
                    ],
                }
            ]
        }
    )

    minutes: int
    held: int
    honour_minutes: int
    transfers: list[TransferOut]


def router(signed_in: Callable[..., Awaitable[Person]], pool: Callable[..., Pool]) -> APIRouter:
    """`signed_in` and `pool` are FastAPI dependencies: who asks (or a refusal), and the database."""
    made = APIRouter(prefix="/api/timebank", tags=["timebank"])

    @made.get("/me", response_model=Account, summary="My neighbour time")
    async def me(person: Annotated[Person, Depends(signed_in)], database: Annotated[Pool, Depends(pool)]) -> Account:
        async with database.connection() as conn:
            balance = await ledger.balance(conn, person.id)
            lines = await ledger.statement(conn, person.id, LINES)
        return Account(
            minutes=balance.minutes,
            held=balance.held,
            honour_minutes=balance.honour_minutes,
            transfers=[transfer_out(line, person.language) for line in lines],
        )

    return made


def transfer_out(line: ledger.Line, language: str) -> TransferOut:
    return TransferOut(
        id=line.id,
        at=line.at,
        minutes=line.minutes,
        unit="exchangeable" if line.unit == ledger.EXCHANGEABLE else "honour",
        kind=line.kind,
        reason=line.reason or texts.say(language, f"timebank.kind.{line.kind}"),
    )
