"""Zigbee2MQTT: `zigbee2mqtt/<friendly name>`, JSON of the whole remembered state. Other networks have another first level.

Read in Koenkk/zigbee2mqtt: lib/controller.ts (what is published), lib/extension/homeassistant.ts (actions said twice),
lib/extension/bridge.ts, lib/extension/availability.ts; the fields in Koenkk/zigbee-herdsman-converters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from cloudfamily_gateway import wire
from cloudfamily_gateway.dialects import common

FAMILY = "zigbee2mqtt"
BASE = re.compile(r"^zigbee2mqtt([-_][A-Za-z0-9_-]{1,40})?\Z")

BETWEEN = re.compile(r"[\s,]*")

#: Fields that are values in our own unit.
MEASURES = {name: name for name in ("temperature", "humidity", "pressure", "co2", "power", "battery")}
#: True: somebody is there or moves.
MOTION = ("occupancy", "presence", "motion", "vibration")
#: Alarms that stand in the remembered state.
LEVELS = {"sos": "sos", "sos_alarm": "sos", "smoke": "smoke", "gas": "gas", "carbon_monoxide": "co", "water_leak": "water_leak", "tamper": "tamper"}
#: A device that tests itself is not on fire.
TESTED = ("smoke", "gas", "carbon_monoxide")
#: Radars that see somebody on the floor, and the word for it; fall_warning and maybe_fall are guesses.
FALLS = {"fall_status": ("fall_alarm",), "fall_down_status": ("fall",)}
#: An action with one of these words calls for help, from whatever device.
HELP = ("emergency", "sos", "panic")
#: Let go: not a press of its own.
LET_GO = ("off", "release", "released", "up", "null", "none")
FIELDS = {*MEASURES, *MOTION, *LEVELS, *FALLS, "action", "click", "contact", "illuminance", "illuminance_lux", "voltage", "battery_low", "linkquality"}
#: Past this many volts it is millivolts: batteries are told in mV, plugs in V.
MOST_VOLTS = 500


class Place(NamedTuple):
    base: str
    #: Friendly name; "bridge" for the bridge itself.
    name: str
    #: What follows the name: "", "availability", "set", …; of the bridge, what it speaks of.
    what: str


def place(topic: str) -> Place | None:
    base, _, rest = topic.partition("/")
    if not rest or not BASE.match(base):
        return None
    if rest == "bridge" or rest.startswith("bridge/"):
        return Place(base, "bridge", rest[7:])
    name, _, last = rest.rpartition("/")
    if name and last in ("availability", "set", "get"):
        return Place(base, name, last)
    for between in ("/set/", "/get/"):  # one attribute of a command
        if between in rest:
            return Place(base, rest.split(between, 1)[0], between.strip("/"))
    return Place(base, rest, "")


def code(hub: str | None, base: str, name: str) -> str:
    """The networks `zigbee2mqtt` and `zigbee2mqtt-attic` have devices `z2m.…` and `z2m-attic.…`."""
    return wire.device_code(hub or "", base.replace("zigbee2mqtt", "z2m", 1), name)


def device_of(topic: str, hub: str | None, called: str = "") -> tuple[str, str] | None:
    """Device code and address of whoever speaks on a topic; `called`: its name, where the topic is of a part of it."""
    found = place(topic)
    if found is None:
        return None
    name = called if called and found.name.startswith(f"{called}/") else found.name
    return code(hub, found.base, name), f"{found.base}/{name}"


def bridge_of(topic: str, hub: str | None) -> str:
    return code(hub, topic.partition("/")[0], "bridge")


def decode(frame: wire.Frame) -> wire.Decoded:
    found = place(frame.topic)
    if found is None:
        return common.wrong_topic(frame.topic)
    device = code(frame.hub, found.base, found.name)
    if found.name == "bridge":
        return decode_bridge(frame, found, device)
    if found.what in ("set", "get"):
        return wire.Decoded(device)  # said to the device, not by it
    if len(frame.payload) > wire.LARGEST:
        return wire.Decoded(device, faults=(wire.Fault("too_large", f"more than {wire.LARGEST} bytes"),))
    if found.what == "availability":
        return decode_availability(frame, device)
    state = common.read_object(frame.payload)
    if state is None:
        return decode_attribute(frame, found)
    if "action" not in state and not FIELDS.intersection(state):
        return wire.Decoded(device, faults=(wire.Fault("unknown_quantity", f"none of {', '.join(state)} is known"[:300]),))
    return decode_state(frame, device, found.name, state)


def decode_attribute(frame: wire.Frame, found: Place) -> wire.Decoded:
    """`output: attribute` has a topic for each field, and with Home Assistant on, each action is said on a topic of its own as well."""
    name, _, field = found.name.rpartition("/")
    if not name or field not in FIELDS:
        return common.not_understood(code(frame.hub, found.base, found.name), "neither a JSON object nor a field that is known")
    value = frame.payload.decode("utf-8", "replace")
    return decode_state(frame, code(frame.hub, found.base, name), name, {field: value})


def decode_state(frame: wire.Frame, device: str, name: str, state: dict[str, Any]) -> wire.Decoded:
    told = common.Told(frame, device, common.when(state.get("last_seen")))
    for field in MEASURES:
        if field in state:
            told.measure(MEASURES[field], state[field])
    lux = state.get("illuminance_lux", state.get("illuminance"))  # where both are, the other is not in lx
    told.measure("illuminance", lux)
    volts = common.number(state.get("voltage"))
    if volts is not None:
        told.measure("voltage", volts / 1000 if volts > MOST_VOLTS else volts)
    if (quality := common.number(state.get("linkquality"))) is not None:
        told.measure("link_quality", round(quality / 2.55, 1))
    seen = [state[field] for field in MOTION if not common.says_nothing(state.get(field))]
    if seen:  # one reading of motion, though a device may see in two ways
        told.state("motion", next((one for one in seen if common.truth(one)), seen[0]))
    if "contact" in state:
        told.state("door", state["contact"], inverted=True)
    testing = common.truth(state.get("test")) is True
    for field, kind in LEVELS.items():
        if field in state and not (testing and field in TESTED):
            told.level(kind, state[field])
    for field, words in FALLS.items():
        if isinstance(state.get(field), str):
            told.level("fall", state[field] in words)
    act(told, name, state.get("action") or state.get("click"))
    told.low(state.get("battery_low"))
    if told.empty:
        told.alive()
    return told.decoded()


def act(told: common.Told, name: str, action: object) -> None:
    """An action is not remembered by the bridge: each is one of somebody's fingers."""
    if not isinstance(action, str) or common.says_nothing(action):
        return
    words = set(re.split(r"[^a-z]+", action.lower()))
    if words & set(HELP) or (common.CALLS.search(name) and not words & set(LET_GO)):
        told.press(action)
    else:
        told.touched()


