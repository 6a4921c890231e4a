"""Answers and commands go out to devices; each stays due until nobody need wait for more, and none outlives its time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from cloudfamily_gateway import command, dialects
from cloudfamily_gateway.command import Publisher
from cloudfamily_platform.core import db, errors
from cloudfamily_platform.core.stage import Stage
from cloudfamily_platform.people import command as commands

Until = Callable[..., None]


class Post:
    """The command stage behind a cable that can be cut."""

    def __init__(self, gateway: Any) -> None:
        self.cable = gateway.cable()
        self.publisher = Publisher(gateway.settings, self.cable.address)

    def connected(self) -> bool:
        return self.publisher.client.is_connected()

    def stage(self) -> Stage:
        (stage,) = command.stages(self.publisher)
        return stage


@pytest.fixture
def post(gateway: Any, until: Until) -> Iterator[Post]:
    made = Post(gateway)
    until(made.connected, "the publisher is connected")
    yield made
    made.publisher.close()


@pytest.fixture
def siren(world: Any) -> str:
    """A siren in a home, and an operator of its district who may sound it."""
    home = world.home()
    world.insert("device", code="siren-1", home_id=home, kind="siren", watched_from=world.now)
    return "siren-1"


@pytest.fixture
def tell(world: Any) -> Callable[..., int]:
    """tell(device, do, **params): an operator gives a command; returns its id."""
    operator = world.person("op", "operator")

    def told(device: str, do: str, **params: Any) -> int:
        return int(world.run(commands.give(world.conn, device, do, params, operator, world.now))["id"])

    return told


def due(world: Any, answer: str, seq: int | None, minutes: float = 10) -> None:
    expires_at = world.now + timedelta(minutes=minutes)
    world.insert("command", device_code="btn-1", kind="answer", answer=answer, seq=seq, created_at=world.now, due_at=world.now, expires_at=expires_at)


def waiting(world: Any) -> list[Any]:
    return [row["due_at"] for row in world.rows("SELECT due_at FROM command WHERE due_at IS NOT NULL")]


def state(world: Any, number: int) -> str:
    return str(world.value("SELECT state FROM command WHERE id = %s", number))


def report(world: Any, device: str, number: int, what: str, **more: str) -> None:
    world.say(f"cf/v1/{device}/report", {"id": number, "state": what, **more})


# Answers


def test_answers_go_out_in_their_order_and_are_done(world: Any, gateway: Any, post: Post, until: Until) -> None:
    button = gateway.device("btn-1")
    due(world, "help_is_coming", 5)
    world.wait(seconds=1)
    due(world, "resolved", 5)
    due(world, "received", None)
    assert world.drain(post.stage()) == 1, "one batch"
    assert waiting(world) == []
    until(lambda: len(button.answers) == 3, "the device hears")
    assert button.answers == [{"seq": 5, "answer": "help_is_coming"}, {"seq": 5, "answer": "resolved"}, {"seq": None, "answer": "received"}]
    world.wait(hours=1)
    assert world.drain(post.stage()) == 0


def test_an_answer_waits_for_the_broker_and_is_dropped_when_it_has_expired(world: Any, gateway: Any, post: Post, until: Until) -> None:
    button = gateway.device("btn-1")
    post.cable.cut()
    until(lambda: not post.connected(), "the publisher sees it")
    due(world, "help_is_coming", 5)
    due(world, "resolved", 4, minutes=1)
    world.drain(post.stage())
    assert waiting(world) == [world.now + timedelta(seconds=10)] * 2
    assert world.drain(post.stage()) == 0, "it is not asked again at once"

    world.wait(minutes=1)
    world.drain(post.stage())
    assert waiting(world) == [world.now + timedelta(seconds=10)], "the expired one is dropped, the other one waits"

    post.cable.plugged = True
    until(post.connected, "the publisher is connected again")
    world.wait(seconds=10)
    world.drain(post.stage())
    assert waiting(world) == []
    until(lambda: button.answers, "the device hears")
    assert button.answers == [{"seq": 5, "answer": "help_is_coming"}]


def test_many_answers_wait_for_one_round_trip(world: Any, gateway: Any, post: Post, until: Until) -> None:
    button = gateway.device("btn-1")
    for seq in range(150):
        due(world, "help_is_coming", seq)
    assert world.drain(post.stage()) == 2, "a hundred, then fifty"
    until(lambda: len(button.answers) == 150, "the device hears them all")
    assert [one["seq"] for one in button.answers] == list(range(150))
    assert {row["state"] for row in world.rows("SELECT state FROM command")} == {"sent"}


# Commands


def test_a_siren_sounds_and_says_so(world: Any, gateway: Any, post: Post, until: Until, siren: str, tell: Callable[..., int]) -> None:
    device = gateway.device(siren)
    number = tell(siren, "siren", seconds=10)
    assert state(world, number) == "queued"
    world.drain(post.stage())
    assert state(world, number) == "sent"
    until(lambda: device.commands, "the siren hears")
    assert device.commands == [{"id": number, "do": "siren", "params": {"seconds": 10}, "until": "2026-11-23T08:01:00Z"}]

    world.wait(seconds=1)
    report(world, siren, number, "delivered")
    assert state(world, number) == "delivered"
    assert waiting(world) == [world.now + timedelta(seconds=59)], "it is not said again; the platform waits for its end"
    world.wait(seconds=10)
    report(world, siren, number, "done")
    row = world.rows("SELECT * FROM command WHERE id = %s", number)[0]
    assert (row["state"], row["done_at"], row["due_at"], row["error"]) == ("done", world.now, None, None)
    assert row["sent_at"] < row["delivered_at"] < row["done_at"]


def test_a_command_is_said_again_ever_more_slowly_until_its_time_is_over(world: Any, gateway: Any, post: Post, until: Until, siren: str, tell: Any) -> None:
    device = gateway.device(siren)
    number, began, heard_at = tell(siren, "light", mode="blink"), world.now, list[float]()
    while state(world, number) != "expired":
        (next_at,) = waiting(world)
        world.now = next_at
        before = len(device.commands)
        world.drain(post.stage())
        if state(world, number) != "expired":
            until(lambda before=before: len(device.commands) > before, "the device hears it once more")
            heard_at.append((world.now - began).total_seconds())
    assert heard_at == [0, 5, 15, 35, 75]
    assert (world.now - began).total_seconds() == 120
    assert {one["id"] for one in device.commands} == {number}, "under one id, so that it is done once"
    assert waiting(world) == []
    report(world, siren, number, "delivered")
    assert state(world, number) == "expired"
    report(world, siren, number, "done")
    assert state(world, number) == "done", "a device that did it after all is believed"


def test_a_state_only_moves_forward(world: Any, post: Post, siren: str, tell: Callable[..., int]) -> None:
    number = tell(siren, "test")
    report(world, siren, number, "done", detail="battery good")
    world.drain(post.stage())
    for late in ("delivered", "failed", "done"):
        report(world, siren, number, late)
    assert state(world, number) == "done"
    with pytest.raises(psycopg.errors.RestrictViolation, match="from done to queued is not forward"):
        world.sync.execute("UPDATE command SET state = 'queued'")


def test_a_device_speaks_for_its_own_commands_alone_and_by_its_own_way(world: Any, siren: str, tell: Callable[..., int]) -> None:
    number = tell(siren, "test")
    report(world, "WX-001-button", number, "done")
    world.say(f"edge/other/cf/v1/{siren}/report", {"id": number, "state": "done"})
    assert state(world, number) == "queued"
    report(world, siren, number, "failed")
    assert world.rows("SELECT state, error FROM command") == [{"state": "failed", "error": "the device says no more"}]


def test_a_report_that_comes_before_the_broker_has_answered_stands(world: Any, post: Post, siren: str, tell: Callable[..., int]) -> None:
    number = tell(siren, "test")
    publish = post.publisher.publish

    async def slow(messages: Any) -> Any:
        taken = await publish(messages)
        await asyncio.to_thread(report, world, siren, number, "done")
        return taken

    post.publisher.publish = slow  # type: ignore[method-assign]
    world.drain(post.stage())
    row = world.rows("SELECT state, sent_at, due_at FROM command")[0]
    assert row == {"state": "done", "sent_at": world.now, "due_at": None}


def test_an_interval_counts_once_the_device_says_that_it_holds(world: Any, siren: str, tell: Callable[..., int]) -> None:
    def expected() -> int:
        return int(world.value("SELECT report_minutes FROM device WHERE code = 'WX-001-motion'"))

    number = tell("WX-001-motion", "interval", minutes=5)
    report(world, "WX-001-motion", number, "delivered")
    assert expected() == 60
    report(world, "WX-001-motion", number, "done")
    assert expected() == 5
    row = world.rows("SELECT watched_from, due_at FROM device WHERE code = 'WX-001-motion'")[0]
    assert row == {"watched_from": world.now, "due_at": world.now + timedelta(minutes=10)}, "silent after twice the new interval from now"


def test_behind_an_edge_a_device_hears_through_it(world: Any, gateway: Any, post: Post, until: Until, siren: str, tell: Callable[..., int]) -> None:
    world.sync.execute("UPDATE device SET edge = 'edge-7' WHERE code = 'siren-1'")
    heard: list[str] = []
    device = gateway.device("listener")
    device.client.on_message = lambda _client, _data, message: heard.append(message.topic)
    device.client.on_subscribe = lambda *_: heard.append("subscribed")
    device.client.subscribe("edge/edge-7/#", qos=1)
    until(lambda: heard == ["subscribed"], "the edge listens")
    tell(siren, "siren")
    world.drain(post.stage())
    until(lambda: heard[1:] == ["edge/edge-7/cf/v1/siren-1/command"], "the edge hears it")


def test_another_family_hears_it_in_its_own_words_or_the_operator_hears_that_it_cannot(
    world: Any, gateway: Any, post: Post, until: Until, siren: str, tell: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def words(family: str, address: str | None, do: str, params: dict[str, Any]) -> tuple[str, bytes] | None:
        if do == "voice":
            raise KeyError("a mistake of the dialect's")
        if (family, address) != ("zigbee2mqtt", "siren") or do == "test":
            return None
        return "foreign/siren/set", b'{"seconds":%d}' % params["seconds"] if do == "siren" else b'{"on":%d}' % params["on"]

    monkeypatch.setattr(dialects, "encode_command", words, raising=False)
    world.sync.execute("UPDATE device SET family = 'zigbee2mqtt', address = 'siren' WHERE code = 'siren-1'")
    heard: list[bytes] = []
    device = gateway.device("listener")
    device.client.on_message = lambda _client, _data, message: heard.append(message.payload)
    device.client.on_subscribe = lambda *_: heard.append(b"")
    device.client.subscribe("foreign/#", qos=1)
    until(lambda: heard, "somebody listens")

    numbers = [tell(siren, "voice", text="你好"), tell(siren, "test"), tell(siren, "siren", seconds=3), tell(siren, "light", mode="off")]
    world.drain(post.stage())
    until(lambda: heard[1:] == [b'{"seconds":3}', b'{"on":0}'], "it hears what it has words for")
    states = [world.rows("SELECT state, error, due_at FROM command WHERE id = %s", number)[0] for number in numbers]
    assert [one["state"] for one in states] == ["failed", "failed", "sent", "sent"], "it cannot report, so nobody waits for more"
    assert [one["error"] for one in states] == ['KeyError: "a mistake of the dialect\'s"', "this device cannot do that", None, None]
    assert waiting(world) == []


def test_a_broker_that_does_not_acknowledge_gets_nothing_late(
    world: Any, gateway: Any, post: Post, until: Until, siren: str, tell: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was under way when the line broke must not sound an hour later, when it is mended."""
    device = gateway.device(siren)
    post.cable.cut()
    until(lambda: not post.connected(), "the line is broken")
    number = tell(siren, "siren")
    with monkeypatch.context() as unseen:
        unseen.setattr(command, "PUBLISH_SECONDS", 0.1)
        unseen.setattr(type(post.publisher.client), "is_connected", lambda _: True)
        world.drain(post.stage())
    assert state(world, number) == "queued"
    world.wait(hours=1)
    post.cable.plugged = True
    until(post.connected, "the line is mended")
    tell(siren, "light", mode="off")
    world.drain(post.stage())
    until(lambda: device.commands, "it hears what is said now")
    assert [one["do"] for one in device.commands] == ["light"]
    assert state(world, number) == "expired"


