"""What the terminal shows: where to go once it runs, and then one live line."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg

from cloudfamily_platform.insight import figures

if TYPE_CHECKING:
    from cloudfamily.runner import Runner

LINE_SECONDS = 1.0
#: Without a terminal to rewrite, a line now and then is enough.
LOG_SECONDS = 30.0


def welcome(url: str, chat_url: str | None, links: Sequence[tuple[str, str, str, str]], data_dir: object, database: str, broker: str) -> str:
    """The text shown when everything is up."""
    lines = ["", f"Cloud Family 云家庭 is running:  {url}", f"  database: {database}   broker: {broker}   data: {data_dir}", ""]
    lines += [f"  sign in as {role:<11} {name}\n    {link}" for role, name, link, _ in links]
    if chat_url:
        lines += ["", f"  The chat (in Telegram's place):  {chat_url}"]
        lines += [
            f"    as {role:<11} {name}: {chat_url}/?chat={chat}" for role, name, _, chat in links if chat and role in ("family", "caregiver", "volunteer")
        ]
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
