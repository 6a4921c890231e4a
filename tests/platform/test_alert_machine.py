"""The alert's whole life, explored: hypothesis presses, accepts, declines, waits, breaks the chat and crashes stages in any order, on
a virtual clock, and after every step nothing may be lost, doubled or left without a clock.

`CF_TEST_STEPS` says how many steps in all (the suite tries a few hundred, CI ten thousand).
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from cloudfamily_gateway.ingest import Store
from cloudfamily_platform.alerts import channel, checkin, deliver, escalate, incident, message, offers, quiet, recover, respond, watch
from cloudfamily_platform.core import errors
from cloudfamily_platform.core.stage import Stage
from cloudfamily_platform.services import visits

STEPS_EACH = 40
STEPS = int(os.environ.get("CF_TEST_STEPS", "400"))
ZONE = ZoneInfo("Asia/Shanghai")
#: Every wait is one at which something may be due: offers lapse, patience ends, the next turn comes.
WAITS_SECONDS = (1, 5, 30, 46, 121, 601, 2701, 14401, 90000)


class Crash(BaseException):
    """The process is gone: what was not committed never was."""


class Moody:
    """A channel in whatever mood the machine has put it."""

    limits, edits = channel.Limits(per_second=1000, burst=1000), True

    def __init__(self) -> None:
        self.mood = "well"
        self.said: list[str] = []

    async def send(self, address: str, what: message.Message, key: str) -> channel.Receipt:
        if self.mood == "down":
            raise channel.ChannelError("down")
        self.said.append(address)
        return channel.Receipt(ref=str(len(self.said)))

    async def edit(self, address: str, ref: str, what: message.Message) -> None:
        if self.mood == "down":
            raise channel.ChannelError("down")


class Town:
    """Two homes, their families, four who can be sent, and somebody at the desk; used again by every run of the machine."""

    def __init__(self, world: Any) -> None:
        self.world, self.chat = world, Moody()
        self.homes = {code: world.home(code) for code in ("WX-001", "WX-002")}
        self.people = [
            world.family(self.homes["WX-001"], "daughter", 1, chat=1),
            world.family(self.homes["WX-001"], "son", 2, chat=2),
            world.family(self.homes["WX-002"], "niece", 1),
            world.person("operator", "operator", chat=3),
            *(world.responder(f"helper-{number}", km=number / 2, chat=10 + number) for number in range(4)),
        ]
        self.operator = self.people[3]
        self.stages: tuple[Stage, ...] = (
            *watch.STAGES[:1],
            *quiet.STAGES,
            *incident.STAGES,
            *escalate.STAGES,
            *offers.STAGES,
            *checkin.STAGES,
            *recover.stages(timedelta(minutes=10)),
            *deliver.stages({"telegram": self.chat}, ZONE),
            *visits.STAGES,
        )
        self.began, self.tables = world.now, [row["name"] for row in world.rows(TABLES)]
        world.sync.execute("CREATE SCHEMA began")
        for table in self.tables:
            world.sync.execute(f"CREATE TABLE began.{table} AS TABLE {table}".encode())
        for row in world.rows("SELECT DISTINCT tgrelid::regclass AS guarded FROM pg_trigger WHERE tgenabled = 'A'"):
            world.sync.execute(f"ALTER TABLE {row['guarded']} ENABLE TRIGGER USER".encode())  # append-only as ever, but for `begin_anew`

    def begin_anew(self) -> None:
        """As if nothing had ever happened: a run must repeat exactly, whatever was tried before it."""
        self.world.now, self.world.seq, self.world.store, self.chat.mood = self.began, 0, Store(self.world.sync), "well"
        with self.world.sync.transaction():
            self.world.sync.execute("SET LOCAL session_replication_role = replica")
            self.world.sync.execute(f"TRUNCATE {', '.join(self.tables)} RESTART IDENTITY".encode())
            for table in self.tables:
                self.world.sync.execute(f"INSERT INTO {table} OVERRIDING SYSTEM VALUE TABLE began.{table}".encode())


@pytest.fixture
def town(world: Any) -> Town:
    return Town(world)


def machine(town: Town) -> type[RuleBasedStateMachine]:
    world = town.world
    person = st.integers(0, len(town.people) - 1).map(town.people.__getitem__)

    def live() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = world.rows("SELECT id, state, handler_id FROM alert WHERE state <> 'resolved' ORDER BY id")
        return rows

    def digest() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = world.rows(DIGEST)
        return rows

    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            town.begin_anew()
            self.pressed = 0

        def drain(self) -> None:
            with suppress(Crash):
                world.drain(*town.stages)

        def alert(self, data: st.DataObject) -> dict[str, Any]:
            found: dict[str, Any] = data.draw(st.sampled_from(live()), "alert")
            return found

        @rule(home=st.sampled_from(sorted(town.homes)), kind=st.sampled_from(["sos", "fall", "water_leak"]), again=st.booleans())
        def press(self, home: str, kind: str, again: bool) -> None:
            said = world.press(f"{home}-button", kind)
            if again:  # the button has not heard the answer and says it once more
                world.say(f"cf/v1/{home}-button/signal", said)
            self.pressed += 1
            self.drain()

        @rule(seconds=st.sampled_from(WAITS_SECONDS))
        def wait(self, seconds: int) -> None:
            world.wait(seconds=seconds)
            self.drain()

        @rule(mood=st.sampled_from(["well", "down"]))
        def chat_is(self, mood: str) -> None:
            town.chat.mood = mood

        @precondition(lambda self: live())
        @rule(data=st.data(), who=person)
        def accept(self, data: st.DataObject, who: Any) -> None:
            before = self.alert(data)
            offered = world.rows(
                "SELECT FROM offer WHERE alert_id = %s AND person_id = %s AND state IN ('offered', 'lapsed', 'accepted')", before["id"], who.id
            )
            going = world.rows("SELECT FROM response WHERE alert_id = %s AND ended IS NULL", before["id"])
            try:
                row = world.run(respond.accept(world.conn, before["id"], who, world.now))
            except errors.Taken:
                assert before["state"] != "open"
                assert before["handler_id"] != who.id
                assert going or not offered, "an operator's alert goes to whoever accepts the offer"
            except errors.NotFound:
                assert who.id not in (
                    row["person_id"] for row in world.rows("SELECT person_id FROM contact JOIN alert USING (home_id) WHERE id = %s", before["id"])
                )
            else:
                assert row["handler_id"] == who.id
                assert before["state"] == "open" or before["handler_id"] == who.id or (offered and not going)
            self.drain()

        @precondition(lambda self: live())
        @rule(data=st.data(), who=person, to=st.sampled_from(sorted(respond.STEPS)))
        def move(self, data: st.DataObject, who: Any, to: Any) -> None:
            before = self.alert(data)
            try:
                row = world.run(respond.move(world.conn, before["id"], who, to, world.now))
            except errors.Refusal:
                after = world.rows("SELECT state, handler_id FROM alert WHERE id = %s", before["id"])[0]
                assert after == {"state": before["state"], "handler_id": before["handler_id"]}
            else:
                assert row["state"] == to
                came_back = before["state"] == "open" and row["handler_id"] == who.id
                assert came_back or who.id in (before["handler_id"], town.operator.id)
            self.drain()

        @precondition(lambda self: live())
        @rule(data=st.data(), who=person, what=st.sampled_from([respond.release, respond.answer, respond.no_entry]))
        def say(self, data: st.DataObject, who: Any, what: Any) -> None:
            before = self.alert(data)
            with suppress(errors.Refusal):
                row = world.run(what(world.conn, before["id"], who, world.now))
                assert row["state"] == ("open" if what is respond.release else "on_the_way" if before["state"] == "open" else before["state"])
            self.drain()

        @precondition(lambda self: live())
        @rule(data=st.data(), who=person)
        def decline(self, data: st.DataObject, who: Any) -> None:
            with suppress(errors.Refusal):
                world.run(respond.decline(world.conn, self.alert(data)["id"], who, world.now))
            self.drain()

        @precondition(lambda self: live())
        @rule(data=st.data())
        def dispatch(self, data: st.DataObject) -> None:
            with suppress(errors.Refusal):
                world.run(respond.dispatch(world.conn, self.alert(data)["id"], town.operator, world.now))
            self.drain()

        @precondition(lambda self: live())
        @rule(data=st.data(), who=person, outcome=st.sampled_from(respond.OUTCOMES))
        def resolve(self, data: st.DataObject, who: Any, outcome: str) -> None:
            before = self.alert(data)
            try:
                world.run(respond.resolve(world.conn, before["id"], who, outcome, "", world.now))
            except errors.Refusal:
                assert who.id not in (before["handler_id"], town.operator.id)
            self.drain()

        @precondition(lambda self: live())
        @rule(data=st.data(), stage=st.sampled_from(town.stages), seconds=st.sampled_from(WAITS_SECONDS))
        def crash_in(self, data: st.DataObject, stage: Stage, seconds: int) -> None:
            """A worker is killed just before its commit; another one does the work later."""
            world.wait(seconds=seconds)
            held = digest()

            async def killed() -> None:
                async with world.conn.transaction():
                    await stage.step(world.conn, world.now)
                    raise Crash

            with suppress(Crash):
                world.run(killed())
            assert digest() == held
            self.drain()

        @invariant()
        def every_press_is_counted_once(self) -> None:
            counted = int(world.value("SELECT coalesce(sum(presses), 0) FROM alert"))
            assert counted == self.pressed

        @invariant()
        def nothing_is_broken(self) -> None:
            assert world.rows(BROKEN) == []

        def teardown(self) -> None:
            """In the end somebody closes what is open, and everything that had to be said has been said or is known not to be."""
            town.chat.mood = "well"
            for row in live():
                world.run(respond.resolve(world.conn, row["id"], town.operator, "real", "", world.now))
            for _ in range(12):
                world.wait(minutes=3)
                self.drain()
            self.nothing_is_broken()
            assert world.rows("SELECT id, state FROM notification WHERE due_at IS NOT NULL") == []
            assert world.rows("SELECT id FROM signal WHERE due_at IS NOT NULL") == []
            assert world.rows("SELECT id FROM offer WHERE state = 'offered'") == []

    return Machine


TABLES = """
SELECT relname AS name FROM pg_class
WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
"""
DIGEST = """
SELECT (SELECT count(*) FROM alert_event) AS events, (SELECT count(*) FROM notification) AS notifications,
       (SELECT md5(string_agg(a::text, '|' ORDER BY id)) FROM alert a WHERE state <> 'resolved') AS alerts,
       (SELECT md5(string_agg(o::text, '|' ORDER BY id)) FROM offer o) AS offers
