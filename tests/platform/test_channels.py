"""Whoever must know knows, by one channel or the next: fall-back, breakers, pace and quiet hours, on a clock that a test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cloudfamily_platform.alerts import deliver, escalate, respond, unread
from cloudfamily_platform.alerts.channel import ChannelError, Limits, Receipt
from cloudfamily_platform.alerts.message import Message
from cloudfamily_platform.core import db
from cloudfamily_platform.people import outbox

ZONE = ZoneInfo("Asia/Shanghai")


class Line:
    """A channel that notes what it took, in the order of all lines; `trouble` says what it answers instead."""

    edits = False

    def __init__(self, name: str, log: list[tuple[str, str]], limits: Limits) -> None:
        self.name, self.log, self.limits = name, log, limits
        self.trouble: ChannelError | None = None
        self.receipt = Receipt()
        self.keys: list[str] = []

    async def send(self, address: str, what: Message, key: str) -> Receipt:
        self.keys.append(key)
        if self.trouble:
            raise self.trouble
        self.log.append((self.name, address))
        return self.receipt

    async def edit(self, address: str, ref: str, what: Message) -> None:
        raise AssertionError("not asked for")


class Lines:
    """`telegram`, `sms` and `voice`, drained together."""

    def __init__(self, world: Any) -> None:
        self.world, self.log = world, list[tuple[str, str]]()
        self.limits = Limits(per_second=1000, burst=1000)
        self.by = {name: Line(name, self.log, self.limits) for name in ("telegram", "sms", "voice")}
        self.stages = deliver.stages(self.by, ZONE)

    def drain(self) -> list[tuple[str, str]]:
        """What was taken by this."""
        before = len(self.log)
        for _ in range(3):
            self.world.drain(*reversed(self.stages))
        return self.log[before:]

    def until(self, **span: float) -> list[tuple[str, str]]:
        """The same, second by second."""
        end, found = self.world.now + timedelta(**span), self.drain()
        while self.world.now < end:
            self.world.wait(seconds=1)
            found += self.drain()
        return found


@pytest.fixture
def lines(world: Any) -> Lines:
    return Lines(world)


def ways(world: Any, who: Any, **addresses: str) -> None:
    """This person's channels, in this order."""
    for rank, (channel, address) in enumerate(addresses.items(), 1):
        world.insert("reach", person_id=who.id, channel=channel, address=address, rank=rank)


@pytest.fixture
def daughter(world: Any) -> Any:
    found = world.family(world.home(), "daughter")
    ways(world, found, telegram="1", sms="138", voice="139")
    return found


def attempts(world: Any) -> list[str]:
    rows = world.rows("SELECT channel, state, tries FROM attempt ORDER BY notification_id, first_at, channel")
    return [f"{row['channel']} {row['state']} {row['tries']}" for row in rows]


def test_a_call_for_help_does_not_wait_for_a_channel_that_fails(
    world: Any, lines: Lines, daughter: Any, alarm: Callable[..., int], timeline: Callable[..., list[str]]
) -> None:
    alert_id = alarm()
    world.sync.execute('UPDATE policy SET plan = plan || \'{"steps": [{"after_s": 0, "tell": ["family:1"], "offer": 0}]}\' WHERE code = \'critical\'')
    world.drain(*escalate.STAGES)
    lines.by["telegram"].trouble = ChannelError("no network")
    assert lines.until(seconds=10) == [("sms", "138")]  # three tries within ten seconds, and then the next
    assert attempts(world) == ["telegram failed 3", "sms sent 1"]
    assert len(set(lines.by["telegram"].keys)) == 1  # the same message each time
    assert world.value("SELECT params->>'channel' FROM alert_event WHERE kind = 'told'") == "sms"
    assert "not_told daughter" not in timeline(alert_id)


@pytest.mark.parametrize(
    "trouble",
    [ChannelError("blocked", permanent=True), ChannelError("no answer in time", slow=True), ChannelError("too many messages", retry_after_s=60)],
)
def test_nor_for_one_that_hangs_refuses_or_wants_a_minute(world: Any, lines: Lines, daughter: Any, alarm: Callable[..., int], trouble: ChannelError) -> None:
    alarm()
    world.drain(*escalate.STAGES)
    lines.by["telegram"].trouble = trouble
    assert lines.drain() == [("sms", "138")]


