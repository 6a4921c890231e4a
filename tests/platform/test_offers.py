"""Offers: the nearest free and qualified are asked; who does not answer or cannot come gives way to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cloudfamily_platform.alerts import escalate, offers, respond, travel
from cloudfamily_platform.alerts.travel import Place
from cloudfamily_platform.core import errors
from cloudfamily_platform.people import person as people


def asked(world: Any, state: str = "offered") -> list[str]:
    """Who has an offer in this state, the last asked last."""
    query = "SELECT p.code FROM offer o JOIN person p ON p.id = o.person_id WHERE o.state = %s ORDER BY o.offered_at, o.distance_m"
    return [row["code"] for row in world.rows(query, state)]


def messages(world: Any, code: str) -> list[str]:
    query = "SELECT message FROM notification n JOIN person p ON p.id = n.person_id WHERE p.code = %s ORDER BY n.id"
    return [row["message"] for row in world.rows(query, code)]


def test_the_nearest_free_and_qualified_within_their_reach(world: Any, alarm: Callable[..., int]) -> None:
    world.home("WX-001")
    world.home("WX-002")
    world.responder("c", km=3, chat=1)
    world.responder("a", "caregiver", km=0.5, chat=2)
    world.responder("b", km=2, chat=3)
    world.responder("not qualified", km=0.1, skills=["device"])
    world.responder("only neighbours", km=0.3)
    world.sync.execute("UPDATE responder SET reach_m = 200 FROM person p WHERE p.id = person_id AND p.code = 'only neighbours'")
    world.responder("off duty", km=0.1)
    world.sync.execute("UPDATE responder SET on_duty = false FROM person p WHERE p.id = person_id AND p.code = 'off duty'")
    world.responder("was a volunteer", km=0.1)
    world.sync.execute("DELETE FROM role r USING person p WHERE p.id = r.person_id AND p.code = 'was a volunteer'")
    busy = world.responder("busy", km=0.2)
    other = alarm(device="WX-002-button", kind="water_leak")
    world.insert("response", alert_id=other, person_id=busy.id, accepted_at=world.now)
    world.sync.execute("UPDATE alert SET due_at = due_at + interval '1 hour'")

    alarm()
    world.drain(*escalate.STAGES)
    assert asked(world) == ["a", "b"]
    assert world.rows("SELECT distance_m, extract(epoch FROM due_at - offered_at)::int AS seconds FROM offer ORDER BY id") == [
        {"distance_m": 500, "seconds": 45}, {"distance_m": 2000, "seconds": 45},
    ]  # fmt: skip
    assert messages(world, "a") == ["offer"]


def test_who_does_not_answer_gives_way_to_the_next(world: Any, alarm: Callable[..., int], timeline: Callable[..., list[str]]) -> None:
    world.home()
    for km, code in enumerate(("a", "b", "c"), 1):
        world.responder(code, km=km, chat=km)
    alert_id = alarm(kind="water_leak")  # its policy asks one at a time, for two minutes
    world.drain(*escalate.STAGES)
    assert asked(world) == ["a"]
    world.wait(seconds=119)
    assert world.drain(*offers.STAGES) == 0
    world.wait(seconds=1)
    assert world.drain(*offers.STAGES) == 1
    assert (asked(world), asked(world, "lapsed")) == (["b"], ["a"])
    assert timeline(alert_id)[-2:] == ["offer_lapsed a", "offered b"]
    # Whoever was late may still come, as long as nobody else does.
    assert world.run(respond.accept(world.conn, alert_id, person(world, "a"), world.now))["state"] == "accepted"


def test_who_cannot_come_gives_way_at_once(world: Any, alarm: Callable[..., int], timeline: Callable[..., list[str]]) -> None:
    world.home()
    for km, code in enumerate(("a", "b"), 1):
        world.responder(code, km=km, chat=km)
    alert_id = alarm(kind="water_leak")
    world.drain(*escalate.STAGES)
    world.run(respond.decline(world.conn, alert_id, person(world, "a"), world.now))
    assert (asked(world), asked(world, "declined")) == (["b"], ["a"])
    assert timeline(alert_id) == ["opened", "nobody_told", "offered a", "declined a", "offered b"]
    with pytest.raises(errors.NotFound):  # who has declined knows of it no longer
        world.run(respond.decline(world.conn, alert_id, person(world, "a"), world.now))
    world.run(respond.decline(world.conn, alert_id, person(world, "b"), world.now))
    assert asked(world) == []  # nobody is left: who declined is not asked again


def test_who_let_it_lapse_is_asked_again_after_the_others_and_hears_of_it_each_time(world: Any, alarm: Callable[..., int]) -> None:
    world.home()
    for km, code in enumerate(("a", "b", "c"), 1):
        world.responder(code, km=km, chat=km)
    alarm(kind="water_leak")
    world.drain(*escalate.STAGES)  # turn 1: a
    world.wait(seconds=120)
    world.drain(*offers.STAGES)  # a lapses: b
    world.drain(*escalate.STAGES)  # turn 2 asks two more: c, and a again
    assert sorted(asked(world)) == ["a", "b", "c"]
    assert [messages(world, code) for code in "abc"] == [["offer", "offer"], ["offer"], ["offer"]]
    world.wait(seconds=120)
    world.drain(*offers.STAGES)  # all lapse; between the turns nobody is asked twice
    assert asked(world) == []
    world.wait(seconds=360)
    world.drain(*escalate.STAGES)  # turn 3: the two nearest of them once more
    assert asked(world) == ["a", "b"]
    assert [messages(world, code) for code in "abc"] == [["offer"] * 3, ["offer"] * 2, ["offer"]]


def test_when_the_one_who_had_it_gives_no_sign_those_sent_home_are_asked_again(world: Any, alarm: Callable[..., int]) -> None:
    """In a small place they are all there is."""
    world.home()
    a, _ = (world.responder(code, km=km, chat=km) for km, code in enumerate(("a", "b"), 1))
    alert_id = alarm()
    world.drain(*escalate.STAGES)
    world.run(respond.accept(world.conn, alert_id, a, world.now))
    assert asked(world, "withdrawn") == ["b"]
    world.wait(seconds=600)
    world.drain(*escalate.STAGES)
    assert asked(world) == ["b"]
    assert messages(world, "b") == ["offer", "taken", "offer"]


def test_somebody_without_a_channel_is_a_line_not_a_silence(world: Any, alarm: Callable[..., int], timeline: Callable[..., list[str]]) -> None:
    world.home()
    world.responder("mute")
    alert_id = alarm()
    world.drain(*escalate.STAGES)
    # and, since nobody else is there, the steps after it come at once
    assert timeline(alert_id) == ["opened", "nobody_told", "offered mute", "not_told mute", *["escalated", "nobody_told"] * 2]


def test_nobody_near(world: Any, alarm: Callable[..., int], timeline: Callable[..., list[str]]) -> None:
    world.home()
    world.responder("far", km=9)
    alert_id = alarm()
    world.drain(*escalate.STAGES)
    assert timeline(alert_id) == ["opened", "nobody_told", "no_responder", *["escalated", "nobody_told"] * 2]


def test_a_canary_never_meets_people(world: Any, alarm: Callable[..., int]) -> None:
    world.home("WX-001")
    canary_home = world.home("CANARY", canary=True)
    world.responder("volunteer", km=1, chat=1)
    world.responder("canary-volunteer", km=2, chat=2, canary=True)
    world.family(canary_home, "canary-daughter", chat=3, canary=True)
    world.person("operator", "operator", chat=4)
    for device, who in (("CANARY-button", ["canary-volunteer"]), ("WX-001-button", ["volunteer"])):
        alert_id = alarm(device=device)
        for _ in range(3):
            world.drain(*escalate.STAGES)
            world.wait(seconds=60)
        assert [row["code"] for row in world.rows("SELECT p.code FROM offer o JOIN person p ON p.id = o.person_id WHERE alert_id = %s", alert_id)] == who
    mixed = "SELECT count(*) FROM notification n JOIN person p ON p.id = n.person_id JOIN alert a ON a.id = n.alert_id WHERE a.canary <> p.canary"
    assert world.value(mixed) == 0
    assert world.value("SELECT count(*) FROM notification") > 0


def test_an_operators_send_someone(world: Any, alarm: Callable[..., int], timeline: Callable[..., list[str]]) -> None:
    world.home()
    operator = world.person("operator", "operator")
    for km in (1, 2, 3, 4):
        world.responder(f"v{km}", km=km, chat=km)
    alert_id = alarm()
    world.sync.execute("UPDATE alert SET severity = 'low', policy_id = (SELECT id FROM policy WHERE severity = 'low')")
    world.drain(*escalate.STAGES)
    assert asked(world) == []  # a low alert asks nobody by itself
    with pytest.raises(errors.NotFound):
        world.run(respond.dispatch(world.conn, alert_id, person(world, "v1"), world.now))
    world.run(respond.dispatch(world.conn, alert_id, operator, world.now))
    assert asked(world) == []  # nobody of them can repair a device
    assert timeline(alert_id)[-1] == "no_responder operator"
    world.sync.execute("UPDATE responder SET skills = '{device}'")
    world.run(respond.dispatch(world.conn, alert_id, operator, world.now))
    assert asked(world) == ["v1", "v2", "v3"]
    world.run(respond.accept(world.conn, alert_id, person(world, "v2"), world.now))
    with pytest.raises(errors.Taken):
        world.run(respond.dispatch(world.conn, alert_id, operator, world.now))


def test_an_offer_that_cannot_lapse_stops_no_other(world: Any, alarm: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):
        world.home(f"WX-00{number}")
    for chat, code in enumerate("abcd"):
        world.responder(code, chat=chat)
    broken = alarm(kind="water_leak")
    alarm(device="WX-002-button", kind="water_leak")
    world.drain(*escalate.STAGES)
    world.wait(seconds=120)
    add_events = offers.alert.add_events

    async def broken_here(conn: Any, alert_id: int, *more: Any, **values: Any) -> None:
        if alert_id == broken:
            raise ZeroDivisionError("a broken row")
        await add_events(conn, alert_id, *more, **values)

    monkeypatch.setattr(offers.alert, "add_events", broken_here)
    assert world.drain(*offers.STAGES) == 2
    offered = world.rows("SELECT alert_id, state FROM offer ORDER BY id LIMIT 2")
    assert offered == [{"alert_id": broken, "state": "offered"}, {"alert_id": broken + 1, "state": "lapsed"}]


def test_distance_in_the_database_is_the_distance_in_words(world: Any, alarm: Callable[..., int]) -> None:
    world.home()
    world.responder("a", km=1.234)
    alarm()
    world.drain(*escalate.STAGES)
    assert world.value("SELECT distance_m FROM offer") == round(travel.distance_m(Place(23.47, 111.32), Place(23.47 + 1.234 / 111.195, 111.32))) == 1234


def person(world: Any, code: str) -> Any:
    return world.run(people.load(world.conn, world.value("SELECT id FROM person WHERE code = %s", code)))
