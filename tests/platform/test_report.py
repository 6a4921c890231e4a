"""The report of an alert: for the family or an inspector, on a page and on paper, and what people wrote stays what they wrote."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from datetime import datetime
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cloudfamily_platform.alerts import alert, deliver, escalate, respond, timeline
from cloudfamily_platform.alerts.channel import ChannelError, Limits, Receipt
from cloudfamily_platform.core import errors
from cloudfamily_platform.insight import paper, report

ZONE = ZoneInfo("Asia/Shanghai")
NASTY = '<script>alert(1)</script> #panic("x") $x$ #read("/etc/passwd") {actor} \u202egnp.exe \x07 👵🏽 مرحبا ' + "长" * 300 + "x" * 300


class Chat:
    """Takes everything but for the one chat that is gone."""

    limits, edits = Limits(per_second=1000, burst=1000), False

    async def send(self, address: str, what: object, key: str) -> Receipt:
        if address == "9":
            raise ChannelError("chat not found", permanent=True)
        return Receipt()


@pytest.fixture
def story(world: Any, alarm: Callable[..., int]) -> Any:
    """A call that a volunteer answers after 45 s; the son's chat is gone, and an aunt has none."""
    home = world.home()
    people = {"daughter": world.family(home, "daughter", 1, chat=1), "son": world.family(home, "son", 2, chat=9)}
    people["aunt"] = world.family(home, "aunt", 3)
    people["operator"] = world.person("operator", "operator", chat=3, language="en")
    people["volunteer"] = world.responder("volunteer", chat=2)
    alert_id = alarm()
    stages = [*escalate.STAGES, *deliver.stages({"telegram": Chat()}, ZONE)]  # type: ignore[dict-item]
    for wait_s in (2, 30):
        world.wait(seconds=wait_s)
        world.drain(*stages)
    world.wait(seconds=13)
    world.run(respond.accept(world.conn, alert_id, people["volunteer"], world.now))
    world.wait(minutes=46)
    world.run(respond.move(world.conn, alert_id, people["volunteer"], "there", world.now))
    world.run(respond.add_note(world.conn, alert_id, people["daughter"], NASTY, world.now))
    world.drain(*stages)
    return alert_id, people


def made(world: Any, alert_id: int, person: Any, **more: Any) -> report.Report:
    values = {"form": "report_read", "language": None, "zone": ZONE, "now": world.now} | more
    found: report.Report = world.run(report.make(world.conn, alert_id, person, **values))
    return found


def texts(one: report.Report, section: int) -> list[str]:
    return [" | ".join(line.cells) for line in one.sections[section].lines]


def test_who_knew_what_when(world: Any, story: Any) -> None:
    alert_id, people = story
    found = made(world, alert_id, people["operator"])
    facts = dict(found.facts)
    assert (facts["What"], facts["Severity"], facts["Escalation policy"]) == ("Emergency call", "life safety", "critical, version 1")
    assert (facts["Raised"], facts["State"]) == ("2026-11-23 16:00:00 (Asia/Shanghai)", "somebody is there")
    assert found.told.cells == ("3 people were told, the first 2 s after the alarm.",)
    assert texts(found, 0)[:4] == [
        "Answered within 60 s (97.5 % of all) | 11-23 16:00:00 – 11-23 16:00:45 | 45 s | met",
        "Answered within 180 s (99 % of all) | 11-23 16:00:00 – 11-23 16:00:45 | 45 s | met",
        "Somebody there within 45 min of the decision to send (90 % of all) | 11-23 16:00:45 – 11-23 16:46:45 | 46 min 0 s | not met",
        "Somebody there within 60 min of the decision to send (all) | 11-23 16:00:45 – 11-23 16:46:45 | 46 min 0 s | met",
    ]
    lines = texts(found, 1)
    assert lines[0] == "1 | 11-23 16:00:00 | Alarm raised"
    assert any("测试·aunt could not be told: no way to reach them" in line for line in lines)
    assert any("测试·son could not be told: their chat refuses messages" in line for line in lines)
    assert lines[-1].endswith("测试·operator read the report")  # it is part of what it reads
    assert "测试·son | telegram | alarm | 11-23 16:00:32 | — | — | failed: chat not found" in texts(found, 2)
    assert texts(found, 4) == ["测试·volunteer | 11-23 16:00:45 | — | 11-23 16:46:45 | — | —"]
    assert found.printed == "Made on 2026-11-23 16:46:45 (Asia/Shanghai) by 测试·operator."


