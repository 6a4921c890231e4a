"""deliver: notifications go out. The claim is committed before the sending and the result after it: at least once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import structlog

from cloudfamily_platform.alerts import alert, message, reachability
from cloudfamily_platform.alerts.alert import QUERIES
from cloudfamily_platform.core import db, metrics
from cloudfamily_platform.core.stage import Stage
from cloudfamily_platform.people import home, person

log = structlog.get_logger()
#: Waits after the 1st, 2nd … failure; after the last the notification is given up, and the timeline says so.
RETRY_SECONDS = (2, 5, 15, 30, 60, 120)
#: A channel that takes longer has failed. Shorter than the claim, which is for crashes.
SEND_SECONDS = 15.0


class ChannelError(Exception):
    """A channel did not take a message. `permanent`: this address will never work; else `retry_after_s` may say when."""

    def __init__(self, reason: str, *, permanent: bool = False, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.permanent, self.retry_after_s = permanent, retry_after_s


class Channel(Protocol):
    async def send(self, address: str, what: message.Message) -> None:
        """Hands the message over. Raises ChannelError."""


class Deliver:
    """The stage, with the channels that it may use by name, and the zone in which people read times."""

    def __init__(self, channels: Mapping[str, Channel], zone: ZoneInfo) -> None:
        self.channels, self.zone = channels, zone

    async def step(self, conn: db.Connection, now: datetime) -> bool:
        """One due notification."""
        claim = await (await conn.execute(QUERIES["claim_notification"], {"now": now})).fetchone()
        if claim is None:
            return False
        try:
            told = await self.send(conn, claim, now)
        except ChannelError as error:
            await self.failed(conn, claim, error, now)
        except Exception as error:
            log.exception("notification_postponed", notification=claim["id"])
            await self.failed(conn, claim, ChannelError(type(error).__name__), now)
        else:
            async with conn.transaction():
                await conn.execute(QUERIES["notification_sent"], {"id": claim["id"], "now": now})
                if told and claim["message"] in ("alert", "offer"):
                    await self.note(conn, claim, "told", now, {"channel": claim["channel"]})
            metrics.sent.labels(claim["channel"], "sent").inc()
        return True

    async def send(self, conn: db.Connection, claim: dict[str, Any], now: datetime) -> bool:
        """Composes the message for what is true now and sends it; False when there is nothing left to say."""
        channel = self.channels.get(claim["channel"])
        reach = await (await conn.execute(QUERIES["address_of"], claim)).fetchone()
        if channel is None:
            raise ChannelError(f"no channel {claim['channel']} is set up here")
        if reach is None:
            raise ChannelError("no address", permanent=True)
        what = await self.compose(conn, claim, reach["language"], now)
        if what is None:
            return False
        async with asyncio.timeout(SEND_SECONDS):
            await channel.send(reach["address"], what)
        return True

    async def compose(self, conn: db.Connection, claim: dict[str, Any], language: str, now: datetime) -> message.Message | None:
        if claim["message"] == reachability.MESSAGE:
            return await reachability.compose(conn, claim, language)
        row = await alert.load(conn, claim["alert_id"])
        if claim["message"] == "alert":
            return message.alert_message(language, row, self.zone, claim["person_id"])
        if claim["message"] != "offer":
            return message.news_message(language, row, claim["message"], claim["params"], self.zone)
        asked = await person.load(conn, claim["person_id"])
        if asked.id in row["responding"]:
            return message.handler_message(language, row, await home.card(conn, row["home_id"], now), self.zone)
        if alert.sight(asked, row) is None or row["state"] == "resolved":
            return None  # taken by somebody else meanwhile
        offer = await db.one(await conn.execute(QUERIES["distance_of"], claim))
        return message.offer_message(language, row, offer["distance_m"], self.zone)

    async def failed(self, conn: db.Connection, claim: dict[str, Any], error: ChannelError, now: datetime) -> None:
        metrics.sent.labels(claim["channel"], "refused" if error.permanent else "failed").inc()
        values = {"id": claim["id"], "error": str(error)[:500]}
        if not error.permanent and claim["tries"] <= len(RETRY_SECONDS):
            wait = max(RETRY_SECONDS[claim["tries"] - 1], min(error.retry_after_s or 0, 600))
            await conn.execute(QUERIES["notification_again"], values | {"due_at": now + timedelta(seconds=wait)})
            return
        async with conn.transaction():
            await conn.execute(QUERIES["notification_failed"], values)
            if error.permanent:
                reach = {"person_id": claim["person_id"], "channel": claim["channel"], "now": now}
                await conn.execute(person.QUERIES["reach_is_dead"], reach)
            await self.note(conn, claim, "not_told", now, {"reason": "refused" if error.permanent else "failed"})

    async def note(self, conn: db.Connection, claim: dict[str, Any], kind: str, now: datetime, params: dict[str, str]) -> None:
        """A line of the timeline; a test message has none."""
        if claim["alert_id"] is None:
            return
        params = {**params, "message": claim["message"]}
        await alert.add_event(conn, claim["alert_id"], kind, now, actor_id=claim["person_id"], params=params)


def stages(channels: Mapping[str, Channel], zone: ZoneInfo) -> tuple[Stage, ...]:
    due = "SELECT min(due_at) AS due_at FROM notification WHERE due_at IS NOT NULL"
    return (Stage(name="deliver", step=Deliver(channels, zone).step, hint="notification", oldest_due=due, timeout_seconds=25, workers=4),)
