"""The chat channel: Telegram's Bot API, or anything that speaks it."""

from __future__ import annotations

from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
)
from aiogram.types import InlineKeyboardMarkup

from cloudfamily_platform.alerts.deliver import ChannelError
from cloudfamily_platform.alerts.message import Message

NAME = "telegram"


class Telegram:
    """Sends messages with their buttons. The bot is the composition root's, shared with the routers."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot

    async def send(self, address: str, what: Message) -> None:
        """Raises ChannelError: permanent when the person blocked the bot or the chat is gone."""
        markup = InlineKeyboardMarkup.model_validate(what.inline_keyboard) if what.buttons else None
        try:
            await self.bot.send_message(int(address), what.text, reply_markup=markup, request_timeout=10)
        except TelegramRetryAfter as error:
            raise ChannelError("too many messages", retry_after_s=error.retry_after) from error
        except TelegramForbiddenError as error:
            raise ChannelError(error.message, permanent=True) from error
        except TelegramBadRequest as error:
            raise ChannelError(error.message, permanent="chat not found" in error.message) from error
        except (TelegramNetworkError, TelegramAPIError) as error:
            raise ChannelError(f"{type(error).__name__}: {error}") from error
