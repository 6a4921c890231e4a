"""Quiet windows: what they quiet is a row, what is still true at their end is an alert, and life safety passes them all."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from cloudfamily_gateway.dialects import own
from cloudfamily_platform.alerts import incident, quiet, recover, respond, silence, watch, window
from cloudfamily_platform.alerts.rules import signals
from cloudfamily_platform.alerts.rules import window as rule
from cloudfamily_platform.alerts.window import Asked
from cloudfamily_platform.core import db, errors
from cloudfamily_platform.people import person as people

STAGES = (*watch.STAGES, *silence.STAGES, *quiet.STAGES, *incident.STAGES, *recover.stages(timedelta(minutes=10)))
CRITICAL = ("sos", "fall", "smoke", "gas", "co")
BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")


def live(world: Any) -> list[str]:
    return [row["kind"] for row in world.rows("SELECT kind FROM alert WHERE state <> 'resolved' ORDER BY id")]


def quieted(world: Any) -> list[tuple[str, int, str | None]]:
    return [(row["kind"], row["times"], row["ended"]) for row in world.rows("SELECT kind, times, ended FROM quieted ORDER BY id")]


def make(world: Any, person: Any, **more: Any) -> Any:
    """A window of two hours from now, in the home WX-001, of all kinds; `more` otherwise."""
    fields = {"scope": "home", "home": "WX-001", "reason": "the plumber is in", "starts_at": world.now, "ends_at": world.now + timedelta(hours=2)}
    return world.run(window.make(world.conn, person, Asked(**{**fields, **more}), world.now))


def rise(world: Any, kind: str = "water_leak", device: str = "WX-001-door") -> None:
    world.press(device, kind)
    world.drain(*STAGES)


# What it quiets, and its end


def test_a_leak_while_the_plumber_is_in(world: Any, timeline: Callable[..., list[str]]) -> None:
    world.home()
    operator = world.person("operator", "operator")
    made = make(world, operator)
    world.wait(minutes=30)
    rise(world)
    world.wait(minutes=10)
    rise(world)
    assert live(world) == []
    assert quieted(world) == [("water_leak", 2, None)]
    held = world.run(window.held(world.conn, operator, made["id"], world.now, 10))
    assert [(one["kind"], one["home"], one["device"], one["times"], one["ended"]) for one in held] == [("water_leak", "WX-001", "WX-001-door", 2, None)]

    world.wait(minutes=79, seconds=59)
    world.drain(*STAGES)
    assert live(world) == []
    world.wait(seconds=1)
    world.drain(*STAGES)
    assert live(world) == ["water_leak"]
    alert_id = world.value("SELECT id FROM alert")
    assert timeline(alert_id) == ["opened", "raised_late"]
    assert world.value("SELECT opened_at FROM alert") == world.now
    held = world.run(window.held(world.conn, operator, made["id"], world.now, 10))
    assert [(one["ended"], one["alert_id"]) for one in held] == [("raised", alert_id)]


def test_what_is_over_by_then_is_listed_and_no_more(world: Any) -> None:
    world.home()
    make(world, world.person("operator", "operator"))
    rise(world)
    world.wait(hours=1)
    world.insert("level", device_code="WX-001-door", kind="water_leak", active=False, since=world.now)
    world.wait(hours=1)
    world.drain(*STAGES)
    assert (live(world), quieted(world)) == ([], [("water_leak", 1, "over")])


@pytest.mark.parametrize(("moves", "ended"), [(True, "over"), (False, "raised")])
def test_a_home_that_is_still_still(world: Any, moves: bool, ended: str) -> None:
    world.home(silence_minutes=60)
    make(world, world.person("operator", "operator"), kinds=("no_movement",))
    world.wait(minutes=61)
    world.drain(*STAGES)
    assert quieted(world) == [("no_movement", 1, None)]
    world.wait(minutes=30)
    if moves:
        world.move()
    world.wait(minutes=29)
    world.drain(*STAGES)
    assert quieted(world)[0][2] == ended
    assert live(world) == ([] if moves else ["no_movement"])
    if not moves:
        assert world.value("SELECT why -> 'params' ->> 'minutes' FROM alert") == "120"


def test_life_safety_passes_every_window(world: Any) -> None:
    world.home()
    boss = world.person("boss", "supervisor", city=True)
    make(world, boss)
    make(world, boss, scope="city", home=None)
    for kind, severity in signals.SEVERITY.items():
        if severity == "critical" and kind not in own.NOT_FOR_DEVICES:
            rise(world, kind)
    rise(world, "a kind that nobody knows")
    assert live(world) == ["sos", "fall", "smoke", "gas", "co"]
    assert world.value("SELECT presses FROM alert WHERE kind = 'sos'") == 2


def test_what_people_have_already_is_a_line_of_that(world: Any) -> None:
    world.home()
    rise(world)
    make(world, world.person("operator", "operator"))
    rise(world)
    assert (live(world), quieted(world), world.value("SELECT presses FROM alert")) == (["water_leak"], [], 2)


def test_ended_early_it_says_at_once_what_is_so(world: Any) -> None:
    world.home()
    operator = world.person("operator", "operator")
    made = make(world, operator)
    rise(world)
    world.wait(minutes=5)
    world.run(window.cancel(world.conn, operator, made["id"], world.now))
    world.drain(*STAGES)
    assert live(world) == ["water_leak"]
    with pytest.raises(errors.WrongState):
        world.run(window.cancel(world.conn, operator, made["id"], world.now))


def test_under_two_windows_it_waits_for_both(world: Any) -> None:
    world.home()
    operator = world.person("operator", "operator")
    make(world, operator)
    longer = make(world, operator, scope="district", home=None, district="wanxiu", ends_at=world.now + timedelta(hours=3))
    rise(world)
    assert world.value("SELECT window_id FROM quieted") == longer["id"]
    world.run(window.cancel(world.conn, operator, longer["id"], world.now))
    world.drain(*STAGES)
    assert (live(world), quieted(world)) == ([], [("water_leak", 1, "raised"), ("water_leak", 1, None)])
    world.wait(hours=2)
    world.drain(*STAGES)
    assert live(world) == ["water_leak"]


@pytest.mark.parametrize(
    ("scope", "quiet_homes"),
    [
        ({"scope": "city", "home": None}, ["WX-001", "WX-002", "WX-003"]),
        ({"scope": "district", "home": None, "district": "wanxiu"}, ["WX-001", "WX-002", "WX-003"]),
        ({"scope": "building", "home": None, "district": "wanxiu", "building": "1号楼"}, ["WX-001", "WX-002"]),
        ({"scope": "home"}, ["WX-001"]),
        ({"scope": "device", "home": None, "device": "WX-001-motion"}, []),
        ({"scope": "device", "home": None, "device": "WX-001-door"}, ["WX-001"]),
        ({"kinds": ("tamper", "battery_low")}, []),
        ({"kinds": ("tamper", "water_leak")}, ["WX-001"]),
        ({"starts_at": datetime(2026, 11, 23, 8, 1, tzinfo=UTC)}, []),
    ],
)
def test_where_and_what(world: Any, scope: dict[str, Any], quiet_homes: list[str]) -> None:
    for code in ("WX-001", "WX-002", "WX-003"):
        world.home(code)
    world.sync.execute("UPDATE home SET building = '1号楼' WHERE code <> 'WX-003'")
    make(world, world.person("boss", "supervisor", city=True), **scope)
    for code in ("WX-001", "WX-002", "WX-003"):
        rise(world, device=f"{code}-door")
    rows = world.rows("SELECT h.code FROM quieted q JOIN home h ON h.id = q.home_id ORDER BY h.code")
    assert [row["code"] for row in rows] == quiet_homes


def test_a_canary_is_never_quiet(world: Any) -> None:
    world.home("CANARY", canary=True)
    make(world, world.person("boss", "supervisor", city=True), scope="city", home=None)
    rise(world, device="CANARY-door")
    assert live(world) == ["water_leak"]


# When it holds


def recurring(zone: ZoneInfo = SHANGHAI, weekdays: tuple[int, ...] = (1, 2, 3, 4, 5), begins: str = "22:00", ends: str = "06:00") -> rule.Times:
    return rule.Times(
        starts_at=datetime(2026, 1, 1, tzinfo=UTC), ends_at=datetime(2027, 1, 1, tzinfo=UTC), zone=zone,
        weekdays=weekdays, from_time=time.fromisoformat(begins), to_time=time.fromisoformat(ends),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-11-23T21:59:59", None),  # a Monday
        ("2026-11-23T22:00:00", "2026-11-24T06:00:00"),
        ("2026-11-24T05:59:59", "2026-11-24T06:00:00"),
        ("2026-11-24T06:00:00", None),
        ("2026-11-28T05:00:00", "2026-11-28T06:00:00"),  # Saturday morning belongs to Friday
        ("2026-11-28T23:00:00", None),
        ("2026-11-30T05:00:00", None),  # Monday morning belongs to Sunday
    ],
)
def test_on_weekdays_over_midnight(at: str, until: str | None) -> None:
    end = recurring().until(datetime.fromisoformat(at).replace(tzinfo=SHANGHAI).astimezone(UTC))
    assert (end.astimezone(SHANGHAI).replace(tzinfo=None).isoformat() if end else None) == until


@pytest.mark.parametrize(
    ("day", "begins", "ends", "began_utc", "hours"),
    [
        (date(2026, 3, 28), "22:00", "06:00", "2026-03-28T21:00", 7),  # the night that is an hour short
        (date(2026, 10, 24), "22:00", "06:00", "2026-10-24T20:00", 9),
        (date(2026, 10, 25), "01:00", "04:00", "2026-10-24T23:00", 4),
        (date(2026, 3, 29), "02:30", "04:00", "2026-03-29T01:30", 0.5),  # half past two does not exist: half past three it is
        (date(2026, 10, 25), "02:30", "04:00", "2026-10-25T00:30", 2.5),  # it comes twice: from the first
    ],
)
def test_where_the_clocks_change(day: date, begins: str, ends: str, began_utc: str, hours: float) -> None:
    times = recurring(BERLIN, tuple(range(1, 8)), begins, ends)
    began, over = times.of_day(day)
    assert began == datetime.fromisoformat(began_utc).replace(tzinfo=UTC)
    assert over - began == timedelta(hours=hours)
    assert times.until(began) == over
    assert times.until(over) is None
    assert times.until(began - timedelta(seconds=1)) is None


def test_a_recurring_window_over_the_change_of_the_clocks(world: Any) -> None:
    """Each night from ten to six in Berlin, the plant room's sensor is tested; in the night of the change it ends at six all the same."""
    world.now = datetime(2026, 10, 24, 12, tzinfo=UTC)
    world.home()
    world.sync.execute("UPDATE home SET timezone = 'Europe/Berlin', due_at = NULL")
    clock = {"weekdays": (1, 2, 3, 4, 5, 6, 7), "from_time": time(22), "to_time": time(6), "until": date(2026, 10, 26)}
    made = make(world, world.person("operator", "operator"), starts_at=None, ends_at=None, kinds=("water_leak",), **clock)
    assert (made["timezone"], made["ends_at"]) == ("Europe/Berlin", datetime(2026, 10, 27, 5, tzinfo=UTC))
    world.now = datetime(2026, 10, 25, 4, 30, tzinfo=UTC)  # half past five, in winter already
    rise(world)
    assert live(world) == []
    assert world.value("SELECT due_at FROM quieted") == datetime(2026, 10, 25, 5, tzinfo=UTC)
    world.wait(minutes=30)
    world.drain(*STAGES)
    assert live(world) == ["water_leak"]


