"""Home Assistant's discovery: a device that any hub announces is on our books, once, under the code of its own dialect."""

from __future__ import annotations

from typing import Any

import pytest

from cloudfamily_gateway import wire

Z2M = {
    "availability": [{"topic": "zigbee2mqtt/bridge/state"}, {"topic": "zigbee2mqtt/bath/availability"}],
    "availability_mode": "all",
    "device": {"identifiers": ["zigbee2mqtt_0x0c4314fffe03c247"], "manufacturer": "TuYa", "model": "SOS button (TS0215A_sos)", "name": "bath"},
    "device_class": "battery",
    "entity_category": "diagnostic",
    "json_attributes_topic": "zigbee2mqtt/bath",
    "name": "bath battery",
    "state_topic": "zigbee2mqtt/bath",
    "unique_id": "0x0c4314fffe03c247_battery_zigbee2mqtt",
    "value_template": "{{ value_json.battery }}",
}


def test_a_device_of_zigbee2mqtt_is_the_one_that_its_own_dialect_knows(hear: Any) -> None:
    heard = hear("homeassistant/sensor/0x0c4314fffe03c247/battery/config", Z2M, retained=True)
    device = hear("zigbee2mqtt/bath", {"battery": 97}).device
    expected = wire.Announcement(device, "zigbee2mqtt", "other", "TuYa", "SOS button (TS0215A_sos)", "bath", hub="z2m.bridge", address="zigbee2mqtt/bath")
    assert heard.announcements == (expected,)
    climate = {**Z2M, "device_class": "temperature", "entity_category": None}
    assert hear("homeassistant/sensor/0x0c4314fffe03c247/temperature/config", climate).announcements == (expected,), "bridge/devices knows its kind better"
    part = {**Z2M, "state_topic": "zigbee2mqtt/bath/l1"}
    assert hear("homeassistant/light/0x0c4314fffe03c247/light_l1/config", part).announcements == (expected,)


@pytest.mark.parametrize(
    ("state_topic", "payload", "family", "address"),
    [
        ("zigbee2mqtt-attic/door", {"contact": True}, "zigbee2mqtt", "zigbee2mqtt-attic/door"),
        ("livingroom/binary_sensor/kitchen_motion/state", b"ON", "esphome", "livingroom"),
        ("tele/plug_7/SENSOR", {"Switch1": "ON"}, "tasmota", "plug_7"),
        ("shellyplusht-b8d61a8b17cc/status/temperature:0", {"id": 0, "tC": 21}, "shelly", "shellyplusht-b8d61a8b17cc"),
        ("application/1/device/0101010101010101/event/up", {"object": {"temperature": 21}}, "chirpstack", "application/1/device/0101010101010101"),
    ],
)
@pytest.mark.parametrize("hub", [None, "edge-7"])
def test_every_family_has_the_same_code_both_ways(hear: Any, state_topic: str, payload: Any, family: str, address: str, hub: str | None) -> None:
    (announced,) = hear("homeassistant/sensor/x/config", {"stat_t": state_topic, "dev": {"ids": "abc"}}, hub=hub).announcements
    assert (announced.device, announced.family, announced.address) == (hear(state_topic, payload, hub=hub).device, family, address)


def test_an_entity_of_esphome(hear: Any) -> None:
    said = {
        "dev_cla": "motion",
        "name": "Kitchen motion",
        "stat_t": "~/binary_sensor/kitchen_motion/state",
        "~": "livingroom",
        "avty_t": "~/status",
        "exp_aft": 600,
        "uniq_id": "ESPbinary_sensorkitchen_motion",
        "dev": {"ids": "c4dd57aabbcc", "name": "Living room", "sw": "2026.9", "mdl": "nodemcu-32s", "mf": "Espressif", "cns": [["mac", "c4dd57aabbcc"]]},
    }
    (one,) = hear("homeassistant/binary_sensor/livingroom/kitchen_motion/config", said, retained=True).announcements
    assert one == wire.Announcement("esp.livingroom", "esphome", "motion", "Espressif", "nodemcu-32s", "Living room", report_minutes=10, address="livingroom")