def decode_availability(frame: wire.Frame, device: str) -> wire.Decoded:
    """`{"state":"online"}`; older versions say the bare word."""
    said = common.read_object(frame.payload)
    word = said.get("state") if said else frame.payload.decode("utf-8", "replace").strip().strip('"')
    if word not in ("online", "offline"):
        return common.not_understood(device, "an availability is online or offline")
    return wire.Decoded(device, links=(wire.Link(device, word == "online"),))


# The bridge


def decode_bridge(frame: wire.Frame, found: Place, device: str) -> wire.Decoded:
    if found.what == "state":
        return decode_availability(frame, device)
    if found.what == "devices":
        return decode_devices(frame, found.base, device)
    if found.what == "health" and not frame.retained:
        told = common.Told(frame, device)
        told.alive()
        return told.decoded()
    return wire.Decoded(device)  # its log, its groups, what was asked of it and its answers


def decode_devices(frame: wire.Frame, base: str, bridge: str) -> wire.Decoded:
    """Who is in the network. A list too long for a frame comes cut off: those that fit are announced."""
    listed = whole_objects(frame.payload)
    if listed is None:
        return common.not_understood(bridge, "bridge/devices is no JSON list")
    announced = tuple(one for one in (announcement(frame, base, bridge, item) for item in listed) if one)
    faults: tuple[wire.Fault, ...] = ()
    if len(frame.payload) > wire.LARGEST:
        said = f"bridge/devices is longer than {wire.LARGEST} bytes: {len(announced)} devices are announced by it, the others when they speak"
        faults = (wire.Fault("too_large", said),)
    if not announced and not faults:
        return wire.Decoded(bridge, faults=(wire.Fault("not_understood", "bridge/devices names no device"),))
    return wire.Decoded(bridge, announcements=announced, faults=faults)


