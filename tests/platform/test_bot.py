"""The chat bot, through a real dispatcher that polls a real (local) Bot API over a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiogram.types import InlineKeyboardMarkup

from cloudfamily import channels as channel_parts
from cloudfamily import chat as chat_parts
from cloudfamily_platform.alerts import deliver, escalate, message, reachability, respond, watch
from cloudfamily_platform.alerts.channel import Channel, ChannelError, Gone
from cloudfamily_platform.core import db
from cloudfamily_platform.core.settings import Settings
from cloudfamily_platform.people import person as people
from cloudfamily_platform.services import visits
from cloudfamily_sim.chat import ChatPerson, ChatServer, Message

DAUGHTER, NEAR, FAR, STRANGER = 101, 102, 103, 104
ZONE = ZoneInfo("Asia/Shanghai")
PEOPLE = [ChatPerson(number, f"chat {number}", "volunteer", "zh-CN") for number in (DAUGHTER, NEAR, FAR)] + [ChatPerson(STRANGER, "Ann", "volunteer", "en")]


class Chats:
    """What people do and see in their chats, with the platform's stages drained by hand."""

    def __init__(self, world: Any, server: ChatServer, channels: dict[str, Channel]) -> None:
        self.world, self.server, self.channels = world, server, channels

    async def drain(self) -> None:
        """Everything that is due: alerts, escalation, visits, messages. A chat's pace is a second a message: so far ahead is now."""
        ahead = timedelta()
        for _ in range(6):
            for stage in (*watch.STAGES[:1], *escalate.STAGES, *visits.STAGES, *deliver.stages(self.channels, ZONE)):
                while await stage.step(self.world.conn, datetime.now(UTC) + ahead):
                    pass
            ahead += timedelta(seconds=1.1)

    async def say(self, chat_id: int, text: str) -> str:
        """What the bot answers."""
        asked = self.server.say(chat_id, text)
        return (await self.server.wait_for(chat_id, lambda message: True, 60, after=asked.id)).text

    async def read(self, chat_id: int, words: str) -> Message:
        """The message that says so, once it does."""
        return await self.server.wait_for(chat_id, lambda message: words in message.text, 60)

    async def press(self, chat_id: int, message: Message, verb: str) -> str:
        """What pops up after the press of the button whose data ends so."""
        button = message.find(lambda one: (one.data or "").endswith(verb))
        assert button is not None, [one.data for line in message.buttons for one in line]
        query = self.server.press(chat_id, message.id, button.data or "")
        return (await self.server.wait_for_answer(chat_id, query, 10)).text


@pytest.fixture
def chats(world: Any) -> Callable[[], AbstractAsyncContextManager[Chats]]:
    """`async with chats() as here:` a bot that polls, on today's clock: a bot's clock is the wall's."""
    world.now = datetime.now(UTC)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Chats]:
        server = ChatServer("127.0.0.1", 0, PEOPLE)
        settings = Settings(telegram_token="42:local", telegram_api=await server.start(), timezone="Asia/Shanghai")  # type: ignore[arg-type]
        bot = chat_parts.make_bot(settings)
        async with db.pool(world.url, size=6) as pool, channel_parts.opened(settings, bot) as channels:
            dispatcher = chat_parts.dispatcher(pool, settings)
            polling = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False, close_bot_session=False, polling_timeout=5))
            try:
                yield Chats(world, server, channels)
            finally:
                await server.stop()
                await dispatcher.stop_polling()
                await polling
                await bot.session.close()

    return opened


