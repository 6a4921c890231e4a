"""The chat channel: Telegram's Bot API, or anything that speaks it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
)
from aiogram.types import InlineKeyboardMarkup

from cloudfamily_platform.alerts.channel import ChannelError, Gone, Limits, Receipt
from cloudfamily_platform.alerts.message import Message

NAME = "telegram"
REQUEST_SECONDS = 8
#: What Telegram answers when a message cannot be edited: it was deleted, or is older than 48 hours.
GONE = ("message to edit not found", "message can't be edited", "message_id_invalid")


class Telegram:
    """Sends messages with their buttons, and edits them. The bot is the composition root's, shared with the routers."""

    #: Telegram's own are about 30 a second in all and one a second into a chat (core.telegram.org/bots/faq).
    limits = Limits(per_second=25, burst=5, per_chat_seconds=1.0)
    edits = True

    def __init__(self, bot: Bot) -> None:
        self.bot = bot

    async def send(self, address: str, what: Message, key: str) -> Receipt:
        """Raises ChannelError: permanent when the person blocked the bot or the chat is gone."""
        with refusals():
            sent = await self.bot.send_message(chat(address), what.text, reply_markup=markup(what), request_timeout=REQUEST_SECONDS)
        return Receipt(str(sent.message_id))

    async def edit(self, address: str, ref: str, what: Message) -> None:
        """Raises ChannelError; Gone. That it says so already is no error."""
        with refusals():
            await self.bot.edit_message_text(what.text, chat_id=chat(address), message_id=int(ref), reply_markup=markup(what), request_timeout=REQUEST_SECONDS)


def chat(address: str) -> int:
    try:
        return int(address)
    except ValueError:
        raise ChannelError("the address is not a chat's number", permanent=True) from None


def markup(what: Message) -> InlineKeyboardMarkup | None:
    return InlineKeyboardMarkup.model_validate(what.inline_keyboard) if what.buttons else None


@contextmanager
def refusals() -> Iterator[None]:
    """Telegram's words as ours."""
    try:
        yield
    except TelegramRetryAfter as error:
        raise ChannelError("too many messages", retry_after_s=error.retry_after) from error
    except TelegramForbiddenError as error:
        raise ChannelError(error.message, permanent=True) from error
    except TelegramBadRequest as error:
        said = error.message.lower()
        if "message is not modified" in said:
            return
        if any(words in said for words in GONE):
            raise Gone(error.message) from error
        raise ChannelError(error.message, permanent="chat not found" in said) from error
    except (TelegramNetworkError, TelegramAPIError) as error:
        raise ChannelError(f"{type(error).__name__}: {error}") from error
