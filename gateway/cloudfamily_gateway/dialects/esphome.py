"""ESPHome over MQTT: `<prefix>/<component>/<object>/state`, plain text, and `<prefix>/status`.

Read in esphome/esphome: components/mqtt/mqtt_component.cpp (topics, retained by default), esphome-docs: components/mqtt.rst. A
node says all its states again after each reconnect, and the broker keeps them: a state is never an event.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cloudfamily_gateway import wire
from cloudfamily_gateway.dialects import common, words

FAMILY = "esphome"
#: Components whose states we read; those of the others are of no home, or said to the node.
READ = ("sensor", "binary_sensor", "event")
PASSED_OVER = common.words(
    "switch light fan cover climate text_sensor number select lock button valve update alarm_control_panel text date time datetime media_player water_heater"
)
#: Objects of the node itself, which come often.
OF_THE_NODE = common.words("uptime heap loop psram ip ssid bssid mac dns reset debug version boot restart")


class Place(NamedTuple):
    prefix: str
    component: str
    object: str
    #: "state", "command", "status" or "debug"
    what: str


def place(topic: str) -> Place | None:
    parts = topic.split("/")
    if len(parts) >= 4 and parts[-1] in ("state", "command") and (parts[-3] in READ or parts[-3] in PASSED_OVER):
        return Place("/".join(parts[:-3]), parts[-3], parts[-2], parts[-1])
    if len(parts) >= 2 and parts[0] and parts[-1] == "status":
        return Place("/".join(parts[:-1]), "", "", "status")
    if len(parts) == 2 and parts[0] and parts[1] == "debug":
        return Place(parts[0], "", "", "debug")
    return Place(parts[2], "", "", "debug") if len(parts) == 3 and parts[0] == "esphome" and parts[1] in ("discover", "ping") else None


def device_of(topic: str, hub: str | None, called: str = "") -> tuple[str, str] | None:
    found = place(topic)
    return (wire.device_code(hub or "", "esp", found.prefix), found.prefix) if found and found.what != "debug" else None


def decode(frame: wire.Frame) -> wire.Decoded:
    found = place(frame.topic)
    if found is None:
        return common.wrong_topic(frame.topic)
    device = wire.device_code(frame.hub or "", "esp", found.prefix)
    if found.what == "status":
        if frame.payload not in (b"online", b"offline"):
            return common.wrong_topic(frame.topic)  # many others end a topic like this
        return wire.Decoded(device, links=(wire.Link(device, frame.payload == b"online"),))
    if found.what != "state":
        return wire.Decoded(device)  # its log, or said to it
    if len(frame.payload) > wire.LARGEST:
        return wire.Decoded(device, faults=(wire.Fault("too_large", f"more than {wire.LARGEST} bytes"),))
    told = common.Told(frame, device)
    value = frame.payload.decode("utf-8", "replace")
    meaning = words.measure(found.object) if found.component == "sensor" else words.state(found.object) if found.component == "binary_sensor" else None
    if found.component == "event":
        happen(told, found, frame.payload)
    elif meaning and meaning.sort == "measure":
        told.measure(meaning.name, value, meaning.factor)
    elif meaning and meaning.sort == "press":
        if common.CALLS.search(found.prefix):
            told.level("sos", value)
    elif meaning:
        words.tell(told, meaning, value)
    elif found.component in READ and not words.split(found.object) & OF_THE_NODE:
        told.fault("unknown_quantity", f"{found.component} {found.object[:80]!r}: its name says nothing that is known")
    if not (told.readings or told.levels or told.signals):
        told.alive()
    return told.decoded()


def happen(told: common.Told, found: Place, payload: bytes) -> None:
    """An event entity says `{"event_type":"single"}` each time somebody presses."""
    said = common.read_object(payload) or {}
    word = said.get("event_type")
    if not isinstance(word, str):
        told.fault("not_understood", "an event without event_type")
    elif common.CALLS.search(f"{found.prefix}/{found.object}/{word}"):
        told.press(word)
    else:
        told.touched()


def encode_command(address: str, do: str, params: Mapping[str, object]) -> tuple[str, object] | None:
    """A node has the names that its owner gave: a switch called `siren`, a light called `light`."""
    on, _ = common.wanted(params)
    if do == "siren":
        return f"{address}/switch/siren/command", "ON" if on else "OFF"
    if do == "light":
        return f"{address}/light/light/command", {"state": "ON" if on else "OFF"}
    return None