def test_a_whole_device_in_one_message(hear: Any) -> None:
    said = {
        "dev": {"ids": ["0AFFD2"], "name": "Bathroom", "mf": "Acme", "mdl": "X1"},
        "o": {"name": "hub"},
        "cmps": {
            "t": {"p": "sensor", "dev_cla": "temperature", "stat_t": "acme/0AFFD2/t", "exp_aft": 90, "uniq_id": "t"},
            "s": {"p": "binary_sensor", "dev_cla": "smoke", "stat_t": "acme/0AFFD2/s", "uniq_id": "s"},
            "b": {"p": "sensor", "dev_cla": "battery", "ent_cat": "diagnostic", "stat_t": "acme/0AFFD2/b", "uniq_id": "b"},
        },
    }
    (one,) = hear("homeassistant/device/0AFFD2/config", said).announcements
    assert one == wire.Announcement("ha.0AFFD2", "homeassistant", "smoke", "Acme", "X1", "Bathroom", report_minutes=2)


@pytest.mark.parametrize(
    ("component", "more", "kind"),
    [
        ("binary_sensor", {"device_class": "door"}, "door"),
        ("binary_sensor", {"device_class": "moisture"}, "water"),
        ("binary_sensor", {"device_class": "carbon_monoxide"}, "gas"),
        ("sensor", {"device_class": "temperature"}, "temperature"),
        ("sensor", {"device_class": "temperature", "entity_category": "diagnostic"}, "other"),
        ("siren", {}, "siren"),
        ("device_automation", {"type": "button_short_press", "topic": "acme/1/action"}, "button"),
        ("switch", {"device_class": "outlet"}, "other"),
    ],
)
def test_kinds(hear: Any, component: str, more: dict[str, Any], kind: str) -> None:
    said = {"state_topic": "acme/1", "device": {"identifiers": ["1"]}, **more}
    assert [one.kind for one in hear(f"homeassistant/{component}/1/config", said).announcements] == [kind]


@pytest.mark.parametrize(
    ("device", "unique_id", "code"),
    [
        ({"identifiers": "a"}, None, "ha.a"),
        ({"identifiers": ["a", "b"]}, None, "ha.a"),
        ({"connections": [["mac", "02:5b:26:a8:dc:12"]]}, None, wire.device_code("", "ha", "02:5b:26:a8:dc:12")),
        (None, "u1", "ha.u1"),
    ],
)
def test_who_it_is_when_no_topic_tells(hear: Any, device: dict[str, Any] | None, unique_id: str | None, code: str) -> None:
    assert hear("homeassistant/sensor/1/config", {"state_topic": "acme/1", "device": device, "unique_id": unique_id}).device == code


def test_our_own_devices_announce_themselves_to_home_assistant_and_not_to_us(hear: Any) -> None:
    for said in ({"state_topic": "cf/v1/mo-7/reading"}, {"~": "cf/v1/mo-7", "stat_t": "~/reading"}):
        assert hear("homeassistant/sensor/mo-7/motion/config", {**said, "device": {"identifiers": ["mo-7"]}}).silent


def test_a_removal_and_home_assistants_own_status_are_passed_over(hear: Any) -> None:
    assert hear("homeassistant/sensor/x/config", b"").silent
    assert hear("homeassistant/status", b"online").silent


@pytest.mark.parametrize("payload", [b"[]", b"{", b"{}", b'{"device":[]}', b'{"device":{"identifiers":[]}}', b'{"state_topic":7}'])
def test_what_names_no_device_is_a_fault(hear: Any, payload: bytes) -> None:
    assert hear("homeassistant/sensor/x/config", payload).faults == ["not_understood"]


def test_other_topics_are_nobodys(hear: Any) -> None:
    assert hear("homeassistant/sensor/x/state", b"1").faults == ["wrong_topic"]
    assert hear("homeassistant", b"1").faults == ["wrong_topic"]