"""
#: Rows that must never be there, with what is wrong about them.
BROKEN = """
SELECT 'no clock' AS what, id FROM alert WHERE state <> 'resolved' AND due_at IS NULL
UNION ALL SELECT 'two live ones', min(id) FROM alert WHERE state <> 'resolved' GROUP BY home_id, kind HAVING count(*) > 1
UNION ALL SELECT 'held by nobody', id FROM alert WHERE state NOT IN ('open', 'resolved') AND handler_id IS NULL
UNION ALL SELECT 'open, and yet somebody goes', a.id FROM alert a JOIN response r ON r.alert_id = a.id AND r.ended IS NULL WHERE a.state IN ('open', 'resolved')
UNION ALL SELECT 'two go', alert_id FROM response WHERE ended IS NULL GROUP BY alert_id HAVING count(*) > 1
UNION ALL SELECT 'another goes than has it', a.id FROM alert a JOIN response r ON r.alert_id = a.id AND r.ended IS NULL WHERE a.handler_id <> r.person_id
UNION ALL SELECT 'asked though somebody goes', o.id FROM offer o JOIN response r ON r.alert_id = o.alert_id AND r.ended IS NULL WHERE o.state = 'offered'
UNION ALL SELECT 'closed twice', alert_id FROM alert_event WHERE kind = 'resolved' GROUP BY alert_id HAVING count(*) > 1
UNION ALL SELECT 'closed in silence', id FROM alert WHERE state = 'resolved' AND id NOT IN (SELECT alert_id FROM alert_event WHERE kind = 'resolved')
UNION ALL SELECT 'opened in silence', id FROM alert WHERE id NOT IN (SELECT alert_id FROM alert_event WHERE kind = 'opened')
UNION ALL SELECT 'forgotten', id FROM notification WHERE state IN ('waiting', 'sending') AND due_at IS NULL
UNION ALL SELECT 'two visits', response_id FROM visit GROUP BY response_id HAVING count(*) > 1
"""


def test_no_order_of_things_loses_an_alert(town: Town) -> None:
    settings = hypothesis.settings(
        max_examples=max(1, STEPS // STEPS_EACH),
        stateful_step_count=STEPS_EACH,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],  # to shrink takes many minutes here, and forty steps can be read
    )
    run_state_machine_as_test(machine(town), settings=settings)
