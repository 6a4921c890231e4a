"""No movement: how long a home may be still at this hour, by what it is used to, and when it has been too long.

A lazy deadline: it is looked at when it is due, and says when to look next. Of a home that is new it is believed what holds
for elders at large; its own days take over as they come. The longest stillness of the home's own days, and a margin, is the
limit: by day between 90 minutes and 3 h 45, for an alert is promised within 4 hours; by night until after the latest rising.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from cloudfamily_platform.alerts.rules.hazard import Hazard
from cloudfamily_platform.alerts.rules.routine import BIN, BINS, DAY, HOUR, MINUTE, NIGHT_BEGINS, STRETCH, Routine, Seconds, State, utc_offset

#: By day no limit is shorter, and none longer, unless the home is as still again and again.
SHORTEST, LONGEST = 90 * MINUTE, 225 * MINUTE
#: Somebody asleep may lie as long at any hour of the night; in its first hours, when most bedtimes fall, longer.
SHORTEST_NIGHT, SHORTEST_EVENING, EVENING_HOURS = 165 * MINUTE, 215 * MINUTE, 6
#: What is believed of a new home: the longest stillness of a day, and the hours at which whoever sleeps has gone to bed (when
#: so many of the home's own nights are known, not before the night has long begun) and has risen.
BELIEVED: Seconds = 210 * MINUTE
BELIEVED_BED, BED_NIGHTS, BELIEVED_RISEN = 21.25, 2, 10.5
#: After so many days the home's own count as much as the belief, and soon far more.
HALF_DAYS = 4.0
#: Half hours to each side that count as "this hour", and what a day of the week's other part (weekend or not) counts.
WINDOW, OTHER_DAYS = 3, 0.5
#: Half hours with somebody at home that make one whole day of experience.
WHOLE_DAY = 22
#: Part of the home's longest day at any hour that every hour takes over.
SHARED = 0.6
#: What is added to the longest known: a part of it, between these; by night as much as she may oversleep.
MARGIN, MARGIN_LEAST, MARGIN_MOST = 0.35, 30 * MINUTE, 60 * MINUTE
MARGIN_NIGHT: Seconds = 50 * MINUTE
#: A place tells how still one is there after so many silences; then its longest, times this, and the least margin are enough.
PLACE_KNOWN, PLACE_MARGIN = 10, 1.3
#: False alarms a month that the margins are made for; who bears fewer gets wider ones.
BEARABLE = 1.0
#: A home is looked at this often at least: somebody may have come home, or risen early, and the limit be shorter now.
LOOK_EVERY: Seconds = 2 * HOUR


class Limit(NamedTuple):
    limit: Seconds
    #: The longest that the home itself was still at this hour, and in how many days that was seen.
    known: Seconds
    days: int


@dataclass(frozen=True)
class Verdict:
    hazard: Hazard | None
    look_again_at: Seconds
    state: State
    #: Since when the home is in this state, or was last heard.
    since: Seconds


def judge(routine: Routine, now: Seconds, bearable: float = BEARABLE, family_limit_minutes: int | None = None) -> Verdict:
    """`bearable`: false alarms a month; `family_limit_minutes`: no silence is longer, whatever the home is used to.
    The routine must have been started."""
    assert routine.last is not None
    state = state_at(routine, now)
    due = deadline(routine, now, bearable)
    by_family = family_limit_minutes is not None and routine.last + family_limit_minutes * MINUTE <= due
    if by_family and family_limit_minutes is not None:
        due = routine.last + family_limit_minutes * MINUTE
    if now < due:
        return Verdict(None, min(due, now + LOOK_EVERY), state, routine.last)
    if by_family and family_limit_minutes is not None:
        limit = Limit(family_limit_minutes * MINUTE, 0, 0)
        return Verdict(hazard(routine, now, limit, "no_movement"), now + min(limit.limit, LOOK_EVERY), state, routine.last)
    if gone(routine, now):
        limit = Limit(routine.longest_away(), 0, 0)
        return Verdict(hazard(routine, now, limit, "no_movement_gone"), now + LOOK_EVERY, state, routine.last)
    limit = limit_at(routine, now, routine.last, bearable)
    why = "no_movement_new" if limit.days < HALF_DAYS else "no_movement_risen" if routine.of_night(routine.last) else "no_movement_learned"
    return Verdict(hazard(routine, now, limit, why), now + min(max(SHORTEST, limit.limit), LOOK_EVERY), state, routine.last)


def state_at(routine: Routine, now: Seconds) -> State:
    assert routine.last is not None
    if gone(routine, now) and now - routine.last < routine.longest_away():
        return "away"
    return "asleep" if now - routine.last >= STRETCH and routine.of_night(routine.last) else "home"


def gone(routine: Routine, now: Seconds) -> bool:
    return routine.away or routine.went_out(now)


def deadline(routine: Routine, now: Seconds, bearable: float = BEARABLE) -> Seconds:
    """When the present silence is too long."""
    assert routine.last is not None
    if state_at(routine, now) == "away":
        return routine.last + routine.longest_away()
    begin = routine.last
    if now - begin >= 2 * DAY:
        return begin + 2 * DAY
    at = begin + SHORTEST
    while at - begin < 2 * DAY:
        limit = limit_at(routine, at, begin, bearable).limit
        if at - begin >= limit:
            return at
        at = min(begin + limit, (at // (BIN // 2) + 1) * (BIN // 2))
    return at


def limit_at(routine: Routine, at: Seconds, begin: Seconds, bearable: float = BEARABLE) -> Limit:
    """How long a silence that began at `begin` may have lasted at the time `at`."""
    night = routine.of_night(begin)
    day, second = divmod(at + utc_offset(at, routine.zone), DAY)
    bins = [(second // BIN + step) % BINS for step in range(-WINDOW, (0 if night else WINDOW) + 1)]
    weekend, longest, days = is_weekend(day), [], 0.0
    for number, row in routine.days.items():
        values = [value for one in bins if (value := (row.by_night if night else row.by_day)[one]) >= 0]
        if values:
            longest.append(max(values) * MINUTE)
            days += len(values) / len(bins) * (1.0 if is_weekend(number) == weekend else OTHER_DAYS)
    longest.sort(reverse=True)
    known = longest[0] if longest else 0
    wider = max(bearable, 0.01) ** -0.25
    if night:
        evening = (second / HOUR - NIGHT_BEGINS) % 24 < EVENING_HOURS
        believed: float = believed_at_night(second / HOUR, BELIEVED_BED if evening and len(longest) >= BED_NIGHTS else NIGHT_BEGINS)
        own = known + MARGIN_NIGHT * wider
        return Limit(int(max(SHORTEST_EVENING if evening else SHORTEST_NIGHT, blend(max(own, believed), own, days))), known, len(longest))
    again = longest[1] if len(longest) > 1 else 0
    # One such day is no habit; but what comes back cannot be told from a fall, and an alarm each time helps nobody.
    usual = known if known <= LONGEST else max(again, LONGEST)
    own, believed = own_by_day(routine, usual, wider)
    limit = blend(max(own, believed), own, days)
    return Limit(int(max(SHORTEST, limit if usual > LONGEST else min(limit, LONGEST))), known, len(longest))


def own_by_day(routine: Routine, usual: Seconds, wider: float) -> tuple[float, float]:
    """The limit by the home's own days at this hour, and what is believed before this hour is known: the home's other hours."""
    at_any_hour = min(longest_by_day(routine), LONGEST)
    own = max(usual, SHARED * at_any_hour) + min(max(MARGIN * usual, MARGIN_LEAST), MARGIN_MOST) * wider
    count, longest = routine.places.get(routine.place, (0, 0))
    if count >= PLACE_KNOWN:
        own = min(own, PLACE_MARGIN * longest + MARGIN_LEAST * wider)
    seen = sum(value >= 0 for row in routine.days.values() for value in row.by_day) / WHOLE_DAY
    return own, blend(BELIEVED, (1 + MARGIN) * at_any_hour + MARGIN_LEAST, seen)


def longest_by_day(routine: Routine) -> Seconds:
    """The second longest of the days' longest silences: one odd day is no habit."""
    found = sorted((max(row.by_day) * MINUTE for row in routine.days.values()), reverse=True)
    return (found[1:2] or found or [0])[0]


