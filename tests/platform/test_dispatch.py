"""Sending somebody: where they are, what they may go to, who hands it back, who gets in; and each step has its clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cloudfamily import composition
from cloudfamily_platform.alerts import alert, escalate, offers, respond, travel
from cloudfamily_platform.alerts.rules import signals
from cloudfamily_platform.alerts.travel import Place
from cloudfamily_platform.core import db, errors
from cloudfamily_platform.people import person as people
from cloudfamily_platform.people import place


def asked(world: Any, state: str = "offered") -> list[str]:
    query = "SELECT p.code FROM offer o JOIN person p ON p.id = o.person_id WHERE o.state = %s ORDER BY (o.why ->> 'seconds')::int, p.id"
    return [row["code"] for row in world.rows(query, state)]


def messages(world: Any, code: str) -> list[str]:
    query = "SELECT message FROM notification n JOIN person p ON p.id = n.person_id WHERE p.code = %s ORDER BY n.id"
    return [row["message"] for row in world.rows(query, code)]


def person(world: Any, code: str) -> Any:
    return world.run(people.load(world.conn, world.value("SELECT id FROM person WHERE code = %s", code)))


def change(world: Any, code: str, what: str) -> None:
    world.sync.execute(f"UPDATE responder SET {what} FROM person p WHERE p.id = person_id AND p.code = %s".encode(), [code])


def do(world: Any, what: Callable[..., Any], alert_id: int, code: str, *more: Any) -> Any:
    return world.run(what(world.conn, alert_id, person(world, code), *more, world.now))


def test_who_rides_comes_before_who_walks_and_the_key_before_the_nearest(world: Any, alarm: Callable[..., int]) -> None:
    home = world.home()
    world.sync.execute("UPDATE home SET key_code = NULL")
    for code, km in (("walker", 0.5), ("rider", 0.9), ("key", 1.5)):
        world.responder(code, km=km)
    change(world, "walker", "mode = 'walk'")
    world.insert("key_holder", home_id=home, person_id=person(world, "key").id)
    world.run(respond.dispatch(world.conn, alarm(), world.person("operator", "operator"), world.now))
    assert asked(world) == ["key", "rider", "walker"]
    assert world.rows("SELECT distance_m, why FROM offer ORDER BY (why ->> 'seconds')::int LIMIT 1") == [
        {"distance_m": 1500, "why": {"seconds": 433, "travel_s": 433, "entry_s": 0, "mode": "ebike", "key": True}}
    ]


def test_where_somebody_is(world: Any, alarm: Callable[..., int]) -> None:
    """The place they told us, for half an hour; else where they start from; else their station."""
    world.home()
    station = world.insert("station", district_id=world.district_id, code="S1", name_zh="站", name_en="station", lat=23.47 + 2 / 111.195, lon=111.32)
    mover = world.responder("mover", km=4)
    world.responder("of the station", km=9)
    change(world, "of the station", f"lat = NULL, lon = NULL, station_id = {station}")
    row = world.run(alert.load(world.conn, alarm()))

    def distances() -> dict[str, int]:
        found = world.run(offers.choose(world.conn, row, 9, world.now))
        return {world.value("SELECT code FROM person WHERE id = %s", one.person_id): one.distance_m for one in found}

    assert distances() == {"mover": 4000, "of the station": 2000}
    world.run(place.tell(world.conn, mover, 23.47 + 1 / 111.195, 111.32, world.now))
    assert distances() == {"mover": 1000, "of the station": 2000}
    world.wait(minutes=29, seconds=59)
    assert distances()["mover"] == 1000
    world.wait(seconds=1)
    assert distances()["mover"] == 4000

    world.run(composition.tidy(world.conn, world.now + timedelta(hours=23), 400))
    assert world.value("SELECT count(*) FROM responder WHERE seen_lat IS NOT NULL") == 1
    world.run(composition.tidy(world.conn, world.now + timedelta(hours=24), 400))
    assert world.value("SELECT count(*) FROM responder WHERE seen_lat IS NOT NULL OR seen_at IS NOT NULL") == 0
    with pytest.raises(errors.NotAllowed):
        world.run(place.tell(world.conn, world.person("nobody", "family"), 23.0, 111.0, world.now))


def test_only_who_is_on_shift_where_there_are_shifts(world: Any, alarm: Callable[..., int]) -> None:
    world.home()
    for code, role in (("on", "caregiver"), ("off", "caregiver"), ("neighbour", "volunteer")):
        world.responder(code, role)
    for code, hours in (("on", 0), ("off", 8)):
        starts_at = world.now + timedelta(hours=hours)
        shift = {"role": "caregiver", "district_id": world.district_id, "starts_at": starts_at, "ends_at": starts_at + timedelta(hours=8)}
        world.insert("shift", person_id=person(world, code).id, **shift)
    row = world.run(alert.load(world.conn, alarm()))

    def free() -> list[str]:
        found = world.run(offers.choose(world.conn, row, 9, world.now))
        return [world.value("SELECT code FROM person WHERE id = %s", one.person_id) for one in found]

    assert free() == ["on", "neighbour"]  # volunteers are not rostered here: always on duty
    world.wait(hours=8)
    assert free() == ["off", "neighbour"]
    world.wait(hours=8)
    assert free() == ["neighbour"]


def test_a_volunteer_is_not_sent_into_smoke(world: Any, alarm: Callable[..., int]) -> None:
    world.home()
    world.responder("volunteer", km=0.1)
    world.responder("caregiver", "caregiver", km=3)
    alarm(kind="smoke")
    world.drain(*escalate.STAGES)
    assert asked(world) == ["caregiver"]


def test_every_severity_says_what_a_helper_must_be_able_to_do(world: Any) -> None:
    said = {(row["role"], row["severity"]) for row in world.rows("SELECT role, severity FROM may_go WHERE kind IS NULL AND skills <> '{}'")}
    assert said == {(role, severity) for role in ("caregiver", "volunteer") for severity in signals.SEVERITY.values()}


def test_the_city_writes_its_own_rules(world: Any, alarm: Callable[..., int]) -> None:
    world.home()
    world.responder("volunteer", km=0.1)
    world.responder("caregiver", "caregiver", km=3)
    world.sync.execute("INSERT INTO may_go (role, severity, kind, allowed) VALUES ('caregiver', 'critical', 'fall', false)")
    world.sync.execute("INSERT INTO may_go (role, kind, skills) VALUES ('volunteer', 'fall', '{visit}')")
    change(world, "volunteer", "skills = '{visit}', trained = false")
    alarm(kind="fall")
    world.drain(*escalate.STAGES)
    assert asked(world) == ["volunteer"]


def test_five_hundred_who_are_off_duty_do_not_hide_the_one_who_is_free(world: Any, alarm: Callable[..., int]) -> None:
    world.home()
    world.sync.execute(
        "WITH p AS (INSERT INTO person (code, name) SELECT 'off ' || n, 'x' FROM generate_series(1, 600) n RETURNING id),"
        " r AS (INSERT INTO role (person_id, role) SELECT id, 'volunteer' FROM p)"
        " INSERT INTO responder (person_id, lat, lon, skills, on_duty) SELECT id, 23.47, 111.32, '{first_aid}', false FROM p"
    )
    world.responder("free", km=4)
    alarm()
    world.drain(*escalate.STAGES)
    assert asked(world) == ["free"]


def test_a_reason_why_not(world: Any, alarm: Callable[..., int]) -> None:
    world.home()
    a = world.responder("a")
    alert_id = alarm()
    world.drain(*escalate.STAGES)
    with pytest.raises(errors.Invalid):
        world.run(respond.decline(world.conn, alert_id, a, world.now, "lazy"))
    world.run(respond.decline(world.conn, alert_id, a, world.now, "unwell"))
    assert world.value("SELECT reason FROM offer") == "unwell"
    assert world.value("SELECT params FROM alert_event WHERE kind = 'declined'") == {"reason": "unwell"}


@pytest.mark.parametrize("moves", [(), ("on_the_way",), ("on_the_way", "there", "inside")])
def test_i_cannot_after_all(world: Any, alarm: Callable[..., int], timeline: Callable[..., list[str]], moves: tuple[str, ...]) -> None:
    """It is open again, the next is asked at once, and who gave it back is left alone."""
    home = world.home()
    world.family(home, "daughter", chat=9)
    world.responder("a", km=1, chat=1)
    world.responder("b", km=2, chat=2)
    alert_id = alarm(kind="water_leak")  # one at a time
    world.drain(*escalate.STAGES)
    do(world, respond.accept, alert_id, "a")
    for move in moves:
        do(world, respond.move, alert_id, "a", move)
    row = world.run(respond.release(world.conn, alert_id, person(world, "a"), world.now, "unwell"))
    assert (row["state"], row["handler_id"], row["due_at"]) == ("open", None, world.now)
    assert timeline(alert_id)[-2:] == ["released a", "offered b"]
    assert messages(world, "daughter")[-1] == "released"
    assert world.rows("SELECT ended, ended_at FROM response") == [{"ended": "released", "ended_at": world.now}]
    for _ in range(5):
        world.drain(*escalate.STAGES, *offers.STAGES)
        world.wait(minutes=10)
    assert messages(world, "a") == ["offer"]
    with pytest.raises(errors.NotFound):
        do(world, respond.accept, alert_id, "a")
    assert do(world, respond.accept, alert_id, "b")["handler_name"] == "测试·b"


def test_nobody_is_left_to_ask(world: Any, alarm: Callable[..., int], timeline: Callable[..., list[str]]) -> None:
    world.home()
    world.responder("a", chat=1)
    alert_id = alarm()
    world.drain(*escalate.STAGES)
    do(world, respond.accept, alert_id, "a")
    do(world, respond.release, alert_id, "a")
    assert timeline(alert_id)[-2:] == ["released a", "no_responder"]


def test_an_operator_takes_it_from_somebody(world: Any, alarm: Callable[..., int]) -> None:
    world.home()
    world.responder("a", chat=1)
    world.responder("other", chat=2)
    world.person("operator", "operator")
    alert_id = alarm()
    world.drain(*escalate.STAGES)
    with pytest.raises(errors.WrongState):
        do(world, respond.release, alert_id, "operator")
    do(world, respond.accept, alert_id, "a")
    with pytest.raises(errors.Taken):
        do(world, respond.release, alert_id, "other")
    do(world, respond.release, alert_id, "operator")
    (event,) = world.rows("SELECT p.code, e.params FROM alert_event e JOIN person p ON p.id = e.actor_id WHERE kind = 'released'")
    assert event == {"code": "a", "params": {"after": "accepted", "by": "测试·operator"}}


def test_every_step_has_its_clock(world: Any, alarm: Callable[..., int]) -> None:
    world.home()
    world.responder("a", chat=1)
    operator = world.person("operator", "operator")
    alert_id = alarm()
    world.drain(*escalate.STAGES)
    began = world.now
    do(world, respond.accept, alert_id, "a")
    for move in ("on_the_way", "there", "inside"):
        world.wait(minutes=1)
        do(world, respond.move, alert_id, "a", move)
    world.wait(minutes=1)
    with pytest.raises(errors.WrongState):
        do(world, respond.move, alert_id, "a", "there")
    do(world, respond.resolve, alert_id, "a", "real", "")
    found = world.run(alert.detail(world.conn, operator, alert_id, world.now))
    clocks = [alert.iso(began + timedelta(minutes=minutes)) for minutes in range(5)]
    (went,) = found["responses"]
    assert [went[name] for name in ("accepted_at", "on_the_way_at", "there_at", "inside_at", "ended_at")] == clocks
    assert [found["alert"][name] for name in ("accepted_at", "on_the_way_at", "there_at", "inside_at", "resolved_at")] == clocks
    (offer,) = found["offers"]
    assert (offer["state"], offer["answered_at"], offer["why"]["mode"]) == ("accepted", alert.iso(began), "ebike")


def test_who_is_inside_has_arrived(world: Any, alarm: Callable[..., int]) -> None:
    """A visit is made of the time there, also when the button for it was forgotten."""
    world.home()
    world.responder("a")
    alert_id = alarm()
    world.drain(*escalate.STAGES)
    do(world, respond.accept, alert_id, "a")
    world.wait(minutes=7)
    row = do(world, respond.move, alert_id, "a", "inside")
    assert (row["state"], row["there_at"], row["inside_at"]) == ("inside", world.now, world.now)
    assert world.rows("SELECT there_at, inside_at FROM response") == [{"there_at": world.now, "inside_at": world.now}]
    assert (row["due_at"] - world.now).total_seconds() == 14400  # as long as at the door, where the policy says no other


def test_nobody_opens(world: Any, alarm: Callable[..., int], timeline: Callable[..., list[str]]) -> None:
    home = world.home()
    world.responder("a", chat=1)
    world.person("operator", "operator", chat=2)
    world.person("elsewhere", chat=3)
    world.insert("key_holder", home_id=home, person_id=world.person("neighbour").id)
    alert_id = alarm()
    world.drain(*escalate.STAGES)
    do(world, respond.accept, alert_id, "a")
    with pytest.raises(errors.WrongState):
        do(world, respond.no_entry, alert_id, "a")
    do(world, respond.move, alert_id, "a", "there")
    do(world, respond.no_entry, alert_id, "a")
    told = world.rows("SELECT p.code, n.params FROM notification n JOIN person p ON p.id = n.person_id WHERE message = 'no_entry' ORDER BY p.code")
    assert told == [{"code": code, "params": {"actor": "测试·a", "keys": "测试·neighbour 000"}} for code in ("a", "operator")]
    assert timeline(alert_id)[-1] == "no_entry a"
    assert world.value("SELECT params FROM alert_event WHERE kind = 'no_entry'") == {"keys": 1}  # no names in what is kept for ever
    assert world.value("SELECT count(*) FROM alert") == 1  # and nothing starts by itself


def test_an_older_process_that_knows_no_such_state_leaves_it_alone(world: Any, alarm: Callable[..., int]) -> None:
    """Its patience ends like any other."""
    world.home()
    world.responder("a")
    alert_id = alarm()
    world.drain(*escalate.STAGES)
    do(world, respond.accept, alert_id, "a")
    do(world, respond.move, alert_id, "a", "inside")
    world.wait(hours=4)
    world.drain(*escalate.STAGES)
    assert world.value("SELECT state FROM alert") == "open"


def test_the_engine_is_asked_before_the_lock_of_the_timeline_is_taken(world: Any, alarm: Callable[..., int]) -> None:
    """However slow it is, no other alert's line waits for it."""
    home = world.home("WX-001")
    world.home("WX-002")
    world.family(home, "mute", 1)  # nobody can tell them: a line of the timeline before anybody is asked
    for code in "abc":
        world.responder(code)
    other = alarm(device="WX-002-button")
    world.sync.execute("UPDATE alert SET due_at = due_at + interval '1 hour'")
    alert_id = alarm(kind="water_leak")
    seen: list[int] = []

    class Slow:
        """Answers once another alert has got its line."""

        async def seconds(self, starts: Any, to: Place) -> list[float]:
            async with await db.connect(world.url) as conn, conn.transaction():
                await conn.execute("SET LOCAL lock_timeout = '2s'")
                await alert.add_event(conn, other, "note", world.now, params={"text": "x"})
            seen.append(len(starts))
            return await travel.Straight().seconds(starts, to)

    travel.use(Slow())
    try:
        world.drain(*escalate.STAGES)
        world.wait(seconds=120)
        world.drain(*escalate.STAGES)  # "escalated"
        do(world, respond.decline, alert_id, asked(world)[0])
        do(world, respond.accept, alert_id, asked(world)[0])
        do(world, respond.release, alert_id, world.value("SELECT p.code FROM alert a JOIN person p ON p.id = a.handler_id"))
        world.wait(hours=1)
        world.drain(*offers.STAGES)
    finally:
        travel.use(travel.Straight())
    assert len(seen) >= 5


