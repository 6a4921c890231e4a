"""Recorded homes become events in UTC, and readings as our own devices would send them."""

from __future__ import annotations

import itertools
import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar
from zoneinfo import ZoneInfo

import pytest

from cloudfamily_gateway import dialects, wire
from cloudfamily_sim.recordings import BadLine, Event, read_casas, read_kasteren, to_wire

TM000 = Path(__file__).parents[3] / "shared" / "data" / "casas_tm000.tsv"
PACIFIC, BERLIN = ZoneInfo("America/Los_Angeles"), ZoneInfo("Europe/Berlin")


def casas(*lines: str, zone: ZoneInfo = PACIFIC) -> list[Event]:
    return list(read_casas(lines, zone))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture(scope="module")
def tm000() -> list[Event]:
    if not TM000.exists():
        pytest.skip("the recording casas_tm000.tsv is not in ../shared/data beside the project")
    with TM000.open(encoding="utf-8") as lines:
        return list(read_casas(lines, PACIFIC))


class TestTheRealHome:
    def test_every_line_is_an_event(self, tm000: list[Event]) -> None:
        assert len(tm000) == 21_968
        assert tm000[0] == Event(utc("2016-07-12 07:00:30.600670"), "BedroomABed", "motion", 1.0)
        assert len({event.sensor for event in tm000}) == 22
        assert tm000 == sorted(tm000, key=lambda event: event.at)

    def test_only_the_main_entryway_stands_for_a_door(self, tm000: list[Event]) -> None:
        kinds = {event.sensor: event.kind for event in tm000}
        assert [sensor for sensor, kind in kinds.items() if kind == "door"] == ["MainEntryway"]
        assert set(kinds.values()) == {"motion", "door"}

    def test_why_no_other_is_a_door(self, tm000: list[Event]) -> None:
        """No sensor stays on as an open door would, and the other entryway fires while nobody is at home."""
        on: dict[str, datetime] = {}
        longest: dict[str, timedelta] = defaultdict(timedelta)
        for event in tm000:
            if event.value:
                on[event.sensor] = event.at
            else:
                longest[event.sensor] = max(longest[event.sensor], event.at - on.pop(event.sensor))
        assert max(longest.values()) < timedelta(seconds=31)
        away = [e.sensor for e in tm000 if utc("2016-07-13 14:35") < e.at < utc("2016-07-17 01:54") and e.value]
        assert Counter(away)["EntrywayB"] == 2
        assert "MainEntryway" not in away
        back = next(event for event in tm000 if event.at > utc("2016-07-17 01:54"))
        assert back.sensor == "MainEntryway"

    def test_each_event_is_a_message_of_its_own(self, tm000: list[Event]) -> None:
        assert len({to_wire(event, "WX-001") for event in tm000}) == 21_968


class TestCasas:
    def test_a_trailing_tab_and_empty_lines_do_not_matter(self) -> None:
        line = "2016-07-12 00:00:30.600670\tBedroomABed\tON"
        assert casas(line) == casas(line + "\t\n") == casas("", line + "\r\n", "\n")

    def test_another_home_has_its_front_door_elsewhere(self) -> None:
        (event,) = read_casas(["2016-07-12 00:00:30\tPorch\tON"], PACIFIC, front_doors={"Porch"})
        assert event.kind == "door"

    @pytest.mark.parametrize(
        ("line", "sentence"),
        [
            ("2016-07-12 00:00:30.6\tBedroomABed", "2 fields instead of 3"),
            ("nonsense", "1 fields instead of 3"),
            ("yesterday\tBedroomABed\tON", "'yesterday' is no time"),
            ("2016-13-12 00:00:30\tBedroomABed\tON", "is no time"),
            ("0001-01-01 00:00:30\tBedroomABed\tON", "cannot be"),
            ("2016-07-12 00:00:30+02:00\tBedroomABed\tON", "has a zone"),
            ("2016-07-12 00:00:30\t\tON", "has no name"),
            ("2016-07-12 00:00:30\tBedroomABed\tOPEN", "'OPEN' is neither ON nor OFF"),
            ("2016-07-11 23:59:59\tBedroomABed\tON", "is earlier than what came before it"),
            ("2016-03-13 02:30:00\tBedroomABed\tON", "does not exist in America/Los_Angeles"),
            ("2016-07-12 00:00:30\t" + "x" * 500 + "\tON", "at most"),
        ],
    )
    def test_a_bad_line_is_named(self, line: str, sentence: str) -> None:
        good = "2016-07-12 00:00:00\tBedroomABed\tON"
        with pytest.raises(BadLine, match="line 2: ") as caught:
            casas(good, line)
        assert caught.value.line_number == 2
        assert sentence in caught.value.sentence

    def test_bad_lines_may_be_left_out(self) -> None:
        bad: list[BadLine] = []
        lines = ["2016-07-12 00:00:00\tA\tON", "?", "2016-07-12 00:00:01\tA\tOFF"]
        assert len(list(read_casas(lines, PACIFIC, on_bad=bad.append))) == 2
        assert [one.line_number for one in bad] == [2]


