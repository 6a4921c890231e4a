"""What the home does by itself: pure rules from a call, and how long nobody in the city has heard it, to sirens and lights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec

#: The edge's own answer to a press: heard at home and kept, not in the city yet. A button goes on repeating.
HEARD_AT_HOME = "heard_at_home"
#: A press of a kind that nobody knows, or that cannot be read, is a call for help, as it is for the platform.
KNOWN = ("sos", "fall", "smoke", "gas", "co", "water_leak", "tamper")

Seconds = Annotated[int, msgspec.Meta(ge=0, le=3600)]
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
    params: dict[str, object] = {}
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
    """What to publish on the local broker."""

    topic: str
    payload: bytes


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


def acts(rule: Rule, number: int) -> Iterator[Act]:
    """`number` tells this act from others; below zero, so that nobody takes it for a command of the platform."""
    for device in rule.devices:
        said = {"id": number, "do": rule.do, "params": {"seconds": rule.seconds, **rule.params}}
        yield Act(f"cf/v1/{device}/command", msgspec.json.encode(said))
    if rule.topic is not None:
        yield Act(rule.topic, rule.payload.encode())
