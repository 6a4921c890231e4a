"""No city in reach: the home acts by itself, says honestly who has heard a call, and keeps still once the city has."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cloudfamily_gateway.edge import rules
from cloudfamily_gateway.edge.clock import Clock

Until = Callable[..., None]

RULES = """
alone_after_seconds = 0.5

[[rule]]
kinds = ["sos", "fall"]
devices = ["{siren}", "{other}"]
seconds = 120

[[rule]]
kinds = ["sos"]
devices = ["{lamp}"]
do = "light"
mode = "blink"
colour = "amber"
seconds = 1

[[rule]]
kinds = ["smoke", "gas", "co"]
devices = ["{siren}"]
when = "always"
"""


def test_with_no_uplink_at_all_the_siren_sounds_and_the_button_hears_the_truth(hub: Any, until: Until) -> None:
    names = {name: hub.code(name) for name in ("siren", "other", "lamp")}
    hub.rules(RULES.format(**names).replace("0.5", "600"))
    city, button = hub.city(), hub.device("btn")
    heard = hub.listen("cf/v1/+/command")
    hub.cable.cut()
    hub.start(uplink=False).alarms.down_since -= 600
    said = button.press()
    until(lambda: len(heard) >= 3, "sirens and lamp: nobody in the city could have heard it, so at once and not in ten minutes")
    until(lambda: button.answers == [{"answer": "heard_at_home", "seq": 1}], "at home, and not in the city")
    ours = {topic.split("/")[2]: command for topic, command in heard if command["do"] == "siren"}
    assert set(ours) == {names["siren"], names["other"]}
    for command in ours.values():
        assert command["params"] == {"seconds": 120}
        assert rules.OWN_IDS < command["id"] < 2**53
        assert 0 < (datetime.fromisoformat(command["until"]) - datetime.now(UTC)).total_seconds() <= rules.LIVES_SECONDS
    until(lambda: len(heard) == 4, "the lamp goes out again")
    lamp = [command for topic, command in heard if topic == f"cf/v1/{names['lamp']}/command"]
    assert [one["params"] for one in lamp] == [{"mode": "blink", "colour": "amber"}, {"mode": "off"}]
    assert len({one["id"] for one in lamp}) == 2

    button.say(f"cf/v1/{button.code}/signal", said).wait_for_publish(5)
    until(lambda: len(button.answers) == 2, "it is answered each time it repeats")
    hub.cable.plugged = True
    until(lambda: {"answer": "received", "seq": 1} in button.answers, "the city has it")
    assert len(heard) == 4, "and nothing sounds a second time"
    assert not [one for one in city.came if one.topic.endswith("/command")]


def test_what_the_city_hears_in_time_the_home_leaves_to_it(hub: Any, until: Until) -> None:
    hub.rules(RULES.format(siren=hub.code("siren"), other=hub.code("other"), lamp=hub.code("lamp")))
    hub.city()
    button, smoke = hub.device("btn"), hub.device("smk")
    heard = hub.listen("cf/v1/+/command")
    hub.start()
    button.press()
    smoke.press("smoke")
    until(lambda: button.answers and smoke.answers, "received")
    until(lambda: heard, "smoke always sounds the siren")
    time.sleep(0.8)
    assert [(topic, command["params"]) for topic, command in heard] == [(f"cf/v1/{hub.code('siren')}/command", {"seconds": 180})]
    assert [answer["answer"] for answer in button.answers] == ["received"]


def test_a_link_that_looks_alive_and_brings_no_answer_counts_as_none(hub: Any, until: Until) -> None:
    """The platform is away behind its broker, or a router swallows everything: the home waits its time and acts."""
    hub.rules(RULES.format(siren=hub.code("siren"), other=hub.code("other"), lamp=hub.code("lamp")))
    hub.city(answers=False)
    button, heard = hub.device("btn"), hub.listen(f"cf/v1/{hub.code('siren')}/command")
    hub.start()
    pressed = time.monotonic()
    button.press()
    until(lambda: heard, "the siren")
    assert time.monotonic() - pressed >= 0.5
    assert hub.edge.alarms.up


def test_a_call_a_moment_before_the_hub_was_killed_is_acted_on_after_it(hub: Any, until: Until) -> None:
    rules = RULES.format(siren=hub.code("siren"), other=hub.code("other"), lamp=hub.code("lamp"))
    hub.rules(rules.replace("0.5", "600"))
    button, heard = hub.device("btn"), hub.listen(f"cf/v1/{hub.code('siren')}/command")
    hub.cable.cut()
    hub.run()
    button.press()
    time.sleep(0.3)
    assert heard == []
    hub.kill()
    hub.rules(rules)
    hub.start(uplink=False)
    until(lambda: heard, "the siren")


# The rules themselves

SIREN = rules.Rule(kinds=("sos", "smoke"), devices=("s-1",))


@pytest.mark.parametrize(
    ("kinds", "pressed", "expected"),
    [
        (("sos",), True, True),
        (("smoke",), False, True),
        (("gas",), False, False),
        (("unreadable",), True, True),  # a press that cannot be read is one
        (("earthquake",), True, True),
        (("earthquake",), False, False),
        (("tamper",), True, False),
        (("tamper", "smoke"), False, True),
        ((), False, False),
    ],
)
def test_which_calls_a_rule_is_for(kinds: tuple[str, ...], pressed: bool, expected: bool) -> None:
    assert rules.matches(SIREN, kinds, pressed=pressed) is expected


@pytest.mark.parametrize(
    ("heard_at", "down_since", "expected"),
    [(100.0, None, False), (95.0, None, False), (90.0, None, True), (100.0, 90.0, True), (100.0, 95.0, False), (99.0, 0.0, True), (90.0, 99.0, True)],
)
def test_when_a_home_is_alone(heard_at: float, down_since: float | None, expected: bool) -> None:
    assert rules.alone(heard_at, 100.0, down_since, rules.Rules(alone_after_seconds=10.0)) is expected


def test_a_siren_of_another_family_is_told_in_its_own_words() -> None:
    rule = rules.Rule(kinds=("sos",), topic="zigbee2mqtt/siren/set", payload='{"warning":{"mode":"emergency","duration":60}}')
    assert [(one.topic, one.payload) for one in rules.acts(rule, 0, 1)] == [("zigbee2mqtt/siren/set", rule.payload.encode())]


def test_the_file_of_the_documentation_holds(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "edge.md").read_text(encoding="utf-8")
    (text,) = (block.split("```")[0] for block in page.split("```toml\n")[1:])
    file = tmp_path / "rules.toml"
    file.write_text(text, encoding="utf-8")
    read = rules.read(file)
    assert len(read.rule) >= 3
    assert msgspec.structs.asdict(read)["alone_after_seconds"] == rules.Rules().alone_after_seconds


def test_the_protocol_knows_the_hubs_answer() -> None:
    protocol = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text(encoding="utf-8")
    assert f"| `{rules.HEARD_AT_HOME}` |" in protocol.split("| answer of a hub |")[1]


def test_a_clock_that_was_set_is_seen_and_one_that_drifts_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    now, up = 1_000_000, 500
    monkeypatch.setattr(Clock, "now_ms", lambda self: now)
    monkeypatch.setattr(Clock, "up_ms", lambda self: up)
    clock = Clock()
    now, up = now + 60_000, up + 60_000
    assert clock.jumped_ms() == 0
    now, up = now + 1_200, up + 1_000
    assert clock.jumped_ms() == 0
    now, up = now + 3_600_000, up + 1_000
    assert clock.jumped_ms() == 3_599_000
    assert clock.jumped_ms() == 0