def test_two_accept_while_a_third_gives_it_back(world: Any, alarm: Callable[..., int]) -> None:
    """Whatever the order: one has it, one response lives, nobody is both asked and going."""
    world.home()
    for code in "abc":
        world.responder(code, chat=ord(code))
    operator = world.person("operator", "operator")
    for _ in range(3):
        alert_id = alarm()
        world.run(respond.dispatch(world.conn, alert_id, operator, world.now))
        do(world, respond.accept, alert_id, "a")

        async def story(alert_id: int = alert_id) -> list[Any]:
            async with await db.connect(world.url) as one, await db.connect(world.url) as two, await db.connect(world.url) as three:
                a, b, c = [await people.load(one, world.value("SELECT id FROM person WHERE code = %s", code)) for code in "abc"]
                return await asyncio.gather(
                    respond.release(three, alert_id, a, world.now),
                    respond.accept(one, alert_id, b, world.now),
                    respond.accept(two, alert_id, c, world.now),
                    return_exceptions=True,
                )

        world.run(story())
        going = world.rows("SELECT person_id FROM response WHERE alert_id = %s AND ended IS NULL", alert_id)
        (now,) = world.rows("SELECT state, handler_id FROM alert WHERE id = %s", alert_id)
        assert [one["person_id"] for one in going] == ([now["handler_id"]] if now["state"] == "accepted" else [])
        assert world.value("SELECT count(*) FROM offer WHERE alert_id = %s AND state = 'offered' AND person_id = %s", alert_id, now["handler_id"] or 0) == 0
        do(world, respond.resolve, alert_id, "operator", "test", "")