# Who may ask for what


@pytest.mark.parametrize(
    ("asked", "error", "field"),
    [
        ({"kinds": ("water_leak", "smoke")}, errors.NeverQuiet, None),
        ({"kinds": ("gateway_dark",)}, errors.NeverQuiet, None),
        ({"kinds": ("earthquake",)}, errors.Invalid, "kinds"),
        ({"ends_at": None}, errors.Invalid, "ends_at"),
        ({"ends_at": datetime(2026, 12, 24, tzinfo=UTC)}, errors.Invalid, "ends_at"),
        ({"ends_at": datetime(2026, 11, 23, 7, tzinfo=UTC)}, errors.Invalid, "ends_at"),
        ({"weekdays": (1,)}, errors.Invalid, "weekdays"),
        ({"weekdays": (0,), "from_time": time(9), "to_time": time(11), "until": date(2026, 12, 1), "ends_at": None}, errors.Invalid, "weekdays"),
        ({"weekdays": (1,), "from_time": time(9), "to_time": time(21, 1), "until": date(2026, 12, 1), "ends_at": None}, errors.Invalid, "to_time"),
        ({"weekdays": (1,), "from_time": time(9), "to_time": time(9), "until": date(2026, 12, 1), "ends_at": None}, errors.Invalid, "to_time"),
        ({"weekdays": (1,), "from_time": time(9), "to_time": time(11), "until": date(2027, 12, 1), "ends_at": None}, errors.Invalid, "until"),
        ({"reason": " "}, errors.Invalid, "reason"),
        ({"home": None}, errors.Invalid, "home"),
        ({"district": "wanxiu"}, errors.Invalid, "district"),
        ({"home": "WX-999"}, errors.NotFound, None),
        ({"scope": "building", "home": None, "district": "wanxiu", "building": "no such"}, errors.NotFound, None),
        ({"scope": "city", "home": None}, errors.NotAllowed, None),
    ],
)
def test_what_is_refused(world: Any, asked: dict[str, Any], error: type[errors.Refusal], field: str | None) -> None:
    world.home()
    with pytest.raises(error) as refused:
        make(world, world.person("operator", "operator"), **asked)
    assert refused.value.params.get("field") == field
    assert world.rows("SELECT FROM quiet_window") == []


