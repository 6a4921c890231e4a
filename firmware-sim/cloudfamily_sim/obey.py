"""What a device makes of the platform's commands: each id once, with a report. Pure, on a virtual clock.

`siren` and `light` {"seconds": 1 to 3600}, 30 when it does not say; 0 ends it. `voice` {"text": …}, done when it is spoken.
`interval` {"minutes": 1 to 1440} or {"seconds": 1 to 86400} between heartbeats. `test` {}: says how it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from cloudfamily_sim.encode import Command

#: Ids that a device remembers; the oldest is forgotten first.
MOST_REMEMBERED = 64
USUAL_SECONDS, LONGEST_SECONDS = 30, 3600
LONGEST_TEXT = 500
CHARACTERS_PER_SECOND = 4.0
LONGEST_INTERVAL_SECONDS = 86_400


class Outcome(NamedTuple):
    #: "delivered": it is still at it.
    state: Literal["delivered", "done", "failed"]
    detail: str = ""
    #: The new pause between two heartbeats.
    every: timedelta | None = None


class Orders:
    """What a device was told: `states` by id, and until when it does what (`doing`: siren, light, voice)."""

    def __init__(self) -> None:
        self.states: dict[int, Outcome] = {}
        self.doing: dict[str, datetime] = {}
        self.said: list[str] = []
        self.pending: dict[int, datetime] = {}

    @property
    def next_at(self) -> datetime | None:
        return min(self.pending.values(), default=None)

    def take(self, command: Command, now: datetime, skills: frozenset[str]) -> Outcome:
        """A command of a new id."""
        outcome = self.carry_out(command, now, skills)
        self.states[command.id] = outcome
        while len(self.states) > MOST_REMEMBERED:
            del self.states[next(iter(self.states))]
        return outcome

    def carry_out(self, command: Command, now: datetime, skills: frozenset[str]) -> Outcome:
        if command.do not in (*skills, "interval", "test"):
            return Outcome("failed", f"cannot do {command.do[:40]!r}")
        match command.do:
            case "siren" | "light":
                seconds = number(command.params.get("seconds", USUAL_SECONDS), 0, LONGEST_SECONDS)
                if seconds is None:
                    return Outcome("failed", f"seconds is a number from 0 to {LONGEST_SECONDS}")
                self.doing[command.do] = now + timedelta(seconds=seconds)
            case "voice":
                text = command.params.get("text")
                if not isinstance(text, str) or not 1 <= len(text) <= LONGEST_TEXT:
                    return Outcome("failed", f"text is 1 to {LONGEST_TEXT} characters")
                self.said = [*self.said[1 - MOST_REMEMBERED :], text]
                self.doing["voice"] = self.pending[command.id] = now + timedelta(seconds=len(text) / CHARACTERS_PER_SECOND)
                return Outcome("delivered")
            case "interval":
                minutes = command.params.get("minutes")
                asked = minutes * 60 if isinstance(minutes, int | float) else command.params.get("seconds")
                seconds = number(asked, 1, LONGEST_INTERVAL_SECONDS)
                if seconds is None:
                    return Outcome("failed", "minutes is a number from 1 to 1440, or seconds one from 1 to 86400")
                return Outcome("done", every=timedelta(seconds=seconds))
        return Outcome("done")

    def finished(self, now: datetime) -> Iterator[int]:
        """Ids of what has just come to its end."""
        for number_, until in list(self.pending.items()):
            if until <= now:
                del self.pending[number_]
                self.states[number_] = Outcome("done")
                yield number_


def number(value: object, least: float, most: float) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most else None
