"""A local Telegram: the Bot API for the bot on one side, a page of phones for its people on the other.

The product starts it when there is no Telegram token, and its tests talk to the bot through it. Everything
is in memory and bounded; there is no sign-in, whoever reaches the port may be anybody: keep it on loopback.
"""

from cloudfamily_sim.chat.errors import BotApiError, ChatRefusal
from cloudfamily_sim.chat.message import Answer, Button, ChatPerson, Entity, Message
from cloudfamily_sim.chat.room import ChatState
from cloudfamily_sim.chat.server import ChatServer

__all__ = [
    "Answer",
    "BotApiError",
    "Button",
    "ChatPerson",
    "ChatRefusal",
    "ChatServer",
    "ChatState",
    "Entity",
    "Message",
]
