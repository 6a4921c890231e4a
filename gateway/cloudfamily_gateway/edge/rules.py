"""What the home does by itself: pure rules from a call, and how long nobody in the city has heard it, to sirens and lights."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec

#: The edge's own answer to a press: heard at home and kept, not in the city yet. A button goes on repeating.
HEARD_AT_HOME = "heard_at_home"
#: A press of a kind that nobody knows, or that cannot be read, is a call for help, as it is for the platform.
KNOWN = ("sos", "fall", "smoke", "gas", "co", "water_leak", "tamper")

#: The platform counts its commands from 1; here begin the numbers of those that a home gives by itself.
OWN_IDS = 2**52
#: A siren that hears this later than that is not to begin any more.
LIVES_SECONDS = 60

Seconds = Annotated[int, msgspec.Meta(ge=1, le=600)]
Device = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}\Z")]
Topic = Annotated[str, msgspec.Meta(pattern=r"^[^+#\x00]{1,500}\Z")]


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For calls of these kinds, these devices do this."""

    kinds: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    #: Devices of our own protocol, by their codes; they hear `cf/v1/{device}/command`.
    devices: tuple[Device, ...] = ()
    do: Literal["siren", "light"] = "siren"
    #: How long they do it.
    seconds: Seconds = 180
    #: Of a light: on or blink, and a colour.
    mode: Literal["on", "blink"] = "blink"
    colour: Literal["white", "red", "amber", "green", "blue"] | None = None
    #: alone: only when nobody in the city has heard the call. always: at once, whoever hears it.
    when: Literal["alone", "always"] = "alone"
    #: For devices of others: what to say on which topic, in their own words.
    topic: Topic | None = None
    payload: str = ""


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A home's file of rules. `alone_after_seconds`: so long may the city take to hear a call before the home acts alone."""

    alone_after_seconds: Annotated[float, msgspec.Meta(ge=0, le=600)] = 10.0
    rule: tuple[Rule, ...] = ()


class Act(msgspec.Struct, frozen=True):
    """What to publish on the local broker, and in how many seconds."""

    topic: str
    payload: bytes
    after_seconds: float = 0.0


def read(file: Path | None) -> Rules:
    """The rules of a file; none without one. Raises ValueError with a sentence, and OSError."""
    if file is None:
        return Rules()
    try:
        rules = msgspec.toml.decode(file.read_bytes(), type=Rules)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"The rules in {file} cannot be used: {error}. docs/edge.md shows how they are written.") from error
    for number, rule in enumerate(rules.rule, 1):
        if not rule.devices and rule.topic is None:
            raise ValueError(f"Rule {number} in {file} moves nothing: give it devices, or a topic and a payload.")
    return rules


def alone(heard_at: float, now: float, down_since: float | None, rules: Rules) -> bool:
    """Whether the home must act by itself on a call heard at `heard_at` that nobody in the city has answered. Times in seconds of
    one clock; `down_since`: None while the uplink is there."""
    return now - (heard_at if down_since is None else min(heard_at, down_since)) >= rules.alone_after_seconds


def matches(rule: Rule, kinds: tuple[str, ...], *, pressed: bool) -> bool:
    """`pressed`: the call came as a signal of our own protocol, where every message is one for help."""
    return any((kind if kind in KNOWN or not pressed else "sos") in rule.kinds for kind in kinds)


def acts(rule: Rule, now_ms: int, count: int) -> Iterator[Act]:
    """The commands of docs/protocol.md. A siren falls silent by itself, a light is told to. `count`: of the rules that have acted."""
    number = OWN_IDS + now_ms * 200 + count % 100 * 2
    for device in rule.devices:
        if rule.do == "siren":
            yield command(device, number, "siren", {"seconds": rule.seconds}, now_ms)
            continue
        colour = {"colour": rule.colour} if rule.colour else {}
        yield command(device, number, "light", {"mode": rule.mode, **colour}, now_ms)
        yield command(device, number + 1, "light", {"mode": "off"}, now_ms, rule.seconds)
    if rule.topic is not None:
        yield Act(rule.topic, rule.payload.encode())


def command(device: str, number: int, do: str, params: dict[str, object], now_ms: int, after_seconds: int = 0) -> Act:
    until = datetime.fromtimestamp(now_ms // 1000 + after_seconds + LIVES_SECONDS, UTC)
    said = {"id": number, "do": do, "params": params, "until": until}
    return Act(f"cf/v1/{device}/command", msgspec.json.encode(said), after_seconds)
