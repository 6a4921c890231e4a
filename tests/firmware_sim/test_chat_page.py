"""The page of the local Telegram in a real browser: being the daughter, the caregiver or a volunteer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import Command
from aiogram.types import BotCommand, CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message

from cloudfamily_sim.chat import ChatPerson, ChatServer

playwright = pytest.importorskip("playwright.async_api")
CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="needs /usr/bin/chromium")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

DAUGHTER, CAREGIVER, VOLUNTEER = 1001, 1002, 1003
STORY = [
    ChatPerson(DAUGHTER, "林晓雯", "daughter", "zh-CN"),
    ChatPerson(CAREGIVER, "韦秀兰", "caregiver", "zh-CN"),
    ChatPerson(VOLUNTEER, "Daniel Huang", "volunteer", "en"),
]
STORY_NAMES = [person.name for person in STORY]
STORY_ROLES = ["Daughter", "Caregiver", "Volunteer"]
OTHERS = [ChatPerson(2000 + number, f"Person {number}", ("operator", "volunteer", "caregiver", "family")[number % 4], "en") for number in range(150)]


class Scene:
    """A server with the bot at work and one browser; what the browser asked for and complained about."""

    def __init__(self, server: ChatServer, bot: Bot, browser: playwright.Browser) -> None:
        self.server, self.bot, self.browser = server, bot, browser
        self.asked: list[str] = []
        self.complaints: list[str] = []

    async def page(self, path: str = "/", width: int = 1280) -> playwright.Page:
        page = await self.browser.new_page(viewport={"width": width, "height": 860}, locale="zh-CN")
        page.set_default_timeout(60_000)
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda line: self.complaints.append(line.text))
        await page.goto(self.server.url + path)
        await page.wait_for_selector(".person")
        return page


@asynccontextmanager
async def scene(people: list[ChatPerson]) -> AsyncIterator[Scene]:
    server = ChatServer("127.0.0.1", 0, people)
    session = AiohttpSession(api=TelegramAPIServer.from_base(await server.start()))
    async with Bot("4242:x", session=session) as bot, playwright.async_playwright() as engine:
        dispatcher = small_bot()
        task = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False, close_bot_session=False))
        browser = await engine.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            yield Scene(server, bot, browser)
        finally:
            await browser.close()
            await dispatcher.stop_polling()
            await task
            await server.stop()


def small_bot() -> Dispatcher:
    dispatcher = Dispatcher()

    @dispatcher.message(Command("start"))
    async def start(message: Message) -> None:
        await message.answer("Can you go? /help", reply_markup=keys(I_go="go", Call="call"))

    @dispatcher.message()
    async def echo(message: Message) -> None:
        await message.answer(f"You said: {message.text}")

    @dispatcher.callback_query(F.data == "go")
    async def go(query: CallbackQuery) -> None:
        await query.answer("Thank you!")
        await query.message.edit_text("You are on the way.", reply_markup=keys(I_am_there="there"))

    @dispatcher.callback_query(F.data == "call")
    async def call(query: CallbackQuery) -> None:
        await query.answer("138-0000-0000", show_alert=True)

    return dispatcher


def keys(**named: str) -> InlineKeyboardMarkup:
    row = [InlineKeyboardButton(text=name.replace("_", " "), callback_data=data) for name, data in named.items()]
    return InlineKeyboardMarkup(inline_keyboard=[row])


def play(people: list[ChatPerson], act: Callable[[Scene], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with scene(people) as set_up:
            await act(set_up)

    asyncio.run(whole())


def test_a_newcomer_is_the_volunteer() -> None:
    async def act(scene: Scene) -> None:
        page = await scene.page()
        await page.get_by_role("button", name="打开手机").nth(2).click()
        assert page.url.endswith(f"/?chat={VOLUNTEER}")
        await page.get_by_role("button", name="/start 开始").click()
        await page.get_by_role("button", name="I go").click()
        await page.get_by_role("log").get_by_text("You are on the way.").wait_for()
        await page.get_by_role("status").get_by_text("Thank you!").wait_for()
        assert await page.get_by_role("button", name="I go").count() == 0
        # Whoever pressed by keyboard is still at the message, on its new button.
        assert await page.evaluate("document.activeElement.textContent") == "I am there"

        await page.get_by_label("写消息").fill("我到了")
        await page.keyboard.press("Enter")
        await page.get_by_role("log").get_by_text("You said: 我到了").wait_for()
        assert await page.get_by_label("写消息").input_value() == ""

        await scene.bot.send_message(VOLUNTEER, "Call her", reply_markup=keys(Call="call"))
        await page.get_by_role("button", name="Call", exact=True).click()
        await page.get_by_role("dialog").get_by_text("138-0000-0000").wait_for()
        await page.get_by_role("button", name="知道了").click()
        assert not scene.complaints

    play(STORY, act)


def test_messages_come_live_and_are_counted_until_read() -> None:
    async def act(scene: Scene) -> None:
        daughter = await scene.page(f"/?chat={DAUGHTER}")
        await daughter.get_by_text("还没有消息").wait_for()
        for text in ("first", "second"):
            await scene.bot.send_message(CAREGIVER, text)
        await daughter.get_by_role("button", name=re.compile("韦秀兰.*护理员.*second.*，2 条未读")).click()
        await daughter.get_by_role("log").get_by_text("second").wait_for()
        await daughter.locator(".badge").wait_for(state="detached")
        await daughter.go_back()
        await daughter.get_by_text("您现在是 林晓雯（女儿）").wait_for()
        await daughter.reload()
        await daughter.locator(".person", has_text="韦秀兰").wait_for()
        assert await daughter.locator(".badge").count() == 0

        message = await scene.bot.send_location(DAUGHTER, 23.47, 111.28)
        await daughter.get_by_text("23.47000, 111.28000").wait_for()
        await scene.bot.delete_message(DAUGHTER, message.message_id)
        await daughter.get_by_text("23.47000, 111.28000").wait_for(state="detached")
        await scene.bot.set_my_commands([BotCommand(command="sos", description="求助")], language_code="zh")
        await daughter.get_by_role("button", name="/sos 求助").wait_for()

    play(STORY, act)


def test_a_restart_of_the_server_is_shown_and_survived() -> None:
    async def act(scene: Scene) -> None:
        page = await scene.page(f"/?chat={DAUGHTER}&lang=en")
        await scene.server.stop()
        await page.get_by_text("Connection lost, reconnecting…").wait_for()
        await scene.server.start()
        await page.get_by_text("Connection lost, reconnecting…").wait_for(state="hidden")
        await scene.bot.send_message(DAUGHTER, "All is well")
        await page.get_by_role("log").get_by_text("All is well").wait_for()

    play(STORY, act)


def test_nothing_that_is_written_becomes_code_and_no_other_host_is_asked() -> None:
    async def act(scene: Scene) -> None:
        page = await scene.page(f"/?chat={DAUGHTER}")
        evil = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
        await scene.bot.send_message(DAUGHTER, evil, reply_markup=keys(**{evil: "x"}))
        await scene.bot.send_message(DAUGHTER, '<a href="javascript:alert(1)">go</a> <b>bold</b>', parse_mode="HTML")
        await scene.bot.send_message(DAUGHTER, "see https://example.org/<i>")
        scene.server.say(DAUGHTER, evil)
        log = page.get_by_role("log")
        await log.get_by_text("You said: <img").wait_for()
        assert await log.locator("img, script, i").count() == 0
        assert await log.locator("strong").all_inner_texts() == ["bold"]
        assert [await link.get_attribute("href") for link in await log.locator("a").all()] == ["https://example.org/"]
        assert all(url.startswith((scene.server.url, "data:")) for url in scene.asked)
        assert not scene.complaints

    play([ChatPerson(DAUGHTER, "<b>林</b>", "daughter", "zh-CN"), *STORY[1:]], act)


def test_many_people_are_grouped_and_found() -> None:
    async def act(scene: Scene) -> None:
        page = await scene.page("/?lang=en")
        headings = await page.locator("#groups h3").all_inner_texts()
        assert [text.split("\n")[0] for text in headings] == [
            "People of the story",
            "Family",
            "Caregivers",
            "Volunteers",
            "Operators",
        ]
        assert await page.locator(".person").count() == 153
        first_group = page.locator("#groups section").first.locator(".person-name")
        for row, name, role in zip(await first_group.all(), STORY_NAMES, STORY_ROLES, strict=True):
            assert (await row.inner_text()).replace(",", "").split() == [*name.split(), role]
        await page.get_by_label("Find by name or role").fill("person 149")
        assert await page.locator(".person").count() == 1
        await page.get_by_label("Find by name or role").fill("nobody")
        await page.get_by_text("Nobody fits this.").wait_for()
        await page.get_by_role("button", name="将页面切换为中文").click()
        await page.get_by_text("没有找到这样的人。").wait_for()
        assert await page.evaluate("document.documentElement.lang") == "zh-CN"

    play([*STORY, *OTHERS], act)


def test_on_a_phone_there_is_one_thing_at_a_time_and_it_fits() -> None:
    async def act(scene: Scene) -> None:
        page = await scene.page(width=360)
        await scene.bot.send_message(DAUGHTER, "W" * 300, reply_markup=keys(Yes="y", A_rather_long_answer="n"))
        await page.locator(".person", has=page.locator(".badge")).click()
        await page.get_by_role("button", name="Yes").wait_for()
        assert not await page.get_by_label("按姓名或角色查找").is_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        small = """[...document.querySelectorAll("body *")]
            .filter((node) => node.offsetParent && node.textContent.trim())
            .filter((node) => parseFloat(getComputedStyle(node).fontSize) < 16)
            .map((node) => node.outerHTML)"""
        assert await page.evaluate(small) == []
        await page.get_by_role("button", name="返回名单").click()
        assert await page.get_by_label("按姓名或角色查找").is_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") == 360

    play([*STORY, *OTHERS], act)
