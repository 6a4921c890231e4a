"""Over the real broker into the real database: stored, then acknowledged, then answered, whatever breaks in between."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from cloudfamily.embedded.broker import EmbeddedBroker
from cloudfamily_gateway import lane as lanes
from cloudfamily_gateway import line, wire
from cloudfamily_gateway.ingest import Store
from cloudfamily_gateway.lane import Lane
from cloudfamily_gateway.line import Line
from cloudfamily_gateway.readahead import Message, ReadAhead, length
from cloudfamily_platform.core.settings import Settings

Until = Callable[..., None]


class Killed(Lane):
    """A lane whose process is killed between the commit of its first batch and the acknowledgement."""

    def store_some(self, store: Store | None) -> Store | None:
        if only_kept(self):
            return super().store_some(store)
        with psycopg.connect(self.database_url, autocommit=True) as conn:
            Store(conn).store([one.frame for one in self.line.taken if one.frame])
        self.line.client.socket().there.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
        self.stop.set()
        return store


def only_kept(lane: Lane) -> bool:
    """Nothing has come yet but what the broker has kept from earlier tests."""
    return all(one.frame is None or one.frame.retained for one in list(lane.line.taken))


# A press


def test_a_press_is_stored_acknowledged_and_answered(gateway: Any, town: Any, until: Until) -> None:
    home = town.home("btn-1")
    press, bulk = gateway.lane("press"), gateway.lane("bulk")
    button = gateway.device("btn-1")

    said = button.press()
    until(lambda: button.answers, "the answer")
    assert button.answers == [{"seq": said["seq"], "answer": "received"}]
    assert town.rows("SELECT device_code, home_id, kind, seq, at = received_at FROM signal") == [("btn-1", home, "sos", 1, False)]

    # It did not hear us and says the same again: it is answered again, and stored once.
    button.say("cf/v1/btn-1/signal", said)
    until(lambda: len(button.answers) == 2, "the second answer")
    # What cannot be read is answered as well; there is no number to say.
    button.say("cf/v1/btn-1/signal", b"HELP")
    until(lambda: len(button.answers) == 3, "the third answer")
    assert button.answers[2] == {"seq": None, "answer": "received"}
    assert town.signals() == [("btn-1", "sos", 1), ("btn-1", "unreadable", None)]

    gateway.stop(press, bulk)
    assert (gateway.waiting("press"), gateway.waiting("bulk")) == ([], [])


def test_a_press_is_not_acknowledged_before_it_is_stored(gateway: Any, town: Any, until: Until) -> None:
    town.home("btn-1")
    button = gateway.device("btn-1")
    press = gateway.lane("press")
    town.away()
    said = button.press()
    until(lambda: press.line.taken and not press.ready, "the lane sees that the database is away")
    gateway.stop(press)
    assert gateway.waiting("press") == [wire.encode(said)]
    assert button.answers == []

    town.back()
    press = gateway.lane("press")
    until(lambda: button.answers, "the answer")
    assert town.signals() == [("btn-1", "sos", 1)]
    gateway.stop(press)
    assert gateway.waiting("press") == []


# Everything else


def test_readings_are_stored_and_what_nobody_understands_is_kept(gateway: Any, town: Any, until: Until) -> None:
    town.home("th-1")
    bulk, sensor = gateway.lane("bulk"), gateway.device("th-1")
    sensor.measure(200, temperature=21.5, humidity=40)
    sensor.say("homes/7/temperature", b"21.5")
    sensor.say("cf/v2/th-1/reading", b"{}")
    sensor.say("cf/v1/th-1/reading", b"21.5")
    sensor.say("cf/v1/th-1/reading", bytes(1_000_000))
    sensor.say("cf/v1/th-1/signal", b"not of this lane")
    sensor.say("cf/v1/btn-9/answer", b"not of this lane")
    until(lambda: len(town.rows("SELECT FROM quarantine")) == 4, "four frames in quarantine")
    assert town.readings("th-1") == 400
    kept = town.rows("SELECT topic, device_code, reason, size FROM quarantine ORDER BY reason, topic")
    assert kept == [
        ("cf/v1/th-1/reading", "th-1", "not_understood", 4),
        ("cf/v1/th-1/reading", "th-1", "too_large", wire.LARGEST + 1),
        ("cf/v2/th-1/reading", None, "wrong_topic", 2),
        ("homes/7/temperature", None, "wrong_topic", 4),
    ]
    gateway.stop(bulk)
    assert gateway.waiting("bulk") == []


# Things break


def test_the_database_goes_away_and_everything_said_meanwhile_is_stored_once(gateway: Any, town: Any, until: Until) -> None:
    town.home("th-1", "btn-1")
    press, bulk = gateway.lane("press"), gateway.lane("bulk")
    sensor, button = gateway.device("th-1"), gateway.device("btn-1")
    sensor.measure(50)
    until(lambda: town.readings("th-1") == 50, "the first readings")

    town.away()
    sensor.measure(500, humidity=40)
    button.press()
    sensor.measure(1000, humidity=40)
    until(lambda: not press.ready and not bulk.ready, "both lanes see it")
    until(lambda: len(bulk.line.taken) >= 100, "some of it is taken")
    assert len(bulk.line.taken) <= line.RECEIVE_MAXIMUM
    assert button.answers == []

    town.back()
    until(lambda: press.ready and bulk.ready, "both lanes work again")
    until(lambda: button.answers, "the answer")
    humidity = "SELECT count(*) FROM reading WHERE quantity = 11"
    until(lambda: town.rows(humidity)[0][0] == 1500, "every reading")
    assert town.signals() == [("btn-1", "sos", 1)]
    assert (press.line.connection, bulk.line.connection) == (1, 1), "acknowledged out of order, a broker may hang up"
    gateway.stop(press, bulk)
    assert (gateway.waiting("press"), gateway.waiting("bulk")) == ([], [])


@pytest.mark.parametrize("name", ["press", "bulk"])
def test_a_lane_killed_before_its_acknowledgement_is_followed_by_one_that_stores_nothing_twice(gateway: Any, town: Any, until: Until, name: str) -> None:
    town.home("th-1", "btn-1")
    sensor, button = gateway.device("th-1"), gateway.device("btn-1")
    gateway.lane(name, Killed)
    if name == "press":
        button.press()
    else:
        sensor.measure(100)
    thread = gateway.running[0][1]
    until(lambda: not thread.is_alive(), "the lane is dead")
    assert button.answers == []
    before = (len(town.signals()), town.readings("th-1"))
    assert before > (0, 0)

    followed = gateway.lane(name)
    if name == "press":
        until(lambda: button.answers, "the answer")
        assert town.signals() == [("btn-1", "sos", 1)]
    else:
        sensor.measure(1)  # the one before may have stored all hundred: this one comes behind them
        until(lambda: town.readings("th-1") == 101, "all readings")
    gateway.stop(followed)
    assert gateway.waiting(name) == []


def test_the_connection_is_cut_between_commit_and_acknowledgement(gateway: Any, town: Any, until: Until) -> None:
    cable, seen = gateway.cable(), list[int]()

    class Cut(Lane):
        def store_some(self, store: Store | None) -> Store | None:
            if only_kept(self):
                return super().store_some(store)
            if not seen:
                cable.cut()
            seen.append(len(self.line.taken))
            return super().store_some(store)

    town.home("th-1")
    sensor = gateway.device("th-1")
    bulk = gateway.lane("bulk", Cut, cable.address)
    sensor.measure(100)
    until(lambda: seen and not bulk.ready, "the lane sees it")
    sensor.measure(100, humidity=40)
    cable.plugged = True
    until(lambda: town.readings("th-1") == 200, "what was said before, while and after")
    assert sum(seen) > 200, "the broker has given some of it twice"
    until(lambda: bulk.ready)
    gateway.stop(bulk)
    assert gateway.waiting("bulk") == []


def test_a_lane_waits_for_its_broker_however_long_it_is_away(gateway: Any, town: Any, until: Until, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    waiting = Line("press", (wire.SIGNALS,), Settings(), ("127.0.0.1", port))
    assert not waiting.move()

    town.home("btn-1")
    gateway.broker = ("127.0.0.1", port)
    press = gateway.lane("press", wait=False)
    assert not press.ready
    broker = EmbeddedBroker(tmp_path, port)
    broker.start()
    try:
        until(lambda: press.ready, "the broker is there")
        button = gateway.device("btn-1")
        button.press()
        until(lambda: button.answers, "the answer")
        gateway.close()
    finally:
        broker.stop()
    gateway.running.clear()
    gateway.closers.clear()


def test_what_a_lane_holds_is_bounded(town: Any) -> None:
    """By Receive Maximum, which the broker keeps to; QoS 0 has no such thing, and no promise that it is kept."""
    bulk = Line("bulk", ("#",), Settings(), ("127.0.0.1", 1))
    said = Message(b"cf/v1/th-1/reading", bytes(1_000_000), 0, False, 0, b"")
    bulk.take([said] * (line.RECEIVE_MAXIMUM + 10))
    assert (len(bulk.taken), bulk.dropped) == (line.RECEIVE_MAXIMUM, 10)
    bulk.take([said._replace(qos=1, mid=1)])
    assert (len(bulk.taken), bulk.dropped) == (line.RECEIVE_MAXIMUM + 1, 10)
    assert sum(len(one.frame.payload) for one in bulk.taken if one.frame) < 66_000_000


def test_a_lane_that_may_not_subscribe_is_not_ready(town: Any) -> None:
    press = Line("press", (wire.SIGNALS,), Settings(), ("127.0.0.1", 1))
    lane = Lane(press, 1, town.url)
    press.on_subscribe(press.client, None, 1, [ReasonCode(PacketTypes.SUBACK, "Granted QoS 1")], None)
    assert lane.ready
    press.on_subscribe(press.client, None, 2, [ReasonCode(PacketTypes.SUBACK, "Not authorized")], None)
    assert not lane.ready


def test_a_lane_whose_database_is_too_slow_says_so(town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers, but what has come in waits longer and longer: /readyz says that this gateway does not keep up."""
    bulk = Line("bulk", ("#",), Settings(), ("127.0.0.1", 1))
    bulk.subscribed = True
    lane = Lane(bulk, 1000, town.url)
    bulk.take([Message(b"cf/v1/th-1/reading", b"{}", 1, False, 1, b"")])
    assert lane.ready
    monkeypatch.setattr(lanes, "SLOW_SECONDS", 0.0)
    assert not lane.ready


