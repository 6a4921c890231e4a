"""The local Telegram, as a real aiogram bot and raw HTTP clients meet it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiogram import Bot, Dispatcher, F, exceptions
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import Command
from aiogram.types import BotCommand, CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message

from cloudfamily_sim.chat import ChatPerson, ChatRefusal, ChatServer
from cloudfamily_sim.chat import server as chat_server
from cloudfamily_sim.chat.errors import BotApiError
from cloudfamily_sim.chat.markup import parse

DAUGHTER, CAREGIVER, VOLUNTEER = 1001, 1002, 1003
PEOPLE = [
    ChatPerson(DAUGHTER, "林晓雯", "daughter", "zh-CN"),
    ChatPerson(CAREGIVER, "韦秀兰", "caregiver", "zh-CN"),
    ChatPerson(VOLUNTEER, "Daniel Huang", "volunteer", "en"),
]
TOKEN = "4242:LOCAL-token_1"


def keyboard(*buttons: tuple[str, str]) -> InlineKeyboardMarkup:
    row = [InlineKeyboardButton(text=text, callback_data=data) for text, data in buttons]
    return InlineKeyboardMarkup(inline_keyboard=[row])


@asynccontextmanager
async def served(people: list[ChatPerson] = PEOPLE) -> AsyncIterator[ChatServer]:
    server = ChatServer("127.0.0.1", 0, people)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def bot_of(server: ChatServer) -> AsyncIterator[Bot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(server.url))
    async with Bot(TOKEN, session=session, default=DefaultBotProperties(parse_mode="HTML")) as bot:
        yield bot


@asynccontextmanager
async def polling(bot: Bot) -> AsyncIterator[Dispatcher]:
    """A dispatcher with the handlers of a small bot, polling."""
    dispatcher = Dispatcher()

    @dispatcher.message(Command("start"))
    async def start(message: Message) -> None:
        await message.answer(f"Hello <b>{message.from_user.first_name}</b>", reply_markup=keyboard(("Go", "go")))

    @dispatcher.callback_query(F.data == "go")
    async def go(query: CallbackQuery) -> None:
        await query.answer("Thank you!", show_alert=True)
        await query.message.edit_text("You are on the way.")

    task = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False, close_bot_session=False))
    try:
        yield dispatcher
    finally:
        await dispatcher.stop_polling()
        await task


async def until(fits: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not fits():
            await asyncio.sleep(0.01)


def run(test: Callable[[ChatServer, Bot], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with served() as server, bot_of(server) as bot:
            await test(server, bot)

    asyncio.run(whole())


def test_a_command_is_answered_and_a_press_edits_the_message() -> None:
    async def story(server: ChatServer, bot: Bot) -> None:
        async with polling(bot):
            said = server.say(DAUGHTER, "/start")
            hello = await server.wait_for(DAUGHTER, lambda message: "Hello" in message.text, 5, after=said.id)
            assert (hello.text, hello.labels) == ("Hello 林晓雯", ["Go"])
            assert [(e.kind, e.offset, e.length) for e in hello.entities] == [("bold", 6, 3)]
            query = server.press(DAUGHTER, hello.id, hello.button("Go").data or "")
            answer = await server.wait_for_answer(DAUGHTER, query, 5)
            assert (answer.text, answer.alert, answer.message_id) == ("Thank you!", True, hello.id)
            edited = await server.wait_for(DAUGHTER, lambda message: "on the way" in message.text, 60)
            assert (edited.id, edited.buttons) == (hello.id, ())
            assert edited.edited_at
            with pytest.raises(ChatRefusal, match="no longer there"):
                server.press(DAUGHTER, hello.id, "go")
            # What was handled is confirmed by the next poll and is gone.
            await until(lambda: server.unconfirmed() == 0)

    run(story)


def test_a_blocked_and_a_busy_chat_are_what_aiogram_expects_of_telegram() -> None:
    async def story(server: ChatServer, bot: Bot) -> None:
        server.set_chat(DAUGHTER, "blocked")
        with pytest.raises(exceptions.TelegramForbiddenError, match="bot was blocked by the user"):
            await bot.send_message(DAUGHTER, "Are you there?")
        with pytest.raises(ChatRefusal):
            server.say(DAUGHTER, "hello")
        server.set_chat(DAUGHTER, "busy", retry_after_s=7)
        with pytest.raises(exceptions.TelegramRetryAfter) as busy:
            await bot.send_message(DAUGHTER, "Are you there?")
        assert busy.value.retry_after == 7
        server.set_chat(DAUGHTER, "open")
        await bot.send_message(DAUGHTER, "Are you there?")
        assert [message.text for message in server.messages(DAUGHTER)] == ["Are you there?"]

    run(story)


def test_what_a_dead_poller_did_not_confirm_comes_again() -> None:
    async def story(server: ChatServer, bot: Bot) -> None:
        server.say(VOLUNTEER, "/start")
        async with bot_of(server) as dying:
            first = await dying.get_updates(timeout=5)
            again = await dying.get_updates(timeout=5)
            open_poll = asyncio.create_task(dying.get_updates(offset=again[0].update_id + 1, timeout=30))
            await until(lambda: server.unconfirmed() == 0)
            server.say(VOLUNTEER, "/start")
            (second,) = await open_poll
        # It dies here: the first was confirmed, the second was taken and not confirmed.
        assert first[0].update_id == again[0].update_id < second.update_id
        async with polling(bot):
            await server.wait_for(VOLUNTEER, lambda message: message.text == "Hello Daniel Huang", 60)
        assert len([message for message in server.messages(VOLUNTEER) if message.from_bot]) == 1

    run(story)


def test_a_second_poller_ends_the_first_with_a_conflict() -> None:
    async def story(server: ChatServer, bot: Bot) -> None:
        async with bot_of(server) as newer:
            older = asyncio.create_task(bot.get_updates(timeout=30))
            await asyncio.sleep(0.1)
            poll = asyncio.create_task(newer.get_updates(timeout=5))
            with pytest.raises(exceptions.TelegramConflictError):
                await older
            server.say(CAREGIVER, "morning")
            assert [update.message.text for update in await poll] == ["morning"]

    run(story)


def test_offset_limit_and_wanted_kinds() -> None:
    async def story(server: ChatServer, bot: Bot) -> None:
        for text in "abcde":
            server.say(DAUGHTER, text)
        two = await bot.get_updates(limit=2)
        assert [update.message.text for update in two] == ["a", "b"]
        assert [update.message.text for update in await bot.get_updates(offset=-1)] == ["e"]
        assert server.unconfirmed() == 1
        assert await bot.delete_webhook(drop_pending_updates=True)
        assert server.unconfirmed() == 0
        await bot.get_updates(allowed_updates=["callback_query"])
        server.say(DAUGHTER, "unwanted")
        assert server.unconfirmed() == 0

    run(story)


def test_the_other_methods() -> None:
    async def story(server: ChatServer, bot: Bot) -> None:
        me = await bot.get_me()
        assert (me.id, me.is_bot, me.username) == (4242, True, "cloud_family_bot")
        assert await bot.set_my_commands([BotCommand(command="balance", description="时间余额")], language_code="zh")
        assert [one.description for one in await bot.get_my_commands(language_code="zh")] == ["时间余额"]
        place = await bot.send_location(VOLUNTEER, 0.0, 111.28, reply_markup=keyboard(("There", "there")))
        assert server.messages(VOLUNTEER)[0].location == (0.0, 111.28)
        assert place.location.longitude == 111.28
        await bot.edit_message_reply_markup(chat_id=VOLUNTEER, message_id=place.message_id)
        assert server.messages(VOLUNTEER)[0].labels == []
        assert await bot.send_chat_action(VOLUNTEER, "typing")
        assert await bot.delete_message(VOLUNTEER, place.message_id)
        assert server.messages(VOLUNTEER) == []
        with pytest.raises(exceptions.TelegramBadRequest, match="knows no webhooks"):
            await bot.set_webhook("https://example.org/hook")

    run(story)


def button(**fields: Any) -> dict[str, Any]:
    return {"chat_id": DAUGHTER, "text": "x", "reply_markup": {"inline_keyboard": [[fields]]}}


REFUSED: list[tuple[str, dict[str, Any], int, str]] = [
    ("sendMessage", {"text": "x"}, 400, "chat_id is empty"),
    ("sendMessage", {"chat_id": 5, "text": "x"}, 400, "chat not found"),
    ("sendMessage", {"chat_id": "@somebody", "text": "x"}, 400, "chat not found"),
    ("sendMessage", {"chat_id": DAUGHTER, "text": " \n "}, 400, "message text is empty"),
    ("sendMessage", {"chat_id": DAUGHTER, "text": "长" * 4097}, 400, "message is too long"),
    (
        "sendMessage",
        {"chat_id": DAUGHTER, "text": "x", "parse_mode": "MarkdownV2"},
        400,
        "unsupported parse_mode",
    ),
    ("sendMessage", {"chat_id": DAUGHTER, "text": "\ud800"}, 400, "strings must be encoded in UTF-8"),
    (
        "sendMessage",
        {"chat_id": DAUGHTER, "text": "x", "reply_markup": "{"},
        400,
        "can't parse reply markup JSON",
    ),
    (
        "sendMessage",
        {"chat_id": DAUGHTER, "text": "x", "reply_markup": "[]"},
        400,
        "object expected as reply markup",
    ),
    ("sendMessage", button(text="x", callback_data="字" * 22), 400, "BUTTON_DATA_INVALID"),
    ("sendMessage", button(text="x", callback_data=""), 400, "BUTTON_DATA_INVALID"),
    ("sendMessage", button(text="x"), 400, "Text buttons are unallowed in the inline keyboard"),
    ("sendMessage", button(text="x", url="javascript:alert(1)"), 400, "Wrong HTTP URL"),
    (
        "editMessageText",
        {"chat_id": DAUGHTER, "message_id": 3, "text": "x"},
        400,
        "message to edit not found",
    ),
    ("editMessageText", {"chat_id": DAUGHTER, "text": "x"}, 400, 'parameter "message_id" is required'),
    ("deleteMessage", {"chat_id": DAUGHTER, "message_id": 3}, 400, "message to delete not found"),
    ("answerCallbackQuery", {"callback_query_id": "7"}, 400, "query ID is invalid"),
    ("sendLocation", {"chat_id": DAUGHTER, "latitude": 91, "longitude": 0}, 400, "wrong latitude specified"),
    ("setMyCommands", {"commands": [{"command": "Bad!", "description": "x"}]}, 400, "BOT_COMMAND_INVALID"),
    ("getUpdates", {"limit": "many"}, 400, 'invalid integer in "limit"'),
    ("sendPaidMedia", {}, 404, "Not Found: method not found"),
]


def test_refusals_have_telegrams_status_and_words() -> None:
    async def story() -> None:
        async with served() as server, aiohttp.ClientSession() as http:
            for method, body, status, words in REFUSED:
                async with http.post(f"{server.url}/bot{TOKEN}/{method}", json=body) as response:
                    told = await response.json()
                assert (response.status, told["ok"], told["error_code"]) == (status, False, status), (
                    method,
                    body,
                )
                assert words in told["description"], (method, body, told)
            async with http.get(f"{server.url}/botnonsense/getMe") as response:
                assert response.status == 401
            json_type = {"Content-Type": "application/json"}
            async with http.post(f"{server.url}/bot{TOKEN}/getMe", data=b"{", headers=json_type) as response:
                assert response.status == 400
                assert "can't parse" in (await response.json())["description"]
            async with http.post(f"{server.url}/bot{TOKEN}/getMe", data={"text": "x" * 300_000}) as response:
                assert response.status == 413

    asyncio.run(story())


def test_json_form_multipart_and_query_all_arrive() -> None:
    async def story() -> None:
        async with served() as server, aiohttp.ClientSession() as http:
            url, body = f"{server.url}/bot{TOKEN}/sendMessage", {"chat_id": str(DAUGHTER), "text": "您好 &"}
            multipart = aiohttp.FormData(body, default_to_multipart=True)
            for how in ({"json": body}, {"data": body}, {"data": multipart}, {"params": body}):
                async with http.post(url, **how) as response:
                    assert response.status == 200
            async with http.get(url, params=body) as response:
                assert response.status == 200
            assert [message.text for message in server.messages(DAUGHTER)] == ["您好 &"] * 5

    asyncio.run(story())


def test_editing_to_the_same_is_refused_and_data_of_64_bytes_is_not() -> None:
    async def story(server: ChatServer, bot: Bot) -> None:
        same = {"text": "<b>same</b>", "reply_markup": keyboard(("x", "d" * 64))}
        message = await bot.send_message(DAUGHTER, **same)
        for _ in range(2):
            with pytest.raises(exceptions.TelegramBadRequest, match="message is not modified"):
                await bot.edit_message_text(chat_id=DAUGHTER, message_id=message.message_id, **same)
        said = server.say(DAUGHTER, "mine")
        with pytest.raises(exceptions.TelegramBadRequest, match="message can't be edited"):
            await bot.edit_message_text("yours", chat_id=DAUGHTER, message_id=said.id)

    run(story)


def test_html_becomes_text_and_spans_counted_as_telegram_counts() -> None:
    text, entities = parse(' 😀 <b>a<i>b</i></b> &lt;script&gt; &#38; <a href="https://x.org/?a=1&amp;b=2">go</a> /help')
    assert text == "😀 ab <script> & go /help"
    assert [(e.kind, e.offset, e.length, e.url) for e in entities] == [
        ("bold", 3, 2, None),
        ("italic", 4, 1, None),
        ("text_link", 17, 2, "https://x.org/?a=1&b=2"),
        ("bot_command", 20, 5, None),
    ]
    assert parse('<a href="javascript:alert(1)">x</a>') == ("x", ())


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("a < b", 'Unsupported start tag "" at byte offset 2'),
        ("王<script>", 'Unsupported start tag "script" at byte offset 3'),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("<b", "Unclosed start tag at byte offset 0"),
    ],
)
def test_wrong_html_is_an_error_as_with_telegram(html: str, words: str) -> None:
    with pytest.raises(BotApiError, match="can't parse entities") as error:
        parse(html)
    assert words in error.value.description


def test_everything_is_bounded() -> None:
    async def story(server: ChatServer, bot: Bot) -> None:
        for number in range(205):
            await bot.send_message(DAUGHTER, str(number))
        assert [message.text for message in server.messages(DAUGHTER)] == [str(number) for number in range(5, 205)]
        for _ in range(1000):
            server.say(VOLUNTEER, "knock")
        with pytest.raises(ChatRefusal) as refusal:
            server.say(VOLUNTEER, "knock")
        assert (refusal.value.code, refusal.value.status, server.unconfirmed()) == ("bot_is_away", 503, 1000)
        assert len(server.messages(VOLUNTEER)) == 200
        for text, code in (("", "text_is_empty"), ("x" * 4097, "text_is_too_long")):
            with pytest.raises(ChatRefusal) as refusal:
                server.say(CAREGIVER, text)
            assert refusal.value.code == code
        assert len(await bot.get_updates()) == 100

    run(story)
    with pytest.raises(ValueError, match="at most 500"):
        ChatServer("127.0.0.1", 0, [ChatPerson(number, "x", "family", "en") for number in range(1, 502)])
    with pytest.raises(ValueError, match="language"):
        ChatPerson(1, "x", "family", "fr")


def test_stop_waits_for_no_poll_or_page_and_the_port_is_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_server, "STOP_S", 600.0)

    async def story() -> None:
        async with served() as server, bot_of(server) as bot, aiohttp.ClientSession() as http:
            with pytest.raises(OSError, match="address already in use"):
                await ChatServer("127.0.0.1", server.port, PEOPLE).start()
            polls = [asyncio.create_task(bot.get_updates(timeout=30)) for _ in range(2)]
            page = await http.get(f"{server.url}/api/stream")
            await asyncio.sleep(0.1)
            async with asyncio.timeout(60):
                await server.stop()
            page.close()
            await asyncio.gather(*polls, return_exceptions=True)
            assert await server.start() == server.url
            server.say(DAUGHTER, "still here")
            assert [update.message.text for update in await bot.get_updates(timeout=5)] == ["still here"]

    asyncio.run(story())


def test_wait_for_says_what_was_there_instead() -> None:
    async def story(server: ChatServer, bot: Bot) -> None:
        await bot.send_message(DAUGHTER, "good morning")
        with pytest.raises(TimeoutError, match="bot: good morning"):
            await server.wait_for(DAUGHTER, lambda message: "night" in message.text, 0.05)

    run(story)
