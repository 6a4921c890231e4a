"""ChirpStack v4: LoRaWAN devices, whose codec's names are taken by their words. The events are its documentation's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cloudfamily_gateway import wire

DEVICE = "application/17c82e96-be03-4f38-aef3-f83d48582d97/device/0101010101010101"
CODE = "lora.0101010101010101"


def event(deduplication: str = "3ac7e3c4-4401-4b8d-9386-a5c902f9202d", name: str = "Test device", **more: Any) -> dict[str, Any]:
    info = {"tenantName": "ChirpStack", "deviceProfileName": "Test device-profile", "deviceName": name, "devEui": "0101010101010101", "tags": {"key": "value"}}
    return {"deduplicationId": deduplication, "time": "2026-11-23T07:59:58.775023242+00:00", "deviceInfo": info, "devAddr": "00189440", **more}


def uplink(fields: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    heard = [{"gatewayId": "0016c001f153a14c", "rssi": -36, "snr": 10.5}, {"gatewayId": "0016c001f153a14d", "rssi": -101}]
    said = event(dr=1, fPort=1, data="qg==", rxInfo=heard, **more)
    return said if fields is None else {**said, "object": fields}


@pytest.mark.parametrize(
    ("fields", "values", "signals"),
    [
        ({"temperature": 21.4, "humidity": 40, "battery": 93}, {"temperature": 21.4, "humidity": 40, "battery": 93}, []),
        ({"TempC_SHT": "21.40", "Hum_SHT": 48.2, "BatV": 3.05, "Work_mode": "DS18B20"}, {"temperature": 21.4, "humidity": 48.2, "voltage": 3.05}, []),
        ({"temperature": 21.4, "light": 120, "motion": 3, "vdd": 3600}, {"temperature": 21.4, "illuminance": 120, "motion": 1, "voltage": 3.6}, []),
        ({"motion": 0}, {"motion": 0}, []),
        ({"magnet_status": "open", "tamper_status": "normal"}, {"door": 1}, []),
        ({"door": "closed"}, {"door": 0}, []),
        ({"sos": True, "battery": 80}, {"battery": 80}, ["sos"]),
        ({"sos": 1}, {}, ["sos"]),
        ({"sos": 0, "battery": 80}, {"battery": 80}, []),
        ({"emergency_button": "pressed"}, {}, ["sos"]),
        ({"alarm": {"fall": True}}, {}, ["fall"]),
        ({"smoke_alarm": "alarm"}, {}, ["smoke"]),
        ({"leakage_status": "leak"}, {}, ["water_leak"]),
        ({"leakage_status": "normal"}, {}, []),
        ({"press": "short"}, {"press": 1}, []),
    ],
)
def test_uplinks(hear: Any, fields: dict[str, Any], values: dict[str, float], signals: list[str]) -> None:
    heard = hear(f"{DEVICE}/event/up", uplink(fields))
    assert (heard.values, [kind for _, kind in heard.signals], heard.faults) == ({"rssi": -36, **values}, signals, [])
    assert heard.times == {datetime(2026, 11, 23, 7, 59, 58, 775023, UTC)}
    known = wire.Announcement(CODE, "chirpstack", model="Test device-profile", name="Test device", address=DEVICE)
    assert heard.announcements == (known,)


def test_an_alarm_is_one_for_each_number_that_chirpstack_gives(hear: Any) -> None:
    once = [hear(f"{DEVICE}/event/up", {**uplink({"sos": True}), "deduplicationId": number}).decoded.signals[0].once for number in ("a", "a", "b")]
    assert once == ["a", "a", "b"]
    assert hear(f"{DEVICE}/event/up", uplink({"sos": "perhaps"})).signals == [(CODE, "unreadable")]


@pytest.mark.parametrize(("press", "signals"), [("short", ["sos"]), ("long", ["sos"]), (1, ["sos"]), (0, []), ("none", []), (None, [])])
def test_a_button_whose_name_says_so_calls_for_help(hear: Any, press: object, signals: list[str]) -> None:
    heard = hear(f"{DEVICE}/event/up", {**uplink({"press": press}), **event(name="SOS bath")})
    assert [kind for _, kind in heard.signals] == signals


def test_a_device_without_a_codec_is_alive_and_an_operator_is_told(hear: Any) -> None:
    heard = hear(f"{DEVICE}/event/up", uplink(None))
    assert (heard.values, heard.faults) == ({"rssi": -36}, ["no_codec"])
    assert hear(f"{DEVICE}/event/up", event()).values == {"press": 0}, "an uplink without a payload"
    assert hear(f"{DEVICE}/event/up", uplink({"mode": 3, "foo": [1]})).faults == ["unknown_quantity"]


def test_a_tampered_device_stays_so_until_it_says_otherwise(hear: Any) -> None:
    assert hear(f"{DEVICE}/event/up", uplink({"tamper": True})).levels == {("tamper", True)}


@pytest.mark.parametrize(
    ("more", "values", "mains"),
    [
        ({"margin": 10, "batteryLevel": 88.3}, {"battery": 88.3}, None),
        ({"margin": 10}, {"battery": 0}, None),  # zero is left out
        ({"margin": 10, "batteryLevelUnavailable": True}, {"press": 0}, None),
        ({"margin": 10, "externalPowerSource": True}, {"press": 0}, True),
    ],
)
def test_the_status_tells_of_the_battery(hear: Any, more: dict[str, Any], values: dict[str, float], mains: bool | None) -> None:
    heard = hear(f"{DEVICE}/event/status", event(**more))
    assert (heard.values, heard.announcements[0].mains) == (values, mains)
    assert heard.signals == ([(CODE, "battery_low")] if values.get("battery") == 0 else [])


def test_a_join_announces_the_device(hear: Any) -> None:
    heard = hear(f"{DEVICE}/event/join", event())
    assert (heard.values, heard.announcements[0].name) == ({"press": 0}, "Test device")


def test_a_codec_that_fails_is_shown_to_an_operator(hear: Any) -> None:
    failed = {"level": "ERROR", "code": "UPLINK_CODEC", "description": "unexpected identifier", "deviceInfo": {}}
    assert hear(f"{DEVICE}/event/log", failed).faults == ["not_understood"]
    assert hear(f"{DEVICE}/event/log", {**failed, "level": "INFO"}).silent


@pytest.mark.parametrize(
    "topic",
    [
        *(f"{DEVICE}/event/{event}" for event in ("ack", "txack", "location", "integration")),
        f"{DEVICE}/command/down",
        "eu868/gateway/0016c001f153a14c/event/up",
        "gateway/0016c001f153a14c/state/conn",
        "cn470/gateway/0016c001f153a14c/command/down",
    ],
)
def test_the_networks_own_matters_are_passed_over(hear: Any, topic: str) -> None:
    assert hear(topic, b"\x0a\xff").silent


def test_what_is_no_event_is_a_fault(hear: Any) -> None:
    assert hear(f"{DEVICE}/event/up", b"\x0a\xff").faults == ["not_understood"]
    assert hear("application/1/device/x", b"{}").faults == ["wrong_topic"]
    assert hear(f"{DEVICE}/event/up", b"{}").values == {"press": 0}
