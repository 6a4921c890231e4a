"""GET /api/timebank/me, through a real application and a real database."""

from __future__ import annotations

from typing import Any

import httpx
from fastapi import FastAPI

from cloudfamily_platform.core import db
from cloudfamily_platform.people import person
from cloudfamily_timebank import api, credit


def test_my_time(town: Any, run: Any, catalogue: None) -> None:
    async def story() -> None:
        async with town() as here, db.pool(here.url, size=2) as pool:
            volunteer = await here.person("volunteer", language="en")
            await here.visit(volunteer, 45)
            assert await credit.step(here.conn, here.now)

            async def signed_in() -> person.Person:
                return await person.load(here.conn, volunteer)

            app = FastAPI()
            app.include_router(api.router(signed_in, lambda: pool))
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
                answer = await client.get("/api/timebank/me")
                schema = (await client.get("/openapi.json")).json()
            assert answer.status_code == 200
            said = answer.json()
            assert (said["minutes"], said["held"], said["honour_minutes"]) == (30, 0, 15)
            by_kind = {line["kind"]: line for line in said["transfers"]}
            assert by_kind["credit"] == {
                "id": by_kind["credit"]["id"],
                "at": "2026-11-23T08:00:00Z",
                "minutes": 30,
                "unit": "exchangeable",
                "kind": "credit",
                "reason": "Help at a home",
            }
            assert by_kind["honour"]["unit"] == "honour"
            example = schema["components"]["schemas"]["Account"]["examples"][0]
            assert api.Account.model_validate(example).minutes == 210

    run(story())
