"""deliver: the claim is committed before the sending and the result after it; what cannot be said is a line of the timeline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cloudfamily_platform.alerts import deliver, escalate, message, respond
from cloudfamily_platform.alerts.channel import ChannelError, Limits, Receipt
from cloudfamily_platform.core import db
from cloudfamily_platform.core.stage import Stage

ZONE = ZoneInfo("Asia/Shanghai")


class PowerCut(BaseException):
    """The process is gone: nothing after it runs."""


class Chat:
    """A channel that takes messages, unless `refusals` says otherwise: they come first, one a message."""

    def __init__(self) -> None:
        self.said: list[tuple[str, message.Message]] = []
        self.refusals: list[BaseException] = []

    limits = Limits(per_second=1000, burst=1000)
    edits = False

    async def send(self, address: str, what: message.Message, key: str) -> Receipt:
        if self.refusals:
            raise self.refusals.pop(0)
        self.said.append((address, what))
        return Receipt()

    async def edit(self, address: str, ref: str, what: message.Message) -> None:
        raise AssertionError("not asked for")

    @property
    def addresses(self) -> list[str]:
        return [address for address, _ in self.said]


@pytest.fixture
def chat() -> Chat:
    return Chat()


@pytest.fixture
def stages(chat: Chat) -> Sequence[Stage]:
    return deliver.stages({"telegram": chat}, ZONE)


@pytest.fixture
def told(world: Any, alarm: Callable[..., int]) -> int:
    """An alert of which a daughter (chat 1) is to be told."""
    world.family(world.home(), "daughter", chat=1, language="en")
    alert_id = alarm()
    world.drain(*escalate.STAGES)
    return alert_id


def row(world: Any) -> dict[str, Any]:
    found: dict[str, Any] = world.rows("SELECT state, tries, due_at, sent_at, error FROM notification ORDER BY id")[0]
    return found


def test_it_is_said_once(world: Any, told: int, chat: Chat, stages: Sequence[Stage], timeline: Callable[..., list[str]]) -> None:
    assert world.drain(*stages) == 1
    assert world.drain(*stages) == 0
    ((address, said),) = chat.said
    assert address == "1"
    assert said.text.startswith("<b>Emergency call: 测试·elder-WX-001</b>\n16:00 ")
    assert row(world) == {"state": "sent", "tries": 1, "due_at": None, "sent_at": world.now, "error": None}
    assert timeline(told) == ["opened", "no_responder", "told daughter"]
    assert world.value("SELECT params FROM alert_event WHERE kind = 'told'") == {"channel": "telegram", "message": "alert"}


def due_in(world: Any) -> float:
    """Seconds until the notification is due."""
    return float((row(world)["due_at"] - world.now).total_seconds())


def test_a_passing_failure_is_tried_again_and_in_the_end_given_up(
    world: Any, told: int, chat: Chat, stages: Sequence[Stage], timeline: Callable[..., list[str]]
) -> None:
    """With no other channel there is every reason to go on trying this one, always later, and never all at the same moment."""
    chat.refusals = [ChannelError("no network") for _ in range(10)]
    for tries, wait in enumerate((2, 5, 15, 30, 60, 120), 1):
        assert world.drain(*stages) == 1
        waiting = row(world)
        assert (waiting["state"], waiting["tries"], waiting["error"]) == ("waiting", tries, "no network")
        assert wait <= due_in(world) <= 1.25 * wait
        world.wait(seconds=due_in(world) - 0.1)
        assert world.drain(*stages) == 0
        world.wait(seconds=0.1)
    assert world.drain(*stages) == 1
    assert (row(world)["state"], row(world)["due_at"]) == ("failed", None)
    world.wait(days=1)
    assert world.drain(*stages) == 0
    assert len(chat.refusals) == 3
    assert timeline(told) == ["opened", "no_responder", "not_told daughter"]
    assert world.value("SELECT params FROM alert_event WHERE kind = 'not_told'") == {"reason": "failed", "message": "alert"}
    assert world.value("SELECT dead_at FROM reach") is None


def test_a_second_try_that_works(world: Any, told: int, chat: Chat, stages: Sequence[Stage], timeline: Callable[..., list[str]]) -> None:
    chat.refusals = [ChannelError("no network")]
    world.drain(*stages)
    world.wait(seconds=2.5)
    world.drain(*stages)
    assert (row(world)["state"], row(world)["tries"], row(world)["error"]) == ("sent", 2, None)
    assert chat.addresses == ["1"]
    assert timeline(told)[-1] == "told daughter"


def test_the_channel_says_when_within_reason(world: Any, told: int, chat: Chat, stages: Sequence[Stage]) -> None:
    for asks_for_s, least_s, most_s in ((1, 2, 2.5), (40, 40, 40), (86_400, 600, 600)):
        chat.refusals = [ChannelError("too many messages", retry_after_s=asks_for_s)]
        world.drain(*stages)
        assert least_s <= due_in(world) <= most_s
        world.wait(seconds=due_in(world))


def test_a_dead_address_is_used_no_more(world: Any, told: int, chat: Chat, stages: Sequence[Stage], timeline: Callable[..., list[str]]) -> None:
    chat.refusals = [ChannelError("bot was blocked by the user", permanent=True)]
    world.drain(*stages)
    assert (row(world)["state"], row(world)["error"]) == ("failed", "bot was blocked by the user")
    assert world.value("SELECT dead_at FROM reach") == world.now
    assert timeline(told)[-1] == "not_told daughter"
    assert world.value("SELECT params->>'reason' FROM alert_event WHERE kind = 'not_told'") == "refused"
    world.wait(seconds=30)
    world.drain(*escalate.STAGES)
    world.drain(*stages)
    assert chat.said == []
    assert timeline(told)[3:7] == ["escalated", "not_told daughter", "nobody_told", "escalated"]


def test_the_power_fails_between_claim_and_record(world: Any, told: int, chat: Chat, stages: Sequence[Stage]) -> None:
    """At least once: while the claim stands nobody else sends it, and when it ends it is sent (again)."""
    chat.refusals = [PowerCut()]
    with pytest.raises(PowerCut):
        world.drain(*stages)
    assert (row(world)["state"], row(world)["tries"]) == ("sending", 1)
    world.wait(seconds=29)
    assert world.drain(*stages) == 0
    world.wait(seconds=1)
    assert world.drain(*stages) == 1
    assert chat.addresses == ["1"]
    assert row(world)["state"] == "sent"


def test_a_channel_that_hangs_has_failed(world: Any, told: int, chat: Chat, stages: Sequence[Stage], monkeypatch: pytest.MonkeyPatch) -> None:
    async def for_ever(address: str, what: message.Message, key: str) -> Receipt:
        await asyncio.Event().wait()
        return Receipt()

    monkeypatch.setattr(deliver, "SEND_SECONDS", 0.02)
    monkeypatch.setattr(chat, "send", for_ever)
    assert world.drain(*stages) == 1
    assert (row(world)["state"], row(world)["error"]) == ("waiting", "TimeoutError")


def test_taken_meanwhile_means_nothing_is_asked(
    world: Any, alarm: Callable[..., int], chat: Chat, stages: Sequence[Stage], timeline: Callable[..., list[str]]
) -> None:
    world.home()
    near, _ = world.responder("near", km=0.4, chat=1), world.responder("far", km=2, chat=2)
    alert_id = alarm()
    world.drain(*escalate.STAGES)
    world.run(respond.accept(world.conn, alert_id, near, world.now))
    world.drain(*stages)
    assert timeline(alert_id)[-2:] == ["accepted near", "told near"]
    assert [(address, said.text.splitlines()[0]) for address, said in chat.said] == [
        ("1", "<b>紧急呼叫：测试·elder-WX-001</b>"),  # the offer, which is the card by now
        ("2", "刚才的紧急呼叫已有人前往，谢谢您！"),
    ]
    assert "门锁密码：1234#" in chat.said[0][1].text


def test_resolved_meanwhile(world: Any, alarm: Callable[..., int], chat: Chat, stages: Sequence[Stage]) -> None:
    world.family(world.home(), "daughter", chat=1)
    world.responder("near", km=0.4, chat=2)
    alert_id = alarm()
    world.drain(*escalate.STAGES)
    world.run(respond.resolve(world.conn, alert_id, world.person("operator", "operator"), "false_alarm", "", world.now))
    world.drain(*stages)
    # An alarm that is over calls nobody any more: one message, that it was and is over.
    to_daughter = [said for address, said in chat.said if address == "1"]
    assert [said.text for said in to_daughter] == ["测试·elder-WX-001 的紧急呼叫已结束：误报（测试·operator）。"]
    assert [said.text for address, said in chat.said if address == "2"] == ["刚才的紧急呼叫已有人前往，谢谢您！"]


def test_the_family_has_no_buttons_for_what_somebody_else_has(world: Any, told: int, chat: Chat, stages: Sequence[Stage]) -> None:
    world.run(respond.accept(world.conn, told, world.person("operator", "operator"), world.now))
    world.drain(*stages)
    assert [said.buttons for _, said in chat.said] == [(), ()]
    assert chat.said[0][1].text.endswith("测试·operator has it.")


def test_a_message_that_cannot_be_composed_stops_no_other(world: Any, alarm: Callable[..., int], chat: Chat, stages: Sequence[Stage]) -> None:
    world.family(world.home("WX-001"), "daughter", chat=1)
    world.family(world.home("WX-002"), "son", chat=2)
    broken = alarm()
    alarm(device="WX-002-button")
    world.drain(*escalate.STAGES)
    world.sync.execute("""UPDATE alert SET why = '{"key": "alert.why.gibberish", "params": {}}' WHERE id = %s""", [broken])
    world.drain(*stages)
    assert chat.addresses == ["2"]
    assert (row(world)["state"], row(world)["error"]) == ("waiting", "KeyError")


def test_a_channel_that_is_not_set_up_here_is_left_to_others_for_a_while(world: Any, told: int) -> None:
    nothing = deliver.stages({}, ZONE)
    assert world.drain(*nothing) == 0
    world.wait(seconds=5)
    assert world.drain(*nothing) == 1
    assert row(world)["error"] == "no channel telegram is set up here"
    assert row(world)["state"] == "waiting"


def test_an_address_gone_meanwhile(world: Any, told: int, chat: Chat, stages: Sequence[Stage]) -> None:
    world.sync.execute("DELETE FROM reach")
    world.drain(*stages)
    assert (row(world)["state"], row(world)["error"]) == ("failed", "no address")


def test_several_deliverers_at_once_send_each_message_once(world: Any, alarm: Callable[..., int], chat: Chat, stages: Sequence[Stage]) -> None:
    home = world.home()
    for rank in range(1, 13):
        world.family(home, f"relative-{rank}", rank, chat=rank)
    alarm()
    for wait_s in (0, 30):
        world.wait(seconds=wait_s)
        world.drain(*escalate.STAGES)

    async def four() -> None:
        async def drain() -> None:
            async with await db.connect(world.url) as conn:
                while await stages[0].step(conn, world.now):
                    await asyncio.sleep(0)

        await asyncio.gather(*(drain() for _ in range(4)))

    world.run(four())
    assert sorted(chat.addresses, key=int) == [*map(str, range(1, 13))]  # relative 1 was still to be told when the second step came
