"""Devices on a virtual clock: what they say, when, and what they show."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloudfamily_sim.button import Button
from cloudfamily_sim.devices import LONGEST_SPOOL, Device, DoorSensor, Hub, MotionSensor, TemperatureSensor
from cloudfamily_sim.encode import Answer, Command, Publish, read_answer, read_command
from cloudfamily_sim.faults import RUBBISH, Chances, Faults

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


class TestManners:
    def test_a_bouncing_contact_is_one_change_and_what_it_settles_on_is_told(self) -> None:
        def heard(*changes: tuple[int, int]) -> list[tuple[str, float]]:
            door = DoorSensor("d", first_at=LATER)
            for milliseconds, value in changes:
                door.sense(NOW + timedelta(milliseconds=milliseconds), value)
            return [(said(publish)["t"][-5:-1], said(publish)["values"]["door"]) for _, publish in drive(door, NOW + SECOND)]

        assert heard((0, 1), (8, 0), (15, 1)) == [(".000", 1)]
        assert heard((0, 1), (8, 0), (15, 1), (30, 0)) == [(".000", 1), (".050", 0)], "a door that closed at once"
        assert heard((0, 1), (60, 0)) == [(".000", 1), (".060", 0)]

    def test_a_trembling_finger_presses_once(self) -> None:
        it = button()
        it.press(NOW)
        it.press(NOW + SECOND / 10)
        assert len(it.outbox(NOW + SECOND / 10)) == 1
        it.press(NOW + SECOND / 5)
        assert it.outbox(NOW + SECOND / 5) == []

    def test_offline_it_keeps_readings_with_their_times_and_sends_the_oldest_first(self) -> None:
        sensor = MotionSensor("m", first_at=LATER)
        sensor.disconnect()
        for minute in range(5):
            sensor.sense(NOW + timedelta(minutes=minute), (minute + 1) % 2)
            assert sensor.outbox(NOW + timedelta(minutes=minute)) == []
        back = NOW + timedelta(hours=1)
        assert sensor.next_at > back, "nothing to do while it is offline"
        sensor.connect(back)
        assert sensor.next_at == back
        assert [said(publish)["t"][14:16] for publish in sensor.outbox(back)] == ["00", "01", "02", "03", "04"]

    def test_a_full_spool_lets_the_oldest_readings_go_and_nothing_else(self) -> None:
        hub = Hub("h", first_at=NOW, heartbeat=SECOND)
        hub.disconnect()
        hub.command(Command(1, "siren"), NOW)
        drive(hub, NOW + (LONGEST_SPOOL + 50) * SECOND)
        hub.connect(LATER)
        kept = hub.outbox(NOW + (LONGEST_SPOOL + 50) * SECOND)
        assert [publish.topic.rsplit("/", 1)[1] for publish in kept[:3]] == ["report", "report", "reading"]
        assert len(kept) == LONGEST_SPOOL
        assert said(kept[-1])["seq"] == LONGEST_SPOOL + 51
        assert hub.dropped == 53

    def test_a_call_waits_offline_with_its_patience_and_goes_before_the_readings(self) -> None:
        it = Button("btn-1", first_at=NOW, heartbeat=timedelta(minutes=1))
        it.disconnect()
        it.press(NOW)
        assert drive(it, NOW + timedelta(hours=3)) == []
        assert (it.light, it.gave_up) == ("sending", 0)
        back = NOW + timedelta(hours=3)
        it.connect(back)
        call, *readings = it.outbox(back)
        assert said(call) == {"t": "2026-11-23T08:00:00.000Z", "seq": 1, "kind": "sos"}
        assert len(readings) == 181
        assert [at - back for at, publish in drive(it, back + 12 * SECOND) if publish.is_signal] == [5 * SECOND, 11.25 * SECOND]

    def test_a_fall_and_a_press_are_two_calls_and_each_is_repeated_until_its_own_answer(self) -> None:
        it = button()
        it.press(NOW, "fall")
        it.press(NOW + SECOND, "sos")
        kinds = [said(publish)["kind"] for _, publish in drive(it, NOW + 8 * SECOND)]
        assert kinds.count("fall") == kinds.count("sos") == 2
        assert it.answer(Answer(seq=1, answer="received"))
        assert it.light == "sending"
        assert {said(publish)["kind"] for _, publish in drive(it, NOW + timedelta(minutes=1))} == {"sos"}
        assert it.answer(Answer(seq=2, answer="received"))
        assert it.light == "received"

    def test_the_light_says_who_is_on_the_way(self) -> None:
        it = button()
        it.press(NOW)
        for payload in (b'{"seq":1,"answer":"help_is_coming"}', '{"seq":1,"answer":"on_the_way","name":"王姨"}'.encode()):
            heard = read_answer("cf/v1/btn-1/answer", payload)
            assert heard
            assert it.answer(heard[1])
        assert (it.light, it.helper) == ("on_the_way", "王姨")
        it.press(NOW + timedelta(hours=1))
        assert (it.light, it.helper) == ("sending", None)

    def test_a_clock_that_drifts_is_off_by_more_every_day(self) -> None:
        hub = Hub("h", first_at=NOW, heartbeat=timedelta(days=1))
        hub.faults = Faults(clock_ppm=50)
        times = [said(publish)["t"] for _, publish in drive(hub, NOW + timedelta(days=10))]
        assert times[0].endswith("08:00:00.000Z")
        assert times[10] == "2026-12-03T08:00:43.200Z"

    def test_it_says_what_it_is_when_it_starts(self) -> None:
        for device, kind in ((Hub("h", first_at=LATER, battery_days=None), "hub"), (DoorSensor("d", first_at=LATER), "door"), (button(), "button")):
            device.boot(NOW)
            status, info = device.outbox(NOW)
            assert status == Publish(f"cf/v1/{device.code}/status", b"online", retain=True)
            assert info.topic == f"cf/v1/{device.code}/info"
            assert said(info) == {"kind": kind, "vendor": "Cloud Family", "model": "sim", "report_minutes": 10, "mains": kind == "hub"}


class TestCommands:
    def reports(self, device: Device, at: datetime = NOW) -> list[dict[str, Any]]:
        return [said(publish) for publish in device.outbox(at) if publish.topic == f"cf/v1/{device.code}/report"]

    def test_a_siren_sounds_and_the_same_id_does_not_start_it_again(self) -> None:
        hub = Hub("h", first_at=LATER)
        for at in (NOW, NOW + timedelta(minutes=5)):
            hub.command(Command(7, "siren", {"seconds": 60}), at)
            assert self.reports(hub, at) == [{"id": 7, "state": "delivered"}, {"id": 7, "state": "done"}]
            assert hub.orders.doing["siren"] == NOW + timedelta(minutes=1)

    def test_words_take_their_time(self) -> None:
        hub = Hub("h", first_at=LATER)
        hub.command(Command(8, "voice", {"text": "Help is on the way."}), NOW)
        assert self.reports(hub) == [{"id": 8, "state": "delivered"}]
        hub.command(Command(8, "voice", {"text": "Help is on the way."}), NOW + SECOND)
        assert self.reports(hub) == [{"id": 8, "state": "delivered"}]
        assert hub.next_at == NOW + 4.75 * SECOND
        assert self.reports(hub, hub.next_at) == [{"id": 8, "state": "done"}]
        assert hub.orders.said == ["Help is on the way."]

    def test_an_interval_changes_how_often_it_reports_and_a_test_makes_it_report(self) -> None:
        thermometer = TemperatureSensor("t", lambda at: 20, first_at=NOW)
        thermometer.outbox(NOW)
        thermometer.command(Command(1, "interval", {"minutes": 1}), NOW)
        thermometer.command(Command(2, "test"), NOW + SECOND)
        assert {said(publish)["id"] for publish in thermometer.outbox(NOW + SECOND) if "report" in publish.topic} == {1, 2}
        assert [at - NOW for at, _ in drive(thermometer, NOW + timedelta(minutes=3))] == [timedelta(minutes=n) for n in (1, 2, 3)]

    @pytest.mark.parametrize(
        ("do", "params", "detail"),
        [
            ("siren", {"seconds": "long"}, "seconds is"),
            ("siren", {"seconds": True}, "seconds is"),
            ("light", {"seconds": 9999}, "seconds is"),
            ("voice", {}, "text is"),
            ("interval", {"minutes": 0}, "minutes is"),
            ("interval", {}, "minutes is"),
            ("dance", {}, "cannot do 'dance'"),
        ],
    )
    def test_what_it_cannot_do_has_failed_with_a_reason(self, do: str, params: dict[str, Any], detail: str) -> None:
        hub = Hub("h", first_at=LATER)
        for _ in range(2):
            hub.command(Command(3, do, params), NOW)
            delivered, failed = self.reports(hub)
            assert (delivered["state"], failed["state"]) == ("delivered", "failed")
            assert failed["detail"].startswith(detail)

    def test_a_door_has_no_siren_and_a_dead_hub_says_nothing(self) -> None:
        door, hub = DoorSensor("d", first_at=LATER), Hub("h", first_at=LATER)
        door.command(Command(4, "siren"), NOW)
        assert self.reports(door)[1]["detail"] == "cannot do 'siren'"
        hub.faults = Faults(dead=True)
        hub.command(Command(4, "siren"), NOW)
        assert self.reports(hub) == []

    def test_it_remembers_the_last_ids_only(self) -> None:
        hub = Hub("h", first_at=LATER)
        for number in range(100):
            hub.command(Command(number, "test"), NOW)
        assert list(hub.orders.states) == list(range(36, 100))

    @pytest.mark.parametrize("payload", [b"{", b'{"do":"siren"}', b'{"id":"1","do":"siren"}', b'{"id":1,"do":"siren","params":[]}'])
    def test_what_is_no_command_is_passed_over(self, payload: bytes) -> None:
        assert read_command("cf/v1/h/command", payload) is None
        assert read_command("cf/v1/h/command", b'{"id":1,"do":"siren","more":true}') == ("h", Command(1, "siren"))


class TestFaults:
    def test_on_one_device_they_do_what_their_names_say(self) -> None:
        def heard(minutes: int = 60, **wrong: Any) -> list[dict[str, Any]]:
            hub = Hub("h", first_at=NOW, heartbeat=timedelta(minutes=1), battery=90, battery_days=1)
            hub.faults = Faults(**wrong)
            return [said(publish) for _, publish in drive(hub, NOW + timedelta(minutes=minutes - 1)) if publish.is_reading]

        plain = heard()
        assert len(plain) == 60
        assert heard(drop=1.0) == []
        assert len(heard(duplicate=1.0)) == 120
        assert 10 < len(heard(drop=0.5)) < 50
        assert heard(drop=0.5) == heard(drop=0.5)
        assert len({message["values"]["battery"] for message in plain}) > 3
        assert len({message["values"]["battery"] for message in heard(stuck=True)}) == 1
        assert len(heard(flood=20)) == 1200
        assert {message["seq"] for message in heard(reboot_loop=True)} == {1, 2, 3}
        shuffled = [message["seq"] for message in heard(reorder=0.3)]
        assert shuffled != sorted(shuffled)
        late = [message["seq"] for message in heard(late=0.3)]
        assert late != sorted(late)

    def test_a_press_may_be_lost_or_doubled_but_is_never_late_nor_rubbish(self) -> None:
        it = button()
        it.faults = Faults(late=0.5, malformed=0.5)
        it.press(NOW)
        first = it.outbox(NOW)
        assert [said(publish)["kind"] for publish in first] == ["sos"]
        it = button()
        it.faults = Faults(drop=0.5)
        it.press(NOW)
        calls = drive(it, NOW + timedelta(hours=1))
        assert 40 < len(calls) < 85

    def test_chances_give_each_device_its_faults_from_the_seed(self) -> None:
        chances = Chances(drop=0.1, stuck=0.3, clock_skew=0.5, reboot_loop=1.0)
        some = [chances.of(f"d-{number}", 1) for number in range(300)]
        assert some == [chances.of(f"d-{number}", 1) for number in range(300)]
        assert some != [chances.of(f"d-{number}", 2) for number in range(300)]
        assert all(one.drop == 0.1 and one.reboot_loop for one in some)
        assert 60 < sum(one.stuck for one in some) < 120
        assert 110 < sum(bool(one.clock_offset) for one in some) < 190

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("drop", "write it like drop=0.01"),
            ("drop=x", "write it like drop=0.01"),
            ("rain=1", "the faults are drop, duplicate, reorder, late, malformed, clock_skew, stuck, flood, reboot_loop"),
            ("drop=2", "from 0 to 1"),
            ("drop=nan", "from 0 to 1"),
            ("drop=0.6,late=0.6", "together"),
        ],
    )
    def test_what_cannot_be_read_says_what_may_stand_there(self, text: str, sentence: str) -> None:
        with pytest.raises(ValueError, match=sentence):
            Chances.read(text)
        assert Chances.read(" drop=0.5, late=0.25 ") == Chances(drop=0.5, late=0.25)
        assert not Chances.read("")
