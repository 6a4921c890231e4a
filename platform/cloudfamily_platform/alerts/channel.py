"""What a channel is: the protocol that deliver sends by, what a channel may answer, and how it says no."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from cloudfamily_platform.alerts.message import Message


class ChannelError(Exception):
    """A channel did not take a message. `permanent`: this address will never work; else `retry_after_s` may say when.

    `slow`: no answer in time; it may have been taken all the same.
    """

    def __init__(self, reason: str, *, permanent: bool = False, retry_after_s: float | None = None, slow: bool = False) -> None:
        super().__init__(reason)
        self.permanent, self.retry_after_s, self.slow = permanent, retry_after_s, slow


class Gone(ChannelError):
    """The message to edit is not there any more, or too old to be edited."""


@dataclass(frozen=True)
class Receipt:
    """What is known once a channel has taken a message. Neither delivered nor read: handed over, no more."""

    #: The channel's own name of the message, for edits.
    ref: str | None = None
    delivered: bool = False
    read: bool = False


@dataclass(frozen=True)
class Limits:
    #: On average.
    per_second: float
    #: So many may leave at once after a pause.
    burst: int
    #: Between two messages to one address.
    per_chat_seconds: float = 0.0


class Channel(Protocol):
    @property
    def limits(self) -> Limits: ...

    @property
    def edits(self) -> bool:
        """Whether a message, once sent, can be changed."""

    async def send(self, address: str, what: Message, key: str) -> Receipt:
        """Hands the message over. `key` is the same each time that this message is tried. Raises ChannelError."""

    async def edit(self, address: str, ref: str, what: Message) -> None:
        """Changes what was sent; only if `edits`. Raises ChannelError; Gone."""
