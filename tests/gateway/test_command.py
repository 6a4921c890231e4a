"""Answers go out to devices; each stays due until the broker has taken it, or it has expired."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from cloudfamily_gateway import command
from cloudfamily_gateway.command import Publisher
from cloudfamily_platform.core.stage import Stage

Until = Callable[..., None]


class Post:
    """The command stage behind a cable that can be cut."""

    def __init__(self, gateway: Any) -> None:
        self.cable = gateway.cable()
        self.publisher = Publisher(gateway.settings, self.cable.address)
        self.connected = self.publisher.client.is_connected

    def stage(self) -> Stage:
        (stage,) = command.stages(self.publisher)
        return stage


@pytest.fixture
def post(gateway: Any, until: Until) -> Iterator[Post]:
    made = Post(gateway)
    until(made.connected, "the publisher is connected")
    yield made
    made.publisher.close()


def due(world: Any, answer: str, seq: int | None, minutes: float = 10) -> None:
    world.insert("command", device_code="btn-1", answer=answer, seq=seq, due_at=world.now, expires_at=world.now + timedelta(minutes=minutes))


def waiting(world: Any) -> list[Any]:
    return [row["due_at"] for row in world.rows("SELECT due_at FROM command WHERE due_at IS NOT NULL")]


def test_answers_go_out_in_their_order_and_are_done(world: Any, gateway: Any, post: Post, until: Until) -> None:
    button = gateway.device("btn-1")
    due(world, "help_is_coming", 5)
    world.wait(seconds=1)
    due(world, "resolved", 5)
    due(world, "received", None)
    assert world.drain(post.stage()) == 3
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
