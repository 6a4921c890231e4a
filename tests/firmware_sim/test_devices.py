"""Devices on a virtual clock: what they say, when, and what they show."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloudfamily_sim.button import Button
from cloudfamily_sim.devices import LONGEST_SPOOL, Device, DoorSensor, Hub, MotionSensor, TemperatureSensor
from cloudfamily_sim.encode import Answer, Publish, read_answer
from cloudfamily_sim.faults import RUBBISH, Faults

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=2000)
SECOND = timedelta(seconds=1)


def said(publish: Publish) -> dict[str, Any]:
    return json.loads(publish.payload)


def drive(device: Device, until: datetime) -> list[tuple[datetime, Publish]]:
    """What the device says up to then, each at its own time."""
    heard = []
    while (now := device.next_at) <= until:
        heard += [(now, publish) for publish in device.outbox(now)]
    return heard


def button(**more: Any) -> Button:
    return Button("btn-1", first_at=LATER, **more)


class TestButton:
    def test_a_press_is_said_at_once_and_repeated_byte_for_byte_ever_more_slowly(self) -> None:
        it = button(seq=4)
        it.press(NOW)
        heard = drive(it, NOW + timedelta(minutes=3))
        first = heard[0]
        assert first[0] == NOW
        assert first[1].topic == "cf/v1/btn-1/signal"
        assert first[1].qos == 1
        assert said(first[1]) == {"t": "2026-11-23T08:00:00.000Z", "seq": 5, "kind": "sos"}
        assert {publish for _, publish in heard} == {first[1]}
        pauses = [(b - a) / SECOND for (a, _), (b, _) in itertools.pairwise(heard)]
        assert pauses[0] == 5
        assert pauses == sorted(pauses)
        assert pauses[-1] == 30

    def test_answers_move_the_light_and_end_the_repeats(self) -> None:
        it = button()
        assert it.light == "idle"
        it.press(NOW)
        it.outbox(NOW)
        assert it.light == "sending"
        for answer in ("received", "help_is_coming", "resolved"):
            assert it.answer(Answer(seq=it.seq, answer=answer))
            assert it.light == answer
        assert drive(it, NOW + timedelta(days=1)) == []

    def test_a_late_or_foreign_answer_changes_nothing(self) -> None:
        it = button()
        it.press(NOW)
        assert not it.answer(Answer(seq=it.seq - 1, answer="received"))
        assert it.light == "sending"
        assert it.answer(Answer(seq=it.seq, answer="help_is_coming"))
        assert not it.answer(Answer(seq=it.seq, answer="received")), "the broker may deliver it once more"
        assert it.light == "help_is_coming"

    def test_it_gives_up_after_two_hundred_repeats_and_its_light_goes_out(self) -> None:
        it = button()
        it.press(NOW)
        assert len(drive(it, NOW + timedelta(days=1))) == 1 + 200
        assert (it.light, it.gave_up) == ("idle", 1)
        assert it.answer(Answer(seq=it.seq, answer="received")), "an answer after hours is still good news"

    def test_pressing_again_while_unanswered_is_the_same_call_and_afterwards_a_new_one(self) -> None:
        it = button()
        it.press(NOW)
        (first,) = it.outbox(NOW)
        it.press(NOW + SECOND)
        assert it.outbox(NOW + SECOND) == [first]
        it.answer(Answer(seq=it.seq, answer="received"))
        it.press(NOW + 60 * SECOND)
        (second,) = it.outbox(NOW + 60 * SECOND)
        assert said(second)["seq"] == said(first)["seq"] + 1
        assert it.light == "sending"

    def test_a_dead_button_is_silent_and_its_light_stays_dark(self) -> None:
        it = button()
        it.faults = Faults(dead=True)
        it.press(NOW)
        assert it.light == "idle"
        assert drive(it, NOW + timedelta(hours=1)) == []

    def test_a_button_that_dies_while_calling_falls_silent(self) -> None:
        it = button()
        it.press(NOW)
        it.outbox(NOW)
        it.faults = Faults(battery=0)
        assert drive(it, NOW + timedelta(hours=1)) == []

    def test_its_own_clock_may_be_wrong(self) -> None:
        it = button()
        it.faults = Faults(clock_offset=timedelta(hours=-9))
        it.press(NOW)
        assert said(it.outbox(NOW)[0])["t"] == "2026-11-22T23:00:00.000Z"

    def test_garbage_never_touches_the_call_itself(self) -> None:
        it = button()
        it.faults = Faults(malformed=1.0)
        it.press(NOW)
        assert said(it.outbox(NOW)[0])["kind"] == "sos"


class TestReadings:
    def test_motion_and_doors_tell_their_changes(self) -> None:
        motion, door = MotionSensor("m", first_at=LATER), DoorSensor("d", first_at=LATER)
        for sensor, quantity in ((motion, "motion"), (door, "door")):
            sensor.sense(NOW, 1)
            sensor.sense(NOW + 5 * SECOND, 0)
            assert sensor.next_at == NOW
            on, off = sensor.outbox(NOW + 5 * SECOND)
            assert on.topic == f"cf/v1/{sensor.code}/reading"
            assert said(on) == {"t": "2026-11-23T08:00:00.000Z", "seq": 1, "values": {quantity: 1}}
            assert said(off) == {"t": "2026-11-23T08:00:05.000Z", "seq": 2, "values": {quantity: 0}}
            assert sensor.outbox(NOW + 5 * SECOND) == []

    def test_a_heartbeat_tells_the_battery_and_never_motion(self) -> None:
        for device in (MotionSensor("m", first_at=NOW), DoorSensor("d", first_at=NOW), Hub("h", first_at=NOW), Button("b", first_at=NOW)):
            heard = drive(device, NOW + timedelta(hours=1))
            assert [at for at, _ in heard] == [NOW + n * timedelta(minutes=10) for n in range(7)]
            assert all(set(said(publish)["values"]) == {"battery"} for _, publish in heard)

    def test_temperature_comes_every_so_often_and_brings_the_battery_now_and_then(self) -> None:
        thermometer = TemperatureSensor("t", lambda at: 20 + at.minute / 7, first_at=NOW, every=timedelta(minutes=1))
        heard = [said(publish)["values"] for _, publish in drive(thermometer, NOW + timedelta(minutes=19))]
        assert [values["temperature"] for values in heard[:3]] == [20, 20.1, 20.3]
        assert sum("battery" in values for values in heard) == 2

    def test_the_battery_drains_until_the_device_falls_silent(self) -> None:
        sensor = MotionSensor("m", first_at=NOW, heartbeat=timedelta(days=1), battery=50, battery_days=20)
        levels = [said(publish)["values"]["battery"] for _, publish in drive(sensor, NOW + timedelta(days=30))]
        assert levels == [50, 45, 40, 35, 30, 25, 20, 15, 10, 5]

    def test_the_mains_do_not_drain(self) -> None:
        hub = Hub("h", first_at=NOW, battery_days=None)
        assert hub.charge(LATER) == 100

    def test_a_low_battery_is_told(self) -> None:
        sensor = MotionSensor("m", first_at=NOW)
        sensor.faults = Faults(battery=7)
        assert said(sensor.outbox(NOW)[0])["values"] == {"battery": 7}

    def test_beats_that_the_driver_slept_through_are_not_made_up_for(self) -> None:
        hub = Hub("h", first_at=NOW)
        assert len(hub.outbox(NOW + timedelta(days=3))) == 1
        assert hub.next_at == NOW + timedelta(days=3, minutes=10)

    def test_a_queue_that_nobody_empties_keeps_the_newest(self) -> None:
        sensor = MotionSensor("m", first_at=LATER)
        for n in range(LONGEST_SPOOL + 900):
            sensor.sense(NOW + n * SECOND, 1)
        assert [said(publish)["seq"] for publish in sensor.outbox(LATER - SECOND)] == list(range(901, LONGEST_SPOOL + 901))
        assert sensor.dropped == 900

    def test_garbage_is_of_every_kind_and_always_the_same(self) -> None:
        def rubbish() -> list[bytes]:
            sensor = MotionSensor("m", first_at=LATER)
            sensor.faults = Faults(malformed=1.0)
            for n in range(len(RUBBISH) + 1):
                sensor.sense(NOW + n * SECOND, 1)
            return [publish.payload for publish in sensor.outbox(LATER - SECOND)]

        assert len(set(rubbish())) == len(RUBBISH) + 1
        assert rubbish() == rubbish()

    @pytest.mark.parametrize("code", ["", "a b", "a/b", "+", "#", "x" * 65, "按钮"])
    def test_a_bad_code_is_refused(self, code: str) -> None:
        with pytest.raises(ValueError, match="device code"):
            MotionSensor(code, first_at=NOW)


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("cf/v1/b/answer", b"{"),
        ("cf/v1/b/answer", b"\xff"),
        ("cf/v1/b/answer", b'{"seq":1,"answer":"dance"}'),
        ("cf/v1/b/answer", b'{"answer":"received"}'),
        ("cf/v1/b/signal", b'{"seq":1,"answer":"received"}'),
        ("cf/v2/b/answer", b'{"seq":1,"answer":"received"}'),
    ],
)
def test_what_is_no_answer_is_passed_over(topic: str, payload: bytes) -> None:
    assert read_answer(topic, payload) is None
    assert read_answer("cf/v1/b/answer", b'{"seq":1,"answer":"received"}') == ("b", Answer(seq=1, answer="received"))
