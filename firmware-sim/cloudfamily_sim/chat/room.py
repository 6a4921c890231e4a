"""All chats of the one bot, in memory: what the bot does to them, and what the people do."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from cloudfamily_sim.chat import errors, markup, shape
from cloudfamily_sim.chat.errors import BotApiError, bad_request
from cloudfamily_sim.chat.journal import Journal
from cloudfamily_sim.chat.message import TEXT_LIMIT, Answer, ChatPerson, Entity, Keyboard, Message
from cloudfamily_sim.chat.updates import UpdateQueue

CHAT_LIMIT = 500
MESSAGE_LIMIT = 200
QUERY_LIMIT = 1000
ANSWER_LIMIT = 100
#: Telegram's ids never start anew, so ours start at the seconds since this: larger after every restart.
IDS_SINCE = datetime(2026, 1, 1, tzinfo=UTC).timestamp()

ChatState = Literal["open", "blocked", "busy"]
T = TypeVar("T")


class Room:
    """For one event loop. Raises ValueError for more than 500 people or two with one chat number."""

    def __init__(self, people: Sequence[ChatPerson]) -> None:
        self.people = {person.chat_id: person for person in people}
        if len(self.people) != len(people) or len(people) > CHAT_LIMIT:
            raise ValueError(f"at most {CHAT_LIMIT} people, each with a chat number of their own")
        self.journal = Journal()
        self.updates = UpdateQueue()
        #: By language code ("" for everybody): what setMyCommands said.
        self.commands: dict[str, list[dict[str, str]]] = {}
        self.sent: dict[int, int] = dict.fromkeys(self.people, 0)
        self._messages: dict[int, dict[int, Message]] = {chat_id: {} for chat_id in self.people}
        self._answers = {chat_id: deque[Answer](maxlen=ANSWER_LIMIT) for chat_id in self.people}
        self._states: dict[int, tuple[ChatState, int]] = {}
        self._queries: OrderedDict[str, Message] = OrderedDict()
        self._query_data: dict[str, str] = {}
        self._next_id = max(1, int(time.time() - IDS_SINCE))

    # The people

    def messages(self, chat_id: int) -> list[Message]:
        """Oldest first, at most 200. Raises ChatRefusal 404."""
        return list(self._chat(chat_id).values())

    def answers(self, chat_id: int) -> list[Answer]:
        self._chat(chat_id)
        return list(self._answers[chat_id])

    def say(self, chat_id: int, text: str) -> Message:
        """The person writes. Raises ChatRefusal: unknown, empty, too long, blocked, or a bot that is away."""
        self._check_person(chat_id)
        if not text.strip():
            raise errors.text_is_empty()
        if len(text) > TEXT_LIMIT:
            raise errors.text_is_too_long(TEXT_LIMIT)
        plain, entities = markup.finish(text, [])
        message = Message(self._new_id(), chat_id, False, _now(), plain, entities)
        self.updates.put(message)
        self._keep(message, "new")
        return message

    def press(self, chat_id: int, message_id: int, data: str) -> str:
        """The person presses the button with this data; the id of the callback query. Raises ChatRefusal."""
        self._check_person(chat_id)
        message = self._chat(chat_id).get(message_id)
        if message is None or not data or message.find(lambda button: button.data == data) is None:
            raise errors.no_such_button()
        query_id = str(self._new_id())
        self.updates.put(message, query_id, data)
        self._queries[query_id] = message
        self._query_data[query_id] = data
        if len(self._queries) > QUERY_LIMIT:
            self._query_data.pop(self._queries.popitem(last=False)[0])
        return query_id

    def set_state(self, chat_id: int, state: ChatState, retry_after_s: int) -> None:
        """What the bot meets from now on in this chat: nothing unusual, 403, or 429."""
        self._chat(chat_id)
        self._states[chat_id] = (state, retry_after_s)

    async def wait_for(self, what: Callable[[], T | None], timeout_s: float, missing: Callable[[], str]) -> T:
        """The first non-None of `what`, asked now and after each change. Raises TimeoutError(missing())."""
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    rung = self.journal.bell.listen()
                    if (found := what()) is not None:
                        return found
                    await rung.wait()
        except TimeoutError:
            raise TimeoutError(missing()) from None

    # The bot; BotApiError in Telegram's words

    def send(
        self,
        chat_id: int,
        text: str,
        entities: tuple[Entity, ...],
        buttons: Keyboard,
        location: tuple[float, float] | None = None,
    ) -> Message:
        self.check_bot(chat_id)
        message = Message(self._new_id(), chat_id, True, _now(), text, entities, buttons, location)
        self.sent[chat_id] += 1
        self._keep(message, "new")
        return message

    def edit(self, chat_id: int, message_id: int, **changes: Any) -> Message:
        """`changes`: fields of Message."""
        self.check_bot(chat_id)
        old = self._messages[chat_id].get(message_id)
        if old is None:
            raise bad_request("message to edit not found")
        if not old.from_bot:
            raise bad_request("message can't be edited")
        if "text" in changes and old.location is not None:
            raise bad_request("there is no text in the message to edit")
        new = replace(old, **changes)
        if new == old:
            raise bad_request(
                "message is not modified: specified new message content and reply markup are exactly the same"
                " as a current content and reply markup of the message"
            )
        new = replace(new, edited_at=_now())
        self._keep(new, "edited")
        return new

    def delete(self, chat_id: int, message_id: int) -> None:
        self.check_bot(chat_id)
        message = self._messages[chat_id].pop(message_id, None)
        if message is None:
            raise bad_request("message to delete not found")
        self._tell("deleted", message)

    def answer(self, query_id: str, text: str, alert: bool) -> None:
        message = self._queries.get(query_id)
        if message is None:
            raise bad_request("query is too old and response timeout expired or query ID is invalid")
        answer = Answer(query_id, message.id, self._query_data[query_id], text, alert)
        self._answers[message.chat_id].append(answer)
        self.journal.write("answer", {"chat_id": message.chat_id, **shape.of_answer(answer)})

    def check_bot(self, chat_id: int) -> None:
        """Raises BotApiError: 400 for an unknown chat, 403 or 429 for one that was set so."""
        if chat_id not in self.people:
            raise bad_request("chat not found")
        state, retry_after_s = self._states.get(chat_id, ("open", 0))
        if state == "blocked":
            raise BotApiError(403, "Forbidden: bot was blocked by the user")
        if state == "busy":
            raise BotApiError(429, f"Too Many Requests: retry after {retry_after_s}", retry_after_s)

    # Both

    def _chat(self, chat_id: int) -> dict[int, Message]:
        chat = self._messages.get(chat_id)
        if chat is None:
            raise errors.unknown_chat()
        return chat

    def _check_person(self, chat_id: int) -> None:
        self._chat(chat_id)
        if self._states.get(chat_id, ("open", 0))[0] == "blocked":
            raise errors.bot_is_blocked()

    def _keep(self, message: Message, change: str) -> None:
        chat = self._messages[message.chat_id]
        chat[message.id] = message
        if len(chat) > MESSAGE_LIMIT:
            chat.pop(next(iter(chat)))
        self._tell(change, message)

    def _tell(self, change: str, message: Message) -> None:
        event = {"change": change, "chat_id": message.chat_id, "message": shape.for_page(message)}
        self.journal.write("message", event)

    def _new_id(self) -> int:
        self._next_id += 1
        return self._next_id


def _now() -> datetime:
    return datetime.now(UTC)
