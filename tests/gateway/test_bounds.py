"""Values past their limits, in the gateway: with the reading or not at all, whichever gateway hears them, and no query for a calm one."""

from __future__ import annotations

from typing import Any

import pytest

from cloudfamily_gateway import bounds, ingest, wire
from cloudfamily_platform.alerts import watch
from cloudfamily_platform.core import quantity
from cloudfamily_platform.people import vitals


def frame(world: Any, device: str = "WX-001-motion", **values: float) -> wire.Frame:
    return wire.Frame(f"cf/v1/{device}/reading", wire.encode({"t": world.now.isoformat(), "values": values}), world.now)


def signals(world: Any) -> list[str]:
    return [row["kind"] for row in world.rows("SELECT kind FROM signal ORDER BY id")]


def test_two_gateways_see_one_episode(world: Any) -> None:
    world.home()
    other = ingest.Store(world.sync)
    for number, pulse in enumerate((150, 151, 128, 150, 90)):
        (world.store, other)[number % 2].store([frame(world, heart_rate=pulse)])
        world.wait(minutes=1)
    assert signals(world) == ["heart_rate_urgent", "back", "heart_rate_urgent", "back", "back"]


def test_a_redelivered_value_of_an_episode_that_is_over_raises_nothing(world: Any) -> None:
    world.home()
    past = frame(world, spo2=80)
    world.store.store([past])
    world.wait(minutes=5)
    world.store.store([frame(world, spo2=97)])
    world.store.store([past, past])
    assert signals(world) == ["spo2_urgent", "back", "back"]
    assert world.value("SELECT count(*) FROM level WHERE active") == 0


def test_a_value_that_the_database_does_not_take_leaves_no_signal(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reading or not at all: what fails between the two leaves neither, and is tried again."""
    world.home()
    monkeypatch.setattr(world.store, "add_signals", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        world.store.store([frame(world, spo2=80)])
    assert (world.value("SELECT count(*) FROM reading"), world.value("SELECT count(*) FROM level")) == (0, 0)
    monkeypatch.undo()
    world.store.store([frame(world, spo2=80)])
    assert signals(world) == ["spo2_urgent"]


def test_a_device_cannot_say_that_a_limit_is_passed(world: Any) -> None:
    """That is the platform's to notice; a device that says so in a signal has not understood us, and is heard as a call for help."""
    world.home()
    for kind in ("heart_rate", "spo2_urgent", "geofence"):
        world.press(kind=kind)
        world.wait(seconds=1)
    assert signals(world) == ["unreadable"] * 3
    world.drain(watch.STAGES[0])
    assert world.rows("SELECT DISTINCT kind, severity FROM alert") == [{"kind": "sos", "severity": "critical"}]


def test_a_calm_value_costs_no_more_than_one_look_a_batch(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world.home()
    three = ("WX-001-motion", "WX-001-door", "WX-001-button")
    world.store.store([frame(world, device, heart_rate=70) for device in three])
    asked: list[object] = []
    execute = world.sync.execute
    monkeypatch.setattr(world.sync, "execute", lambda query, *more, **rest: asked.append(query) or execute(query, *more, **rest))
    world.wait(seconds=1)
    world.store.store([frame(world, device, heart_rate=70, spo2=97) for device in three])
    assert asked == [ingest.QUERIES["add_readings"], ingest.QUERIES["standing"]]


def test_what_is_looked_at_is_what_has_limits_or_a_place() -> None:
    assert {quantity.BY_NUMBER[number].name for number in bounds.LOOKED_AT} == {*vitals.DEFAULTS, "latitude", "longitude", "accuracy"}


def test_a_device_tells_its_room_by_its_name(world: Any) -> None:
    world.store.store([wire.Frame("cf/v1/m-7/info", wire.encode({"kind": "motion", "name": "Guest toilet"}), world.now)])
    world.store.store([wire.Frame("cf/v1/m-8/info", wire.encode({"kind": "motion", "name": "客厅"}), world.now)])
    assert world.rows("SELECT code, room FROM device ORDER BY code") == [{"code": "m-7", "room": "bathroom"}, {"code": "m-8", "room": "living"}]