def test_given_up_only_when_no_channel_is_left(world: Any, lines: Lines, daughter: Any, alarm: Callable[..., int], timeline: Callable[..., list[str]]) -> None:
    alert_id = alarm()
    world.drain(*escalate.STAGES)
    for line in lines.by.values():
        line.trouble = ChannelError("no network")
    lines.until(seconds=50)
    assert attempts(world) == ["telegram failed 3", "sms failed 3", "voice failed 4"]
    assert "not_told daughter" not in timeline(alert_id)  # the last way is tried for minutes
    lines.until(minutes=6)
    assert attempts(world)[-1] == "voice failed 7"
    assert timeline(alert_id)[-1] == "not_told daughter"
    assert world.value("SELECT state FROM notification") == "failed"


def test_what_the_policy_prefers_comes_first_and_the_rest_after_it(world: Any, lines: Lines, daughter: Any, alarm: Callable[..., int]) -> None:
    alert_id = alarm()
    assert world.run(outbox.tell(world.conn, alert_id, daughter.id, "alert", world.now, by=["voice", "sms"]))
    assert lines.drain() == [("voice", "139")]
    world.wait(seconds=60)
    assert lines.drain() == [("sms", "138")]
    world.wait(seconds=60)
    assert lines.drain() == [("telegram", "1")]
    assert lines.until(minutes=5) == []


def test_not_seen_within_a_minute_it_also_goes_by_the_next_channel(world: Any, lines: Lines, daughter: Any, alarm: Callable[..., int]) -> None:
    alert_id = alarm()
    world.run(outbox.tell(world.conn, alert_id, daughter.id, "alert", world.now))
    assert lines.drain() == [("telegram", "1")]
    world.wait(seconds=59)
    assert lines.drain() == []
    world.wait(seconds=1)
    assert lines.drain() == [("sms", "138")]
    world.run(unread.mark_read(world.conn, alert_id, daughter.id, "telegram", world.now))
    assert lines.until(minutes=3) == []
    assert attempts(world) == ["telegram read 1", "sms sent 1"]
    assert world.value("SELECT read_at - created_at FROM notification") == timedelta(seconds=60)


@pytest.mark.parametrize("proof", [Receipt(read=True), Receipt(delivered=True), Receipt()])
def test_handed_over_or_delivered_is_not_read(world: Any, lines: Lines, daughter: Any, alarm: Callable[..., int], proof: Receipt) -> None:
    lines.by["telegram"].receipt = proof
    world.run(outbox.tell(world.conn, alarm(), daughter.id, "alert", world.now))
    lines.drain()
    found = world.rows("SELECT delivered_at IS NOT NULL AS delivered, read_at IS NOT NULL AS read FROM notification")[0]
    assert found == {"delivered": proof.delivered or proof.read, "read": proof.read}
    assert (lines.until(seconds=60) == []) == proof.read


def test_once_somebody_has_it_nobody_is_called_any_more(world: Any, lines: Lines, daughter: Any, alarm: Callable[..., int]) -> None:
    alert_id = alarm()
    world.run(outbox.tell(world.conn, alert_id, daughter.id, "alert", world.now))
    lines.drain()
    world.run(respond.accept(world.conn, alert_id, world.person("operator", "operator"), world.now))
    assert lines.until(minutes=2) == [("telegram", "1")]  # that somebody has it


def test_an_offer_that_nobody_sees_goes_on_while_it_stands(world: Any, lines: Lines, alarm: Callable[..., int]) -> None:
    world.home()
    near = world.responder("near", km=0.4)
    ways(world, near, telegram="1", voice="139")
    alarm()
    world.drain(*escalate.STAGES)
    assert lines.drain() == [("telegram", "1")]
    world.wait(seconds=20)
    assert lines.drain() == [("voice", "139")]


