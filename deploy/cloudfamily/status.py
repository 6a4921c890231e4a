"""What the terminal shows: where to go once it runs, and then one live line."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from cloudfamily_platform.insight import figures

if TYPE_CHECKING:
    from cloudfamily.demo import Way
    from cloudfamily.parts import Parts
    from cloudfamily.runner import Runner

LINE_SECONDS = 1.0
#: Without a terminal to rewrite, a line now and then is enough.
LOG_SECONDS = 30.0


def welcome(parts: Parts, chat_url: str | None, ways: Sequence[Way], data_dir: Path) -> str:
    """The text shown when everything is up."""
    lines = ["", f"Cloud Family 云家庭 is running:  {parts.web_url}"]
    lines += [f"  database: {parts.kind}   broker: {parts.mqtt_host}:{parts.mqtt_port}   data: {data_dir}", ""]
    lines += [f"  sign in as {way.role:<11} {way.name}\n    {way.link}" for way in ways]
    chatting = [way for way in ways if way.role in ("family", "caregiver", "volunteer")]
    if chat_url:
        lines += ["", f"  The chat (in Telegram's place):  {chat_url}"]
        lines += [f"    as {way.role:<11} {way.name}: {chat_url}/?chat={way.chat}" for way in chatting if way.chat]
    elif chatting:
        lines += ["", "  The chat: send your bot one of these, and it takes you for"]
        lines += [f"    {way.role:<11} {way.name}: /start {way.code}" for way in chatting]
    lines += ["", "  Press an elder's button (in another terminal):  .venv/bin/cloudfamily press WX-001", "  Ctrl-C stops everything.", ""]
    return "\n".join(lines)


async def live_line(runner: Runner) -> None:
    """readings/s, open alerts, deliveries of the day, and what is waiting; rewritten in place on a terminal."""
    terminal = sys.stdout.isatty()
    try:
        while True:
            try:
                async with runner.pool.connection() as conn:
                    now = await figures.figures(conn, datetime.now(UTC))
                text = f"{now['readings_per_s']:6.1f} readings/s   {now['open_alerts']} open alerts   {now['deliveries']} deliveries   {now['waiting']} waiting"
            except (psycopg.OperationalError, TimeoutError):
                text = "the database does not answer; nothing is lost, the gateway waits"
            print(f"\r\x1b[K{text}" if terminal else text, end="" if terminal else "\n", flush=True)
            await asyncio.sleep(LINE_SECONDS if terminal else LOG_SECONDS)
    finally:
        if terminal:
            print(flush=True)
