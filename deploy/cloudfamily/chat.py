"""The chat: the bot with every component's routers. Imported late: aiogram takes seconds to load."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from aiogram import Bot, Dispatcher
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

import cloudfamily_timebank.bot
from cloudfamily import composition
from cloudfamily_platform.bot import alerts, reach, start
from cloudfamily_platform.bot.person import WhoIsTalking
from cloudfamily_platform.core import db
from cloudfamily_platform.core.settings import Settings

POLL_SECONDS = 10
#: One process at a time polls: Telegram refuses a second poller of the same token.
LOCK = 7_423_002


def make_bot(settings: Settings) -> Bot:
    """Raises ValueError without a token."""
    if settings.telegram_token is None:
        raise ValueError("a bot needs CF_TELEGRAM_TOKEN")
    api = settings.telegram_api
    session = AiohttpSession(api=TelegramAPIServer.from_base(api)) if api else AiohttpSession()
    return Bot(settings.telegram_token.get_secret_value(), session=session, default=DefaultBotProperties(parse_mode="HTML"))


def dispatcher(pool: db.Pool, settings: Settings) -> Dispatcher:
    """The routers, in the order in which they are asked."""
    composition.speak()
    zone = ZoneInfo(settings.timezone)
    made = Dispatcher()
    made.update.outer_middleware(WhoIsTalking(pool))
    made.include_routers(start.router(), reach.router(), cloudfamily_timebank.bot.router(zone), alerts.router(zone))
    return made


async def poll(bot: Bot, pool: db.Pool, settings: Settings, database_url: str) -> None:
    """Long polling, once this process has the lock."""
    async with await db.connect(database_url) as conn:
        await conn.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        await dispatcher(pool, settings).start_polling(bot, handle_signals=False, close_bot_session=False, polling_timeout=POLL_SECONDS)
