"""The button: it calls for help until it is answered, and shows by its light how far help is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

from cloudfamily_sim.devices import Device
from cloudfamily_sim.encode import Answer, Publish, SignalKind, encode_signal

Light = Literal["idle", "sending", "received", "help_is_coming", "on_the_way", "resolved"]
#: A light only moves forward: an answer that the broker delivers once more never takes it back.
LIGHTS: tuple[Light, ...] = ("idle", "sending", "received", "help_is_coming", "on_the_way", "resolved")
#: A finger that trembles, and a contact that bounces, press once.
DEBOUNCE = timedelta(milliseconds=300)

FIRST_PAUSE_SECONDS = 5.0
SLOWEST_PAUSE_SECONDS = 30.0
SLOWER = 1.25
MOST_REPEATS = 200


@dataclass
class Call:
    """Something that must be heard, said again byte for byte until it is."""

    seq: int
    message: Publish
    repeat_at: datetime
    repeats: int = -1


class Button(Device):
    """The call is repeated byte for byte: after 5 s, then more and more slowly, each 30 s at the slowest, 200 times at
    most (an hour and a half). Then the light goes out, so that it does not promise what nobody heard, and
    `gave_up` counts. While it is offline it keeps the call and its patience.
    """

    kind = "button"
    skills = frozenset({"light", "voice"})
    signals: ClassVar[tuple[str, ...]] = ("sos", "fall")

    light: Light = "idle"
    #: Who is on the way, once the platform has said so.
    helper: str | None = None
    gave_up = 0
    call_seq: int | None = None
    pressed_at: datetime | None = None

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code, **more)
        #: What is still unanswered, one of a kind.
        self.calls: dict[SignalKind, Call] = {}

    def press(self, now: datetime, kind: SignalKind = "sos") -> None:
        """Calls; while such a call is still unanswered, says that same call again at once and with new patience."""
        bounced = kind in self.calls and self.pressed_at is not None and now - self.pressed_at < DEBOUNCE
        if not self.alive(now) or bounced:
            return
        self.pressed_at = now
        if kind in self.calls:
            self.calls[kind].repeats, self.calls[kind].repeat_at = -1, now
            return
        self.seq += 1
        self.call_seq, self.light, self.helper = self.seq, "sending", None
        self.calls[kind] = Call(self.seq, encode_signal(self.code, self.clock(now), self.seq, kind), now)

    def answer(self, answer: Answer) -> bool:
        """Takes the platform's answer to a call; False when it changes nothing: old news, or another device's."""
        heard = [kind for kind, call in self.calls.items() if call.seq == answer.seq]
        for kind in heard:
            del self.calls[kind]
        if answer.seq != self.call_seq or LIGHTS.index(answer.answer) <= LIGHTS.index(self.light):
            return bool(heard)
        self.light, self.helper = answer.answer, answer.name or self.helper
        return True

    def connect(self, now: datetime) -> None:
        super().connect(now)
        for call in self.calls.values():
            call.repeat_at = now

    def times(self) -> Iterable[datetime]:
        yield from super().times()
        if self.online:
            yield from (call.repeat_at for call in self.calls.values())

    def outbox(self, now: datetime) -> list[Publish]:
        said = super().outbox(now)
        if not self.online or not self.calls:
            return said
        calling: list[Publish] = []
        for kind, call in list(self.calls.items()):
            if now < call.repeat_at:
                continue
            call.repeats += 1
            if call.repeats > MOST_REPEATS:
                del self.calls[kind]
                self.gave_up += 1
                if call.seq == self.call_seq:
                    self.light = "idle"
                continue
            call.repeat_at = now + timedelta(seconds=pause_seconds(call.repeats))
            calling.append(call.message)
        return [*(self.through_air(now, calling) if self.alive(now) else ()), *said]


def pause_seconds(repeats: int) -> float:
    # Past 20 repeats the power would only overflow: the slowest pause is reached by the ninth.
    return min(SLOWEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * SLOWER ** min(repeats, 20))


class SmokeAlarm(Button):
    kind = "smoke"
    signals = ("smoke",)


class GasAlarm(Button):
    kind = "gas"
    signals = ("gas", "co")


class WaterAlarm(Button):
    kind = "water"
    signals = ("water_leak",)


class FallDetector(Button):
    kind = "fall"
    signals = ("fall", "sos")
