"""Telegram's HTML (https://core.telegram.org/bots/api#html-style) to plain text with marked spans.

As strict as Telegram: a bare `<` or an unknown tag is an error, so a bot that forgets to escape a name finds
out here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from cloudfamily_sim.chat.errors import BotApiError, bad_request
from cloudfamily_sim.chat.message import Entity

KINDS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "code": "code", "pre": "pre",
    "blockquote": "blockquote", "tg-spoiler": "spoiler", "a": "text_link",
}  # fmt: skip
NAME = r"&(lt|gt|amp|quot|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});"
TOKEN = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)?([^<>]*)(>?)|" + NAME + r"|[^<&]+|&")
HREF = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
#: Only these open anything; Telegram keeps the text of other links and drops the link.
LINK = re.compile(r"(?:https?|tg)://[^\s]+", re.IGNORECASE)
#: What Telegram finds in a text without any mark-up.
FOUND = re.compile(r"(?P<bot_command>(?<![\w/])/[a-zA-Z0-9_]{1,32}\b(?![/.]))|(?P<url>https?://[^\s<>\"，。；、）]+)")
ENTITY_LIMIT = 100


def utf16(text: str) -> int:
    """The length as Telegram counts it."""
    return len(text.encode("utf-16-le")) // 2


@dataclass
class _Open:
    tag: str
    offset: int
    url: str | None


@dataclass
class _Parse:
    """The state between two tokens."""

    text: list[str] = field(default_factory=list)
    length: int = 0
    open: list[_Open] = field(default_factory=list)
    entities: list[Entity] = field(default_factory=list)

    def add(self, text: str) -> None:
        self.text.append(text)
        self.length += utf16(text)

    def start(self, tag: str, attributes: str, at: int) -> None:
        if tag not in KINDS:
            raise _unparsed(_unsupported(tag, at))
        href = HREF.search(attributes) if tag == "a" else None
        url = next((group for group in href.groups() if group is not None), None) if href else None
        self.open.append(_Open(tag, self.length, _unescape(url) if url else None))

    def end(self, tag: str, at: int) -> None:
        if not self.open:
            raise _unparsed(f"Unexpected end tag at byte offset {at}")
        last = self.open.pop()
        if tag and tag != last.tag:
            expected = f'expected "</{last.tag}>", found "</{tag}>"'
            raise _unparsed(f"Unmatched end tag at byte offset {at}, {expected}")
        kind, length = KINDS[last.tag], self.length - last.offset
        if length and (kind != "text_link" or (last.url and LINK.fullmatch(last.url))):
            self.entities.append(Entity(kind, last.offset, length, last.url))


def parse(html: str) -> tuple[str, tuple[Entity, ...]]:
    """The trimmed plain text and its spans. Raises BotApiError 400 in Telegram's words, with byte offsets."""
    state = _Parse()
    for token in TOKEN.finditer(html):
        at = len(html[: token.start()].encode())
        end, tag, attributes, closed, named = token.groups()
        if not token[0].startswith("<"):
            state.add(_character(named) if named else token[0])
        elif not closed:
            raise _unparsed(f"Unclosed start tag at byte offset {at}" if tag else _unsupported("", at))
        elif end:
            state.end((tag or "").lower(), at)
        else:
            state.start((tag or "").lower(), attributes, at)
    if state.open:
        raise _unparsed(f'Can\'t find end tag corresponding to start tag "{state.open[-1].tag}"')
    return finish("".join(state.text), state.entities)


def finish(text: str, marked: list[Entity]) -> tuple[str, tuple[Entity, ...]]:
    """Trims the text, moves the spans with it, adds the commands and links that Telegram finds by itself."""
    trimmed = text.strip()
    lead, length = utf16(text[: len(text) - len(text.lstrip())]), utf16(trimmed)
    entities = []
    for entity in marked:
        start, stop = max(entity.offset - lead, 0), min(entity.offset - lead + entity.length, length)
        if start < stop:
            entities.append(replace(entity, offset=start, length=stop - start))
    linked = [entity for entity in entities if entity.kind in ("text_link", "code", "pre")]
    for found in FOUND.finditer(trimmed):
        start = utf16(trimmed[: found.start()])
        stop = start + utf16(found[0])
        if not any(entity.offset < stop and start < entity.offset + entity.length for entity in linked):
            entities.append(Entity(str(found.lastgroup), start, stop - start))
    return trimmed, tuple(sorted(entities, key=lambda entity: (entity.offset, -entity.length))[:ENTITY_LIMIT])


def _unparsed(reason: str) -> BotApiError:
    return bad_request(f"can't parse entities: {reason}")


def _unsupported(tag: str, at: int) -> str:
    return f'Unsupported start tag "{tag}" at byte offset {at}'


def _character(name: str) -> str:
    if name in NAMED:
        return NAMED[name]
    code = int(name[2:], 16) if name[1] in "xX" else int(name[1:])
    usable = 0 < code < 0x110000 and not 0xD800 <= code < 0xE000
    return chr(code) if usable else f"&{name};"


def _unescape(url: str) -> str:
    return re.sub(NAME, lambda match: _character(match[1]), url)
