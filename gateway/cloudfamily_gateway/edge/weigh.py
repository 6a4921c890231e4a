"""What a message is to the edge: an alarm that goes first and is never dropped, a state of which the newest counts, or routine."""

from __future__ import annotations

import re
from collections.abc import Set
from typing import NamedTuple

from cloudfamily_gateway import dialects, wire

OWN_SIGNAL = re.compile(r"^cf/v1/[^/]*/signal\Z")
#: Signals that can wait their turn among the readings: an empty battery says so with each of them.
NOT_URGENT = ("battery_low",)

#: Device and kind of a level that stands.
Standing = tuple[str, str]


class Weight(NamedTuple):
    alarm: bool = False
    #: What has happened, for the home's rule. Empty for an alarm that has ended.
    kinds: tuple[str, ...] = ()
    #: Levels that rise or fall with this message. Falls go with the alarms as well: overtaken by the next rise, one would hide it.
    changes: tuple[wire.Level, ...] = ()
    #: Device and number of presses that the platform answers when it has stored them.
    presses: tuple[tuple[str, int | None], ...] = ()
    #: The same words on the same topic are the same alarm, said again until somebody answers.
    repeats: bool = False
    #: Says how things stand and nothing else: an older one of the same topic is of no use.
    state: bool = False


def weigh(frame: wire.Frame, standing: Set[Standing]) -> Weight:
    """`standing`: the levels that are known to stand now."""
    decoded = dialects.decode(frame)
    pressed = OWN_SIGNAL.match(frame.topic) is not None
    calls = [one for one in decoded.signals if one.kind not in NOT_URGENT]
    changes = tuple(one for one in decoded.levels if one.active != ((one.device, one.kind) in standing))
    if not (pressed or calls or changes):
        says_more = decoded.readings or decoded.signals or decoded.levels or decoded.reports or decoded.faults
        return Weight(state=frame.retained or not says_more)
    kinds = (*(one.kind for one in calls), *(one.kind for one in changes if one.active))
    return Weight(
        alarm=True,
        kinds=kinds or (("unreadable",) if pressed else ()),
        changes=changes,
        presses=tuple((one.device, one.seq) for one in calls) if pressed else (),
        repeats=pressed and all(one.once for one in calls),
    )
