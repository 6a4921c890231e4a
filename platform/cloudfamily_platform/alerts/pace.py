"""When something may be sent: rates, circuit breakers, back-off with jitter, quiet hours. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from cloudfamily_platform.alerts.channel import Limits

#: Waits after the 1st, 2nd … failure of a channel; after the last the next channel has its turn, or there is none left.
RETRY_SECONDS = (2, 5, 15, 30, 60, 120)
#: The same for a life-safety message while there is another channel: three tries within ten seconds.
HASTY_SECONDS = (2, 5)
#: A wait is longer by up to this part of it, so that those who failed together do not come back together.
JITTER = 0.25
#: A channel that says "not before" is believed up to this.
LONGEST_WAIT = timedelta(minutes=10)
#: So many failures in a row, to so many people, and the channel is out of order for so long; longer each time.
BREAK_FAILURES, BREAK_PEOPLE = 5, 3
BREAK_SECONDS, BREAK_LONGEST_SECONDS = 30, 300
#: While the probe of a channel is on its way nothing else is.
PROBE_SECONDS = 15


@dataclass(frozen=True, kw_only=True)
class State:
    """A row of channel_state."""

    name: str
    tokens: float = 0.0
    filled_at: datetime | None = None
    failures: int = 0
    failed_people: tuple[int, ...] = ()
    open_until: datetime | None = None
    opened: int = 0
    probing: bool = False


def health(state: State, now: datetime) -> Literal["works", "broken", "probe"]:
    """probe: it was out of order long enough, and one message may find out."""
    if state.open_until is None:
        return "works"
    return "broken" if now < state.open_until else "probe"


def filled(state: State, limits: Limits, now: datetime) -> State:
    """The bucket at `now`: as many tokens as have come since, at most a burst."""
    if state.filled_at is None:
        return replace(state, tokens=float(limits.burst), filled_at=now)
    passed = max(0.0, (now - state.filled_at).total_seconds())
    return replace(state, tokens=min(limits.burst, state.tokens + passed * limits.per_second), filled_at=max(now, state.filled_at))


def after(state: State, person_id: int, *, failed: bool, now: datetime) -> State:
    """One message more went well or failed."""
    if not failed:
        return replace(state, failures=0, failed_people=(), open_until=None, opened=0, probing=False)
    people = state.failed_people if person_id in state.failed_people else (*state.failed_people, person_id)[-BREAK_PEOPLE:]
    state = replace(state, failures=state.failures + 1, failed_people=people)
    if state.open_until is not None and not state.probing:
        return state  # one that was on its way when the channel broke
    if not state.probing and (state.failures < BREAK_FAILURES or len(people) < BREAK_PEOPLE):
        return state
    wait = timedelta(seconds=min(BREAK_SECONDS * 2**state.opened, BREAK_LONGEST_SECONDS))
    return replace(state, open_until=now + wait, opened=min(state.opened + 1, 10), probing=False)


def probing(state: State, now: datetime) -> State:
    """One message leaves to find out whether the channel works again; should its sender die, another may after this."""
    return replace(state, open_until=now + timedelta(seconds=PROBE_SECONDS), probing=True)


def retry(tries: int, waits: Sequence[int], number: int, retry_after_s: float | None) -> timedelta | None:
    """How long to wait after the failure number `tries` (1 first) of notification `number`; None: no more tries."""
    if tries > len(waits):
        return None
    own = waits[tries - 1] * (1 + JITTER * fraction(number, tries))
    return min(timedelta(seconds=max(own, retry_after_s or 0)), LONGEST_WAIT)


def fraction(number: int, tries: int) -> float:
    """From 0 up to 1, spread over the notifications, the same at each run."""
    return zlib.crc32(f"{number}:{tries}".encode()) / 2**32


def quiet_until(now: datetime, begins: time | None, ends: time | None, zone: ZoneInfo) -> datetime | None:
    """The end of the quiet hours that `now` lies in; None outside of them. Past midnight when they end before they begin."""
    if begins is None or ends is None or begins == ends:
        return None
    local = now.astimezone(zone)
    within = begins <= local.time() < ends if begins < ends else local.time() >= begins or local.time() < ends
    if not within:
        return None
    day = local.date() + timedelta(days=1) if local.time() >= ends else local.date()
    return datetime.combine(day, ends, zone)
