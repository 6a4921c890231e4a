"""All families together: whose a topic is, how a command is said, and that no bytes on any topic break or vanish."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from cloudfamily_gateway import dialects, wire
from cloudfamily_gateway.dialects import common
from cloudfamily_platform.alerts.rules import signals
from cloudfamily_platform.core import quantity
from cloudfamily_platform.people import quarantine

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("topic", "family"),
    [
        ("cf/v1/btn-1/signal", "own"),
        ("zigbee2mqtt/bath", "zigbee2mqtt"),
        ("zigbee2mqtt_2/bath", "zigbee2mqtt"),
        ("homeassistant/sensor/x/config", "homeassistant"),
        ("application/1/device/01/event/up", "chirpstack"),
        ("tele/plug/SENSOR", "tasmota"),
        ("stat/plug/RESULT", "tasmota"),
        ("tasmota/discovery/DC4F/config", "tasmota"),
        ("shellyplusht-b8d61a8b17cc/events/rpc", "shelly"),
        ("home/plug/status/switch:0", "shelly"),
        ("livingroom/sensor/temperature/state", "esphome"),
        ("livingroom/status", "esphome"),
        ("homes/7/temperature", ""),
        ("", ""),
    ],
)
def test_whose_a_topic_is(topic: str, family: str) -> None:
    assert dialects.family_of(topic) == family


# Commands


@pytest.mark.parametrize(
    ("family", "address", "do", "params", "topic", "said"),
    [
        ("zigbee2mqtt", "zigbee2mqtt/siren", "light", {}, "zigbee2mqtt/siren/set", {"state": "ON"}),
        (
            *("zigbee2mqtt", "zigbee2mqtt/siren", "siren", {"seconds": 30}, "zigbee2mqtt/siren/set"),
            {"warning": {"mode": "emergency", "level": "very_high", "strobe": True, "duration": 30}},
        ),
        (
            *("zigbee2mqtt", "zigbee2mqtt/siren", "siren", {"on": False}, "zigbee2mqtt/siren/set"),
            {"warning": {"mode": "stop", "level": "low", "strobe": False, "duration": 1}},
        ),
        (
            *("zigbee2mqtt", "zigbee2mqtt/siren", "test", {}, "zigbee2mqtt/siren/set"),
            {"warning": {"mode": "burglar", "level": "low", "strobe": False, "duration": 1}},
        ),
        (
            *("shelly", "shellyplus1-aa", "siren", {"seconds": 90}, "shellyplus1-aa/rpc"),
            {"id": 1, "src": "cloudfamily", "method": "Switch.Set", "params": {"id": 0, "on": True, "toggle_after": 90}},
        ),
        (
            *("shelly", "shellyplus1-aa", "light", {"on": False}, "shellyplus1-aa/rpc"),
            {"id": 1, "src": "cloudfamily", "method": "Switch.Set", "params": {"id": 0, "on": False}},
        ),
        ("tasmota", "plug_7", "siren", {}, "cmnd/plug_7/POWER", b"ON"),
        ("tasmota", "plug_7", "light", {"on": False}, "cmnd/plug_7/POWER", b"OFF"),
        ("tasmota", "plug_7", "interval", {"minutes": 5}, "cmnd/plug_7/TelePeriod", b"300"),
        ("tasmota", "zbbridge/lamp", "light", {}, "cmnd/zbbridge/ZbSend", {"Device": "lamp", "Send": {"Power": 1}}),
        ("esphome", "livingroom", "siren", {}, "livingroom/switch/siren/command", b"ON"),
        ("esphome", "livingroom", "light", {"on": False}, "livingroom/light/light/command", {"state": "OFF"}),
    ],
)
def test_how_a_command_is_said(family: str, address: str, do: str, params: dict[str, Any], topic: str, said: Any) -> None:
    found = dialects.encode_command(family, address, do, params)
    assert found is not None
    assert found[0] == topic
    assert (found[1] if isinstance(said, bytes) else json.loads(found[1])) == said
    assert not any(dialects.decode(wire.Frame(topic, found[1], AT))[1:]), "what we say ourselves, on the same broker, is nobody's word"


@pytest.mark.parametrize("family", ["own", "chirpstack", "homeassistant", "nobody", ""])
@pytest.mark.parametrize("do", ["siren", "light", "voice", "interval", "test"])
def test_what_a_family_has_no_way_to_say(family: str, do: str) -> None:
    assert dialects.encode_command(family, "x", do, {}) is None


def test_a_family_that_cannot_says_so_and_a_strange_wish_is_no_error() -> None:
    for family in dialects.COMMANDS:
        assert dialects.encode_command(family, "x", "voice", {"text": "你好"}) is None
        for nowhere in ("", "a/+", "#", "a\0", "\ud800", "a" * 2000):
            assert dialects.encode_command(family, nowhere, "siren", {}) is None
        for odd in (None, "soon", -1, 1e9, [], float("nan"), True):
            found = dialects.encode_command(family, "x", "siren", {"on": odd, "seconds": odd, "minutes": odd})
            assert found is None or isinstance(found[1], bytes)
    assert dialects.encode_command("tasmota", "plug", "interval", {"minutes": 600}) is None


# Any bytes on any topic

#: What may pass without a trace, by topic; docs/devices.md has the list in words.
PASSED_OVER = re.compile(
    r"zigbee2mqtt([-_][^/]*)?/(bridge(/(?!(state|devices|health)\Z).*)?|.+/(set|get)|.+/(set|get)/.*)|homeassistant/status"
    r"|tasmota/discovery/[^/]*/(?!config\Z).*|cmnd/.*|stat/(?!.*/RESULT\Z).*|tele/(?!.*/(LWT|STATE|SENSOR|RESULT)\Z).*"
    r"|application/[^/]*/device/[^/]*/(command/.*|event/(?!(up|status|join)\Z).*)|([^/]*/)?gateway/[^/]*/(event|state|command)/[^/]*"
    r"|.+/(command|rpc)|.+/command/[^/]*|.+/debug/log|[^/]+/debug|esphome/(discover|ping)/[^/]*",
    re.DOTALL,
)


def passes(frame: wire.Frame) -> bool:
    """A discovery that takes something back, or is our own, passes as well; so does what the broker kept and is of no time."""
    taken_back = re.fullmatch(r"(homeassistant/.*|tasmota/discovery/[^/]*)/config", frame.topic, re.DOTALL) and (not frame.payload or b"cf" in frame.payload)
    return bool(frame.retained or taken_back or PASSED_OVER.fullmatch(frame.topic))


WORDS = common.words(
    "action battery battery_low contact occupancy presence sos smoke gas fall_status last_seen linkquality voltage illuminance temperature test tamper type"
    " friendly_name definition exposes power_source name state device identifiers state_topic stat_t dev ids cmps ~ expire_after availability topic"
    " ZbReceived Wifi RSSI Signal ENERGY Power Name Device Switch1 Action Contact Occupancy TempUnit Temperature t md Time 0501!02 method params ts events"
    " event component NotifyStatus NotifyEvent flood:0 alarm switch:0 apower devicepower:0 percent sys wakeup_period input:0 deduplicationId time deviceInfo"
    " object rxInfo data batteryLevel level ERROR deviceName fCnt bn bt bu bv n u v vb bver x_ event_type"
)
VALUES = ["emergency", "single", "ON", "online", "true", "2026-11-23T08:00:00Z", "cf/v1/x/reading", "zigbee2mqtt/x", "sos", "\0", "\ud800", "呼叫"]
TOPICS = [
    "zigbee2mqtt/sos bath",
    "zigbee2mqtt/hall/x/action",
    "zigbee2mqtt-2/x/availability",
    "zigbee2mqtt/bridge/devices",
    "zigbee2mqtt/bridge/state",
    "homeassistant/sensor/a/b/config",
    "homeassistant/device/a/config",
    "homeassistant/a/config/x",
    "application/1/device/0102/event/up",
    "application/1/device/0102/event/status",
    "application/1/device/0102/event/log",
    "tele/sos/SENSOR",
    "tele/x/STATE",
    "tele/x/LWT",
    "stat/hall_motion/RESULT",
    "tasmota/discovery/AA/config",
    "sos-1/events/rpc",
    "x/status/flood:0",
    "x/online",
    "x/sensor/temperature/state",
    "x/binary_sensor/sos/state",
    "x/event/sos/state",
    "x/status",
    "cf/v1/hub-1/senml",
]
scalars = some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=6) | some.sampled_from(VALUES)
trees = some.recursive(
    scalars,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.sampled_from(sorted(WORDS)) | some.text(max_size=4), inner, max_size=6),
    max_leaves=14,
)
payloads = (
    some.binary(max_size=60) | trees.map(lambda tree: json.dumps(tree).encode()) | some.sampled_from([value.encode("utf-8", "ignore") for value in VALUES])
)
levels = some.sampled_from(
    sorted(
        common.words(
            "zigbee2mqtt zigbee2mqtt-2 homeassistant application device event up tele stat cmnd tasmota discovery x sos status online rpc events state command"
            " sensor binary_sensor switch:0 config bridge devices set get availability action gateway cf v1 senml debug esphome"
        )
    )
) | some.text(max_size=5)
topics = some.sampled_from(TOPICS) | some.lists(levels, max_size=6).map("/".join) | some.text(max_size=30)


@settings(max_examples=600, deadline=None)
@given(topic=topics, payload=payloads, hub=some.sampled_from([None, "edge-7"]), retained=some.booleans())
@example(topic="zigbee2mqtt/x", payload=b"[" * 30_000, hub=None, retained=False)
@example(topic="zigbee2mqtt/bridge/devices", payload=b"[" + b"{}," * 20_000, hub=None, retained=False)
@example(topic="tele/x/SENSOR", payload=b'{"ENERGY":{"Power":[1e308,1e308]}}', hub=None, retained=False)
@example(topic="application/1/device/1/event/up", payload=b'{"object":' + b'{"a":' * 5000 + b"1" + b"}" * 5001, hub=None, retained=False)
@example(topic="zigbee2mqtt/x", payload=b'{"last_seen":1e400,"battery":' + b"9" * 400 + b"}", hub=None, retained=False)
def test_any_bytes_on_any_topic_break_nothing_and_leave_a_trace(topic: str, payload: bytes, hub: str | None, retained: bool) -> None:
    frame = wire.Frame(topic, payload, AT, hub, retained)
    decoded = dialects.decode(frame)
    assert "decoder_failed" not in [one.reason for one in decoded.faults], decoded.faults
    assert any(decoded[1:]) or passes(frame), "a frame vanished"
    assert dialects.decode(frame) == decoded, "the same frame says the same"
    own = dialects.family_of(topic) == "own"
    if retained and not own:
        assert (decoded.readings, decoded.signals) == ((), ()), "what the broker kept is of no time"
    for reading in decoded.readings:
        known = quantity.BY_NUMBER[reading.quantity]
        assert known.lowest <= reading.value <= known.highest
        assert reading.time.tzinfo is not None
    for signal in decoded.signals:
        assert signal.kind in (*signals.SEVERITY, *signals.NO_HAZARD, "unreadable")
    for level in decoded.levels:
        assert (level.kind in signals.SEVERITY, level.at) == (True, None)
    for announced in decoded.announcements:
        assert announced.kind in quarantine.KINDS
        assert announced.report_minutes is None or 1 <= announced.report_minutes <= 44_640
        assert wire.DEVICE.match(announced.device)
    spoke = [*decoded.readings, *decoded.signals, *decoded.levels, *decoded.links]
    assert all(wire.DEVICE.match(one.device) for one in spoke)
    assert decoded.device is None or wire.DEVICE.match(decoded.device)
