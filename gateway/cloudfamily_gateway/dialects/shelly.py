"""Shelly, second generation and later: `<prefix>/events/rpc`, `<prefix>/status/<component>`, `<prefix>/online`.

Read in shelly-api-docs.shelly.cloud: gen2/General/Notifications, gen2/ComponentsAndServices (Mqtt, Flood, Smoke, Input, Sys).
A prefix is the device's id unless its owner chose another.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from cloudfamily_gateway import wire
from cloudfamily_gateway.dialects import common, words

FAMILY = "shelly"
#: Component → its fields that are values: path and quantity.
MEASURES: dict[str, tuple[tuple[tuple[str, ...], str], ...]] = {
    "temperature": ((("tC",), "temperature"),),
    "humidity": ((("rh",), "humidity"),),
    "illuminance": ((("lux",), "illuminance"),),
    "devicepower": ((("battery", "percent"), "battery"), (("battery", "V"), "voltage")),
    "switch": ((("apower",), "power"), (("voltage",), "voltage")),
    "light": ((("apower",), "power"), (("voltage",), "voltage")),
    "cover": ((("apower",), "power"), (("voltage",), "voltage")),
    "pm1": ((("apower",), "power"), (("voltage",), "voltage")),
    "em": ((("total_act_power",), "power"),),
    "em1": ((("act_power",), "power"), (("voltage",), "voltage")),
    "voltmeter": ((("voltage",), "voltage"),),
    "wifi": ((("rssi",), "rssi"),),
}
LEVELS = {"flood": "water_leak", "smoke": "smoke"}
KINDS = {"flood": "water", "smoke": "smoke", "temperature": "temperature", "presencezone": "motion"}
PUSHES = ("single_push", "double_push", "triple_push", "long_push")
#: Components of a device's own matters, and those of which we take nothing.
OTHERS = common.words(
    "sys cloud mqtt ws ble bthome bthomedevice bthomesensor input button boolean number text enum group eth matter modbus script thermostat "
    "presence presencezone emdata em1data rgb rgbw cct dali ui plugs_ui service knx blutrv"
)
COMPONENT = re.compile(rf"^({'|'.join([*MEASURES, *LEVELS, *OTHERS])})(:\d+)?\Z")
#: They say `online false` each time they go to sleep.
SLEEPERS = re.compile(r"^shelly(plusht|plussmoke|htg|flood|smoke)", re.IGNORECASE)


class Place(NamedTuple):
    prefix: str
    #: "rpc", "online", "status", or "other": what is said to the device.
    what: str
    component: str = ""


def place(topic: str) -> Place | None:
    parts = topic.split("/")
    if len(parts) < 2 or not parts[0]:
        return None
    if len(parts) >= 3 and parts[-2:] == ["events", "rpc"]:
        return Place("/".join(parts[:-2]), "rpc")
    if len(parts) >= 3 and parts[-2] == "status" and COMPONENT.match(parts[-1]):
        return Place("/".join(parts[:-2]), "status", parts[-1])
    if len(parts) >= 3 and ((parts[-2] == "command" and COMPONENT.match(parts[-1])) or parts[-2:] == ["debug", "log"]):
        return Place("/".join(parts[:-2]), "other")
    if parts[-1] in ("online", "rpc", "command"):
        return Place("/".join(parts[:-1]), "online" if parts[-1] == "online" else "other")
    return None


def code(hub: str | None, prefix: str) -> str:
    return wire.device_code(hub or "", "shelly", prefix)


def device_of(topic: str, hub: str | None, called: str = "") -> tuple[str, str] | None:
    found = place(topic)
    return (code(hub, found.prefix), found.prefix) if found else None


def decode(frame: wire.Frame) -> wire.Decoded:
    found = place(frame.topic)
    if found is None:
        return common.wrong_topic(frame.topic)
    device = code(frame.hub, found.prefix)
    if found.what == "other":
        return wire.Decoded(device)
    if len(frame.payload) > wire.LARGEST:
        return wire.Decoded(device, faults=(wire.Fault("too_large", f"more than {wire.LARGEST} bytes"),))
    if found.what == "online":
        return decode_online(frame, found.prefix, device)
    said = common.read_object(frame.payload)
    if said is None:
        return common.not_understood(device, "no JSON object")
    if found.what == "status":
        return decode_status(frame, found.prefix, device, {found.component: said})
    params = said.get("params")
    if not isinstance(params, dict):
        return common.not_understood(device, "a notification without params")
    if said.get("method") in ("NotifyStatus", "NotifyFullStatus"):
        return decode_status(frame, found.prefix, device, params)
    if said.get("method") == "NotifyEvent":
        return decode_events(frame, found.prefix, device, params)
    return common.not_understood(device, f"method {str(said.get('method'))[:40]!r} is not known")


def decode_online(frame: wire.Frame, prefix: str, device: str) -> wire.Decoded:
    if frame.payload not in (b"true", b"false"):
        return common.wrong_topic(frame.topic)  # many others end a topic like this
    online = frame.payload == b"true"
    announced = (wire.Announcement(device, FAMILY, vendor="Shelly", model=model_of(prefix), address=prefix),) if online else ()
    asleep = not online and SLEEPERS.match(prefix)
    return wire.Decoded(device, announcements=announced, links=() if asleep else (wire.Link(device, online),))


def decode_status(frame: wire.Frame, prefix: str, device: str, params: dict[str, Any]) -> wire.Decoded:
    """The whole state, or the part that has changed: every part is taken for what it says."""
    told = common.Told(frame, device, common.when(params.get("ts")))
    for key, state in params.items():
        if isinstance(state, dict):
            read_component(told, prefix, key.partition(":")[0], state)
    if told.empty:
        told.alive()
    return told.decoded(announcements=announcements(device, prefix, params))


def read_component(told: common.Told, prefix: str, component: str, state: dict[str, Any]) -> None:
    for path, quantity in MEASURES.get(component, ()):
        value: Any = state
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        told.measure(quantity, value)
    if component in LEVELS and "alarm" in state:
        told.level(LEVELS[component], state["alarm"])
    if component == "presencezone" and "state" in state:
        told.state("motion", state["state"])
    if component == "input" and state.get("state") is not None:  # what hangs on it, only the prefix says
        meaning = words.state(prefix)
        if common.CALLS.search(prefix):
            told.level("sos", state["state"])
        elif meaning and meaning.sort in ("alarm", "state"):
            words.tell(told, meaning, state["state"])


def announcements(device: str, prefix: str, params: dict[str, Any]) -> tuple[wire.Announcement, ...]:
    """A device that sleeps says how often it wakes."""
    system = params.get("sys")
    period = common.number(system.get("wakeup_period")) if isinstance(system, dict) else None
    if not period or period < 0:
        return ()
    kinds = {KINDS[name] for name in (key.partition(":")[0] for key in params) if name in KINDS}
    kind = next((one for one in ("smoke", "water", "motion", "temperature") if one in kinds), "other")
    minutes = min(max(math.ceil(period / 60), 1), 44_640)
    return (wire.Announcement(device, FAMILY, kind, "Shelly", model_of(prefix), report_minutes=minutes, mains=False, address=prefix),)


def decode_events(frame: wire.Frame, prefix: str, device: str, params: dict[str, Any]) -> wire.Decoded:
    """Each push of a button once, however often the broker gives it out. Only where the prefix says so does it call for help."""
    events = params.get("events")
    if not isinstance(events, list):
        return common.not_understood(device, "NotifyEvent without events")
    told = common.Told(frame, device, common.when(params.get("ts")))
    for event in events[:20]:
        if not isinstance(event, dict) or event.get("event") not in PUSHES:
            continue
        if common.CALLS.search(prefix):
            stamp = event.get("ts") or params.get("ts")
            told.happened("sos", f"{event.get('component')}/{event['event']}@{stamp}" if stamp else "", str(event["event"]))
        else:
            told.touched()
    if told.empty:
        told.alive()
    return told.decoded()


def model_of(prefix: str) -> str | None:
    name, _, mac = prefix.rpartition("-")
    return name if name.startswith("shelly") and re.fullmatch(r"[0-9a-fA-F]{12}", mac) else None


def encode_command(address: str, do: str, params: Mapping[str, object]) -> tuple[str, object] | None:
    """Switch.Set of its first relay, by RPC (on unless its owner forbade it); a siren goes off by itself after `seconds`."""
    on, seconds = common.wanted(params)
    if do not in ("siren", "light"):
        return None
    wanted: dict[str, object] = {"id": 0, "on": on}
    if do == "siren" and on:
        wanted["toggle_after"] = seconds
    return f"{address}/rpc", {"id": 1, "src": "cloudfamily", "method": "Switch.Set", "params": wanted}
