"""What goes down to devices: answers and commands. What they hear is never sent up as if they had said it."""

from __future__ import annotations

import re
from typing import NamedTuple

from cloudfamily_gateway import wire

#: As filters: our own; Zigbee2MQTT; Shelly; Tasmota; ESPHome.
HEARD = (wire.ANSWERS, wire.COMMANDS, "+/+/set", "+/rpc", "cmnd/+/+", "+/switch/+/command", "+/light/+/command")
EXPRESSION = re.compile("|".join(one.replace("+", "[^/]+") for one in HEARD))


class Down(NamedTuple):
    """An answer or a command from the city; acknowledged there once the local broker has it."""

    connection: int
    mid: int
    qos: int
    topic: str
    payload: bytes


def heard_by_devices(topic: str) -> bool:
    return EXPRESSION.fullmatch(topic) is not None
