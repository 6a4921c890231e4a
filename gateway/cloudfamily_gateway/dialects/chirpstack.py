"""ChirpStack v4 (LoRaWAN): `application/<id>/device/<devEui>/event/<type>`, JSON.

Read in chirpstack/chirpstack-docs: integrations/events.md, and integration.proto. Fields that are zero are left out. The
payload itself is decoded by the codec of the device profile, `object`; its names are taken by their words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cloudfamily_gateway import wire
from cloudfamily_gateway.dialects import common, words

FAMILY = "chirpstack"
#: Fields of an object past this many are not looked at, nor deeper than this.
MOST_FIELDS, DEEPEST = 60, 3
#: A state may be told by a count.
COUNTED = ("motion",)


class Place(NamedTuple):
    application: str
    eui: str
    #: "up", "status", "join", …; "" for what is said to the device.
    event: str


def place(topic: str) -> Place | None:
    parts = topic.split("/")
    if len(parts) != 6 or parts[0] != "application" or parts[2] != "device" or not parts[3] or parts[4] not in ("event", "command"):
        return None
    return Place(parts[1], parts[3].lower(), parts[5] if parts[4] == "event" else "")


def of_gateway(topic: str) -> bool:
    """`eu868/gateway/<id>/event/up` and the like: radio frames between a LoRaWAN gateway and ChirpStack, not for us."""
    parts = topic.split("/")
    at = 0 if parts[0] == "gateway" else 1
    return len(parts) == at + 4 and parts[at] == "gateway" and parts[at + 2] in ("event", "state", "command")


def device_of(topic: str, hub: str | None, called: str = "") -> tuple[str, str] | None:
    found = place(topic)
    return (wire.device_code(hub or "", "lora", found.eui), address(found)) if found else None


def address(found: Place) -> str:
    return f"application/{found.application}/device/{found.eui}"


def decode(frame: wire.Frame) -> wire.Decoded:
    found = place(frame.topic)
    if found is None:
        return wire.Decoded(None) if of_gateway(frame.topic) else common.wrong_topic(frame.topic)
    device = wire.device_code(frame.hub or "", "lora", found.eui)
    if found.event not in ("up", "status", "join", "log"):
        return wire.Decoded(device)
    if len(frame.payload) > wire.LARGEST:
        return wire.Decoded(device, faults=(wire.Fault("too_large", f"more than {wire.LARGEST} bytes"),))
    said = common.read_object(frame.payload)
    if said is None:
        return common.not_understood(device, "no JSON object: the integration must send JSON")
    if found.event == "log":
        failed = said.get("level") == "ERROR"
        return common.not_understood(device, f"{said.get('code')}: {said.get('description')}") if failed else wire.Decoded(device)
    info = said.get("deviceInfo")
    known: dict[str, Any] = info if isinstance(info, dict) else {}
    told = common.Told(frame, device, common.when(said.get("time")))
    if found.event == "status":
        read_status(told, said)
    elif found.event == "up":
        read_uplink(told, known, said)
    if not (told.readings or told.signals or told.levels):
        told.alive()
    mains = True if said.get("externalPowerSource") is True else None
    name, model = common.text(known.get("deviceName")), common.text(known.get("deviceProfileName"))
    return told.decoded(announcements=(wire.Announcement(device, FAMILY, model=model, name=name, mains=mains, address=address(found)),))


def read_status(told: common.Told, said: dict[str, Any]) -> None:
    """Without a level, and without a reason for none, it is 0 %: zero is left out."""
    if said.get("externalPowerSource") is not True and said.get("batteryLevelUnavailable") is not True:
        told.measure("battery", said.get("batteryLevel", 0))


def read_uplink(told: common.Told, known: dict[str, Any], said: dict[str, Any]) -> None:
    heard = said.get("rxInfo")
    strengths = [common.number(one.get("rssi", 0)) for one in heard if isinstance(one, dict)] if isinstance(heard, list) else []
    told.measure("rssi", max((one for one in strengths if one is not None), default=None))
    fields = said.get("object")
    if not isinstance(fields, dict):
        if said.get("data"):
            told.fault("no_codec", "the device profile has no codec: set one in ChirpStack, else nobody can read what this device says")
        return
    calls = any(common.CALLS.search(str(known.get(name) or "")) for name in ("deviceName", "deviceProfileName"))
    # An uplink is a word of its own, and comes once for each number that ChirpStack gives it.
    once = str(said.get("deduplicationId") or f"{said.get('fCnt', 0)}@{told.time.isoformat()}")
    understood, unknown = 0, list[str]()
    for name, value in flat(fields):
        if read_field(told, name, value, calls, once):
            understood += 1
        else:
            unknown.append(name)
    if not understood and unknown:
        told.fault("unknown_quantity", f"none of {', '.join(unknown[:10])} says anything that is known")


def flat(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    waiting: list[tuple[str, Any, int]] = [(str(name), value, 1) for name, value in fields.items()]
    for _ in range(MOST_FIELDS):
        if not waiting:
            return
        name, value, depth = waiting.pop(0)
        if isinstance(value, dict) and depth < DEEPEST:
            waiting += [(f"{name}_{inner}", one, depth + 1) for inner, one in value.items()]
        elif not isinstance(value, list | dict):
            yield name[:100], value


def read_field(told: common.Told, name: str, value: object, calls: bool, once: str) -> bool:
    """Whether a field of the codec's object was understood."""
    meaning = None if isinstance(value, bool) or common.number(value) is None else words.measure(name)
    if meaning is not None:
        told.measure(meaning.name, value, meaning.factor)
        return True
    meaning = words.state(name)
    if meaning is None:
        return False
    amount = common.number(value)
    found = common.truth(amount > 0 if amount is not None and meaning.name in COUNTED else value)
    if meaning.sort == "press":
        if common.says_nothing(value) or found is False:
            return True
        if calls:
            told.happened("sos", once, str(value))
        else:
            told.touched()
    elif meaning.sort == "alarm" and meaning.name != "tamper" and found is not None:
        # A sensor that only speaks when something happens never says that it is over: each word counts, none stands.
        if found:
            told.happened(meaning.name, once)
    else:
        words.tell(told, meaning, found if found is not None else value)
    return True


def encode_command(address: str, do: str, params: Mapping[str, object]) -> tuple[str, object] | None:
    """None: a downlink's bytes are each maker's own."""
    return None
