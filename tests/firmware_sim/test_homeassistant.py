"""What a device says to Home Assistant, and that the documentation's example is what it says."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cloudfamily_platform.core import quantity
from cloudfamily_sim import homeassistant
from cloudfamily_sim.button import Button
from cloudfamily_sim.devices import MotionSensor
from cloudfamily_sim.fleet import Fleet, SimDevice, SimHome

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
PROTOCOL = Path(__file__).parents[2] / "docs" / "protocol.md"


def test_every_quantity_but_a_press_has_a_look() -> None:
    assert set(homeassistant.LOOKS) == {one.name for one in quantity.ALL if one.number != quantity.PRESS}
    for one in quantity.ALL:
        if one.name in homeassistant.LOOKS and homeassistant.LOOKS[one.name].platform == "sensor":
            assert homeassistant.LOOKS[one.name].unit == one.unit


def test_the_example_of_the_documentation_is_what_a_device_says() -> None:
    section = PROTOCOL.read_text(encoding="utf-8").split("## Home Assistant sees it too")[1]
    example = re.search(r"```json\n(.*?)```", section, re.S)
    assert example
    said = homeassistant.discovery("th-0042", quantities=("temperature", "battery"), report_minutes=60, name="Living room")
    assert said.topic in section
    assert said.retain
    assert json.loads(example[1]) == json.loads(said.payload)


def test_a_device_announces_itself_once_after_it_starts_and_only_when_asked() -> None:
    def topics(homeassistant: bool) -> list[str]:
        fleet = Fleet([SimHome("H", (SimDevice("b", "button"), SimDevice("d", "door")), 1)], introduce=True, homeassistant=homeassistant)
        fleet.start(NOW)
        said = []
        while fleet.next_at and (fleet.next_at - NOW).total_seconds() < 600:
            said += [publish.topic for publish in fleet.step(fleet.next_at) if not publish.is_reading]
        return sorted(said)

    plain = ["cf/v1/b/info", "cf/v1/b/status", "cf/v1/d/info", "cf/v1/d/status"]
    assert topics(False) == plain
    assert topics(True) == [*plain, "homeassistant/device/b/config", "homeassistant/device/d/config"]


def test_a_button_is_an_event_and_a_motion_sensor_is_on_or_off() -> None:
    button, motion = Button("b", first_at=NOW), MotionSensor("m", first_at=NOW)
    found = []
    for device in (button, motion):
        device.homeassistant = True
        device.boot(NOW)
        found.append(json.loads(device.outbox(NOW)[2].payload)["components"])
    assert found[0]["signal"]["event_types"] == ["fall", "sos"]
    assert found[0]["signal"]["state_topic"] == "cf/v1/b/signal"
    assert found[1]["motion"]["platform"] == "binary_sensor"
    assert set(found[1]) == {"motion", "battery"}
    assert all("value_json.values" not in one["value_template"] for one in found[1].values()), "that is a method of a dict in a template"


def test_an_unknown_quantity_is_refused() -> None:
    with pytest.raises(KeyError):
        homeassistant.discovery("x", quantities=("mood",), report_minutes=60)