class TestTheHourThatComesTwice:
    """In Berlin on 25 October 2026 02:00 to 03:00 local time happens twice."""

    def test_the_second_pass_is_known_by_the_jump_back(self) -> None:
        times = ["01:59:00", "02:10:00", "02:50:00", "02:05:00", "02:50:00", "03:00:00"]
        events = casas(*(f"2026-10-25 {time}\tA\tON" for time in times), zone=BERLIN)
        assert [f"{event.at:%H:%M}" for event in events] == ["23:59", "00:10", "00:50", "01:05", "01:50", "02:00"]

    def test_a_line_out_of_order_is_no_second_pass(self) -> None:
        with pytest.raises(BadLine, match="earlier"):
            casas("2026-10-25 02:10:00\tA\tON", "2026-10-25 02:09:59\tA\tOFF", zone=BERLIN)

    def test_it_does_not_come_three_times(self) -> None:
        with pytest.raises(BadLine, match=r"line 3.*earlier"):
            casas(*(f"2026-10-25 {time}\tA\tON" for time in ("02:50:00", "02:20:00", "02:05:00")), zone=BERLIN)


class TestKasteren:
    NAMES: ClassVar = {"24": "Hall-Bedroom door", "12": "Front door", "14": "ToiletFlush"}

    def read(self, *lines: str) -> list[Event]:
        return list(read_kasteren(lines, BERLIN, self.NAMES))

    def test_each_line_begins_and_ends_and_all_come_in_order(self) -> None:
        events = self.read(
            "25-Feb-2008 00:20:14\t25-Feb-2008 00:22:57\t24\t1",
            "25-Feb-2008 00:21:00\t25-Feb-2008 00:21:01\t14",
            "25-Feb-2008 00:30:00\t25-Feb-2008 00:30:04\t12\n",
            "25-Feb-2008 00:31:00\t25-Feb-2008 00:31:00\t99",
        )
        told = [(f"{event.at:%H:%M:%S}", event.sensor, event.kind, event.value) for event in events]
        assert told == [
            ("23:20:14", "Hall-Bedroom door", "motion", 1),
            ("23:21:00", "ToiletFlush", "other", 1),
            ("23:21:01", "ToiletFlush", "other", 0),
            ("23:22:57", "Hall-Bedroom door", "motion", 0),
            ("23:30:00", "Front door", "door", 1),
            ("23:30:04", "Front door", "door", 0),
            ("23:31:00", "99", "other", 1),
            ("23:31:00", "99", "other", 0),
        ]

    @pytest.mark.parametrize(
        ("line", "sentence"),
        [
            ("25-Feb-2008 00:20:14\t25-Feb-2008 00:22:57", "2 fields"),
            ("25-Foo-2008 00:20:14\t25-Feb-2008 00:22:57\t24", "is no time"),
            ("31-Feb-2008 00:20:14\t25-Feb-2008 00:22:57\t24", "is no time"),
            ("25-Feb-2008 00:20:14\t25-Feb-2008 00:20:13\t24", "earlier"),
            ("24-Feb-2008 00:20:14\t25-Feb-2008 00:22:57\t24", "earlier"),
        ],
    )
    def test_a_bad_line_is_named(self, line: str, sentence: str) -> None:
        with pytest.raises(BadLine, match="line 2: ") as caught:
            self.read("25-Feb-2008 00:00:00\t25-Feb-2008 00:00:01\t24", line)
        assert sentence in caught.value.sentence

    def test_a_use_across_the_hour_that_comes_twice(self) -> None:
        (begins, ends) = self.read("26-Oct-2008 02:40:00\t26-Oct-2008 02:10:00\t14")
        assert ends.at - begins.at == timedelta(minutes=30)


class TestOnTheWire:
    def test_it_speaks_our_own_dialect(self) -> None:
        event = Event(utc("2016-07-12 07:00:30.600670"), "BedroomABed", "motion", 1.0)
        topic, payload = to_wire(event, "WX-001")
        assert topic == "cf/v1/WX-001-BedroomABed/reading"
        assert json.loads(payload) == {"t": "2016-07-12T07:00:30.600Z", "values": {"motion": 1}}

    @pytest.mark.parametrize(("kind", "quantity"), [("motion", "motion"), ("door", "door"), ("other", "motion")])
    def test_what_is_no_door_shows_that_somebody_moves(self, kind: str, quantity: str) -> None:
        _, payload = to_wire(Event(utc("2016-07-12"), "A", kind, 0.0), "H")  # type: ignore[arg-type]
        assert json.loads(payload)["values"] == {quantity: 0}

    def test_names_become_device_codes(self) -> None:
        assert to_wire(Event(utc("2016-07-12"), "Hall-Toilet door", "motion", 1.0), "H")[0] == "cf/v1/H-Hall-Toilet-door/reading"
        with pytest.raises(ValueError, match="64 characters"):
            to_wire(Event(utc("2016-07-12"), "x" * 63, "motion", 1.0), "H")

    def test_the_gateway_understands_every_kind_of_message(self, tm000: list[Event]) -> None:
        for event in itertools.islice(tm000, 0, None, 97):
            topic, payload = to_wire(event, "WX-001")
            decoded = dialects.decode(wire.Frame(topic, payload, event.at))
            (reading,) = decoded.readings
            assert decoded.faults == decoded.signals == ()
            assert (reading.device, reading.value) == (f"WX-001-{event.sensor}", event.value)
            assert event.at - reading.time < timedelta(milliseconds=1)
