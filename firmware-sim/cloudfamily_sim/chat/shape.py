"""The JSON of people, messages and updates: Telegram's for the bot, a shorter one of our own for the page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cloudfamily_sim.chat.message import Answer, Button, ChatPerson, Entity, Keyboard, Message
from cloudfamily_sim.chat.updates import Update

BOT_NAME = "云家庭 Cloud Family"
BOT_USERNAME = "cloud_family_bot"
#: Telegram names Chinese otherwise than the product does.
LANGUAGE_CODES = {"zh-CN": "zh-hans", "en": "en"}

Json = dict[str, Any]


def of_bot(bot_id: int) -> Json:
    return {"id": bot_id, "is_bot": True, "first_name": BOT_NAME, "username": BOT_USERNAME}


def of_me(bot_id: int) -> Json:
    cannot = ("can_join_groups", "can_read_all_group_messages", "supports_inline_queries")
    return {**of_bot(bot_id), **dict.fromkeys(cannot, False)}


def of_user(person: ChatPerson) -> Json:
    language = LANGUAGE_CODES.get(person.language, person.language)
    return {"id": person.chat_id, "is_bot": False, "first_name": person.name, "language_code": language}


def of_chat(person: ChatPerson) -> Json:
    return {"id": person.chat_id, "type": "private", "first_name": person.name}


def of_message(message: Message, person: ChatPerson, bot_id: int) -> Json:
    body: Json = {
        "message_id": message.id,
        "date": int(message.sent_at.timestamp()),
        "chat": of_chat(person),
        "from": of_bot(bot_id) if message.from_bot else of_user(person),
    }
    if message.edited_at:
        body["edit_date"] = int(message.edited_at.timestamp())
    if message.location:
        body["location"] = {"latitude": message.location[0], "longitude": message.location[1]}
    else:
        body["text"] = message.text
    if message.entities:
        body["entities"] = [_entity(entity) for entity in message.entities]
    if message.buttons:
        body["reply_markup"] = {"inline_keyboard": _keyboard(message.buttons, "callback_data")}
    return body


def of_update(update: Update, person: ChatPerson, bot_id: int) -> Json:
    message = of_message(update.message, person, bot_id)
    if update.query_id is None:
        return {"update_id": update.id, "message": message}
    query = {
        "id": update.query_id,
        "from": of_user(person),
        "message": message,
        "chat_instance": str(person.chat_id),
        "data": update.data,
    }
    return {"update_id": update.id, "callback_query": query}


def for_page(message: Message) -> Json:
    return {
        "id": message.id,
        "from": "bot" if message.from_bot else "person",
        "at": _time(message.sent_at),
        "edited_at": _time(message.edited_at) if message.edited_at else None,
        "text": message.text,
        "entities": [_entity(entity) for entity in message.entities],
        "buttons": _keyboard(message.buttons, "data"),
        "location": {"lat": message.location[0], "lon": message.location[1]} if message.location else None,
    }


def of_answer(answer: Answer) -> Json:
    return {
        "query_id": answer.query_id,
        "message_id": answer.message_id,
        "data": answer.data,
        "text": answer.text,
        "alert": answer.alert,
    }


def _entity(entity: Entity) -> Json:
    body: Json = {"type": entity.kind, "offset": entity.offset, "length": entity.length}
    return {**body, "url": entity.url} if entity.url else body


def _keyboard(keyboard: Keyboard, data_name: str) -> list[list[Json]]:
    return [[_button(button, data_name) for button in row] for row in keyboard]


def _button(button: Button, data_name: str) -> Json:
    action = {"url": button.url} if button.url else {data_name: button.data}
    return {"text": button.text, **action}


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