def test_the_database_refuses_life_safety_as_well(world: Any) -> None:
    operator = world.person("operator", "operator")
    assert {*CRITICAL, "gateway_dark"} <= set(rule.NEVER)
    span = {"starts_at": world.now, "ends_at": world.now + timedelta(hours=1), "timezone": "UTC", "made_at": world.now}
    for kind in CRITICAL:
        with pytest.raises(psycopg.errors.CheckViolation, match="quiet_window_never_life_safety"):
            world.insert("quiet_window", scope="city", kinds=["tamper", kind], reason="x", made_by=operator.id, **span)


def test_who_may(world: Any) -> None:
    home = world.home()
    daughter = world.family(home, "daughter")
    stranger, volunteer = world.family(world.home("WX-002"), "stranger"), world.person("volunteer", "volunteer")
    other = world.insert("district", code="changzhou", name_zh="长洲", name_en="Changzhou")
    elsewhere = world.person("elsewhere")
    world.insert("role", person_id=elsewhere.id, role="operator", district_id=other)
    elsewhere = world.run(people.load(world.conn, elsewhere.id))
    for nobody in (stranger, volunteer, elsewhere):
        with pytest.raises(errors.NotFound):
            make(world, nobody, kinds=("battery_low",))
    made = make(world, daughter, kinds=("battery_low", "device_silent"))
    make(world, daughter, scope="device", home=None, device="WX-001-door", kinds=("tamper",))
    for more in ({"kinds": ()}, {"kinds": ("no_movement",)}, {"kinds": ("tamper",), "ends_at": world.now + timedelta(days=8)}):
        with pytest.raises(errors.Invalid):
            make(world, daughter, **more)
    assert [len(world.run(window.listing(world.conn, who, world.now, past=False, limit=9))) for who in (daughter, stranger, elsewhere)] == [2, 0, 0]
    operator = world.person("operator", "operator")
    with pytest.raises(errors.NotFound):
        world.run(window.cancel(world.conn, elsewhere, made["id"], world.now))
    world.run(window.cancel(world.conn, operator, made["id"], world.now))


