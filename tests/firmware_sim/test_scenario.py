"""Stories: what can be read, what cannot and why, and how they are played on a virtual clock."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cloudfamily_sim import play, scenario
from cloudfamily_sim.encode import Publish
from cloudfamily_sim.fleet import Fleet, SimDevice, SimHome
from cloudfamily_sim.play import Play
from cloudfamily_sim.scenario import BadStory, Story

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)  # twelve o'clock in Guangxi
ZONE = ZoneInfo("Asia/Shanghai")
MINUTE = timedelta(minutes=1)
HEAD = "title: x\nbegins: 03:10\nsteps:\n"


def homes(story: Story) -> list[SimHome]:
    return [SimHome(f"H-{n}", tuple(SimDevice(f"H-{n}-{kind}", kind) for kind in story.devices), n) for n in range(1, story.homes + 1)]


def told(story: Story, seed: int = 0, **more: Any) -> tuple[list[tuple[timedelta, Publish]], Fleet]:
    """What the homes say from noon on, while the story's clock shows its own hour; and five minutes after."""
    fleet = Fleet(homes(story), zone=ZONE, seed=seed, ahead=play.ahead(story, NOON, ZONE), **more)
    fleet.start(NOON)
    fleet.plays.append(Play(fleet, story, fleet.homes, NOON))
    said, now = [], NOON
    while now <= NOON + story.lasts + 5 * MINUTE:
        said += [(now - NOON, publish) for publish in fleet.step(now)]
        assert fleet.next_at
        now = max(now, fleet.next_at)
    return said, fleet


def values(publish: Publish) -> dict[str, float]:
    found: dict[str, float] = json.loads(publish.payload).get("values", {})
    return found


@pytest.mark.parametrize("name", scenario.names())
def test_the_stories_at_hand_play_and_repeat_exactly(name: str) -> None:
    story = scenario.load(name)
    once, again = told(story)[0], told(story)[0]
    assert once == again
    assert len(once) > 5
    assert {step.text(story.begins)[:5] for step in story.steps}


def test_a_fall_at_night_is_two_movements_a_silence_and_a_call() -> None:
    said, fleet = told(scenario.load("fall-at-night"))
    moved = [(at, publish.topic.split("/")[2]) for at, publish in said if values(publish).get("motion") == 1]
    assert moved == [(MINUTE, "H-1-motion_bedroom"), (100 * timedelta(seconds=1), "H-1-motion_bathroom")]
    calls = [(at, json.loads(publish.payload)) for at, publish in said if publish.is_signal]
    assert calls[0][0] == 7 * MINUTE
    assert calls[0][1]["kind"] == "fall"
    assert calls[0][1]["t"] == "2026-11-23T04:07:00.000Z", "the true time: it is noon"
    assert fleet.counters.presses == 1


def test_in_a_power_cut_everybody_falls_silent_and_the_press_comes_first_when_it_ends() -> None:
    said, _ = told(scenario.load("power-cut"))
    assert not [at for at, _ in said if MINUTE < at < 6 * MINUTE]
    back = [publish for at, publish in said if at == 6 * MINUTE]
    assert len({publish.topic.split("/")[2] for publish in back}) > 100
    (call,) = [publish for publish in back if publish.is_signal]
    assert call.topic == "cf/v1/H-7-button/signal"
    assert json.loads(call.payload)["t"] == "2026-11-23T04:03:00.000Z"


def test_a_door_stays_open_and_its_battery_is_low() -> None:
    said, _ = told(scenario.load("forgotten-door"))
    door = [values(publish) for _, publish in said if "door" in values(publish)]
    assert {"door": 1.0} in [{"door": reading["door"]} for reading in door]
    assert door[-1]["door"] == 1
    assert any(values(publish).get("battery") == 9 for _, publish in said if "H-1-door" in publish.topic)


def test_a_story_past_midnight_goes_on() -> None:
    story = scenario.read("title: x\nbegins: 23:59\nsteps:\n - {at: 23:59:30, do: heal}\n - {at: 00:01, do: heal}\n")
    assert [step.at for step in story.steps] == [MINUTE / 2, 2 * MINUTE]