def run(world: Any, chats: Callable[[], AbstractAsyncContextManager[Chats]], story: Callable[[Chats], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with chats() as here:
            await story(here)

    world.run(whole())


def test_a_link_binds_the_chat_once(world: Any, chats: Any) -> None:
    daughter = world.person("daughter", "family")
    ticket = world.run(people.make_ticket(world.conn, daughter.id, "chat", world.now))
    sign_in = world.run(people.make_ticket(world.conn, daughter.id, "sign_in", world.now))

    async def story(here: Chats) -> None:
        assert (await here.say(DAUGHTER, "/start")).startswith("这个聊天还没有绑定账号")
        assert (await here.say(DAUGHTER, "/help")).startswith("这个聊天还没有绑定账号")
        assert (await here.say(STRANGER, "/language")).startswith("This chat is not linked to anybody yet")
        for wrong in ("nonsense", sign_in):
            assert (await here.say(STRANGER, f"/start {wrong}")).startswith("That code is not valid or too old")
        assert (await here.say(DAUGHTER, f"/start {ticket}")).startswith("您好，测试·daughter！本聊天已与您的账号绑定")
        assert (await here.say(STRANGER, f"/start {ticket}")).startswith("That code is not valid or too old")
        assert (await here.say(DAUGHTER, "/help")).startswith("/balance 查看互助时间")
        assert await here.say(DAUGHTER, "/language") == "I'll speak English from now on."
        assert (await here.say(DAUGHTER, "/start")).startswith("Hello 测试·daughter!")
        assert (await here.say(DAUGHTER, "/balance")).startswith("Your neighbour time: 0 min")

    run(world, chats, story)
    assert world.rows("SELECT person_id, address FROM reach") == [{"person_id": daughter.id, "address": str(DAUGHTER)}]


def test_a_chat_that_changes_hands(world: Any, chats: Any) -> None:
    first, second = world.person("first", "volunteer", chat=NEAR), world.person("second", "volunteer")
    ticket = world.run(people.make_ticket(world.conn, second.id, "chat", world.now))

    async def story(here: Chats) -> None:
        assert (await here.say(NEAR, f"/start {ticket}")).startswith("您好，测试·second！")

    run(world, chats, story)
    assert world.rows("SELECT person_id FROM reach") == [{"person_id": second.id}]
    assert first.id != second.id


def test_from_the_offer_to_the_familys_thanks(world: Any, chats: Any) -> None:
    world.family(world.home(), "daughter", chat=DAUGHTER)
    world.responder("near", km=0.4, chat=NEAR)
    world.responder("far", km=2, chat=FAR)
    world.press()

    async def story(here: Chats) -> None:
        await here.drain()
        told = await here.read(DAUGHTER, "紧急呼叫：测试·elder-WX-001")
        offer, other = await here.read(NEAR, "您能去看看吗？"), await here.read(FAR, "您能去看看吗？")
        assert "elder" not in offer.text
        assert "示例路" not in offer.text

        assert await here.press(NEAR, offer, ":accept") == "已记录，谢谢。"
        card = await here.read(NEAR, "门锁密码：1234#")
        assert card.id == offer.id  # the offer has become the card
        assert "女儿 测试·daughter：000" in card.text

        assert await here.press(FAR, other, ":accept") == "测试·near 已经接手，谢谢您。"
        gone = await here.read(FAR, "测试·near 已接手。")
        assert (gone.id, gone.buttons) == (other.id, ())
        assert "elder" not in gone.text
        assert await here.press(DAUGHTER, told, ":accept") == "测试·near 已经接手，谢谢您。"
        assert (await here.read(DAUGHTER, "测试·near 已接手。")).buttons == ()

        assert await here.press(NEAR, card, ":on_the_way") == "已记录，谢谢。"
        going = await here.read(NEAR, "测试·near 正在赶往现场。")
        assert await here.press(NEAR, going, ":there") == "已记录，谢谢。"
        there = await here.read(NEAR, "测试·near 已到达现场。")
        assert await here.press(NEAR, there, ":inside") == "已记录，谢谢。"
        inside = await here.read(NEAR, "测试·near 已进门。")
        ends = [f"alert:1:resolve:{outcome}" for outcome in ("real", "false_alarm", "test")]
        assert [one.data for line in inside.buttons for one in line] == [*ends, "alert:1:release"]
        assert await here.press(NEAR, inside, ":resolve:real") == "已记录，谢谢。"
        over = await here.read(NEAR, "已结束：确有险情。")
        assert (over.id, over.buttons) == (offer.id, ())
        assert "1234#" not in over.text  # who has gone home needs no key

        await here.drain()
        assert (await here.read(DAUGHTER, "已结束：确有险情。")).id == told.id  # the message itself has followed
        await here.read(DAUGHTER, "测试·elder-WX-001 的紧急呼叫已结束：确有险情（测试·near）。")  # and one more says that it is over
        please = await here.read(DAUGHTER, "请您确认")
        assert await here.press(DAUGHTER, please, ":verify") == "已确认，谢谢您。"
        assert (await here.read(DAUGHTER, "✓ 已确认")).buttons == ()

    run(world, chats, story)
    assert world.rows("SELECT p.code FROM visit v JOIN person p ON p.id = v.verified_by") == [{"code": "daughter"}]
    assert [row["kind"] for row in world.rows("SELECT kind FROM alert_event ORDER BY id") if row["kind"] != "told"] == [
        "opened", "offered", "offered", "accepted", "on_the_way", "there", "inside", "resolved",
    ]  # fmt: skip


def test_who_cannot_go_and_who_comes_too_late(world: Any, chats: Any) -> None:
    world.home()
    world.responder("near", km=0.4, chat=NEAR)
    world.responder("far", km=2, chat=FAR)
    operator = world.person("operator", "operator")
    world.press()

    async def story(here: Chats) -> None:
        await here.drain()
        offer, other = await here.read(NEAR, "您能去看看吗？"), await here.read(FAR, "您能去看看吗？")
        assert await here.press(NEAR, offer, ":decline") == "好的，已转问下一位。"
        assert (await here.read(NEAR, "好的，已转问下一位。")).buttons == ()
        await respond.resolve(world.conn, 1, operator, "false_alarm", "", datetime.now(UTC))
        assert await here.press(FAR, other, ":accept") == "这次报警已经处理完毕。"
        assert (await here.read(FAR, "已结束：误报。")).buttons == ()

    run(world, chats, story)


def test_buttons_that_mean_nothing_here(world: Any, chats: Any) -> None:
    """A forged or a very old button: told so, and nothing is shown of what the presser may not know of."""
    world.home()
    world.person("near", "volunteer", chat=NEAR)
    world.press()
    not_here = "这条消息不再适用。"

    async def story(here: Chats) -> None:
        await here.drain()
        channel: Any = here.channels["telegram"]
        ours = ["alert:1:accept", "alert:1:resolve:real", "alert:1:resolve", "alert:999:accept", "alert:1:dance", "visit:9:verify"]
        for data in (*ours, "alert:x:accept", "hello"):
            for chat_id, answer in ((NEAR, not_here), (STRANGER, "还没有绑定" if data in ours else not_here)):
                markup = {"inline_keyboard": [[{"text": "press", "callback_data": data}]]}
                sent = await channel.bot.send_message(chat_id, "an old message", reply_markup=InlineKeyboardMarkup.model_validate(markup))
                message = next(one for one in here.server.messages(chat_id) if one.id == sent.message_id)
                said = await here.press(chat_id, message, data)
                assert answer in said, (data, chat_id, said)
                assert next(one for one in here.server.messages(chat_id) if one.id == sent.message_id).text == "an old message"

    run(world, chats, story)
    assert world.value("SELECT state FROM alert") == "open"


def test_the_channel_tells_what_telegram_refuses(world: Any, chats: Any) -> None:
    async def story(here: Chats) -> None:
        channel = here.channels["telegram"]
        what = message.Message("<b>hello</b> &lt;you&gt;")
        await channel.send(str(NEAR), what, "1")
        assert (await here.read(NEAR, "hello <you>")).buttons == ()
        for state, permanent, retry_after_s in (("blocked", True, None), ("busy", False, 7)):
            here.server.set_chat(NEAR, state, retry_after_s or 1)  # type: ignore[arg-type]
            with pytest.raises(ChannelError) as refusal:
                await channel.send(str(NEAR), what, "1")
            assert (refusal.value.permanent, refusal.value.retry_after_s) == (permanent, retry_after_s)
        with pytest.raises(ChannelError) as refusal:
            await channel.send("999", what, "1")
        assert refusal.value.permanent
        await here.server.stop()
        with pytest.raises(ChannelError) as refusal:
            await channel.send(str(FAR), what, "1")
        assert not refusal.value.permanent

    run(world, chats, story)


def said_by_bot(here: Chats, chat_id: int) -> list[Message]:
    return [one for one in here.server.messages(chat_id) if one.from_bot]


def test_one_message_follows_the_alert_and_floods_nobody(world: Any, chats: Any) -> None:
    """Daughter and son each get one message, which follows; a round that calls again is a new one; the end is said once."""
    home = world.home()
    world.family(home, "daughter", 1, chat=DAUGHTER)
    world.family(home, "son", 2, chat=FAR)
    world.responder("near", km=0.4, chat=NEAR)
    world.press()

    async def story(here: Chats) -> None:
        await here.drain()
        offer = await here.read(NEAR, "您能去看看吗？")
        assert await here.press(NEAR, offer, ":accept") == "已记录，谢谢。"
        await here.drain()
        told = await here.read(DAUGHTER, "测试·near 已接手。")
        assert told.buttons == ()
        for verb, words in ((":on_the_way", "测试·near 正在赶往现场。"), (":there", "测试·near 已到达现场。")):
            await here.press(NEAR, await here.read(NEAR, "1234#"), verb)
            await here.drain()
            assert (await here.read(DAUGHTER, words)).id == told.id
        await here.press(NEAR, await here.read(NEAR, "1234#"), ":resolve:real")
        await here.drain()
        assert [one.text.splitlines()[-1] for one in said_by_bot(here, DAUGHTER)] == [
            "已结束：确有险情。", "测试·elder-WX-001 的紧急呼叫已结束：确有险情（测试·near）。",
        ]  # fmt: skip
        assert said_by_bot(here, FAR) == []  # the second step, at which the son is told, was not needed

    run(world, chats, story)


def test_who_is_called_again_hears_it_and_has_buttons_in_one_place(world: Any, chats: Any) -> None:
    world.family(world.home(), "daughter", chat=DAUGHTER)
    world.press()

    async def story(here: Chats) -> None:
        await here.drain()
        world.sync.execute("UPDATE alert SET due_at = opened_at")
        await here.drain()
        first, second = said_by_bot(here, DAUGHTER)
        assert (first.text, first.buttons) == (second.text, ())
        assert second.find(lambda one: (one.data or "").endswith(":accept"))

    run(world, chats, story)


def test_with_her_in_one_press_and_the_others_see_it(world: Any, chats: Any) -> None:
    home = world.home()
    world.family(home, "daughter", 1, chat=DAUGHTER)
    world.responder("near", km=0.4, chat=NEAR)
    world.press()

    async def story(here: Chats) -> None:
        await here.drain()
        told, offer = await here.read(DAUGHTER, "紧急呼叫"), await here.read(NEAR, "您能去看看吗？")
        assert await here.press(DAUGHTER, told, ":with_her") == "已记录，谢谢。"
        await here.drain()
        gone = await here.read(NEAR, "测试·daughter 已到达现场。")
        assert (gone.id, gone.buttons) == (offer.id, ())
        assert len(said_by_bot(here, NEAR)) == 1

    run(world, chats, story)
    assert world.rows("SELECT state FROM alert") == [{"state": "there"}]
    assert world.value("SELECT read_at IS NOT NULL FROM notification n JOIN person p ON p.id = n.person_id WHERE p.code = 'daughter' AND message = 'alert'")


def test_a_false_alarm_is_asked_twice(world: Any, chats: Any) -> None:
    home = world.home()
    world.family(home, "daughter", 1, chat=DAUGHTER)
    world.responder("near", km=0.4, chat=NEAR)
    world.press()

    async def story(here: Chats) -> None:
        await here.drain()
        told = await here.read(DAUGHTER, "紧急呼叫")
        assert await here.press(DAUGHTER, told, ":false_alarm") == ""
        sure = await here.read(DAUGHTER, "确定是误报吗？")
        assert world.value("SELECT state FROM alert") == "open"
        assert await here.press(DAUGHTER, sure, ":look") == ""
        again = await here.read(DAUGHTER, "还没有人接手。")
        await here.press(DAUGHTER, again, ":false_alarm")
        await here.press(DAUGHTER, await here.read(DAUGHTER, "确定是误报吗？"), ":false_alarm_sure")
        await here.drain()
        assert (await here.read(NEAR, "已结束：误报。")).buttons == ()
        assert (await here.read(DAUGHTER, "已结束：误报。")).id == told.id

    run(world, chats, story)
    assert world.rows("SELECT state, outcome FROM alert") == [{"state": "resolved", "outcome": "false_alarm"}]


def test_who_wants_to_be_called(world: Any, chats: Any) -> None:
    world.family(world.home(), "daughter", chat=DAUGHTER)
    world.person("operator", "operator", chat=FAR)
    world.press()

    async def story(here: Chats) -> None:
        await here.drain()
        told = await here.read(DAUGHTER, "紧急呼叫")
        for _ in range(2):
            assert await here.press(DAUGHTER, told, ":call_me") == "已请社区给您打电话。"
        await here.drain()
        assert [one.text for one in said_by_bot(here, FAR)] == ["测试·daughter 希望就 测试·elder-WX-001 的紧急呼叫接到电话：000"]

    run(world, chats, story)
    assert world.value("SELECT count(*) FROM alert_event WHERE kind = 'call_me'") == 1


def test_a_message_that_cannot_be_edited_any_more_is_followed_by_a_new_one(world: Any, chats: Any) -> None:
    world.family(world.home(), "daughter", chat=DAUGHTER)
    operator = world.person("operator", "operator")
    world.press()

    async def story(here: Chats) -> None:
        await here.drain()
        told = await here.read(DAUGHTER, "紧急呼叫")
        channel: Any = here.channels["telegram"]
        await channel.edit(str(DAUGHTER), str(told.id), message.Message("by hand"))
        await channel.edit(str(DAUGHTER), str(told.id), message.Message("by hand"))  # not modified is no error
        await channel.bot.delete_message(DAUGHTER, told.id)
        with pytest.raises(Gone):
            await channel.edit(str(DAUGHTER), str(told.id), message.Message("too late"))
        await respond.accept(world.conn, 1, operator, datetime.now(UTC))
        await here.drain()
        (new,) = said_by_bot(here, DAUGHTER)
        assert new.text.endswith("测试·operator 已接手。")
        await respond.resolve(world.conn, 1, operator, "real", "", datetime.now(UTC))
        await here.drain()
        assert said_by_bot(here, DAUGHTER)[0].text.splitlines()[-1] == "已结束：确有险情。"

    run(world, chats, story)


def test_a_test_message_is_answered_with_one_press(world: Any, chats: Any) -> None:
    daughter = world.family(world.home(), "daughter", chat=DAUGHTER, language="en")
    operator = world.person("operator", "operator")

    async def story(here: Chats) -> None:
        await reachability.ask_now(world.conn, "daughter", operator, datetime.now(UTC))
        for stage in reachability.stages(ZONE):
            await stage.step(world.conn, datetime.now(UTC))
        await here.drain()
        asked = await here.read(DAUGHTER, "A weekly test from Cloud Family")
        assert await here.press(DAUGHTER, asked, ":ok") == "Thank you: this reaches you."
        assert not (await here.read(DAUGHTER, "✓ Thank you: this reaches you.")).buttons

    run(world, chats, story)
    assert world.rows("SELECT person_id, result FROM reach_test") == [{"person_id": daughter.id, "result": "answered"}]
    assert world.value("SELECT count(*) FROM reach WHERE heard_at IS NOT NULL") >= 1
