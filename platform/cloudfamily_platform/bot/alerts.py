"""Buttons under alerts, offers and visits: `alert:<id>:<verb>[:<more>]`, `visit:<id>:verify`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from aiogram import F, Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from cloudfamily_platform.alerts import alert, call_me, message, respond, shortcut, unread
from cloudfamily_platform.alerts.shown import shown
from cloudfamily_platform.bot.person import CHANNEL
from cloudfamily_platform.core import db, errors
from cloudfamily_platform.core.texts import say
from cloudfamily_platform.people.person import Person
from cloudfamily_platform.services import visits


def router(zone: ZoneInfo) -> Router:
    made = Router(name="alerts")

    @made.callback_query(F.data.regexp(r"^alert:(\d{1,18}):(\w+)(?::(\w+))?$"))
    async def pressed(query: CallbackQuery, person: Person | None, pool: db.Pool) -> None:
        _, number, verb, *outcome = (query.data or "").split(":")
        now = datetime.now(UTC)
        if person is None:
            await query.answer(say("zh-CN", "chat.unbound"), show_alert=True)
            return
        async with pool.connection() as conn:
            if verb in ("false_alarm", "look") and not outcome:
                await query.answer()
                await redraw(query, await asked_twice(conn, int(number), verb, person, now, zone))
                return
            try:
                said = await act(conn, int(number), verb, "".join(outcome), person, now)
            except errors.Refusal as refusal:
                said = refused(refusal)
                await query.answer(say(person.language, said, by=refusal.params.get("by") or "—"), show_alert=True)
                if isinstance(refusal, errors.NotFound):
                    return  # nothing is shown of what they may not know of
            else:
                await query.answer(say(person.language, said))
            await redraw(query, await now_shown(conn, int(number), person, now, zone))

    @made.callback_query(F.data.regexp(r"^visit:(\d{1,18}):verify$"))
    async def confirmed(query: CallbackQuery, person: Person | None, pool: db.Pool) -> None:
        if person is None:
            await query.answer(say("zh-CN", "chat.unbound"), show_alert=True)
            return
        try:
            async with pool.connection() as conn:
                await visits.verify(conn, int((query.data or "").split(":")[1]), person, datetime.now(UTC))
        except errors.Refusal:
            await query.answer(say(person.language, "chat.not_for_you"), show_alert=True)
            return
        await query.answer(say(person.language, "chat.visit_confirmed"))
        if isinstance(query.message, Message):
            await redraw(query, message.Message(f"{query.message.html_text}\n✓ {say(person.language, 'chat.visit_confirmed')}"))

    @made.callback_query()
    async def unknown(query: CallbackQuery, person: Person | None) -> None:
        await query.answer(say(person.language if person else "zh-CN", "chat.not_for_you"), show_alert=True)

    return made


Act = Callable[[db.Connection, int, Person, datetime], Awaitable[object]]


#: What a button does, and the text that pops up; a new verb is a line here and a text `button.<verb>`.
VERBS: dict[str, tuple[Act, str]] = {
    "accept": (respond.accept, "chat.done"),
    "decline": (respond.decline, "chat.declined"),
    "on_the_way": (lambda conn, alert_id, person, now: respond.move(conn, alert_id, person, "on_the_way", now), "chat.done"),
    "there": (lambda conn, alert_id, person, now: respond.move(conn, alert_id, person, "there", now), "chat.done"),
    "inside": (lambda conn, alert_id, person, now: respond.move(conn, alert_id, person, "inside", now), "chat.done"),
    "no_entry": (respond.no_entry, "chat.done"),
    "checkin": (respond.answer, "chat.done"),
    "release": (respond.release, "chat.declined"),
    "with_her": (shortcut.with_her, "chat.done"),
    "false_alarm_sure": (shortcut.false_alarm, "chat.done"),
    "call_me": (call_me.ask, "chat.will_be_called"),
}


async def act(conn: db.Connection, alert_id: int, verb: str, more: str, person: Person, now: datetime) -> str:
    """Does what the button says and returns the key of the answer. Raises Refusal."""
    await unread.mark_read(conn, alert_id, person.id, CHANNEL, now)
    if verb == "resolve":
        await respond.resolve(conn, alert_id, person, more, "", now)
        return "chat.done"
    if verb not in VERBS or more:
        raise errors.NotFound(what="button")
    do, answer = VERBS[verb]
    await do(conn, alert_id, person, now)
    return answer


def refused(refusal: errors.Refusal) -> str:
    if isinstance(refusal, errors.Taken):
        return "chat.taken"
    return "chat.closed" if refusal.params.get("state") == "resolved" else "chat.not_for_you"


async def now_shown(conn: db.Connection, alert_id: int, person: Person, now: datetime, zone: ZoneInfo) -> message.Message | None:
    """What the pressed message says from now on."""
    try:
        return await shown(conn, await alert.load(conn, alert_id), person, now, zone)
    except errors.NotFound:
        return None


async def asked_twice(conn: db.Connection, alert_id: int, verb: str, person: Person, now: datetime, zone: ZoneInfo) -> message.Message | None:
    """ "False alarm" is asked once more before it is done, and "no" shows the alert again; nothing to who may not see it in full."""
    try:
        row = await alert.load(conn, alert_id)
    except errors.NotFound:
        return None
    if alert.sight(person, row) != "full":
        return None
    if verb == "false_alarm" and row["state"] == "open":
        return message.sure_message(person.language, row, zone)
    return await shown(conn, row, person, now, zone)


async def redraw(query: CallbackQuery, what: message.Message | None) -> None:
    if what is None or not isinstance(query.message, Message):
        return
    markup = InlineKeyboardMarkup.model_validate(what.inline_keyboard) if what.buttons else None
    try:
        await query.message.edit_text(what.text, reply_markup=markup)
    except TelegramBadRequest:
        pass  # it says so already, or is too old to be edited: the answer to the press was given
