"""Frames become rows: each once, a bad one alone into quarantine, and no press lost whatever is wrong with it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from cloudfamily_gateway import dialects, ingest, wire
from cloudfamily_platform.alerts import silence, watch
from cloudfamily_platform.core import errors, quantity
from cloudfamily_platform.people import quarantine

READING, SIGNAL = "cf/v1/{}/reading", "cf/v1/{}/signal"


def frame(world: Any, topic: str, **said: Any) -> wire.Frame:
    return wire.Frame(topic, wire.encode(said), world.now)


def moved(world: Any, device: str = "WX-001-motion", **values: float) -> wire.Frame:
    return frame(world, READING.format(device), t=world.now.isoformat(), values=values or {"motion": 1})


def readings(world: Any, *codes: str) -> int:
    return int(world.value("SELECT count(*) FROM reading r JOIN device v ON v.id = r.device_id WHERE v.code = ANY(%s)", list(codes)))


def in_quarantine(world: Any) -> dict[tuple[str | None, str], int]:
    """(device, reason) → how often."""
    return {(row["device_code"], row["reason"]): row["times"] for row in world.rows("SELECT * FROM quarantine")}


def alerts(world: Any) -> list[tuple[str, str, int | None, str]]:
    rows = world.rows("SELECT kind, severity, home_id, device_code FROM alert ORDER BY id")
    return [(row["kind"], row["severity"], row["home_id"], row["device_code"]) for row in rows]


# Once


def test_a_reading_is_stored_once_however_often_it_comes(world: Any) -> None:
    world.home()
    said = moved(world, motion=1, temperature=21.4)
    world.store.store([said, said])
    world.wait(minutes=5)
    world.store.store([said._replace(received_at=world.now)])
    stored = world.rows("SELECT quantity, value, time FROM reading ORDER BY quantity")
    assert [(quantity.BY_NUMBER[row["quantity"]].name, row["value"]) for row in stored] == [("motion", 1), ("temperature", 21.4)]
    assert in_quarantine(world) == {}


def test_a_press_is_one_signal_however_often_it_comes_and_is_answered_each_time(world: Any) -> None:
    home = world.home()
    said = world.press()
    for _ in range(3):
        world.wait(seconds=5)
        assert [one.seq for one in world.say(SIGNAL.format("WX-001-button"), said)] == [said["seq"]]
    assert world.rows("SELECT device_code, home_id, kind, seq FROM signal") == [{"device_code": "WX-001-button", "home_id": home, "kind": "sos", "seq": 1}]
    world.drain(*watch.STAGES)
    assert alerts(world) == [("sos", "critical", home, "WX-001-button")]
    assert world.value("SELECT presses FROM alert") == 1
    world.press()
    world.drain(*watch.STAGES)
    assert world.value("SELECT presses FROM alert") == 2


def test_a_button_without_a_clock_that_counts_from_one_again_is_heard(world: Any) -> None:
    """Its battery was changed: the same words as an hour ago, and somebody else may need help."""
    world.home()
    for said in (b'{"seq":1,"kind":"sos"}', b"SOS!", b'{"seq":1,"kind":"sos","t":"2000-01-01T00:00:07Z"}'):
        before = world.value("SELECT count(*) FROM signal")
        for _ in range(3):
            world.say(SIGNAL.format("WX-001-button"), said)
            world.wait(seconds=5)
        assert world.value("SELECT count(*) FROM signal") == before + 1
        world.wait(hours=1)
        world.say(SIGNAL.format("WX-001-button"), said)
        assert world.value("SELECT count(*) FROM signal") == before + 2


def test_a_press_shows_that_somebody_moves_and_a_smoke_alarm_does_not(world: Any) -> None:
    world.home(silence_minutes=60)
    world.wait(minutes=50)
    world.press("WX-001-motion", "smoke")
    world.wait(minutes=10)
    world.drain(*watch.STAGES, *silence.STAGES)
    assert [kind for kind, *_ in alerts(world)] == ["smoke", "no_movement"]
    assert world.value("SELECT value FROM reading WHERE quantity = 3") == 0


# Devices that nobody knows


def test_a_press_of_a_device_without_a_home_is_an_alert_and_the_device_is_on_the_books(world: Any) -> None:
    world.home()
    world.press("stray-7")
    (signal,) = world.rows("SELECT device_code, device_id, home_id FROM signal")
    assert signal == {"device_code": "stray-7", "device_id": world.value("SELECT id FROM device WHERE code = 'stray-7'"), "home_id": None}
    assert [one["device"] for one in world.run(quarantine.frames(world.conn, 10, world.now))["unbound"]] == ["stray-7"]
    world.drain(*watch.STAGES)
    assert alerts(world) == [("sos", "critical", None, "stray-7")]


def test_what_a_device_said_before_it_had_a_home_is_kept(world: Any) -> None:
    world.home()
    operator = world.person("op-01", "operator", city=True)
    for _ in range(3):
        world.store.store([moved(world, "new-1"), moved(world)])
        world.wait(seconds=1)
    (waiting,) = world.run(quarantine.frames(world.conn, 10, world.now))["unbound"]
    assert (waiting["device"], waiting["family"], waiting["last_seen_at"]) == ("new-1", "own", world.now - timedelta(seconds=1))

    world.run(quarantine.bind(world.conn, "new-1", "motion", "WX-001", operator, world.now))
    world.store.store([moved(world, "new-1")])
    assert (readings(world, "new-1"), in_quarantine(world)) == (4, {})
    assert world.run(quarantine.frames(world.conn, 10, world.now)) == {"frames": [], "unbound": []}
    with pytest.raises(errors.AlreadyBound):
        world.run(quarantine.bind(world.conn, "new-1", "door", "WX-001", operator, world.now))


def test_who_floods_the_books_with_new_names_stands_in_quarantine_and_brings_help_all_the_same(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "MOST_UNBOUND", 2)
    for number in range(4):
        world.store.store([moved(world, f"flood-{number}")])
    world.press("flood-9")
    assert world.value("SELECT count(*) FROM device") == 2
    assert in_quarantine(world) == {("flood-2", "unknown_device"): 1, ("flood-3", "unknown_device"): 1, ("flood-9", "unknown_device"): 1}
    world.drain(*watch.STAGES)
    assert alerts(world) == [("sos", "critical", None, "flood-9")]


# Devices that shout


def test_a_device_that_shouts_is_throttled_alone_and_a_spool_of_two_days_is_not_shouting(world: Any) -> None:
    world.home()
    start = world.now
    shouts = [
        frame(world, READING.format("WX-001-door"), t=(start + timedelta(milliseconds=100 * number)).isoformat(), values={"motion": 1}) for number in range(500)
    ]
    spool = [frame(world, READING.format("WX-001-motion"), t=(start - timedelta(minutes=number)).isoformat(), values={"motion": 1}) for number in range(2000)]
    world.store.store([*shouts, *spool])
    assert (readings(world, "WX-001-door"), readings(world, "WX-001-motion")) == (ingest.MOST_READINGS, 2000)
    assert in_quarantine(world) == {("WX-001-door", "shouting"): 200}
    world.store.store([frame(world, READING.format("WX-001-door"), t=(start + timedelta(minutes=1)).isoformat(), values={"motion": 1})])
    assert readings(world, "WX-001-door") == ingest.MOST_READINGS + 1


def test_a_button_that_is_stuck_is_one_alert_and_does_not_hold_up_the_others(world: Any) -> None:
    world.home()
    world.home("WX-002")
    for _ in range(100):
        world.press()
    world.press("WX-002-button")
    world.press("WX-001-button", "fall")
    assert world.value("SELECT count(*) FROM signal") == ingest.MOST_SIGNALS + 2
    assert in_quarantine(world) == {("WX-001-button", "shouting"): 100 - ingest.MOST_SIGNALS}
    world.wait(minutes=1)
    world.press()
    assert world.value("SELECT count(*) FROM signal") == ingest.MOST_SIGNALS + 3


# Alarms that stand


def test_an_alarm_that_stands_is_one_signal_however_often_it_is_said(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bridge repeats the state that it remembers in every message, and all of it after a restart."""
    world.home()
    state = {"active": False}

    def smoke(frame: wire.Frame) -> wire.Decoded:
        return wire.Decoded("WX-001-smoke", levels=(wire.Level("WX-001-smoke", "smoke", state["active"]),))

    monkeypatch.setitem(dialects.BY_TOPIC, "bridge", smoke)
    for active, signals in ((False, 0), (True, 1), (True, 1), (True, 1), (False, 1), (False, 1), (True, 2)):
        state["active"] = active
        world.store.store([frame(world, "bridge/smoke"), frame(world, "bridge/smoke")])
        assert world.value("SELECT count(*) FROM signal") == signals
        world.wait(minutes=1)
    other = ingest.Store(world.sync)  # another gateway, or this one after a restart
    other.store([frame(world, "bridge/smoke")])
    assert world.value("SELECT count(*) FROM signal") == 2


