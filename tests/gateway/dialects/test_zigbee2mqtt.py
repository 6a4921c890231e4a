"""Zigbee2MQTT: cheap sensors of a thousand makers. Payloads as its documentation, its issues and their users have recorded them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cloudfamily_gateway import wire
from cloudfamily_platform.people import quarantine

BUTTON, DOOR = "zigbee2mqtt/bath", "zigbee2mqtt/front_door"
NESTED = b"[" * 30_000 + b"]" * 30_000


# Presses


@pytest.mark.parametrize("action", ["emergency", "sos", "panic", "1_emergency"])
def test_an_action_that_calls_for_help_is_a_press_each_time(hear: Any, action: str) -> None:
    """Tuya TS0215A_sos, Woox R7052, keypads."""
    heard = hear(BUTTON, {"action": action, "battery": 97, "voltage": 2900, "linkquality": 116})
    assert heard.signals == [("z2m.bath", "sos")]
    assert heard.values == {"battery": 97, "voltage": 2.9, "link_quality": 45.5}
    assert (heard.levels, heard.faults) == (set(), [])


def test_a_keypad_that_is_disarmed_calls_for_nothing(hear: Any) -> None:
    heard = hear("zigbee2mqtt/hall_keypad", {"action": "disarm", "action_code": "1234", "battery": 80})
    assert (heard.signals, heard.values["press"]) == ([], 1)


@pytest.mark.parametrize("action", ["", None])
def test_no_action_is_no_press(hear: Any, action: str | None) -> None:
    """What follows each press of a TS0601_sos, and what its heartbeat says."""
    heard = hear(BUTTON, {"action": action, "battery": 100, "last_seen": "2026-11-23T15:59:30+08:00", "linkquality": 14})
    assert (heard.signals, "press" in heard.values, heard.values["battery"]) == ([], False, 100)


def test_a_press_is_of_the_second_in_which_the_bridge_heard_it(hear: Any) -> None:
    """So that its repeat on `<name>/action`, for Home Assistant, is the same press, and one of a second later is another."""
    at = "2026-11-23T08:00:00.{:03}Z"
    once = {hear(BUTTON, {"action": "emergency", "last_seen": at.format(ms)}).decoded.signals[0].once for ms in (0, 999)}
    once.add(hear(f"{BUTTON}/action", b"emergency").decoded.signals[0].once)
    assert len(once) == 1
    (later,) = hear(BUTTON, {"action": "emergency", "last_seen": "2026-11-23T08:00:01Z"}).decoded.signals
    assert later.once not in once
    assert later.at == datetime(2026, 11, 23, 8, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "action", "calls"),
    [
        ("sos_bath", "single", True),
        ("Emergency button", "hold", True),
        ("呼叫按钮", "double", True),
        ("sos_bath", "off", False),
        ("sos_bath", "release", False),
        ("bedroom_switch", "single", False),
        ("recall", "single", False),
        ("Sossusvlei lamp", "toggle", False),
    ],
)
def test_a_plain_button_calls_for_help_when_its_name_says_so(hear: Any, name: str, action: str, calls: bool) -> None:
    """Heiman HS1EB and any other button with `single`, `double`, `hold`: else it only shows that somebody is about."""
    heard = hear(f"zigbee2mqtt/{name}", {"action": action, "battery": 100})
    assert [kind for _, kind in heard.signals] == ["sos"] * calls
    assert heard.values.get("press") == (None if calls else 1)


def test_a_press_that_the_broker_kept_is_none(hear: Any) -> None:
    assert hear(BUTTON, {"action": "emergency", "battery": 97}, retained=True).silent


# States, said again with every message


def test_a_latched_sos_is_a_level(hear: Any) -> None:
    """Develco PBTZB-110 says it every five seconds; Feibit with each battery report."""
    for payload in (
        {"battery_low": False, "last_seen": "2022-07-13T16:00:15.548Z", "linkquality": 177, "sos": True, "tamper": False},
        {"sos": True, "battery_low": False, "tamper": False, "battery": 100, "linkquality": 90},
    ):
        heard = hear(BUTTON, payload)
        assert (heard.signals, heard.levels) == ([], {("sos", True), ("tamper", False)})
    assert hear(BUTTON, payload, retained=True).levels == {("sos", True), ("tamper", False)}
    assert hear(BUTTON, payload, retained=True).values == {}
    assert {one.at for one in heard.decoded.levels} == {None}, "a clock far ahead would keep a later alarm from rising"


def test_a_call_for_help_that_cannot_be_read_is_heard(hear: Any) -> None:
    heard = hear(BUTTON, {"sos": {"pressed": 1}})
    assert (heard.signals, heard.faults) == ([("z2m.bath", "unreadable")], ["not_understood"])


@pytest.mark.parametrize(
    ("payload", "levels"),
    [
        ({"smoke": True, "battery_low": False, "tamper": False, "test": False}, {("smoke", True), ("tamper", False)}),
        ({"smoke": True, "battery_low": False, "tamper": False, "test": True}, {("tamper", False)}),
        ({"carbon_monoxide": True}, {("co", True)}),
        ({"gas": False, "carbon_monoxide": None}, {("gas", False)}),
        ({"water_leak": True, "battery_low": False, "tamper": True}, {("water_leak", True), ("tamper", True)}),
        ({"occupancy": True, "sensor_status": "activity", "fall_status": "fall_alarm"}, {("fall", True)}),
        ({"occupancy": True, "sensor_status": "activity", "fall_status": "fall_warning"}, {("fall", False)}),
        ({"presence": True, "fall_down_status": "fall"}, {("fall", True)}),
        ({"presence": True, "fall_down_status": "maybe_fall"}, {("fall", False)}),
        ({"action": "sos", "sos_alarm": True}, {("sos", True)}),
    ],
)
def test_alarms_that_stand(hear: Any, payload: dict[str, Any], levels: set[tuple[str, bool]]) -> None:
    heard = hear("zigbee2mqtt/x", payload)
    assert (heard.levels, heard.faults) == (levels, [])
    assert heard.decoded.readings or heard.signals, "it has spoken"


@pytest.mark.parametrize(
    ("payload", "values"),
    [
        (
            {"occupancy": True, "illuminance": 15, "battery": 100, "voltage": 3025, "linkquality": 0, "last_seen": "2026-11-23T08:33:17+01:00"},
            {"motion": 1, "illuminance": 15, "battery": 100, "voltage": 3.025, "link_quality": 0},
        ),
        ({"occupancy": None, "presence": True}, {"motion": 1}),
        ({"occupancy": False, "vibration": True}, {"motion": 1}),
        ({"contact": False, "battery_low": False, "tamper": False}, {"door": 1}),
        ({"contact": True}, {"door": 0}),
        (
            {"temperature": 27.34, "humidity": 44.72, "pressure": 993, "battery": 91, "voltage": 2985},
            {"temperature": 27.34, "humidity": 44.72, "pressure": 993, "battery": 91, "voltage": 2.985},
        ),
        ({"illuminance": 11461, "illuminance_lux": 14, "linkquality": 255}, {"illuminance": 14, "link_quality": 100}),
        ({"power": 1200.5, "voltage": 231, "current": 5.2, "energy": 17.1, "state": "ON"}, {"power": 1200.5, "voltage": 231}),
        ({"co2": 812, "temperature": None, "pm25": 4}, {"co2": 812}),
    ],
)
def test_values(hear: Any, payload: dict[str, Any], values: dict[str, float]) -> None:
    heard = hear("zigbee2mqtt/x", payload)
    assert (heard.values, heard.signals, heard.faults) == (values, [], [])


def test_a_value_has_the_time_at_which_the_bridge_last_heard_the_device(hear: Any) -> None:
    """Then its repeat after a restart of the bridge is the same reading, and no new movement."""
    for last_seen in ("2026-11-23T07:59:00+00:00", "2026-11-23T15:59:00+08:00", 1795420740000):
        assert hear("zigbee2mqtt/x", {"occupancy": True, "last_seen": last_seen}).times == {datetime(2026, 11, 23, 7, 59, tzinfo=UTC)}
    assert hear("zigbee2mqtt/x", {"occupancy": True, "last_seen": "yesterday"}).times == {datetime(2026, 11, 23, 8, 0, tzinfo=UTC)}


def test_a_bad_value_is_a_fault_and_the_others_are_kept(hear: Any) -> None:
    heard = hear("zigbee2mqtt/x", {"temperature": 327.67, "humidity": "wet", "contact": "ajar", "battery": 80})
    assert (heard.values, sorted(heard.faults)) == ({"battery": 80}, ["not_understood", "not_understood", "out_of_range"])


@pytest.mark.parametrize(("payload", "percent"), [({"battery_low": True}, None), ({"battery_low": True, "battery": 40}, 40), ({"battery": 9}, 9)])
def test_a_low_battery(hear: Any, payload: dict[str, Any], percent: int | None) -> None:
    (signal,) = hear("zigbee2mqtt/x", payload).decoded.signals
    assert (signal.kind, signal.once, signal.detail) == ("battery_low", "2026-11-23", {} if percent is None else {"percent": percent})


def test_a_light_has_spoken_and_what_says_nothing_that_is_known_is_shown_to_an_operator(hear: Any) -> None:
    assert hear("zigbee2mqtt/lamp", {"state": "ON", "brightness": 254, "linkquality": 51}).values == {"link_quality": 20}
    assert hear("zigbee2mqtt/lamp", {"state": "ON"}).faults == ["unknown_quantity"]
    assert hear("zigbee2mqtt/x", {"action": ""}).values == {"press": 0}
    assert hear("zigbee2mqtt/x", b"online").faults == ["not_understood"]
    assert hear("zigbee2mqtt/x", NESTED).faults == ["not_understood"]
    assert hear("zigbee2mqtt/x", b"{" + b" " * wire.LARGEST).faults == ["too_large"]


def test_a_topic_for_each_field_is_understood_as_well(hear: Any) -> None:
    assert hear("zigbee2mqtt/hall/bath/sos", b"true").levels == {("sos", True)}
    assert hear("zigbee2mqtt/hall/bath/temperature", b"21.5").by_device == {(hear("zigbee2mqtt/hall/bath", {"battery": 90}).device, "temperature"): 21.5}


# Names


def test_codes_tell_networks_edges_and_names_apart(hear: Any) -> None:
    topics = [
        (f"zigbee2mqtt{base}/{name}", hub) for base in ("", "-attic", "_attic") for name in ("door", "attic.door", "attic/door") for hub in (None, "edge-7")
    ]
    assert len({hear(topic, {"battery": 90}, hub=hub).device for topic, hub in topics}) == len(topics)
    assert hear("zigbee2mqtt-attic/door", {"battery": 90}, hub="edge-7").device == "edge-7.z2m-attic.door"
    assert hear("zigbee2mqtt-a.b/door", {"battery": 90}).faults == ["wrong_topic"]
    chinese = {hear(f"zigbee2mqtt/{name}", {"battery": 90}).device for name in ("卧室", "厨房")}
    assert len(chinese) == 2
    assert all(wire.DEVICE.match(str(code)) for code in chinese)


# The bridge and what is said to devices


@pytest.mark.parametrize(("payload", "online"), [({"state": "online"}, True), (b"online", True), ({"state": "offline"}, False), (b"offline", False)])
def test_availability_is_a_link_of_the_device_or_of_the_bridge(hear: Any, payload: Any, online: bool) -> None:
    assert hear(f"{DOOR}/availability", payload, retained=True).links == [("z2m.front_door", online)]
    assert hear("zigbee2mqtt/bridge/state", payload, retained=True).links == [("z2m.bridge", online)]
    assert hear(f"{DOOR}/availability", b"perhaps").faults == ["not_understood"]


@pytest.mark.parametrize(
    "topic",
    [
        f"{DOOR}/set",
        f"{DOOR}/get",
        f"{DOOR}/set/state",
        "zigbee2mqtt/bridge/event",
        "zigbee2mqtt/bridge/info",
        "zigbee2mqtt/bridge/logging",
        "zigbee2mqtt/bridge/groups",
        "zigbee2mqtt/bridge/definitions",
        "zigbee2mqtt/bridge/request/permit_join",
        "zigbee2mqtt/bridge/response/permit_join",
    ],
)
def test_what_is_no_word_of_a_device_is_passed_over(hear: Any, topic: str) -> None:
    assert hear(topic, {"state": "ON", "sos": True}).silent


def test_a_bridge_that_tells_of_its_health_is_alive(hear: Any) -> None:
    assert hear("zigbee2mqtt/bridge/health", {"response_time": 1, "mqtt": {"connected": True}}).by_device == {("z2m.bridge", "press"): 0}


def device(name: str, model: str, *features: Any, power: str = "Battery") -> dict[str, Any]:
    exposes = [{"name": one, "property": one, "type": "binary", "access": 1} if isinstance(one, str) else one for one in features]
    definition = {"model": model, "vendor": "Tuya", "description": "…", "exposes": exposes}
    return {"ieee_address": "0x1", "friendly_name": name, "type": "EndDevice", "power_source": power, "definition": definition, "interview_completed": True}


COORDINATOR = {"ieee_address": "0x0", "friendly_name": "Coordinator", "type": "Coordinator", "definition": None, "supported": True}


def action(*values: str) -> dict[str, Any]:
    return {"name": "action", "property": "action", "type": "enum", "values": list(values), "access": 1}


def test_the_bridge_announces_its_devices(hear: Any) -> None:
    siren = {"type": "composite", "name": "warning", "property": "warning", "features": [{"name": "mode", "type": "enum"}]}
    light = {"type": "light", "features": [{"name": "state", "property": "state", "type": "binary"}]}
    listed = [
        COORDINATOR,
        device("bath", "TS0215A_sos", "battery", action("emergency")),
        device("sos kitchen", "HS1EB", "battery", action("single", "double", "hold")),
        device("switch", "WXKG01LM", "battery", action("single")),
        device("bed", "SEB01ZB", "sos", "tamper"),
        device("radar", "HS2FD-EF1-3.0", "occupancy", {"name": "fall_status", "property": "fall_status", "type": "enum"}),
        device("smoke", "TS0205", "smoke", "temperature", "tamper"),
        device("gas", "TS0204", "gas", power="Mains (single phase)"),
        device("co", "HS1CA", "carbon_monoxide"),
        device("leak", "TS0207", "water_leak"),
        device("front_door", "MCCGQ11LM", "contact", "temperature"),
        device("pir", "RTCGQ11LM", "occupancy", "illuminance"),
        device("climate", "WSDCGQ11LM", "temperature", "humidity"),
        device("siren", "HS2WD-E", siren, power="DC Source"),
        device("lamp", "LED1545G12", light, power="Mains (single phase)"),
        {**device("new", ""), "definition": None, "manufacturer": "_TZ3000", "model_id": "TS0001"},
    ]
    heard = hear("zigbee2mqtt/bridge/devices", listed, retained=True)
    found = {one.name: one for one in heard.announcements}
    kinds = {name: one.kind for name, one in found.items()}
    assert kinds == {
        "zigbee2mqtt": "hub",
        "bath": "button",
        "sos kitchen": "button",
        "switch": "button",
        "bed": "button",
        "radar": "fall",
        "smoke": "smoke",
        "gas": "gas",
        "co": "gas",
        "leak": "water",
        "front_door": "door",
        "pir": "motion",
        "climate": "temperature",
        "siren": "siren",
        "lamp": "other",
        "new": "other",
    }
    assert set(kinds.values()) <= set(quarantine.KINDS)
    assert found["bath"] == wire.Announcement(
        "z2m.bath", "zigbee2mqtt", "button", "Tuya", "TS0215A_sos", "bath", "z2m.bridge", mains=False, address="zigbee2mqtt/bath"
    )
    assert (found["gas"].mains, found["siren"].mains, found["new"].model) == (True, True, "TS0001")
    assert {one.hub for one in heard.announcements} == {"z2m.bridge", None}
    for name in ("bath", "sos kitchen"):
        assert found[name].device == hear(f"zigbee2mqtt/{name}", {"battery": 90}).device
    assert heard.values == {}


def test_a_list_that_is_cut_off_announces_those_that_fit(hear: Any) -> None:
    """A big network's list is longer than a frame; the lane cuts it off a byte past the limit."""
    listed = json.dumps([COORDINATOR, *(device(f"d{number}", "TS0207", "water_leak") for number in range(500))]).encode()
    assert len(listed) > wire.LARGEST
    heard = hear("zigbee2mqtt/bridge/devices", listed[: wire.LARGEST + 1])
    assert heard.faults == ["too_large"]
    assert 100 < len(heard.announcements) < 501
    assert f"{len(heard.announcements)} devices are announced" in heard.decoded.faults[0].detail


@pytest.mark.parametrize("payload", [b"", b"{}", b"[", b"[]", b"[1,2]", b"\xff", b"[" + NESTED])
def test_a_list_that_is_none_is_a_fault(hear: Any, payload: bytes) -> None:
    assert hear("zigbee2mqtt/bridge/devices", payload).faults == ["not_understood"]