def test_what_is_not_about_life_waits_for_its_own_channel(world: Any, lines: Lines, daughter: Any, alarm: Callable[..., int]) -> None:
    world.run(outbox.tell(world.conn, alarm(kind="tamper"), daughter.id, "alert", world.now))
    lines.by["telegram"].trouble = ChannelError("no network")
    assert lines.until(seconds=30) == []
    lines.by["telegram"].trouble = None
    assert lines.until(minutes=5) == [("telegram", "1")]  # and nothing follows it unread


def town(world: Any, people: int, **more: str) -> list[Any]:
    home = world.home("WX-100")
    found = [world.family(home, f"relative-{number}", number) for number in range(1, people + 1)]
    for number, one in enumerate(found, 1):
        ways(world, one, telegram=str(number), **{channel: f"{prefix}{number}" for channel, prefix in more.items()})
    return found


def tell(world: Any, alert_id: int, people: list[Any]) -> None:
    for one in people:
        world.run(outbox.tell(world.conn, alert_id, one.id, "alert", world.now))


def test_a_broken_channel_is_left_alone_and_found_again_by_one_message(world: Any, lines: Lines, alarm: Callable[..., int]) -> None:
    people = town(world, 12)
    alert_id = alarm("WX-100-button", "tamper")
    lines.by["telegram"].trouble = ChannelError("down")
    tell(world, alert_id, people[:6])
    lines.drain()
    asked = len(lines.by["telegram"].keys)
    assert asked == 6
    world.wait(seconds=29)
    tell(world, alert_id, people[6:])
    assert lines.drain() == []
    assert len(lines.by["telegram"].keys) == asked  # nothing at all goes there
    lines.by["telegram"].trouble = None
    world.wait(seconds=1)
    assert len(lines.drain()) == 12  # one finds out, and all the others follow
    assert world.rows("SELECT failures, open_until, opened FROM channel_state WHERE name = 'telegram'") == [{"failures": 0, "open_until": None, "opened": 0}]


def test_while_it_is_still_broken_one_message_asks_and_no_more(world: Any, lines: Lines, alarm: Callable[..., int]) -> None:
    people = town(world, 12)
    alert_id = alarm("WX-100-button", "tamper")
    lines.by["telegram"].trouble = ChannelError("down")
    tell(world, alert_id, people)
    lines.drain()
    asked = len(lines.by["telegram"].keys)
    world.wait(seconds=30)
    lines.drain()
    assert len(lines.by["telegram"].keys) == asked + 1
    world.wait(seconds=59)
    lines.drain()
    assert len(lines.by["telegram"].keys) == asked + 1


def test_a_call_for_help_goes_round_a_broken_channel_at_once(world: Any, lines: Lines, alarm: Callable[..., int]) -> None:
    people = town(world, 8, sms="s")
    lines.by["telegram"].trouble = ChannelError("down")
    tell(world, alarm("WX-100-button", "tamper"), people[:6])
    lines.drain()
    asked = len(lines.by["telegram"].keys)
    alert_id = alarm("WX-100-button")
    tell(world, alert_id, people[6:])
    assert lines.drain() == [("sms", "s7"), ("sms", "s8")]
    assert len(lines.by["telegram"].keys) == asked
    # Somebody who has nothing else is told by it all the same.
    world.sync.execute("DELETE FROM reach WHERE channel = 'sms' AND address = 's1'")
    tell(world, alert_id, people[:1])
    lines.drain()
    assert len(lines.by["telegram"].keys) == asked + 1


def test_one_chats_trouble_delays_no_other(world: Any, lines: Lines, alarm: Callable[..., int]) -> None:
    people = town(world, 3)
    alert_id = alarm("WX-100-button")
    send = lines.by["telegram"].send

    async def one_is_blocked(address: str, what: Message, key: str) -> Receipt:
        if address == "1":
            raise ChannelError("too many messages", retry_after_s=30)
        return await send(address, what, key)

    lines.by["telegram"].send = one_is_blocked  # type: ignore[method-assign]
    for _ in range(10):
        tell(world, alert_id, people)
        lines.drain()
        world.wait(seconds=1)
    assert lines.log.count(("telegram", "2")) == lines.log.count(("telegram", "3")) == 10
    assert lines.log.count(("telegram", "1")) == 0
    assert world.value("SELECT open_until FROM channel_state WHERE name = 'telegram'") is None