# What comes over the wire


@settings(max_examples=200, deadline=None)
@given(
    said=some.lists(
        some.tuples(
            some.text(some.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9),
            some.binary(max_size=400),
            some.integers(0, 1),
            some.booleans(),
        ),
        max_size=9,
    ),
    cuts=some.lists(some.integers(1, 200), max_size=30),
)
def test_packets_come_out_as_they_went_in_however_the_network_cuts_them(said: list[tuple[str, bytes, int, bool]], cuts: list[int]) -> None:
    """Written by paho's own encoding, read by ours, with a packet of another kind after each."""
    stream = b"".join(packet(*one) + b"\xd0\x00" for one in said)
    near, far = socket.socketpair()
    near.setblocking(False)
    there, messages, others = ReadAhead(near), list[Message](), 0
    with near, far:
        while stream:
            size = cuts.pop() if cuts else len(stream)
            far.sendall(stream[:size])
            stream = stream[size:]
            there.fill()
            there.take(messages)
            while there.others:
                others += there.recv(1) == b"\xd0" and there.recv(9) == b"\x00"
                with pytest.raises(BlockingIOError):
                    there.recv(1)
                there.take(messages)
    assert [(one.topic.decode(), one.payload, one.qos, one.retain, one.user_properties()) for one in messages] == [
        (topic, payload, qos, retain, [("at", topic)]) for topic, payload, qos, retain in said
    ]
    assert others == len(said)


def packet(topic: str, payload: bytes, qos: int, retain: bool) -> bytes:
    found = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    found.UserProperty = ("at", topic)
    name = topic.encode()
    body = len(name).to_bytes(2, "big") + name + (b"\x00\x07" if qos else b"") + found.pack() + payload  # type: ignore[no-untyped-call]
    return bytes([0x30 | qos << 1 | retain]) + length(len(body)) + body


@pytest.mark.parametrize("bad", [b"\x36\x02\x00\x00", b"\x30\xff\xff\xff\xff\x01", b"\x30\x04\x00\x00\x7fx"])
def test_what_is_no_mqtt_ends_the_connection(bad: bytes) -> None:
    near, far = socket.socketpair()
    with near, far:
        far.sendall(bad + bytes(8))
        there = ReadAhead(near)
        there.fill()
        with pytest.raises(ConnectionError):
            there.take([])
