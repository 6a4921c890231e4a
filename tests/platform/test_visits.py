"""A visit is made of a response that ended at the door, and somebody other than the visitor says that it took place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cloudfamily_platform.alerts import respond
from cloudfamily_platform.core import errors
from cloudfamily_platform.people import person as people
from cloudfamily_platform.services import visits


@pytest.fixture
def went(world: Any, alarm: Callable[..., int]) -> Callable[..., Any]:
    """`went(closed_by="volunteer")`: a volunteer took the alarm, went there, and it was closed; then visits are made."""
    home = world.home()
    cast = {
        "daughter": world.family(home, "daughter", 1, chat=1), "son": world.family(home, "son", 2, chat=2),
        "volunteer": world.responder("volunteer", chat=3), "operator": world.person("operator", "operator"),
    }  # fmt: skip

    def story(closed_by: str = "volunteer", *, outcome: str = "real", there: bool = True, kind: str = "sos") -> dict[str, Any]:
        alert_id, volunteer = alarm(kind=kind), cast["volunteer"]
        world.insert("offer", alert_id=alert_id, person_id=volunteer.id, distance_m=1, offered_at=world.now, due_at=world.now)
        world.run(respond.accept(world.conn, alert_id, volunteer, world.now))
        if there:
            world.run(respond.move(world.conn, alert_id, volunteer, "there", world.now))
        world.wait(minutes=40)
        world.run(respond.resolve(world.conn, alert_id, cast[closed_by], outcome, "", world.now))
        world.drain(*visits.STAGES)
        return cast

    return story


def rows(world: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.rows("SELECT * FROM visit ORDER BY id")
    return found


def asked_to_confirm(world: Any) -> list[tuple[str, dict[str, Any]]]:
    query = "SELECT p.code, n.params FROM notification n JOIN person p ON p.id = n.person_id WHERE message = 'confirm_visit' ORDER BY n.id"
    return [(row["code"], row["params"]) for row in world.rows(query)]


def test_closed_by_another_it_is_verified_at_once(world: Any, went: Callable[..., Any]) -> None:
    cast = went(closed_by="operator")
    (visit,) = rows(world)
    assert (visit["person_id"], visit["verified_by"], visit["verified_at"]) == (cast["volunteer"].id, cast["operator"].id, world.now)
    assert (visit["ended_at"] - visit["started_at"]).total_seconds() == 40 * 60
    assert (visit["credit_due_at"], visit["canary"]) == (world.now, False)
    assert asked_to_confirm(world) == []
    assert world.drain(*visits.STAGES) == 0


def test_closed_by_the_visitor_the_family_is_asked(world: Any, went: Callable[..., Any]) -> None:
    cast = went()
    (visit,) = rows(world)
    assert (visit["verified_at"], visit["credit_due_at"]) == (None, None)
    assert asked_to_confirm(world) == [("daughter", {"visit_id": visit["id"], "minutes": 40, "actor": "测试·volunteer"})]

    with pytest.raises(errors.NotAllowed):
        world.run(visits.verify(world.conn, visit["id"], cast["volunteer"], world.now))
    with pytest.raises(errors.NotFound):
        world.run(visits.verify(world.conn, visit["id"], world.person("stranger", "family"), world.now))
    with pytest.raises(errors.NotFound):
        world.run(visits.verify(world.conn, visit["id"] + 1, cast["son"], world.now))
    assert rows(world)[0]["verified_at"] is None

    world.run(visits.verify(world.conn, visit["id"], cast["son"], world.now))
    world.wait(minutes=1)
    world.run(visits.verify(world.conn, visit["id"], cast["operator"], world.now))  # said again: nothing changes
    assert rows(world)[0]["verified_by"] == cast["son"].id
    assert (world.now - rows(world)[0]["verified_at"]).total_seconds() == 60


def test_the_visitor_cannot_verify_even_as_family(world: Any, went: Callable[..., Any]) -> None:
    cast = went()
    world.sync.execute("UPDATE contact SET person_id = %s WHERE person_id = %s", [cast["volunteer"].id, cast["son"].id])
    world.insert("role", person_id=cast["volunteer"].id, role="operator", district_id=None)
    volunteer = world.run(people.load(world.conn, cast["volunteer"].id))
    with pytest.raises(errors.NotAllowed):
        world.run(visits.verify(world.conn, rows(world)[0]["id"], volunteer, world.now))


def test_no_visit_without_arrival_nor_of_a_test(world: Any, went: Callable[..., Any]) -> None:
    for closed_by in ("volunteer", "operator"):
        went(closed_by, there=False)
        went(closed_by, outcome="test")
    assert world.value("SELECT count(*) FROM response") == 4
    assert rows(world) == []
    assert world.value("SELECT count(*) FROM response WHERE due_at IS NOT NULL") == 0


def test_who_sees_which(world: Any, went: Callable[..., Any]) -> None:
    cast = went()
    other = world.insert("district", code="changzhou", name_zh="长洲", name_en="Changzhou")
    elsewhere = world.person("elsewhere")
    world.insert("role", person_id=elsewhere.id, role="operator", district_id=other)
    strangers = [world.run(people.load(world.conn, elsewhere.id)), world.person("x", "family"), world.person("c", "operator", canary=True, city=True)]
    for person in (*cast.values(), *strangers):
        seen = world.run(visits.listing(world.conn, person, verified=False, limit=10))
        assert [(one["home"], one["minutes"], one["credited"]) for one in seen] == ([] if person in strangers else [("WX-001", 40, False)])
        assert world.run(visits.listing(world.conn, person, verified=True, limit=10)) == []


def test_a_response_that_makes_no_visit_stops_no_other(world: Any, went: Callable[..., Any]) -> None:
    """Two processes whose clocks differ: it ended before it began."""
    went()
    world.sync.execute("DELETE FROM visit")
    world.sync.execute("UPDATE response SET due_at = ended_at, there_at = ended_at + interval '1 s'")
    went("operator", kind="smoke")
    assert len(rows(world)) == 1
    assert (world.value("SELECT due_at FROM response ORDER BY id LIMIT 1") - world.now).total_seconds() == 300
