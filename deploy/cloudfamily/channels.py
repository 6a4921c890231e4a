"""Which channels there are here: each that its settings allow, by the name that stands in `reach`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import msgspec

from cloudfamily.embedded.errors import StartError
from cloudfamily_platform.alerts.channel import Channel
from cloudfamily_platform.channels import apprise, voice, webhook
from cloudfamily_platform.core.settings import Settings

if TYPE_CHECKING:
    from aiogram import Bot


@asynccontextmanager
async def opened(settings: Settings, bot: Bot | None = None) -> AsyncIterator[dict[str, Channel]]:
    """`bot`: the chat's, where there is a token. Raises StartError when CF_SERVICES cannot be read."""
    found: dict[str, Channel] = {}
    if bot is not None:
        from cloudfamily_platform.channels import telegram  # aiogram takes seconds to load

        found[telegram.NAME] = telegram.Telegram(bot)
    for name, template in {**apprise.SERVICES, **services(settings)}.items():
        try:
            found[name] = apprise.Apprise(template, settings.public_url)
        except ValueError as error:
            raise StartError(str(error)) from error
    async with aiohttp.ClientSession() as http:
        if settings.webhook_secret:
            found[webhook.NAME] = webhook.Webhook(http, settings.webhook_secret.get_secret_value())
        if settings.voice_url and settings.voice_secret:
            provider = voice.HttpProvider(http, settings.voice_url, settings.voice_secret.get_secret_value())
            found[voice.NAME] = voice.Voice(provider)
        yield found


def services(settings: Settings) -> dict[str, str]:
    """Raises StartError."""
    if settings.services is None:
        return {}
    try:
        return msgspec.json.decode(settings.services.get_secret_value(), type=dict[str, str])
    except msgspec.DecodeError as error:
        raise StartError(f'CF_SERVICES is not JSON of names and addresses such as {{"sms": "twilio://…/{{address}}"}}: {error}') from error
