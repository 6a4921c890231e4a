"""The dead man's switch: each process looks at itself and at what it ought to do, and says so when that is not done.

It has a thread and connections of its own, so that it works while the event loop stands still, and it tells by three ways:
an alert like any other (while the database works); a message straight to who is on call, without the database; and an outside
heartbeat that goes out only while all is well, so that even silence is heard.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import psycopg
import structlog

from cloudfamily_platform.alerts import alert, escalate, policy
from cloudfamily_platform.alerts.rules.hazard import Hazard
from cloudfamily_platform.core import db, metrics
from cloudfamily_platform.core.settings import Settings
from cloudfamily_platform.core.stage import Stage
from cloudfamily_platform.core.texts import LANGUAGES, say

log = structlog.get_logger()
KIND = "platform_ill"
TELEGRAM = "https://api.telegram.org"
#: What does not change is said again after this; a look that finds it twice believes it, and so with its end.
REPEAT_SECONDS, LOOKS = 900.0, 2
HEARTBEAT_SECONDS, HTTP_SECONDS = 60.0, 5.0
#: Three rounds of the canary.
CANARY_SECONDS = 180.0
#: The event loop says this often that it goes on, and is missed after so long.
BEAT_SECONDS, STILL_SECONDS = 1.0, 10.0
#: What another process's watchdog found counts for so long.
OTHERS_SECONDS = 60.0

CANARY = "SELECT done_at, error FROM job WHERE name = 'canary'"
LOOKED = """
INSERT INTO watchdog (process, at, ill) VALUES (%(process)s, %(now)s, %(ill)s)
ON CONFLICT (process) DO UPDATE SET at = EXCLUDED.at, ill = EXCLUDED.ill
"""
FORGET = "DELETE FROM watchdog WHERE at < %(before)s"
OTHERS = "SELECT process, ill FROM watchdog WHERE process <> %(process)s AND at > %(since)s AND ill <> '{}' ORDER BY process LIMIT 20"


class Trouble(NamedTuple):
    """What is wrong: text key `alert.why.<why>`, filled with `params`. Two with the same reason are one."""

    reason: str
    why: str
    params: Mapping[str, object]

    def sentence(self, language: str) -> str:
        return say(language, f"alert.why.{self.why}", **self.params)


#: A look at something in the process itself; None: it is well. Must not wait.
Probe = Callable[[], Trouble | None]


class News(NamedTuple):
    trouble: Trouble
    #: first, again, over
    what: str


class Memory:
    """What was found before and said by one way: decides what is said next. Pure; times are seconds of any clock."""

    def __init__(self) -> None:
        self.seen: dict[str, int] = {}
        self.gone: dict[str, int] = {}
        #: What has been said and when, by reason.
        self.told: dict[str, tuple[Trouble, float]] = {}

    def look(self, found: Sequence[Trouble], now: float) -> list[News]:
        """What is to be said after this look. It counts as said once `said` is called."""
        reasons = {one.reason for one in found}
        self.seen = {reason: self.seen.get(reason, 0) + 1 for reason in reasons}
        self.gone = {reason: self.gone.get(reason, 0) + 1 for reason in self.told if reason not in reasons}
        news = [News(self.told[reason][0], "over") for reason, looks in self.gone.items() if looks >= LOOKS]
        for one in found:
            if one.reason not in self.told:
                news += [News(one, "first")] if self.seen[one.reason] >= LOOKS else []
            elif now - self.told[one.reason][1] >= REPEAT_SECONDS:
                news.append(News(one, "again"))
        return news

    def said(self, news: News, now: float) -> None:
        if news.what == "over":
            self.told.pop(news.trouble.reason, None)
        else:
            self.told[news.trouble.reason] = (news.trouble, now)


@dataclass
class Watchdog:
    """`run` is for a thread of its own, until `stop` is set."""

    settings: Settings
    database_url: str
    #: What this process has to do; each stage has its limit.
    stages: Sequence[Stage]
    probes: Sequence[Probe] = ()
    #: Whether the canary's rounds are missed here.
    canary: bool = False
    look_seconds: float = 10.0
    still_seconds: float = STILL_SECONDS
    process: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    stop: threading.Event = field(default_factory=threading.Event)
    #: When the event loop last went on, and when a heartbeat last went out (time.monotonic).
    beat_at: float = field(default_factory=time.monotonic)
    heartbeat_at: float = -HEARTBEAT_SECONDS
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    last: list[Trouble] = field(default_factory=list)

    def __post_init__(self) -> None:
        #: Each way remembers for itself what it has said: one that fails tries again, and holds up no other.
        self.ways: tuple[tuple[Memory, Callable[[News, datetime], bool]], ...] = tuple((Memory(), way) for way in (self.post, self.chat, self.raise_alert))

    async def beat(self) -> None:
        """The event loop's own part: it goes on."""
        while True:
            self.beat_at = time.monotonic()
            await asyncio.sleep(BEAT_SECONDS)

    def run(self) -> None:
        while not self.stop.wait(self.look_seconds):
            try:
                self.round(datetime.now(UTC))
            except Exception:
                log.exception("watchdog_failed")

    def round(self, now: datetime) -> None:
        """One look, and what follows from it."""
        found, well = self.look(now)
        for reason in {one.reason for one in self.last} - {one.reason for one in found}:
            metrics.ill.labels(reason).set(0)
        for one in found:
            metrics.ill.labels(one.reason).set(1)
            log.error("platform_ill", reason=one.reason, what=one.sentence("en"))
        self.last = found
        for memory, way in self.ways:
            tell(memory, way, found, now)
        if well and time.monotonic() - self.heartbeat_at >= HEARTBEAT_SECONDS:
            self.heartbeat()

    def look(self, now: datetime) -> tuple[list[Trouble], bool]:
        """What is wrong here, and whether all is well here and in the other processes."""
        found = [one for one in (self.still(), *(probe() for probe in self.probes)) if one]
        try:
            with self.connect() as conn:
                found += self.behind(conn, now)
                conn.execute(LOOKED, {"process": self.process, "now": now, "ill": [one.reason for one in found]})
                conn.execute(FORGET, {"before": now - timedelta(days=1)})
                others = conn.execute(OTHERS, {"process": self.process, "since": now - timedelta(seconds=OTHERS_SECONDS)}).fetchall()
        except psycopg.OperationalError as error:
            found.append(Trouble("database", "platform_database", {"error": short(error)}))
        except psycopg.Error as error:
            found.append(Trouble("watchdog", "platform_unknown", {"error": short(error)}))
        else:
            return found, not found and not others
        # What was wrong in the database is neither over nor new while it cannot be looked at.
        known = {one.reason for one in found}
        return found + [one for one in self.last if one.why in ("platform_stage", "platform_canary") and one.reason not in known], False

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        options = "-c timezone=UTC -c statement_timeout=5s -c lock_timeout=2s"
        return psycopg.connect(self.database_url, autocommit=True, connect_timeout=5, tcp_user_timeout=8000, options=options)

    def still(self) -> Trouble | None:
        seconds = time.monotonic() - self.beat_at
        return Trouble("loop", "platform_loop", {"seconds": round(seconds)}) if seconds > self.still_seconds else None

    def behind(self, conn: psycopg.Connection[tuple[Any, ...]], now: datetime) -> list[Trouble]:
        """Stages whose oldest due row waits for too long, and the canary."""
        found = []
        for stage in self.stages:
            row = conn.execute(stage.oldest_due).fetchone()
            late = (now - row[0]).total_seconds() if row and row[0] else 0.0
            if late > stage.limit_seconds:
                params = {"stage": stage.name, "seconds": round(late), "limit_seconds": round(stage.limit_seconds)}
                found.append(Trouble(f"stage {stage.name}", "platform_stage", params))
        if self.canary:
            done_at, error = conn.execute(CANARY).fetchone() or (None, None)
            seconds = (now - max(done_at or self.since, self.since)).total_seconds()
            if seconds > CANARY_SECONDS:
                found.append(Trouble("canary", "platform_canary", {"seconds": round(seconds), "error": error or "-"}))
        return found

    def raise_alert(self, news: News, now: datetime) -> bool:
        """By the way of every alert, while there is a database."""
        if news.what == "again" or news.trouble.reason == "database":
            return True
        try:
            asyncio.run(self.alert(news, now))
        except Exception as error:
            log.warning("no_alert_about_ourselves", reason=news.trouble.reason, error=short(error))
            return False
        return True

    async def alert(self, news: News, now: datetime) -> None:
        """An alert like any other, which the supervisors of the whole city hear of at once; its end is a line. Closing it is for people."""
        code = f"platform.{news.trouble.reason.replace(' ', '.')}"
        async with await db.connect(self.database_url) as conn, conn.transaction():
            await conn.execute("SET LOCAL lock_timeout = '5s'")
            values = {"kind": KIND, "home_id": None, "device_code": code}
            live = await (await conn.execute(alert.QUERIES["live_alert"], values)).fetchone()
            if news.what == "first" and live is None:
                hazard = Hazard(kind=KIND, severity="high", why=news.trouble.why, params={"device": code, **news.trouble.params})
                where: dict[str, Any] = {"home_id": None, "district_id": None, "device_code": code, "seq": None, "canary": False}
                alert_id = await alert.open_alert(conn, hazard, **where, now=now)
                told = await escalate.tell_all(conn, await alert.load(conn, alert_id), policy.Turn(("supervisors",), 0, timedelta(0)), now)
                await alert.add_events(conn, alert_id, told.events, now)
            elif news.what == "over" and live is not None:
                await alert.add_event(conn, live["id"], "well_again", now)

    def text(self, news: News) -> str:
        mark = "✅" if news.what == "over" else "🚨"
        end = {language: f" — {say(language, 'event.well_again')}" if news.what == "over" else "" for language in LANGUAGES}
        lines = [f"{news.trouble.sentence(language)}{end[language]}" for language in LANGUAGES]
        return "\n".join([f"{mark} Cloud Family 云家庭 · {self.process}", *lines])

    def post(self, news: News, now: datetime) -> bool:
        url = self.settings.alarm_url
        if url is None:
            return True
        state = "well" if news.what == "over" else "ill"
        body = {"text": self.text(news), "state": state, "reason": news.trouble.reason, "process": self.process, "at": now.isoformat(timespec="seconds")}
        return self.send("alarm", url.get_secret_value(), body)

    def chat(self, news: News, _: datetime) -> bool:
        token, chat = self.settings.telegram_token, self.settings.alarm_chat
        if token is None or chat is None:
            return True
        base = (self.settings.telegram_api or TELEGRAM).rstrip("/")
        return self.send("alarm", f"{base}/bot{token.get_secret_value()}/sendMessage", {"chat_id": chat, "text": self.text(news)})

    def heartbeat(self) -> None:
        if self.settings.heartbeat_url and self.send("heartbeat", self.settings.heartbeat_url.get_secret_value()):
            self.heartbeat_at = time.monotonic()

    def send(self, what: str, url: str, body: Mapping[str, object] | None = None) -> bool:
        """Whether whoever listens there took it. The address may hold a secret: it is in no log."""
        data = None if body is None else json.dumps(body).encode()
        counter = metrics.heartbeats if what == "heartbeat" else metrics.alarms
        try:
            request = urllib.request.Request(url, data, {"Content-Type": "application/json", "User-Agent": "cloudfamily"})
            with urllib.request.urlopen(request, timeout=HTTP_SECONDS) as answer:
                answer.read(1000)
        except (OSError, ValueError) as error:
            counter.labels("failed").inc()
            log.warning(f"no_{what}", error=f"{type(error).__name__}: {getattr(error, 'reason', '')}"[:200])
            return False
        counter.labels("sent").inc()
        return True


def tell(memory: Memory, way: Callable[[News, datetime], bool], found: Sequence[Trouble], now: datetime) -> None:
    """What this way has to say after a look. One that fails is not asked again until the next look."""
    for news in memory.look(found, time.monotonic()):
        if not way(news, now):
            return
        memory.said(news, time.monotonic())


def short(error: Exception) -> str:
    """One line, and nothing secret: libpq's messages name host and port, never the password."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
