"""A town whose stages run and whose people have phones, on a clock that only moves when the story says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cloudfamily_gateway import supervise
from cloudfamily_platform.alerts import checkin, deliver, escalate, gateways, incident, offers, quiet, recover, respond, silence, vigil, watch
from cloudfamily_platform.alerts.channel import Limits, Receipt
from cloudfamily_platform.alerts.message import Message
from cloudfamily_platform.bot import alerts as bot
from cloudfamily_platform.core import errors
from cloudfamily_platform.core.texts import say
from cloudfamily_platform.people.person import Person
from cloudfamily_platform.services import visits
from cloudfamily_timebank import credit, ledger

ZONE = ZoneInfo("Asia/Shanghai")


class Story:
    """`go_on(minutes=5)` lets time pass as it would: whatever is due is done when it is due. People press what they were sent."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.phones: dict[str, list[Message]] = defaultdict(list)
        self.stages = (
            *supervise.STAGES, *watch.STAGES, *silence.STAGES, *vigil.STAGES, *gateways.STAGES, *quiet.STAGES, *incident.STAGES, *escalate.STAGES,
            *offers.STAGES, *checkin.STAGES, *recover.stages(timedelta(minutes=10)), *visits.STAGES, credit.STAGE,
            *deliver.stages({"telegram": self}, ZONE),
        )  # fmt: skip

        self.oldest_due = " UNION ALL ".join(f"SELECT {number} AS number, ({stage.oldest_due}) AS due_at" for number, stage in enumerate(self.stages))

    limits, edits = Limits(per_second=1000, burst=1000), False

    async def send(self, address: str, what: Message, key: str) -> Receipt:
        self.phones[address].append(what)
        return Receipt()

    def settle(self, until: datetime | None = None) -> None:
        """Everything that is due is done when it is due, until then; else what is due now."""
        until = until or self.world.now
        while dues := {row["number"]: row["due_at"] for row in self.world.rows(self.oldest_due) if row["due_at"] and row["due_at"] <= until}:
            self.world.now = max(self.world.now, min(dues.values()))
            if not self.world.drain(*(self.stages[number] for number, due in dues.items() if due <= self.world.now)):
                self.world.now += timedelta(seconds=1)  # somebody else's turn comes first, such as a hub's before its devices
        self.world.now = max(self.world.now, until)

    def go_on(self, **span: float) -> None:
        self.settle(self.world.now + timedelta(**span))

    def home(self, code: str = "WX-001", *, silence_minutes: int | None = None) -> int:
        """A home whose devices promise nothing between events; watched for silence only where that is said."""
        home_id: int = self.world.home(code, silence_minutes=silence_minutes or 480)
        self.world.sync.execute("UPDATE device SET due_at = NULL WHERE home_id = %s", [home_id])
        if silence_minutes is None:
            self.world.sync.execute("UPDATE home SET due_at = NULL WHERE id = %s", [home_id])
        return home_id

    # People and their phones

    def phone(self, person: Person) -> list[Message]:
        return self.phones[self.world.value("SELECT address FROM reach WHERE person_id = %s AND channel = 'telegram'", person.id)]

    def reads(self, person: Person) -> list[str]:
        """What stands on this person's phone, oldest first, each message's first line without marks."""
        return [what.text.split("\n")[0].replace("<b>", "").replace("</b>", "") for what in self.phone(person)]

    def last(self, person: Person) -> str:
        return self.phone(person)[-1].text

    def press(self, person: Person, verb: str) -> str:
        """The newest message with such a button; what pops up."""
        phone = self.phone(person)
        place, data = next((place, data) for place in reversed(range(len(phone))) if (data := button(phone[place], verb)))
        kind, number, *words = data.split(":")
        try:
            if kind == "visit":
                self.run(visits.verify(self.world.conn, int(number), person, self.world.now))
                return say(person.language, "chat.visit_confirmed")
            said = self.run(bot.act(self.world.conn, int(number), words[0], "".join(words[1:]), person, self.world.now))
        except errors.Refusal as refusal:
            said = bot.refused(refusal)
            return say(person.language, said, by=refusal.params.get("by"))
        finally:
            self.settle()
        if shown := self.run(bot.now_shown(self.world.conn, int(number), person, self.world.now, ZONE)):
            phone[place] = shown
        return say(person.language, said)

    def close(self, person: Person, alert_id: int, outcome: str = "real") -> None:
        """At the console."""
        self.run(respond.resolve(self.world.conn, alert_id, person, outcome, "", self.world.now))
        self.settle()

    def run(self, coroutine: Any) -> Any:
        return self.world.run(coroutine)

    # What is known afterwards

    def alert(self, **where: Any) -> dict[str, Any]:
        """The newest alert, or the newest of this kind."""
        rows: list[dict[str, Any]] = self.world.rows(
            "SELECT * FROM alert_view WHERE kind = coalesce(%s, kind) ORDER BY id DESC LIMIT 1", where.get("kind")
        )  # fmt: skip
        return rows[0]

    def timeline(self, alert: dict[str, Any]) -> list[str]:
        """Each line as "kind" or "kind person's code", without who was told."""
        rows = self.world.rows(
            "SELECT e.kind, p.code FROM alert_event e LEFT JOIN person p ON p.id = e.actor_id WHERE alert_id = %s AND e.kind <> 'told' ORDER BY e.id",
            alert["id"],
        )
        return [" ".join(filter(None, (row["kind"], row["code"]))) for row in rows]

    def minutes(self, person: Person) -> int:
        """This person's balance."""
        return int(self.run(ledger.balance(self.world.conn, person.id)).minutes)


def button(what: Message, verb: str) -> str | None:
    return next((one.data for row in what.buttons for one in row if f":{verb}" in one.data), None)


@pytest.fixture
def story(world: Any) -> Iterator[Story]:
    return Story(world)
