"""A caregiver's round: a quiet home in the morning, a call for help while she is busy, and another that she is free for."""

from __future__ import annotations

from typing import Any

from cloudfamily_platform.services import visits


def test_a_caregivers_round(world: Any, story: Any) -> None:
    for number, silence_minutes in ((1, 120), (2, None), (3, None)):
        home = story.home(f"WX-00{number}", silence_minutes=silence_minutes)
        world.family(home, f"daughter-{number}", 1, chat=number, language="en")
    caregiver = world.responder("caregiver", "caregiver", km=0.5, skills=["first_aid", "visit", "device"], chat=10, language="en")
    volunteer = world.responder("volunteer", km=0.8, chat=11, language="en")
    operator = world.person("operator", "operator", chat=12, language="en")

    # Nothing has moved in WX-001 for two hours. That is no call for help: one person is asked to look, the nearest.
    story.go_on(minutes=121)
    assert story.reads(caregiver) == ["No movement"]
    assert story.phone(volunteer) == []
    story.press(caregiver, "accept")
    story.press(caregiver, "on_the_way")
    story.go_on(minutes=6)
    story.press(caregiver, "there")

    # While she is with him, somebody calls for help elsewhere. She is not asked: she has her hands full.
    world.press("WX-002-button")
    story.go_on(seconds=5)
    second = story.alert(kind="sos")
    assert story.reads(volunteer) == ["Emergency call"]
    assert len(story.phone(caregiver)) == 1
    story.press(volunteer, "accept")
    story.press(volunteer, "on_the_way")
    story.go_on(minutes=6)
    story.press(volunteer, "there")

    # He had slept in. She closes it and is free again; so she, and not the volunteer, is asked when a third home calls.
    world.move("WX-001-motion")
    story.press(caregiver, "resolve:false_alarm")
    world.press("WX-003-button")
    story.go_on(seconds=5)
    third = story.alert(kind="sos")
    assert third["id"] != second["id"]
    assert story.reads(caregiver)[-1] == "Emergency call"
    assert len(story.phone(volunteer)) == 1
    for verb, minutes in (("accept", 1), ("on_the_way", 5), ("there", 15), ("resolve:real", 1)):
        story.press(caregiver, verb)
        story.go_on(minutes=minutes)
    story.press(volunteer, "resolve:real")
    story.go_on(minutes=1)

    assert world.rows("SELECT DISTINCT state FROM alert WHERE kind IN ('sos', 'no_movement')") == [{"state": "resolved"}]
    rounds = world.rows("SELECT h.code FROM visit v JOIN home h ON h.id = v.home_id WHERE v.person_id = %s ORDER BY v.id", caregiver.id)
    assert [row["code"] for row in rounds] == ["WX-001", "WX-003"]
    # The station confirms her visits. She is paid for them: hours are for those who give them.
    for row in world.rows("SELECT id FROM visit WHERE person_id = %s", caregiver.id):
        story.run(visits.verify(world.conn, row["id"], operator, world.now))
    story.go_on(minutes=1)
    assert story.minutes(caregiver) == 0
