"""Home Assistant's MQTT discovery: what a hub announces to Home Assistant goes on our books as well. Retained, of no time.

Read in home-assistant/core: components/mqtt/abbreviations.py; home-assistant.io: integrations/mqtt. A device has the code that its
own family's dialect gives it, wherever a topic tells; else one of its identifiers, and what it says nobody reads.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cloudfamily_gateway import wire
from cloudfamily_gateway.dialects import chirpstack, common, esphome, shelly, tasmota, zigbee2mqtt

FAMILY = "homeassistant"
#: Asked in this order whose a topic is.
FAMILIES = (zigbee2mqtt, chirpstack, tasmota, shelly, esphome)
#: Of Home Assistant's abbreviations, those that we look at.
ABBREVIATIONS = {
    "avty": "availability",
    "avty_t": "availability_topic",
    "cmd_t": "command_topic",
    "cmps": "components",
    "cns": "connections",
    "dev": "device",
    "dev_cla": "device_class",
    "exp_aft": "expire_after",
    "ids": "identifiers",
    "json_attr_t": "json_attributes_topic",
    "mdl": "model",
    "mf": "manufacturer",
    "p": "platform",
    "stat_t": "state_topic",
    "t": "topic",
    "uniq_id": "unique_id",
}
#: Where a topic of the device may stand, the surest first.
TOPICS = ("state_topic", "json_attributes_topic", "topic", "command_topic", "availability_topic")
#: Device class → kind.
KINDS = {
    "smoke": "smoke",
    **dict.fromkeys(("gas", "carbon_monoxide"), "gas"),
    "moisture": "water",
    **dict.fromkeys(("door", "window", "opening", "garage_door"), "door"),
    **dict.fromkeys(("motion", "occupancy", "presence", "vibration"), "motion"),
    "button": "button",
    "temperature": "temperature",
}
#: The gravest first, where one message describes several.
GRAVEST = ("button", "smoke", "gas", "water", "siren", "door", "motion", "temperature")


class Speaker(NamedTuple):
    family: str
    device: str
    address: str | None
    hub: str | None


def decode(frame: wire.Frame) -> wire.Decoded:
    parts = frame.topic.split("/")
    if parts[-1] != "config" or len(parts) not in (4, 5):
        return wire.Decoded(None) if parts[1:] == ["status"] else common.wrong_topic(frame.topic)
    if not frame.payload:
        return wire.Decoded(None)  # Home Assistant is to forget it; what it has said stays with us
    if len(frame.payload) > wire.LARGEST:
        return wire.Decoded(None, faults=(wire.Fault("too_large", f"more than {wire.LARGEST} bytes"),))
    said = common.read_object(frame.payload)
    if said is None:
        return common.not_understood(None, "a discovery is a JSON object")
    said = spelled_out(said)
    inner = said.get("components")
    entities = [said, *(spelled_out(one, said.get("~")) for one in inner.values() if isinstance(one, dict))] if isinstance(inner, dict) else [said]
    about = said.get("device")
    device: dict[str, Any] = spelled_out(about) if isinstance(about, dict) else {}
    if any(topic.startswith("cf/") for topic in topics(entities)):
        return wire.Decoded(None)  # ours; it says itself what it is
    found = speaker(frame, device, entities)
    if found is None:
        return common.not_understood(None, "no topic of a device, no identifiers and no unique_id")
    kinds = {kind_of(str(one.get("platform") or parts[1]), one) for one in entities}
    kind = next((one for one in GRAVEST if one in kinds), "other")
    one = wire.Announcement(
        found.device,
        found.family,
        # Zigbee2MQTT says better itself what its devices are.
        "other" if found.family == zigbee2mqtt.FAMILY else kind,
        common.text(device.get("manufacturer")),
        common.text(device.get("model")),
        common.text(device.get("name")) or common.text(said.get("name")),
        found.hub,
        report_minutes(entities),
        address=found.address,
    )
    return wire.Decoded(found.device, announcements=(one,))


def spelled_out(said: Mapping[str, Any], base: object = None) -> dict[str, Any]:
    """Without abbreviations, and with `~` in topics replaced."""
    base = said.get("~", base)
    found = {ABBREVIATIONS.get(name, name): value for name, value in said.items()}
    if isinstance(base, str):
        for name in TOPICS:
            topic = found.get(name)
            if isinstance(topic, str) and topic[:1] == "~":
                found[name] = base + topic[1:]
            elif isinstance(topic, str) and topic[-1:] == "~":
                found[name] = topic[:-1] + base
    return found


def topics(entities: list[dict[str, Any]]) -> Iterator[str]:
    for name in TOPICS:
        yield from (one[name] for one in entities if isinstance(one.get(name), str))
    for one in entities:
        several = one.get("availability")
        for item in several if isinstance(several, list) else ():
            topic = spelled_out(item, one.get("~")).get("topic") if isinstance(item, dict) else None
            if isinstance(topic, str):
                yield topic


def speaker(frame: wire.Frame, device: dict[str, Any], entities: list[dict[str, Any]]) -> Speaker | None:
    called = str(device.get("name") or "")
    for topic in topics(entities):
        for family in FAMILIES:
            if found := family.device_of(topic, frame.hub, called):
                hub = zigbee2mqtt.bridge_of(topic, frame.hub) if family is zigbee2mqtt else None
                device_code, address = found
                return Speaker(family.FAMILY, device_code, address if common.is_address(address) else None, None if hub == device_code else hub)
    name = identifier(device.get("identifiers")) or identifier(device.get("connections")) or identifier(entities[0].get("unique_id"))
    return Speaker(FAMILY, wire.device_code(frame.hub or "", "ha", name), None, None) if name else None


def identifier(said: object) -> str | None:
    """The first of them: a string, a list of strings, or a list of pairs such as ["mac", "…"]."""
    while isinstance(said, list) and said:
        said = said[-1] if len(said) == 2 and said[0] == "mac" else said[0]
    return said if isinstance(said, str) and said else None


def kind_of(platform: str, entity: Mapping[str, Any]) -> str:
    if entity.get("entity_category") or entity.get("ent_cat"):
        return "other"
    if platform == "siren":
        return "siren"
    if platform == "device_automation" and str(entity.get("type", "")).startswith("button"):
        return "button"
    if platform in ("binary_sensor", "sensor", "event"):
        return KINDS.get(str(entity.get("device_class")), "other")
    return "other"


def report_minutes(entities: list[dict[str, Any]]) -> int | None:
    """`expire_after`: past so many seconds without a word its state is not known any more."""
    spans = [seconds for one in entities if (seconds := common.number(one.get("expire_after"))) and seconds > 0]
    return min(max(math.ceil(min(spans) / 60), 1), 44_640) if spans else None