# What an operator may ask


@pytest.mark.parametrize(
    ("do", "params", "field"),
    [
        ("explode", {}, "do"),
        ("siren", {"seconds": 0}, "params"),
        ("siren", {"seconds": 601}, "params"),
        ("siren", {"loud": True}, "params"),
        ("light", {}, "params"),
        ("light", {"mode": "on", "colour": "beige"}, "params"),
        ("voice", {"text": "x" * 201}, "params"),
        ("voice", {"text": "  "}, "params"),
        ("voice", {"text": "a\nb"}, "params"),
        ("voice", {"text": "hi", "language": "fr"}, "params"),
        ("interval", {"minutes": 1441}, "params"),
        ("test", {"hard": 1}, "params"),
        ("test", [], "params"),
    ],
)
def test_what_is_past_its_limits_is_refused(do: str, params: object, field: str) -> None:
    with pytest.raises(errors.Invalid) as refused:
        commands.check(do, params)
    assert refused.value.params["field"] == field
    assert refused.value.params["reason"]


def test_pauses_double_up_to_an_hour() -> None:
    assert [command.pause(tries).total_seconds() for tries in (0, 1, 2, 9, 10, 32_000)] == [5, 10, 20, 2560, 3600, 3600]


def test_two_gateways_send_each_command_once(world: Any, gateway: Any, post: Post, until: Until, siren: str, tell: Callable[..., int]) -> None:
    device, other = gateway.device(siren), Post(type(gateway)(gateway.database, gateway.broker))
    until(other.connected, "the other gateway is connected")
    numbers = [tell(siren, "test") for _ in range(5)]

    async def both() -> None:
        async with await db.connect(world.url) as one, await db.connect(world.url) as two:
            await asyncio.gather(post.publisher.step(one, world.now), other.publisher.step(two, world.now))

    world.run(both())
    until(lambda: len(device.commands) == 5, "the device hears")
    assert sorted(one["id"] for one in device.commands) == numbers, "two gateways keep no order between them"
    other.publisher.close()
    other.cable.close()
