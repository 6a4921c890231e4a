"""The main job with a crash before every single statement that it sends to the database: always one alert, one credit."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from psycopg.rows import dict_row

from cloudfamily_gateway import wire
from cloudfamily_platform.alerts import deliver, escalate, message, offers, respond, silence, watch
from cloudfamily_platform.alerts.channel import Limits, Receipt
from cloudfamily_platform.core import db, errors
from cloudfamily_platform.core.stage import Stage
from cloudfamily_platform.services import visits
from cloudfamily_timebank import credit


class Crash(BaseException):
    """As kill -9 looks from inside: nothing catches it."""


class Fragile(db.Connection):
    """A connection that dies before statement number `dies_at`."""

    statements = 0
    dies_at = -1

    async def execute(self, *args: Any, **more: Any) -> Any:
        cls = type(self)
        cls.statements += 1
        if cls.statements == cls.dies_at:
            raise Crash
        return await super().execute(*args, **more)


class Chat:
    """A channel that takes everything."""

    limits, edits = Limits(per_second=1000, burst=1000), True

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def send(self, address: str, what: message.Message, key: str) -> Receipt:
        self.sent.append(address)
        return Receipt(str(len(self.sent)))

    async def edit(self, address: str, ref: str, what: message.Message) -> None:
        pass


class Night:
    """One home's emergency, driven forward by whoever is still alive; every step may be tried any number of times."""

    def __init__(self, world: Any, code: str, volunteer: Any, operator: Any) -> None:
        self.world, self.code, self.volunteer, self.operator = world, code, volunteer, operator
        self.stages = (
            *watch.STAGES,
            *silence.STAGES,
            *escalate.STAGES,
            *offers.STAGES,
            *deliver.stages({"telegram": Chat()}, ZoneInfo("UTC")),
            *visits.STAGES,
            credit.STAGE,
        )
        self.frame = wire.Frame(f"cf/v1/{code}-button/signal", wire.encode({"t": world.now.isoformat(), "seq": 1, "kind": "sos"}), world.now)

    def alert_id(self) -> int:
        return int(self.world.value("SELECT a.id FROM alert a JOIN home h ON h.id = a.home_id WHERE h.code = %s", self.code))

    def attempt(self, work: Callable[[db.Connection], Coroutine[Any, Any, Any]]) -> bool:
        """One try on a fresh connection, as after a restart; False when it crashed."""

        async def fresh() -> None:
            conn = await Fragile.connect(self.world.url, autocommit=True, row_factory=dict_row)
            try:
                await work(conn)
            finally:
                await conn.close()

        try:
            self.world.run(fresh())
        except Crash:
            return False
        return True

    def until_done(self, work: Callable[[db.Connection], Coroutine[Any, Any, Any]]) -> None:
        """Tries until it went through; a repeated press of a button that had its effect already is refused, and that is fine."""
        for _ in range(3):
            try:
                if self.attempt(work):
                    return
            except errors.WrongState:
                return
        raise AssertionError("it never went through")

    def settle(self) -> None:
        """All stages until nothing is due."""
        self.world.wait(seconds=31)  # past any claim that a crash left behind
        self.until_done(lambda conn: drain(conn, self.stages, self.world))

    def live(self) -> None:
        self.world.store.store([self.frame])
        self.settle()
        self.world.store.store([self.frame])  # the button says it again
        self.settle()
        alert = self.alert_id()
        world = self.world
        self.until_done(lambda conn: respond.accept(conn, alert, self.volunteer, world.now))
        self.settle()
        self.until_done(lambda conn: respond.move(conn, alert, self.volunteer, "there", world.now))
        world.wait(minutes=45)
        self.until_done(lambda conn: respond.resolve(conn, alert, self.operator, "real", "", world.now))
        self.settle()
        self.settle()


async def drain(conn: db.Connection, stages: tuple[Stage, ...], world: Any) -> None:
    done = True
    while done:
        done = False
        for stage in stages:
            while await stage.step(conn, world.now):
                done = True


def outcome(world: Any, code: str) -> dict[str, Any]:
    """What must be true of a home's night, whatever happened."""
    return world.rows(
        """SELECT count(*) AS alerts, min(a.state) AS state,
                  (SELECT count(*) FROM signal s WHERE s.home_id = h.id) AS signals,
                  (SELECT count(*) FROM visit v WHERE v.home_id = h.id) AS visits,
                  (SELECT count(*) FROM transfer t JOIN visit v ON v.id = t.visit_id WHERE v.home_id = h.id AND t.kind = 'credit') AS credits,
                  (SELECT count(*) FROM notification n JOIN alert b ON b.id = n.alert_id WHERE b.home_id = h.id AND n.state <> 'sent') AS unsent,
                  (SELECT count(*) FROM alert_event e JOIN alert b ON b.id = e.alert_id WHERE b.home_id = h.id AND e.kind = 'opened') AS opened,
                  (SELECT count(*) FROM alert_event e JOIN alert b ON b.id = e.alert_id WHERE b.home_id = h.id AND e.kind = 'resolved') AS resolved
           FROM home h JOIN alert a ON a.home_id = h.id WHERE h.code = %s GROUP BY h.id""",
        code,
    )[0]


RIGHT = {"alerts": 1, "state": "resolved", "signals": 1, "visits": 1, "credits": 1, "unsent": 0, "opened": 1, "resolved": 1}


def one_night(world: Any, code: str, volunteer: Any, operator: Any, dies_at: int) -> int:
    home = world.home(code)
    world.family(home, f"daughter-{code}", chat=1000 + home)
    Fragile.statements, Fragile.dies_at = 0, dies_at
    Night(world, code, volunteer, operator).live()
    statements, Fragile.dies_at = Fragile.statements, -1
    assert outcome(world, code) == RIGHT, f"crash before statement {dies_at}"
    return statements


@pytest.fixture
def helpers(world: Any) -> tuple[Any, Any]:
    return world.responder("near", km=0.4, chat=12), world.person("operator", "operator")


def crash_before(world: Any, helpers: tuple[Any, Any], every: int) -> None:
    volunteer, operator = helpers
    statements = one_night(world, "calm", volunteer, operator, -1)
    assert statements > 100
    for dies_at in range(1, statements, every):
        one_night(world, f"night-{dies_at}", volunteer, operator, dies_at)


def test_a_crash_before_a_statement_changes_nothing(world: Any, helpers: tuple[Any, Any]) -> None:
    crash_before(world, helpers, every=17)


@pytest.mark.slow
def test_a_crash_before_any_statement_changes_nothing(world: Any, helpers: tuple[Any, Any]) -> None:
    crash_before(world, helpers, every=1)
