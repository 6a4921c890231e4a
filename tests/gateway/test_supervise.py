"""Who is dead and who only quiet: one alarm for each silence, held under a hub that is out, taken back by whoever is back in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloudfamily_gateway import liveness, supervise, wire
from cloudfamily_platform.alerts import watch
from cloudfamily_platform.people import blindness

SUPERVISE = supervise.STAGES


def signals(world: Any, *kinds: str) -> list[tuple[str, str, int | None]]:
    """(device, kind, minutes) of each that people hear of, in order."""
    kinds = kinds or ("device_silent", "hub_silent", "back")
    rows = world.rows("SELECT device_code, kind, detail FROM signal WHERE kind = ANY(%s) AND NOT held ORDER BY id", list(kinds))
    return [(row["device_code"].removeprefix("WX-001-"), row["kind"], row["detail"].get("minutes")) for row in rows]


def silences(world: Any) -> list[tuple[str, int | None]]:
    return [(device, minutes) for device, _, minutes in signals(world, "device_silent", "hub_silent")]


def hours(world: Any, count: float, *speaking: str) -> None:
    """Time goes by in steps of half an hour; those who speak move or press each time, and the stage looks."""
    for _ in range(int(count * 2)):
        world.wait(minutes=30)
        for device in speaking:
            world.press() if device == "button" else world.move(f"WX-001-{device}")
        world.drain(*SUPERVISE)


def minutes(world: Any, count: int, *speaking: str) -> None:
    """Minute by minute, with the alerts' side at work as well."""
    for _ in range(count):
        world.wait(minutes=1)
        said = wire.encode({"t": world.now.isoformat(), "values": {"motion": 1}})
        world.store.store([wire.Frame(f"cf/v1/{device}/reading", said, world.now) for device in speaking])
        world.drain(*SUPERVISE, watch.STAGES[0])


def state(world: Any, device: str) -> dict[str, Any]:
    found: dict[str, Any] = world.rows("SELECT * FROM device WHERE code = %s", device)[0]
    return found


def alerts(world: Any) -> list[tuple[str, str, int]]:
    rows = world.rows("SELECT kind, device_code, presses FROM alert ORDER BY id")
    return [(row["kind"], row["device_code"].removeprefix("WX-001-"), row["presses"]) for row in rows]


def status(world: Any, device: str, word: bytes) -> None:
    """The last will, or its opposite."""
    world.say(f"cf/v1/{device}/status", word)


# Regular devices


def test_a_silent_device_is_one_signal_for_each_silence(world: Any) -> None:
    home = world.home()
    hours(world, 1.5, "motion", "button")
    assert silences(world) == []
    hours(world, 1, "motion", "button")
    assert silences(world) == [("door", 120)]
    assert state(world, "WX-001-door")["silent_since"] == world.now - timedelta(minutes=30)
    hours(world, 6, "motion", "button")
    assert silences(world) == [("door", 120)]

    world.move("WX-001-door")
    hours(world, 1.5, "motion", "button")
    assert silences(world) == [("door", 120)]
    assert state(world, "WX-001-door")["silent_since"] is None
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
    assert world.drain(*SUPERVISE) == 3
    assert silences(world) == []
    assert {row["due_at"] for row in world.rows("SELECT due_at FROM device")} == {world.now.replace(hour=11, minute=30)}


def test_people_hear_of_it_after_a_moment_and_read_when_it_is_back(world: Any) -> None:
    world.home()
    hours(world, 2, "motion", "button")
    world.sync.execute("UPDATE signal SET due_at = NULL WHERE kind = 'sos'")
    world.drain(watch.STAGES[0])
    assert alerts(world) == []
    minutes(world, 15)
    assert alerts(world) == [("device_silent", "door", 1)]

    world.move("WX-001-door")
    minutes(world, 5)
    assert signals(world, "back") == [("door", "back", None)]
    assert [row["kind"] for row in world.rows("SELECT kind FROM alert_event ORDER BY id")] == ["opened", "recovered"]


def test_who_is_back_within_the_moment_takes_it_back(world: Any) -> None:
    world.home()
    hours(world, 2, "motion", "button")
    assert silences(world) == [("door", 120)]
    world.move("WX-001-door")
    world.sync.execute("UPDATE device SET due_at = %s WHERE kind = 'door'", [world.now])
    world.drain(*SUPERVISE)
    assert signals(world) == []
    assert state(world, "WX-001-door")["silent_since"] is None
    hours(world, 2, "motion", "button")
    assert silences(world) == [("door", 120)]  # the next silence is one of its own