def whole_objects(payload: bytes) -> list[dict[str, Any]] | None:
    """The objects of a JSON list, up to where it is cut off; None: it is no list."""
    text = payload.decode("utf-8", "ignore").strip()
    if not text.startswith("["):
        return None
    decoder, found, at = json.JSONDecoder(), list[dict[str, Any]](), 1
    while between := BETWEEN.match(text, at):
        try:
            item, at = decoder.raw_decode(text, between.end())
        except (ValueError, RecursionError):
            break
        if isinstance(item, dict):
            found.append(item)
    return found


def announcement(frame: wire.Frame, base: str, bridge: str, item: dict[str, Any]) -> wire.Announcement | None:
    if item.get("type") == "Coordinator":
        return wire.Announcement(bridge, FAMILY, "hub", name=base, mains=True, address=f"{base}/bridge")
    name = item.get("friendly_name")
    if not isinstance(name, str) or not common.is_address(name):
        return None
    definition = item.get("definition")
    known: dict[str, Any] = definition if isinstance(definition, dict) else {}
    source = str(item.get("power_source") or "")
    return wire.Announcement(
        code(frame.hub, base, name),
        FAMILY,
        kind_of(exposed(known.get("exposes")), name),
        common.text(known.get("vendor")) or common.text(item.get("manufacturer")),
        common.text(known.get("model")) or common.text(item.get("model_id")),
        common.text(name),
        bridge,
        mains=None if not source else "Mains" in source or source == "DC Source",
        address=f"{base}/{name}",
    )


def exposed(exposes: object, depth: int = 0) -> set[str]:
    """Names of all that a device exposes, and the values of its actions."""
    found: set[str] = set()
    if not isinstance(exposes, list) or depth > 3:
        return found
    for one in exposes:
        if not isinstance(one, dict):
            continue
        found |= {str(one[key]) for key in ("property", "name", "type") if isinstance(one.get(key), str)}
        if one.get("name") == "action" and isinstance(one.get("values"), list):
            found |= {f"action {value}" for value in one["values"]}
        found |= exposed(one.get("features"), depth + 1)
    return found


def kind_of(names: set[str], name: str) -> str:
    """One of people.quarantine.KINDS, by what a device can say: the gravest first."""
    called = any(f"action {word}" in names for word in HELP) or ("action" in names and common.CALLS.search(name))
    for kind, found in (
        ("button", called or names & {"sos", "sos_alarm"}),
        ("fall", names & set(FALLS)),
        ("smoke", "smoke" in names),
        ("gas", names & {"gas", "carbon_monoxide"}),
        ("water", "water_leak" in names),
        ("siren", names & {"warning", "alarm", "siren"}),
        ("door", "contact" in names),
        ("motion", names & set(MOTION)),
        ("button", "action" in names),
        ("temperature", "temperature" in names),
    ):
        if found:
            return kind
    return "other"


def encode_command(address: str, do: str, params: Mapping[str, object]) -> tuple[str, object] | None:
    """A siren sounds for `seconds`, so that one which loses its bridge falls silent by itself."""
    on, seconds = common.wanted(params)
    warning = {
        "siren": {"mode": "emergency", "level": "very_high", "strobe": True, "duration": seconds},
        "silence": {"mode": "stop", "level": "low", "strobe": False, "duration": 1},
        "test": {"mode": "burglar", "level": "low", "strobe": False, "duration": 1},
    }
    if do == "light":
        return f"{address}/set", {"state": "ON" if on else "OFF"}
    found = warning.get("silence" if do == "siren" and not on else do)
    return (f"{address}/set", {"warning": found}) if found else None
