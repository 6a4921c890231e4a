"""preview: if she pressed now, this would happen — and then it does: the same people at the same times."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from psycopg.types.json import Jsonb

from cloudfamily import policies as command
from cloudfamily_platform.alerts import alert, escalate, offers, preview, respond
from cloudfamily_platform.core import errors
from cloudfamily_platform.people import person, roster
from cloudfamily_platform.web.policies import sentences

PLAN: dict[str, Any] = {
    "steps": [
        {"after_s": 0, "tell": ["family:1"], "offer": 2},
        {"after_s": 30, "tell": ["family", "operators"], "offer": 1, "by": ["sms"]},
        {"after_s": 90, "tell": ["family", "operators", "supervisors"], "offer": 2},
        {"after_s": 200, "tell": ["operators", "neighbours"], "offer": 2},
    ],
    "repeat_s": 120, "repeats": 3, "offer_s": 45, "accepted_s": 600, "on_the_way_s": 2700, "there_s": 14400,
}  # fmt: skip


@pytest.fixture
def town(world: Any) -> int:
    """A home with everything that can come up: mute people, a shift that ends within the alarm, neighbours, two channels."""
    home_id: int = world.home()
    world.sync.execute("UPDATE policy SET plan = %s WHERE code = 'critical'", [Jsonb(PLAN)])
    world.family(home_id, "mute", 1)
    daughter = world.family(home_id, "daughter", 2, chat=2)
    world.insert("reach", person_id=daughter.id, channel="sms", address="000", rank=2)
    for code, km in (("near", 1), ("far", 3), ("farther", 4), ("unreachable", 2), ("out of reach", 9)):
        world.responder(code, km=km, chat=None if code == "unreachable" else 100 + km)
    world.person("boss", "supervisor", chat=5, city=True)
    day, night = world.person("day", "operator", chat=6), world.person("night", "operator", chat=7)
    since = {"role": "operator", "district_id": world.district_id}
    world.insert("shift", person_id=day.id, starts_at=world.now - timedelta(hours=8), ends_at=world.now + timedelta(seconds=60), **since)
    world.insert("shift", person_id=night.id, starts_at=world.now + timedelta(seconds=60), ends_at=world.now + timedelta(seconds=150), **since)
    other = world.insert("district", code="changzhou", name_zh="长洲", name_en="Changzhou")
    neighbour = world.person("neighbour", chat=8)
    world.insert("role", person_id=neighbour.id, role="operator", district_id=other)
    world.insert("neighbour", district_id=world.district_id, neighbour_id=other)
    return home_id


def foreseen(world: Any, **more: Any) -> dict[str, Any]:
    home = world.rows("SELECT id, code, lat, lon, district_id, canary FROM home WHERE code = 'WX-001'")[0]
    found: dict[str, Any] = world.run(preview.of_home(world.conn, home, "sos", None, more.get("at", world.now), world.now))
    return found


def lines(found: dict[str, Any]) -> list[str]:
    began = found["at"]
    return [
        " ".join(
            str(part)
            for part in (
                f"+{(one.at - began).total_seconds():g}",
                one.what,
                one.whom,
                (one.name or "-").removeprefix("测试·"),
                one.channel or one.reason or "-",
            )
        )
        for one in found["lines"]
    ]


def test_what_would_happen(world: Any, town: int) -> None:
    assert lines(foreseen(world)) == [
        "+0 nobody family - no_channel",
        "+0 tell family mute no_channel",
        "+0 ask responders near telegram",
        "+0 ask responders unreachable no_channel",
        "+30 tell family mute no_channel",
        "+30 tell family daughter sms",
        "+30 tell operators day telegram",
        "+30 ask responders far telegram",
        "+45 ask responders farther telegram",
        "+90 tell family mute no_channel",
        "+90 tell family daughter telegram",
        "+90 tell operators night telegram",
        "+90 tell supervisors boss telegram",
        "+90 ask responders near telegram",
        "+90 ask responders unreachable no_channel",
        "+200 off_duty operators - -",
        "+200 tell operators day telegram",
        "+200 tell operators night telegram",
        "+200 tell neighbours neighbour telegram",
        "+200 ask responders near telegram",
        "+200 ask responders unreachable no_channel",
        "+320 off_duty operators - -",
        "+320 tell operators day telegram",
        "+320 tell operators night telegram",
        "+320 tell neighbours neighbour telegram",
        "+320 ask responders near telegram",
        "+320 ask responders unreachable no_channel",
    ]
    assert world.value("SELECT count(*) FROM alert") == 0


def test_and_then_it_does(world: Any, town: int, alarm: Callable[..., int]) -> None:
    """The real thing on the same clock, nobody answering: everybody is told and asked when the preview says, by that channel."""
    found = foreseen(world)
    want = sorted((one.at, one.person_id, "alert" if one.what == "tell" else "offer", one.channel) for one in found["lines"] if one.channel)
    want_offers = sorted((one.at, one.person_id, one.distance_m) for one in found["lines"] if one.what == "ask")
    alert_id, last = alarm(), max(one.at for one in found["lines"])
    asked = []
    while world.now <= last:
        world.drain(*escalate.STAGES)
        world.drain(*offers.STAGES)
        world.sync.execute("UPDATE notification SET state = 'sent', due_at = NULL")  # what still waited would be one with what is said again
        asked += world.rows("SELECT offered_at, person_id, distance_m FROM offer WHERE offered_at = %s", world.now)
        world.now = world.value("SELECT min(due_at) FROM (SELECT due_at FROM alert UNION ALL SELECT due_at FROM offer) due")
    told = world.rows("SELECT created_at, person_id, message, channel FROM notification WHERE alert_id = %s", alert_id)
    assert sorted(tuple(row.values()) for row in told) == want
    assert sorted(tuple(row.values()) for row in asked) == want_offers


def test_an_operator_who_was_called_in_sees_it_and_may_take_it(world: Any, town: int, alarm: Callable[..., int]) -> None:
    alert_id = alarm()
    neighbour = world.run(person.load(world.conn, world.value("SELECT id FROM person WHERE code = 'neighbour'")))
    with pytest.raises(errors.NotFound):
        world.run(respond.accept(world.conn, alert_id, neighbour, world.now))
    world.now += timedelta(seconds=200)
    for _ in range(4):
        world.sync.execute("UPDATE alert SET due_at = %s", [world.now])
        world.drain(*escalate.STAGES)
    assert [row["id"] for row in world.run(alert.listing(world.conn, neighbour, resolved=False, limit=10))["alerts"]] == [alert_id]
    row = world.run(respond.accept(world.conn, alert_id, neighbour, world.now))
    assert (row["handler_id"], row["responding"]) == (neighbour.id, [])  # at the desk: nobody goes yet


def test_nobody_at_all(world: Any, alarm: Callable[..., int], timeline: Callable[..., list[str]]) -> None:
    """Every step is taken at once, and the preview says so."""
    world.home()
    assert lines(foreseen(world)) == ["+0 nobody family - nobody"] * 1 + [
        "+0 nobody family - nobody", "+0 nobody operators - nobody",
        "+0 nobody family - nobody", "+0 nobody operators - nobody", "+0 nobody supervisors - nobody",
        "+120 nobody family - nobody", "+120 nobody operators - nobody", "+120 nobody supervisors - nobody",
    ]  # fmt: skip
    alert_id = alarm()
    assert world.drain(*escalate.STAGES) == 3
    assert world.rows("SELECT step, due_at FROM alert") == [{"step": 3, "due_at": world.now + timedelta(seconds=120)}]
    assert timeline(alert_id) == ["opened", "nobody_told", "no_responder", "escalated", "nobody_told", "escalated", "nobody_told"]


def test_what_is_not_known_is_said(world: Any, town: int) -> None:
    boss = world.person("chief", "supervisor", city=True)
    world.person("wang", "operator", chat=50)
    turns = {"name": "days", "district": "wanxiu", "role": "operator", "timezone": "Asia/Shanghai", "starts_on": date(2026, 11, 2), "handover_days": 7}
    shifts = {"people": ["wang"], "shifts": [{"from": "00:00", "to": "00:00"}], "holidays": "CN", "on_holidays": None}
    world.run(roster.set_rotation(world.conn, boss, {**turns, **shifts}, world.now))
    assert foreseen(world)["notes"] == []
    assert [note.key for note in foreseen(world, at=datetime.fromisoformat("2027-01-05T00:00:00Z"))["notes"]] == ["roster.holidays_unknown"]
    found = foreseen(world, at=datetime.fromisoformat("2027-06-05T00:00:00Z"))["notes"]
    assert [note.key for note in found] == ["roster.not_written", "roster.holidays_unknown"]
    said = sentences(found)[1]
    assert (said.message[:20], said.message_zh[:6]) == ("The holidays of 2027", "2027 年")


def test_who_may_look(world: Any, town: int, site: Callable[..., AbstractAsyncContextManager[Any]]) -> None:
    who = {
        code: world.run(person.load(world.conn, world.value("SELECT id FROM person WHERE code = %s", code)))
        for code in ("daughter", "day", "near", "neighbour")
    }

    async def story() -> None:
        async with site() as here:
            for code, status in (("daughter", 200), ("day", 200), ("near", 404), ("neighbour", 404)):
                client = await here.client(who[code])
                assert (await client.get("/api/homes/WX-001/preview"))[0] == status
            status, found = await client.get("/api/homes/WX-001/preview?kind=tea")
            assert status == 404
            client = await here.client(who["day"])
            status, found = await client.get("/api/homes/WX-001/preview?kind=sos&at=2026-11-23T10:00:00Z")
            assert found["lines"][1] == {
                "at": "2026-11-23T10:00:00Z", "after_s": 0.0, "step": 0, "what": "tell", "whom": "family", "name": "测试·mute",
                "channel": None, "distance_m": None, "reason": "no_channel",
            }  # fmt: skip
            assert found["again"] == {"every_s": 120, "times": 3}
            status, found = await client.get("/api/homes/WX-001/preview?kind=tea")
            assert (status, found["error"]["message"][:60]) == (422, 'kind is not right: there is no kind of alarm "tea" of which we know'[:60])
            assert (await client.get("/api/homes/WX-001/preview?kind=tea&severity=low"))[1]["policy"] == "low"

    world.run(story())


def test_as_text(world: Any, town: int) -> None:
    text = world.run(command.preview_text(world.url, "WX-001", "sos", None, world.now, world.now, ZoneInfo("Asia/Shanghai")))
    assert text.splitlines()[:5] == [
        "WX-001, sos (critical) at 2026-11-23 16:00:00, policy critical version 1",
        "16:00:00      +0 s  Nobody told of the family: no way to reach them",
        "16:00:00      +0 s  tell  测试·mute (family) CANNOT BE REACHED: no way to reach them",
        "16:00:00      +0 s  ask   测试·near (responders, 1000 m away) by telegram",
        "16:00:00      +0 s  ask   测试·unreachable (responders, 2000 m away) CANNOT BE REACHED: no way to reach them",
    ]
    assert text.splitlines()[-1] == "then the last step again every 120 s, 3 times in all, and hourly after that"
