"""The bot's side: /bot<token>/<method>, answered as Telegram does (https://core.telegram.org/bots/api).

Any token of the right form is the one bot. A method that is not listed below is answered 404, as Telegram
answers one that it does not know.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from aiohttp import web

from cloudfamily_sim.chat import bell, markup, params, shape
from cloudfamily_sim.chat.errors import BotApiError, bad_request
from cloudfamily_sim.chat.message import TEXT_LIMIT, Entity, Keyboard
from cloudfamily_sim.chat.params import Params
from cloudfamily_sim.chat.room import Room
from cloudfamily_sim.chat.updates import BATCH_LIMIT, Update

TOKEN = re.compile(r"([0-9]{1,16}):[A-Za-z0-9_-]{1,64}")
POLL_LIMIT_S = 50
ANSWER_LIMIT = 200
#: With its mark-up; Telegram's limit counts only what is seen.
RAW_LIMIT = 4 * TEXT_LIMIT
COMMAND_LIMIT = 100
LANGUAGE_LIMIT = 50
COMMAND = re.compile(r"[a-z0-9_]{1,32}")

dumps = partial(json.dumps, ensure_ascii=False)
Method = Callable[[Params, int], Awaitable[Any]]


class BotApi:
    def __init__(self, room: Room) -> None:
        self.room = room
        self.closing = False
        self._poll = 0
        self._methods: dict[str, Method] = {
            "getme": self._get_me,
            "getupdates": self._get_updates,
            "sendmessage": self._send_message,
            "sendlocation": self._send_location,
            "sendchataction": self._send_chat_action,
            "editmessagetext": self._edit_message_text,
            "editmessagereplymarkup": self._edit_message_reply_markup,
            "deletemessage": self._delete_message,
            "answercallbackquery": self._answer_callback_query,
            "setmycommands": self._set_my_commands,
            "getmycommands": self._get_my_commands,
            "setwebhook": self._set_webhook,
            "deletewebhook": self._delete_webhook,
            "getwebhookinfo": self._get_webhook_info,
        }

    def close(self) -> None:
        """Sends open long polls home with an empty answer."""
        self.closing = True
        self.room.updates.bell.ring()

    async def handle(self, request: web.Request) -> web.Response:
        try:
            return _response(200, {"ok": True, "result": await self._call(request)})
        except BotApiError as error:
            body = {"ok": False, "error_code": error.status, "description": error.description}
            if error.retry_after_s is not None:
                body["parameters"] = {"retry_after": error.retry_after_s}
            return _response(error.status, body)

    async def _call(self, request: web.Request) -> Any:
        token = TOKEN.fullmatch(request.match_info["token"])
        if token is None:
            raise BotApiError(401, "Unauthorized")
        method = self._methods.get(request.match_info["method"].lower())
        if method is None:
            raise BotApiError(404, "Not Found: method not found")
        return await method(await params.read(request), int(token[1]))

    # Updates

    async def _get_me(self, given: Params, bot_id: int) -> Any:
        return shape.of_me(bot_id)

    async def _get_updates(self, given: Params, bot_id: int) -> Any:
        """Only one call at a time is listened to; an older one that is still open ends with 409."""
        offset = given.integer("offset", 0)
        limit = min(max(given.integer("limit", BATCH_LIMIT), 1), BATCH_LIMIT)
        until = time.monotonic() + min(max(given.integer("timeout", 0), 0), POLL_LIMIT_S)
        wanted = given.parsed("allowed_updates")
        updates = self.room.updates
        if isinstance(wanted, list):
            updates.wanted = tuple(str(kind) for kind in wanted[:BATCH_LIMIT])
        self._poll += 1
        mine = self._poll
        updates.bell.ring()
        while True:
            rung = updates.bell.listen()
            batch = updates.take(offset, limit)
            left = until - time.monotonic()
            if batch or left <= 0 or self.closing:
                return [self._update(update, bot_id) for update in batch]
            await bell.heard(rung, left)
            if mine != self._poll:
                raise BotApiError(
                    409,
                    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
                )

    def _update(self, update: Update, bot_id: int) -> Any:
        return shape.of_update(update, self.room.people[update.message.chat_id], bot_id)

    # Messages

    async def _send_message(self, given: Params, bot_id: int) -> Any:
        chat_id = given.integer("chat_id")
        self.room.check_bot(chat_id)
        text, entities = _marked_text(given)
        message = self.room.send(chat_id, text, entities, given.keyboard())
        return shape.of_message(message, self.room.people[chat_id], bot_id)

    async def _send_location(self, given: Params, bot_id: int) -> Any:
        chat_id = given.integer("chat_id")
        location = (given.degrees("latitude", 90), given.degrees("longitude", 180))
        message = self.room.send(chat_id, "", (), given.keyboard(), location)
        return shape.of_message(message, self.room.people[chat_id], bot_id)

    async def _send_chat_action(self, given: Params, bot_id: int) -> Any:
        self.room.check_bot(given.integer("chat_id"))
        return True

    async def _edit_message_text(self, given: Params, bot_id: int) -> Any:
        text, entities = _marked_text(given)
        return self._edit(given, bot_id, text=text, entities=entities, buttons=given.keyboard())

    async def _edit_message_reply_markup(self, given: Params, bot_id: int) -> Any:
        return self._edit(given, bot_id, buttons=given.keyboard())

    def _edit(self, given: Params, bot_id: int, **changes: str | tuple[Entity, ...] | Keyboard) -> Any:
        chat_id = given.integer("chat_id")
        message = self.room.edit(chat_id, given.integer("message_id"), **changes)
        return shape.of_message(message, self.room.people[chat_id], bot_id)

    async def _delete_message(self, given: Params, bot_id: int) -> Any:
        self.room.delete(given.integer("chat_id"), given.integer("message_id"))
        return True

    async def _answer_callback_query(self, given: Params, bot_id: int) -> Any:
        text = given.text("text")
        if len(text) > ANSWER_LIMIT:
            raise bad_request("MESSAGE_TOO_LONG")
        self.room.answer(given.text("callback_query_id"), text, given.flag("show_alert"))
        return True

    # The bot itself

    async def _set_my_commands(self, given: Params, bot_id: int) -> Any:
        """Scopes are not told apart: the last list for a language counts for every chat."""
        raw, language = given.parsed("commands"), given.text("language_code")
        if not isinstance(raw, list) or len(raw) > COMMAND_LIMIT:
            raise bad_request("can't parse commands: a list of at most 100 BotCommand expected")
        commands = [_command(entry) for entry in raw]
        full = len(self.room.commands) >= LANGUAGE_LIMIT and language not in self.room.commands
        if len(language) > 8 or full:
            raise bad_request("invalid language code specified")
        self.room.commands[language] = commands
        self.room.journal.write("commands", self.room.commands)
        return True

    async def _get_my_commands(self, given: Params, bot_id: int) -> Any:
        return self.room.commands.get(given.text("language_code"), [])

    async def _set_webhook(self, given: Params, bot_id: int) -> Any:
        if not given.text("url"):
            return True
        raise bad_request("bad webhook: this local Telegram knows no webhooks, use getUpdates")

    async def _delete_webhook(self, given: Params, bot_id: int) -> Any:
        if given.flag("drop_pending_updates"):
            self.room.updates.clear()
        return True

    async def _get_webhook_info(self, given: Params, bot_id: int) -> Any:
        return {"url": "", "has_custom_certificate": False, "pending_update_count": len(self.room.updates)}


def _response(status: int, body: dict[str, Any]) -> web.Response:
    return web.json_response(body, status=status, dumps=dumps)


def _marked_text(given: Params) -> tuple[str, tuple[Entity, ...]]:
    raw, mode = given.text("text"), given.text("parse_mode").lower()
    if mode not in ("", "html"):
        raise bad_request("unsupported parse_mode")
    if len(raw) > RAW_LIMIT:
        raise bad_request("message is too long")
    text, entities = markup.parse(raw) if mode else markup.finish(raw, [])
    if not text:
        raise bad_request("message text is empty")
    if len(text) > TEXT_LIMIT:
        raise bad_request("message is too long")
    return text, entities


def _command(raw: Any) -> dict[str, str]:
    if not isinstance(raw, dict):
        raise bad_request("can't parse BotCommand: expected an Object")
    command, description = raw.get("command"), raw.get("description")
    if not isinstance(command, str) or not COMMAND.fullmatch(command.removeprefix("/")):
        raise bad_request("BOT_COMMAND_INVALID")
    if not isinstance(description, str) or not 1 <= len(description) <= 256:
        raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    return {"command": command.removeprefix("/"), "description": description}
