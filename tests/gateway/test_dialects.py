"""What a frame says: good ones, broken ones, and any bytes at all. A decoder never raises, and no press is lost for its spelling."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from cloudfamily_gateway import dialects, wire
from cloudfamily_platform.core import quantity

T = "2026-11-23T08:00:00Z"
AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
READING, SIGNAL = "cf/v1/dev-1/reading", "cf/v1/dev-1/signal"
NESTED = b"[" * 30_000 + b"]" * 30_000


def reading(**values: Any) -> bytes:
    return json.dumps({"t": T, "values": values}).encode()


def of(payload: bytes, topic: str = READING) -> wire.Decoded:
    return dialects.decode(wire.Frame(topic, payload, AT))


def reasons(decoded: wire.Decoded) -> list[str]:
    return [fault.reason for fault in decoded.faults]


def test_a_reading_gives_one_row_for_each_value() -> None:
    decoded = of(b'{"t":"2026-11-23T16:00:00.000+08:00","seq":17,"values":{"motion":1,"temperature":21.4,"battery":93}}')
    numbers = {quantity.BY_NUMBER[one.quantity].name: one.value for one in decoded.readings}
    assert numbers == {"motion": 1, "temperature": 21.4, "battery": 93}
    assert {(one.device, one.time) for one in decoded.readings} == {("dev-1", AT)}
    assert (decoded.device, decoded.signals, decoded.faults) == ("dev-1", (), ())


def test_what_we_do_not_know_in_a_message_is_passed_over() -> None:
    assert len(of(b'{"t":"%s","firmware":{"version":[1,2]},"values":{"door":0}}' % T.encode()).readings) == 1


@pytest.mark.parametrize("name", [one.name for one in quantity.ALL if one.name != "press"])
def test_a_value_past_its_range_is_a_fault_and_the_others_are_kept(name: str) -> None:
    known = quantity.BY_NAME[name]
    other = "motion" if name != "motion" else "door"
    for value, taken in ((known.lowest, True), (known.highest, True), (known.lowest - 0.1, False), (known.highest + 0.1, False)):
        decoded = of(reading(**{name: value, other: 1}))
        assert quantity.BY_NAME[other].number in [one.quantity for one in decoded.readings]
        assert len(decoded.readings) == 1 + taken
        assert reasons(decoded) == ([] if taken else ["out_of_range"])


def test_an_unknown_quantity_is_a_fault_and_the_others_are_kept() -> None:
    decoded = of(reading(mood=7, door=1))
    assert [(one.quantity, one.value) for one in decoded.readings] == [(quantity.DOOR, 1)]
    assert reasons(decoded) == ["unknown_quantity"]
    assert "mood" in decoded.faults[0].detail


def test_a_press_said_as_a_reading_is_a_fault_for_it_would_alert_nobody() -> None:
    decoded = of(reading(press=1))
    assert (decoded.readings, reasons(decoded)) == ((), ["unknown_quantity"])


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"motion=1", id="no JSON"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'"reading"', id="a string"),
        pytest.param(b'{"t":"%s"}' % T.encode(), id="no values"),
        pytest.param(b'{"t":"%s","values":{}}' % T.encode(), id="no value among the values"),
        pytest.param(b'{"values":{"motion":1}}', id="missing t"),
        pytest.param(b'{"t":null,"values":{"motion":1}}', id="t is null"),
        pytest.param(b'{"t":1763884800,"values":{"motion":1}}', id="t is a number"),
        pytest.param(b'{"t":"2026-11-23T08:00:00","values":{"motion":1}}', id="t without an offset"),
        pytest.param(b'{"t":"2026-02-30T08:00:00Z","values":{"motion":1}}', id="a day that is none"),
        pytest.param(b'{"t":"yesterday","values":{"motion":1}}', id="t in words"),
        pytest.param(reading(motion=True), id="true"),
        pytest.param(reading(motion="1"), id="a number in a string"),
        pytest.param(reading(motion=None), id="null value"),
        pytest.param(reading(motion=[1]), id="a list of numbers"),
        pytest.param(b'{"t":"%s","values":{"motion":NaN}}' % T.encode(), id="NaN"),
        pytest.param(b'{"t":"%s","values":{"motion":Infinity}}' % T.encode(), id="Infinity"),
        pytest.param(b'{"t":"%s","values":{"motion":1e999}}' % T.encode(), id="1e999"),
        pytest.param(b'{"t":"%s","values":{"motion":1},"seq":-1}' % T.encode(), id="negative seq"),
        pytest.param(b'{"t":"%s","values":{"motion":1},"seq":1e20}' % T.encode(), id="seq with a fraction"),
        pytest.param(b'{"t":"%s","values":{"a\xff":1}}' % T.encode(), id="not UTF-8"),
        pytest.param("{}".encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"t":"%s","values":{"\\ud800":1}}' % T.encode(), id="half a surrogate"),
        pytest.param(NESTED, id="deep"),
        pytest.param(b'{"t":"%s","values":{"motion":1},"x":%s}' % (T.encode(), NESTED), id="deep beside a good value"),
    ],
)
def test_a_reading_that_cannot_be_read_is_one_fault_with_a_sentence(payload: bytes) -> None:
    decoded = of(payload)
    assert (decoded.device, decoded.readings, decoded.signals) == ("dev-1", (), ())
    assert reasons(decoded) == ["not_understood"]
    assert 0 < len(decoded.faults[0].detail) <= 300


def test_a_signal_says_what_happened_and_the_same_words_are_the_same_signal() -> None:
    said = b'{"t":"%s","seq":5,"kind":"sos"}' % T.encode()
    (signal,), again = of(said, SIGNAL).signals, of(said, SIGNAL).signals
    assert (signal.device, signal.kind, signal.at, signal.seq) == ("dev-1", "sos", AT, 5)
    assert again == (signal,)
    others = [b'{"t":"%s","seq":6,"kind":"sos"}' % T.encode(), b'{"t":"2026-11-23T08:00:01Z","seq":5,"kind":"sos"}', b'{"seq":5,"kind":"sos"}']
    assert len({of(payload, SIGNAL).signals[0].once for payload in (said, *others)}) == 4


def test_a_signal_needs_no_clock_and_no_number() -> None:
    decoded = of(b'{"kind":"fall"}', SIGNAL)
    assert [(one.kind, one.at, one.seq) for one in decoded.signals] == [("fall", None, None)]
    assert decoded.faults == ()


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"SOS", id="no JSON"),
        pytest.param(b"\xff\xfe\x00", id="not UTF-8"),
        pytest.param(b"{}", id="no kind"),
        pytest.param(b'{"kind":null}', id="kind is null"),
        pytest.param(b'{"kind":"S O S!"}', id="kind in another alphabet"),
        pytest.param(b'{"kind":"sos\\n"}', id="kind with a line end"),
        pytest.param(b'{"kind":"sos","t":"2026-11-23T08:00:00"}', id="t without an offset"),
        pytest.param(b'{"kind":"sos","seq":"5"}', id="seq in a string"),
        pytest.param(b'{"kind":"sos","seq":-1}', id="negative seq"),
        pytest.param(b'{"kind":"sos","seq":99999999999999999999}', id="seq past 64 bits"),
        pytest.param(b'{"kind":"sos","seq":%s}' % (b"9" * 5000), id="seq of 5000 digits"),
        pytest.param(b'{"kind":"device_silent"}', id="what only the platform can notice"),
        pytest.param(b'{"kind":"battery_low"}', id="what only a battery reading can say"),
        pytest.param(NESTED, id="deep"),
        pytest.param(b'{"kind":"sos","x":%s}' % NESTED, id="deep beside a good kind"),
    ],
)
def test_a_signal_that_cannot_be_read_is_still_a_signal(payload: bytes) -> None:
    decoded = of(payload, SIGNAL)
    assert [(one.device, one.kind) for one in decoded.signals] == [("dev-1", "unreadable")]
    assert reasons(decoded) == ["not_understood"]
    assert of(payload, SIGNAL).signals == decoded.signals


def test_a_frame_past_64_kilobytes_is_not_read_and_a_signal_it_may_have_been_is_kept() -> None:
    fits = reading(motion=1).ljust(wire.LARGEST)
    assert len(of(fits).readings) == 1
    assert (of(fits + b" ").readings, reasons(of(fits + b" "))) == ((), ["too_large"])
    assert reasons(of(bytes(1_000_000))) == ["too_large"]
    assert [one.kind for one in of(bytes(1_000_000), SIGNAL).signals] == ["unreadable"]


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "/",
        "cf",
        "cf/v1",
        "cf/v1/dev-1",
        "cf/v2/dev-1/reading",
        "cf/v1/dev-1/answer",
        "cf/v1/dev-1/readings",
        "cf/v1/dev-1/reading/",
        "cf/v1/dev-1/reading\n",
        "/cf/v1/dev-1/reading",
        "CF/v1/dev-1/reading",
        "cf/v1//reading",
        "cf/v1/dev 1/reading",
        "cf/v1/dev-1\n/reading",
        "cf/v1/dev:1/signal",
        "cf/v1/设备/reading",
        f"cf/v1/{'d' * 65}/reading",
        "homes/7/temperature",
    ],
)
def test_a_wrong_topic_or_device_code_is_a_fault_that_names_it(topic: str) -> None:
    decoded = of(reading(motion=1), topic)
    assert (decoded.device, decoded.readings, decoded.signals) == (None, (), ())
    assert reasons(decoded) == ["wrong_topic"]
    assert repr(topic) in decoded.faults[0].detail


@pytest.mark.parametrize("device", ["d", "d" * 64, "A.z_9-0", "-"])
def test_device_codes(device: str) -> None:
    assert of(reading(motion=1), f"cf/v1/{device}/reading").device == device


@pytest.mark.parametrize(("percent", "signals"), [(100, 0), (16, 0), (15.1, 0), (15, 1), (0, 1)])
def test_a_low_battery_is_a_reading_and_a_signal_of_that_day(percent: float, signals: int) -> None:
    decoded = of(reading(battery=percent))
    assert [one.value for one in decoded.readings] == [percent]
    assert [(one.kind, one.once) for one in decoded.signals] == [("battery_low", "2026-11-23")] * signals


def test_a_decoder_that_throws_costs_its_own_frame(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def broken(frame: wire.Frame) -> wire.Decoded:
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setitem(dialects.BY_TOPIC, "newcomer", broken)
    assert reasons(of(b"{}", "newcomer/1")) == ["decoder_failed"]
    assert len(of(reading(motion=1)).readings) == 1


json_values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=8) | some.sampled_from([T, "sos"]),
    lambda inner: (
        some.lists(inner, max_size=3) | some.dictionaries(some.sampled_from(["t", "seq", "kind", "values", "motion", "battery", "x"]), inner, max_size=5)
    ),
    max_leaves=12,
)
topics = (
    some.text(max_size=40)
    | some.sampled_from([READING, SIGNAL])
    | some.builds("cf/v1/{}/{}".format, some.text(max_size=5), some.sampled_from(["reading", "signal"]))
)
payloads = some.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode())


@settings(max_examples=300, deadline=None)
@given(topic=topics, payload=payloads)
@example(topic=SIGNAL, payload=NESTED)
@example(topic="cf/v1/\0/signal", payload=b"")
def test_any_bytes_on_any_topic_are_readings_signals_or_faults(topic: str, payload: bytes) -> None:
    decoded = of(payload, topic)
    assert any(decoded[1:]), "a frame vanished"
    assert "decoder_failed" not in reasons(decoded)
    if decoded.device is None:
        assert reasons(decoded) == ["wrong_topic"]
    elif topic.endswith("/signal"):
        assert len(decoded.signals) == 1, "a press was lost"
    for one in decoded.readings:
        known = quantity.BY_NUMBER[one.quantity]
        assert known.lowest <= one.value <= known.highest
        assert one.time.tzinfo is not None
