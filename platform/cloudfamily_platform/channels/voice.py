"""The voice channel: somebody is called up, hears the alert, and presses a digit. Who calls is a provider, behind a protocol.

What comes of the call, the provider says to `POST /api/voice/{call}` (web/voice.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import aiohttp

from cloudfamily_platform.alerts.channel import ChannelError, Limits, Receipt
from cloudfamily_platform.alerts.message import Message
from cloudfamily_platform.alerts.voice import DIGITS
from cloudfamily_platform.channels.webhook import post

NAME = "voice"


class Provider(Protocol):
    async def call(self, number: str, text: str, digits: Mapping[str, str], key: str) -> None:
        """Takes on a call: reads `text` aloud and asks for one of `digits` (digit → what it means, in the person's language). Raises ChannelError.

        `key` names the call: a provider that gets it twice calls once, and says it with what came of the call.
        """


class HttpProvider:
    """Any service that takes a signed POST {"call", "number", "text", "digits"}, as the webhook channel signs it."""

    def __init__(self, http: aiohttp.ClientSession, url: str, secret: str) -> None:
        self.http, self.url, self.secret = http, url, secret

    async def call(self, number: str, text: str, digits: Mapping[str, str], key: str) -> None:
        data = {"call": key, "number": number, "text": text, "digits": dict(digits)}
        try:
            await post(self.http, self.secret, self.url, key, "call", data)
        except ChannelError as error:  # its address is ours: a 404 there is not the person's
            raise ChannelError(str(error), retry_after_s=error.retry_after_s, slow=error.slow) from error


class Voice:
    limits = Limits(per_second=2, burst=5, per_chat_seconds=20.0)
    edits = False

    def __init__(self, provider: Provider) -> None:
        self.provider = provider

    async def send(self, address: str, what: Message, key: str) -> Receipt:
        """Handed over, no more: whether somebody answered comes later."""
        labels = {button.data.split(":", 2)[-1]: button.label for line in what.buttons for button in line}
        digits = {digit: labels[verb] for digit, verb in DIGITS.items() if verb in labels}
        text = "\n".join([what.plain, *(f"{digit}: {label}" for digit, label in digits.items())])
        await self.provider.call(address, text, digits, key)
        return Receipt()

    async def edit(self, address: str, ref: str, what: Message) -> None:
        raise ChannelError("a call cannot be edited")
