"""Channels, order and quiet hours over HTTP; and what a voice provider says came of a call."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cloudfamily import composition
from cloudfamily_platform.alerts import deliver
from cloudfamily_platform.alerts.channel import Limits, Receipt
from cloudfamily_platform.alerts.message import Message
from cloudfamily_platform.core import signature
from cloudfamily_platform.people import outbox
from cloudfamily_platform.web.stream import Hub

SECRET = "the provider's"


async def put(client: Any, path: str, body: object) -> tuple[int, Any]:
    async with client.http.put(path, json=body, headers={"X-CSRF-Token": client.csrf}) as answer:
        return answer.status, json.loads(await answer.read() or b"null")


def test_ones_own_order_and_quiet_hours(world: Any, site: Any) -> None:
    daughter = world.family(world.home(), "daughter", chat=1)
    world.insert("reach", person_id=daughter.id, channel="ntfy", address="ntfy.sh/x", rank=2)

    async def story() -> None:
        async with site() as here:
            client = await here.client(daughter)
            status, found = await client.get("/api/me/reach")
            assert status == 200
            assert [(one["channel"], one["rank"]) for one in found["channels"]] == [("telegram", 1), ("ntfy", 2)]
            wanted = {"order": ["ntfy", "telegram"], "quiet_from": "22:00", "quiet_to": "07:00"}
            status, found = await put(client, "/api/me/reach", wanted)
            assert (status, [one["channel"] for one in found["channels"]], found["quiet_to"]) == (200, ["ntfy", "telegram"], "07:00:00")
            for wrong in ({"order": ["ntfy"]}, {"order": ["ntfy", "sms"]}, {**wanted, "quiet_to": None}):
                status, problem = await put(client, "/api/me/reach", wrong)
                assert (status, problem["error"]["code"]) == (422, "invalid")
            assert (await put(client, "/api/people/daughter/reach", {"channels": []}))[0] == 403
            assert (await client.post("/api/me/reach/ntfy/test"))[0] == 204
            assert (await client.post("/api/me/reach/ntfy/test"))[0] == 429
            assert (await client.post("/api/me/reach/sms/test"))[0] == 404
            status, found = await client.get("/api/me/reach")
            assert [one["trial_state"] for one in found["channels"]] == ["waiting", None]

    world.run(story())


def test_addresses_are_the_operators(world: Any, site: Any) -> None:
    daughter = world.family(world.home(), "daughter", chat=1)
    son = world.person("son", "family")
    operator = world.person("operator", "operator")
    elsewhere = world.insert("district", code="other", name_zh="别处", name_en="Elsewhere")
    world.insert("role", person_id=world.insert("person", code="far", name="far"), role="operator", district_id=elsewhere)

    async def story() -> None:
        async with site() as here:
            client = await here.client(operator)
            hook = {"channel": "webhook", "address": "https://example.org/a"}
            status, found = await put(client, "/api/people/daughter/reach", {"channels": [hook, {"channel": "telegram"}]})
            assert (status, [one["channel"] for one in found["channels"]]) == (200, ["webhook", "telegram"])
            # Not named, a chat stays, in the last place: who binds it takes it away.
            status, found = await put(client, "/api/people/daughter/reach", {"channels": [{"channel": "sms", "address": "138"}]})
            assert (status, [one["channel"] for one in found["channels"]]) == (200, ["sms", "telegram"])
            await put(client, "/api/people/daughter/reach", {"channels": [hook]})
            wrongs = (
                hook, {"channel": "telegram", "address": "7"}, {"channel": "telegram"}, {"channel": "webhook", "address": "ftp://x"},
                {"channel": "SMS!", "address": "1"}, {"channel": "sms"}, {"channel": "sms", "address": " "},
            )  # fmt: skip
            for wrong in wrongs:
                status, problem = await put(client, "/api/people/son/reach", {"channels": [wrong]})
                assert (status, problem["error"]["code"]) == (422, "invalid"), wrong
            assert (await put(client, "/api/people/far/reach", {"channels": []}))[0] == 404
            assert (await client.get("/api/people/nobody/reach"))[0] == 404

    world.run(story())
    assert world.value("SELECT count(*) FROM reach WHERE person_id = %s", son.id) == 0
    assert world.value("SELECT count(*) FROM reach WHERE person_id = %s", daughter.id) == 2


class Calls:
    """A provider's side: what was ordered."""

    limits, edits = Limits(per_second=100, burst=100), False

    def __init__(self) -> None:
        self.keys: list[str] = []

    async def send(self, address: str, what: Message, key: str) -> Receipt:
        self.keys.append(key)
        return Receipt()

    async def edit(self, address: str, ref: str, what: Message) -> None:
        raise AssertionError("not asked for")


