"""Who goes alone is asked whether all is well: silent on the way, somebody else is sent; silent at the home, help comes to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cloudfamily_platform.alerts import alert, checkin, escalate, lone, offers, policy, respond
from cloudfamily_platform.core import db, errors
from cloudfamily_platform.people import person as people

STAGES = (*escalate.STAGES, *offers.STAGES, *checkin.STAGES)


@pytest.mark.parametrize(
    ("travel_s", "first_minutes", "again_minutes"),
    [(0, 5, 5), (80, 5, 5), (240, 9, 5), (600, 18, 5), (1800, 48, 15), (None, 25.5, 7.5)],
)
def test_when_we_ask_on_the_way(travel_s: int | None, first_minutes: float, again_minutes: float) -> None:
    assert lone.first_look(travel_s) == timedelta(minutes=first_minutes)
    assert lone.look_again(travel_s) == timedelta(minutes=again_minutes)


@pytest.mark.parametrize(
    ("severity", "is_family", "checkin_s", "minutes"),
    [("critical", False, 1200, 20), ("high", False, 600, 10), ("high", False, 1, 5), ("low", False, 1200, None), ("critical", True, 1200, None)],
)
def test_when_we_ask_at_the_home(severity: str, is_family: bool, checkin_s: int, minutes: int | None) -> None:
    plan = {"steps": [{"after_s": 0, "tell": [], "offer": 1}], "repeat_s": 1, "repeats": 1, "offer_s": 1, "accepted_s": 1, "on_the_way_s": 1, "there_s": 1}
    found = lone.at_home(policy.parse(plan | {"checkin_s": checkin_s}), severity, is_family=is_family)
    assert found == (None if minutes is None else timedelta(minutes=minutes))


class Story:
    """An alert of WX-001 with volunteer a 3 km away (867 s by e-bike: asked after 24 min 40 s) and b further on."""

    def __init__(self, world: Any, alarm: Callable[..., int], kind: str = "water_leak") -> None:
        self.world = world
        self.home = world.home()
        world.family(self.home, "daughter", chat=9)
        world.responder("a", km=3, chat=1)
        world.responder("b", km=4, chat=2)
        world.person("operator", "operator", chat=3)
        self.alert_id = alarm(kind=kind)
        world.drain(*escalate.STAGES)

    def do(self, what: Callable[..., Any], code: str, *more: Any) -> dict[str, Any]:
        found = self.world.run(people.load(self.world.conn, self.world.value("SELECT id FROM person WHERE code = %s", code)))
        row: dict[str, Any] = self.world.run(what(self.world.conn, self.alert_id, found, *more, self.world.now))
        return row

    def goes(self, code: str, *moves: str) -> None:
        self.do(respond.accept, code)
        for move in moves:
            self.do(respond.move, code, move)

    def told(self, code: str) -> list[str]:
        query = "SELECT message FROM notification n JOIN person p ON p.id = n.person_id WHERE p.code = %s ORDER BY n.id"
        return [row["message"] for row in self.world.rows(query, code)]

    def state(self) -> str:
        return str(self.world.value("SELECT state FROM alert WHERE id = %s", self.alert_id))


@pytest.fixture
def story(world: Any, alarm: Callable[..., int]) -> Story:
    return Story(world, alarm)


FIRST = {"minutes": 24, "seconds": 40.5}  # 1.5 × 867 s + 3 min


def test_a_responder_who_never_arrives(world: Any, story: Story, timeline: Callable[..., list[str]]) -> None:
    story.goes("a", "on_the_way")
    world.wait(minutes=24, seconds=40)
    assert world.drain(*checkin.STAGES) == 0
    world.wait(seconds=1)
    assert world.drain(*checkin.STAGES) == 1
    assert story.told("a")[-1] == "checkin"
    assert story.state() == "on_the_way"

    world.wait(seconds=119)
    assert world.drain(*checkin.STAGES) == 0
    world.wait(seconds=1)
    assert world.drain(*checkin.STAGES) == 1
    assert story.state() == "open"
    assert world.rows("SELECT ended FROM response") == [{"ended": "dropped"}]
    assert timeline(story.alert_id)[-3:] == ["checkin_asked a", "replaced a", "offered b"]
    assert [story.told(code)[-1] for code in ("a", "b", "operator", "daughter")] == ["dropped", "offer", "responder_dropped", "replaced"]
    world.drain(*STAGES)  # the escalation goes on at once, where it was
    assert "alert" in story.told("operator")
    story.goes("b", "on_the_way", "there", "inside")
    story.do(respond.resolve, "b", "real", "")
    world.wait(days=1)
    assert world.drain(*STAGES) == 0
    assert story.told("a").count("offer") == 1


def test_who_answers_goes_on(world: Any, story: Story, timeline: Callable[..., list[str]]) -> None:
    story.goes("a", "on_the_way")
    world.wait(minutes=25)
    world.drain(*checkin.STAGES)
    world.wait(seconds=100)
    story.do(respond.answer, "a")
    assert timeline(story.alert_id)[-1] == "checkin_answered a"
    assert world.rows("SELECT asked_at, checkin_at FROM response") == [{"asked_at": None, "checkin_at": world.now + timedelta(seconds=433.5)}]
    for _ in range(20):  # as long as they answer, nobody takes it from them: also the policy's hour begins anew
        world.wait(seconds=434)
        assert world.drain(*STAGES) == 1
        story.do(respond.move, "a", "on_the_way")  # the same button again is an answer as well
    assert story.state() == "on_the_way"
    story.do(respond.answer, "a")  # who was not asked and says it writes no line
    assert timeline(story.alert_id)[-1] == "checkin_answered a"
    assert timeline(story.alert_id).count("checkin_answered a") == 21


def test_who_is_replaced_and_gets_there_has_it_again(world: Any, story: Story, timeline: Callable[..., list[str]]) -> None:
    story.goes("a", "on_the_way")
    for wait in (timedelta(minutes=25), timedelta(minutes=2)):
        world.now += wait
        world.drain(*checkin.STAGES)
    assert story.state() == "open"
    row = story.do(respond.move, "a", "there")
    assert (row["state"], row["handler_name"]) == ("there", "测试·a")
    assert timeline(story.alert_id)[-2:] == ["accepted a", "there a"]
    assert story.told("b")[-1] == "taken"
    assert world.value("SELECT count(*) FROM response WHERE ended IS NULL") == 1


def test_who_answers_too_late_is_on_the_way_again_unless_somebody_else_is(world: Any, story: Story) -> None:
    for accepted_meanwhile in (False, True):
        story.goes("a", "on_the_way")
        for wait in (timedelta(minutes=25), timedelta(minutes=2)):
            world.now += wait
            world.drain(*checkin.STAGES)
        if not accepted_meanwhile:
            assert story.do(respond.answer, "a")["state"] == "on_the_way"
            world.wait(minutes=25)
            world.drain(*checkin.STAGES)
            world.wait(minutes=2)
            world.drain(*checkin.STAGES)
            assert story.state() == "open"
    story.goes("b")
    for what, more in ((respond.answer, []), (respond.move, ["there"])):
        with pytest.raises(errors.Taken) as refusal:
            story.do(what, "a", *more)
        assert refusal.value.params == {"by": "测试·b"}


def test_silent_at_the_home(world: Any, story: Story, timeline: Callable[..., list[str]]) -> None:
    """They keep it, for who else is there? But operators hear of it, and an alert of its own sends somebody to them."""
    story.goes("a", "on_the_way", "there")
    world.wait(minutes=20)
    assert world.drain(*checkin.STAGES) == 1
    assert story.told("a")[-1] == "checkin"
    world.wait(minutes=2)
    assert world.drain(*checkin.STAGES) == 1
    assert story.state() == "there"
    assert story.told("operator")[-1] == "responder_silent"
    assert timeline(story.alert_id)[-2:] == ["checkin_asked a", "responder_silent a"]
    (raised,) = world.rows("SELECT id, kind, severity, state, why FROM alert WHERE kind = 'responder_silent'")
    assert (raised["severity"], raised["state"]) == ("high", "open")
    assert raised["why"]["params"] == {"name": "测试·a", "minutes": 2, "alert": story.alert_id}
    world.drain(*escalate.STAGES)
    assert story.told("b")[-1] == "offer"

    silent_at = world.now
    world.wait(minutes=20)  # still silent: asked again, and the same alert goes on
    world.drain(*checkin.STAGES)
    world.wait(minutes=2)
    world.drain(*checkin.STAGES)
    assert world.value("SELECT presses FROM alert WHERE kind = 'responder_silent'") == 2
    assert world.value("SELECT silent_at FROM response WHERE ended IS NULL ORDER BY id LIMIT 1") == silent_at

    story.do(respond.move, "a", "inside")
    assert world.value("SELECT silent_at FROM response ORDER BY id LIMIT 1") is None
    assert timeline(raised["id"])[-1] == "recovered"


def test_whoever_says_anything_is_well(world: Any, story: Story) -> None:
    story.goes("a", "on_the_way", "there", "inside")
    for do, more in ((respond.add_note, ["she is drinking water"]), (respond.answer, []), (respond.move, ["inside"])):
        world.wait(minutes=20)
        world.drain(*checkin.STAGES)
        assert world.value("SELECT asked_at FROM response") == world.now
        world.wait(seconds=119)
        story.do(do, "a", *more)
        world.wait(minutes=19, seconds=59)
        assert world.drain(*checkin.STAGES) == 0
        world.wait(seconds=1)
        story.do(respond.answer, "a")
    assert world.value("SELECT count(*) FROM alert") == 1


def test_family_at_home_are_left_alone(world: Any, story: Story) -> None:
    story.goes("daughter", "on_the_way")
    assert world.value("SELECT checkin_at FROM response") == world.now + timedelta(minutes=25, seconds=30)  # nobody knows from where
    story.do(respond.move, "daughter", "there")
    assert world.value("SELECT checkin_at FROM response") is None


def test_an_operator_who_has_it_sits_at_a_desk(world: Any, story: Story) -> None:
    story.goes("operator", "on_the_way")
    assert world.value("SELECT count(*) FROM response") == 0
    story.do(respond.answer, "operator")
    world.wait(minutes=59)
    assert world.drain(*checkin.STAGES) == 0


def test_nobody_is_asked_before_they_go_or_after_it_is_over(world: Any, story: Story) -> None:
    story.goes("a")
    with pytest.raises(errors.WrongState):
        story.do(respond.answer, "a")
    assert world.value("SELECT checkin_at FROM response") is None
    story.do(respond.move, "a", "on_the_way")
    story.do(respond.resolve, "a", "false_alarm", "")
    world.wait(days=1)
    assert world.drain(*checkin.STAGES) == 0


def test_somebody_without_a_channel_is_a_line_and_is_replaced_all_the_same(world: Any, story: Story, timeline: Callable[..., list[str]]) -> None:
    story.goes("a", "on_the_way")
    world.sync.execute("DELETE FROM reach")
    world.wait(minutes=25)
    world.drain(*checkin.STAGES)
    assert timeline(story.alert_id)[-2:] == ["checkin_asked a", "not_told a"]
    world.wait(minutes=2)
    world.drain(*checkin.STAGES)
    assert story.state() == "open"


def test_there_and_the_end_of_our_patience_at_the_same_moment(world: Any, story: Story) -> None:
    """Whichever comes first, they are there and have it, once."""

    async def both(there_first: bool) -> None:
        a = await people.load(world.conn, world.value("SELECT id FROM person WHERE code = 'a'"))
        async with await db.connect(world.url) as one, await db.connect(world.url) as other:
            steps = [checkin.step(one, world.now), respond.move(other, story.alert_id, a, "there", world.now)]
            await asyncio.gather(*(reversed(steps) if there_first else steps))

    for number in range(6):
        story.goes("a", "on_the_way")
        world.wait(minutes=25)
        world.drain(*checkin.STAGES)
        world.wait(minutes=2)
        world.run(both(there_first=number % 2 == 0))
        world.drain(*checkin.STAGES)
        assert world.rows("SELECT state, p.code FROM alert a JOIN person p ON p.id = a.handler_id WHERE a.id = %s", story.alert_id) == [
            {"state": "there", "code": "a"}
        ]
        assert world.value("SELECT count(*) FROM response WHERE ended IS NULL") == 1
        # And once more from the beginning, as if they had not been asked yet.
        story.do(respond.release, "operator")
        world.sync.execute("UPDATE offer SET state = 'withdrawn', due_at = NULL")
        world.sync.execute("UPDATE response SET ended = 'released'")
        a = world.value("SELECT id FROM person WHERE code = 'a'")
        world.sync.execute("UPDATE offer SET state = 'lapsed' WHERE person_id = %s", [a])


def test_one_is_asked_once_however_many_processes_run(world: Any, story: Story) -> None:
    story.goes("a", "on_the_way")
    world.wait(minutes=25)

    async def together() -> list[bool]:
        conns = [await db.connect(world.url) for _ in range(4)]
        try:
            return await asyncio.gather(*(checkin.step(conn, world.now) for conn in conns))
        finally:
            for conn in conns:
                await conn.close()

    world.run(together())
    assert story.told("a").count("checkin") == 1


def test_one_that_breaks_stops_no_other(world: Any, alarm: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(world, alarm)
    story.goes("a", "on_the_way")
    world.home("WX-002")
    world.responder("c", km=3.2, chat=5)
    first, story.alert_id = story.alert_id, alarm(device="WX-002-button", kind="water_leak")
    world.run(
        respond.dispatch(
            world.conn, story.alert_id, world.run(people.load(world.conn, world.value("SELECT id FROM person WHERE code = 'operator'"))), world.now
        )
    )
    story.goes("c", "on_the_way")
    world.wait(hours=1)
    ask = checkin.ask

    async def broken_here(conn: Any, row: dict[str, Any], *more: Any) -> None:
        if row["id"] == first:
            raise ZeroDivisionError("a broken row")
        await ask(conn, row, *more)

    monkeypatch.setattr(checkin, "ask", broken_here)
    assert world.drain(*checkin.STAGES) == 2
    assert [one["asked_at"] is not None for one in world.rows("SELECT asked_at FROM response ORDER BY id")] == [False, True]
    assert world.value("SELECT checkin_at FROM response ORDER BY id LIMIT 1") == world.now + timedelta(seconds=30)


def test_what_the_stage_says_of_its_lag(world: Any, story: Story) -> None:
    (stage,) = checkin.STAGES
    assert world.value(stage.oldest_due) is None
    story.goes("a", "on_the_way")
    assert world.value(stage.oldest_due) == world.now + timedelta(**FIRST)
    assert alert.iso(world.value(stage.oldest_due)) is not None


def test_what_they_said_between_our_look_and_our_lock_counts(world: Any, story: Story) -> None:
    """A claim may be older than their answer, by the blink in which it waited for the lock."""
    story.goes("a", "on_the_way")
    world.wait(minutes=25)
    world.drain(*checkin.STAGES)
    world.wait(minutes=2)
    claimed = world.rows("SELECT id, alert_id, person_id FROM response")[0]
    story.do(respond.answer, "a")
    world.run(checkin.look(world.conn, claimed, world.now))
    assert (story.state(), world.value("SELECT asked_at FROM response")) == ("on_the_way", None)
    story.do(respond.release, "a")
    world.run(checkin.look(world.conn, claimed, world.now + timedelta(hours=9)))
    assert story.told("a").count("checkin") == 1
