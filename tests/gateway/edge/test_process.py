"""The real `cloudfamily run edge`: killed in the middle, small, and clear about what it needs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from cloudfamily_gateway.edge.run import Edge, NotConfigured
from cloudfamily_platform.core.settings import Settings

Until = Callable[..., None]
#: What `docs/edge.md` promises of a hub of the Raspberry Pi class.
MOST_MEGABYTES = 100


def test_killed_again_and_again_it_loses_nothing_and_keeps_the_order(hub: Any, until: Until) -> None:
    city, sensor, button, pressed = hub.city(), hub.device("th"), hub.device("btn"), list[Any]()

    def speak() -> None:
        for _ in range(12):
            sensor.measure(50)
            pressed.append(button.press())
            time.sleep(0.15)

    hub.run()
    speaking = threading.Thread(target=speak)
    speaking.start()
    for wait in (0.4, 0.25, 0.6):
        time.sleep(wait)
        hub.process.send_signal(signal.SIGKILL)
        hub.process.wait(10)
        hub.run()
    speaking.join()
    until(lambda: len(city.payloads(f"cf/v1/{sensor.code}/reading")) == 600, "every reading")
    until(lambda: {answer["seq"] for answer in button.answers if answer["answer"] == "received"} == set(range(1, 13)), "every press")
    firsts = [json.loads(payload)["t"] for payload in city.payloads(f"cf/v1/{sensor.code}/reading")][::50]
    assert firsts == sorted(firsts)
    assert city.payloads(f"cf/v1/{button.code}/signal") == [json.dumps(one, separators=(",", ":")).encode() for one in pressed]
    hub.process.terminate()
    assert hub.process.wait(10) == 0
    assert "Traceback" not in hub.log()


def test_it_is_small_also_with_two_days_to_keep(hub: Any, until: Until) -> None:
    """Resident memory of the whole process, after it has taken thousands of messages with no city in reach, and sent them on."""
    hub.cable.cut()
    city, sensor = hub.city(), hub.device("th")
    process = psutil.Process(hub.run().pid)
    sensor.measure(4_000)
    for number in range(100):
        sensor.say(f"cf/v1/{sensor.code}/reading", b"%065536d" % number)
    hub.device("btn").press()
    assert process.memory_info().rss < MOST_MEGABYTES * 2**20
    hub.cable.plugged = True
    until(lambda: len(city.of(f"cf/v1/{sensor.code}/reading")) >= 4_100, "all of it arrives")
    assert process.memory_info().rss < MOST_MEGABYTES * 2**20
    loaded = {line.split()[-1] for line in subprocess.run(["cat", f"/proc/{process.pid}/maps"], capture_output=True, text=True, check=True).stdout.splitlines()}
    assert not [name for name in loaded if "psycopg" in name or "uvloop" in name], "nothing of the servers is loaded"


@pytest.mark.parametrize(
    ("settings", "rules", "sentence"),
    [
        ({"uplink_tls": True, "uplink_ca": "/nonexistent.pem"}, None, "A PEM file for the city's broker cannot be read"),
        ({}, "[[rule]]\nkinds = ['sos']\n", "Rule 1 in .*: give it devices, or a topic and a payload"),
        ({}, "[[rule]]\nkinds = ['sos']\ndevices = ['a/b']\n", "The rules in .* cannot be used: .*docs/edge.md"),
        ({}, "[[rule]]\nkinds = ['sos']\ndevice = ['a']\n", "The rules in .* cannot be used: .*`device`"),
        ({}, "siren!", "The rules in .* cannot be used"),
        ({"edge_rules": "/nonexistent.toml"}, None, "No such file or directory: '/nonexistent.toml'"),
    ],
)
def test_what_is_wrong_is_one_sentence(hub: Any, settings: dict[str, Any], rules: str | None, sentence: str) -> None:
    if rules is not None:
        hub.rules(rules)
    with pytest.raises(NotConfigured, match=sentence):
        Edge(Settings(**hub.settings() | settings))


def test_what_is_missing_is_said_at_the_terminal(hub: Any) -> None:
    done = run_edge({"CF_EDGE_NAME": "hub-1"})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "cloudfamily: An edge needs a name, its own broker and the city's: set CF_EDGE_NAME, CF_MQTT_HOST and CF_UPLINK_HOST.\n"


def test_a_second_edge_does_not_take_the_firsts_spool(hub: Any) -> None:
    hub.start()
    environment = {f"CF_{name.upper()}": str(value) for name, value in hub.settings().items()}
    done = run_edge(environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"Another edge runs on {hub.folder / 'spool'}" in done.stderr


def run_edge(settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cloudfamily", "run", "edge"], env={**os.environ, **settings}, capture_output=True, text=True, timeout=600, check=False
    )
