"""Buttons under alerts, offers and visits: `alert:<id>:<verb>[:<outcome>]`, `visit:<id>:verify`."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from aiogram import F, Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from cloudfamily_platform.alerts import alert, message, respond
from cloudfamily_platform.core import db, errors
from cloudfamily_platform.core.texts import say
from cloudfamily_platform.people import home
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


async def act(conn: db.Connection, alert_id: int, verb: str, outcome: str, person: Person, now: datetime) -> str:
    """Does what the button says and returns the key of the answer. Raises Refusal."""
    if verb == "accept":
        await respond.accept(conn, alert_id, person, now)
    elif verb == "decline":
        await respond.decline(conn, alert_id, person, now)
        return "chat.declined"
    elif verb in respond.STEPS:
        await respond.move(conn, alert_id, person, verb, now)
    elif verb == "no_entry":
        await respond.no_entry(conn, alert_id, person, now)
    elif verb == "checkin":
        await respond.answer(conn, alert_id, person, now)
    elif verb == "release":
        await respond.release(conn, alert_id, person, now)
        return "chat.declined"
    elif verb == "resolve":
        await respond.resolve(conn, alert_id, person, outcome, "", now)
    else:
        raise errors.NotFound(what="button")
    return "chat.done"


def refused(refusal: errors.Refusal) -> str:
    if isinstance(refusal, errors.Taken):
        return "chat.taken"
    return "chat.closed" if refusal.params.get("state") == "resolved" else "chat.not_for_you"


async def now_shown(conn: db.Connection, alert_id: int, person: Person, now: datetime, zone: ZoneInfo) -> message.Message | None:
    """What the pressed message says from now on: with the card for the one who goes, without buttons for who need not."""
    try:
        row = await alert.load(conn, alert_id)
    except errors.NotFound:
        return None
    if person.id in row["responding"]:
        return message.handler_message(person.language, row, await home.card(conn, row["home_id"], now), zone)
    if alert.sight(person, row) == "full":
        return message.alert_message(person.language, row, zone, person.id)
    kind = say(person.language, f"alert.kind.{row['kind']}")
    key = f"chat.state.{row['state']}" if row["state"] != "open" else "chat.declined"
    outcome = say(person.language, f"outcome.{row['outcome']}") if row["outcome"] else ""
    return message.Message(f"<b>{kind}</b>\n{say(person.language, key, handler=row['handler_name'] or '', outcome=outcome)}")


async def redraw(query: CallbackQuery, what: message.Message | None) -> None:
    if what is None or not isinstance(query.message, Message):
        return
    markup = InlineKeyboardMarkup.model_validate(what.inline_keyboard) if what.buttons else None
    try:
        await query.message.edit_text(what.text, reply_markup=markup)
    except TelegramBadRequest:
        pass  # it says so already, or is too old to be edited: the answer to the press was given