def test_after_our_own_blindness_silence_means_nothing_yet(world: Any) -> None:
    world.home()
    world.run(blindness.alive(world.conn, world.now))
    world.wait(hours=5)  # no gateway listened
    assert world.drain(*SUPERVISE) == 0  # the stage may be up before the lanes are
    world.run(blindness.alive(world.conn, world.now))
    assert world.drain(*SUPERVISE) == 0
    for minute in range(1, 121):  # a gateway that lives says so all the time, and gives nobody more time by it
        assert silences(world) == []
        world.wait(minutes=1)
        world.run(blindness.alive(world.conn, world.now))
        if minute % 20 == 0:
            world.move("WX-001-motion")
            world.drain(*SUPERVISE)
    assert sorted(silences(world)) == [("button", 120), ("door", 120)]


def test_who_was_dead_before_our_blindness_is_not_reported_again(world: Any) -> None:
    world.home()
    world.run(blindness.alive(world.conn, world.now))
    for _ in range(5):
        world.run(blindness.alive(world.conn, world.now))
        hours(world, 0.5, "motion", "button")
    assert silences(world) == []  # half an hour between two words of the gateway: everybody got time again and again
    world.sync.execute("DELETE FROM alive")
    hours(world, 2, "motion", "button")
    assert [device for device, _ in silences(world)] == ["door"]
    world.run(blindness.alive(world.conn, world.now))
    world.wait(hours=5)
    world.run(blindness.alive(world.conn, world.now))
    world.drain(*SUPERVISE)
    world.sync.execute("DELETE FROM alive")
    hours(world, 6, "motion", "button")
    assert [device for device, _ in silences(world)] == ["door"]


