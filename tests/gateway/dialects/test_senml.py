"""SenML, RFC 8428: a hub's report. The packs are the RFC's own where ours have such names."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloudfamily_gateway.dialects import common, senml
from cloudfamily_platform.core import quantity

TOPIC = "cf/v1/hub-1/senml"
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def test_one_reading(hear: Any) -> None:
    """RFC 8428, 5.1.1, with a name of ours."""
    heard = hear(TOPIC, [{"n": "temperature", "u": "Cel", "v": 23.1}])
    assert (heard.by_device, heard.times, heard.faults) == ({("hub-1", "temperature"): 23.1}, {NOW}, [])


def test_base_fields_hold_for_the_records_that_follow(hear: Any) -> None:
    """RFC 8428, 5.1.3, with names of ours: base name, time, unit and version, and times before and after the base."""
    pack = [
        {"bn": "th-0042/", "bt": 1.795420800e9, "bu": "V", "bver": 5, "n": "voltage", "u": "V", "v": 120.1},
        {"n": "temperature", "u": "Cel", "t": -5, "v": 21.2},
        {"n": "temperature", "u": "Cel", "t": -4, "v": 21.3},
        {"n": "voltage", "t": 2.5, "v": 120.2},
    ]
    base = datetime.fromtimestamp(1795420800, UTC)
    said = [(one.device, quantity.BY_NUMBER[one.quantity].name, one.value, one.time - base) for one in hear(TOPIC, pack).decoded.readings]
    assert said == [
        ("th-0042", "voltage", 120.1, timedelta(0)),
        ("th-0042", "temperature", 21.2, timedelta(seconds=-5)),
        ("th-0042", "temperature", 21.3, timedelta(seconds=-4)),
        ("th-0042", "voltage", 120.2, timedelta(seconds=2.5)),
    ]


def test_a_hub_speaks_for_its_devices_and_for_itself(hear: Any) -> None:
    pack = [
        {"bn": "th-0042/", "n": "temperature", "v": 21.4},
        {"n": "humidity", "u": "%RH", "v": 40},
        {"bn": "", "n": "mo-7/motion", "vb": True},
        {"n": "door-1/door", "vb": False},
        {"n": "battery", "u": "%EL", "v": 93},
    ]
    heard = hear(TOPIC, pack)
    expected = {("th-0042", "temperature"): 21.4, ("th-0042", "humidity"): 40, ("mo-7", "motion"): 1, ("door-1", "door"): 0, ("hub-1", "battery"): 93}
    assert (heard.device, heard.by_device, heard.faults) == ("hub-1", expected, [])


def test_a_base_value_is_added(hear: Any) -> None:
    assert hear(TOPIC, [{"bv": 20, "n": "temperature", "v": 1.5}, {"n": "humidity", "v": 20}]).values == {"temperature": 21.5, "humidity": 40}


@pytest.mark.parametrize(
    ("t", "time"),
    [
        (0, NOW),
        (-60, NOW - timedelta(minutes=1)),
        (30.5, NOW + timedelta(seconds=30.5)),
        (2**28 - 1, NOW + timedelta(seconds=2**28 - 1)),
        (2**28, datetime.fromtimestamp(2**28, UTC)),
        (1795420800.25, datetime.fromtimestamp(1795420800.25, UTC)),
    ],
)
def test_times_below_2_to_the_28_are_relative_to_now(hear: Any, t: float, time: datetime) -> None:
    """RFC 8428, 4.5.3. Now is when the frame came: at the edge, where one stands between."""
    assert hear(TOPIC, [{"n": "motion", "v": 1, "t": t}]).times == {time}
    assert hear(TOPIC, [{"bt": t, "n": "motion", "v": 1}]).times == {time}


@pytest.mark.parametrize(
    ("name", "unit", "value", "taken"),
    [
        ("temperature", "K", 294.15, 21.0),
        ("pressure", "Pa", 101325, 1013.25),
        ("pressure", "hPa", 1013.25, 1013.25),
        ("illuminance", "lx", 120, 120),
        ("power", "W", 60, 60),
        ("power", "kW", 1.2, 1200),
        ("voltage", "mV", 2900, 2.9),
        ("heart_rate", "beat/min", 72, 72),
        ("respiration", "1/min", 14, 14),
        ("battery", "/", 0.93, 93),
        ("rssi", "dBW", -90, -60),
        ("water", "m3", 0.01, 10),
        ("co2", "ppm", 812, 812),
    ],
)
def test_units_are_made_our_own(hear: Any, name: str, unit: str, value: float, taken: float) -> None:
    assert hear(TOPIC, [{"n": name, "u": unit, "v": value}]).values == {name: pytest.approx(taken)}


def test_every_unit_is_of_a_quantity_that_we_know() -> None:
    assert set(senml.UNITS) | set(senml.STATES) == set(common.QUANTITIES)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"n": "temperature", "u": "%RH", "v": 21}, "wrong_unit"),
        ({"n": "motion", "u": "V", "v": 1}, "wrong_unit"),
        ({"n": "mood", "v": 1}, "unknown_quantity"),
        ({"n": "press", "v": 1}, "unknown_quantity"),
        ({"n": "urn:dev:ow:10e2073a01080063/temperature", "v": 1}, "not_understood"),
        ({"n": "a/b/temperature", "v": 1}, "not_understood"),
        ({"n": "x" * 200, "v": 1}, "unknown_quantity"),
        ({"n": "temperature", "v": 900}, "out_of_range"),
        ({"n": "temperature", "vs": "warm"}, "not_understood"),
        ({"n": "temperature", "vb": True}, "not_understood"),
        ({"n": "temperature"}, "not_understood"),
        ({"n": "temperature", "v": 21, "t": 1e300}, "not_understood"),
    ],
)
def test_a_bad_record_costs_itself(hear: Any, record: dict[str, Any], reason: str) -> None:
    heard = hear(TOPIC, [{"n": "door", "v": 1}, record, {"bn": "mo-7/", "n": "motion", "v": 1, "u": ""}])
    assert (heard.by_device, heard.faults) == ({("hub-1", "door"): 1, ("mo-7", "motion"): 1}, [reason])


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"[]",
        b"[1]",
        b'{"n":"motion","v":1}',
        b'[{"n":"motion","v":"1"}]',
        b'[{"n":"motion","v":NaN}]',
        b'[{"bn":"x/"}]',
        b'[{"bver":11,"n":"motion","v":1}]',
        b'[{"n":"motion","v":1,"beam_":3}]',
        b"[" * 30_000,
    ],
)
def test_a_pack_that_cannot_be_read_goes_whole(hear: Any, payload: bytes) -> None:
    """RFC 8428, 4.4: also one of a later version, or with a field that must be understood and is not."""
    heard = hear(TOPIC, payload)
    assert (heard.values, heard.faults) == ({}, ["not_understood"])


def test_what_we_do_not_know_is_passed_over(hear: Any) -> None:
    assert hear(TOPIC, [{"n": "motion", "v": 1, "bs": 3, "s": 7, "ut": 60, "foo": [1, {"a_b": 2}]}]).values == {"motion": 1}


def test_a_low_battery_of_another_device_is_its_signal(hear: Any) -> None:
    assert hear(TOPIC, [{"n": "th-1/battery", "v": 9}]).signals == [("th-1", "battery_low")]


def test_no_report_is_lost_in_the_store(world: Any) -> None:
    world.home()
    pack = [
        {"bn": "WX-001-motion/", "bt": world.now.timestamp(), "n": "motion", "v": 1},
        {"bn": "WX-001-door/", "n": "door", "v": 0},
        {"bn": "new-1/", "n": "temperature", "v": 21},
    ]
    for _ in range(2):
        world.say(TOPIC, json.dumps(pack).encode())
    codes = world.rows("SELECT v.code FROM reading r JOIN device v ON v.id = r.device_id ORDER BY v.code")
    assert [row["code"] for row in codes] == ["WX-001-door", "WX-001-motion", "new-1"]
