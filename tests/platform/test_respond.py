"""respond: the first to accept has it, and only they or an operator say how it goes on and when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from cloudfamily_platform.alerts import alert, escalate, respond
from cloudfamily_platform.core import db, errors
from cloudfamily_platform.people import person as people


@pytest.fixture
def asked(world: Any, alarm: Callable[..., int]) -> Any:
    """An alert, with a daughter who was told and two volunteers who were asked."""

    class Asked:
        home = world.home()
        daughter = world.family(home, "daughter", chat=1)
        near, far = world.responder("near", km=0.4, chat=2), world.responder("far", km=2, chat=3)
        operator = world.person("operator", "operator")
        alert_id = alarm()

        def do(self, what: Callable[..., Any], person: Any, *more: Any) -> dict[str, Any]:
            row: dict[str, Any] = world.run(what(world.conn, self.alert_id, person, *more, world.now))
            return row

    world.drain(*escalate.STAGES)
    return Asked()


def told(world: Any, code: str) -> list[str]:
    query = "SELECT message, params FROM notification n JOIN person p ON p.id = n.person_id WHERE p.code = %s ORDER BY n.id"
    return [" ".join([row["message"], *row["params"].values()]) for row in world.rows(query, code)]


def answers(world: Any) -> list[str]:
    return [row["answer"] for row in world.rows("SELECT answer FROM command ORDER BY id")]


def test_the_first_of_two_at_once_has_it(world: Any, asked: Any) -> None:
    async def both() -> list[Any]:
        async with await db.connect(world.url) as one, await db.connect(world.url) as other:
            racers = (respond.accept(one, asked.alert_id, asked.near, world.now), respond.accept(other, asked.alert_id, asked.far, world.now))
            return await asyncio.gather(*racers, return_exceptions=True)

    results = world.run(both())
    (won,) = [result for result in results if isinstance(result, dict)]
    (lost,) = [result for result in results if isinstance(result, Exception)]
    assert isinstance(lost, errors.Taken)
    assert lost.params == {"by": won["handler_name"]}
    assert won["handler_id"] in (asked.near.id, asked.far.id)
    assert world.value("SELECT count(*) FROM response") == 1
    assert world.value("SELECT count(*) FROM alert_event WHERE kind = 'accepted'") == 1


def test_who_comes_second_learns_who_was_first(world: Any, asked: Any) -> None:
    asked.do(respond.accept, asked.near)
    for second in (asked.far, asked.daughter, asked.operator):
        with pytest.raises(errors.Taken) as refusal:
            asked.do(respond.accept, second)
        assert refusal.value.params == {"by": "测试·near"}


def test_the_whole_way(world: Any, asked: Any, timeline: Callable[..., list[str]]) -> None:
    asked.do(respond.accept, asked.near)
    assert told(world, "far") == ["offer", "taken"]
    world.wait(minutes=3)
    asked.do(respond.move, asked.near, "on_the_way")
    world.wait(minutes=10)
    asked.do(respond.move, asked.near, "there")
    world.wait(minutes=30)
    row = asked.do(respond.resolve, asked.near, "real", "fell in the kitchen")
    assert (row["state"], row["outcome"], row["handler_id"]) == ("resolved", "real", asked.near.id)
    assert timeline(asked.alert_id)[-4:] == ["accepted near", "on_the_way near", "there near", "resolved near"]
    assert told(world, "daughter")[:4] == ["alert", "accepted 测试·near", "on_the_way 测试·near", "there 测试·near"]
    assert world.value("SELECT params FROM notification WHERE message = 'resolved'") == {"actor": "测试·near", "outcome": "real", "note": "fell in the kitchen"}
    assert answers(world) == ["help_is_coming", "on_the_way", "resolved"]
    response = world.rows("SELECT ended, closed_by, due_at, there_at FROM response")[0]
    assert (response["ended"], response["closed_by"], response["due_at"]) == ("resolved", asked.near.id, world.now)


def test_accepting_twice_is_accepting_once(world: Any, asked: Any) -> None:
    asked.do(respond.accept, asked.near)
    events = world.value("SELECT count(*) FROM alert_event")
    world.wait(seconds=5)
    row = asked.do(respond.accept, asked.near)
    assert row["handler_id"] == asked.near.id
    asked.do(respond.move, asked.near, "on_the_way")
    asked.do(respond.move, asked.near, "on_the_way")
    assert world.value("SELECT count(*) FROM alert_event") == events + 1


def test_an_operator_hands_over_to_whom_they_send_for(world: Any, asked: Any, timeline: Callable[..., list[str]]) -> None:
    asked.do(respond.accept, asked.operator)
    assert world.value("SELECT count(*) FROM response") == 0  # an operator does not go
    with pytest.raises(errors.Taken):
        asked.do(respond.accept, asked.near)  # their offers were withdrawn …
    asked.do(respond.dispatch, asked.operator)  # … and are made anew
    assert told(world, "near") == ["offer", "taken", "offer"]
    row = asked.do(respond.accept, asked.far)
    assert (row["state"], row["handler_id"], row["responding"]) == ("accepted", asked.far.id, [asked.far.id])
    assert timeline(asked.alert_id)[-4:] == ["accepted operator", "offered near", "offered far", "accepted far"]
    assert told(world, "daughter") == ["alert", "accepted 测试·operator", "accepted 测试·far"]
    with pytest.raises(errors.Taken, match="far"):
        asked.do(respond.accept, asked.near)
    asked.do(respond.resolve, asked.operator, "real", "")


def test_only_who_has_it_and_operators_say_how_it_goes_on(world: Any, asked: Any) -> None:
    asked.do(respond.accept, asked.near)
    for what, more in ((respond.move, ["on_the_way"]), (respond.move, ["there"]), (respond.resolve, ["real", ""])):
        with pytest.raises(errors.NotAllowed):
            asked.do(what, asked.daughter, *more)
        with pytest.raises(errors.Taken):
            asked.do(what, asked.far, *more)
        with pytest.raises(errors.NotFound):
            asked.do(what, world.person(f"stranger-{what.__name__}-{len(more)}-{more[0]}", "volunteer"), *more)
    asked.do(respond.move, asked.operator, "there")
    asked.do(respond.resolve, asked.operator, "false_alarm", "")
    assert world.rows("SELECT there_at IS NOT NULL AS there, closed_by FROM response") == [{"there": True, "closed_by": asked.operator.id}]


def test_nobody_else_has_even_heard_of_it(world: Any, asked: Any) -> None:
    strangers = [
        world.person("no role"), world.person("volunteer", "volunteer"), world.person("another family", "family"),
        world.person("canary-operator", "operator", canary=True, city=True),
    ]  # fmt: skip
    other = world.insert("district", code="changzhou", name_zh="长洲", name_en="Changzhou")
    elsewhere = world.person("elsewhere")
    world.insert("role", person_id=elsewhere.id, role="operator", district_id=other)
    for stranger in (*strangers, world.run(people.load(world.conn, elsewhere.id))):
        for what, more in ((respond.accept, []), (respond.decline, []), (respond.resolve, ["test", ""]), (respond.add_note, ["?"]), (respond.dispatch, [])):
            with pytest.raises(errors.NotFound):
                asked.do(what, stranger, *more)


def test_there_without_on_the_way_and_never_back(world: Any, asked: Any) -> None:
    asked.do(respond.accept, asked.near)
    asked.do(respond.move, asked.near, "there")
    with pytest.raises(errors.WrongState):
        asked.do(respond.move, asked.near, "on_the_way")


def test_what_is_not_accepted_cannot_be_moved(world: Any, asked: Any) -> None:
    for to in ("on_the_way", "there"):
        with pytest.raises(errors.WrongState):
            asked.do(respond.move, asked.operator, to)


def test_over_is_over(world: Any, asked: Any) -> None:
    asked.do(respond.accept, asked.near)
    asked.do(respond.resolve, asked.operator, "test", "")
    events = world.value("SELECT count(*) FROM alert_event")
    for what, who, more in (
        (respond.resolve, asked.operator, ["real", ""]), (respond.resolve, asked.near, ["real", ""]), (respond.accept, asked.near, []),
        (respond.accept, asked.far, []), (respond.accept, asked.daughter, []), (respond.move, asked.operator, ["there"]),
        (respond.dispatch, asked.operator, []), (respond.decline, asked.far, []),
    ):  # fmt: skip
        with pytest.raises(errors.WrongState):
            asked.do(what, who, *more)
    assert world.value("SELECT count(*) FROM alert_event") == events
    assert world.value("SELECT outcome FROM alert") == "test"


def test_resolved_without_anybody_having_accepted(world: Any, asked: Any) -> None:
    row = asked.do(respond.resolve, asked.operator, "false_alarm", "she called back")
    assert (row["handler_name"], row["accepted_at"]) == ("测试·operator", world.now)
    assert told(world, "near") == ["offer", "taken"]
    with pytest.raises(errors.NotFound):
        asked.do(respond.resolve, world.person("volunteer", "volunteer"), "real", "")


def test_an_end_that_cannot_be(world: Any, asked: Any) -> None:
    for outcome, note in (("fine", ""), ("", ""), ("real", "x" * 2001)):
        with pytest.raises(errors.Invalid):
            asked.do(respond.resolve, asked.operator, outcome, note)


def test_notes(world: Any, asked: Any, timeline: Callable[..., list[str]]) -> None:
    asked.do(respond.add_note, asked.operator, "  she answers the phone ")
    asked.do(respond.add_note, asked.daughter, "I am in Nanning")
    assert timeline(asked.alert_id)[-2:] == ["note operator", "note daughter"]
    assert world.value("SELECT params FROM alert_event WHERE kind = 'note' ORDER BY id LIMIT 1") == {"text": "she answers the phone"}
    with pytest.raises(errors.NotAllowed):
        asked.do(respond.add_note, asked.near, "who is it?")  # who was asked does not know yet whom it is about
    for text in ("", "   ", "x" * 2001):
        with pytest.raises(errors.Invalid):
            asked.do(respond.add_note, asked.operator, text)


def test_declining_after_accepting_from_an_older_message(world: Any, asked: Any) -> None:
    asked.do(respond.accept, asked.near)
    with pytest.raises(errors.WrongState) as refusal:
        asked.do(respond.decline, asked.near)
    assert refusal.value.params == {"state": "accepted"}
    assert world.value("SELECT state FROM alert") == "accepted"


def test_what_each_may_see_along_the_way(world: Any, asked: Any) -> None:
    everybody = (asked.operator, asked.daughter, asked.near, asked.far)

    def seen() -> list[str | None]:
        row = world.run(alert.load(world.conn, asked.alert_id))
        return [alert.sight(person, row) for person in everybody]

    assert seen() == ["full", "full", "masked", "masked"]
    asked.do(respond.accept, asked.near)
    assert seen() == ["full", "full", "full", None]
    asked.do(respond.resolve, asked.near, "real", "")
    assert seen() == ["full", "full", "masked", None]