def test_over_http(world: Any, alarm: Callable[..., int], site: Any) -> None:
    world.home()
    a = world.responder("a")
    operator, stranger = world.person("operator", "operator"), world.person("stranger", "family")
    alert_id = alarm()
    world.drain(*escalate.STAGES)

    async def story() -> None:
        async with site() as here:
            mine, desk, other = await here.client(a), await here.client(operator), await here.client(stranger)
            assert (await mine.post("/api/me/place", {"lat": 23.47, "lon": 111.32}))[0] == 204
            assert (await mine.post("/api/me/place", {"lat": 123.47, "lon": 111.32}))[0] == 422
            assert (await other.post("/api/me/place", {"lat": 23.47, "lon": 111.32}))[0] == 403
            assert (await mine.post(f"/api/alerts/{alert_id}/decline", {"reason": "lazy"}))[0] == 422
            for verb, state in (("accept", "accepted"), ("on-the-way", "on_the_way"), ("checkin", "on_the_way"), ("there", "there")):
                status, body = await mine.post(f"/api/alerts/{alert_id}/{verb}")
                assert (status, body["alert"]["state"]) == (200, state)
            assert (await mine.post(f"/api/alerts/{alert_id}/no-entry"))[0] == 200
            status, body = await mine.post(f"/api/alerts/{alert_id}/inside")
            assert (body["alert"]["state"], body["alert"]["inside_at"]) == ("inside", alert.iso(world.now))
            status, body = await desk.get(f"/api/alerts/{alert_id}")
            assert [one["person"] for one in body["responses"]] == ["测试·a"]
            status, body = await mine.post(f"/api/alerts/{alert_id}/release", {"reason": "busy"})
            assert (status, body["alert"]["state"], body["alert"]["elder"]) == (200, "open", None)  # they see it no longer

    world.run(story())
