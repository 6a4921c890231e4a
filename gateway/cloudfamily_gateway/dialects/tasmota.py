"""Tasmota: `tele/<topic>/LWT|STATE|SENSOR|RESULT`, `stat/<topic>/RESULT`, and the Zigbee devices behind a bridge of it.

Read in tasmota/docs: Zigbee.md, MQTT.md; arendst/Tasmota pull request 9759 (`Contact` 1 is open). `Time` is local time without
a zone: what is told is of the time at which it came. Only the usual full topic, `%prefix%/%topic%/`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from cloudfamily_gateway import wire
from cloudfamily_gateway.dialects import common, words

FAMILY = "tasmota"
MEASURES = {
    "Temperature": "temperature",
    "LocalTemperature": "temperature",
    "Humidity": "humidity",
    "Pressure": "pressure",
    "Illuminance": "illuminance",
    "CarbonDioxide": "co2",
    "eCO2": "co2",
    "Power": "power",
    "Voltage": "voltage",
    "BatteryVoltage": "voltage",
    "Battery": "battery",
    "BatteryPercentage": "battery",
}
PRESSURES = {"hPa": 1.0, "mmHg": 1.33322, "inHg": 33.8639}
#: Chips that measure themselves.
OF_THE_CHIP = ("ESP32", "ESP8266")
STATES = {"Occupancy": "motion", "Movement": "motion", "Presence": "motion", "Vibration": "motion", "Contact": "door"}
LEVELS = {"Fire": "smoke", "Smoke": "smoke", "Water": "water_leak", "CO": "co", "Gas": "gas"}
HELP = ("PersonalAlarm", "Emergency", "Panic")
#: ZCL, cluster IAS ACE, commands 2 (emergency) and 4 (panic) of a button that nothing decodes further.
CALLS_BY_RADIO = re.compile(r"^0501[!<?]0[24]\Z")
#: What a press looks like, where a device's name says that it calls for help.
PRESSES = ("Click", "Action", "Power", "ArrowClick", "ZoneStatusChange")
INPUT = re.compile(r"^(Switch|Button)\d*\Z")


class Place(NamedTuple):
    prefix: str
    topic: str
    what: str


def place(topic: str) -> Place | None:
    parts = topic.split("/")
    if parts[0] == "tasmota" and len(parts) == 4 and parts[1] == "discovery":
        return Place("discovery", parts[2], parts[3])
    if len(parts) < 3 or parts[0] not in ("tele", "stat", "cmnd") or not parts[1]:
        return None
    return Place(parts[0], parts[1], parts[-1])


def code(hub: str | None, topic: str, child: str = "") -> str:
    return wire.device_code(hub or "", "tas", f"{topic}/{child}" if child else topic)


def device_of(topic: str, hub: str | None, called: str = "") -> tuple[str, str] | None:
    found = place(topic)
    return (code(hub, found.topic), found.topic) if found and found.prefix != "discovery" else None


def decode(frame: wire.Frame) -> wire.Decoded:
    found = place(frame.topic)
    if found is None:
        return common.wrong_topic(frame.topic)
    if len(frame.payload) > wire.LARGEST:
        return wire.Decoded(code(frame.hub, found.topic), faults=(wire.Fault("too_large", f"more than {wire.LARGEST} bytes"),))
    if found.prefix == "discovery":
        return decode_discovery(frame, found)
    device = code(frame.hub, found.topic)
    if found.prefix == "tele" and found.what == "LWT":
        return decode_will(frame, device)
    heard = {"tele": ("STATE", "SENSOR", "RESULT"), "stat": ("RESULT",)}
    if found.what not in heard.get(found.prefix, ()):
        return wire.Decoded(device)  # said to it; answers to what was asked; what it tells of itself at a start
    said = common.read_object(frame.payload)
    if said is None:
        return common.not_understood(device, "no JSON object")
    if isinstance(said.get("ZbReceived"), dict):
        return decode_zigbee(frame, found.topic, device, said["ZbReceived"])
    return decode_state(frame, found, device, said)


def decode_will(frame: wire.Frame, device: str) -> wire.Decoded:
    if frame.payload not in (b"Online", b"Offline"):
        return common.not_understood(device, "a last will is Online or Offline")
    return wire.Decoded(device, links=(wire.Link(device, frame.payload == b"Online"),))


def decode_discovery(frame: wire.Frame, found: Place) -> wire.Decoded:
    """`tasmota/discovery/<MAC>/config`: `t` is the topic, `md` the module, `dn` the device's name."""
    if found.what != "config" or not frame.payload:
        return wire.Decoded(None)
    said = common.read_object(frame.payload)
    topic = said.get("t") if said else None
    if not said or not isinstance(topic, str) or not common.is_address(topic):
        return common.not_understood(None, "a discovery without a topic t")
    device = code(frame.hub, topic)
    one = wire.Announcement(device, FAMILY, vendor="Tasmota", model=common.text(said.get("md")), name=common.text(said.get("dn")), address=topic)
    return wire.Decoded(device, announcements=(one,))