# Edges


def test_an_edge_speaks_for_its_own_devices_and_for_nobody_elses(world: Any) -> None:
    """Else a broken or stolen hub could say "all is well" in another home."""
    home = world.home()
    straight = moved(world)
    world.store.store([straight])
    world.wait(seconds=1)
    world.store.store([moved(world)._replace(hub="edge-9"), moved(world, "edge-door")._replace(hub="edge-9")])
    assert (readings(world, "WX-001-motion"), readings(world, "edge-door")) == (1, 1)
    assert in_quarantine(world) == {("WX-001-motion", "wrong_way"): 1}
    world.store.store([frame(world, SIGNAL.format("WX-001-button"), seq=1, kind="sos")._replace(hub="edge-9")])
    assert world.value("SELECT home_id FROM signal") == home


def test_a_device_that_moves_is_heard_in_its_new_home_within_half_a_minute(world: Any) -> None:
    first, second = world.home("WX-001"), world.home("WX-002")
    world.press()
    world.sync.execute("UPDATE device SET home_id = %s WHERE code = 'WX-001-button'", [second])
    world.wait(seconds=30)
    world.press()
    assert [row["home_id"] for row in world.rows("SELECT home_id FROM signal ORDER BY id")] == [first, second]


# Clocks


def test_a_reading_of_a_wrong_clock_is_not_taken_and_a_press_always_is(world: Any) -> None:
    spans = {
        "WX-001": (timedelta(minutes=10), True),
        "WX-002": (timedelta(minutes=10, seconds=1), False),
        "WX-003": (timedelta(hours=-48), True),
        "WX-004": (timedelta(hours=-48, seconds=-1), False),
        "WX-005": (timedelta(days=-3), False),
        "WX-006": (timedelta(days=3), False),
    }
    for code, (off, taken) in spans.items():
        home, button, motion, t = world.home(code), f"{code}-button", f"{code}-motion", world.now + off
        world.say(READING.format(motion), {"t": t.isoformat(), "values": {"motion": 1, "battery": 80}})
        world.say(SIGNAL.format(button), {"t": t.isoformat(), "seq": 1, "kind": "sos"})
        found = {device: reason for device, reason in in_quarantine(world) if device in (button, motion)}
        assert found == ({} if taken else {button: "wrong_clock", motion: "wrong_clock"})
        assert readings(world, motion) == (2 if taken else 0)
        assert world.value("SELECT at FROM signal WHERE home_id = %s", home) == (t if taken else world.now)
        pressed = "SELECT time FROM reading r JOIN device v ON v.id = r.device_id WHERE v.code = %s"
        assert world.value(pressed, button) == (t if taken else world.now)
        world.drain(*watch.STAGES)
        assert alerts(world)[-1] == ("sos", "critical", home, button)