def test_so_many_a_second_and_calls_for_help_first(world: Any, alarm: Callable[..., int]) -> None:
    lines = Lines(world)
    for line in lines.by.values():
        line.limits = Limits(per_second=4, burst=4)
    people = town(world, 10)
    tell(world, alarm("WX-100-button", "tamper"), people[:8])
    tell(world, alarm("WX-100-button"), people[8:])
    assert lines.drain() == [("telegram", "9"), ("telegram", "10"), ("telegram", "1"), ("telegram", "2")]
    world.wait(seconds=0.5)
    assert lines.drain() == [("telegram", "3"), ("telegram", "4")]
    world.wait(seconds=10)
    assert lines.drain() == [("telegram", str(number)) for number in (5, 6, 7, 8)]


def test_one_message_a_second_into_a_chat_but_for_a_call_for_help(world: Any, lines: Lines, daughter: Any, alarm: Callable[..., int]) -> None:
    for line in lines.by.values():
        line.limits = Limits(per_second=1000, burst=1000, per_chat_seconds=1.0)
    tamper, sos = alarm(kind="tamper"), alarm()
    for what in ("alert", "accepted", "there"):
        world.run(outbox.tell(world.conn, tamper, daughter.id, what, world.now))
    assert len(lines.drain()) == 1
    world.wait(seconds=0.9)
    assert lines.drain() == []
    world.run(outbox.tell(world.conn, sos, daughter.id, "alert", world.now))
    assert len(lines.drain()) == 1
    world.wait(seconds=1)
    assert len(lines.drain()) == 1


def test_at_night_only_what_is_about_life(world: Any, lines: Lines, daughter: Any, alarm: Callable[..., int]) -> None:
    """Quiet from 22:00 to 07:00 in Shanghai; it is 16:00, and seven hours later 23:00."""
    world.sync.execute("UPDATE person SET quiet_from = '22:00', quiet_to = '07:00' WHERE id = %s", [daughter.id])
    world.wait(hours=7)
    world.run(outbox.tell(world.conn, alarm(kind="tamper"), daughter.id, "alert", world.now))
    assert lines.drain() == []
    world.run(outbox.tell(world.conn, alarm(), daughter.id, "alert", world.now))
    assert lines.drain() == [("telegram", "1")]
    world.sync.execute("UPDATE notification SET unread_at = NULL")
    world.wait(hours=7, minutes=59)
    assert lines.drain() == []
    world.wait(minutes=1)
    assert lines.drain() == [("telegram", "1")]


def test_an_offer_comes_at_night_too(world: Any, lines: Lines, alarm: Callable[..., int]) -> None:
    world.home()
    near = world.responder("near", km=0.4)
    ways(world, near, telegram="1")
    world.sync.execute("UPDATE person SET quiet_from = '22:00', quiet_to = '07:00'")
    world.wait(hours=7)
    alarm(kind="water_leak")
    world.drain(*escalate.STAGES)
    assert lines.drain() == [("telegram", "1")]


def test_a_crash_while_sending_sends_again_by_the_same_name(world: Any, lines: Lines, daughter: Any, alarm: Callable[..., int]) -> None:
    class PowerCut(BaseException):
        pass

    world.run(outbox.tell(world.conn, alarm(), daughter.id, "alert", world.now))
    lines.by["telegram"].trouble = PowerCut()  # type: ignore[assignment]
    with pytest.raises(PowerCut):
        lines.drain()
    lines.by["telegram"].trouble = None
    world.wait(seconds=29)
    assert lines.drain() == []
    world.wait(seconds=1)
    assert lines.drain() == [("telegram", "1")]
    first, second = lines.by["telegram"].keys
    assert first == second


