"""A lane: a line to the broker and a connection to the database. Take, store, and only then acknowledge.

When the database is slow or away nothing is acknowledged and the broker holds the rest; memory is bounded by Receive Maximum.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence

import psycopg
import structlog

from cloudfamily_gateway import wire
from cloudfamily_gateway.ingest import Store, judge
from cloudfamily_gateway.line import RECEIVE_MAXIMUM, Line, Taken
from cloudfamily_platform.core import metrics
from cloudfamily_platform.core.settings import Settings

log = structlog.get_logger()
RETRY_SECONDS = 1.0
#: A frame that has waited longer than this says that the database does not keep up.
SLOW_SECONDS = 10.0


class Lane:
    """Runs until `stop` is set. `batch`: how many frames share a transaction; 1 for presses, which never wait for others."""

    def __init__(self, line: Line, batch: int, database_url: str) -> None:
        self.line, self.batch, self.database_url = line, batch, database_url
        self.name, self.stop = line.name, threading.Event()
        self.stored_last = True

    @property
    def ready(self) -> bool:
        """Whether frames are being taken and stored just now."""
        return self.line.subscribed and self.stored_last and self.waits_seconds() < SLOW_SECONDS

    def waits_seconds(self) -> float:
        """How long the oldest frame has been waiting to be stored."""
        try:
            return time.monotonic() - self.line.taken[0].came_s
        except IndexError:
            return 0.0

    def run(self) -> None:
        threads = [threading.Thread(target=self.line.run, name=f"line {self.name}", daemon=True)]
        if self.batch > 1:
            self.line.fresh = deque()
            threads.append(threading.Thread(target=self.look_ahead, name=f"judge {self.name}", daemon=True))
        for thread in threads:
            thread.start()
        store: Store | None = None
        while not self.stop.is_set():
            if self.line.taken:
                store = self.store_some(store)
            else:
                self.line.arrived.wait(0.5)
                self.line.arrived.clear()
        self.line.stop.set()
        self.line.wake()
        for thread in threads:
            thread.join()
        if store is not None:
            store.conn.close()

    def look_ahead(self) -> None:
        """Decodes what has come in while the database works on what came before it."""
        fresh = self.line.fresh
        while fresh is not None and not self.stop.is_set():
            if not fresh:
                self.line.fresh_arrived.wait(0.5)
                self.line.fresh_arrived.clear()
                continue
            one = fresh.popleft()
            try:
                decoded(one)
            except Exception:  # then the store meets it, and says so
                log.exception("look_ahead_failed", lane=self.name)

    def store_some(self, store: Store | None) -> Store | None:
        """Stores and acknowledges one batch, whatever has come in. Without a database it waits and will try again."""
        taken = self.line.taken
        some = [taken[number] for number in range(min(len(taken), self.batch))]
        began = time.monotonic()
        try:
            if store is None:
                store = Store(connect(self.database_url))
            signals = store.store_judged([(one.frame, decoded(one)) for one in some if one.frame])
        except Exception as error:
            # Not acknowledged, so not lost: the same frames are tried again until the database takes them.
            log.warning("not_stored", lane=self.name, frames=len(some), error=f"{type(error).__name__}: {error}")
            self.stored_last = False
            if store is not None:
                store.conn.close()
            self.stop.wait(RETRY_SECONDS)
            return None
        self.stored_last = True
        for _ in some:
            taken.popleft()
        self.line.acknowledge(some, answers(some, signals) if self.batch == 1 else ())
        if self.line.dropped:
            log.warning("dropped", lane=self.name, frames=self.line.dropped)
            self.line.dropped = 0
        metrics.frames.labels(self.name).inc(sum(one.frame is not None for one in some))
        metrics.store_seconds.labels(self.name).observe(time.monotonic() - began)
        return store


def decoded(one: Taken) -> wire.Decoded:
    if one.decoded is None:
        one.decoded = judge(one.frame) if one.frame else wire.Decoded(None)
    return one.decoded


def connect(database_url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(database_url, autocommit=True, connect_timeout=5, tcp_user_timeout=15_000, options="-c timezone=UTC -c lock_timeout=5s")


def answers(some: Sequence[Taken], signals: Sequence[wire.Signal]) -> list[tuple[str, bytes]]:
    """ "received" for each press, by the way that it came."""
    hub = some[0].frame.hub if some[0].frame else None
    return [(wire.answer_topic(one.device, hub), wire.encode(wire.Answer("received", one.seq))) for one in signals]


def lanes(settings: Settings, database_url: str, broker: tuple[str, int]) -> tuple[Lane, Lane]:
    """The two lanes of a gateway: presses, each committed alone, and everything else in batches.

    Presses go to every gateway and are stored once: one that has died takes none with it. All else is shared out among the
    gateways (MQTT 5, 4.8.2). What is misaddressed is to be seen by an operator, not to vanish, so whatever is said on the broker is
    taken. A shared subscription is given nothing that the broker keeps: where devices are announced is asked for apart.
    """
    press = Line("press", (wire.SIGNALS, f"{wire.EDGE}+/{wire.SIGNALS}"), settings, broker)
    everything = ("$share/gateway/#", *wire.ANNOUNCED) if settings.mqtt_shared else ("#",)
    bulk = Line("bulk", everything, settings, broker, ignores=wire.has_own_lane)
    return Lane(press, 1, database_url), Lane(bulk, RECEIVE_MAXIMUM, database_url)
