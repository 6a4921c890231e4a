"""The command: what the user can mend comes as one sentence and exit code 1."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cloudfamily import detect
from cloudfamily_platform.core.texts import say
from cloudfamily_platform.people import label

PACIFIC = ZoneInfo("America/Los_Angeles")


def cloudfamily(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **settings}
    return subprocess.run([sys.executable, "-m", "cloudfamily", *arguments], env=environment, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture
def taken() -> Iterator[str]:
    """A port on which somebody else listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield str(other.getsockname()[1])


@pytest.mark.parametrize(
    ("arguments", "settings", "sentence"),
    [
        (["run", "kitchen"], {}, "There is no role kitchen: the roles are gateway, alerts, timebank, web, bot."),
        (["run", "web"], {}, "Single roles run against external parts: set CF_DATABASE_URL and CF_MQTT_HOST."),
        (["run"], {"CF_WEB_PORT": "eighty"}, "Setting CF_WEB_PORT: "),
        (["run"], {"CF_DATABASE_URL_FILE": "/nonexistent/secret"}, "/nonexistent/secret: No such file or directory."),
        (["run", "web"], {"CF_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "CF_MQTT_HOST": "127.0.0.1"}, "The database does not answer: "),
        (["run"], {"CF_DATABASE_URL": "postgresql://127.0.0.1:1/none"}, "The embedded broker is for the demo and for tests: "),
        (["press", "WX-001"], {}, "Nothing runs on the data folder "),
        (["label", "a/b"], {}, "'a/b' is no device code: "),
        (["label", "btn-0017"], {}, "Set CF_PUBLIC_URL to the address at which a phone reaches the console: "),
        (["canary"], {}, "Nothing runs on the data folder "),
        (["replay", "/nonexistent.tsv"], {}, "The recording /nonexistent.tsv cannot be read: "),
        (["replay", "x.tsv", "--format", "vinyl"], {}, "The format 'vinyl' is not known: the formats are casas and kasteren."),
        (["replay", "x.tsv", "--cut", "yesterday"], {}, "--cut 'yesterday' is not a time: "),
        (["replay", "x.tsv", "--speed", "-1"], {}, "--speed '-1': write a number above 0, or max."),
        (["replay", "x.tsv", "--zone", "Mars/Olympus"], {}, "There is no time zone 'Mars/Olympus': "),
    ],
)
def test_what_the_user_can_mend_is_one_sentence(server: str, tmp_path: Path, arguments: list[str], settings: dict[str, str], sentence: str) -> None:
    if arguments[0] == "replay":
        settings = {"CF_DATABASE_URL": server, **settings}
    done = cloudfamily(*arguments, CF_DATA_DIR=str(tmp_path / "data"), **settings)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"cloudfamily: {sentence}" in done.stderr
    assert "Traceback" not in done.stderr


def test_labels_are_written_for_the_printer() -> None:
    done = cloudfamily("label", "btn-0017", "btn-0018", CF_PUBLIC_URL="https://care.example")
    assert (done.returncode, done.stdout) == (0, label.sheet(["btn-0017", "btn-0018"], "https://care.example"))


@pytest.mark.parametrize(("setting", "what"), [("CF_WEB_PORT", "the console"), ("CF_CHAT_PORT", "the local chat page")])
def test_a_taken_port_is_named(tmp_path: Path, taken: str, setting: str, what: str) -> None:
    done = cloudfamily("run", CF_DATA_DIR=str(tmp_path / "data"), **{"CF_WEB_PORT": "18421", setting: taken})
    assert done.returncode == 1
    assert f"Port {taken} for {what} is not free" in done.stderr
    assert setting in done.stderr


def test_a_data_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    done = cloudfamily("run", CF_DATA_DIR=str(tmp_path / "data"), CF_WEB_PORT="18421", CF_CHAT_PORT="18422")
    assert done.returncode == 1
    assert str(tmp_path / "data") in done.stderr
    assert "Traceback" not in done.stderr


def replay(server: str, recordings: Path, *more: str) -> list[dict[str, Any]]:
    done = cloudfamily(
        "replay", str(recordings / "casas_tm000.tsv"), "--format", "casas", "--zone", "America/Los_Angeles", "--json", *more, CF_DATABASE_URL=server
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def in_memory(recordings: Path, cut: datetime | None = None) -> list[tuple[str, str]]:
    """The same recording by the same rule without a database: when an alarm came, and why."""
    events, _ = detect.read(recordings / "casas_tm000.tsv", PACIFIC)
    player = detect.Player(PACIFIC, int(events[0].at.timestamp()))
    for event in events:
        if cut is None or event.at <= cut:
            player.hear(event)
    end = events[-1].at if cut is None else max(events[-1].at, cut + timedelta(hours=24))
    player.wait(int(end.timestamp()) + 1)
    return [(datetime.fromtimestamp(alarm.at, PACIFIC).isoformat(), say("en", f"alert.why.{alarm.why}", **alarm.params)) for alarm in player.alarms]


def test_a_week_of_a_real_home_raises_no_alarm_while_she_is_away(server: str, recordings: Path) -> None:
    """She leaves on the 13th at 07:35 and comes back on the evening of the 16th; nobody has said so."""
    lines = replay(server, recordings)
    alerts, states = [line for line in lines if "kind" in line], [line for line in lines if "state" in line]
    assert [(line["at"][:19], line["why"]) for line in alerts] == [(at[:19], why) for at, why in in_memory(recordings)]
    assert not [line for line in alerts if "2016-07-13T07" < line["at"] < "2016-07-16T20"]
    away = next(line for line in states if line["state"] == "away" and line["at"] > "2016-07-13T07")
    assert away["since"] < "2016-07-13T07:36"
    back = states[states.index(away) + 1]
    assert (back["state"], back["at"] >= "2016-07-16T18") == ("home", True)


def test_cut_on_an_ordinary_morning_the_alert_comes_within_four_hours(server: str, recordings: Path) -> None:
    cut = datetime(2016, 7, 17, 9, tzinfo=PACIFIC)
    alerts = [line for line in replay(server, recordings, "--cut", "2016-07-17 09:00") if "kind" in line]
    assert [(line["at"][:19], line["why"]) for line in alerts] == [(at[:19], why) for at, why in in_memory(recordings, cut)]
    first = alerts[0]
    assert (first["kind"], first["severity"]) == ("no_movement", "high")
    assert timedelta(0) < datetime.fromisoformat(first["at"]) - cut < timedelta(hours=4)
