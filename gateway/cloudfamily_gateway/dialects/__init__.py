"""Dialects, one file per device family: pure functions from a frame to readings, signals and faults. Chosen by topic."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog

from cloudfamily_gateway import wire
from cloudfamily_gateway.dialects import chirpstack, common, esphome, homeassistant, own, shelly, tasmota, zigbee2mqtt

log = structlog.get_logger()
Decoder = Callable[[wire.Frame], wire.Decoded]
#: First level of the topic → decoder. A new family adds its file and a line here, or in BY_SHAPE.
BY_TOPIC: dict[str, Decoder] = {
    "cf": own.decode,
    "zigbee2mqtt": zigbee2mqtt.decode,
    "homeassistant": homeassistant.decode,
    "application": chirpstack.decode,
    "tele": tasmota.decode,
    "stat": tasmota.decode,
    "cmnd": tasmota.decode,
    "tasmota": tasmota.decode,
}
#: Families whose first level its owner chooses, asked in this order.
BY_SHAPE: tuple[tuple[Callable[[str], object], Decoder], ...] = (
    (zigbee2mqtt.place, zigbee2mqtt.decode),
    (chirpstack.of_gateway, chirpstack.decode),
    (shelly.place, shelly.decode),
    (esphome.place, esphome.decode),
)
FAMILIES: dict[Decoder, str] = {
    own.decode: "own",
    zigbee2mqtt.decode: zigbee2mqtt.FAMILY,
    homeassistant.decode: homeassistant.FAMILY,
    chirpstack.decode: chirpstack.FAMILY,
    tasmota.decode: tasmota.FAMILY,
    shelly.decode: shelly.FAMILY,
    esphome.decode: esphome.FAMILY,
}
COMMANDS = {one.FAMILY: one.encode_command for one in (zigbee2mqtt, chirpstack, tasmota, shelly, esphome)}


def decode(frame: wire.Frame) -> wire.Decoded:
    """Never raises: what cannot be understood comes back as a fault."""
    decoder = BY_TOPIC.get(frame.topic.partition("/")[0]) or by_shape(frame.topic)
    if decoder is None:
        return common.wrong_topic(frame.topic)
    try:
        return decoder(frame)
    except Exception as error:  # a decoder's mistake costs its own frame, never the lane
        log.exception("decoder_failed", topic=frame.topic[:200])
        return wire.Decoded(None, faults=(wire.Fault("decoder_failed", f"{type(error).__name__}: {error}"[:300]),))


def by_shape(topic: str) -> Decoder | None:
    return next((decoder for fits, decoder in BY_SHAPE if fits(topic)), None)


def family_of(topic: str) -> str:
    """Name of the family that speaks on a topic, as the device said it: "own", "zigbee2mqtt", …; "" for nobody's."""
    decoder = BY_TOPIC.get(topic.partition("/")[0]) or by_shape(topic)
    return FAMILIES.get(decoder, "") if decoder else ""


def encode_command(family: str, address: str, do: str, params: Mapping[str, object]) -> tuple[str, bytes] | None:
    """Topic and payload that tell a device of a family to do something; None: the family has no way to say it, or is our own.

    `do` is siren, light, voice, interval or test; `params` are `on` (true), `seconds` of a siren (60), `minutes` of an interval.
    `address` is the announcement's; the edge before the device is not in the topic.
    """
    encode = COMMANDS.get(family)
    found = encode(address, do, params) if encode and common.is_address(address) else None
    if found is None:
        return None
    topic, said = found
    return topic, said.encode() if isinstance(said, str) else wire.encode(said)
