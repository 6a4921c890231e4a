"""/start (with a code: links the chat), /help, /language."""

from __future__ import annotations

from datetime import UTC, datetime

from aiogram import Router
from aiogram.filters import Command, CommandObject, CommandStart
from aiogram.types import Message

from cloudfamily_platform.bot.person import CHANNEL
from cloudfamily_platform.core import db, errors
from cloudfamily_platform.core.texts import LANGUAGES, say
from cloudfamily_platform.people import person as people
from cloudfamily_platform.people.person import QUERIES, Person


def language_of(message: Message, person: Person | None) -> str:
    """The person's own, else what their app speaks."""
    if person:
        return person.language
    return "en" if message.from_user and (message.from_user.language_code or "").startswith("en") else "zh-CN"


def router() -> Router:
    made = Router(name="start")

    @made.message(CommandStart())
    async def start(message: Message, command: CommandObject, person: Person | None, pool: db.Pool) -> None:
        if command.args:
            try:
                async with pool.connection() as conn:
                    person = await people.bind_chat(conn, command.args, CHANNEL, str(message.chat.id), datetime.now(UTC))
            except errors.NotFound:
                await message.answer(say(language_of(message, person), "chat.bad_ticket"))
                return
        if person is None:
            await message.answer(say(language_of(message, None), "chat.unbound"))
        else:
            await message.answer(say(person.language, "chat.welcome", name=person.name) + "\n\n" + say(person.language, "chat.help"))

    @made.message(Command("help"))
    async def help_(message: Message, person: Person | None) -> None:
        await message.answer(say(language_of(message, person), "chat.help" if person else "chat.unbound"))

    @made.message(Command("language"))
    async def language(message: Message, person: Person | None, pool: db.Pool) -> None:
        if person is None:
            await message.answer(say(language_of(message, None), "chat.unbound"))
            return
        other = LANGUAGES[1 - LANGUAGES.index(person.language)]
        async with pool.connection() as conn:
            await conn.execute(QUERIES["set_language"], {"person_id": person.id, "language": other})
        await message.answer(say(other, "chat.language_set"))

    return made