def believed_at_night(hour: float, bed: float) -> Seconds:
    """Whoever went to bed then may sleep until she has risen by all experience; before and after that it is day."""
    asleep = (hour - bed) % 24
    if asleep <= (BELIEVED_RISEN - bed) % 24:
        return int(asleep * HOUR)
    return 0 if hour >= NIGHT_BEGINS else BELIEVED


def blend(believed: float, own: float, days: float) -> float:
    weight = 1 / (1 + (days / HALF_DAYS) ** 2)
    return weight * believed + (1 - weight) * own


def is_weekend(day: int) -> bool:
    return (day + 3) % 7 >= 5  # the first of January 1970 was a Thursday


def hazard(routine: Routine, now: Seconds, limit: Limit, why: str) -> Hazard:
    assert routine.last is not None
    since, still = datetime.fromtimestamp(routine.last, routine.zone), (now - routine.last) // MINUTE
    params: dict[str, object] = {"minutes": still, "limit_minutes": limit.limit // MINUTE, "since": since.isoformat(), "days": limit.days}
    params |= {"since_clock": f"{since:%H:%M}", "since_day": f"{since:%Y-%m-%d}", "by_clock": f"{datetime.fromtimestamp(now, routine.zone):%H:%M}"}
    params |= {"still_hours": still // 60, "still_minutes": f"{still % 60:02d}"}
    params |= {"known_hours": limit.known // HOUR, "known_minutes": f"{limit.known % HOUR // MINUTE:02d}"}
    params |= {"limit_hours": limit.limit // HOUR, "limit_rest": f"{limit.limit % HOUR // MINUTE:02d}"}
    return Hazard(kind="no_movement", severity="high", why=why, params=params)