def test_a_place_has_so_many_windows_at_most(world: Any) -> None:
    world.home()
    operator = world.person("operator", "operator")
    for _ in range(window.MOST_LIVE):
        make(world, operator)
    with pytest.raises(errors.Invalid, match="scope"):
        make(world, operator)


# Preview, and the API


def test_the_preview_and_the_whole_way_over_the_api(world: Any, site: Callable[[], Any]) -> None:
    world.home()
    world.sync.execute("UPDATE home SET due_at = NULL")
    operator = world.person("operator", "operator")
    for outcome, hours in (("false_alarm", 1), ("real", 25), ("test", 24 + 7)):  # the last is out of the hours of the day
        rise(world)
        world.run(respond.resolve(world.conn, world.value("SELECT max(id) FROM alert"), operator, outcome, "", world.now))
        world.wait(hours=hours)
    rise(world, "sos")
    world.now = datetime(2026, 11, 27, 8, tzinfo=UTC)
    real = world.value("SELECT id FROM alert WHERE outcome = 'real'")
    body = {"scope": "home", "home": "WX-001", "reason": "works", "starts_at": "2026-11-28T07:30:00Z", "ends_at": "2026-11-28T09:30:00Z"}

    async def story() -> None:
        async with site() as here:
            client = await here.client(operator)
            status, found = await client.post("/api/windows/preview", body)
            assert status == 200
            assert (found["days"], found["kinds"], found["real"]) == (28, [{"kind": "water_leak", "alerts": 2, "signals": 2, "real": 1}], [real])
            assert [one["home"] for one in found["alerts"]] == ["WX-001"] * 2
            assert found["warning"]["message"].startswith("Take care: 1 of these were real emergencies in the last 28 days")
            assert "1 起" in found["warning"]["message_zh"]
            assert (await client.post("/api/windows/preview?days=1", body))[1]["kinds"] == []
            assert (await client.get("/api/windows"))[1]["windows"] == []  # nothing was made

            status, refused = await client.post("/api/windows", body | {"kinds": ["gas"]})
            assert (status, refused["error"]["code"]) == (422, "never_quiet")
            assert refused["error"]["message"].startswith("gas: life safety")
            assert (await client.post("/api/windows", body | {"starts_at": "2026-11-28T07:30:00"}))[0] == 422  # of which zone?

            status, made = await client.post("/api/windows", body | {"starts_at": None})
            assert status == 201
            assert (made["window"]["quiet_until"], made["window"]["made_by"]) == ("2026-11-28T09:30:00.000Z", "测试·operator")
            world.sync.execute("UPDATE alert SET state = 'resolved', outcome = 'test', resolved_at = opened_at, due_at = NULL WHERE state <> 'resolved'")
            world.press("WX-001-door", "tamper")
            while await watch.step(world.conn, world.now):
                pass
            _, held = await client.get(f"/api/windows/{made['window']['id']}/held")
            assert [(one["kind"], one["ended"]) for one in held["held"]] == [("tamper", None)]
            assert (await client.get("/api/windows"))[1]["windows"][0]["waiting"] == 1
            async with client.http.delete(f"/api/windows/{made['window']['id']}", headers={"X-CSRF-Token": client.csrf}) as answer:
                assert answer.status == 200
            assert (await client.get("/api/windows"))[1]["windows"] == []
            assert len((await client.get("/api/windows?past=true"))[1]["windows"]) == 1

    world.run(story())
    world.drain(*STAGES)
    assert live(world) == ["tamper"]