def test_a_device_whose_look_fails_waits_alone(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world.home()
    judge = liveness.judge

    def broken(facts: liveness.Facts, now: datetime) -> liveness.Verdict:
        if facts.last_at:
            raise ZeroDivisionError("a broken rule")
        return judge(facts, now)

    monkeypatch.setattr(liveness, "judge", broken)
    world.wait(minutes=30)
    world.move("WX-001-motion")
    world.wait(minutes=90)
    world.drain(*SUPERVISE)
    assert sorted(silences(world)) == [("button", 120), ("door", 120)]
    assert state(world, "WX-001-motion")["due_at"] == world.now + timedelta(minutes=5)


# What models promise


def test_a_model_says_how_often_and_a_device_that_says_so_itself_wins(world: Any) -> None:
    world.home()
    world.sync.execute("UPDATE device SET family = 'zigbee2mqtt', due_at = watched_from")
    world.say("cf/v1/WX-001-door/info", {"kind": "door", "report_minutes": 30})
    world.sync.execute("UPDATE device SET family = 'zigbee2mqtt'")
    world.drain(*SUPERVISE)
    found = world.rows("SELECT kind, report_minutes, report_from, promise FROM device ORDER BY kind")
    assert [tuple(row.values()) for row in found] == [
        ("button", 60, "model", "regular"),
        ("door", 30, "said", "regular"),
        ("motion", 60, "model", "regular"),
    ]
    hours(world, 24.5)
    assert [device for device, _ in silences(world)] == ["door"]
    hours(world, 0.5)
    assert sorted(device for device, _ in silences(world)) == ["button", "door", "motion"]


def test_who_promises_nothing_is_quiet_and_never_dead_by_silence(world: Any) -> None:
    world.home()
    world.sync.execute("UPDATE device SET family = 'shelly'")
    hours(world, 72)
    assert silences(world) == []
    assert {row["promise"] for row in world.rows("SELECT promise FROM device")} == {"events"}
    assert world.value("SELECT max(due_at) FROM device") <= world.now + timedelta(days=1)


# Last wills


def test_a_last_will_is_an_alarm_of_its_own_after_a_short_grace(world: Any) -> None:
    world.home()
    world.sync.execute("UPDATE device SET family = 'shelly'")
    world.drain(*SUPERVISE)
    status(world, "WX-001-door", b"offline")
    world.wait(seconds=29)
    world.drain(*SUPERVISE)
    assert state(world, "WX-001-door")["silent_since"] is None
    world.wait(seconds=1)
    world.drain(*SUPERVISE)
    minutes(world, 3)
    assert alerts(world) == [("device_silent", "door", 1)]
    assert world.value("SELECT why FROM alert")["key"] == "alert.why.device_offline"

    status(world, "WX-001-door", b"online")
    minutes(world, 1)
    assert state(world, "WX-001-door")["silent_since"] is None
    assert signals(world, "back") == [("door", "back", None)]
    status(world, "WX-001-door", b"offline")
    minutes(world, 4)
    assert alerts(world) == [("device_silent", "door", 2)]


def test_a_connection_that_comes_back_at_once_was_never_lost(world: Any) -> None:
    world.home()
    for _ in range(3):
        status(world, "WX-001-door", b"offline")
        world.wait(seconds=20)
        world.drain(*SUPERVISE)
        status(world, "WX-001-door", b"online")
        world.wait(seconds=20)
        world.drain(*SUPERVISE)
    assert signals(world) == []


def test_being_back_is_a_word(world: Any) -> None:
    """A device that was away for hours and is there again has its whole interval to say something."""
    world.home()
    status(world, "WX-001-door", b"offline")
    hours(world, 5, "motion", "button")
    status(world, "WX-001-door", b"online")
    hours(world, 1.5, "motion", "button")
    assert state(world, "WX-001-door")["silent_since"] is None
    hours(world, 0.5, "motion", "button")
    assert [detail for _, _, detail in signals(world, "device_silent")] == [30, 120]


def test_who_is_heard_after_its_last_will_is_there(world: Any) -> None:
    world.home()
    status(world, "WX-001-door", b"offline")
    world.wait(seconds=10)
    world.move("WX-001-door")
    minutes(world, 5)
    assert signals(world) == []


def test_a_device_without_a_home_is_not_supervised(world: Any) -> None:
    world.move("somebody-s-sensor")
    status(world, "somebody-s-sensor", b"offline")
    hours(world, 48)
    assert world.rows("SELECT 1 FROM signal") == []


# Hubs


def with_hub(world: Any, count: int = 100) -> None:
    """A home whose hub speaks each minute, with many devices behind it."""
    home_id = world.home()
    world.insert("device", code="WX-001-hub", home_id=home_id, kind="hub", watched_from=world.now, due_at=world.now)
    world.say("cf/v1/WX-001-hub/info", {"kind": "hub", "report_minutes": 1})
    world.say("cf/v1/WX-001-hub/reading", {"t": world.now.isoformat(), "values": {"rssi": -60}})
    for number in range(count):
        world.insert("device", code=f"WX-001-t{number}", home_id=home_id, kind="temperature", report_minutes=10, watched_from=world.now, due_at=world.now)
    world.sync.execute("UPDATE device SET hub_id = (SELECT id FROM device WHERE kind = 'hub') WHERE kind <> 'hub'")


def everything(world: Any) -> list[str]:
    return [row["code"] for row in world.rows("SELECT code FROM device ORDER BY id")]


def test_a_lost_hub_is_known_within_three_minutes_and_is_one_alarm_for_a_hundred_devices(world: Any) -> None:
    with_hub(world)
    minutes(world, 3, "WX-001-hub")
    lost_at = world.now  # its last word; then the power is cut
    while not alerts(world):
        world.wait(seconds=2)  # as often as the stages look
        world.drain(*SUPERVISE, watch.STAGES[0])
        assert world.now - lost_at <= timedelta(minutes=3)
    assert alerts(world) == [("hub_silent", "hub", 1)]
    alert = world.rows("SELECT severity, why FROM alert")[0]
    assert alert["severity"] == "high"
    assert alert["why"]["params"] == {"device": "WX-001-hub", "minutes": 2, "devices": 103, "reason": "silent"}

    hours(world, 3)
    world.drain(watch.STAGES[0])
    assert alerts(world) == [("hub_silent", "hub", 1)]
    assert world.value("SELECT count(*) FROM signal WHERE held") == 103  # kept, and told to nobody
    assert world.value("SELECT count(*) FROM device WHERE silent_since IS NOT NULL") == 104

    # The power is back. One device does not come back with it.
    world.move("WX-001-hub")
    minutes(world, 1, "WX-001-hub")
    assert signals(world, "back") == [("hub", "back", None)]
    assert world.value("SELECT count(*) FROM device WHERE silent_since IS NOT NULL") == 0
    dead = "WX-001-t42"
    for _ in range(27):
        minutes(world, 1, *(code for code in everything(world) if code != dead))
    assert alerts(world) == [("hub_silent", "hub", 1), ("device_silent", "t42", 1)]


def test_a_hub_that_says_goodbye_is_known_as_soon(world: Any) -> None:
    """The bridge's last will, and its devices' with it: one alarm."""
    with_hub(world, 3)
    minutes(world, 3, "WX-001-hub", "WX-001-t0")
    for code in everything(world):
        status(world, code, b"offline")
    minutes(world, 2)
    assert alerts(world) == [("hub_silent", "hub", 1)]
    assert world.value("SELECT why FROM alert")["key"] == "alert.why.hub_offline"
    minutes(world, 30)
    assert alerts(world) == [("hub_silent", "hub", 1)]
    for code in everything(world):
        status(world, code, b"online")
    minutes(world, 15, *everything(world))
    assert alerts(world) == [("hub_silent", "hub", 1)]
    assert world.value("SELECT count(*) FROM device WHERE silent_since IS NOT NULL") == 0


def test_an_alarm_that_waits_is_held_when_its_hub_goes_after_it(world: Any) -> None:
    with_hub(world, 1)
    minutes(world, 3, "WX-001-hub", "WX-001-t0")
    status(world, "WX-001-t0", b"offline")
    minutes(world, 1, "WX-001-hub")
    assert signals(world) == [("t0", "device_silent", 1)]  # due, but not yet
    status(world, "WX-001-hub", b"offline")
    minutes(world, 10)
    assert alerts(world) == [("hub_silent", "hub", 1)]


def test_who_is_slow_gets_time_after_its_hub_is_back(world: Any) -> None:
    with_hub(world, 1)
    world.sync.execute("UPDATE device SET report_minutes = 30")
    world.sync.execute("UPDATE device SET report_minutes = 1 WHERE kind = 'hub'")
    minutes(world, 2, "WX-001-hub", "WX-001-t0")
    minutes(world, 5)
    hours(world, 2)
    assert world.value("SELECT count(*) FROM device WHERE silent_since IS NOT NULL") == 5
    minutes(world, 28, "WX-001-hub")
    minutes(world, 25, *everything(world))
    assert alerts(world) == [("hub_silent", "hub", 1)]


def test_a_device_that_is_faster_than_its_hub_waits_for_it(world: Any) -> None:
    with_hub(world, 3)
    world.sync.execute("UPDATE device SET report_minutes = 5, report_from = 'said' WHERE kind = 'hub'")
    world.sync.execute("UPDATE device SET report_minutes = 1, report_from = 'said' WHERE code = 'WX-001-t0'")
    minutes(world, 20)
    assert alerts(world) == [("hub_silent", "hub", 1)]


def test_an_edge_is_a_hub_to_whatever_comes_through_it(world: Any) -> None:
    home_id = world.home()
    world.sync.execute("UPDATE device SET edge = 'WX-001-edge'")
    world.insert("device", code="WX-001-edge", home_id=home_id, kind="other", report_minutes=1, watched_from=world.now, due_at=world.now)
    minutes(world, 150)
    assert alerts(world) == [("hub_silent", "edge", 1)]


def test_hubs_that_name_each_other_hide_nothing(world: Any) -> None:
    home_id = world.home()
    ids = [world.insert("device", code=code, home_id=home_id, kind="hub", report_minutes=1, watched_from=world.now, due_at=world.now) for code in ("h1", "h2")]
    for mine, other in (ids, ids[::-1]):
        world.sync.execute("UPDATE device SET hub_id = %s WHERE id = %s", [other, mine])
    minutes(world, 15)
    assert {kind for kind, _, _ in alerts(world)} == {"hub_silent"}


def test_a_press_through_a_hub_that_is_out_is_heard(world: Any) -> None:
    with_hub(world, 1)
    minutes(world, 10)
    world.press(kind="smoke")
    world.press()
    world.drain(watch.STAGES[0])
    assert {kind for kind, _, _ in alerts(world)} == {"hub_silent", "smoke", "sos"}


# The rule alone

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def ago(minutes: float | None) -> datetime | None:
    return None if minutes is None else NOW - timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("promise", "last", "watched", "offline", "out", "again_in"),
    [
        ("regular", 119, 600, None, None, 1),
        ("regular", 120, 600, None, "silent", 5),
        ("regular", None, 60, None, None, 60),  # never heard, and not long watched
        ("regular", None, 120, None, "silent", 5),
        ("regular", 500, 60, None, None, 60),  # given time after our own blindness
        ("events", None, 9999, None, None, 1440),
        ("events", 9999, 9999, 0.25, None, 0.25),
        ("events", 9999, 9999, 0.5, "offline", 5),
        ("regular", 5, 600, 2, "offline", 5),
        ("regular", 5, 600, 10, None, 115),  # heard since
    ],
)
def test_dead_or_quiet(promise: Any, last: float | None, watched: float, offline: float | None, out: str | None, again_in: float) -> None:
    watched_from = NOW - timedelta(minutes=watched)
    facts = liveness.Facts(promise, timedelta(minutes=120), ago(last), watched_from, ago(offline), False)
    verdict = liveness.judge(facts, NOW)
    assert (verdict.out, verdict.look_again_at) == (out, NOW + timedelta(minutes=again_in))
