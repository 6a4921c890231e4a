"""The command: what the user can mend comes as one sentence and exit code 1."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudfamily_platform.people import label


def cloudfamily(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **settings}
    return subprocess.run([sys.executable, "-m", "cloudfamily", *arguments], env=environment, capture_output=True, text=True, timeout=120, check=False)


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
        (["replay", "x.tsv", "--format", "vinyl"], {}, "--format 'vinyl' is not known: the format is casas."),
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
    done = cloudfamily("replay", str(recordings / "casas_tm000.tsv"), "--format", "casas", "--json", *more, CF_DATABASE_URL=server)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_week_of_a_real_home_raises_alerts_only_while_she_is_away(server: str, recordings: Path) -> None:
    """She leaves on the 13th at 07:35 and comes back on the evening of the 16th; a fixed limit cannot know that (docs/limits.md)."""
    alerts = replay(server, recordings)
    assert {alert["kind"] for alert in alerts} == {"no_movement"}
    assert all("2016-07-13T07:35" < alert["at"] < "2016-07-16T20" for alert in alerts), alerts


def test_cut_in_an_ordinary_morning_the_alert_comes_when_the_limit_has_passed(server: str, recordings: Path) -> None:
    first = replay(server, recordings, "--cut", "2016-07-12 10:00")[0]
    assert (first["kind"], first["severity"]) == ("no_movement", "high")
    assert "2016-07-12T17:00" < first["at"] < "2016-07-12T18:01"
    assert "No movement for 480 minutes" in first["why"]