# Crashes and races


def test_the_same_signal_twice_and_two_workers(world: Any) -> None:
    world.home()
    made = make(world, world.person("operator", "operator"))
    said = world.press("WX-001-door", "water_leak")
    world.say("cf/v1/WX-001-door/signal", said)
    world.press("WX-001-door", "water_leak")

    async def both(step: Any) -> None:
        async with await db.connect(world.url) as one, await db.connect(world.url) as other:
            await asyncio.gather(step(one, world.now), step(other, world.now))

    world.run(both(watch.step))
    assert quieted(world) == [("water_leak", 2, None)]
    world.now = made["ends_at"]
    world.run(both(quiet.step))
    assert (live(world), quieted(world)) == (["water_leak"], [("water_leak", 2, "raised")])


def test_a_window_that_is_ended_while_a_signal_comes_loses_nothing(world: Any) -> None:
    """The signal has seen the window and not committed; the end waits for it, and then judges it."""
    world.home()
    operator = world.person("operator", "operator")
    made = make(world, operator)
    world.press("WX-001-door", "water_leak")

    async def story() -> None:
        async with await db.connect(world.url) as one, await db.connect(world.url) as other:
            async with one.transaction():
                assert await watch.step(one, world.now)
                ending = asyncio.create_task(window.cancel(other, operator, made["id"], world.now))
                await asyncio.sleep(0.1)
                assert not ending.done()
            await ending

    world.run(story())
    world.drain(*STAGES)
    assert live(world) == ["water_leak"]


def test_what_cannot_be_judged_waits_alone(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for code in ("WX-001", "WX-002"):
        world.home(code)
    make(world, world.person("operator", "operator"), scope="district", home=None, district="wanxiu")
    rise(world)
    rise(world, device="WX-002-door")
    judged = quiet.over

    async def fails(conn: Any, row: Any, now: Any, **more: Any) -> bool:
        if row["device_code"] == "WX-001-door":
            raise ZeroDivisionError
        return await judged(conn, row, now, **more)

    monkeypatch.setattr(quiet, "over", fails)
    world.wait(hours=2)
    world.drain(*STAGES)
    assert len(live(world)) == 1
    monkeypatch.undo()
    world.wait(seconds=30)
    world.drain(*STAGES)
    assert len(live(world)) == 2


# Nothing is ever lost

KINDS = (*CRITICAL, "water_leak", "tamper", "battery_low", "device_silent")
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("signal"), st.sampled_from(KINDS), st.sampled_from(("WX-001-button", "WX-001-door", "WX-002-door"))),
        st.tuples(st.just("wait"), st.integers(1, 90)),
        st.tuples(st.just("window"), st.sampled_from(("home", "district", "city")), st.integers(5, 240)),
        st.tuples(st.just("cancel")),
        st.tuples(st.just("resolve")),
    ),
    min_size=4,
    max_size=25,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