def test_no_year_is_too_strange(world: Any) -> None:
    for number, t in enumerate(("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "1970-01-01T00:00:00Z")):
        world.home(f"WX-00{number}")
        world.say(READING.format(f"WX-00{number}-motion"), {"t": t, "values": {"battery": 3}})
        world.say(SIGNAL.format(f"WX-00{number}-button"), {"t": t, "kind": "fall"})
    world.drain(*watch.STAGES)
    assert [kind for kind, *_ in alerts(world)] == ["battery_low", "fall"] * 3


# What the database refuses


def test_a_reading_that_the_database_refuses_goes_into_quarantine_alone(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder of ours gives a quantity that no column holds. The rest of the batch, and the next ones, are stored."""
    monkeypatch.setitem(dialects.BY_TOPIC, "bad", lambda frame: wire.Decoded("WX-001-door", (wire.Reading("WX-001-door", 99_999, 1, world.now),)))
    world.home()
    batch = [moved(world), wire.Frame("bad/door", b"{}", world.now), moved(world, "WX-001-button", battery=80), frame(world, "bad/topic/2")]
    pressed = frame(world, SIGNAL.format("WX-001-button"), seq=1, kind="sos")
    assert [one.kind for one in world.store.store([*batch, pressed])] == ["sos"]
    assert readings(world, "WX-001-motion", "WX-001-button") == 3
    assert readings(world, "WX-001-door") == 0
    refused = world.rows("SELECT topic, detail, times FROM quarantine WHERE reason = 'not_stored'")
    assert [(row["topic"], row["times"]) for row in refused] == [("bad/door", 1), ("bad/topic/2", 1)]
    assert "out of range" in refused[0]["detail"]
    world.wait(minutes=1)
    world.store.store([moved(world)])
    assert readings(world, "WX-001-motion") == 2


def test_a_signal_that_the_database_refuses_is_stored_bare(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    home = world.home()
    for number, bad in enumerate(({"detail": {"said": "\0"}}, {"seq": 2**64}, {"detail": {"percent": float("nan")}}), 1):
        signal = wire.Signal(device="WX-001-button", kind="sos", once=str(number), at=world.now, **bad)
        monkeypatch.setitem(dialects.BY_TOPIC, "bad", lambda frame, signal=signal: wire.Decoded("WX-001-button", (), (signal,)))
        world.store.store([moved(world), wire.Frame("bad/button", b"{}", world.now)])
        assert world.rows("SELECT kind, home_id, seq, detail FROM signal") == [{"kind": "sos", "home_id": home, "seq": None, "detail": {}}] * number
        assert in_quarantine(world) == {("WX-001-button", "not_stored"): number}
        assert readings(world, "WX-001-motion") == number
        world.wait(minutes=1)


def test_a_day_without_a_partition_costs_its_own_readings(world: Any) -> None:
    """Nobody made partitions for two months. A hypertable makes its chunk itself."""
    world.home()
    today = moved(world)
    world.wait(days=60)
    later = [moved(world), frame(world, SIGNAL.format("WX-001-button"), t=world.now.isoformat(), seq=1, kind="sos")]
    world.store.store([today, *later])
    on_timescale = bool(world.value("SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'"))
    assert readings(world, "WX-001-motion") == (2 if on_timescale else 1)
    assert in_quarantine(world) == ({} if on_timescale else {("WX-001-motion", "not_stored"): 1, ("WX-001-button", "not_stored"): 1})
    world.drain(*watch.STAGES)
    assert ("sos", "critical", 1, "WX-001-button") in alerts(world)


def test_text_that_postgresql_cannot_hold_is_kept_readable(world: Any) -> None:
    world.store.store([wire.Frame("homes/\0/x", b"\0\xff", world.now), frame(world, READING.format("d"), t=world.now.isoformat(), values={"a\0b": 1})])
    rows = {row["reason"]: row for row in world.rows("SELECT * FROM quarantine")}
    assert rows["wrong_topic"]["topic"] == "homes/�/x"
    assert bytes(rows["wrong_topic"]["sample"]) == b"\0\xff"
    assert "a\\x00b" in rows["unknown_quantity"]["detail"]


# Batteries and quarantine


def test_a_low_battery_is_one_alert_a_day(world: Any) -> None:
    home = world.home()
    for _ in range(3):
        for percent in (20, 15, 9):
            world.store.store([moved(world, "WX-001-door", battery=percent)])
            world.wait(hours=2)
        world.wait(hours=18)
    low = world.rows("SELECT kind, once, detail FROM signal ORDER BY id")
    assert [(row["kind"], row["once"], row["detail"]) for row in low] == [("battery_low", f"2026-11-{day}", {"percent": 15}) for day in (23, 24, 25)]
    world.drain(watch.STAGES[0])
    assert alerts(world) == [("battery_low", "low", home, "WX-001-door")]


def test_a_low_battery_and_a_wrong_clock_is_one_alert_a_day(world: Any) -> None:
    world.home()
    for _ in range(4):
        world.say(READING.format("WX-001-door"), {"t": "2000-01-01T00:00:00Z", "values": {"battery": 5}})
        world.wait(hours=6)
    assert world.value("SELECT count(*) FROM signal") == 2  # from 8 o'clock to 2 o'clock the day after


def test_quarantine_counts_what_comes_again_and_shows_it_again_after_it_was_cleared(world: Any) -> None:
    world.home()
    bad = {"t": world.now.isoformat(), "values": {"mood": 1, "weather": 2, "motion": 9}}
    for times in (1, 2, 3):
        world.say(READING.format("WX-001-motion"), bad)
        assert in_quarantine(world) == {("WX-001-motion", "unknown_quantity"): times, ("WX-001-motion", "out_of_range"): times}
        world.wait(seconds=1)
    shown = world.run(quarantine.frames(world.conn, 10, world.now))["frames"]
    assert {row["reason"]: row["detail"] for row in shown}["unknown_quantity"] == "'mood' is no quantity of a reading; 'weather' is no quantity of a reading"
    assert json.loads(shown[0]["sample"]) == bad
    for row in shown:
        world.run(quarantine.clear(world.conn, row["id"], world.now))
    assert world.run(quarantine.frames(world.conn, 10, world.now))["frames"] == []
    world.say(READING.format("WX-001-motion"), bad)
    assert len(world.run(quarantine.frames(world.conn, 10, world.now))["frames"]) == 2


def test_a_frame_full_of_faults_costs_a_row_for_each_reason(world: Any) -> None:
    world.say(READING.format("d"), {"t": world.now.isoformat(), "values": {f"q{number}": 1 for number in range(4000)}})
    assert in_quarantine(world) == {("d", "unknown_quantity"): 1}
    assert world.value("SELECT max(length(detail)) FROM quarantine") <= 1000


def test_of_a_large_frame_a_sample_is_kept(world: Any) -> None:
    world.say(READING.format("d"), bytes(1_000_000))
    assert world.rows("SELECT reason, size, length(sample) AS kept FROM quarantine") == [{"reason": "too_large", "size": 1_000_000, "kept": 4096}]
