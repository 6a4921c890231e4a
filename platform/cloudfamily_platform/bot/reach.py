"""The button under a weekly test message: `reach:<id>:ok`."""

from __future__ import annotations

from datetime import UTC, datetime

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from cloudfamily_platform.alerts import message, reachability
from cloudfamily_platform.bot.alerts import redraw
from cloudfamily_platform.bot.person import CHANNEL
from cloudfamily_platform.core import db, errors
from cloudfamily_platform.core.texts import say
from cloudfamily_platform.people.person import Person


def router() -> Router:
    made = Router(name="reach")

    @made.callback_query(F.data.regexp(r"^reach:(\d{1,18}):ok$"))
    async def answered(query: CallbackQuery, person: Person | None, pool: db.Pool) -> None:
        if person is None:
            await query.answer(say("zh-CN", "chat.unbound"), show_alert=True)
            return
        try:
            async with pool.connection() as conn:
                await reachability.answer(conn, int((query.data or "").split(":")[1]), person, CHANNEL, datetime.now(UTC))
        except errors.NotFound:
            await query.answer(say(person.language, "chat.not_for_you"), show_alert=True)
            return
        done = say(person.language, "chat.reach_test_done")
        await query.answer(done)
        if isinstance(query.message, Message):
            await redraw(query, message.Message(f"✓ {done}"))

    return made