@example(acts=[("window", "city", 30), ("signal", "water_leak", "WX-001-door"), ("signal", "fall", "WX-001-door"), ("wait", 40), ("resolve",)])
def test_no_signal_is_ever_lost(world: Any, template: Callable[[str], AbstractContextManager[str]], acts: list[tuple[Any, ...]]) -> None:
    """Whatever comes, is quiet and is closed in whatever order: each critical signal is counted by an alert that is live or that
    people have closed; and each of the others by an alert or by a row that says why it was quiet."""
    with template(f"cf_property_{uuid.uuid4().hex[:12]}") as url:
        own = type(world)(url)
        try:
            check(own, acts)
        finally:
            own.close()


def check(world: Any, acts: list[tuple[Any, ...]]) -> None:
    for code in ("WX-001", "WX-002"):
        world.home(code)
    world.sync.execute("UPDATE home SET due_at = NULL")
    boss = world.person("boss", "supervisor", city=True)
    for number, act in enumerate(acts):
        do(world, boss, number, *act)
        world.drain(*STAGES)

    critical = world.rows("SELECT presses, state, outcome, handler_id FROM alert WHERE severity = 'critical'")
    assert sum(row["presses"] for row in critical) == sum(act[0] == "signal" and act[1] in CRITICAL for act in acts)
    assert all(row["state"] != "resolved" or (row["outcome"] == "false_alarm" and row["handler_id"]) for row in critical)
    assert world.value("SELECT count(*) FROM signal WHERE due_at IS NOT NULL") == 0
    # Each rise once: in an alert, or in a row of what was quiet; what was raised late, or went on from one row to another, stands twice.
    late = world.value("SELECT count(*) FROM quieted WHERE ended = 'raised' AND kind <> 'flapping'")
    heard = world.value("SELECT coalesce(sum(presses), 0) FROM alert WHERE severity <> 'critical' AND kind <> 'flapping'")
    kept = world.value("SELECT coalesce(sum(times), 0) FROM quieted WHERE kind <> 'flapping'")
    assert heard + kept - late == sum(act[0] == "signal" and act[1] not in CRITICAL for act in acts)
    world.wait(days=2)  # every window is over, and everything has settled
    world.drain(*STAGES)
    assert world.value("SELECT count(*) FROM quieted WHERE ended IS NULL") == 0
    # Of these nothing has said that it is over: each was raised, as an alert or, under another cause, at the end of that.
    assert world.value("SELECT count(*) FROM quieted WHERE ended = 'over' AND kind IN ('water_leak', 'tamper', 'battery_low')") == 0


def do(world: Any, boss: Any, number: int, act: str, *more: Any) -> None:
    if act == "signal":
        home_id = world.value("SELECT home_id FROM device WHERE code = %s", more[1])
        where = {"device_code": more[1], "home_id": home_id, "kind": more[0], "detail": Jsonb({"minutes": 5, "percent": 3})}
        world.insert("signal", **where, at=world.now, received_at=world.now, once=str(number), due_at=world.now)
    elif act == "wait":
        world.wait(minutes=more[0])
    elif act == "window":
        places = {"home": {"home": "WX-001"}, "district": {"district": "wanxiu"}, "city": {}}
        asked = Asked(scope=more[0], **places[more[0]], reason="x", ends_at=world.now + timedelta(minutes=more[1]))
        world.run(window.make(world.conn, boss, asked, world.now))
    elif act == "cancel":
        for one in world.run(window.listing(world.conn, boss, world.now, past=False, limit=1)):
            world.run(window.cancel(world.conn, boss, one["id"], world.now))
    elif found := world.rows("SELECT id FROM alert WHERE state <> 'resolved' ORDER BY id LIMIT 1"):
        world.run(incident.resolve(world.conn, found[0]["id"], boss, "false_alarm", "", world.now))
