"""What people are told about an alert in a chat: text and buttons in their language, no more than they may see. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape, unescape
from typing import Any
from zoneinfo import ZoneInfo

from cloudfamily_platform.core.texts import say

TAG = re.compile(r"</?[ab](?: [^>]*)?>")
#: By state, what whoever has it can do next; a state that is not here has only the ends.
NEXT = {"accepted": ("on_the_way", "there"), "on_the_way": ("there",), "there": ("inside", "no_entry"), "resolved": None}
BACK = ("release",)
ENDS = ("resolve:real", "resolve:false_alarm", "resolve:test")
#: What the family can do besides, while nobody has it.
FAMILY = (("with_her", "false_alarm"), ("call_me",))
#: Where nobody may say from afar that nothing happened.
NEVER_FALSE_FROM_AFAR = frozenset({"smoke", "gas", "co"})


@dataclass(frozen=True)
class Button:
    label: str
    #: At most 64 bytes, as Telegram demands: "alert:<id>:<verb>[:<more>]", "visit:<id>:verify" or "reach:<id>:ok".
    data: str


@dataclass(frozen=True)
class Message:
    #: HTML as Telegram knows it: <b> and <a> only, everything else escaped.
    text: str
    #: Rows of buttons.
    buttons: tuple[tuple[Button, ...], ...] = ()
    #: What it is about; None: about no alert.
    alert_id: int | None = None

    @property
    def plain(self) -> str:
        """The text for channels that know no markup."""
        return unescape(TAG.sub("", self.text))

    @property
    def hash(self) -> str:
        return hashlib.sha256(repr((self.text, self.buttons)).encode()).hexdigest()

    @property
    def inline_keyboard(self) -> dict[str, Any]:
        """The buttons as the Bot API takes them."""
        return {"inline_keyboard": [[{"text": one.label, "callback_data": one.data} for one in row] for row in self.buttons]}


def alert_message(language: str, row: dict[str, Any], zone: ZoneInfo, reader_id: int) -> Message:
    """To the family: what happened, where, since when, and what they can do: nothing, while somebody else has it."""
    lines = [head(language, row, zone), why(language, row), state(language, row)]
    verbs = [*first(row, may_decline=False)] if row["state"] == "open" or row["handler_id"] == reader_id else []
    if row["state"] == "open" and reader_id in row["family"]:
        verbs += [tuple(verb for verb in line if verb != "false_alarm" or row["kind"] not in NEVER_FALSE_FROM_AFAR) for line in FAMILY]
    return Message("\n".join(line for line in lines if line), keyboard(language, row, verbs))


def sure_message(language: str, row: dict[str, Any], zone: ZoneInfo) -> Message:
    """Before somebody who is not there calls it a false alarm, they are asked once more."""
    text = "\n".join((head(language, row, zone), why(language, row), say(language, "chat.sure")))
    return Message(text, keyboard(language, row, [("false_alarm_sure",), ("look",)]))


def bystander_message(language: str, row: dict[str, Any], *, declined: bool) -> Message:
    """To who was asked and is not needed, or cannot come: neither name nor address."""
    words = say(language, "chat.declined") if declined and row["state"] == "open" else state(language, row)
    kind = say(language, f"alert.kind.{row['kind']}")
    return Message(f"<b>{kind}</b>\n{words}")


def offer_message(language: str, row: dict[str, Any], distance_m: int, zone: ZoneInfo, why: Mapping[str, Any] | None = None) -> Message:
    """To a responder who is asked: kind, district and distance, but neither name nor address."""
    district = row["district_zh"] if language == "zh-CN" else row["district_en"]
    kind = say(language, f"alert.kind.{row['kind']}")
    text = say(language, "chat.offer", kind=kind, district=escape(district or ""), km=f"{distance_m / 1000:.1f}", time=clock(row["opened_at"], zone))
    lines = (text, travel(language, why or {}), danger(language, row))
    return Message("\n".join(line for line in lines if line), keyboard(language, row, first(row, may_decline=True)))


def travel(language: str, why: Mapping[str, Any]) -> str:
    """How long they would need, and by what; whether they hold the key."""
    if "travel_s" not in why:
        return ""
    minutes = max(1, round(why["travel_s"] / 60))
    return say(language, "chat.travel_key" if why["key"] else "chat.travel", minutes=minutes, mode=say(language, f"mode.{why['mode']}"))


def danger(language: str, row: dict[str, Any]) -> str:
    """Fire and gas: not before the fire brigade."""
    return say(language, "chat.danger") if row["kind"] in ("smoke", "gas", "co") and row["state"] != "resolved" else ""


def checkin_message(language: str, row: dict[str, Any]) -> Message:
    """To who goes alone and has not been heard for a while: is all well?"""
    what = "checkin" if row["state"] == "on_the_way" else "checkin_there"
    kind, who = say(language, f"alert.kind.{row['kind']}"), escape(row["elder"] or row["device_code"] or "")
    verbs = ("there", "release") if row["state"] == "on_the_way" else ()
    well = Button(say(language, f"button.{what}"), f"alert:{row['id']}:checkin")
    return Message(say(language, f"chat.{what}", kind=kind, who=who), ((well,), *keyboard(language, row, [(verb,) for verb in verbs])))


def handler_message(language: str, row: dict[str, Any], card: dict[str, Any] | None, zone: ZoneInfo) -> Message:
    """To the one who goes: the whole card, and the next step as a button."""
    lines = [head(language, row, zone), why(language, row), danger(language, row)]
    if card:
        for elder in card["elders"]:
            about = ("、" if language == "zh-CN" else ", ").join(str(item) for item in (elder["age"], *elder["conditions"]) if item)
            lines.append(say(language, "chat.card.elder", name=escape(elder["name"]), about=escape(about)))
            if elder["hearing"]:
                lines.append(say(language, "chat.card.hearing", hearing=escape(elder["hearing"])))
        lines.append(say(language, "chat.card.address", address=escape(card["home"]["address"]), key=escape(card["home"]["key_code"] or "—")))
        for one in card["contacts"][:3]:
            who = {"name": escape(one["name"]), "relation": escape(one["relation"]), "phone": escape(one["phone"] or "—")}
            lines.append(say(language, "chat.card.contact", **who))
    lines.append(state(language, row))
    return Message("\n".join(line for line in lines if line), keyboard(language, row, first(row, may_decline=False)))


def news_message(language: str, row: dict[str, Any], message: str, params: dict[str, Any], zone: ZoneInfo) -> Message:
    """To those who were told: somebody has it, is there, it is resolved; or, to those who were asked: no longer needed."""
    kind = say(language, f"alert.kind.{row['kind']}")
    elder = row["elder"] if message != "taken" and row["elder"] else ""
    outcome = say(language, f"outcome.{params['outcome']}") if "outcome" in params else ""
    said = {name: escape(str(value)) for name, value in params.items()}
    values = {"actor": "", **said, "kind": kind, "elder": escape(elder), "outcome": outcome}
    more: tuple[tuple[Button, ...], ...] = ()
    if message == "confirm_visit":
        more = ((Button(say(language, "button.confirm_visit"), f"visit:{params['visit_id']}:verify"),),)
    elif message == "dropped" and row["state"] == "open":
        more = ((Button(say(language, "button.accept"), f"alert:{row['id']}:accept"),),)
    return Message(say(language, f"chat.news.{message}", **values), more)


def reach_test_message(language: str, test_id: int, *, is_reminder: bool) -> Message:
    """To everybody on a policy, once a week: does this way still reach you?"""
    button = Button(say(language, "button.reach_test"), f"reach:{test_id}:ok")
    return Message(say(language, "chat.reach_test_again" if is_reminder else "chat.reach_test"), ((button,),))


def head(language: str, row: dict[str, Any], zone: ZoneInfo) -> str:
    kind = say(language, f"alert.kind.{row['kind']}")
    who = escape(row["elder"] or row["device_code"] or "")
    return say(language, "chat.head", kind=kind, who=who, time=clock(row["opened_at"], zone), address=escape(row["address"] or "—"))


def why(language: str, row: dict[str, Any]) -> str:
    return escape(say(language, row["why"]["key"], **row["why"]["params"]))


def state(language: str, row: dict[str, Any]) -> str:
    values = {"handler": escape(row["handler_name"] or "")}
    outcome = say(language, f"outcome.{row['outcome']}") if row["outcome"] else ""
    return say(language, f"chat.state.{row['state']}", outcome=outcome, **values)


def first(row: dict[str, Any], *, may_decline: bool) -> list[tuple[str, ...]]:
    """What comes next in the state that the alert is in, as rows of verbs."""
    if row["state"] == "open" or (may_decline and row["state"] == "accepted"):
        return [("accept", "decline") if may_decline else ("accept",)]
    ways = NEXT.get(row["state"], ())
    return [] if ways is None else [ways, ENDS, BACK]


def keyboard(language: str, row: dict[str, Any], verbs: Sequence[tuple[str, ...]]) -> tuple[tuple[Button, ...], ...]:
    """A new verb is a text `button.<verb>` and a line in bot/alerts.py."""
    lines = (tuple(Button(say(language, f"button.{verb.replace(':', '.')}"), f"alert:{row['id']}:{verb}") for verb in line) for line in verbs)
    return tuple(line for line in lines if line)


def clock(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%H:%M")
