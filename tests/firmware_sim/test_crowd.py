"""A crowd: who speaks when follows from the seed; nothing is said twice; the decoder takes all of it."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from cloudfamily_gateway import dialects, wire
from cloudfamily_sim import crowd as crowds
from cloudfamily_sim.calls import Calls
from cloudfamily_sim.crowd import Crowd, Stream
from cloudfamily_sim.encode import Publish
from cloudfamily_sim.faults import FLOOD, Chances

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def stream(homes: int = 20, *, seed: int = 1, rate: float = 100.0, faults: str = "") -> Stream:
    return Stream(Crowd(homes, seed=seed, chances=Chances.read(faults)), rate, NOW)


class TestMessages:
    def test_everybody_speaks_once_before_anybody_speaks_again(self) -> None:
        crowd = Crowd(200, seed=3)
        for _ in range(3):
            topics = [topic.decode() for topic, _ in crowd.messages(1000, NOW)]
            assert set(topics) == {f"cf/v1/{device.code}/reading" for device in crowd.listed()}

    @pytest.mark.parametrize("homes", [1, 2, 7, 100, 999])
    def test_crowds_of_every_size_visit_everyone(self, homes: int) -> None:
        crowd = Crowd(homes, seed=homes)
        assert {crowd.speaker(number) for number in range(crowd.devices)} == set(range(crowd.devices))
        assert {topic for topic, _ in crowd.messages(homes, NOW, 10)} == {f"cf/v1/sim-{home:06}-4/senml".encode() for home in range(homes)}

    def test_each_is_one_reading_that_the_gateway_takes_and_none_comes_twice(self) -> None:
        crowd = Crowd(20, seed=1)
        seen = set()
        for _ in range(3):  # at the same moment: the times go on
            for topic, payload in crowd.messages(2000, NOW):
                decoded = dialects.decode(wire.Frame(topic.decode(), payload, NOW))
                assert not decoded.faults
                assert not decoded.signals, "a crowd has no low batteries"
                (reading,) = decoded.readings
                seen.add((reading.device, reading.quantity, reading.time))
        assert len(seen) == 6000

    def test_a_report_is_ten_readings_of_one_home_and_none_comes_twice(self) -> None:
        crowd, seen = Crowd(20, seed=1), set()
        for topic, payload in crowd.messages(500, NOW, 10) + crowd.messages(500, NOW, 10):
            records = json.loads(payload)
            homes = {record["n"].rsplit("-", 1)[0] for record in records}
            assert topic.decode() == f"cf/v1/{homes.pop()}-4/senml"
            assert not homes
            assert records[0]["bn"] == ""
            seen |= {(record["n"], records[0]["bt"]) for record in records}
        assert len(seen) == 10_000
        assert {name.split("/")[1] for name, _ in seen} == {"battery", "motion", "temperature", "humidity", "door", "rssi", "link_quality"}

    def test_times_are_real_and_numbers_grow(self) -> None:
        crowd = Crowd(1, seed=1)
        said = [json.loads(payload) for topic, payload in crowd.messages(50, NOW) if topic == b"cf/v1/sim-000000-2/reading"]
        assert said[0]["t"].startswith("2026-11-23T08:00:00.0000")
        assert all(before["seq"] + 1 == after["seq"] and before["t"] < after["t"] for before, after in pairwise(said))

    def test_nobody_moves_at_night_as_much_as_in_the_morning(self) -> None:
        def seen(hour: int) -> int:
            at = datetime(2026, 11, 23, hour, tzinfo=UTC)  # eight hours later at home
            return sum(b'"motion":1' in payload for _, payload in Crowd(1000, seed=1).messages(5000, at))

        assert seen(18) * 10 < seen(0)

    def test_half_a_million_devices_take_no_memory(self) -> None:
        tracemalloc.start()
        Crowd(100_000, seed=1).messages(10, NOW)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 100_000

    def test_the_list_names_every_device_with_its_home_and_kind(self) -> None:
        listed = list(Crowd(3).listed())
        assert len(listed) == 15
        assert listed[7] == ("sim-000001-2", "sim-000001", "temperature")
        assert [device.kind for device in listed[:5]] == ["button", "motion", "temperature", "door", "hub"]

    @pytest.mark.parametrize("homes", [0, -1, 1_000_001])
    def test_a_crowd_of_nobody_or_of_everybody_is_refused(self, homes: int) -> None:
        with pytest.raises(ValueError, match="homes"):
            Crowd(homes)

    def test_other_numbers_of_readings_are_refused(self) -> None:
        with pytest.raises(ValueError, match="1 or 10"):
            Crowd(1).messages(1, NOW, 5)


class TestOnAVirtualClock:
    def test_the_same_seed_says_the_same_and_another_does_not(self) -> None:
        faults = ",".join(f"{name}=0.05" for name in Chances.__dataclass_fields__)
        once, again, other = (stream(seed=seed, faults=faults) for seed in (1, 1, 2))
        said = once.take(5000)
        assert said == [message for size in (1, 999, 4000) for message in again.take(size)], "however it is cut into pieces"
        assert said != other.take(5000)

    def test_words_come_at_their_rate_and_a_slow_driver_makes_up_for_it(self) -> None:
        it = stream(rate=100)
        assert it.due(NOW) == 1
        assert it.due(NOW + MINUTE) == 6001
        it.take(5000)
        assert it.due(NOW + MINUTE) == 1001
        times = [json.loads(payload)["t"] for _, _, payload in it.take(2)]
        assert times == ["2026-11-23T08:00:50.000000Z", "2026-11-23T08:00:50.010000Z"], "with the time at which it was due"

    def test_a_device_keeps_its_place_so_that_its_words_keep_their_order(self) -> None:
        places: dict[bytes, set[int]] = {}
        for place, topic, _ in stream().take(1000):
            places.setdefault(topic, set()).add(place)
        assert len(places) == 100
        assert all(len(found) == 1 for found in places.values())


class TestFaults:
    def test_messages_are_lost_and_doubled_as_often_as_one_says(self) -> None:
        it = stream(faults="drop=0.1,duplicate=0.2")
        said = it.take(10_000)
        assert it.air.met["drop"] == pytest.approx(1000, rel=0.1)
        assert it.air.met["duplicate"] == pytest.approx(2000, rel=0.1)
        assert len(said) == 10_000 - it.air.met["drop"] + it.air.met["duplicate"]
        assert Counter(Counter(said).values())[2] == it.air.met["duplicate"]

    def test_late_and_overtaken_ones_come_after_their_time_and_none_is_lost(self) -> None:
        plain, it = stream(rate=1000).take(100_000), stream(rate=1000, faults="late=0.05,reorder=0.05")
        said = it.take(100_000)
        assert len(said) + len(it.air.held) == 100_000
        assert {*said} | {held[2] for held in it.air.held} == {*plain}
        backwards = Counter[bytes]()
        last: dict[bytes, int] = {}
        for _, topic, payload in said:
            seq = json.loads(payload)["seq"]
            backwards[topic] += seq < last.get(topic, 0)
            last[topic] = seq
        assert sum(backwards.values()) > 1000

    def test_rubbish_is_of_every_kind_and_costs_the_gateway_only_itself(self) -> None:
        bad = 0
        for _, topic, payload in stream(faults="malformed=0.1").take(2000):
            decoded = dialects.decode(wire.Frame(topic.decode(), payload, NOW))
            assert bool(decoded.faults) != bool(decoded.readings)
            bad += bool(decoded.faults)
        assert 150 < bad < 250

    def test_some_clocks_are_wrong_by_hours_and_always_by_as_much(self) -> None:
        skews: dict[bytes, set[float]] = {}
        for number, (_, topic, payload) in enumerate((it := stream(200, faults="clock_skew=0.1")).take(3000)):
            true = it.time_us(number) / 1e6
            skews.setdefault(topic, set()).add(round(datetime.fromisoformat(json.loads(payload)["t"]).timestamp() - true))
        wrong = {topic: found for topic, found in skews.items() if found != {0}}
        assert 70 < len(wrong) < 130
        assert all(len(found) == 1 for found in wrong.values())
        assert min(min(found) for found in wrong.values()) < -48 * 3600
        assert max(max(found) for found in wrong.values()) > 600

    def test_a_stuck_sensor_says_what_it_always_said(self) -> None:
        values: dict[bytes, set[str]] = {}
        for _, topic, payload in stream(20, faults="stuck=1").take(5000):
            if b"-2/" in topic:
                values.setdefault(topic, set()).add(str(json.loads(payload)["values"]))
        assert all(len(found) == 1 for found in values.values())

    def test_a_flooding_device_talks_twenty_times_as_much(self) -> None:
        it = stream(200, faults="flood=0.05")
        counts = Counter(topic for _, topic, _ in it.take(1000))
        assert set(counts.values()) == {1, FLOOD}
        assert 25 < sum(count == FLOOD for count in counts.values()) < 75

    def test_a_device_in_a_reboot_loop_counts_from_one_and_introduces_itself(self) -> None:
        said = stream(1, faults="reboot_loop=1").take(30)
        topics = Counter(topic.rsplit(b"/", 1)[1] for _, topic, _ in said)
        assert topics == {b"reading": 30, b"info": 10, b"status": 10}
        assert {json.loads(payload)["seq"] for _, topic, payload in said if topic.endswith(b"reading")} == {1, 2, 3}
        for _, topic, payload in said:
            assert not dialects.decode(wire.Frame(topic.decode(), payload, NOW)).faults


class TestCalls:
    def drive(self, calls: Calls, minutes: float) -> list[Publish]:
        return [call for second in range(int(minutes * 60)) for call in calls.step(NOW + timedelta(seconds=second))]

    def test_buttons_are_pressed_at_their_rate_and_call_until_they_are_answered(self) -> None:
        calls = Calls(Crowd(100, seed=1), 6, NOW)
        said = self.drive(calls, 5)
        assert calls.presses == 29
        assert len({call.topic for call in said}) == len(calls.calling) > 20
        first = said[0]
        assert said.count(first) > 10
        seq = json.loads(first.payload)["seq"]
        at = NOW + 5 * MINUTE
        calls.hear(first.topic.replace("signal", "answer"), b'{"seq":%d,"answer":"received"}' % (seq + 100), at)
        assert calls.received == 0
        calls.hear(first.topic.replace("signal", "answer"), b'{"seq":%d,"answer":"received"}' % seq, at)
        assert (calls.received, list(calls.received_seconds)) == (1, [290.0])
        assert first not in [call for second in range(120) for call in calls.step(at + timedelta(seconds=second))]

    def test_the_same_seed_presses_the_same_buttons_also_where_calls_get_lost(self) -> None:
        once, again, whole = (self.drive(Calls(Crowd(100, seed=1, chances=Chances.read(faults)), 30, NOW), 2) for faults in ("drop=0.3", "drop=0.3", ""))
        assert once == again
        assert len(once) < 0.85 * len(whole)
        assert {*once} <= {*whole}

    def test_there_is_a_limit_to_those_who_call(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("cloudfamily_sim.calls.MOST_CALLING", 5)
        calls = Calls(Crowd(100, seed=1), 600, NOW)
        self.drive(calls, 1)
        assert len(calls.calling) == 5


def test_the_kinds_are_those_of_the_protocol() -> None:
    for kind in crowds.KINDS:
        info = wire.encode({"kind": kind})
        (said,) = dialects.decode(wire.Frame("cf/v1/x/info", info, NOW)).announcements
        assert said.kind == kind
