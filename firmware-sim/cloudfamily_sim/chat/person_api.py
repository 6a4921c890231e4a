"""The people's side: the page, and what it and the tests do over HTTP. Any caller may be anybody."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import partial
from importlib import resources
from typing import Any

from aiohttp import web

from cloudfamily_sim.chat import bell, shape
from cloudfamily_sim.chat.errors import ChatRefusal
from cloudfamily_sim.chat.message import ChatPerson
from cloudfamily_sim.chat.room import Room

KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
#: The page needs nothing from anywhere else, so the browser may fetch nothing from anywhere else.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' data:; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
STREAM_LIMIT = 200
PING_S = 15.0

dumps = partial(json.dumps, ensure_ascii=False)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PersonApi:
    def __init__(self, room: Room) -> None:
        self.room = room
        self.closing = False
        self._streams = 0
        page = resources.files("cloudfamily_sim.chat") / "page"
        self._page = {file.name: file.read_bytes() for file in page.iterdir() if file.is_file()}

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/{name:[a-z.]*}", self._file)
        app.router.add_get("/api/people", _refusals(self._people))
        app.router.add_get("/api/chats/{chat_id:[0-9]{1,18}}/messages", _refusals(self._messages))
        app.router.add_post("/api/chats/{chat_id:[0-9]{1,18}}/say", _refusals(self._say))
        app.router.add_post("/api/chats/{chat_id:[0-9]{1,18}}/press", _refusals(self._press))
        app.router.add_get("/api/stream", _refusals(self._stream))

    def close(self) -> None:
        """Ends the live streams; the pages reconnect by themselves."""
        self.closing = True
        self.room.journal.bell.ring()

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info["name"] or "index.html"
        kind = KINDS.get(name.rpartition(".")[2])
        if name not in self._page or kind is None:
            raise web.HTTPNotFound
        return web.Response(body=self._page[name], content_type=kind, charset="utf-8", headers=HEADERS)

    async def _people(self, request: web.Request) -> web.Response:
        """`position`: the last event contained in this; `sent`: how many messages the bot ever sent there."""
        return _response(
            {
                "people": [self._person(person) for person in self.room.people.values()],
                "bot": {"name": shape.BOT_NAME, "username": shape.BOT_USERNAME},
                "commands": self.room.commands,
                "position": self.room.journal.position,
            }
        )

    def _person(self, person: ChatPerson) -> dict[str, Any]:
        messages = self.room.messages(person.chat_id)
        return {
            "chat_id": person.chat_id,
            "name": person.name,
            "role": person.role,
            "language": person.language,
            "sent": self.room.sent[person.chat_id],
            "last": shape.for_page(messages[-1]) if messages else None,
        }

    async def _messages(self, request: web.Request) -> web.Response:
        messages = self.room.messages(int(request.match_info["chat_id"]))
        return _response({"messages": [shape.for_page(message) for message in messages]})

    async def _say(self, request: web.Request) -> web.Response:
        body = await _body(request)
        message = self.room.say(int(request.match_info["chat_id"]), _text(body, "text"))
        return _response({"message": shape.for_page(message)})

    async def _press(self, request: web.Request) -> web.Response:
        body = await _body(request)
        message_id = body.get("message_id")
        if not isinstance(message_id, int):
            raise _invalid("message_id")
        query_id = self.room.press(int(request.match_info["chat_id"]), message_id, _text(body, "data"))
        return _response({"query_id": query_id})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """Events message, answer, commands; `reset` when the position is not known: load everything again."""
        if self._streams >= STREAM_LIMIT:
            raise ChatRefusal(503, "too_many_pages", "Too many pages are open.", "打开的页面太多了。")
        self._streams += 1
        try:
            return await self._follow(request)
        finally:
            self._streams -= 1

    async def _follow(self, request: web.Request) -> web.StreamResponse:
        journal = self.room.journal
        after = request.headers.get("Last-Event-ID") or request.query.get("after", "")
        position = int(after) if after.isascii() and after.isdigit() and len(after) < 19 else journal.position
        response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        await response.write(b"retry: 1000\n\n")
        while not self.closing:
            rung = journal.bell.listen()
            entries = journal.since(position)
            if entries is None:
                position = journal.position
                await response.write(f"id: {position}\nevent: reset\ndata: {{}}\n\n".encode())
            elif entries:
                position = entries[-1].id
                await response.write(b"".join(entry.wire for entry in entries))
            elif not await bell.heard(rung, PING_S):
                await response.write(b": ping\n\n")
        return response


def _refusals(handler: Handler) -> Handler:
    """ChatRefusal as JSON with its status."""

    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except ChatRefusal as refusal:
            error = {"code": refusal.code, "message": refusal.message, "message_zh": refusal.message_zh}
            return _response({"error": error}, refusal.status)

    return answered


async def _body(request: web.Request) -> dict[str, Any]:
    """Only JSON: a foreign page cannot send that without asking first, and is not answered when it asks."""
    if request.content_type != "application/json":
        raise ChatRefusal(415, "json_please", "Send application/json.", "请发送 application/json。")
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        raise _invalid("body") from None
    if not isinstance(body, dict):
        raise _invalid("body")
    return body


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise _invalid(name)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _invalid(name) from None
    return value


def _invalid(name: str) -> ChatRefusal:
    return ChatRefusal(400, "invalid", f"{name} is missing or wrong.", f"{name} 缺失或不正确。")


def _response(body: dict[str, Any], status: int = 200) -> web.Response:
    return web.json_response(body, status=status, dumps=dumps, headers=HEADERS)
