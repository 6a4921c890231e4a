"""The spool's file: opened, or set aside when it is broken, as memory cards do."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

import structlog

log = structlog.get_logger()
FILE, ASIDE = "spool.db", "spool.broken"
BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    alarm INTEGER NOT NULL,
    state INTEGER NOT NULL,
    retained INTEGER NOT NULL,
    topic TEXT NOT NULL,
    payload BLOB NOT NULL,
    taken_ms INTEGER NOT NULL,
    boot TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS message_alarm ON message (id) WHERE alarm;
CREATE INDEX IF NOT EXISTS message_alarm_topic ON message (topic) WHERE alarm;
CREATE INDEX IF NOT EXISTS message_state ON message (topic) WHERE state;
CREATE TABLE IF NOT EXISTS level (device TEXT NOT NULL, kind TEXT NOT NULL, PRIMARY KEY (device, kind)) WITHOUT ROWID;
-- Routine that waits, and routine that was dropped and has not been reported yet.
CREATE TABLE IF NOT EXISTS tally (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    rows INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    lost INTEGER NOT NULL DEFAULT 0,
    lost_from_ms INTEGER,
    lost_until_ms INTEGER
);
INSERT OR IGNORE INTO tally (one) VALUES (1);
"""


def opened(folder: Path) -> sqlite3.Connection | None:
    """The database in that folder, made when there is none; a broken one is set aside. None: there is no disk to write on."""
    for _ in range(2):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            return prepared(str(folder / FILE))
        except (sqlite3.DatabaseError, OSError) as error:
            if not is_broken(error):
                log.error("spool_not_on_disk", folder=str(folder), error=str(error), cost="what waits is lost with the power")
                return None
            set_aside(folder, error)
    return None


def prepared(name: str) -> sqlite3.Connection:
    db = sqlite3.connect(name, timeout=10, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA journal_size_limit = 8388608")
        db.execute("PRAGMA cache_size = -4000")
        db.executescript(SCHEMA)
    except BaseException:
        db.close()
        raise
    return db


def is_broken(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", None) in BROKEN


def set_aside(folder: Path, error: Exception) -> None:
    """One broken file is kept, for whoever wants to look."""
    log.error("spool_broken", folder=str(folder), error=str(error), done=f"set aside as {ASIDE}; a new one is begun")
    with suppress(OSError):
        os.replace(folder / FILE, folder / ASIDE)
    for ending in ("-wal", "-shm"):
        with suppress(OSError):
            os.unlink(folder / f"{FILE}{ending}")
