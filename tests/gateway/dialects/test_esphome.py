"""ESPHome: each object of a node has a topic of its own, its name says what it is, and every state comes again and again."""

from __future__ import annotations

from typing import Any

import pytest

NODE = "livingroom"


@pytest.mark.parametrize(
    ("topic", "payload", "values"),
    [
        ("sensor/living_room_temperature", b"23.4", {"temperature": 23.4}),
        ("sensor/temperature_2", b"23.4", {"temperature": 23.4}),
        ("sensor/body_temperature", b"36.6", {"body_temperature": 36.6}),
        ("sensor/bme280_humidity", b"44.7", {"humidity": 44.7}),
        ("sensor/barometric_pressure", b"1013.2", {"pressure": 1013.2}),
        ("sensor/scd40_co2", b"812", {"co2": 812}),
        ("sensor/desk_illuminance", b"120", {"illuminance": 120}),
        ("sensor/washing_machine_power", b"512.5", {"power": 512.5}),
        ("sensor/battery_level", b"87", {"battery": 87}),
        ("sensor/battery_voltage", b"3.95", {"voltage": 3.95}),
        ("sensor/wifi_signal", b"-61", {"rssi": -61}),
        ("sensor/wifi_signal_percent", b"78", {"link_quality": 78}),
        ("sensor/real_time_heart_rate", b"72", {"heart_rate": 72}),
        ("sensor/real_time_respiratory_rate", b"14", {"respiration": 14}),
        ("binary_sensor/kitchen_motion", b"ON", {"motion": 1}),
        ("binary_sensor/bedroom_occupancy", b"OFF", {"motion": 0}),
        ("binary_sensor/bed_occupancy", b"ON", {"bed": 1}),
        ("binary_sensor/front_door", b"ON", {"door": 1}),
        ("binary_sensor/window_contact", b"OFF", {"door": 0}),
    ],
)
def test_objects_are_taken_by_the_words_of_their_names(hear: Any, topic: str, payload: bytes, values: dict[str, float]) -> None:
    heard = hear(f"{NODE}/{topic}/state", payload)
    assert (heard.device, heard.values, heard.faults) == ("esp.livingroom", values, [])
    assert hear(f"{NODE}/{topic}/state", payload, retained=True).silent, "of what time it is, nobody knows"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("sos_button", "sos"),
        ("emergency", "sos"),
        ("bathroom_panic_cord", "sos"),
        ("smoke_alarm", "smoke"),
        ("gas_alarm", "gas"),
        ("carbon_monoxide", "co"),
        ("water_leak", "water_leak"),
        ("fall_detected", "fall"),
        ("tamper", "tamper"),
    ],
)
def test_alarms_are_levels_also_when_the_broker_kept_them(hear: Any, name: str, kind: str) -> None:
    for payload, active in ((b"ON", True), (b"OFF", False)):
        for retained in (False, True):
            heard = hear(f"{NODE}/binary_sensor/{name}/state", payload, retained=retained)
            assert (heard.signals, heard.levels, heard.faults) == ([], {(kind, active)}, [])


def test_a_pull_cord_on_a_node_that_is_called_so_calls_for_help(hear: Any) -> None:
    assert hear("sos-bath/binary_sensor/button/state", b"ON").levels == {("sos", True)}
    assert hear(f"{NODE}/binary_sensor/button/state", b"ON").values == {"press": 0}


def test_an_event_is_a_press_each_time(hear: Any) -> None:
    topic = f"{NODE}/event/sos_button/state"
    assert hear(topic, {"event_type": "single"}).signals == [("esp.livingroom", "sos")]
    assert hear(topic, {"event_type": "single"}, retained=True).silent
    assert hear(f"{NODE}/event/wall_button/state", {"event_type": "single"}).values == {"press": 1}
    assert hear(topic, b"single").faults == ["not_understood"]


@pytest.mark.parametrize(
    "name",
    ["esp32_internal_temperature", "target_temperature", "boiler_temperature", "water_temperature", "temperature_offset", "power_factor", "motion_count"],
)
def test_what_is_not_of_the_home_or_not_of_now_is_no_value(hear: Any, name: str) -> None:
    heard = hear(f"{NODE}/sensor/{name}/state", b"42")
    assert (heard.values, heard.faults) == ({"press": 0}, ["unknown_quantity"])


def test_a_node_is_alive_with_whatever_it_says(hear: Any) -> None:
    for topic, payload in (("sensor/uptime", b"12345"), ("switch/pump", b"ON"), ("text_sensor/ip_address", b"10.0.0.7"), ("sensor/temperature", b"nan")):
        heard = hear(f"{NODE}/{topic}/state", payload)
        assert (heard.values, heard.faults) == ({"press": 0}, [])


def test_values_that_cannot_be(hear: Any) -> None:
    assert hear(f"{NODE}/sensor/temperature/state", b"warm").faults == ["not_understood"]
    assert hear(f"{NODE}/sensor/temperature/state", b"-127").faults == ["out_of_range"]
    heard = hear(f"{NODE}/binary_sensor/sos/state", b"\xff\xfe")
    assert (heard.signals, heard.faults) == ([("esp.livingroom", "unreadable")], ["not_understood"])


def test_a_low_battery(hear: Any) -> None:
    assert hear(f"{NODE}/binary_sensor/battery_low/state", b"ON").signals == [("esp.livingroom", "battery_low")]
    assert hear(f"{NODE}/binary_sensor/battery_low/state", b"OFF").signals == []


def test_status_is_the_nodes_last_will(hear: Any) -> None:
    assert hear(f"{NODE}/status", b"offline", retained=True).links == [("esp.livingroom", False)]
    assert hear(f"{NODE}/status", b"online").links == [("esp.livingroom", True)]
    assert hear(f"{NODE}/status", b"fine").faults == ["wrong_topic"]


def test_prefixes_with_levels_are_told_apart(hear: Any) -> None:
    devices = {hear(f"{prefix}/sensor/temperature/state", b"20", hub=hub).device for prefix in ("a/b", "a-b", "a.b") for hub in (None, "edge-7")}
    assert len(devices) == 6


@pytest.mark.parametrize("topic", [f"{NODE}/debug", f"{NODE}/switch/siren/command", "esphome/discover/livingroom", "esphome/ping/livingroom"])
def test_logs_and_commands_are_passed_over(hear: Any, topic: str) -> None:
    assert hear(topic, b"ON").silent
