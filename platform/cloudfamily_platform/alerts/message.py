"""What people are told about an alert in a chat: text and buttons in their language, no more than they may see. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from cloudfamily_platform.core.texts import say


@dataclass(frozen=True)
class Button:
    label: str
    #: At most 64 bytes, as Telegram demands: "alert:<id>:<verb>[:<outcome>]", "visit:<id>:verify" or "reach:<id>:ok".
    data: str


@dataclass(frozen=True)
class Message:
    #: HTML as Telegram knows it: <b> and <a> only, everything else escaped.
    text: str
    #: Rows of buttons.
    buttons: tuple[tuple[Button, ...], ...] = ()

    @property
    def inline_keyboard(self) -> dict[str, Any]:
        """The buttons as the Bot API takes them."""
        return {"inline_keyboard": [[{"text": one.label, "callback_data": one.data} for one in row] for row in self.buttons]}


def alert_message(language: str, row: dict[str, Any], zone: ZoneInfo, reader_id: int) -> Message:
    """To the family: what happened, where, since when, and what they can do: nothing, while somebody else has it."""
    lines = [head(language, row, zone), why(language, row), state(language, row)]
    may_act = row["state"] == "open" or row["handler_id"] == reader_id
    return Message("\n".join(line for line in lines if line), buttons(language, row, may_decline=False) if may_act else ())


def offer_message(language: str, row: dict[str, Any], distance_m: int, zone: ZoneInfo) -> Message:
    """To a responder who is asked: kind, district and distance, but neither name nor address."""
    district = row["district_zh"] if language == "zh-CN" else row["district_en"]
    kind = say(language, f"alert.kind.{row['kind']}")
    text = say(language, "chat.offer", kind=kind, district=escape(district or ""), km=f"{distance_m / 1000:.1f}", time=clock(row["opened_at"], zone))
    return Message(text, buttons(language, row, may_decline=True))


def handler_message(language: str, row: dict[str, Any], card: dict[str, Any] | None, zone: ZoneInfo) -> Message:
    """To the one who goes: the whole card, and the next step as a button."""
    lines = [head(language, row, zone), why(language, row)]
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
    return Message("\n".join(line for line in lines if line), buttons(language, row, may_decline=False))


def news_message(language: str, row: dict[str, Any], message: str, params: dict[str, Any], zone: ZoneInfo) -> Message:
    """To those who were told: somebody has it, is there, it is resolved; or, to those who were asked: no longer needed."""
    kind = say(language, f"alert.kind.{row['kind']}")
    elder = row["elder"] if message != "taken" and row["elder"] else ""
    outcome = say(language, f"outcome.{params['outcome']}") if "outcome" in params else ""
    values = {"kind": kind, "elder": escape(elder), "actor": escape(str(params.get("actor", ""))), "outcome": outcome}
    more: tuple[tuple[Button, ...], ...] = ()
    if message == "confirm_visit":
        more = ((Button(say(language, "button.confirm_visit"), f"visit:{params['visit_id']}:verify"),),)
        values["minutes"] = params["minutes"]
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


def buttons(language: str, row: dict[str, Any], *, may_decline: bool) -> tuple[tuple[Button, ...], ...]:
    """What can be done next, in the state that the alert is in."""

    def button(verb: str, *more: str) -> Button:
        return Button(say(language, ".".join(("button", verb, *more))), ":".join(("alert", str(row["id"]), verb, *more)))

    ways = (button("on_the_way"), button("there"))
    ends = tuple(button("resolve", outcome) for outcome in ("real", "false_alarm", "test"))
    accept = (button("accept"), button("decline")) if may_decline else (button("accept"),)
    rows = {"open": (accept,), "accepted": (ways, ends), "on_the_way": (ways[1:], ends), "there": (ends,), "resolved": ()}
    return (accept,) if may_decline and row["state"] == "accepted" else rows[row["state"]]


def clock(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%H:%M")
