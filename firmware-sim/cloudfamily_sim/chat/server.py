"""ChatServer: one port that is Telegram to the bot and a page of phones to the people."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aiohttp import web

from cloudfamily_sim.chat.bot_api import BotApi
from cloudfamily_sim.chat.message import Answer, ChatPerson, Message
from cloudfamily_sim.chat.person_api import PersonApi
from cloudfamily_sim.chat.room import ChatState, Room

BODY_LIMIT_BYTES = 256 * 1024
#: For a handler that, though told to end, still writes to a client which no longer reads. Waited twice.
STOP_S = 0.3


class ChatServer:
    """`port` 0 takes a free one. Use from one event loop. Raises ValueError for bad people.

    The bot: `AiohttpSession(api=TelegramAPIServer.from_base(await server.start()))`. The people: the page at
    the same address, `/?chat=<chat_id>` for one of them, or `say`, `press` and `wait_for` from a test.
    """

    def __init__(self, host: str, port: int, people: Sequence[ChatPerson]) -> None:
        self.host = host
        self.port = port
        self._room = Room(people)
        self._runner: web.AppRunner | None = None
        self._bot_api = BotApi(self._room)
        self._person_api = PersonApi(self._room)

    async def start(self) -> str:
        """The base URL, without a slash at the end. Raises OSError when the port is taken."""
        if self._runner is not None:
            raise RuntimeError("already started")
        self._bot_api.closing = self._person_api.closing = False
        app = web.Application(client_max_size=BODY_LIMIT_BYTES)
        app.router.add_route("GET", "/bot{token}/{method}", self._bot_api.handle)
        app.router.add_route("POST", "/bot{token}/{method}", self._bot_api.handle)
        self._person_api.add_routes(app)
        # A poller that is gone must not sit in its long poll: cancel the handler with its connection.
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_S, handler_cancellation=True)
        await runner.setup()
        try:
            await web.TCPSite(runner, self.host, self.port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port = runner.addresses[0][1]
        return self.url

    @property
    def url(self) -> str:
        """Valid after `start`. A server on every interface names itself by its loopback address."""
        host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def page(self, chat_id: int) -> str:
        """The address of one person's phone."""
        return f"{self.url}/?chat={chat_id}"

    async def stop(self) -> None:
        """Within a second, long polls and pages included. What was said stays for the next `start`."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        self._bot_api.close()
        self._person_api.close()
        await runner.cleanup()

    # What a person does and sees

    def say(self, chat_id: int, text: str) -> Message:
        """Raises ChatRefusal: unknown chat, empty or too long, bot blocked, 1,000 updates unfetched."""
        return self._room.say(chat_id, text)

    def press(self, chat_id: int, message_id: int, callback_data: str) -> str:
        """The id of the callback query. Raises ChatRefusal, also when there is no such button (any more)."""
        return self._room.press(chat_id, message_id, callback_data)

    def messages(self, chat_id: int) -> list[Message]:
        """Both sides, oldest first, the last 200. Raises ChatRefusal."""
        return self._room.messages(chat_id)

    def answers(self, chat_id: int) -> list[Answer]:
        """The toasts and boxes so far, oldest first, the last 100."""
        return self._room.answers(chat_id)

    async def wait_for(self, chat_id: int, predicate: Callable[[Message], bool], timeout_s: float, *, after: int = 0) -> Message:
        """The oldest message of the bot, id past `after`, that the predicate accepts, once there is one.

        Edits count: the predicate sees each message as it is. Raises TimeoutError that quotes the chat's end.
        """

        def found() -> Message | None:
            new = (message for message in self.messages(chat_id) if message.from_bot and message.id > after)
            return next((message for message in new if predicate(message)), None)

        def missing() -> str:
            end = [("bot: " if one.from_bot else "person: ") + one.text for one in self.messages(chat_id)[-5:]]
            return f"no such message in chat {chat_id} within {timeout_s} s; the last ones: {end}"

        return await self._room.wait_for(found, timeout_s, missing)

    async def wait_for_answer(self, chat_id: int, query_id: str, timeout_s: float) -> Answer:
        """What the bot answered to a press. Raises TimeoutError."""

        def found() -> Answer | None:
            return next((answer for answer in self.answers(chat_id) if answer.query_id == query_id), None)

        def missing() -> str:
            return f"press {query_id} in chat {chat_id} was not answered within {timeout_s} s"

        return await self._room.wait_for(found, timeout_s, missing)

    # What a test arranges

    def set_chat(self, chat_id: int, state: ChatState, retry_after_s: int = 1) -> None:
        """What the bot meets here from now on: open nothing unusual, blocked 403, busy 429 (seconds ≥ 1)."""
        if retry_after_s < 1:
            raise ValueError("retry_after_s is at least 1")
        self._room.set_state(chat_id, state, retry_after_s)

    def unconfirmed(self) -> int:
        """How many updates the bot has not confirmed yet."""
        return len(self._room.updates)
