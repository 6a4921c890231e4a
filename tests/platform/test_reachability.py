"""Everybody on a policy is asked each week whether they are reached; who does not answer is on a list before an alarm finds out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cloudfamily_platform.alerts import deliver, escalate, reachability
from cloudfamily_platform.alerts.channel import ChannelError, Limits, Receipt
from cloudfamily_platform.core import errors, job
from cloudfamily_platform.people import person as people
from cloudfamily_platform.people.device import CITY, scope

ZONE = ZoneInfo("Asia/Shanghai")
JOB = job.Job(name="reach_tests", every=timedelta(days=1), run=lambda conn, now: reachability.plan(conn, now, ZONE))


class Chat:
    def __init__(self) -> None:
        self.said: list[tuple[str, Any]] = []
        self.refuses: set[str] = set()

    limits, edits = Limits(per_second=1000, burst=1000), False

    async def send(self, address: str, what: Any, key: str) -> Receipt:
        if address in self.refuses:
            raise ChannelError("blocked", permanent=True)
        self.said.append((address, what))
        return Receipt()


@pytest.fixture
def chat() -> Chat:
    return Chat()


@pytest.fixture
def go_on(world: Any, chat: Chat) -> Callable[..., None]:
    """Lets the clock run on, a look each half hour, and answers what `answering` people are asked."""
    stages = (*reachability.stages(ZONE), *deliver.stages({"telegram": chat}, ZONE))

    def run(hours: float, *answering: Any) -> None:
        until = world.now + timedelta(hours=hours)
        while world.now < until:
            world.wait(minutes=30)
            while world.drain(*stages):
                pass
            for person in answering:
                for row in world.rows("SELECT id FROM reach_test WHERE person_id = %s AND asked_at IS NOT NULL AND result IS NULL", person.id):
                    world.run(reachability.answer(world.conn, row["id"], person, "telegram", world.now))

    return run


def plan(world: Any) -> None:
    world.run(job.register(world.conn, [JOB], world.now))
    world.drain(job.stage([JOB]))


def unanswered(world: Any, seen: Any = CITY) -> dict[str, int]:
    return {row["code"]: row["times"] for row in world.run(reachability.unanswered(world.conn, seen))["people"]}


def local(at: datetime) -> datetime:
    return at.astimezone(ZONE)


def test_each_once_a_week_at_an_hour_of_its_own_of_the_working_day(world: Any) -> None:
    home = world.home()
    for number in range(20):
        world.family(home, f"child-{number}", number + 1, chat=number + 1)
    for number, role in enumerate(("operator", "supervisor")):
        world.person(role, role, chat=100 + number)
    world.responder("volunteer", chat=200)
    world.responder("mute")
    world.person("nobody-s", "volunteer", chat=300)  # on no policy: cannot be sent
    world.family(world.home("CANARY", canary=True), "canary", chat=400, canary=True)
    world.sync.execute("INSERT INTO reach (person_id, channel, address, dead_at) SELECT id, 'telegram', '401', %s FROM person WHERE code = 'mute'", [world.now])
    world.wait(days=-0.3)  # Monday morning, before the first hour
    for _ in range(8):
        plan(world)
        world.wait(days=1)
    rows = world.rows("SELECT p.code, t.week::text, t.due_at FROM reach_test t JOIN person p ON p.id = t.person_id ORDER BY t.due_at")
    weeks = {row["week"] for row in rows}
    assert weeks == {"2026-11-23", "2026-11-30", "2026-12-07"}
    everybody = sorted([*(f"child-{number}" for number in range(20)), "operator", "supervisor", "volunteer"])
    for week in weeks:
        assert sorted(row["code"] for row in rows if row["week"] == week) == everybody
    assert all(10 <= local(row["due_at"]).hour < 18 for row in rows)
    assert {str(local(row["due_at"]).date() - timedelta(days=local(row["due_at"]).weekday())) for row in rows} == weeks
    first = [row["due_at"] for row in rows if row["week"] == "2026-11-23"]
    assert len(set(first)) == len(first)
    assert len({at.date() for at in first}) >= 4, "no flood"


def test_other_ways_are_tried_each_fourth_week(world: Any) -> None:
    daughter = world.family(world.home(), "daughter", chat=1)
    world.insert("reach", person_id=daughter.id, channel="voice", address="+86", rank=2)
    for _ in range(8):
        plan(world)
        world.wait(weeks=1)
    counts = {row["channel"]: row["count"] for row in world.rows("SELECT channel, count(*) FROM reach_test GROUP BY channel")}
    assert counts["telegram"] in (8, 9)
    assert counts["voice"] == 2


def test_who_answers_is_thanked_and_who_does_not_is_reminded_once_and_listed(
    world: Any, chat: Chat, go_on: Callable[..., None], timeline: Callable[..., list[str]]
) -> None:
    home = world.home()
    daughter = world.family(home, "daughter", 1, chat=1, language="en")
    world.family(home, "son", 2, chat=2)
    plan(world)
    go_on(24 * 14, daughter)
    assert next(what.text.split(":")[0] for address, what in chat.said if address == "1") == "A weekly test from Cloud Family"
    asked = [what.text[:4] for address, what in chat.said if address == "2"]
    assert asked[:2] == ["这是云家", "温馨提醒"]
    assert len(asked) in (2, 4)  # a week's moment may have been before the world began
    sent = [local(row["sent_at"]) for row in world.rows("SELECT sent_at FROM notification WHERE round = 1 ORDER BY id")]
    assert all(8 <= at.hour < 21 for at in sent), "nobody is woken"
    assert unanswered(world) == {"son": len(asked) // 2}
    assert world.rows("SELECT FROM notification WHERE alert_id IS NOT NULL") == []
    assert world.rows("SELECT DISTINCT result FROM reach_test t JOIN person p ON p.id = t.person_id WHERE p.code = 'daughter' AND asked_at IS NOT NULL") == [
        {"result": "answered"}
    ]


def test_two_missed_weeks_stand_until_they_are_heard(world: Any, go_on: Callable[..., None]) -> None:
    son = world.family(world.home(), "son", chat=2)
    world.wait(days=-1)  # before the week begins
    for _ in range(2):
        plan(world)
        go_on(24 * 7)
    go_on(24 * 2)
    (found,) = world.run(reachability.unanswered(world.conn, CITY))["people"]
    assert (found["times"], found["channel"], found["parts"], found["homes"]) == (2, "telegram", ["family"], ["WX-001"])
    assert found["district"]["code"] == "wanxiu"
    assert found["since"] == world.value("SELECT min(asked_at) FROM reach_test")
    world.run(reachability.heard(world.conn, son, "telegram", world.now))
    assert unanswered(world) == {}


def test_a_late_answer_counts(world: Any, go_on: Callable[..., None]) -> None:
    son = world.family(world.home(), "son", chat=2)
    world.wait(days=-1)
    plan(world)
    go_on(24 * 8)
    test = world.value("SELECT id FROM reach_test WHERE result = 'missed'")
    assert unanswered(world) == {"son": 1}
    stranger = world.person("stranger", "family")
    for person, channel in ((stranger, "telegram"), (son, "voice")):
        with pytest.raises(errors.NotFound):
            world.run(reachability.answer(world.conn, test, person, channel, world.now))
    for _ in range(2):
        world.run(reachability.answer(world.conn, test, son, "telegram", world.now))
    assert unanswered(world) == {}


def test_whoever_used_the_chat_this_week_is_not_bothered(world: Any, chat: Chat, go_on: Callable[..., None]) -> None:
    daughter = world.family(world.home(), "daughter", chat=1)
    world.wait(days=-1)
    plan(world)
    world.run(reachability.heard(world.conn, daughter, "telegram", world.value("SELECT min(due_at) FROM reach_test") - timedelta(days=6)))
    go_on(24 * 7.5)
    assert chat.said == []
    assert world.value("SELECT result FROM reach_test ORDER BY due_at NULLS FIRST LIMIT 1") == "heard"


def test_a_button_pressed_meanwhile_counts_as_the_answer(world: Any, chat: Chat, go_on: Callable[..., None]) -> None:
    daughter = world.family(world.home(), "daughter", chat=1)
    world.run(reachability.heard(world.conn, daughter, "telegram", world.now - timedelta(minutes=10)))
    world.run(reachability.ask_now(world.conn, "daughter", world.person("operator", "operator"), world.now))
    go_on(1)
    assert len(chat.said) == 1
    world.run(reachability.heard(world.conn, daughter, "telegram", world.now))
    go_on(24)
    assert len(chat.said) == 1
    assert world.value("SELECT result FROM reach_test") == "heard"


def test_who_blocked_the_bot_is_found_without_an_alarm(world: Any, chat: Chat, go_on: Callable[..., None]) -> None:
    world.family(world.home(), "son", chat=2)
    world.wait(days=-1)
    plan(world)
    chat.refuses = {"2"}
    go_on(24 * 8)
    assert world.value("SELECT dead_at IS NOT NULL FROM reach WHERE address = '2'")
    assert unanswered(world) == {"son": 1}


def test_tests_never_stand_before_an_alarm(world: Any, alarm: Callable[..., int]) -> None:
    home = world.home()
    for number in range(1, 10):
        world.family(home, f"child-{number}", number, chat=number)
        world.insert("reach_test", person_id=world.value("SELECT id FROM person WHERE code = %s", f"child-{number}"), channel="telegram", due_at=world.now)
    assert world.drain(*reachability.stages(ZONE)) == reachability.AT_ONCE
    alarm()
    world.drain(*escalate.STAGES)
    waiting = world.rows("SELECT message FROM notification WHERE due_at <= %s ORDER BY due_at, id", world.now)
    assert [row["message"] for row in waiting] == ["reach_test"] * reachability.AT_ONCE + ["alert"]


def test_after_a_standstill_nobody_is_asked_at_night(world: Any, chat: Chat, go_on: Callable[..., None]) -> None:
    world.family(world.home(), "son", chat=2)
    plan(world)
    world.now = world.value("SELECT min(due_at) FROM reach_test")
    world.now = datetime.combine(local(world.now).date(), datetime.min.time(), ZONE) + timedelta(hours=23)
    go_on(10.5)
    assert chat.said == []
    go_on(1)
    assert len(chat.said) == 1


def test_whoever_is_on_no_policy_any_more_is_left_alone(world: Any, chat: Chat, go_on: Callable[..., None]) -> None:
    home = world.home()
    world.family(home, "son", chat=2)
    world.wait(days=-1)
    plan(world)
    world.sync.execute("DELETE FROM contact")
    go_on(24 * 8)
    assert chat.said == []
    assert world.value("SELECT result FROM reach_test ORDER BY id LIMIT 1") == "dropped"


def test_over_the_api(world: Any, site: Callable[[], Any], go_on: Callable[..., None]) -> None:
    home = world.home()
    world.family(home, "son", chat=2)
    world.family(home, "mute", 2)
    other = world.insert("district", code="changzhou", name_zh="长洲", name_en="Changzhou")
    here, elsewhere = world.person("here", "operator", chat=3), world.person("elsewhere")
    world.insert("role", person_id=elsewhere.id, role="operator", district_id=other)

    async def ask() -> None:
        async with site() as at:
            mine, theirs, family = [await at.client(one) for one in asking]
            assert (await family.get("/api/reachability"))[0] == 403
            assert (await theirs.post("/api/people/son/reach-test"))[0] == 404
            status, body = await mine.post("/api/people/mute/reach-test")
            assert (status, body["error"]["code"]) == (409, "no_channel")
            assert "测试·mute" in body["error"]["message"]
            for _ in range(2):  # a second press asks nobody twice
                status, body = await mine.post("/api/people/son/reach-test")
                assert (status, [one["channel"] for one in body["tests"]]) == (201, ["telegram"])

    async def look() -> None:
        async with site() as at:
            for one, expected in ((asking[0], ["son"]), (asking[1], [])):
                status, body = await (await at.client(one)).get("/api/reachability")
                assert (status, [found["code"] for found in body["people"]], body["total"]) == (200, expected, len(expected))

    asking = [here, world.run(people.load(world.conn, elsewhere.id)), world.person("sister", "family")]
    world.run(ask())
    go_on(25)
    world.run(look())
    assert world.value("SELECT count(*) FROM reach_test WHERE week IS NULL") == 1
    assert unanswered(world, scope(asking[1])) == {}
