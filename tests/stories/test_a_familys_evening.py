"""A family's evening: the daughter hears of it, takes it, goes and closes it; her brother, far away, sees each step."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

MOTHER = "测试·elder-WX-001"


def test_a_familys_evening(world: Any, story: Any) -> None:
    home = story.home()
    daughter = world.family(home, "daughter", 1, chat=1, language="en")
    son = world.family(home, "son", 2, chat=2, language="en")
    neighbour = world.responder("neighbour", km=0.4, chat=3, language="en")
    operator = world.person("operator", "operator", chat=4, language="en")

    # Eight in the evening. She slips in the kitchen and presses the button at her wrist, and once more.
    story.go_on(hours=4)
    pressed_at = world.now
    world.press()
    story.go_on(seconds=2)
    assert story.reads(daughter) == [f"Emergency call: {MOTHER}"]
    assert story.reads(neighbour) == ["Emergency call"], "who is asked hears what and how far, not who"
    assert MOTHER not in story.last(neighbour)
    assert "示例路1号" not in story.last(neighbour)
    world.press()
    story.go_on(seconds=2)
    assert len(story.reads(daughter)) == 1, "the same call for help is one alarm"

    # Her phone is in the other room; half a minute later her brother and the operator hear of it too.
    assert story.phone(son) == []
    story.go_on(seconds=28)
    assert story.reads(son) == [f"Emergency call: {MOTHER}"]
    assert story.reads(operator) == [f"Emergency call: {MOTHER}"]

    # She takes it. The button on the wrist says that help is coming; nobody else need go.
    assert story.press(daughter, "accept") == "Noted, thank you."
    assert story.alert()["accepted_at"] - pressed_at < timedelta(seconds=60)
    assert story.last(son) == f"{MOTHER}, Emergency call: 测试·daughter has it."
    assert story.last(neighbour) == "Somebody is already going (Emergency call). Thank you!"
    assert "Key code: 1234#" in story.phone(daughter)[-1].text, "who goes gets the whole card"
    assert story.press(son, "accept") == "测试·daughter already has it. Thank you."

    # She drives. Her brother sees each step, and she is spared the news of what she does herself.
    story.go_on(minutes=2)
    story.press(daughter, "on_the_way")
    story.go_on(minutes=14)
    story.press(daughter, "there")
    assert [text.rpartition(": ")[2] for text in story.reads(son)[-2:]] == ["测试·daughter is on the way.", "测试·daughter is there."]
    assert world.rows("SELECT answer, params FROM command WHERE answer = 'on_the_way'") == [{"answer": "on_the_way", "params": {"name": "测试·daughter"}}]

    # A bruise and a fright. She makes tea and closes it, and nobody is called again that evening.
    story.go_on(minutes=40)
    story.press(daughter, "resolve:real")
    assert story.reads(son)[-2] == f"{MOTHER}, Emergency call: closed as real emergency (测试·daughter)."
    assert story.reads(son)[-1].startswith(f"测试·daughter was with {MOTHER} for 40 minutes just now.")
    before = sum(map(len, story.phones.values()))
    story.go_on(hours=6)
    assert sum(map(len, story.phones.values())) == before

    alert = story.alert()
    assert (alert["state"], alert["outcome"], alert["presses"]) == ("resolved", "real", 2)
    steps = [line for line in story.timeline(alert) if line.split()[0] in ("opened", "pressed_again", "accepted", "on_the_way", "there", "resolved")]
    assert steps == ["opened", "pressed_again", "accepted daughter", "on_the_way daughter", "there daughter", "resolved daughter"]
