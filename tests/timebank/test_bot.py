"""/balance in a chat, through aiogram's own dispatcher; only the way to Telegram is replaced."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiogram import Bot, Dispatcher
from aiogram.client.session.base import BaseSession
from aiogram.methods import SendMessage, TelegramMethod
from aiogram.types import Chat, Message, Update, User

from cloudfamily_platform.core import db
from cloudfamily_platform.people import person
from cloudfamily_timebank import bot, credit, ledger

ZONE = ZoneInfo("Asia/Shanghai")


class Outbox(BaseSession):
    """Keeps what the bot would send."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[SendMessage] = []

    async def make_request(self, bot: Bot, method: TelegramMethod[Any], timeout: int | None = None) -> Any:
        assert isinstance(method, SendMessage)
        self.said.append(method)
        return Message(message_id=2, date=datetime.now(UTC), chat=Chat(id=1, type="private"))

    async def stream_content(self, *args: Any, **kwargs: Any) -> AsyncGenerator[bytes, None]:
        raise NotImplementedError
        yield b""

    async def close(self) -> None:
        pass


async def hear(text: str, language_code: str | None = None, **data: Any) -> str | None:
    """What the bot answers to `text`; `data` is what the platform's middleware fills in."""
    outbox, dispatcher = Outbox(), Dispatcher()
    dispatcher.include_router(bot.router(ZONE))
    sender = User(id=1, is_bot=False, first_name="李", language_code=language_code)
    message = Message(message_id=1, date=datetime.now(UTC), chat=Chat(id=1, type="private"), from_user=sender, text=text)
    await dispatcher.feed_update(Bot("1:x", session=outbox), Update(update_id=1, message=message), **data)
    assert all(sent.parse_mode is None for sent in outbox.said)
    return outbox.said[0].text if outbox.said else None


def test_what_a_volunteer_has(town: Any, run: Any, catalogue: None) -> None:
    async def story() -> None:
        async with town() as here, db.pool(here.url, size=2) as pool:
            volunteer = await here.person("volunteer")
            await here.visit(volunteer, 105)
            assert await credit.step(here.conn, here.now)
            me = await person.load(here.conn, volunteer)
            page = (
                "您的互助时间：1 小时 30 分钟\n"
                "荣誉时间：15 分钟\n"
                "\n"
                "最近的记录：\n"
                "2026-11-23 16:00  +15 分钟（荣誉）  上门帮助（不足半小时的部分）\n"
                "2026-11-23 16:00  +1 小时 30 分钟  上门帮助\n"
                "\n"
                "互助时间是邻里互助的记录，不是钱：不能充值，不能提现，不能买卖。凡有人要您出钱买时间，都是诈骗。"
            )
            for command in ("/balance", "/时间", "/余额", "/Balance"):
                assert await hear(command, person=me, pool=pool) == page

    run(story())


def test_in_english_with_a_gift_and_at_most_five_lines(town: Any, run: Any, catalogue: None) -> None:
    async def story() -> None:
        async with town() as here, db.pool(here.url, size=2) as pool:
            giver, taker = await here.person(language="en"), await here.person()
            await here.earn(giver, 240)
            for _ in range(6):
                await ledger.post(here.conn, await here.gift(giver, taker, 10, reason="<b>thanks</b>"))
            said = await hear("/balance", person=await person.load(here.conn, giver), pool=pool)
            assert said is not None
            first, *rest = said.splitlines()
            assert first == "Your neighbour time: 3 h"
            assert [line for line in rest if line.startswith("2026")] == ["2026-11-23 16:00  -10 min  <b>thanks</b>"] * 5
            assert rest[-1].startswith("Neighbour time records help among neighbours. It is not money")

    run(story())


def test_somebody_new_has_nothing_yet(town: Any, run: Any, catalogue: None) -> None:
    async def story() -> None:
        async with town() as here, db.pool(here.url, size=2) as pool:
            said = await hear("/时间", person=await person.load(here.conn, await here.person()), pool=pool)
            assert said is not None
            assert said.startswith("您的互助时间：0 分钟\n\n还没有记录。")

    run(story())


@pytest.mark.parametrize(
    ("language_code", "start"),
    [(None, "这个聊天还没有"), ("zh-hans", "这个聊天还没有"), ("en", "This chat is not linked")],
)
def test_a_chat_that_nobody_bound(run: Any, catalogue: None, language_code: str | None, start: str) -> None:
    said = run(hear("/balance", language_code, person=None, pool=None))
    assert said is not None
    assert said.startswith(start)


def test_other_words_are_left_to_others(run: Any, catalogue: None) -> None:
    assert run(hear("时间过得真快", person=None, pool=None)) is None
