"""Tasmota: sensors, plugs, and the Zigbee devices behind a bridge of it. Payloads as its documentation and its users have recorded them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cloudfamily_gateway import wire

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("payload", "values"),
    [
        ({"Time": "2024-02-24T22:20:38", "DHT11": {"Temperature": 20.1, "Humidity": 40}, "TempUnit": "C"}, {"temperature": 20.1, "humidity": 40}),
        ({"Time": "2024-02-24T22:20:38", "DS18B20": {"Id": "01", "Temperature": 68}, "TempUnit": "F"}, {"temperature": 20}),
        (
            {"Time": "2024-02-24T22:20:38", "BME280": {"Temperature": 21.5, "Humidity": 48.2, "DewPoint": 10.1, "Pressure": 760}, "PressureUnit": "mmHg"},
            {"temperature": 21.5, "humidity": 48.2, "pressure": pytest.approx(1013.25, abs=0.01)},
        ),
        ({"Time": "2024-02-24T22:20:38", "ENERGY": {"Total": 3.1, "Power": 60, "Factor": 0.9, "Voltage": 231}}, {"power": 60, "voltage": 231}),
        ({"Time": "2024-02-24T22:20:38", "ENERGY": {"Total": [1, 2], "Power": [60, 12.5], "Voltage": 231}}, {"power": 72.5, "voltage": 231}),
        ({"Time": "2024-02-24T22:20:38", "BH1750": {"Illuminance": 120}, "ESP32": {"Temperature": 53.3}}, {"illuminance": 120}),
        ({"Time": "2024-02-24T22:20:38", "SCD40": {"CarbonDioxide": 812, "Temperature": None}}, {"co2": 812}),
        ({"Time": "2024-02-24T22:20:38", "Switch1": "ON"}, {"press": 0}),
    ],
)
def test_sensors(hear: Any, payload: dict[str, Any], values: dict[str, float]) -> None:
    heard = hear("tele/plug_7/SENSOR", payload)
    assert (heard.device, heard.values, heard.faults) == ("tas.plug_7", values, [])
    assert heard.times == {AT}, "its own time has no zone"
    assert hear("tele/plug_7/SENSOR", payload, retained=True).silent


def test_the_state_tells_of_the_radio(hear: Any) -> None:
    state = {"Time": "2024-02-24T22:20:38", "Uptime": "0T03:00:09", "POWER": "ON", "Wifi": {"AP": 1, "SSId": "x", "RSSI": 78, "Signal": -61}}
    assert hear("tele/plug_7/STATE", state).values == {"rssi": -61, "link_quality": 78}


def test_the_last_will(hear: Any) -> None:
    assert hear("tele/plug_7/LWT", b"Online", retained=True).links == [("tas.plug_7", True)]
    assert hear("tele/plug_7/LWT", b"Offline").links == [("tas.plug_7", False)]
    assert hear("tele/plug_7/LWT", b"?").faults == ["not_understood"]


def test_an_input_is_what_the_topic_calls_it(hear: Any) -> None:
    assert hear("tele/hall_motion/SENSOR", {"Switch1": "ON"}).values == {"motion": 1}
    assert hear("stat/front_door/RESULT", {"Switch1": {"Action": "OFF"}}).values == {"door": 0}
    assert hear("tele/bath_leak/SENSOR", {"Switch1": "ON"}).levels == {("water_leak", True)}
    assert hear("tele/bath_sos/SENSOR", {"Switch1": "ON"}).levels == {("sos", True)}
    assert hear("stat/bath_sos/RESULT", {"Button1": {"Action": "SINGLE"}}).signals == [("tas.bath_sos", "sos")]
    assert hear("stat/bath_sos/RESULT", {"Button1": {"Action": "SINGLE"}}, retained=True).silent
    plain = hear("stat/wall/RESULT", {"Button1": {"Action": "SINGLE"}})
    assert (plain.signals, plain.values) == ([], {"press": 1})


# Behind a Zigbee bridge

BRIDGE = "tele/zbbridge/SENSOR"


@pytest.mark.parametrize(
    ("said", "name", "values"),
    [
        (
            {"0x8F20": {"Name": "Kitchen", "Voltage": 2.995, "Battery": 98, "Temperature": 21.01, "Humidity": 53.68, "Pressure": 1004.04,
                        "PressureUnit": "hPa", "Endpoint": 1, "LinkQuality": 88}},
            "Kitchen",
            {"voltage": 2.995, "battery": 98, "temperature": 21.01, "humidity": 53.68, "pressure": 1004.04, "link_quality": 34.5},
        ),
        ({"Kitchen": {"Device": "0x8F20", "Temperature": 21.01, "Endpoint": 1}}, "Kitchen", {"temperature": 21.01}),
        ({"0x329F": {"Device": "0x329F", "Humidity": 69.45, "Endpoint": 1}}, "0x329F", {"humidity": 69.45}),
        (
            {"0x01F3": {"Device": "0x01F3", "Name": "MotionSensor", "BatteryVoltage": 2.7, "BatteryPercentage": 17, "Endpoint": 1}},
            "MotionSensor",
            {"voltage": 2.7, "battery": 17},
        ),
        ({"0x221C": {"Device": "0x221C", "0500<00": "010000010000", "ZoneStatusChange": 1, "Occupancy": 1, "Endpoint": 1}}, "0x221C", {"motion": 1}),
        ({"0xE30B": {"Device": "0xE30B", "0500<00": "010000000000", "ZoneStatusChange": 1, "Contact": 1, "Endpoint": 1}}, "0xE30B", {"door": 1}),
        ({"0x5FA7": {"Device": "0x5FA7", "Name": "Garage Entry", "Contact": 0, "Endpoint": 1}}, "Garage Entry", {"door": 0}),
        ({"0x3476": {"Device": "0x3476", "Name": "ikea_switch", "0006!01": "", "Power": 1, "Endpoint": 1}}, "ikea_switch", {"press": 0}),
        ({"0xFF74": {"Device": "0xFF74", "Click": "single", "Endpoint": 2}}, "0xFF74", {"press": 1}),
    ],
)  # fmt: skip
def test_zigbee_devices_are_devices_of_their_own(hear: Any, said: dict[str, Any], name: str, values: dict[str, float]) -> None:
    heard = hear(BRIDGE, {"ZbReceived": said})
    code = wire.device_code("", "tas", f"zbbridge/{name}")
    assert heard.by_device == {(code, quantity): value for quantity, value in values.items()}
    assert (heard.device, heard.faults) == ("tas.zbbridge", [])
    assert [(one.device, one.name, one.hub, one.address) for one in heard.announcements] == [(code, name, "tas.zbbridge", f"zbbridge/{name}")]


@pytest.mark.parametrize("topic", ["tele/zbbridge/8F20/SENSOR", "tele/zbbridge/RESULT", "stat/zbbridge/RESULT"])
def test_it_may_come_on_other_topics(hear: Any, topic: str) -> None:
    assert hear(topic, {"ZbReceived": {"0x8F20": {"Name": "Kitchen", "Fire": 1, "LinkQuality": 88}}}).levels == {("smoke", True)}


@pytest.mark.parametrize(
    ("values", "calls"),
    [
        ({"Name": "b1", "0501!02": "", "Endpoint": 1}, True),
        ({"Name": "b1", "0501<04": "", "Endpoint": 1}, True),
        ({"Name": "b1", "PersonalAlarm": 1, "Endpoint": 1}, True),
        ({"Name": "b1", "PersonalAlarm": 0, "Endpoint": 1}, False),
        ({"Name": "sos bath", "Click": "single", "Endpoint": 1}, True),
        ({"Name": "sos bath", "ZoneStatusChange": 2, "Endpoint": 1}, True),
        ({"Name": "sos bath", "ZoneStatusChange": 0, "Endpoint": 1}, False),
        ({"Name": "sos bath", "BatteryPercentage": 80, "Endpoint": 1}, False),
        ({"Name": "b1", "Click": "single", "0501!00": "", "Endpoint": 1}, False),
    ],
)
def test_a_press_by_radio(hear: Any, values: dict[str, Any], calls: bool) -> None:
    assert [kind for _, kind in hear(BRIDGE, {"ZbReceived": {"0x1": values}}).signals] == ["sos"] * calls


def test_a_bridge_that_says_nothing_of_a_device_is_alive(hear: Any) -> None:
    assert hear("tele/zbbridge/RESULT", {"ZbState": {"Status": 21, "Message": "Enable Pairing mode for 60 seconds"}}).values == {"press": 0}
    assert hear(BRIDGE, {"ZbReceived": {}}).faults == ["not_understood"]
    assert hear(BRIDGE, b"{").faults == ["not_understood"]


def test_it_announces_itself(hear: Any) -> None:
    said = {"ip": "10.0.0.7", "dn": "Kitchen plug", "fn": ["Kitchen"], "md": "Sonoff S31", "t": "plug_7", "ft": "%prefix%/%topic%/", "sw": "14.2.0"}
    heard = hear("tasmota/discovery/DC4F22D3B32F/config", said, retained=True)
    assert heard.announcements == (wire.Announcement("tas.plug_7", "tasmota", vendor="Tasmota", model="Sonoff S31", name="Kitchen plug", address="plug_7"),)
    assert hear("tasmota/discovery/DC4F22D3B32F/config", {"md": "x"}).faults == ["not_understood"]


@pytest.mark.parametrize(
    "topic", ["cmnd/plug_7/POWER", "stat/plug_7/POWER", "stat/plug_7/STATUS10", "tele/plug_7/INFO1", "tele/plug_7/UPTIME", "tasmota/discovery/DC4F/sensors"]
)
def test_commands_answers_and_details_are_passed_over(hear: Any, topic: str) -> None:
    assert hear(topic, b"ON").silent
    assert hear("tasmota/discovery/DC4F/config", b"").silent


def test_a_topic_without_a_name_is_nobodys(hear: Any) -> None:
    assert hear("tele/LWT", b"Online").faults == ["wrong_topic"]
