"""The coverage linter: what would go wrong at an alarm is found before it, named, counted, and said with what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from psycopg.types.json import Jsonb
from typer.testing import CliRunner

from cloudfamily import cli, composition
from cloudfamily_platform.alerts import coverage, shortfall
from cloudfamily_platform.alerts.travel import Place, distance_m
from cloudfamily_platform.core.texts import LANGUAGES, catalogue
from cloudfamily_platform.people.device import CITY

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)


def look(world: Any, **more: Any) -> coverage.Found:
    return world.run(coverage.look(world.conn, CITY, world.now, ZONE, **more))  # type: ignore[no-any-return]


def found(world: Any, *kinds: str) -> list[tuple[str, str, str | None]]:
    """(kind, severity, home or person) of these kinds, else of all."""
    return [(one.kind, one.severity, one.home or one.person) for one in look(world).problems if not kinds or one.kind in kinds]


def said(world: Any, kind: str) -> list[str]:
    found = look(world)
    return [coverage.sentence("en", one, found.districts.get(one.district_id or 0), ZONE) for one in found.problems if one.kind == kind]


@pytest.fixture
def well(world: Any) -> int:
    """A home of which nothing is missing."""
    home = world.home()
    for number in (1, 2):
        world.family(home, f"child-{number}", number, chat=number)
        world.responder(f"helper-{number}", chat=10 + number)
    world.person("operator", "operator", chat=20)
    world.person("boss", "supervisor", chat=21, city=True)
    return int(home)


def test_where_nothing_is_missing_nothing_is_said(world: Any, well: int) -> None:
    assert found(world) == []
    world.home("CANARY", canary=True)
    world.person("canary", "operator", canary=True)
    world.insert("district", code="empty", name_zh="空", name_en="Empty")
    assert found(world) == []


# People and homes


def test_people_whom_nothing_reaches(world: Any, well: int) -> None:
    world.family(well, "mute", 3)
    world.insert("reach", person_id=world.family(well, "blocked", 4).id, channel="telegram", address="99", dead_at=world.now)
    two_ways = world.family(well, "two-ways", 5, chat=98)
    world.insert("reach", person_id=two_ways.id, channel="voice", address="98", rank=2)
    world.responder("handless")
    for code, weeks in (("child-1", 2), ("child-2", 1), ("two-ways", 3)):
        person = world.value("SELECT id FROM person WHERE code = %s", code)
        for week in range(weeks):
            asked_at = world.now - timedelta(weeks=week + 1)
            world.insert("reach_test", person_id=person, channel="telegram", week=asked_at.date(), asked_at=asked_at, result="missed")
    assert found(world) == [
        ("no_channel", "high", "handless"),
        ("unanswered", "high", "WX-001"),  # the first contact, twice
        ("no_channel", "low", "WX-001"),
        ("dead_channel", "low", "WX-001"),
        ("unanswered", "low", "WX-001"),
    ]
    assert said(world, "unanswered")[0] == "测试·child-1 (Wanxiu) has not answered; tests missed in a row: 2."


def test_homes_without_contacts(world: Any, well: int) -> None:
    world.home("WX-002")
    world.family(world.home("WX-003"), "only", chat=30)
    both = world.home("WX-004")
    world.family(both, "mute-1", 1)
    world.family(both, "mute-2", 2)
    assert found(world, "no_contact", "one_contact", "contacts_unreachable") == [
        ("no_contact", "high", "WX-002"),
        ("contacts_unreachable", "high", "WX-004"),
        ("one_contact", "low", "WX-003"),
    ]


def test_homes_that_nobody_can_be_sent_to(world: Any, well: int) -> None:
    """As the matching would: within their own reach, with first aid, on duty, and in a way to be asked."""
    assert found(world, "no_helper", "one_helper") == []
    world.sync.execute("UPDATE responder SET on_duty = false WHERE person_id = (SELECT id FROM person WHERE code = 'helper-1')")
    assert found(world, "no_helper", "one_helper") == [("one_helper", "low", "WX-001")]
    world.sync.execute("UPDATE responder SET reach_m = 900")  # they live 1 km away
    assert found(world, "no_helper", "one_helper") == [("no_helper", "high", "WX-001")]
    world.responder("near", km=0.5, skills=["visit"], chat=31)
    world.responder("mute", km=0.5)
    assert found(world, "no_helper", "one_helper") == [("no_helper", "high", "WX-001")]
    world.responder("medic", km=0.89, chat=32)
    world.sync.execute("UPDATE responder SET reach_m = 900")
    assert found(world, "no_helper", "one_helper") == [("one_helper", "low", "WX-001")]


def test_the_cells_find_whom_the_matching_finds(world: Any) -> None:
    """Homes and helpers on a grid of odd steps; reaches from a few hundred metres to some kilometres."""
    homes = {f"H-{y}-{x}": (23.40 + y * 0.0137, 111.30 + x * 0.0173) for y in range(12) for x in range(12)}
    for code, (lat, lon) in homes.items():
        world.insert("home", code=code, district_id=world.district_id, address=code, lat=lat, lon=lon, watched_from=world.now)
    helpers = []
    for number in range(8):
        person = world.person(f"helper-{number}", "volunteer", chat=number + 1)
        one = {"lat": 23.41 + number * 0.0211, "lon": 111.32 + (number * 7 % 8) * 0.0233, "reach_m": 400 + 450 * number}
        world.insert("responder", person_id=person.id, skills=["first_aid"], **one)
        helpers.append((Place(one["lat"], one["lon"]), one["reach_m"]))
    counts = {code: min(2, sum(distance_m(Place(*where), place) <= reach_m for place, reach_m in helpers)) for code, where in homes.items()}
    wanted = sorted(
        [("no_helper", "high", code) for code, count in counts.items() if count == 0]
        + [("one_helper", "low", code) for code, count in counts.items() if count == 1]
    )
    assert min(counts.values()) == 0
    assert {1, 2} <= set(counts.values())
    assert sorted(found(world, "no_helper", "one_helper")) == wanted  # type: ignore[type-var]


def test_a_home_without_a_button(world: Any, well: int) -> None:
    world.sync.execute("UPDATE device SET kind = 'other' WHERE kind = 'button'")
    assert found(world) == [("no_button", "high", "WX-001")]
    world.sync.execute("UPDATE device SET kind = 'wearable' WHERE kind = 'other'")
    assert found(world) == []


def test_all_are_counted_and_a_few_are_named(world: Any, well: int) -> None:
    for number in range(2, 9):
        world.home(f"WX-{number:03d}")
    seen = look(world, limit=3)
    assert seen.counts["no_contact", "high"] == 7
    assert [one.home for one in seen.problems if one.kind == "no_contact"] == ["WX-002", "WX-003", "WX-004"]


# Policies


def plan(world: Any, severity: str = "critical", **changes: Any) -> Any:
    return Jsonb({**world.value("SELECT plan FROM policy WHERE code = %s", severity), **changes})


def test_a_policy_that_cannot_be_read(world: Any, well: int) -> None:
    world.insert("policy", code="new", version=1, severity="critical", plan=Jsonb({"steps": []}))
    assert found(world) == [("policy_unreadable", "critical", None)]
    assert said(world, "policy_unreadable")[0].startswith("Version 1 of policy new (the whole city) cannot be read: ")


def test_a_severity_without_a_policy(world: Any, well: int) -> None:
    world.sync.execute("UPDATE policy SET active = false WHERE severity = 'high'")
    assert found(world) == [("policy_missing", "high", None)]
    assert said(world, "policy_missing") == ["Alarms of severity “high” have no active policy in Wanxiu: they cannot even be opened."]


def test_words_that_yield_nobody_here(world: Any, well: int) -> None:
    other = world.insert("district", code="changzhou", name_zh="长洲", name_en="Changzhou")
    home = world.home("CZ-001")
    world.sync.execute("UPDATE home SET district_id = %s WHERE id = %s", [other, home])
    world.family(home, "son", 1, chat=40)
    world.family(home, "daughter", 2, chat=41)
    assert found(world) == [("word_empty", "high", None)]
    assert said(world, "word_empty") == ["Policy critical tells “operators”, but Changzhou has none."]
    mute = world.person("mute")
    world.insert("role", person_id=mute.id, role="operator", district_id=other)
    assert found(world, "word_unreachable", "word_empty") == [("word_unreachable", "high", None)]


def test_a_policy_that_lets_the_first_person_hear_too_late(world: Any, well: int) -> None:
    steps = [{"after_s": 0, "tell": ["neighbours"], "offer": 0}, {"after_s": 90, "tell": ["family"], "offer": 0}]
    world.insert("policy", code="slow", version=1, severity="critical", district_id=world.district_id, plan=plan(world, steps=steps))
    assert found(world, "slow_first") == [("slow_first", "critical", None)]
    assert said(world, "slow_first") == ["By policy slow the first person in Wanxiu hears of a life-safety alarm after 90 seconds."]
    assert found(world, "word_empty") == [("word_empty", "low", None)]  # no neighbours


def test_an_alarm_that_would_reach_nobody(world: Any) -> None:
    world.family(world.home("WX-001"), "mute", 1)
    world.family(world.home("WX-002"), "son", 1, chat=1)
    assert found(world, "nobody_hears") == [("nobody_hears", "critical", "WX-001")]
    world.responder("near", skills=["first_aid"], chat=2)
    assert found(world, "nobody_hears") == [("nobody_hears", "high", "WX-001")]  # one who may not be sent to look after a silence
    world.person("operator", "operator", chat=3)
    assert found(world, "nobody_hears") == []


def test_a_contact_further_down_than_the_policy_tells(world: Any) -> None:
    home = world.home()
    world.family(home, "mute", 1)
    world.family(home, "son", 2, chat=2)
    steps = [{"after_s": 0, "tell": ["family:1"], "offer": 0}]
    for severity in ("critical", "high"):
        world.insert("policy", code=f"own-{severity}", version=1, severity=severity, district_id=world.district_id, plan=plan(world, severity, steps=steps))
    assert found(world, "nobody_hears") == [("nobody_hears", "critical", "WX-001")]


# Rosters


def roster(world: Any, person: Any, role: str, *hours: tuple[float, float], city: bool = False) -> None:
    for begin, end in hours:
        world.insert(
            "shift", person_id=person.id, role=role, district_id=None if city else world.district_id,
            starts_at=world.now + timedelta(hours=begin), ends_at=world.now + timedelta(hours=end),
        )  # fmt: skip


def test_empty_shifts(world: Any, well: int) -> None:
    """It is 16:00 on Monday."""
    one, two = world.person("one", "operator", chat=50), world.person("two", "operator", chat=51)
    roster(world, one, "operator", (-8, 4), (6, 48), (60, 500))
    roster(world, two, "operator", (6, 500))
    assert found(world, "shift_empty") == [("shift_empty", "critical", None)]
    assert said(world, "shift_empty") == ["Nobody is on duty as operator in Wanxiu from 11-23 20:00 to 11-23 22:00."]
    city = world.person("city", "operator", chat=52, city=True)
    roster(world, city, "operator", (3, 500), city=True)
    assert found(world, "shift_empty") == [("shift_empty", "critical", None)]  # the whole city's own roster begins in three hours
    assert said(world, "shift_empty") == ["Nobody is on duty as operator in the whole city from 11-23 16:00 to 11-23 19:00."]


def test_a_roster_that_ends(world: Any, well: int) -> None:
    one, two = world.person("one", "operator", chat=50), world.person("two", "operator", chat=51)
    for person in (one, two):
        roster(world, person, "operator", (-8, 24 * 5))
    assert found(world) == [("roster_ends", "low", None)]
    assert said(world, "roster_ends") == ["The roster of operator in Wanxiu ends on 11-28 16:00; after that nobody is on duty."]
    world.wait(days=3)
    assert found(world) == [("roster_ends", "high", None)]
    world.wait(days=3)
    assert found(world) == [("shift_empty", "critical", None)]


def test_alone_at_night(world: Any, well: int) -> None:
    one, two = world.person("one", "operator", chat=50), world.person("two", "operator", chat=51)
    roster(world, one, "operator", (-8, 500))
    roster(world, two, "operator", (-8, 24 * 5 + 5), *((24 * day + 14, 24 * day + 29) for day in range(5, 20)))
    assert found(world) == [("alone_at_night", "low", None)]
    assert said(world, "alone_at_night") == ["On 9 of the coming nights, first from 11-28 22:00, one operator is on duty alone in Wanxiu."]


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def test_pieces_of_a_roster() -> None:
    shifts = [shortfall.Shift(1, at(-5), at(2)), shortfall.Shift(1, at(1), at(3)), shortfall.Shift(2, at(2), at(4)), shortfall.Shift(3, at(5), at(99))]
    pieces = [
        (round((one.begin - NOON) / timedelta(hours=1)), round((one.end - NOON) / timedelta(hours=1)), one.people)
        for one in shortfall.spans(shifts, at(0), at(6))
    ]
    assert pieces == [(0, 2, 1), (2, 3, 2), (3, 4, 1), (4, 5, 0), (5, 6, 1)]
    assert shortfall.spans([], at(0), at(6)) == [shortfall.Span(at(0), at(6), 0)]


# How it is said


def test_every_kind_has_its_sentences() -> None:
    wanted = {f"coverage.{part}.{kind}" for part in ("kind", "what", "fix") for kind in coverage.KINDS}
    for language in LANGUAGES:
        assert {key for key in catalogue(language) if key.startswith(("coverage.kind.", "coverage.what.", "coverage.fix."))} == wanted


def test_operators_see_their_districts(world: Any, well: int, site: Callable[[], Any]) -> None:
    other = world.insert("district", code="changzhou", name_zh="长洲", name_en="Changzhou")
    world.sync.execute("UPDATE home SET district_id = %s WHERE id = %s", [other, world.home("CZ-001")])
    world.home("WX-002")
    people = world.person("here", "operator", chat=60), world.person("city", "operator", chat=61, city=True), world.person("sister", "family")

    def homes(body: Any) -> list[str]:
        return [problem["home"] for group in body["groups"] if group["kind"] == "no_contact" for problem in group["problems"]]

    async def story() -> None:
        async with site() as here:
            mine, city, family = [await here.client(person) for person in people]
            status, body = await mine.get("/api/coverage")
            assert (status, homes(body)) == (200, ["WX-002"])
            group = next(group for group in body["groups"] if group["kind"] == "no_contact")
            assert (group["severity"], group["count"], group["texts"]["en"]["title"]) == ("high", 1, "Homes without a contact")
            assert group["problems"][0]["what"] == {"zh-CN": "WX-002（万秀）没有登记联系人。", "en": "Home WX-002 (Wanxiu) has no contact."}
            assert homes((await city.get("/api/coverage"))[1]) == ["WX-002", "CZ-001"]
            assert homes((await city.get("/api/coverage?district=changzhou"))[1]) == ["CZ-001"]
            assert (await mine.get("/api/coverage?district=changzhou"))[0] == 404
            assert (await family.get("/api/coverage"))[0] == 403

    world.run(story())


def check(world: Any, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:
    monkeypatch.setenv("CF_DATABASE_URL", world.url)
    monkeypatch.setenv("CF_MQTT_HOST", "127.0.0.1")
    return CliRunner().invoke(cli.app, ["check", "coverage", *arguments])


def test_on_the_command_line(world: Any, well: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(world, monkeypatch).output == "Nothing is missing.\n"
    for number in range(2, 15):
        world.home(f"WX-{number:03d}")
    done = check(world, monkeypatch)
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[0] == "HIGH  Homes without a contact: 13"
    assert lines[1] == "  Home WX-002 (Wanxiu) has no contact."
    assert lines[11:13] == ["  … 3", "  → Ask the elder whom to call, and enter two contacts."]

    world.sync.execute("UPDATE policy SET active = false")
    done = check(world, monkeypatch, "--language", "zh-CN")
    assert done.exit_code == 1, "something critical"
    assert done.output.startswith("紧急  没有处置预案的报警: 1\n  万秀的“紧急”级报警没有启用的处置预案，连立案都做不到。\n  → 请启用")
    groups = json.loads(check(world, monkeypatch, "--json", "--district", "wanxiu").output)["groups"]
    assert [group["severity"] for group in groups] == ["critical", "high", "high", "low"]
    for arguments in (["--district", "atlantis"], ["--language", "fr"]):
        assert isinstance(check(world, monkeypatch, *arguments).exception, cli.StartError)


def test_the_days_count_is_kept_for_the_metrics(world: Any, well: int) -> None:
    world.home("WX-002")
    (job,) = [job for job in composition.jobs(400, ZONE) if job.name == "coverage"]
    for _ in range(2):
        world.run(job.run(world.conn, world.now))
    counted = world.run(coverage.counted(world.conn))
    assert set(counted) == set(coverage.KINDS)
    assert {kind for kind, count in counted.items() if count} == {"no_contact"}
