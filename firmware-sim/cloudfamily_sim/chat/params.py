"""The parameters of a Bot API call: from query, JSON, form or multipart, checked as Telegram does."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from aiohttp import web

from cloudfamily_sim.chat.errors import BotApiError, bad_request
from cloudfamily_sim.chat.message import Button, Keyboard

CALLBACK_BYTES = 64
BUTTON_LIMIT = 100
LABEL_LIMIT = 256
URL_LIMIT = 2048
UNPARSED = "can't parse inline keyboard button: "
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
WEB_URL = re.compile(r"(?:https?|tg)://\S+", re.IGNORECASE)


class Params:
    """Each getter raises BotApiError 400 when the value is there and wrong; "" and None mean absent."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = {name: value for name, value in values.items() if value is not None and value != ""}

    def text(self, name: str) -> str:
        value = self._values.get(name, "")
        if isinstance(value, (dict, list)):
            raise bad_request(f"can't parse {name}: string expected")
        return _utf8(value if isinstance(value, str) else json.dumps(value))

    def integer(self, name: str, default: int | None = None) -> int:
        value = self._values.get(name, default)
        if value is None:
            raise bad_request(f"{name} is empty" if name == "chat_id" else f'parameter "{name}" is required')
        digits = str(value).strip()
        if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]{1,19}", digits):
            raise bad_request("chat not found" if name == "chat_id" else f'invalid integer in "{name}"')
        return int(digits)

    def degrees(self, name: str, limit: float) -> float:
        try:
            value = float(self._values.get(name, "nan"))
        except (TypeError, ValueError):
            value = math.nan
        if not -limit <= value <= limit:
            raise bad_request(f"wrong {name} specified")
        return value

    def flag(self, name: str) -> bool:
        return str(self._values.get(name, "")).strip().lower() in ("true", "yes", "1")

    def parsed(self, name: str) -> Any:
        """A list or object, itself or as JSON in a string; None when absent."""
        value = self._values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            raise bad_request(f"can't parse {name.replace('_', ' ')} JSON object") from None

    def keyboard(self) -> Keyboard:
        """The inline keyboard of reply_markup; other markups are valid but make no buttons here."""
        markup = self.parsed("reply_markup")
        if markup is None:
            return ()
        if not isinstance(markup, dict):
            raise bad_request("object expected as reply markup")
        rows = markup.get("inline_keyboard", [])
        if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
            raise bad_request('field "inline_keyboard" must be of type Array of Arrays')
        keyboard = tuple(tuple(_button(button) for button in row) for row in rows if row)
        if sum(map(len, keyboard)) > BUTTON_LIMIT:
            raise bad_request("REPLY_MARKUP_TOO_LONG")
        return keyboard


async def read(request: web.Request) -> Params:
    """Query string first, the body over it. Raises BotApiError 400, and 413 past the server's size limit."""
    values: dict[str, Any] = dict(request.query)
    try:
        if request.content_type == "application/json" and request.body_exists:
            body = await request.json()
            if not isinstance(body, dict):
                raise bad_request("can't parse JSON object")
            values |= body
        elif request.content_type in FORMS:
            # Uploaded files have no method here that takes them.
            form = await request.post()
            values |= {name: value for name, value in form.items() if isinstance(value, str)}
    except web.HTTPRequestEntityTooLarge:
        raise BotApiError(413, "Request Entity Too Large") from None
    except (ValueError, RecursionError, LookupError):
        raise bad_request("can't parse the request's body") from None
    return Params(values)


def _button(raw: Any) -> Button:
    if not isinstance(raw, dict):
        raise bad_request(UNPARSED + "InlineKeyboardButton must be an Object")
    text = _utf8(raw.get("text"))
    if not text.strip() or len(text) > LABEL_LIMIT:
        raise bad_request(UNPARSED + 'Field "text" must be a short text')
    if raw.get("url"):
        return Button(text, url=_web_url(raw["url"]))
    if raw.get("callback_data") is None:
        raise bad_request(UNPARSED + "Text buttons are unallowed in the inline keyboard")
    data = _utf8(raw["callback_data"])
    if not 1 <= len(data.encode()) <= CALLBACK_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    return Button(text, data=data)


def _web_url(raw: Any) -> str:
    url = _utf8(raw)
    if len(url) > URL_LIMIT or not WEB_URL.fullmatch(url):
        raise bad_request(f"inline keyboard button URL '{url[:100]}' is invalid: Wrong HTTP URL")
    return url


def _utf8(value: Any) -> str:
    if not isinstance(value, str):
        raise bad_request("string expected")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise bad_request("strings must be encoded in UTF-8") from None
    return value
