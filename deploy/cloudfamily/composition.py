"""What there is: every component's migrations, stages and routers, named once and joined here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from fastapi import FastAPI

import cloudfamily_timebank.api
from cloudfamily_platform.alerts import coverage, reachability, timeline, travel, vigil
from cloudfamily_platform.core import db, texts
from cloudfamily_platform.core.job import Job
from cloudfamily_platform.core.stage import Clock
from cloudfamily_platform.people import blindness, place, roster
from cloudfamily_platform.people.person import QUERIES
from cloudfamily_platform.web import app as web_app
from cloudfamily_platform.web.context import LOOPBACK, ZONE, Broker, Check, Context, pool, signed_in
from cloudfamily_platform.web.stream import Hub

#: Packages with a `migrations` folder, in the order in which they build on each other.
MIGRATED = ("cloudfamily_platform", "cloudfamily_timebank")
#: Packages with `.sql` files.
QUERIED = (
    "cloudfamily_platform.core",
    "cloudfamily_platform.people",
    "cloudfamily_platform.alerts",
    "cloudfamily_platform.services",
    "cloudfamily_platform.insight",
    "cloudfamily_gateway",
    "cloudfamily_timebank",
)
#: Packages with a `texts` folder, besides the platform's own.
SPEAKING = ("cloudfamily_timebank",)
QUARANTINE_KEPT = timedelta(days=90)
COMMANDS_KEPT = timedelta(days=90)


def speak() -> None:
    """Makes every component's texts part of the one catalogue."""
    for package in SPEAKING:
        texts.register(package)


def route(router_url: str | None) -> None:
    """Travel times from this routing engine, for the whole process."""
    travel.use(travel.Osrm(router_url) if router_url else travel.Straight())


def web(
    context_pool: db.Pool,
    clock: Clock,
    hub: Hub,
    checks: Sequence[Check] = (),
    broker: Broker = LOOPBACK,
    public_url: str | None = None,
    voice_secret: str | None = None,
    zone: ZoneInfo = ZONE,
) -> FastAPI:
    """The API and the console. `broker`: what devices are told; `voice_secret`: what a voice provider signs with."""
    speak()
    context = Context(context_pool, clock, checks, broker, public_url, voice_secret, zone)
    return web_app.create(context, hub, [cloudfamily_timebank.api.router(signed_in, pool)])


def jobs(keep_days: int, zone: ZoneInfo) -> tuple[Job, ...]:
    """What comes round, once for all processes. `zone`: in which people live."""
    return (
        Job(name="tidy", every=timedelta(hours=1), run=lambda conn, now: tidy(conn, now, keep_days)),
        Job(name="seal", every=timedelta(hours=1), run=timeline.seal),
        Job(name="vigil", every=timedelta(minutes=10), run=vigil.arm),
        roster.JOB,
        Job(name="reach_tests", every=timedelta(days=1), run=lambda conn, now: reachability.plan(conn, now, zone)),
        Job(name="coverage", every=timedelta(days=1), run=lambda conn, now: coverage.count(conn, now, zone)),
    )


async def tidy(conn: db.Connection, now: datetime, keep_days: int) -> None:
    """Partitions ahead; old readings, sessions, enrolment codes, places, quarantine, commands and canaries away."""
    await conn.execute(QUERIES["reading_maintain"], {"now": now, "keep_days": keep_days})
    await conn.execute(QUERIES["forget_old_sessions"], {"now": now})
    await conn.execute(QUERIES["forget_old_enrolments"], {"now": now})
    await blindness.forget(conn, now)
    await place.forget(conn, now)
    await conn.execute(QUERIES["quarantine_forget"], {"before": now - QUARANTINE_KEPT})
    await conn.execute(QUERIES["commands_forget"], {"before": now - COMMANDS_KEPT})
    await timeline.forget_canaries(conn, now)