def test_two_processes_send_nothing_twice(world: Any, alarm: Callable[..., int]) -> None:
    people = town(world, 20)
    tell(world, alarm("WX-100-button"), people)
    one, other = Lines(world), Lines(world)

    async def race() -> None:
        async def drain(lines: Lines) -> None:
            async with await db.connect(world.url) as conn:
                while await lines.stages[0].step(conn, world.now):
                    pass

        await asyncio.gather(*(drain(lines) for lines in (one, other, one, other)))

    world.run(race())
    assert sorted(int(address) for _, address in (*one.log, *other.log)) == list(range(1, 21))


def test_a_trial_goes_by_the_channel_asked_for_and_no_other(world: Any, lines: Lines, daughter: Any) -> None:
    world.run(world.conn.execute(outbox.QUERIES["try_out"], {"person_id": daughter.id, "channel": "sms", "now": world.now}))
    lines.by["sms"].trouble = ChannelError("refused", permanent=True)
    assert lines.until(minutes=2) == []
    assert world.rows("SELECT state, error FROM notification") == [{"state": "failed", "error": "refused"}]


def test_the_queue_is_read_in_the_order_of_its_index(world: Any) -> None:
    world.home()
    world.person("somebody", "operator", chat=1)
    world.sync.execute(
        "INSERT INTO notification (person_id, channel, message, priority, created_at, due_at)"
        " SELECT 1, 'telegram', 'trial', n %% 3, %s, %s FROM generate_series(1, 20000) n",
        [world.now, world.now],
    )
    world.sync.execute("ANALYZE notification")
    query = deliver.QUERIES["due_notifications"].replace("%(channels)s", "'{telegram,sms}'").replace("%(budgets)s", "'{25,25}'")
    query = query.replace("%(least_urgent)s", "'{2,2}'").replace("%(known)s", "'{telegram,sms}'::text[]")
    query = query.replace("%(now)s", f"'{world.now}'").replace("%(nobodys_before)s", f"'{world.now}'")
    plan = "\n".join(next(iter(row.values())) for row in world.rows("EXPLAIN " + query))
    assert "notification_queue" in plan
    assert "Sort Key: m." not in plan


def test_an_alert_that_goes_on_while_its_message_is_on_its_way_is_drawn_again(world: Any, daughter: Any, alarm: Callable[..., int]) -> None:
    """Nothing stood in the chat yet when somebody accepted, so nothing was due to be redrawn; what arrives then is out of date."""
    alert_id, operator = alarm(), world.person("operator", "operator")
    drawn: list[str] = []

    class Slow(Line):
        edits = True

        async def send(self, address: str, what: Message, key: str) -> Receipt:
            async with await db.connect(world.url) as conn:
                await respond.accept(conn, alert_id, operator, world.now)
            drawn.append(what.text.splitlines()[-1])
            return Receipt("77")

        async def edit(self, address: str, ref: str, what: Message) -> None:
            assert ref == "77"
            drawn.append(what.text.splitlines()[-1])

    stages = deliver.stages({"telegram": Slow("telegram", [], Limits(per_second=1000, burst=1000))}, ZONE)
    world.run(outbox.tell(world.conn, alert_id, daughter.id, "alert", world.now))
    world.drain(*stages)
    assert drawn == ["还没有人接手。", "测试·operator 已接手。"]


def test_an_old_alert_is_put_right_however_often_that_fails(world: Any, daughter: Any, alarm: Callable[..., int]) -> None:
    alert_id, operator = alarm(), world.person("operator", "operator")
    drawn: list[str] = []
    troubles = [ChannelError("no network")]

    class Living(Line):
        edits = True

        async def send(self, address: str, what: Message, key: str) -> Receipt:
            return Receipt("77")

        async def edit(self, address: str, ref: str, what: Message) -> None:
            if troubles:
                raise troubles.pop()
            drawn.append(what.text.splitlines()[-1])

    stages = deliver.stages({"telegram": Living("telegram", [], Limits(per_second=1000, burst=1000))}, ZONE)
    world.run(outbox.tell(world.conn, alert_id, daughter.id, "alert", world.now))
    world.drain(*stages)
    world.wait(hours=3)
    world.run(respond.accept(world.conn, alert_id, operator, world.now))
    world.drain(*stages)
    assert drawn == []
    world.wait(seconds=3)
    world.drain(*stages)
    assert drawn == ["测试·operator 已接手。"]