def decode_state(frame: wire.Frame, found: Place, device: str, said: dict[str, Any]) -> wire.Decoded:
    told = common.Told(frame, device)
    wifi = said.get("Wifi")
    if isinstance(wifi, dict):
        told.measure("rssi", wifi.get("Signal"))
        told.measure("link_quality", wifi.get("RSSI"))
    for name, value in said.items():
        if isinstance(value, dict) and INPUT.match(name):
            read_input(told, found.topic, name, value.get("Action"))
        elif INPUT.match(name):
            read_input(told, found.topic, name, value)
        elif isinstance(value, dict) and name not in OF_THE_CHIP:
            read_values(told, value, said.get("TempUnit"), said.get("PressureUnit"))
    if told.empty:
        told.alive()
    return told.decoded()


def read_values(told: common.Told, values: Mapping[str, Any], temperature_unit: object, pressure_unit: object) -> None:
    for name, quantity in MEASURES.items():
        value = values.get(name)
        if value is None or isinstance(value, bool):
            continue
        if name == "Power" and isinstance(value, list):  # of each phase or socket
            value = sum(found for found in map(common.number, value) if found is not None)
        if quantity == "temperature" and temperature_unit == "F" and (degrees := common.number(value)) is not None:
            value = round((degrees - 32) / 1.8, 2)
        told.measure(quantity, value, PRESSURES.get(str(pressure_unit), 1.0) if quantity == "pressure" else 1.0)


def read_input(told: common.Told, topic: str, name: str, value: object) -> None:
    """What hangs on an input, only the topic's own name says: `hall_motion`, `bath_sos`."""
    meaning = words.state(topic)
    if name.startswith("Button"):
        if common.CALLS.search(topic) and common.truth(value) is not False:
            told.press(str(value))
        elif common.truth(value) is not False:
            told.touched()
    elif common.CALLS.search(topic):
        told.level("sos", value)
    elif meaning and meaning.sort in ("alarm", "state"):
        words.tell(told, meaning, value)


def decode_zigbee(frame: wire.Frame, topic: str, bridge: str, received: dict[str, Any]) -> wire.Decoded:
    """`{"ZbReceived":{"0x8F20":{"Name":"Kitchen",…}}}`, or the name for the key. It tells what came by radio just now."""
    told: list[common.Told] = []
    announced: list[wire.Announcement] = []
    for key, values in received.items():
        if not isinstance(values, dict):
            continue
        name = str(values.get("Name") or key)
        child = common.Told(frame, code(frame.hub, topic, name))
        read_zigbee(child, name, values)
        told.append(child)
        announced.append(wire.Announcement(child.device, FAMILY, name=common.text(name), hub=bridge, address=address_of(topic, name)))
    if not told:
        return common.not_understood(bridge, "ZbReceived names no device")
    return common.merged(bridge, told, tuple(announced))


def address_of(topic: str, name: str) -> str | None:
    address = f"{topic}/{name}"
    return address if common.is_address(address) else None


def read_zigbee(told: common.Told, name: str, values: Mapping[str, Any]) -> None:
    plug = common.number(values.get("Power")) in (0.0, 1.0, 2.0)  # on, off, toggle: not watts
    read_values(told, {key: value for key, value in values.items() if key != "Power" or not plug}, None, values.get("PressureUnit"))
    if (quality := common.number(values.get("LinkQuality"))) is not None:
        told.measure("link_quality", round(quality / 2.55, 1))
    for field, quantity in STATES.items():
        if field in values:
            told.state(quantity, values[field])
    for field, kind in LEVELS.items():
        if field in values:
            told.level(kind, values[field])
    pressed = [field for field in HELP if common.truth(values.get(field)) is not False and field in values]
    pressed += [field for field in values if CALLS_BY_RADIO.match(field)]
    used = [field for field in PRESSES if field in values and values[field] not in (0, None, "")]
    if not pressed and common.CALLS.search(name):
        pressed = used
    if pressed:
        told.press(pressed[0])
    elif {"Click", "Action", "ArrowClick"} & set(used):
        told.touched()
    if not (told.readings or told.levels or told.signals):
        told.alive()


def encode_command(address: str, do: str, params: Mapping[str, object]) -> tuple[str, object] | None:
    """`address` is a topic, or `<topic>/<name>` of a Zigbee device behind it."""
    on, _ = common.wanted(params)
    topic, _, child = address.partition("/")
    if do in ("siren", "light") and child:
        return f"cmnd/{topic}/ZbSend", {"Device": child, "Send": {"Power": int(on)}}
    if do in ("siren", "light"):
        return f"cmnd/{topic}/POWER", "ON" if on else "OFF"
    minutes = common.number(params.get("minutes"))
    if do == "interval" and not child and minutes is not None and 1 <= minutes <= 60:
        return f"cmnd/{topic}/TelePeriod", str(round(minutes * 60))
    return None