@pytest.fixture
def called(world: Any, alarm: Callable[..., int]) -> tuple[int, Calls, Any]:
    """A daughter is called up about an alert; her next channel would be an SMS."""
    daughter = world.family(world.home(), "daughter")
    world.insert("reach", person_id=daughter.id, channel="voice", address="139", rank=1)
    world.insert("reach", person_id=daughter.id, channel="sms", address="138", rank=2)
    alert_id, calls = alarm(), Calls()
    stages = deliver.stages({"voice": calls, "sms": Calls()}, ZoneInfo("Asia/Shanghai"))
    world.run(outbox.tell(world.conn, alert_id, daughter.id, "alert", world.now))
    world.drain(*stages)
    return alert_id, calls, stages


def says(world: Any, site: Any, call: str, *said: dict[str, Any], secret: str = SECRET, late_s: int = 0) -> list[int]:
    """The provider's callbacks, and how each was answered."""
    answers = []

    async def story() -> None:
        async with composition.db.pool(world.url, size=4) as pool:
            app = composition.web(pool, lambda: world.now, Hub(pool), voice_secret=SECRET)
            async with site(app=app) as here:
                http = here.stranger().http
                for one in said:
                    body = json.dumps(one).encode()
                    headers = signature.sign(secret, call, world.now - timedelta(seconds=late_s), body)
                    async with http.post(f"/api/voice/{call}", data=body, headers=headers) as answer:
                        answers.append(answer.status)

    world.run(story())
    return answers


def test_a_digit_accepts_the_alert(world: Any, site: Any, called: Any, timeline: Callable[..., list[str]]) -> None:
    alert_id, calls, stages = called
    (call,) = calls.keys
    assert says(world, site, call, {"outcome": "answered"}, {"outcome": "digit", "digit": "1"}, {"outcome": "digit", "digit": "1"}) == [204, 204, 204]
    assert timeline(alert_id) == ["opened", "told daughter", "accepted daughter"]
    assert world.rows("SELECT channel, state FROM attempt") == [{"channel": "voice", "state": "read"}]
    world.wait(minutes=2)
    world.drain(*stages)
    assert world.value("SELECT count(*) FROM attempt") == 1


def test_another_digit_says_that_it_is_a_false_alarm(world: Any, site: Any, called: Any) -> None:
    assert says(world, site, called[1].keys[0], {"outcome": "digit", "digit": "2"}, {"outcome": "digit", "digit": "9"}) == [204, 422]
    assert world.rows("SELECT state, outcome FROM alert") == [{"state": "resolved", "outcome": "false_alarm"}]


def test_nobody_answers_and_the_next_channel_follows_at_once(world: Any, site: Any, called: Any) -> None:
    assert says(world, site, called[1].keys[0], {"outcome": "no_answer"}, {"outcome": "no_answer"}) == [204, 204]
    world.drain(*reversed(called[2]))
    world.drain(*reversed(called[2]))
    rows = world.rows("SELECT channel, state FROM attempt ORDER BY channel DESC")
    assert rows == [{"channel": "voice", "state": "failed"}, {"channel": "sms", "state": "sent"}]


def test_a_machine_that_answers_has_read_nothing(world: Any, site: Any, called: Any) -> None:
    assert says(world, site, called[1].keys[0], {"outcome": "answered"}) == [204]
    world.wait(seconds=60)
    world.drain(*reversed(called[2]))
    world.drain(*reversed(called[2]))
    assert [row["channel"] for row in world.rows("SELECT channel FROM attempt ORDER BY channel DESC")] == ["voice", "sms"]


def test_only_the_provider_may_say_so(world: Any, site: Any, called: Any) -> None:
    digit = {"outcome": "digit", "digit": "1"}
    call = called[1].keys[0]
    assert says(world, site, call, digit, secret="another's") == [401]
    assert says(world, site, call, digit, late_s=301) == [401]
    assert says(world, site, call, {"outcome": "dance"}, {"outcome": "x" * 5000}) == [422, 422]
    for other in ("99.voice", "x", "1.telegram"):
        assert says(world, site, other, digit) == [404]
    assert world.value("SELECT state FROM alert") == "open"
