"""Shelly, second generation: notifications of what has changed, and sleepers that tell when they wake."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cloudfamily_gateway import wire

HT, FLOOD = "shellyplusht-b8d61a8b17cc", "shellyfloodg4-b8d61a8b17cc"
TS = 1795420799.5
FULL = {
    "src": HT,
    "dst": f"{HT}/events",
    "method": "NotifyFullStatus",
    "params": {
        "ts": TS,
        "devicepower:0": {"id": 0, "battery": {"V": 5.43, "percent": 40}, "external": {"present": True}},
        "humidity:0": {"id": 0, "rh": 42.2},
        "temperature:0": {"id": 0, "tC": 19.8, "tF": 67.6},
        "sys": {"mac": "B8D61A8B17CC", "wakeup_reason": {"boot": "deepsleep_wake", "cause": "status_update"}, "wakeup_period": 600},
        "wifi": {"rssi": -60},
    },
}


def notify(method: str = "NotifyStatus", **params: Any) -> dict[str, Any]:
    return {"src": "x", "dst": "x/events", "method": method, "params": {"ts": TS, **{name.replace("__", ":"): value for name, value in params.items()}}}


def test_a_sleeper_wakes_and_tells_all(hear: Any) -> None:
    heard = hear(f"{HT}/events/rpc", FULL)
    assert heard.values == {"voltage": 5.43, "battery": 40, "humidity": 42.2, "temperature": 19.8, "rssi": -60}
    assert heard.times == {datetime.fromtimestamp(TS, UTC)}
    code = f"shelly.{HT}"
    assert heard.announcements == (wire.Announcement(code, "shelly", "temperature", "Shelly", "shellyplusht", report_minutes=10, mains=False, address=HT),)
    assert hear(f"{HT}/events/rpc", FULL, hub="edge-7").device == f"edge-7.{code}"


@pytest.mark.parametrize(
    ("params", "values", "levels"),
    [
        ({"flood__0": {"id": 0, "alarm": True, "mute": False}}, {"press": 0}, {("water_leak", True)}),
        ({"flood__0": {"id": 0, "alarm": False}}, {"press": 0}, {("water_leak", False)}),
        ({"smoke__0": {"id": 0, "alarm": True, "mute": False}}, {"press": 0}, {("smoke", True)}),
        ({"flood__0": {"id": 0, "errors": ["cable_unplugged"]}}, {"press": 0}, set()),
        ({"switch__0": {"id": 0, "apower": 8.25, "voltage": 231.2, "temperature": {"tC": 53.1}}}, {"power": 8.25, "voltage": 231.2}, set()),
        ({"switch__0": {"id": 0, "output": True, "source": "button"}}, {"press": 0}, set()),
        ({"presencezone__200": {"id": 200, "state": True}}, {"motion": 1}, set()),
        ({"illuminance__0": {"id": 0, "lux": 12, "illumination": "dark"}}, {"illuminance": 12}, set()),
        ({"temperature__0": {"id": 0, "tC": None, "errors": ["read"]}}, {"press": 0}, set()),
        ({"sys": {"cfg_rev": 20}}, {"press": 0}, set()),
    ],
)
def test_what_has_changed(hear: Any, params: dict[str, Any], values: dict[str, float], levels: set[tuple[str, bool]]) -> None:
    heard = hear(f"{FLOOD}/events/rpc", notify(**params))
    assert (heard.values, heard.levels, heard.faults, heard.announcements) == (values, levels, [], ())


def test_the_status_of_one_component_has_a_topic_of_its_own(hear: Any) -> None:
    assert hear(f"{FLOOD}/status/flood:0", {"id": 0, "alarm": True, "mute": False}).levels == {("water_leak", True)}
    assert hear("home/plug/status/switch:0", {"id": 0, "apower": 60, "voltage": 230}).values == {"power": 60, "voltage": 230}
    assert hear("home/plug/status/heating", {"id": 0}).faults == ["wrong_topic"]


@pytest.mark.parametrize(("prefix", "calls"), [("sos-bath", True), ("home/emergency/1", True), ("shellyplusi4-a8032ab0c018", False)])
@pytest.mark.parametrize("push", ["single_push", "double_push", "triple_push", "long_push"])
def test_a_push_calls_for_help_where_the_prefix_says_so(hear: Any, prefix: str, calls: bool, push: str) -> None:
    """A wall switch has the same events: if each of them called for help, help would come with every lamp."""
    said = notify("NotifyEvent", events=[{"component": "input:0", "id": 0, "event": push, "ts": TS}])
    heard = hear(f"{prefix}/events/rpc", said)
    assert [kind for _, kind in heard.signals] == ["sos"] * calls
    assert heard.values == ({} if calls else {"press": 1})
    assert hear(f"{prefix}/events/rpc", said, retained=True).silent


def test_a_push_is_one_press_however_often_it_is_given_out(hear: Any) -> None:
    def pushed(ts: float) -> str:
        events = [{"component": "input:0", "id": 0, "event": "btn_down", "ts": ts}, {"component": "input:0", "id": 0, "event": "single_push", "ts": ts}]
        (signal,) = hear("sos-bath/events/rpc", notify("NotifyEvent", events=events)).decoded.signals
        return str(signal.once)

    assert pushed(TS) == pushed(TS)
    assert pushed(TS) != pushed(TS + 1)


def test_other_events_show_that_it_is_alive(hear: Any) -> None:
    said = notify("NotifyEvent", events=[{"component": "input:0", "id": 0, "event": "config_changed", "restart_required": False, "ts": TS, "cfg_rev": 35}])
    assert hear("sos-bath/events/rpc", said).values == {"press": 0}


def test_a_pull_cord_on_an_input(hear: Any) -> None:
    assert hear("sos-bath/events/rpc", notify(input__0={"id": 0, "state": True})).levels == {("sos", True)}
    assert hear("front_door/events/rpc", notify(input__0={"id": 0, "state": True})).values == {"door": 1}
    assert hear("shellyplus1-a8032abc7158/events/rpc", notify(input__0={"id": 0, "state": True})).values == {"press": 0}


def test_online_is_a_link_but_a_sleeper_only_sleeps(hear: Any) -> None:
    plug = "shellyplusplugs-b8d61a8b17cc"
    heard = hear(f"{plug}/online", b"true", retained=True)
    assert heard.links == [(f"shelly.{plug}", True)]
    assert heard.announcements == (wire.Announcement(f"shelly.{plug}", "shelly", vendor="Shelly", model="shellyplusplugs", address=plug),)
    assert hear(f"{plug}/online", b"false").links == [(f"shelly.{plug}", False)]
    assert hear(f"{HT}/online", b"false").silent
    assert hear("somebody/online", b"yes").faults == ["wrong_topic"]


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b'{"method":"NotifyStatus"}', b'{"method":"Reboot","params":{}}', b'{"method":"NotifyEvent","params":{"events":{}}}']
)
def test_what_is_no_notification_is_a_fault(hear: Any, payload: bytes) -> None:
    assert hear(f"{HT}/events/rpc", payload).faults == ["not_understood"]


@pytest.mark.parametrize("topic", [f"{HT}/rpc", f"{HT}/command", f"{HT}/command/switch:0", f"{HT}/debug/log", "cloudfamily/rpc"])
def test_what_is_said_to_it_is_passed_over(hear: Any, topic: str) -> None:
    assert hear(topic, b"on").silent
