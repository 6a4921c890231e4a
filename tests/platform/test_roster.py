"""Rosters: people take turns in local time, somebody takes over, holidays are kept, and who is on duty at any moment is one look."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudfamily_platform.core import errors, job
from cloudfamily_platform.people import holiday, roster, rotation
from cloudfamily_platform.people.person import Person
from cloudfamily_platform.people.rotation import Rotation, Shift, Span

BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")
THREE = (Shift("06:00", "14:00"), Shift("14:00", "22:00", place=1), Shift("22:00", "06:00", place=2))


def rota(zone: ZoneInfo = SHANGHAI, **more: Any) -> Rotation:
    given = {"starts_on": date(2026, 11, 2), "handover_days": 7, "people": (1, 2, 3), "shifts": THREE}
    return Rotation(zone=zone, **(given | more))


def hours(spans: list[Span]) -> float:
    return sum((span.ends_at - span.starts_at).total_seconds() for span in spans) / 3600


def at(text: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


# Turns


def test_three_shifts_go_round_among_three_people() -> None:
    first = rotation.spans(rota(), date(2026, 11, 2), date(2026, 11, 2))
    assert [(span.starts_at, span.person_id) for span in first] == [
        (at("2026-11-02T06:00", SHANGHAI), 1),
        (at("2026-11-02T14:00", SHANGHAI), 2),
        (at("2026-11-02T22:00", SHANGHAI), 3),
    ]
    mornings = [rotation.spans(rota(), day, day)[0].person_id for day in (date(2026, 11, 8), date(2026, 11, 9), date(2026, 11, 16), date(2026, 11, 23))]
    assert mornings == [1, 2, 3, 1]


def test_nobody_has_a_turn_before_the_first_day() -> None:
    assert rotation.spans(rota(), date(2026, 10, 1), date(2026, 11, 1)) == []


def test_only_on_the_weekdays_that_it_says() -> None:
    spans = rotation.spans(rota(shifts=(Shift("09:00", "17:00", weekdays=(6, 7)),)), date(2026, 11, 2), date(2026, 11, 15))
    assert [span.starts_at.astimezone(SHANGHAI).date().isoweekday() for span in spans] == [6, 7, 6, 7]


@pytest.mark.parametrize(("day", "night_h"), [(date(2026, 3, 28), 7), (date(2026, 10, 24), 9), (date(2026, 11, 7), 8)])
def test_a_night_in_which_the_clock_jumps(day: date, night_h: int) -> None:
    night = rotation.spans(rota(BERLIN, starts_on=date(2026, 1, 1)), day, day)[-1]
    assert hours([night]) == night_h
    assert [moment.astimezone(BERLIN).time() for moment in (night.starts_at, night.ends_at)] == [time(22), time(6)]
    assert hours(rotation.spans(rota(SHANGHAI, starts_on=date(2026, 1, 1)), day, day)) == 24  # China has no summer time


def test_an_hour_that_the_clock_skips_or_says_twice() -> None:
    assert rotation.instant(date(2026, 3, 29), time(2, 30), BERLIN) == at("2026-03-29T03:00", BERLIN)
    assert rotation.instant(date(2026, 10, 25), time(2, 30), BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert rotation.spans(rota(BERLIN, starts_on=date(2026, 1, 1), shifts=(Shift("02:00", "03:00"),)), date(2026, 3, 29), date(2026, 3, 29)) == []


zones = st.sampled_from([BERLIN, SHANGHAI, ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Kathmandu")])
cuts = st.lists(st.integers(0, 24 * 60 - 1), min_size=1, max_size=6, unique=True).map(sorted)


@given(zones, cuts, st.dates(date(2025, 1, 1), date(2027, 6, 1)), st.integers(1, 20), st.integers(1, 5), st.integers(1, 15))
def test_shifts_that_share_a_day_leave_no_gap_and_no_overlap(zone: ZoneInfo, cuts: list[int], first: date, days: int, people: int, handover: int) -> None:
    clocks = [f"{minute // 60:02d}:{minute % 60:02d}" for minute in cuts]
    shifts = tuple(Shift(since, until, place=place) for place, (since, until) in enumerate(zip(clocks, clocks[1:] + clocks[:1], strict=True)))
    made = rota(zone, starts_on=date(2025, 1, 1), people=tuple(range(people)), shifts=shifts, handover_days=handover)
    spans = rotation.spans(made, first, first + timedelta(days=days - 1))
    begin, end = (rotation.instant(day, time(*divmod(cuts[0], 60)), zone) for day in (first, first + timedelta(days=days)))
    assert (spans[0].starts_at, spans[-1].ends_at) == (begin, end)
    assert all(one.ends_at == other.starts_at for one, other in itertools.pairwise(spans))
    assert hours(spans) == pytest.approx((end - begin).total_seconds() / 3600)


moments = st.integers(0, 96).map(lambda quarter: datetime(2026, 11, 2, tzinfo=UTC) + timedelta(hours=quarter))


@given(st.lists(st.tuples(moments, moments, st.integers(1, 3), st.integers(1, 5)), max_size=5))
def test_an_override_changes_who_and_never_when(wanted: list[tuple[datetime, datetime, int, int]]) -> None:
    overrides = [rotation.Override(instead_of=a, person_id=b, starts_at=s, ends_at=e) for s, e, a, b in wanted if s < e and a != b]
    plain = rotation.spans(rota(), date(2026, 11, 2), date(2026, 11, 5))
    spans = rotation.overridden(plain, overrides)
    assert (spans[0].starts_at, spans[-1].ends_at) == (plain[0].starts_at, plain[-1].ends_at)
    assert all(one.ends_at == other.starts_at for one, other in itertools.pairwise(spans))
    for span in spans:
        who = next(one.person_id for one in plain if one.starts_at <= span.starts_at < one.ends_at)
        for one in overrides:
            if one.instead_of == who and one.starts_at <= span.starts_at < one.ends_at:
                who = one.person_id
        assert span.person_id == who


# Holidays

#: State Council, 4 November 2025 (gov.cn/zhengce/content/202511/content_7047090.htm): days off, first and last, and worked weekends.
OFF_2026 = (("01-01", "01-03"), ("02-15", "02-23"), ("04-04", "04-06"), ("05-01", "05-05"), ("06-19", "06-21"), ("09-25", "09-27"), ("10-01", "10-07"))
WORKED_2026 = ("01-04", "02-14", "02-28", "05-09", "09-20", "10-10")


def test_chinas_holidays_of_2026_are_those_of_the_notice() -> None:
    off = {date.fromisoformat(f"2026-{first}") + timedelta(days=more) for first, last in OFF_2026 for more in range(9) if more <= span_days(first, last)}
    worked = {date.fromisoformat(f"2026-{day}") for day in WORKED_2026}
    for number in range(365):
        on = date(2026, 1, 1) + timedelta(days=number)
        day = holiday.day("CN", on)
        assert day.holiday == (on in off), on
        assert (day.weekday < 6) == (on in worked or (on.isoweekday() < 6)), on


def span_days(first: str, last: str) -> int:
    return (date.fromisoformat(f"2026-{last}") - date.fromisoformat(f"2026-{first}")).days


def test_other_countries_holidays_are_single_days() -> None:
    assert [holiday.day("DE-BY", date(2026, 4, day)).holiday for day in (3, 4, 5, 6)] == [True, False, False, True]
    assert holiday.problem("CN") is None
    assert "XX" in (holiday.problem("XX") or "")
    assert "QQ" in (holiday.problem("DE-QQ") or "")


def test_what_is_not_announced_is_not_known() -> None:
    assert [holiday.known("CN", year) for year in (2025, 2026, 2040)] == [True, True, False]
    assert holiday.known("DE", 2040)
    assert holiday.day("CN", date(2040, 10, 1)).holiday  # by law, without the worked weekends


def test_other_shifts_on_holidays_and_a_worked_saturday_is_a_friday() -> None:
    made = rota(starts_on=date(2026, 2, 1), holidays="CN", shifts=(Shift("09:00", "17:00", weekdays=(1, 2, 3, 4, 5)),), on_holidays=(Shift("10:00", "12:00"),))
    worked = {span.starts_at.astimezone(SHANGHAI).date().day: hours([span]) for span in rotation.spans(made, date(2026, 2, 12), date(2026, 2, 28))}
    assert worked == {12: 8, 13: 8, 14: 8, **dict.fromkeys(range(15, 24), 2), 24: 8, 25: 8, 26: 8, 27: 8, 28: 8}


# In the database


@pytest.fixture
def boss(world: Any) -> Person:
    found: Person = world.person("boss", "supervisor", city=True)
    return found


@pytest.fixture
def team(world: Any) -> dict[str, Person]:
    return {code: world.person(code, "operator", chat=number) for number, code in enumerate(("wang", "li", "zhao"), 1)}


def wanted(**more: Any) -> dict[str, Any]:
    turns = {"handover_days": 7, "starts_on": date(2026, 11, 2), "people": ["wang", "li"], "shifts": [{"from": "08:00", "to": "20:00"}]}
    return {"name": "days", "district": "wanxiu", "role": "operator", "timezone": "Asia/Shanghai", "holidays": None, "on_holidays": None, **turns, **more}


def on_duty(world: Any, moment: datetime | None = None) -> list[str]:
    rows = world.run(roster.on_duty(world.conn, "operator", world.district_id, moment or world.now))
    codes = {row["id"]: row["code"] for row in world.rows("SELECT id, code FROM person")}
    return [codes[row["person_id"]] for row in rows]


def set_rotation(world: Any, boss: Person, **more: Any) -> int:
    made: int = world.run(roster.set_rotation(world.conn, boss, wanted(**more), world.now))
    return made


def shifts(world: Any) -> list[tuple[Any, ...]]:
    rows = world.rows("SELECT p.code, s.starts_at, s.ends_at FROM shift s JOIN person p ON p.id = s.person_id ORDER BY s.starts_at, s.id")
    return [tuple(row.values()) for row in rows]


def test_until_a_role_is_rostered_everybody_is_on_duty(world: Any, boss: Person, team: dict[str, Person]) -> None:
    assert on_duty(world) == ["wang", "li", "zhao"]
    set_rotation(world, boss)  # it is 16:00 there, in the fourth week
    assert on_duty(world) == ["li"]
    assert on_duty(world, world.now + timedelta(hours=6)) == ["wang", "li", "zhao"]  # nobody is on shift: all of them
    assert on_duty(world, world.now + timedelta(days=7)) == ["wang"]
    assert on_duty(world, world.now + timedelta(weeks=7, days=6)) == ["wang"]  # eight weeks ahead


def test_the_job_writes_on_and_leaves_alone_what_is_right(world: Any, boss: Person, team: dict[str, Person]) -> None:
    set_rotation(world, boss)
    before = world.rows("SELECT * FROM shift ORDER BY id")
    stage = job.stage([roster.JOB])
    world.run(job.register(world.conn, [roster.JOB], world.now))
    for _ in range(2):
        assert world.drain(stage) == 1
        world.wait(hours=1)
    assert world.rows("SELECT * FROM shift ORDER BY id") == before
    world.wait(days=7)
    world.drain(stage)
    after = world.rows("SELECT * FROM shift ORDER BY id")
    assert after[: len(before)] == before
    assert len(after) == len(before) + 7


def test_a_rotation_that_cannot_be_written_stops_no_other(world: Any, boss: Person, team: dict[str, Person]) -> None:
    set_rotation(world, boss, name="broken", people=["zhao"])
    set_rotation(world, boss)
    world.sync.execute("UPDATE rotation SET timezone = 'Mars/Olympus' WHERE name = 'broken'")
    world.sync.execute("DELETE FROM shift")
    world.run(roster.write_all(world.conn, world.now))
    assert {code for code, *_ in shifts(world)} == {"wang", "li"}


def test_a_change_leaves_what_has_been(world: Any, boss: Person, team: dict[str, Person]) -> None:
    rotation_id = set_rotation(world, boss)
    world.insert("shift", person_id=team["wang"].id, role="operator", district_id=world.district_id, starts_at=world.now, ends_at=world.now + timedelta(days=1))
    world.wait(hours=2)
    assert set_rotation(world, boss, people=["zhao"]) == rotation_id
    first, single, second = shifts(world)[:3]
    assert first == ("li", world.now - timedelta(hours=2), world.now)
    assert single[0] == "wang"
    assert second == ("zhao", world.now, world.now + timedelta(hours=2))
    assert {code for code, *_ in shifts(world)[3:]} == {"zhao"}
    world.run(roster.end_rotation(world.conn, boss, rotation_id, world.now))
    assert [code for code, *_ in shifts(world)] == ["li", "wang"]


def test_li_takes_wangs_turns(world: Any, boss: Person, team: dict[str, Person]) -> None:
    set_rotation(world, boss, people=["wang"])
    begins, ends = world.now + timedelta(hours=2), world.now + timedelta(days=2)
    override_id = world.run(roster.add_override(world.conn, boss, "wang", "li", begins, ends, world.now))
    moments = [world.now + timedelta(hours=hours) for hours in (0, 3, 24, 49)]
    assert [on_duty(world, moment) for moment in moments] == [["wang"], ["li"], ["li"], ["wang"]]
    world.wait(hours=3)
    world.run(roster.remove_override(world.conn, boss, override_id, world.now))
    assert [on_duty(world, moment) for moment in (*moments[:1], world.now - timedelta(minutes=1), world.now, *moments[2:])] == [
        ["wang"], ["li"], ["wang"], ["wang"], ["wang"]
    ]  # fmt: skip


def test_one_shift_by_itself(world: Any, boss: Person, team: dict[str, Person]) -> None:
    one = {"person": "zhao", "role": "operator", "district": None, "starts_at": world.now, "ends_at": world.now + timedelta(hours=8)}
    with pytest.raises(errors.Invalid):  # she has the role in her district, and could not see the others' alarms
        world.run(roster.add_shift(world.conn, boss, one, world.now))
    shift_id = world.run(roster.add_shift(world.conn, boss, {**one, "district": "wanxiu"}, world.now))
    assert on_duty(world) == ["zhao"]
    world.wait(hours=1)
    world.run(roster.remove_shift(world.conn, boss, shift_id, world.now))
    assert shifts(world) == [("zhao", world.now - timedelta(hours=1), world.now)]
    with pytest.raises(errors.NotFound):
        world.run(roster.remove_shift(world.conn, boss, shift_id, world.now))


WRONG: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"timezone": "Mars/Olympus"}, "timezone", "there is no time zone"),
    ({"holidays": "XX"}, "holidays", "Country XX not available"),
    ({"people": ["nobody"]}, "people", 'there is nobody with the code "nobody"'),
    ({"people": ["boss"]}, "people", "boss does not have the role operator there"),
    ({"shifts": []}, "shifts", "at least one shift"),
    ({"shifts": [{"from": "8", "to": "20:00"}]}, "shifts", 'shifts, shift 1: "8" is not a time'),
    ({"shifts": [{"from": "08:00", "to": "20:00", "weekdays": [0]}]}, "shifts", "1 (Monday) to 7 (Sunday)"),
    ({"shifts": [{"form": "08:00"}]}, "shifts", "form"),
    ({"on_holidays": []}, "on_holidays", "whose public holidays"),
)


def test_what_is_wrong_with_a_rotation(world: Any, boss: Person, team: dict[str, Person], site: Callable[..., AbstractAsyncContextManager[Any]]) -> None:
    async def story() -> None:
        async with site() as here:
            client = await here.client(boss)
            for wrong, field, sentence in WRONG:
                status, body = await client.post("/api/rotations", {**wanted(**wrong), "starts_on": "2026-11-02"})
                assert status == 422
                assert body["error"]["message"].startswith(f"{field} is not right: ")
                assert sentence in body["error"]["message"]
                assert body["error"]["message_zh"].startswith(f"{field} 不正确：")

    world.run(story())
    assert shifts(world) == []


def test_the_api(world: Any, boss: Person, team: dict[str, Person], site: Callable[..., AbstractAsyncContextManager[Any]]) -> None:
    other = world.insert("district", code="changzhou", name_zh="长洲", name_en="Changzhou")
    stranger = world.person("stranger")
    world.insert("role", person_id=stranger.id, role="supervisor", district_id=other)

    async def story() -> None:
        async with site() as here:
            client, operator, elsewhere = await here.client(boss), await here.client(team["wang"]), await here.client(stranger)
            body = {**wanted(holidays="CN"), "starts_on": "2026-11-02"}
            assert (await operator.post("/api/rotations", body))[0] == 403
            assert (await elsewhere.post("/api/rotations", body))[0] == 403
            status, made = await client.post("/api/rotations", body)
            assert status == 201
            status, found = await operator.get("/api/shifts?from=2026-12-30T00:00:00Z&to=2027-01-02T00:00:00Z&district=wanxiu")
            assert status == 200
            assert [(one["person"], one["starts_at"], one["rotation"]) for one in found["shifts"]] == [
                ("wang", "2026-12-30T00:00:00Z", "days"),
                ("wang", "2026-12-31T00:00:00Z", "days"),
                ("wang", "2027-01-01T00:00:00Z", "days"),
            ]
            assert found["rotations"][0]["people"] == ["wang", "li"]
            assert [note["message"][:24] for note in found["notes"]] == ["The holidays of 2027 (CN)"[:24]]
            assert "2027" in found["notes"][0]["message_zh"]
            assert (await elsewhere.get("/api/shifts"))[1]["shifts"] == []
            assert (await client.get("/api/shifts?from=2026-12-30T00:00:00Z&to=2026-12-30T00:00:00Z"))[0] == 422
            begins, ends = "2026-11-24T00:00:00Z", "2026-11-26T00:00:00Z"
            takes = {"instead_of": "li", "person": "zhao", "starts_at": begins, "ends_at": ends}
            assert (await operator.post("/api/overrides", takes))[0] == 403
            assert (await client.post("/api/overrides", {**takes, "instead_of": "boss"}))[0] == 422
            status, override = await client.post("/api/overrides", takes)
            assert status == 201
            found = (await client.get("/api/shifts"))[1]
            assert [one["person"] for one in found["shifts"]][:4] == ["li", "zhao", "zhao", "li"]
            assert [one["person"] for one in found["overrides"]] == ["zhao"]
            headers = {"X-CSRF-Token": client.csrf}
            async with client.http.delete(f"/api/overrides/{override['id']}", headers=headers) as answer:
                assert answer.status == 204
            async with client.http.delete(f"/api/rotations/{made['id']}", headers=headers) as answer:
                assert answer.status == 204
            assert [one["person"] for one in (await client.get("/api/shifts"))[1]["shifts"]] == []

    world.run(story())
