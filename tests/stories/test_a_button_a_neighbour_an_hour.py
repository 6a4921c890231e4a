"""The main job as its people live it: a real broker, a real database, the real bot, the page in a real browser elsewhere."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from cloudfamily import canary
from cloudfamily_platform.alerts import offers
from cloudfamily_platform.core import db, job
from cloudfamily_platform.core.settings import Settings

ALERT = "SELECT a.* FROM alert a JOIN home h ON h.id = a.home_id WHERE h.code = %s AND a.kind = 'sos' AND a.state <> 'resolved'"


class Chat:
    """Somebody's phone: the chat page's own HTTP interface."""

    def __init__(self, system: Any, person_code: str) -> None:
        row = system.rows("SELECT x.address FROM reach x JOIN person p ON p.id = x.person_id WHERE p.code = %s", person_code)[0]
        self.base = f"{system.chat_url}/api/chats/{row['address']}"

    def messages(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.base}/messages", timeout=30) as answer:
            return [message for message in json.load(answer)["messages"] if message["from"] == "bot"]

    def post(self, verb: str, **body: Any) -> None:
        request = urllib.request.Request(f"{self.base}/{verb}", json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30):
            pass

    def say(self, text: str) -> None:
        self.post("say", text=text)

    def press(self, message: dict[str, Any], verb: str) -> None:
        data = next(button["data"] for row in message["buttons"] for button in row if verb in button["data"])
        self.post("press", message_id=message["id"], data=data)

    def wait_for(self, fits: Callable[[dict[str, Any]], bool], seconds: float = 60.0) -> dict[str, Any]:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if found := [message for message in self.messages() if fits(message)]:
                return found[-1]
            time.sleep(0.05)
        raise AssertionError(f"nothing fits within {seconds} s: {[message['text'] for message in self.messages()]}")


def buttons(message: dict[str, Any]) -> str:
    return " ".join(button["data"] for row in message["buttons"] or [] for button in row)


def near_a_volunteer(system: Any) -> str:
    """A home with a volunteer who knows first aid among the two that are asked first."""

    async def found() -> str:
        async with await db.connect(system.parts.database_url) as conn:
            for home in system.rows("SELECT id, code FROM home WHERE code LIKE 'LX-%' ORDER BY code"):
                row = {"id": None, "home_id": home["id"], "severity": "critical", "kind": "sos", "canary": False}
                asked = [match.person_id for match in await offers.choose(conn, row, 2, datetime.now(UTC))]
                if system.rows("SELECT FROM role WHERE role = 'volunteer' AND person_id = ANY(%s)", asked):
                    return str(home["code"])
        raise AssertionError("the demo city has no such home")

    return asyncio.run(found())


def test_a_volunteer_comes_and_her_hour_is_kept(system: Any) -> None:
    home = near_a_volunteer(system)
    system.press(home)
    alert = system.wait_for(ALERT, home)
    daughter = Chat(system, f"daughter-{home}")
    told = daughter.wait_for(lambda message: "紧急呼叫" in message["text"])
    assert f"alert:{alert['id']}:accept" in buttons(told)

    # Whoever was asked sees neither name nor address; a volunteer accepts and gets the card.
    asked = system.wait_for(
        """SELECT p.code FROM offer o JOIN person p ON p.id = o.person_id JOIN role r ON r.person_id = p.id
           WHERE o.alert_id = %s AND o.state = 'offered' AND r.role = 'volunteer'""",
        alert["id"],
    )
    volunteer = Chat(system, asked["code"])
    offer = volunteer.wait_for(lambda message: f"alert:{alert['id']}:decline" in buttons(message))
    address = system.rows("SELECT address FROM home WHERE code = %s", home)[0]["address"]
    assert address not in offer["text"]
    volunteer.press(offer, "accept")
    volunteer.wait_for(lambda message: address in message["text"] and ":there" in buttons(message))
    daughter.wait_for(lambda message: "已接手" in message["text"] or "has it" in message["text"])

    card = volunteer.wait_for(lambda message: ":on_the_way" in buttons(message))
    volunteer.press(card, ":on_the_way")
    card = volunteer.wait_for(lambda message: ":there" in buttons(message) and ":on_the_way" not in buttons(message))
    volunteer.press(card, ":there")
    done = volunteer.wait_for(lambda message: "resolve" in buttons(message) and ":there" not in buttons(message))
    volunteer.press(done, "resolve:real")

    # She closed it herself, so the family is asked whether she came; then the hour is hers.
    confirm = daughter.wait_for(lambda message: "visit:" in buttons(message))
    daughter.press(confirm, "verify")
    system.wait_for("SELECT FROM transfer t JOIN visit v ON v.id = t.visit_id JOIN home h ON h.id = v.home_id WHERE h.code = %s", home)
    volunteer.say("/balance")
    volunteer.wait_for(lambda message: "30" in message["text"] and ("互助时间" in message["text"] or "mutual" in message["text"].lower()))

    kinds = [row["kind"] for row in system.rows("SELECT kind FROM alert_event WHERE alert_id = %s ORDER BY id", alert["id"])]
    assert kinds[0] == "opened"
    assert [kind for kind in kinds if kind in ("accepted", "on_the_way", "there", "resolved")] == ["accepted", "on_the_way", "there", "resolved"]


def test_an_unknown_button_still_raises_an_alert(system: Any) -> None:
    system.press("nobody-knows-me")
    alert = system.wait_for("SELECT * FROM alert WHERE device_code = 'nobody-knows-me-button'")
    assert (alert["home_id"], alert["severity"]) == (None, "critical")
    assert system.rows("SELECT home_id FROM device WHERE code = 'nobody-knows-me-button'") == [{"home_id": None}], "it waits for a home"


def test_the_canary_comes_through(system: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cloudfamily", "canary", "--once", "--json"], env=system.environment, capture_output=True, text=True, timeout=600, check=False
    )
    said = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, said["ok"], said["failed"]) == (0, True, None), done.stdout + done.stderr
    assert list(said["steps"])[-1] == "credit to balance"
    # Canaries never count and never reach people.
    assert system.rows("SELECT FROM notification n JOIN alert a ON a.id = n.alert_id WHERE a.canary") == []


def test_the_canary_comes_round_by_itself_and_once_an_hour_to_the_time_bank(system: Any) -> None:
    rounds = [canary.job(system.parts, Settings())]

    async def come_round() -> None:
        async with await db.connect(system.parts.database_url) as conn:
            await conn.execute("DELETE FROM job WHERE name = 'canary'")
            await job.register(conn, rounds, datetime.now(UTC))
            assert await job.stage(rounds).step(conn, datetime.now(UTC))

    for _ in range(2):
        asyncio.run(come_round())
        row = system.rows("SELECT done_at, error FROM job WHERE name = 'canary'")[0]
        assert (row["done_at"] is not None, row["error"]) == (True, None)
    # The round before these was less than an hour ago, or was the first of these: the last one had no need of the time bank.
    assert system.rows("SELECT outcome FROM alert WHERE canary ORDER BY id DESC LIMIT 1") == [{"outcome": "test"}]


def test_the_canary_names_the_step_that_failed(system: Any) -> None:
    wrong = {**system.environment, "CF_MQTT_PORT": "1", "CF_DATA_DIR": "/nonexistent"}
    wrong["CF_PUBLIC_URL"] = system.parts.web_url
    done = subprocess.run([sys.executable, "-m", "cloudfamily", "canary", "--json"], env=wrong, capture_output=True, text=True, timeout=600, check=False)
    said = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, said["ok"], said["failed"]) == (1, False, "press to received")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/api/texts"])
def test_what_machines_ask_for_is_there(system: Any, path: str) -> None:
    with urllib.request.urlopen(system.parts.web_url + path, timeout=30) as answer:
        assert answer.status == 200


def test_devices_live_and_their_readings_are_stored(system: Any) -> None:
    first = system.wait_for("SELECT count(*) AS readings FROM reading HAVING count(*) > 20")["readings"]
    system.wait_for("SELECT count(*) AS readings FROM reading HAVING count(*) > %s", first)
    assert system.rows("SELECT FROM quarantine WHERE reason NOT IN ('unknown_device', 'wrong_topic', 'not_understood')") == []