def test_in_the_readers_language_or_the_one_asked_for(world: Any, story: Any) -> None:
    alert_id, people = story
    assert made(world, alert_id, people["daughter"]).title == f"警报 {alert_id} 处置报告"
    assert made(world, alert_id, people["daughter"], language="en").title == f"Report on alert {alert_id}"


def test_nobody_was_told_because(world: Any, alarm: Callable[..., int]) -> None:
    home = world.home()
    aunt = world.family(home, "aunt")
    alert_id = alarm()
    assert made(world, alert_id, aunt, language="en").told.cells == ("Nobody was told, because nobody's turn has come yet.",)
    for wait_s in (0, 30):
        world.wait(seconds=wait_s)
        world.drain(*escalate.STAGES)
    assert made(world, alert_id, aunt, language="en").told == report.Line(("Nobody was told, because 1 people could not be reached in any way.",), "bad")
    world.person("operator", "operator", chat=9)
    world.wait(seconds=120)
    world.drain(*escalate.STAGES)
    assert "因为有 1 条消息等待发送；有 1 人没有任何联系方式可用。" in made(world, alert_id, aunt).told.cells[0]


def test_the_proof(world: Any, story: Any) -> None:
    alert_id, people = story
    first = made(world, alert_id, people["operator"]).proof
    assert first.lines[0].cells[0].endswith("lines of this timeline were checked when this was made: none was changed, taken away or put in.")
    assert first.lines[2].cells == ("The last line is not sealed yet; seals are made every hour.",)
    world.run(timeline.seal(world.conn, world.now))
    last = world.rows("SELECT n, encode(hash, 'hex') AS head FROM alert_event ORDER BY id DESC LIMIT 1")[0]
    seal = world.value("SELECT encode(hash, 'hex') FROM timeline_seal")
    lines = made(world, alert_id, people["operator"]).proof.lines
    assert [line.cells[0] for line in lines[1:]] == [f"Hash of the last line (line {last['n']}): {last['head']}", f"Seal 1: {seal}"]
    world.sync.execute("ALTER TABLE alert_event DISABLE TRIGGER USER; UPDATE alert_event SET params = '{\"x\": 1}' WHERE n = 1")
    broken = made(world, alert_id, people["operator"]).proof.lines[0]
    assert (broken.mark, broken.cells[0].startswith(f"The chain of this timeline is broken. Alert {alert_id}, line 1 (event ")) == ("bad", True)


def test_who_may_read_it_and_that_they_did(world: Any, story: Any, timeline: Callable[..., list[str]]) -> None:
    alert_id, people = story
    other = world.insert("district", code="changzhou", name_zh="长洲", name_en="Changzhou")
    elsewhere = world.person("elsewhere")
    world.insert("role", person_id=elsewhere.id, role="operator", district_id=other)
    for stranger in (
        elsewhere,
        people["volunteer"],
        world.family(world.home("WX-002"), "neighbour"),
        world.person("canary", "operator", canary=True, city=True),
    ):
        with pytest.raises(errors.NotFound):
            made(world, alert_id, stranger)
    with pytest.raises(errors.NotFound):
        made(world, 999_999, people["operator"])
    before = len(timeline(alert_id))
    for minutes in (0, 30, 31):
        world.wait(minutes=minutes)
        made(world, alert_id, people["daughter"])
    made(world, alert_id, people["daughter"], form="report_printed")
    made(world, alert_id, people["daughter"], form="report_printed")
    assert timeline(alert_id)[before:] == ["report_read daughter", "report_read daughter", "report_printed daughter", "report_printed daughter"]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.found.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_what_people_wrote_is_text_on_the_page(world: Any, story: Any) -> None:
    alert_id, people = story
    world.sync.execute("UPDATE person SET name = '<img src=x onerror=alert(1)>' WHERE code = 'daughter'")
    page = paper.page(made(world, alert_id, people["operator"]), f"/api/alerts/{alert_id}/report.pdf")
    tags = Tags()
    tags.feed(page)
    assert tags.found <= {"html", "head", "meta", "title", "link", "body", "main", "header", "p", "h1", "h2", "a", "dl", "dt", "dd"} | {
        "section", "table", "thead", "tbody", "tr", "th", "td", "footer",
    }  # fmt: skip
    assert "<script>alert(1)</script>" in tags.text
    assert "<img src=x onerror=alert(1)>" in tags.text
    assert not set("\u202e\x07") & set(page)


