"""The states that people set for a home: they hold silence, end by themselves, and touch nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from cloudfamily_platform.alerts import silence, vigil, watch
from cloudfamily_platform.core import errors
from cloudfamily_platform.people import home, person, state


@pytest.fixture
def home_id(world: Any) -> int:
    found: int = world.home(silence_minutes=60)
    world.family(found, "daughter")
    return found


def say(world: Any, home_id: int, kind: str, hours: float = 24, **more: Any) -> None:
    daughter = world.run(state_person(world))
    starts_at: datetime | None = more.get("starts_at")
    ends_at = (starts_at or world.now) + timedelta(hours=hours)
    world.run(state.make(world.conn, {"id": home_id}, kind, starts_at, ends_at, "", daughter, world.now))  # type: ignore[arg-type]


async def state_person(world: Any) -> Any:
    row = world.rows("SELECT id FROM person WHERE code = 'daughter'")[0]
    return await person.load(world.conn, row["id"])


def go_on(world: Any, **span: float) -> None:
    until = world.now + timedelta(**span)
    while (due := world.value("SELECT min(due_at) FROM home")) and due <= until:
        world.now = max(world.now, due)
        world.drain(*silence.STAGES)
    world.now = until


def alerts(world: Any) -> list[str]:
    return [row["kind"] for row in world.rows("SELECT kind FROM alert ORDER BY id")]


@pytest.mark.parametrize("kind", ["away", "hospital"])
def test_while_nobody_is_in_silence_means_nothing_and_after_it_she_gets_time(world: Any, home_id: int, kind: str) -> None:
    say(world, home_id, kind, hours=72)
    assert not world.run(vigil.at_home(world.conn, home_id, world.now))
    go_on(world, hours=72, minutes=59)
    assert alerts(world) == []
    assert world.run(vigil.at_home(world.conn, home_id, world.now))
    go_on(world, minutes=1)
    assert alerts(world) == ["no_movement"], "an hour after the end, which is the family's limit"


def test_an_emergency_call_never_asks(world: Any, home_id: int) -> None:
    say(world, home_id, "hospital")
    world.press()
    world.press("WX-001-motion", "smoke")
    world.drain(*watch.STAGES)
    assert alerts(world) == ["sos", "smoke"]


def test_asleep_holds_silence_until_its_end_and_no_longer(world: Any, home_id: int) -> None:
    say(world, home_id, "asleep", hours=10)
    go_on(world, hours=9, minutes=59)
    assert alerts(world) == []
    go_on(world, minutes=2)
    assert alerts(world) == ["no_movement"]


def test_a_visitor_changes_no_alarm_and_teaches_nothing(world: Any, home_id: int) -> None:
    say(world, home_id, "visitor", hours=3)
    for _ in range(20):
        go_on(world, minutes=5)
        world.move()
    go_on(world, minutes=60)
    assert alerts(world) == ["no_movement"]
    learned = world.value("SELECT model FROM routine")
    assert learned["places"] == {}
    assert all(minutes <= 0 for rows in learned["days"].values() for row in rows for minutes in row)


def test_ended_early_it_ends_at_once(world: Any, home_id: int) -> None:
    say(world, home_id, "away", hours=72)
    go_on(world, hours=5)
    daughter = world.run(state_person(world))
    (row,) = world.run(state.listing(world.conn, home_id, world.now))
    world.run(state.end(world.conn, {"id": home_id}, row["id"], daughter, world.now))
    go_on(world, minutes=59)
    assert alerts(world) == []
    go_on(world, minutes=1)
    assert alerts(world) == ["no_movement"]
    with pytest.raises(errors.WrongState):
        world.run(state.end(world.conn, {"id": home_id}, row["id"], daughter, world.now))
    with pytest.raises(errors.NotFound):
        world.run(state.end(world.conn, {"id": home_id}, row["id"] + 1, daughter, world.now))


@pytest.mark.parametrize(("kind", "hours"), [("away", 31 * 24), ("asleep", 15), ("visitor", 0), ("hospital", -1)])
def test_there_is_always_an_end_and_no_far_one(world: Any, home_id: int, kind: str, hours: float) -> None:
    with pytest.raises(errors.Invalid, match="ends_at"):
        say(world, home_id, kind, hours=hours)


def test_the_card_says_who_says_so(world: Any, home_id: int) -> None:
    assert world.run(home.card(world.conn, home_id, world.now))["state"] is None
    began = world.now
    go_on(world, hours=1)
    assert world.run(home.card(world.conn, home_id, world.now))["state"] == {"state": "home", "since": began, "by": "inferred"}
    say(world, home_id, "away")
    assert world.run(home.card(world.conn, home_id, world.now))["state"] == {"state": "away", "since": world.now, "by": "测试·daughter"}


def test_the_family_and_the_operators_say_it_over_http_and_nobody_else(world: Any, home_id: int, site: Callable[[], Any]) -> None:
    operator, stranger = world.person("operator", "operator"), world.person("stranger", "family")

    async def story() -> None:
        async with site() as here:
            family, other, office = [await here.client(one) for one in (await state_person(world), stranger, operator)]
            path, body = "/api/homes/WX-001/states", {"state": "hospital", "ends_at": (world.now + timedelta(days=5)).isoformat(), "note": "hip"}
            assert (await other.post(path, body))[0] == 404
            assert (await family.post(path, {"state": "hospital"}))[0] == 422, "an end is always there"
            assert (await family.post(path, body | {"ends_at": (world.now + timedelta(days=40)).isoformat()}))[0] == 422
            status, made = await family.post(path, body)
            assert (status, [(one["state"], one["note"], one["set_by"], one["holds"]) for one in made["states"]]) == (
                201, [("hospital", "hip", "测试·daughter", True)],
            )  # fmt: skip
            assert (await office.get("/api/homes/WX-001"))[1]["state"]["by"] == "测试·daughter"
            async with office.http.delete(f"{path}/{made['states'][0]['id']}", headers={"X-CSRF-Token": office.csrf}) as answer:
                assert (answer.status, (await answer.json())["states"][0]["ended_by"]) == (200, "测试·operator")
            assert not (await family.get(path))[1]["states"][0]["holds"]

    world.run(story())
