"""A night with a power cut: the district goes dark, one incident; a call for help in the middle of it gets through, and the one who
took it never arrives: somebody else is found. In the morning everything is closed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from cloudfamily_gateway import wire

HOMES = 8


def street(world: Any) -> list[str]:
    """So many homes, each with a hub that speaks each minute and a motion sensor behind it; the codes of the hubs."""
    hubs = []
    for number in range(1, HOMES + 1):
        code = f"WX-{number:03d}"
        place = {"address": f"示例路{number}号", "lat": 23.47, "lon": 111.32, "key_code": "1234#"}
        home = world.insert("home", code=code, district_id=world.district_id, watched_from=world.now, due_at=None, **place)
        world.insert("resident", home_id=home, person_id=world.person(f"elder-{code}").id)
        watched = {"home_id": home, "watched_from": world.now, "due_at": world.now}
        hub = world.insert("device", code=f"{code}-hub", kind="hub", report_minutes=1, **watched)
        world.insert("device", code=f"{code}-motion", kind="motion", report_minutes=10, hub_id=hub, **watched)
        world.insert("device", code=f"{code}-button", kind="button", home_id=home, watched_from=world.now)
        hubs.append(f"{code}-hub")
    return hubs


def power(world: Any, story: Any, count: int, speaking: Iterable[str]) -> None:
    """So many minutes in which these have power, and say so each minute."""
    for _ in range(count):
        said = wire.encode({"t": world.now.isoformat(), "values": {"motion": 1}})
        world.store.store([wire.Frame(f"cf/v1/{code}/reading", said, world.now) for code in speaking])
        story.go_on(minutes=1)


def test_a_night_with_a_power_cut(world: Any, story: Any) -> None:
    hubs = street(world)
    everybody = [*hubs, *(hub.replace("hub", "motion") for hub in hubs)]
    daughter = world.family(world.value("SELECT id FROM home WHERE code = 'WX-005'"), "daughter", 1, chat=1, language="en")
    never = world.responder("never-arrives", km=0.3, chat=2, language="en")
    second = world.responder("second", km=1.2, chat=3, language="en")
    operator = world.person("operator", "operator", chat=4, language="en")
    power(world, story, 3, everybody)

    # Shortly after four the lights go out. Eight homes are silent within minutes, and that is one incident, not sixteen.
    cut_at = world.now
    story.go_on(minutes=5)
    assert [row["kind"] for row in world.rows("SELECT kind FROM alert")] == ["district_dark"]
    dark = story.alert(kind="district_dark")
    assert dark["opened_at"] - cut_at < timedelta(minutes=4)
    story.go_on(minutes=2)
    assert "District offline" in story.last(operator)
    assert story.press(operator, "accept") == "Noted, thank you."
    assert story.phone(daughter) == [], "nothing is known to be wrong at her mother's"

    # In the dark somebody falls. The button runs on its battery and its own radio: it gets through as on any other night.
    story.go_on(minutes=20)
    pressed_at = world.now
    world.press("WX-005-button")
    story.go_on(seconds=3)
    call = story.alert(kind="sos")
    assert (call["severity"], call["home_code"], call["opened_at"]) == ("critical", "WX-005", pressed_at)
    assert story.reads(daughter) == ["Emergency call: 测试·elder-WX-005"]
    assert [story.reads(one)[-1] for one in (never, second)] == ["Emergency call"] * 2
    assert world.value("SELECT count(*) FROM alert") == 2

    # One takes it and sets out, and is not heard of again. His road is blocked; nobody knows.
    story.press(never, "accept")
    story.press(never, "on_the_way")
    assert "测试·never-arrives is on the way." in story.last(daughter)
    # On the way is not there: when he should long have arrived he is asked, and when he does not answer he is replaced, without
    # anybody's doing.
    story.go_on(minutes=4)
    assert story.alert(kind="sos")["state"] == "on_the_way"
    story.go_on(minutes=12)
    assert [line for line in story.timeline(call) if "never-arrives" in line][-2:] == ["checkin_asked never-arrives", "replaced never-arrives"]
    assert "asking somebody else" in story.last(never)
    assert story.reads(second)[-1] == "Emergency call"
    assert story.press(second, "accept") == "Noted, thank you."
    story.press(second, "on_the_way")
    story.go_on(minutes=9)
    story.press(second, "there")
    assert "测试·second is there." in story.last(daughter)
    assert story.press(never, "there") == "测试·second already has it. Thank you."
    # Whoever is alone in a stranger's home is asked now and then whether all is well.
    story.go_on(minutes=21)
    assert story.press(second, "checkin") == "Noted, thank you."
    story.go_on(minutes=19)
    story.press(second, "resolve:real")

    # The power is back. Everybody gets time to speak; one hub has not survived it, and is an alarm of its own.
    broken = hubs[7]
    back = [code for code in everybody if not code.startswith("WX-008")]
    power(world, story, 40, back)
    assert "recovered" in story.timeline(dark)
    assert world.value("SELECT count(*) FROM outage WHERE ended_at IS NULL") == 0
    assert [row["device_code"] for row in world.rows("SELECT device_code FROM alert WHERE state <> 'resolved' AND kind <> 'district_dark'")] == [broken]

    # In the morning the operator closes what is left, and the night is one page: each alarm with who did what.
    story.press(operator, "resolve:real")
    power(world, story, 2, everybody)
    for row in world.rows("SELECT id FROM alert WHERE state <> 'resolved'"):
        story.close(operator, row["id"])
    power(world, story, 60, everybody)
    assert {row["state"] for row in world.rows("SELECT state FROM alert")} == {"resolved"}
    assert [row["kind"] for row in world.rows("SELECT kind FROM alert ORDER BY id")] == ["district_dark", "sos", "hub_silent"]
    steps = [line for line in story.timeline(call) if line.split()[0] in ("accepted", "on_the_way", "replaced", "there", "resolved")]
    assert steps == [
        "accepted never-arrives", "on_the_way never-arrives", "replaced never-arrives",
        "accepted second", "on_the_way second", "there second", "resolved second",
    ]  # fmt: skip