def test_what_people_wrote_is_text_on_paper(world: Any, story: Any) -> None:
    """Were any of it source, #panic would end the making, and #read would ask for a file."""
    alert_id, people = story
    for name in ('#panic("name")', "*bold* = head", '"; #panic("quote") //', "\\", "`", "$", "@x <y>", "[", "]", "{", "#{", "/*", "", "\ue000"):
        world.sync.execute("UPDATE person SET name = %s WHERE code = 'daughter'", [name])
        body = paper.pdf(made(world, alert_id, people["operator"]), world.now)
        assert body.startswith(b"%PDF-")
    assert b"pdfaid" in body  # it says that it is PDF/A
    assert paper.pdf(made(world, alert_id, people["operator"]), world.now).startswith(b"%PDF-")
    assert b"/JavaScript" not in b"".join(streams(body))


def streams(body: bytes) -> list[bytes]:
    found = [body]
    for part in body.split(b"stream\n")[1:]:
        try:
            found.append(zlib.decompressobj().decompress(part))
        except zlib.error:
            continue
    return found


def test_an_unknown_event_and_one_without_its_words_are_told_as_written(world: Any, story: Any) -> None:
    alert_id, people = story
    world.run(alert.add_event(world.conn, alert_id, "of_tomorrow", world.now, params={"x": "{y}"}))
    world.run(alert.add_event(world.conn, alert_id, "escalated", world.now))
    lines = texts(made(world, alert_id, people["operator"]), 1)
    assert any("of_tomorrow  {'x': '{y}'}" in line for line in lines)
    assert any("| escalated" in line for line in lines)


def test_a_long_story_has_its_end_in_reach(world: Any, story: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    alert_id, people = story
    monkeypatch.setattr(report, "MOST_LINES", 5)
    section = made(world, alert_id, people["operator"]).sections[1]
    assert (len(section.lines), section.note) == (5, "Only the first 5 lines are shown here.")


def test_without_a_chinese_font_it_says_what_to_install(world: Any, story: Any, site: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    alert_id, people = story
    monkeypatch.setattr(paper, "CHINESE", ())
    english = made(world, alert_id, people["operator"])
    with pytest.raises(paper.NoFont):
        paper.pdf(english, world.now)

    async def ask() -> None:
        async with site() as here:
            status, body = await (await here.client(people["operator"])).get(f"/api/alerts/{alert_id}/report.pdf")
            assert (status, body["error"]["code"]) == (503, "no_font")
            assert "fonts-noto-cjk" in body["error"]["message"]

    world.run(ask())


def test_over_http(world: Any, story: Any, site: Callable[..., Any]) -> None:
    alert_id, people = story

    async def ask() -> None:
        async with site() as here:
            daughter = await here.client(people["daughter"])
            async with daughter.http.get(f"/api/alerts/{alert_id}/report?lang=en") as answer:
                text = await answer.text()
                assert (answer.status, answer.content_type) == (200, "text/html")
                assert "script-src" not in answer.headers["Content-Security-Policy"]
                assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
                assert f"Report on alert {alert_id}" in text
                assert "style=" not in text
            async with daughter.http.get("/api/report.css") as answer:
                assert (answer.status, answer.content_type) == (200, "text/css")
            bodies = await asyncio.gather(*(pdf(daughter, alert_id) for _ in range(4)))
            assert all(body.startswith(b"%PDF-") for body in bodies)
            assert (await (await here.client(people["volunteer"])).text(f"/api/alerts/{alert_id}/report"))[0] == 404
            assert (await here.stranger().text(f"/api/alerts/{alert_id}/report"))[0] == 401
            assert (await daughter.text(f"/api/alerts/{alert_id}/report?lang=fr"))[0] == 422

    world.run(ask())


async def pdf(client: Any, alert_id: int) -> bytes:
    async with client.http.get(f"/api/alerts/{alert_id}/report.pdf") as answer:
        assert (answer.status, answer.content_type) == (200, "application/pdf")
        return bytes(await answer.read())


def test_times_are_the_homes_own(world: Any, story: Any) -> None:
    alert_id, people = story
    world.sync.execute("UPDATE home SET timezone = 'Europe/London'")
    assert dict(made(world, alert_id, people["operator"]).facts)["Raised"] == "2026-11-23 08:00:00 (Europe/London)"
    assert datetime.fromisoformat("2026-11-23T08:00:00+00:00") == world.value("SELECT opened_at FROM alert")
