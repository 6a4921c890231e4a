"""The time bank in a chat: /balance says what one has, how it came, and that it is not money."""

from __future__ import annotations

from datetime import tzinfo

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import Message

from cloudfamily_platform.core import texts
from cloudfamily_platform.core.db import Pool
from cloudfamily_platform.people.person import Person
from cloudfamily_timebank import ledger

LINES = 5
#: A chat shows the beginning of a long reason.
REASON_CHARACTERS = 60


def router(zone: tzinfo) -> Router:
    """`zone`: of the dates that people read. The platform's middleware fills in `person` and `pool`."""
    made = Router(name="timebank")

    @made.message(Command("balance", "时间", "余额", ignore_case=True))
    async def balance(message: Message, person: Person | None, pool: Pool) -> None:
        # Plain text, whatever the bot's default is: a reason may contain anything.
        await message.answer(await answer(person, pool, zone, language_of(message)), parse_mode=None)

    return made


def language_of(message: Message) -> str:
    """For somebody whom we do not know: Chinese, unless the chat program is set to another language."""
    code = message.from_user.language_code if message.from_user else None
    return "zh-CN" if not code or code.startswith("zh") else "en"


async def answer(person: Person | None, pool: Pool, zone: tzinfo, language: str) -> str:
    """What /balance says; `language` is used only for somebody whom we do not know."""
    if person is None:
        return texts.say(language, "timebank.bind_first")
    async with pool.connection() as conn:
        balance = await ledger.balance(conn, person.id)
        lines = await ledger.statement(conn, person.id, LINES)
    return page(balance, lines, zone, person.language)


def page(balance: ledger.Balance, lines: list[ledger.Line], zone: tzinfo, language: str) -> str:
    said = [texts.say(language, "timebank.balance", time=duration(balance.minutes, language))]
    if balance.held:
        said.append(texts.say(language, "timebank.held", time=duration(balance.held, language)))
    if balance.honour_minutes:
        said.append(texts.say(language, "timebank.honour", time=duration(balance.honour_minutes, language)))
    said += ["", texts.say(language, "timebank.last" if lines else "timebank.none")]
    said += [row(line, zone, language) for line in lines]
    return "\n".join([*said, "", texts.say(language, "timebank.notice")])


def row(line: ledger.Line, zone: tzinfo, language: str) -> str:
    return texts.say(
        language,
        "timebank.line" if line.unit == ledger.EXCHANGEABLE else "timebank.honour_line",
        date=f"{line.at.astimezone(zone):%Y-%m-%d %H:%M}",
        sign="+" if line.minutes > 0 else "-",
        time=duration(abs(line.minutes), language),
        what=line.reason[:REASON_CHARACTERS] or texts.say(language, f"timebank.kind.{line.kind}"),
    )


def duration(minutes: int, language: str) -> str:
    """Hours and minutes in words; parts that are zero are left out."""
    hours, rest = divmod(minutes, 60)
    key = "hours_minutes" if hours and rest else "hours" if hours else "minutes"
    return texts.say(language, f"timebank.{key}", hours=hours, minutes=rest)
