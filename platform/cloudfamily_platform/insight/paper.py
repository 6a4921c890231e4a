"""The report as a page and as a PDF. What people wrote is data here: it is never part of a page's or a document's source."""

from __future__ import annotations

import json
import re
import unicodedata
import xml.etree.ElementTree as ET
from dataclasses import asdict
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any, Literal

import typst

from cloudfamily_platform.core import errors
from cloudfamily_platform.core.texts import say
from cloudfamily_platform.insight.report import Report, Section

#: Families with Chinese characters, the best first.
CHINESE = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "Source Han Sans", "Microsoft YaHei", "PingFang SC", "Hiragino Sans GB",
    "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Noto Serif CJK SC", "Noto Serif SC", "SimSun", "SimHei", "Droid Sans Fallback",
)  # fmt: skip
EMOJI_FONTS = ("Noto Color Emoji", "Noto Emoji", "Apple Color Emoji", "Segoe UI Emoji", "Twitter Color Emoji")
HAN = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")
EMOJI = re.compile("[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]")
#: They join emoji into one, or give it a skin; a name needs neither.
JOINERS = re.compile("[\u200d\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")
#: A word longer than this may break anywhere on paper.
LONG_WORD = re.compile(r"[^\s\u2e80-\u9fff\u200b]{24,}")


class NoFont(errors.Refusal):
    """The machine has no font for what a document says."""

    code = "no_font"


def css() -> str:
    return (resources.files(__package__) / "paper.css").read_text(encoding="utf-8")


def page(report: Report, pdf_url: str) -> str:
    """A whole HTML page without scripts; its style is at /api/report.css."""
    html = ET.Element("html", {"lang": report.language})
    head = ET.SubElement(html, "head")
    ET.SubElement(head, "meta", {"charset": "utf-8"})
    ET.SubElement(head, "meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"})
    ET.SubElement(head, "title").text = report.title
    ET.SubElement(head, "link", {"rel": "stylesheet", "href": "/api/report.css"})
    main = ET.SubElement(ET.SubElement(html, "body"), "main")
    header = ET.SubElement(main, "header")
    ET.SubElement(header, "p", {"class": "brand"}).text = report.brand
    ET.SubElement(header, "h1").text = report.title
    ET.SubElement(header, "a", {"class": "pdf", "href": pdf_url}).text = say(report.language, "report.pdf")
    facts = ET.SubElement(main, "dl")
    for label, value in report.facts:
        ET.SubElement(facts, "dt").text = label
        ET.SubElement(facts, "dd", {"dir": "auto"}).text = value
    ET.SubElement(main, "p", {"class": f"told {report.told.mark}"}).text = report.told.cells[0]
    for section in report.sections:
        table(main, section)
    proof = ET.SubElement(main, "section", {"class": "proof"})
    ET.SubElement(proof, "h2").text = report.proof.title
    for line in report.proof.lines:
        ET.SubElement(proof, "p", {"class": line.mark}).text = line.cells[0]
    ET.SubElement(ET.SubElement(main, "footer"), "p").text = report.printed
    return "<!doctype html>\n" + ET.tostring(html, encoding="unicode", method="html")


def table(main: ET.Element, section: Section) -> None:
    part = ET.SubElement(main, "section")
    ET.SubElement(part, "h2").text = section.title
    if section.note:
        ET.SubElement(part, "p", {"class": "note"}).text = section.note
    if not section.lines:
        return
    made = ET.SubElement(part, "table", {"class": f"of{len(section.heads)}"})
    heads = ET.SubElement(ET.SubElement(made, "thead"), "tr")
    for head in section.heads:
        ET.SubElement(heads, "th", {"scope": "col"}).text = head
    body = ET.SubElement(made, "tbody")
    for line in section.lines:
        row = ET.SubElement(body, "tr", {"class": line.mark})
        for cell in line.cells:
            ET.SubElement(row, "td", {"dir": "auto"}).text = cell


@cache
def fonts() -> typst.Fonts:
    """The machine's and typst's own. Looked for once in a process."""
    return typst.Fonts()


def pdf(report: Report, now: datetime, form: Literal["pdf", "png"] = "pdf") -> bytes:
    """PDF/A-2u, which says its text to machines too (ISO 19005-2). Blocks: call it in a thread. `form` png: its first page, to look at.

    Raises NoFont when it says something in Chinese and there is no font for it.
    """
    families = set(fonts().families())
    chinese = next((one for one in CHINESE if one in families), None)
    data = json.dumps(asdict(report), ensure_ascii=False)
    if chinese is None and HAN.search(data):
        raise NoFont
    emoji = next((one for one in EMOJI_FONTS if one in families), None)
    family = [one for one in (chinese, "Libertinus Serif" if chinese is None else None, emoji) if one]
    inputs = {"report": json.dumps(settable(asdict(report), keep_emoji=emoji is not None), ensure_ascii=False), "fonts": json.dumps(family)}
    inputs["page"] = say(report.language, "report.page", page="\ue000", pages="\ue001")
    source = (resources.files(__package__) / "paper.typ").read_bytes()
    more: dict[str, Any] = {"pdf_standards": ["a-2u"], "timestamp": int(now.timestamp())} if form == "pdf" else {"ppi": 110.0}
    made = typst.Compiler(source, font_paths=fonts(), sys_inputs=inputs).compile(format=form, **more)
    found = made[0] if isinstance(made, list) else made
    if found is None:
        raise RuntimeError("typst gave nothing")
    return found


def settable(value: Any, *, keep_emoji: bool) -> Any:
    """The same data, with words that fit on paper: emoji without a font by their names, long words breakable."""
    if isinstance(value, str):
        text = value if keep_emoji else EMOJI.sub(named, JOINERS.sub("", value))
        return LONG_WORD.sub(lambda word: "\u200b".join(word[0][i : i + 8] for i in range(0, len(word[0]), 8)), text)
    if isinstance(value, dict):
        return {key: settable(one, keep_emoji=keep_emoji) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [settable(one, keep_emoji=keep_emoji) for one in value]
    return value


def named(found: re.Match[str]) -> str:
    return f"[{unicodedata.name(found[0], 'emoji').lower()}]"
