"""escalate: while nobody has an alert, the next people hear of it, at the right times; who holds it without progress loses it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from cloudfamily_platform.alerts import escalate, policy, respond


def told(world: Any) -> list[str]:
    """Who has been told since the last time this was asked, by code."""
    rows = world.rows(
        "WITH new AS (UPDATE notification SET state = 'sent', due_at = NULL WHERE state = 'waiting' RETURNING person_id, message)"
        " SELECT p.code, n.message FROM new n JOIN person p ON p.id = n.person_id ORDER BY p.code, n.message"
    )
    return [row["code"] if row["message"] == "alert" else f"{row['message']} {row['code']}" for row in rows]


def test_step_by_step(world: Any, alarm: Callable[..., int], timeline: Callable[..., list[str]]) -> None:
    home = world.home()
    world.family(home, "daughter", 1, chat=1)
    world.family(home, "son", 2, chat=2)
    world.person("operator", "operator", chat=3)
    world.person("boss", "supervisor", chat=4, city=True)
    alert_id = alarm()
    opened = world.now

    everybody = ["boss", "daughter", "operator", "son"]
    for after_s, who in ((0, ["daughter"]), (30, ["daughter", "operator", "son"]), (90, everybody), (210, everybody), (330, everybody)):
        world.wait(seconds=after_s - (world.now - opened).total_seconds() - 0.001)
        assert world.drain(*escalate.STAGES) == 0
        world.wait(seconds=0.001)
        assert world.drain(*escalate.STAGES) == 1
        assert told(world) == who
    assert timeline(alert_id) == ["opened", "no_responder", "escalated", "escalated", "escalated", "escalated"]
    assert [row["params"] for row in world.rows("SELECT params FROM alert_event WHERE kind = 'escalated' ORDER BY id")] == [{"step": n} for n in (1, 2, 3, 4)]


def test_an_open_alert_never_falls_silent(world: Any, alarm: Callable[..., int]) -> None:
    home = world.home()
    world.family(home, "daughter", chat=1)
    alarm()
    waits = []
    for _ in range(36):
        assert world.drain(*escalate.STAGES) == 1
        due_at = world.value("SELECT due_at FROM alert")
        waits.append((due_at - world.now).total_seconds())
        world.now = due_at
        assert told(world) == ["daughter"]
    assert waits == [30, 60, *[120] * 30, *[3600] * 4]


def test_family_without_a_channel_is_a_line_not_a_silence(world: Any, alarm: Callable[..., int], timeline: Callable[..., list[str]]) -> None:
    home = world.home()
    world.family(home, "mute", 1)
    world.family(home, "son", 2, chat=2)
    world.insert("reach", person_id=world.family(home, "blocked", 3).id, channel="telegram", address="3", dead_at=world.now)
    alert_id = alarm()
    world.drain(*escalate.STAGES)
    assert told(world) == ["son"]  # nobody is there to wait for: the next step comes at once
    lines = ["opened", "not_told mute", "nobody_told", "no_responder", "escalated", "not_told mute", "not_told blocked", "nobody_told"]
    assert timeline(alert_id) == lines
    reasons = world.rows("SELECT params FROM alert_event WHERE kind = 'nobody_told' ORDER BY id")
    assert [row["params"] for row in reasons] == [{"whom": "family", "reason": "no_channel"}, {"whom": "operators", "reason": "nobody"}]
    assert world.value("SELECT params FROM alert_event WHERE kind = 'not_told' LIMIT 1") == {"reason": "no_channel"}


def test_only_those_of_the_district(world: Any, alarm: Callable[..., int]) -> None:
    world.home()
    world.person("here", "operator", chat=1)
    world.person("city", "operator", chat=2, city=True)
    elsewhere = world.person("elsewhere", chat=3)
    other = world.insert("district", code="changzhou", name_zh="长洲", name_en="Changzhou")
    world.insert("role", person_id=elsewhere.id, role="operator", district_id=other)
    world.person("canary", "operator", chat=4, city=True, canary=True)
    alarm()
    for wait_s in (0, 30):
        world.wait(seconds=wait_s)
        world.drain(*escalate.STAGES)
    assert told(world) == ["city", "here"]


def test_those_on_shift_and_everybody_when_nobody_is(world: Any, alarm: Callable[..., int], timeline: Callable[..., list[str]]) -> None:
    for number in (1, 2):
        world.home(f"WX-00{number}")
    day = world.person("day", "operator", chat=1)
    world.person("night", "operator", chat=2)
    ends_at = world.now + timedelta(hours=1)
    world.insert("shift", person_id=day.id, role="operator", district_id=world.district_id, starts_at=world.now, ends_at=ends_at)
    first = alarm()
    world.drain(*escalate.STAGES)
    assert told(world) == ["day"]
    world.sync.execute("UPDATE alert SET due_at = 'infinity'")
    world.now = ends_at
    second = alarm(device="WX-002-button")
    world.drain(*escalate.STAGES)
    assert told(world) == ["day", "night"]
    assert [("nobody_on_duty" in timeline(alert_id)) for alert_id in (first, second)] == [False, True]
    assert world.value("SELECT params FROM alert_event WHERE kind = 'nobody_on_duty'") == {"whom": "operators"}


def test_an_unknown_device_has_no_family_but_operators(world: Any, alarm: Callable[..., int]) -> None:
    world.person("city", "operator", chat=2, city=True)
    alarm(device="somebody-s-button")
    assert world.drain(*escalate.STAGES) == 2  # the first step reaches nobody: the next comes at once
    assert told(world) == ["city"]
    assert (world.value("SELECT due_at FROM alert") - world.now).total_seconds() == 60  # from the second step to the third


def test_a_new_policy_leaves_a_live_alert_with_its_own(world: Any, alarm: Callable[..., int]) -> None:
    home = world.home("WX-001")
    world.family(home, "daughter", chat=1)
    world.family(world.home("WX-002"), "son", chat=2)
    alarm()
    plan = world.value("SELECT plan FROM policy WHERE code = 'critical'")
    plan["steps"] = [{"after_s": 0, "tell": ["family:1"], "offer": 0}]
    plan["repeat_s"] = 5
    world.insert("policy", code="critical", version=2, severity="critical", plan=Jsonb(plan))
    alarm(device="WX-002-button")
    world.drain(*escalate.STAGES)
    assert told(world) == ["daughter", "son"]
    waits = [(row["due_at"] - world.now).total_seconds() for row in world.rows("SELECT due_at FROM alert ORDER BY id")]
    assert waits == [30, 5]


def test_a_districts_own_policy_comes_before_the_general_one(world: Any, alarm: Callable[..., int]) -> None:
    world.home()
    plan = world.value("SELECT plan FROM policy WHERE code = 'low'")
    policy_id = world.insert("policy", code="wanxiu", version=1, severity="critical", district_id=world.district_id, plan=Jsonb(plan))
    alarm()
    alarm(device="somebody-s-button")
    assert [row["policy_id"] == policy_id for row in world.rows("SELECT policy_id FROM alert ORDER BY id")] == [True, False]


def test_a_policy_that_cannot_be_read_gives_way_to_the_built_in_one(world: Any, alarm: Callable[..., int], timeline: Callable[..., list[str]]) -> None:
    world.family(world.home("WX-001"), "son", chat=2)
    world.family(world.home("WX-002"), "daughter", chat=1)
    broken = alarm()
    bad = world.insert("policy", code="broken", version=1, severity="critical", active=False, plan=Jsonb({"steps": []}))
    world.sync.execute("UPDATE alert SET policy_id = %s WHERE id = %s", [bad, broken])
    alarm(device="WX-002-button")
    assert world.drain(*escalate.STAGES) == 2
    assert told(world) == ["daughter", "son"]
    assert (world.value("SELECT due_at FROM alert WHERE id = %s", broken) - world.now).total_seconds() == 60
    assert timeline(broken)[:3] == ["opened", "policy_unreadable", "nobody_told"]
    row = world.run(respond.accept(world.conn, broken, world.person("operator", "operator"), world.now))
    assert (row["due_at"] - world.now).total_seconds() == policy.DEFAULT.accepted_s


@pytest.mark.parametrize(("moves", "patience_s"), [((), 600), (("on_the_way",), 2700), (("on_the_way", "there"), 14400)])
def test_accepting_is_not_doing(world: Any, alarm: Callable[..., int], timeline: Callable[..., list[str]], moves: tuple[str, ...], patience_s: int) -> None:
    home = world.home()
    daughter = world.family(home, "daughter", chat=1)
    world.responder("volunteer", chat=2)
    alert_id = alarm()
    world.drain(*escalate.STAGES)
    lines = len(timeline(alert_id))
    world.run(respond.accept(world.conn, alert_id, daughter, world.now))
    for move in moves:
        world.wait(minutes=1)
        world.run(respond.move(world.conn, alert_id, daughter, move, world.now))  # type: ignore[arg-type]
    told(world)

    world.wait(seconds=patience_s - 1)
    assert world.drain(*escalate.STAGES) == 0
    world.wait(seconds=1)
    assert world.drain(*escalate.STAGES) == 2  # it opens again, and the next step is taken at once
    alert = world.rows("SELECT state, handler_id, step FROM alert")[0]
    assert alert == {"state": "open", "handler_id": None, "step": 2}
    assert world.rows("SELECT ended FROM response") == [{"ended": "dropped"}]
    done = ["accepted daughter", *(f"{move} daughter" for move in moves)]
    assert timeline(alert_id)[lines:] == [*done, "reopened daughter", "escalated", "nobody_told", "offered volunteer"]
    assert told(world) == ["daughter", "offer volunteer"]


def test_who_lost_it_may_take_it_again(world: Any, alarm: Callable[..., int]) -> None:
    home = world.home()
    daughter = world.family(home, "daughter", chat=1)
    alert_id = alarm()
    world.drain(*escalate.STAGES)
    world.run(respond.accept(world.conn, alert_id, daughter, world.now))
    world.wait(seconds=600)
    world.drain(*escalate.STAGES)
    row = world.run(respond.accept(world.conn, alert_id, daughter, world.now))
    assert (row["state"], row["responding"]) == ("accepted", [daughter.id])


def test_a_resolved_alert_has_no_clock(world: Any, alarm: Callable[..., int]) -> None:
    home = world.home()
    world.family(home, "daughter", chat=1)
    alert_id = alarm()
    world.run(respond.resolve(world.conn, alert_id, world.person("operator", "operator"), "test", "", world.now))
    world.wait(days=2)
    assert world.drain(*escalate.STAGES) == 0
    assert told(world) == []
