"""A device that falls silent is noticed once for each silence, and not when it was us who did not listen."""

from __future__ import annotations

from typing import Any

from cloudfamily_gateway import supervise
from cloudfamily_platform.alerts import watch
from cloudfamily_platform.people import blindness


def silences(world: Any) -> list[tuple[str, int]]:
    """(device, minutes) of each, in order."""
    rows = world.rows("SELECT device_code, kind, detail FROM signal WHERE kind <> 'sos' ORDER BY id")
    assert {row["kind"] for row in rows} <= {"device_silent"}
    return [(row["device_code"].removeprefix("WX-001-"), row["detail"]["minutes"]) for row in rows]


def hours(world: Any, count: float, *speaking: str) -> None:
    """Time goes by in steps of half an hour; those who speak move or press each time, and the stage looks."""
    for _ in range(int(count * 2)):
        world.wait(minutes=30)
        for device in speaking:
            world.press() if device == "button" else world.move(f"WX-001-{device}")
        world.drain(*supervise.STAGES)


def test_a_silent_device_is_one_signal_for_each_silence(world: Any) -> None:
    home = world.home()
    hours(world, 1.5, "motion", "button")
    assert silences(world) == []
    hours(world, 1, "motion", "button")
    assert silences(world) == [("door", 120)]
    hours(world, 6, "motion", "button")
    assert silences(world) == [("door", 120)]

    world.move("WX-001-door")
    hours(world, 1.5, "motion", "button")
    assert silences(world) == [("door", 120)]
    hours(world, 4, "motion", "button")
    assert silences(world) == [("door", 120), ("door", 120)]

    world.sync.execute("UPDATE signal SET due_at = NULL WHERE kind = 'sos'")
    world.drain(watch.STAGES[0])
    assert world.rows("SELECT kind, severity, home_id, presses FROM alert") == [{"kind": "device_silent", "severity": "low", "home_id": home, "presses": 2}]


def test_a_device_that_spoke_late_is_looked_at_when_its_time_is_up(world: Any) -> None:
    """The deadline is lazy: no reading touches it, and the look re-arms it from the last word."""
    world.home()
    world.wait(minutes=90)
    for device in ("button", "motion", "door"):
        world.move(f"WX-001-{device}")
    world.wait(minutes=30)
    assert world.drain(*supervise.STAGES) == 3
    assert silences(world) == []
    assert {row["due_at"] for row in world.rows("SELECT due_at FROM device")} == {world.now.replace(hour=11, minute=30)}


def test_after_our_own_blindness_silence_means_nothing_yet(world: Any) -> None:
    world.home()
    world.run(blindness.alive(world.conn, world.now))
    world.wait(hours=5)  # no gateway listened
    world.run(blindness.alive(world.conn, world.now))
    assert world.drain(*supervise.STAGES) == 0
    for minute in range(1, 121):  # a gateway that lives says so all the time, and gives nobody more time by it
        assert silences(world) == []
        world.wait(minutes=1)
        world.run(blindness.alive(world.conn, world.now))
        if minute % 20 == 0:
            world.move("WX-001-motion")
            world.drain(*supervise.STAGES)
    assert sorted(silences(world)) == [("button", 120), ("door", 120)]
