"""The spool: bounded, in order, alarms never dropped, and no disk that breaks it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudfamily_gateway import dialects, wire
from cloudfamily_gateway.edge import spool as spools
from cloudfamily_gateway.edge.forward import instant
from cloudfamily_gateway.edge.spool import Message, Spool
from cloudfamily_gateway.edge.weigh import weigh

MS = 1_795_000_000_000


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(tmp_path, 1000, 10**6, "boot 1")
    yield made
    made.close()


def message(number: int, topic: str = "cf/v1/th/reading", payload: bytes = b"", retained: bool = False, standing: Any = frozenset()) -> Message:
    said = payload or b'{"t":"2026-11-23T08:00:00Z","values":{"temperature":%d}}' % number
    return Message(topic, said, retained, MS + number, weigh(wire.Frame(topic, said, instant(MS + number), "hub", retained), standing))


def press(number: int, device: str = "btn") -> Message:
    return message(number, f"cf/v1/{device}/signal", b'{"kind":"sos","seq":%d,"t":"2026-11-23T08:00:00Z"}' % number)


def topics(spool: Spool, *, alarms: bool) -> list[int]:
    return [kept.taken_ms - MS for kept in spool.next(0, 10_000, alarms=alarms)]


def test_what_is_stored_is_there_after_the_power_is_back(tmp_path: Path, spool: Spool) -> None:
    spool.store([message(1), press(2), message(3)])
    with sqlite3.connect(tmp_path / "spool.db") as other:  # what another process sees is what a kill leaves
        assert other.execute("SELECT count(*) FROM message").fetchone() == (3,)
    other.close()
    assert spool.db.execute("PRAGMA synchronous").fetchone() == (2,), "FULL: each commit is on the disk"
    again = Spool(tmp_path, 1000, 10**6, "boot 2")
    assert (topics(again, alarms=False), topics(again, alarms=True), again.lost().rows, again.newest_alarm) == ([1, 3], [2], 2, 2)
    again.close()


def test_when_it_is_full_the_oldest_routine_goes_and_no_alarm(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 100, 10**9, "")
    for number in range(0, 1000, 10):
        spool.store([press(number), *(message(number + one) for one in range(1, 10))])
    assert len(topics(spool, alarms=True)) == 100
    left = topics(spool, alarms=False)
    assert left == [number for number in range(1000) if number % 10][-100:]
    lost = spool.lost()
    assert (lost.rows, lost.lost, lost.lost_from_ms, lost.lost_until_ms) == (100, 800, MS + 1, MS + 888)
    spool.store([message(2000)])
    spool.reported(lost)
    assert (spool.lost().lost, len(topics(spool, alarms=False))) == (1, 100), "what was lost since is told next time"
    spool.close()


def test_bytes_are_bounded_as_well(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10_000, 100_000, "")
    spool.store([press(0)])
    for number in range(1, 300):
        spool.store([message(number, payload=b"%01000d" % number)])
    assert spool.lost().bytes <= 100_000
    assert topics(spool, alarms=False)[-1] == 299
    assert topics(spool, alarms=True) == [0]
    spool.done([kept.id for kept in spool.next(0, 1000, alarms=False)])
    assert (spool.lost().rows, spool.lost().bytes) == (0, 0)
    spool.close()


def test_a_disk_that_others_have_filled_does_not_grow(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    spool.store([message(number) for number in range(100)])
    before = spool.lost().bytes
    monkeypatch.setattr(spools, "RESERVE_BYTES", 2**62)
    spool.store([message(number) for number in range(100, 150)])
    spool.store([press(200)])
    assert spool.lost().bytes <= before
    assert (topics(spool, alarms=False)[-1], topics(spool, alarms=True)) == (149, [200])


def test_a_disk_that_takes_nothing_costs_routine_and_no_alarm(spool: Spool) -> None:
    spool.store([message(1), press(2)])
    pages = spool.db.execute("PRAGMA page_count").fetchone()[0]
    spool.db.execute(f"PRAGMA max_page_count = {pages}")  # SQLITE_FULL, as of a full disk
    big = [message(number, payload=b"%020000d" % number) for number in (3, 4)]
    assert spool.store([*big, press(5)]) == [None, None, -1]
    assert spool.store([press(5), message(6, payload=b"%020000d" % 6), press(7)]) == [-1, None, -2], "the same press is the same"
    assert topics(spool, alarms=True) == [2, 5, 7], "they are forwarded from memory"
    spool.done([-1])
    assert topics(spool, alarms=True) == [2, 7]

    spool.db.execute("PRAGMA max_page_count = 1000000")
    spool.store([message(8)])
    assert [(kept.taken_ms - MS, kept.id > 0) for kept in spool.next(0, 10, alarms=True)] == [(2, True), (7, True)]
    assert (topics(spool, alarms=False), spool.lost().lost) == ([1, 8], 3)


def test_a_broken_file_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "spool.db").write_bytes(b"what a dying card has written" * 1000)
    spool = Spool(tmp_path, 100, 10**6, "")
    spool.store([press(1)])
    assert topics(spool, alarms=True) == [1]
    assert (tmp_path / "spool.broken").read_bytes().startswith(b"what a dying card")
    spool.close()


def test_a_file_that_breaks_while_it_is_used_is_set_aside_and_the_alarm_is_kept(tmp_path: Path, spool: Spool) -> None:
    spool.store([message(number, payload=b"%02000d" % number) for number in range(200)])
    spool.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    spool.db.execute("PRAGMA cache_size = 1")
    with (tmp_path / "spool.db").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 300_000)
    spool.store([press(1)])
    assert topics(spool, alarms=True) == [1]
    spool.store([press(2)])
    assert topics(spool, alarms=True) == [1, 2]
    assert all(kept.id > 0 for kept in spool.next(0, 10, alarms=True)), "in a file of its own again"


def test_without_a_disk_it_works_from_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    spool = Spool(tmp_path / "file", 10**6, 10**9, "")
    spool.store([message(1), press(2)])
    assert (topics(spool, alarms=False), topics(spool, alarms=True)) == ([1], [2])
    assert spool.most_bytes == spools.MEMORY_BYTES
    spool.close()


def test_of_how_things_stand_only_the_newest_is_kept(spool: Spool) -> None:
    """Last wills, announcements, and what the local broker had kept: not readings, nor what happens."""
    for number in range(5):
        spool.store([message(number, "cf/v1/th/status", b"online" if number % 2 else b"offline"), message(number), message(number, "cf/v1/th/info", b"{}")])
        spool.store([message(number, "plant/7/moisture", b"%d" % number, retained=True), message(number, "plant/7/moisture", b"%d" % number)])
    kept = [(one.topic, one.payload) for one in spool.next(0, 100, alarms=False)]
    assert kept.count(("cf/v1/th/status", b"offline")) == 1
    assert len([one for one in kept if one[0] == "cf/v1/th/status"]) == len([one for one in kept if one[0] == "cf/v1/th/info"]) == 1
    assert [payload for topic, payload in kept if topic == "plant/7/moisture"] == [b"0", b"1", b"2", b"3", b"4", b"4"]
    assert len([one for one in kept if one[0] == "cf/v1/th/reading"]) == 5
    assert spool.lost().rows == len(kept)


def test_when_the_clock_is_set_what_was_taken_by_the_wrong_one_is_set_with_it(tmp_path: Path, spool: Spool) -> None:
    spool.store([message(1)])
    spool.boot = "boot 2"
    spool.store([message(2), press(3)])
    spool.shift(60_000)
    assert (topics(spool, alarms=False), topics(spool, alarms=True)) == ([1, 60_002], [60_003])


# What a message is


def standing(frame: wire.Frame) -> wire.Decoded:
    """A family whose messages carry the whole remembered state."""
    device, smoke = frame.topic.split("/")[1], b"smoke" in frame.payload
    signals = (wire.Signal(device=device, kind="sos", once=""),) if b"action" in frame.payload else ()
    return wire.Decoded(device, signals=signals, levels=(wire.Level(device, "smoke", smoke),))


def test_an_alarm_that_stands_is_said_once_and_its_end_goes_with_the_alarms(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(dialects.BY_TOPIC, "homely", standing)
    known: set[tuple[str, str]] = set()
    weights = []
    for number, payload in enumerate([b"-", b"smoke", b"smoke", b"-", b"-", b"smoke"]):
        one = message(number, "homely/d1", payload, standing=known)
        for level in one.weight.changes:
            (known.add if level.active else known.discard)((level.device, level.kind))
        weights.append((one.weight.alarm, one.weight.kinds))
        spool.store([one])
    quiet, rise, fall = (False, ()), (True, ("smoke",)), (True, ())
    assert weights == [quiet, rise, quiet, fall, quiet, rise]
    assert spool.standing() == known == {("d1", "smoke")}
    presses = [message(number, "homely/d2", b"action") for number in (10, 11)]
    assert [one.weight.kinds for one in presses] == [("sos",), ("sos",)]
    assert len(set(spool.store(presses))) == 2, "each is somebody's finger"


@pytest.mark.parametrize(
    ("topic", "payload", "alarm", "kinds", "presses", "repeats"),
    [
        ("cf/v1/btn/signal", b'{"kind":"sos","seq":4}', True, ("sos",), (("btn", 4),), True),
        ("cf/v1/btn/signal", b'{"kind":"sos"}', True, ("sos",), (("btn", None),), False),
        ("cf/v1/btn/signal", b"help!", True, ("unreadable",), (("btn", None),), True),
        ("cf/v1/btn/signal", bytes(70_000), True, ("unreadable",), (("btn", None),), True),
        ("cf/v1/the button/signal", b'{"kind":"sos","seq":4}', True, ("unreadable",), (), True),
        ("cf/v1/th/reading", b'{"t":"2026-11-23T08:00:00Z","values":{"battery":5}}', False, (), (), False),
        ("cf/v1/th/reading", b"?", False, (), (), False),
        ("somebody/else", b"21", False, (), (), False),
    ],
)
def test_what_a_message_is(topic: str, payload: bytes, alarm: bool, kinds: Any, presses: Any, repeats: bool) -> None:
    weight = weigh(wire.Frame(topic, payload, instant(MS), "hub"), frozenset())
    assert (weight.alarm, weight.kinds, weight.presses, weight.repeats, weight.state) == (alarm, kinds, presses, repeats, False)
