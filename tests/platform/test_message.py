"""What people are told in a chat: in their language, no more than they may see, with what they can do next."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cloudfamily_platform.alerts import message
from cloudfamily_platform.alerts.rules import hazard, signals, vital

ZONE = ZoneInfo("Asia/Shanghai")
NASTY = '<b>李</b> & "sons"'
DAUGHTER, VOLUNTEER = 11, 12
SECRETS = ("李桂花", "示例路", "WX-001", "1234#", "000-111")


MANY = {"times": 14, "building": "1号楼", "devices": 8, "seconds": 95, "silent": 40, "homes": 60}

KINDS = [*signals.SEVERITY, *hazard.SILENCES]
PARAMS = {"minutes": 500, "limit_minutes": 480, "percent": 9, "fence": "park", "distance_m": 412, "lat": 23.4, "lon": 111.3, "by": "08:30"}
PARAMS |= {"not_before": "04:30", "since": "03:12", "hours": 12, "limit_hours": 16, "litres": "3.0", "limit_litres": "10"}


def row(kind: str = "sos", **more: Any) -> dict[str, Any]:
    """An alert as `alert.load` gives it."""
    return {
        "id": 7, "kind": kind, "state": "open", "opened_at": datetime(2026, 11, 23, 8, 5, tzinfo=UTC), "outcome": None,
        "why": {"key": f"alert.why.{'vital_bare' if kind in vital.KINDS else kind}", "params": PARAMS | {"device": "WX-001-button", **MANY}},
        "elder": "测试·李桂花", "address": "万秀区示例路1号", "device_code": "WX-001-button", "handler_id": None, "handler_name": None,
        "district_zh": "万秀", "district_en": "Wanxiu", "family": [DAUGHTER],
    } | more  # fmt: skip


CARD = {
    "elders": [{"name": NASTY, "age": 81, "conditions": ["高血压", "<i>"], "hearing": "左耳听力差"}],
    "home": {"address": "示例路1号 <3>", "key_code": "1234#"},
    "contacts": [{"name": f"contact {number}", "relation": "女儿", "phone": "000-111"} for number in range(5)],
}


def data(what: message.Message) -> list[list[str]]:
    return [[button.data for button in line] for line in what.buttons]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("zh-CN", "<b>紧急呼叫：测试·李桂花</b>\n16:05 · 万秀区示例路1号\n按下了紧急按钮（WX-001-button）\n还没有人接手。"),
        ("en", "<b>Emergency call: 测试·李桂花</b>\n16:05 · 万秀区示例路1号\nThe emergency button was pressed (WX-001-button)\nNobody has it yet."),
    ],
)
def test_the_family_reads_everything(language: str, text: str) -> None:
    said = message.alert_message(language, row(), ZONE, DAUGHTER)
    assert said.text == text
    assert data(said) == [["alert:7:accept"], *FAMILY]


def test_nobody_says_from_afar_that_there_is_no_fire() -> None:
    for kind in ("smoke", "gas", "co"):
        assert data(message.alert_message("en", row(kind), ZONE, DAUGHTER)) == [["alert:7:accept"], ["alert:7:with_her"], ["alert:7:call_me"]]


def test_a_false_alarm_is_asked_twice() -> None:
    said = message.sure_message("en", row(), ZONE)
    assert said.text.splitlines()[-1] == "Is it really a false alarm? Nobody will come then."
    assert data(said) == [["alert:7:false_alarm_sure"], ["alert:7:look"]]


def test_an_operator_in_the_chat_is_not_with_her() -> None:
    assert data(message.alert_message("en", row(), ZONE, VOLUNTEER)) == [["alert:7:accept"]]


def test_without_markup() -> None:
    assert message.Message('<b>李 &lt;b&gt;</b> &amp; <a href="x">you</a>').plain == "李 <b> & you"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("zh-CN", "<b>紧急呼叫</b>\n万秀，距您约 0.4 公里，16:05 报警。\n您能去看看吗？接手后显示姓名和地址。"),
        ("en", "<b>Emergency call</b>\nWanxiu, about 0.4 km from you, raised at 16:05.\nCan you go? Name and address are shown once you accept."),
    ],
)
def test_who_is_asked_reads_where_about_but_not_who(language: str, text: str) -> None:
    said = message.offer_message(language, row(), 412, ZONE)
    assert said.text == text
    assert data(said) == [["alert:7:accept", "alert:7:decline"]]


def test_who_is_asked_reads_how_long_it_takes_them_and_whether_they_hold_the_key() -> None:
    why = {"travel_s": 420, "mode": "ebike", "key": True}
    assert message.offer_message("en", row(), 412, ZONE, why).text.splitlines()[-1] == "About 7 min by e-bike, and you have the key."
    assert message.offer_message("zh-CN", row(), 412, ZONE, why | {"key": False, "travel_s": 4}).text.splitlines()[-1] == "骑电动车约 1 分钟。"


@pytest.mark.parametrize("kind", ["smoke", "gas", "co"])
def test_fire_and_gas_are_for_the_fire_brigade_first(kind: str) -> None:
    said = (message.offer_message("en", row(kind), 412, ZONE), message.handler_message("en", row(kind, state="accepted"), CARD, ZONE))
    assert all("Call 119 first." in one.text for one in said)
    assert "119" not in message.offer_message("en", row(), 412, ZONE).text


@pytest.mark.parametrize(("state", "verbs"), [("on_the_way", [["alert:7:checkin"], ["alert:7:there"], ["alert:7:release"]]), ("inside", [["alert:7:checkin"]])])
def test_who_goes_alone_is_asked(state: str, verbs: list[list[str]]) -> None:
    assert data(message.checkin_message("en", row(state=state))) == verbs


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_offer_never_tells_name_address_or_device(language: str, kind: str) -> None:
    for said in (message.offer_message(language, row(kind), 10, ZONE), message.news_message(language, row(kind), "taken", {}, ZONE)):
        assert not [secret for secret in SECRETS if secret in said.text]


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_said(language: str, kind: str) -> None:
    said = message.alert_message(language, row(kind), ZONE, DAUGHTER)
    assert "{" not in said.text
    assert len(said.text.splitlines()) == 4


def test_who_goes_reads_the_card_and_nothing_in_it_is_markup() -> None:
    said = message.handler_message("zh-CN", row(state="accepted", handler_id=VOLUNTEER, handler_name="<韦>", elder=NASTY), CARD, ZONE)
    assert said.text.splitlines() == [
        "<b>紧急呼叫：&lt;b&gt;李&lt;/b&gt; &amp; &quot;sons&quot;</b>",
        "16:05 · 万秀区示例路1号",
        "按下了紧急按钮（WX-001-button）",
        "<b>&lt;b&gt;李&lt;/b&gt; &amp; &quot;sons&quot;</b> 81、高血压、&lt;i&gt;",
        "听力：左耳听力差",
        "地址：示例路1号 &lt;3&gt;",
        "门锁密码：1234#",
        "女儿 contact 0：000-111",
        "女儿 contact 1：000-111",
        "女儿 contact 2：000-111",
        "&lt;韦&gt; 已接手。",
    ]


BACK = ["alert:7:release"]
FAMILY = [["alert:7:with_her", "alert:7:false_alarm"], ["alert:7:call_me"]]
ENDS = ["alert:7:resolve:real", "alert:7:resolve:false_alarm", "alert:7:resolve:test"]


@pytest.mark.parametrize(
    ("state", "mine", "others"),
    [
        ("open", [["alert:7:accept"]], [["alert:7:accept"], *FAMILY]),
        ("accepted", [["alert:7:on_the_way", "alert:7:there"], ENDS, BACK], []),
        ("on_the_way", [["alert:7:there"], ENDS, BACK], []),
        ("there", [["alert:7:inside", "alert:7:no_entry"], ENDS, BACK], []),
        ("inside", [ENDS, BACK], []),
        ("resolved", [], []),
    ],
)
def test_what_can_be_done_next(state: str, mine: list[list[str]], others: list[list[str]]) -> None:
    held = {} if state == "open" else {"handler_id": VOLUNTEER, "handler_name": "韦"}
    now = row(state=state, outcome="real" if state == "resolved" else None, **held)
    assert data(message.alert_message("en", now, ZONE, VOLUNTEER)) == mine
    assert data(message.handler_message("en", now, None, ZONE)) == mine
    assert data(message.alert_message("en", now, ZONE, DAUGHTER)) == others


def test_an_operator_has_it_and_sends_for_somebody() -> None:
    """The offer of an accepted alert is an offer still."""
    said = message.offer_message("en", row(state="accepted", handler_id=1), 10, ZONE)
    assert data(said) == [["alert:7:accept", "alert:7:decline"]]


NEWS = {
    "accepted": {"actor": NASTY}, "on_the_way": {"actor": NASTY}, "there": {"actor": NASTY}, "taken": {},
    "inside": {"actor": NASTY}, "released": {"actor": NASTY}, "replaced": {"actor": NASTY}, "dropped": {}, "responder_dropped": {"actor": NASTY},
    "responder_silent": {"actor": NASTY, "minutes": 2}, "no_entry": {"actor": NASTY, "keys": NASTY},
    "resolved": {"actor": NASTY, "outcome": "false_alarm", "note": "{not a placeholder}"},
    "confirm_visit": {"actor": NASTY, "minutes": 40, "visit_id": 9},
}  # fmt: skip


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("kind", NEWS)
def test_news_in_both_languages(language: str, kind: str) -> None:
    said = message.news_message(language, row(), kind, NEWS[kind], ZONE)
    assert "{" not in said.text
    assert "<b>" not in said.text
    assert data(said) == {"confirm_visit": [["visit:9:verify"]], "dropped": [["alert:7:accept"]]}.get(kind, [])


@pytest.mark.parametrize("state", ["open", "accepted", "on_the_way", "there", "inside"])
def test_buttons_fit_what_telegram_carries(state: str) -> None:
    """callback_data has 1 to 64 bytes (Bot API, InlineKeyboardButton); ids are 63-bit."""
    now = row(id=2**63 - 1, state=state, handler_id=VOLUNTEER)
    made = [
        message.handler_message("zh-CN", now, None, ZONE),
        message.offer_message("zh-CN", now, 10, ZONE),
        message.news_message("zh-CN", now, "confirm_visit", {"visit_id": 2**63 - 1, "minutes": 1}, ZONE),
    ]
    for said in made:
        for line in said.inline_keyboard["inline_keyboard"]:
            for button in line:
                assert 1 <= len(button["callback_data"].encode()) <= 64
                assert button["text"]