def test_faults_batteries_and_deaths_come_over_devices() -> None:
    text = HEAD + " - {at: 03:10, do: fault, device: hub, fault: flood}\n - {at: 03:11, do: die, device: temperature}\n - {at: 03:12, do: heal}\n"
    said, fleet = told(scenario.read(text))
    hub = [at for at, publish in said if "H-1-hub" in publish.topic]
    assert len([at for at in hub if at < 2 * MINUTE]) >= 20
    assert len([at for at in hub if at > 2 * MINUTE]) <= 6
    assert not [at for at, publish in said if "temperature" in publish.topic and MINUTE < at < 2 * MINUTE]
    assert fleet.devices["H-1-temperature"].alive(NOON)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "line 1: nothing is here; a story has title, begins, homes, devices, steps"),
        ("- 1", "line 1: here stand title, begins"),
        ("title: x\nbegins: 03:10\n", "line 1: 'steps' is missing"),
        ("title: x\nbegins: 3pm\nsteps: []", "line 2: '3pm': write a time of the day like 03:12"),
        ("title: x\nbegins: 03:10\nhome: 1\nsteps: []", "line 3: 'home' is not known here; it may be title, begins, homes, devices, steps"),
        ("title: x\ntitle: y\nbegins: 03:10\nsteps: []", "line 2: 'title' stands here twice"),
        ("title: x\nbegins: 03:10\nsteps: []", "line 3: 0 steps; a story has 1 to 500"),
        ("title: x\nbegins: 03:10\nhomes: 0\nsteps: []", "line 3: '0': write a number from 1 to 10000"),
        ("title: x\nbegins: 03:10\ndevices: [oven]\nsteps: []", "line 3: 'oven' is not known here; it may be button,"),
        (HEAD + " - {at: 03:12, do: sing}", "line 4: 'sing' is not known here; it may be call, move, open, close, still,"),
        (HEAD + " - {at: 03:12, do: call}", "line 4: 'call' needs 'device'"),
        (HEAD + " - {at: 03:12, do: call, device: door}", "line 4: 'door' is not known here; it may be button"),
        (HEAD + " - {at: 03:12, do: call, device: smoke}", "line 4: 'smoke' is not known here; it may be button"),
        (HEAD + " - {at: 03:12, do: open, device: door, for: 3m}", "line 4: 'open' has no 'for'"),
        (HEAD + " - {at: 03:12, do: still, for: a while}", "line 4: 'a while': write a time like 30s, 20m or 2h"),
        (HEAD + " - {at: 03:12, do: fault, fault: rain}", "line 4: 'rain' is not known here; it may be drop, duplicate,"),
        (HEAD + " - {at: 03:12, do: heal, home: 2}", "line 4: '2': write a number from 1 to 1 or all"),
        (HEAD + " - {at: 03:12, do: heal}\n - {at: 03:11, do: heal}", "line 5: this is before the step above it"),
        (HEAD + " - {at: 03:12, do: heal", "line 4: "),
        ("title: !!python/object:os.system x\nbegins: 03:10\nsteps: []", "line 3: 0 steps"),
        ("title: \tx\0", "story"),
    ],
)
def test_what_cannot_be_played_is_said_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(BadStory) as refused:
        scenario.read(text)
    assert sentence in str(refused.value)


def test_a_file_that_is_not_there_names_those_that_are(tmp_path: Any) -> None:
    with pytest.raises(BadStory, match="fall-at-night, forgotten-door, oxygen-falls, power-cut"):
        scenario.load("falls")
    own = tmp_path / "Own.yaml"
    own.write_text(HEAD + " - {at: 03:12, do: heal}\n")
    assert scenario.load(str(own)).homes == 1


def test_homes_that_have_not_got_what_the_story_needs_are_refused() -> None:
    story, fleet = scenario.load("power-cut"), Fleet([SimHome("H-1", (SimDevice("h", "hub"),), 1)])
    with pytest.raises(BadStory, match="it takes 20 homes, and there are 1"):
        Play(fleet, story, fleet.homes, NOON)
    with pytest.raises(BadStory, match="home H-1 has no motion_bedroom"):
        Play(fleet, scenario.load("fall-at-night"), fleet.homes, NOON)


def test_a_watch_measures_what_the_story_says_from_then_on() -> None:
    said, _ = told(scenario.load("oxygen-falls"))
    oxygen = [values(publish)["spo2"] for _, publish in said if "spo2" in values(publish) and "wearable" in publish.topic]
    assert list(dict.fromkeys(oxygen)) == [97.0, 95.0, 88.0, 83.0]
    assert oxygen[-1] == 83.0
    bad = HEAD + "  - {at: 03:11, do: measure, device: wearable, quantity: mood, value: 1}\n"
    with pytest.raises(BadStory, match="heart_rate"):
        scenario.read("devices: [wearable]\n" + bad)
