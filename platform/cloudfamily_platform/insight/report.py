"""The report of an alert, for the family or an inspector: who knew what when, and the proof that nobody changed it since.

`make` gives it as plain data, in the reader's language and the home's local time; paper.py and the web set it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, LiteralString
from zoneinfo import ZoneInfo

from cloudfamily_platform.alerts import alert, timeline
from cloudfamily_platform.core import db, errors
from cloudfamily_platform.core.texts import catalogue, say
from cloudfamily_platform.insight import kpi
from cloudfamily_platform.insight.figures import QUERIES
from cloudfamily_platform.people.person import Person

Row = dict[str, Any]
Mark = Literal["", "good", "bad"]
Form = Literal["report_read", "report_printed"]
BRAND = "Cloud Family 云家庭"
MOST_LINES = 5000
#: Somebody who looks again within this leaves no second line.
LOOK_AGAIN = timedelta(hours=1)
#: Lines of the timeline that an inspector looks for.
BAD = ("not_told", "no_responder", "reopened", "offer_lapsed", "declined")
GOOD = ("accepted", "there", "inside", "resolved")
#: Values of an event's parameters that have words of their own, by the parameter's name.
WORDS = {"reason": "reason", "outcome": "outcome", "do": "do"}
#: Control characters, and those that turn the direction of what stands beside them: they could show a name where it is not.
UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True)
class Line:
    cells: tuple[str, ...]
    mark: Mark = ""


@dataclass(frozen=True)
class Section:
    title: str
    heads: tuple[str, ...]
    lines: Sequence[Line]
    #: Said above the lines, or in their place.
    note: str = ""


@dataclass
class Report:
    language: str
    brand: str
    title: str
    #: Label and value.
    facts: list[tuple[str, str]]
    #: Who heard of it, in a sentence.
    told: Line
    sections: list[Section] = field(default_factory=list)
    proof: Section = field(default_factory=lambda: Section("", (), ()))
    printed: str = ""


class Speaker:
    """Says texts of the report in its language and zone."""

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        self.language, self.zone = language, zone

    def __call__(self, key: str, **values: object) -> str:
        return say(self.language, f"report.{key}", **values)

    def word(self, *path: str | None) -> str:
        """The word for a code, the last of a text's key, or the code itself when there is none: a report leaves nothing out."""
        return catalogue(self.language).get(".".join(one or "" for one in path), path[-1] or "—")

    def time(self, at: datetime | None) -> str:
        return at.astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S") if at else "—"

    def clock(self, at: datetime | None) -> str:
        return at.astimezone(self.zone).strftime("%m-%d %H:%M:%S") if at else "—"

    def took(self, seconds: float) -> str:
        whole = round(seconds)
        return self("seconds", seconds=whole) if whole < 120 else self("minutes", minutes=whole // 60, seconds=whole % 60)

    def sentence(self, kind: str, actor: str | None, params: Row) -> str:
        """A line of the timeline as people say it; one of a kind without words is told as it was written."""
        values = {name: self.word(WORDS[name], value) if name in WORDS and isinstance(value, str) else value for name, value in params.items()}
        text = catalogue(self.language).get(f"event.{kind}")
        try:
            return clean(text.format(**{"actor": actor or "—", **values})) if text else clean(f"{kind} {actor or ''} {params or ''}")
        except (KeyError, IndexError, ValueError):
            return clean(f"{kind} {actor or ''} {params or ''}")


def clean(text: str) -> str:
    return UNSHOWN.sub("", text)


def may_read(person: Person, row: Row) -> bool:
    """Operators of the district, and the family. Not whoever was asked to go, nor who went."""
    return bool(row["canary"] == person.canary and (person.oversees(row["district_id"]) or person.id in row["family"]))


async def make(conn: db.Connection, alert_id: int, person: Person, form: Form, language: str | None, zone: ZoneInfo, now: datetime) -> Report:
    """Raises NotFound, also when this person may not read it. That they read it is a line of the timeline before they do."""
    row = await (await conn.execute(QUERIES["report_alert"], {"id": alert_id})).fetchone()
    if row is None or not may_read(person, row):
        raise errors.NotFound(what="alert")
    await note_reader(conn, alert_id, person, form, now)
    speak = Speaker(language or person.language, ZoneInfo(row["timezone"]) if row["timezone"] else zone)
    rows = {name: await (await conn.execute(query, {"id": alert_id, "limit": MOST_LINES + 1})).fetchall() for name, (query, _, _) in TABLES.items()}
    clocks = await db.one(await conn.execute(QUERIES["kpi_alert"], {"id": alert_id}))
    made = Report(speak.language, BRAND, speak("title", id=alert_id), facts(speak, row), told(speak, row, rows))
    made.sections = [measured(speak, kpi.clocks(clocks, now)), *(section(speak, name, found) for name, found in rows.items())]
    made.proof = await proof(conn, speak, alert_id)
    made.printed = speak("printed", at=speak.time(now), zone=speak.zone.key, person=clean(person.name))
    return made


async def note_reader(conn: db.Connection, alert_id: int, person: Person, form: Form, now: datetime) -> None:
    """Who reads about somebody's emergency is part of its story: each PDF, and each look at the page but one soon after another."""
    async with conn.transaction():
        values = {"id": alert_id, "kind": form, "person_id": person.id, "since": now - LOOK_AGAIN}
        if form == "report_read" and await (await conn.execute(QUERIES["report_looked_at"], values)).fetchone() is not None:
            return
        await alert.add_event(conn, alert_id, form, now, actor_id=person.id)


def facts(speak: Speaker, row: Row) -> list[tuple[str, str]]:
    """What, why, who, where, when, and by which rules."""
    district = row["district_zh"] if speak.language == "zh-CN" else row["district_en"]
    place = " · ".join(filter(None, (row["address"], row["home_code"], district)))
    state = speak.word("report", "of", row["state"]) + (f" · {speak.word('outcome', row['outcome'])}" if row["outcome"] else "")
    found = [
        ("what", speak.word("alert", "kind", row["kind"])),
        ("why", why(speak, row["why"])),
        ("severity", speak.word("report", "of", row["severity"])),
        ("elder", row["elder"] or "—"),
        ("where", place or "—"),
        ("device", row["device_code"] or "—"),
        ("opened", f"{speak.time(row['opened_at'])} ({speak.zone.key})"),
        ("state", state + (f" · {speak.time(row['resolved_at'])}" if row["resolved_at"] else "")),
        ("presses", speak("presses_count", count=row["presses"])),
        ("policy", speak("policy_version", code=row["policy_code"], version=row["policy_version"])),
    ]
    return [(speak(label), clean(value)) for label, value in found]


def why(speak: Speaker, said: Row) -> str:
    try:
        return say(speak.language, said["key"], **said["params"])
    except (KeyError, IndexError, ValueError, TypeError):  # of another version, or a text whose words have changed since
        return str(said)


def told(speak: Speaker, row: Row, rows: dict[str, list[Row]]) -> Line:
    """How many heard of it and how soon; or that nobody did, and why."""
    sent = [one for one in rows["notifications"] if one["message"] in ("alert", "offer") and one["sent_at"]]
    if sent:
        first = min(one["sent_at"] for one in sent) - row["opened_at"]
        return Line((speak("told_first", count=len({one["person"] for one in sent}), seconds=max(0, round(first.total_seconds()))),), "good")
    states = [one["state"] for one in rows["notifications"]]
    counts = {
        "told_waiting": sum(state in ("waiting", "sending") for state in states),
        "told_failed": states.count("failed"),
        "told_no_way": len({one["actor"] for one in rows["timeline"] if one["kind"] == "not_told" and one["params"].get("reason") == "no_channel"}),
    }
    reasons = [speak(key, count=count) for key, count in counts.items() if count]
    if not reasons and row["state"] == "resolved":
        return Line((speak("told_nobody"),), "bad")
    joined = ("；" if speak.language == "zh-CN" else "; ").join(reasons or [speak("told_nobody_yet")])
    return Line((speak("told_nobody_because", reasons=joined),), "bad")


def measured(speak: Speaker, readings: dict[str, kpi.Reading]) -> Section:
    lines = []
    for name, one in readings.items():
        if not one.bar.framework:
            continue
        took = speak.took((one.ended_at - one.started_at).total_seconds()) if one.started_at and one.ended_at else "—"
        times = f"{speak.clock(one.started_at)} – {speak.clock(one.ended_at)}" if one.started_at else "—"
        mark: Mark = "good" if one.state == "met" else "bad" if one.state == "breached" else ""
        lines.append(Line((speak(f"bar.{name}"), times, took, speak(f"clock_is.{one.state}")), mark))
    return Section(speak("clocks"), tuple(speak(one) for one in ("clock", "from_to", "took", "verdict")), lines, "" if lines else speak("none"))


def timeline_line(speak: Speaker, one: Row) -> Line:
    mark: Mark = "bad" if one["kind"] in BAD else "good" if one["kind"] in GOOD else ""
    return Line((str(one["n"]), speak.clock(one["at"]), speak.sentence(one["kind"], one["actor"], one["params"])), mark)


def notification_line(speak: Speaker, one: Row) -> Line:
    result = speak.word("report", "sent_state", one["state"]) + (f": {one['error']}" if one["error"] else "")
    times = (speak.clock(one["created_at"]), speak.clock(one["sent_at"]), speak.clock(one["delivered_at"]))
    cells = (one["person"], one["channel"], speak.word("report", "say", one["message"]), *times, result)
    return Line(tuple(clean(cell) for cell in cells), "bad" if one["state"] == "failed" else "")


def offer_line(speak: Speaker, one: Row) -> Line:
    km = speak("km", km=f"{one['distance_m'] / 1000:.1f}")
    return Line((clean(one["person"]), km, speak.clock(one["offered_at"]), speak.word("report", "offer_state", one["state"])))


def response_line(speak: Speaker, one: Row) -> Line:
    times = tuple(speak.clock(one[name]) for name in ("accepted_at", "on_the_way_at", "there_at", "ended_at"))
    return Line((clean(one["person"]), *times, speak.word("report", "ended_as", one["ended"])), "bad" if one["ended"] == "dropped" else "")


#: Each table: whence its rows come, its heads, and how a row is said.
TABLES: dict[str, tuple[LiteralString, tuple[str, ...], Callable[[Speaker, Row], Line]]] = {
    "timeline": (QUERIES["report_timeline"], ("line", "at", "event"), timeline_line),
    "notifications": (
        QUERIES["report_notifications"], ("person", "channel", "message", "created", "sent", "delivered", "result"), notification_line,
    ),
    "offers": (QUERIES["report_offers"], ("person", "distance", "at", "result"), offer_line),
    "responses": (QUERIES["report_responses"], ("person", "accepted", "on_the_way", "there", "ended", "result"), response_line),
}  # fmt: skip


def section(speak: Speaker, name: str, rows: Sequence[Row]) -> Section:
    _, heads, line = TABLES[name]
    note = speak("more", count=MOST_LINES) if len(rows) > MOST_LINES else "" if rows else speak("none")
    return Section(speak(name), tuple(speak(head) for head in heads), [line(speak, one) for one in rows[:MOST_LINES]], note)


async def proof(conn: db.Connection, speak: Speaker, alert_id: int) -> Section:
    """The chain, checked now by other code than wrote it; the head and its seal, to be compared with what others keep."""
    found = timeline.Verdict()
    async with conn.transaction():
        await timeline.check_chains(conn, alert_id, found)
    last = await db.one(await conn.execute(alert.QUERIES["seal_of_alert"], {"id": alert_id}))
    whole = speak("chain_whole", lines=found.lines) if not found.broken else speak("chain_broken", why=found.broken[0])
    seal = speak("sealed", seal=last["seal"], hash=last["seal_hash"]) if last["seal"] else speak("not_sealed")
    said = [Line((whole,), "bad" if found.broken else "good"), Line((speak("head", line=last["n"], head=last["head"]),)), Line((seal,))]
    return Section(speak("proof"), (), said)
