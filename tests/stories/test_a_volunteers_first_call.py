"""A volunteer's first call: the nearest cannot, the next does not answer, she goes; her hour is confirmed and kept."""

from __future__ import annotations

from typing import Any


def test_a_volunteers_first_call(world: Any, story: Any) -> None:
    home = story.home()
    daughter = world.family(home, "daughter", 1, chat=1, language="en")
    at_work = world.responder("at-work", km=0.3, chat=2, language="en")
    asleep = world.responder("asleep", km=0.6, chat=3, language="en")
    newcomer = world.responder("newcomer", km=0.9, chat=4, language="en")
    far = world.responder("far", km=4.9, chat=5, language="en")
    world.responder("too-far", km=5.1, chat=6)

    # The two nearest are asked. One has to be at work, and says so: the third is asked in that moment.
    world.press()
    story.go_on(seconds=1)
    assert [len(story.phone(one)) for one in (at_work, asleep, newcomer)] == [1, 1, 0]
    story.go_on(seconds=10)
    assert story.press(at_work, "decline") == "All right, the next person is being asked."
    assert "about 0.9 km from you" in story.last(newcomer)

    # The other sleeps; her question lapses after 45 seconds and goes on to the last within reach.
    story.go_on(seconds=40)
    assert "offer_lapsed asleep" in story.timeline(story.alert())
    assert "about 4.9 km from you" in story.last(far)

    # Her first time. She takes it, and only now sees whose door it is, and its key.
    assert "1234#" not in story.last(newcomer)
    assert story.press(newcomer, "accept") == "Noted, thank you."
    assert "示例路1号 WX-001" in story.phone(newcomer)[-1].text
    assert "1234#" in story.phone(newcomer)[-1].text
    assert story.last(far) == "Somebody is already going (Emergency call). Thank you!"
    assert story.press(far, "accept") == "测试·newcomer already has it. Thank you."
    assert "测试·newcomer has it." in story.last(daughter)

    story.go_on(minutes=1)
    story.press(newcomer, "on_the_way")
    story.go_on(minutes=9)
    story.press(newcomer, "there")
    story.go_on(minutes=65)
    story.press(newcomer, "resolve:real")

    # She closed it herself, so the family is asked whether she came. Until somebody says so, nothing is credited.
    story.go_on(minutes=1)
    assert "测试·newcomer was with 测试·elder-WX-001 for 65 minutes" in story.last(daughter)
    assert story.minutes(newcomer) == 0
    assert story.press(daughter, "verify") == "Confirmed, thank you."
    story.go_on(minutes=1)
    assert story.minutes(newcomer) == 60, "in half hours, as the city's rules have it"
    story.press(daughter, "verify")
    story.go_on(days=1)
    assert story.minutes(newcomer) == 60, "once, however often it is confirmed"
    assert [story.minutes(one) for one in (at_work, asleep, far)] == [0, 0, 0]
