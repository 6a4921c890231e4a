"""The spool: what the city does not have yet, on disk (SQLite, WAL). Bounded; the oldest routine goes first, alarms never.

Every commit is synced to the disk (`synchronous=FULL`): once `store` has returned, a power loss costs nothing. What it costs
is one sync a batch, so the caller lets routine gather for a second and stores an alarm at once.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import structlog

from cloudfamily_gateway.edge import disk
from cloudfamily_gateway.edge.weigh import Standing, Weight

log = structlog.get_logger()
#: A row's own cost beside its topic and payload, roughly.
ROW_BYTES = 100
#: Routine leaves this much of the disk free, so that an alarm finds room.
RESERVE_BYTES = 32 * 2**20
#: Alarms held in memory while the disk takes nothing.
MOST_HELD = 10_000
#: Without a disk that can be opened at all.
MEMORY_ROWS, MEMORY_BYTES = 20_000, 10 * 2**20
COMPLAIN_SECONDS = 60.0


class Message(NamedTuple):
    """What is to be kept."""

    topic: str
    payload: bytes
    retained: bool
    #: When the edge took it: milliseconds since 1970.
    taken_ms: int
    weight: Weight


class Kept(NamedTuple):
    """A message that waits. Below zero: an alarm held in memory."""

    id: int
    topic: str
    payload: bytes
    retained: bool
    taken_ms: int


@dataclass
class Tally:
    rows: int
    bytes: int
    #: Routine dropped since the last report, and when the first and the last of it was taken.
    lost: int
    lost_from_ms: int | None
    lost_until_ms: int | None

    def lose(self, count: int, first_ms: int, last_ms: int) -> None:
        self.lost += count
        self.lost_from_ms = first_ms if self.lost_from_ms is None else min(self.lost_from_ms, first_ms)
        self.lost_until_ms = last_ms if self.lost_until_ms is None else max(self.lost_until_ms, last_ms)


class Spool:
    """For all threads of one process, one at a time. `most_rows` and `most_bytes` bound routine."""

    def __init__(self, folder: Path, most_rows: int, most_bytes: int, boot: str = "") -> None:
        self.folder, self.most_rows, self.most_bytes, self.boot = folder, most_rows, most_bytes, boot
        self.lock = threading.Lock()
        #: Alarms that the disk would not take, newest last; and the routine lost meanwhile.
        self.held: dict[int, Message] = {}
        self.held_id = 0
        self.unwritten = Tally(0, 0, 0, None, None)
        self.complained_at = -COMPLAIN_SECONDS
        self.db = self.open()

    def open(self) -> sqlite3.Connection:
        """The spool on disk, or, without a usable disk, a smaller one in memory."""
        db = disk.opened(self.folder)
        if db is None:
            self.most_rows, self.most_bytes = min(self.most_rows, MEMORY_ROWS), min(self.most_bytes, MEMORY_BYTES)
            db = disk.prepared(":memory:")
        (self.newest_alarm,) = db.execute("SELECT coalesce(max(id), 0) FROM message WHERE alarm").fetchone()
        self.tally = Tally(*db.execute("SELECT rows, bytes, lost, lost_from_ms, lost_until_ms FROM tally").fetchone())
        return db

    def close(self) -> None:
        with self.lock:
            self.db.close()

    # In

    def store(self, messages: Sequence[Message]) -> list[int | None]:
        """Keeps them, all in one commit, and returns the number of each alarm; that of an earlier one when it is the same again.

        Never raises for a disk that takes nothing: alarms are then held in memory, and tried again with the next batch;
        routine is lost and counted.
        """
        with self.lock:
            held = list(self.held.values())
            try:
                numbers = self.write([*held, *messages])[len(held) :]
            except sqlite3.DatabaseError as error:
                return self.hold(messages, error)
            self.held.clear()
            if self.complained_at > 0:
                log.info("spool_writes_again", alarms=len(held), lost=self.tally.lost)
                self.complained_at = -COMPLAIN_SECONDS
            return numbers

    def write(self, messages: Sequence[Message]) -> list[int | None]:
        before = Tally(**vars(self.tally))
        try:
            with self.transaction():
                if self.unwritten.lost:
                    lost = self.unwritten
                    self.tally.lose(lost.lost, lost.lost_from_ms or 0, lost.lost_until_ms or 0)
                numbers = [self.add(one) for one in messages]
                self.make_room(before.bytes)
                self.write_tally()
        except BaseException:
            self.tally = before
            raise
        self.unwritten = Tally(0, 0, 0, None, None)
        return numbers

    def add(self, one: Message) -> int | None:
        weight = one.weight
        if weight.repeats:
            same = self.db.execute("SELECT id FROM message WHERE alarm AND topic = ? AND payload = ?", (one.topic, one.payload)).fetchone()
            if same:
                return int(same[0])
        if weight.state:
            self.forget(self.db.execute("DELETE FROM message WHERE state AND topic = ? RETURNING alarm, length(topic) + length(payload)", (one.topic,)))
        for level in weight.changes:
            change = "INSERT OR IGNORE INTO level (device, kind) VALUES (?, ?)" if level.active else "DELETE FROM level WHERE device = ? AND kind = ?"
            self.db.execute(change, (level.device, level.kind))
        values = (weight.alarm, weight.state, one.retained, one.topic, one.payload, one.taken_ms, self.boot)
        made = self.db.execute("INSERT INTO message (alarm, state, retained, topic, payload, taken_ms, boot) VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        if weight.alarm:
            self.newest_alarm = made.lastrowid or self.newest_alarm
            return made.lastrowid
        self.tally.rows += 1
        self.tally.bytes += len(one.topic) + len(one.payload) + ROW_BYTES
        return None

    def make_room(self, bytes_before: int) -> None:
        """Drops the oldest routine until the rest is within its bounds; on a disk that is nearly full, until it has not grown."""
        most_bytes = self.most_bytes if self.room() else min(self.most_bytes, bytes_before)
        chunk = max(1, min(100, self.most_rows // 100))
        while self.tally.rows > self.most_rows or self.tally.bytes > most_bytes:
            oldest = self.db.execute(
                "DELETE FROM message WHERE id IN (SELECT id FROM message WHERE NOT alarm ORDER BY id LIMIT ?)"
                " RETURNING alarm, length(topic) + length(payload), taken_ms",
                (chunk,),
            ).fetchall()
            if not oldest:
                break
            self.forget(oldest)
            self.tally.lose(len(oldest), min(row[2] for row in oldest), max(row[2] for row in oldest))

    def room(self) -> bool:
        try:
            return shutil.disk_usage(self.folder).free > RESERVE_BYTES
        except OSError:
            return True

    def hold(self, messages: Iterable[Message], error: sqlite3.DatabaseError) -> list[int | None]:
        """The disk takes nothing just now."""
        if time.monotonic() - self.complained_at >= COMPLAIN_SECONDS:
            self.complained_at = time.monotonic()
            log.error("spool_does_not_write", folder=str(self.folder), error=str(error), held=len(self.held), cost="alarms stay in memory, routine is lost")
        if disk.is_broken(error):
            with suppress(sqlite3.Error):
                self.db.close()
            disk.set_aside(self.folder, error)
            self.db = self.open()
        numbers: list[int | None] = []
        for one in messages:
            if not one.weight.alarm or len(self.held) >= MOST_HELD:
                self.unwritten.lose(1, one.taken_ms, one.taken_ms)
                numbers.append(None)
                continue
            same = next((number for number, held in self.held.items() if one.weight.repeats and held[:2] == one[:2]), None)
            if same is None:
                self.held_id -= 1
                same = self.held_id
                self.held[same] = one
            numbers.append(same)
        return numbers

    # Out

    def next(self, after: int, limit: int, *, alarms: bool) -> list[Kept]:
        """What waits behind the message `after`, in the order in which it came; of alarms, those held in memory come last."""
        with self.lock:
            try:
                which = "alarm" if alarms else "NOT alarm"
                query = f"SELECT id, topic, payload, retained, taken_ms FROM message WHERE {which} AND id > ? ORDER BY id LIMIT ?"
                rows = self.db.execute(query, (after, limit)).fetchall()
            except sqlite3.DatabaseError as error:
                log.error("spool_does_not_read", error=str(error))
                rows = []
            found = [Kept(number, topic, payload, bool(retained), taken) for number, topic, payload, retained, taken in rows]
            if alarms:
                found += [Kept(number, one.topic, one.payload, one.retained, one.taken_ms) for number, one in self.held.items()]
            return found

    def done(self, numbers: Iterable[int]) -> None:
        """The city has them."""
        with self.lock:
            before = Tally(**vars(self.tally))
            try:
                with self.transaction():
                    for number in numbers:
                        self.held.pop(number, None)
                        self.forget(self.db.execute("DELETE FROM message WHERE id = ? RETURNING alarm, length(topic) + length(payload)", (number,)))
                    self.write_tally()
            except sqlite3.DatabaseError as error:
                # They stay, and are said again after the next start: the platform stores each once.
                self.tally = before
                log.warning("spool_does_not_forget", error=str(error))

    def forget(self, rows: Iterable[tuple[int, ...]]) -> None:
        for alarm, size, *_ in rows:
            if not alarm:
                self.tally.rows -= 1
                self.tally.bytes -= size + ROW_BYTES

    def lost(self) -> Tally:
        """How much routine waits, and how much was dropped since the last report."""
        with self.lock:
            return Tally(**vars(self.tally))

    def reported(self, told: Tally) -> None:
        """The city knows of what `told` says is lost."""
        with self.lock, suppress(sqlite3.DatabaseError), self.transaction():
            self.tally.lost -= told.lost
            if self.tally.lost == 0:
                self.tally.lost_from_ms = self.tally.lost_until_ms = None
            self.write_tally()

    # Beside

    def standing(self) -> set[Standing]:
        """The levels that stand, by what has been stored."""
        with self.lock:
            return {(str(device), str(kind)) for device, kind in self.db.execute("SELECT device, kind FROM level")}

    def shift(self, milliseconds: int) -> None:
        """The clock was set: what was taken since this machine started was taken by the wrong one."""
        with self.lock, suppress(sqlite3.DatabaseError), self.transaction():
            self.db.execute("UPDATE message SET taken_ms = taken_ms + ? WHERE boot = ?", (milliseconds, self.boot))
            self.held = {number: one._replace(taken_ms=one.taken_ms + milliseconds) for number, one in self.held.items()}

    def write_tally(self) -> None:
        columns = ", ".join(f"{name} = :{name}" for name in vars(self.tally))
        self.db.execute(f"UPDATE tally SET {columns}", vars(self.tally))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self.db.execute("ROLLBACK")
            raise
