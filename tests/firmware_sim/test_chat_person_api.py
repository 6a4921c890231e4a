"""What the page of the local Telegram asks over HTTP: people, messages, say, press, the live stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from cloudfamily_sim.chat import ChatPerson, ChatServer

ANNA = 7
Event = tuple[str, str, dict[str, Any]]


@asynccontextmanager
async def served() -> AsyncIterator[tuple[ChatServer, aiohttp.ClientSession]]:
    server = ChatServer("127.0.0.1", 0, [ChatPerson(ANNA, "Anna", "caregiver", "en")])
    async with aiohttp.ClientSession(await server.start()) as http:
        try:
            yield server, http
        finally:
            await server.stop()


async def bot_sends(http: aiohttp.ClientSession, **body: Any) -> int:
    async with http.post("/bot1:x/sendMessage", json={"chat_id": ANNA, **body}) as response:
        return int((await response.json())["result"]["message_id"])


async def events(http: aiohttp.ClientSession, count: int, **options: Any) -> list[Event]:
    """The next events of the live stream: (id, event, data)."""
    found: list[Event] = []
    async with asyncio.timeout(60), http.get("/api/stream", **options) as response:
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        while len(found) < count:
            lines = (await response.content.readuntil(b"\n\n")).decode().splitlines()
            fields = dict(line.split(": ", 1) for line in lines if line and not line.startswith(":"))
            if "event" in fields:
                found.append((fields["id"], fields["event"], json.loads(fields["data"])))
    return found


def test_people_messages_say_and_press() -> None:
    async def story() -> None:
        async with served() as (server, http):
            row = [{"text": "I go", "callback_data": "go"}, {"text": "Map", "url": "https://example.org/"}]
            sent = await bot_sends(http, text="<b>Help</b>", parse_mode="HTML", reply_markup={"inline_keyboard": [row]})
            room = await (await http.get("/api/people")).json()
            (anna,) = room["people"]
            assert (anna["name"], anna["role"], anna["language"], anna["sent"]) == (
                "Anna",
                "caregiver",
                "en",
                1,
            )
            assert anna["last"]["text"] == "Help"
            assert room["bot"]["username"] == "cloud_family_bot"

            said = await (await http.post(f"/api/chats/{ANNA}/say", json={"text": "/help me"})).json()
            assert said["message"]["entities"] == [{"type": "bot_command", "offset": 0, "length": 5}]
            press = {"message_id": sent, "data": "go"}
            pressed = await (await http.post(f"/api/chats/{ANNA}/press", json=press)).json()
            assert pressed["query_id"]
            assert server.unconfirmed() == 2
            messages = (await (await http.get(f"/api/chats/{ANNA}/messages")).json())["messages"]
            assert [(one["from"], one["text"]) for one in messages] == [
                ("bot", "Help"),
                ("person", "/help me"),
            ]
            assert messages[0]["buttons"] == [[{"text": "I go", "data": "go"}, {"text": "Map", "url": "https://example.org/"}]]

    asyncio.run(story())


def test_refusals_speak_both_languages() -> None:
    async def story() -> None:
        async with served() as (_, http):
            sent = await bot_sends(http, text="no buttons")
            cases: list[tuple[str, Any, int, str]] = [
                ("/api/chats/99/say", {"text": "x"}, 404, "unknown_chat"),
                (f"/api/chats/{ANNA}/say", {"text": "  "}, 400, "text_is_empty"),
                (f"/api/chats/{ANNA}/say", {"text": 5}, 400, "invalid"),
                (f"/api/chats/{ANNA}/say", ["x"], 400, "invalid"),
                (f"/api/chats/{ANNA}/press", {"message_id": sent, "data": "go"}, 409, "no_such_button"),
                (f"/api/chats/{ANNA}/press", {"message_id": "1", "data": "go"}, 400, "invalid"),
            ]
            for path, body, status, code in cases:
                async with http.post(path, json=body) as response:
                    error = (await response.json())["error"]
                assert (response.status, error["code"]) == (status, code), path
                assert error["message"]
                assert error["message_zh"]
            # A form from a foreign page would not be asked about by the browser first.
            async with http.post(f"/api/chats/{ANNA}/say", data='{"text": "x"}') as response:
                assert response.status == 415
            async with http.get("/secrets.txt") as response:
                assert response.status == 404

    asyncio.run(story())


def test_the_stream_goes_on_where_it_was_or_says_that_it_cannot() -> None:
    async def story() -> None:
        async with served() as (server, http):
            position = (await (await http.get("/api/people")).json())["position"]
            sent = await bot_sends(http, text="one")
            server.say(ANNA, "two")
            first, second = await events(http, 2, params={"after": position})
            assert (first[1], first[2]["change"], first[2]["message"]["id"]) == ("message", "new", sent)
            assert (second[2]["chat_id"], second[2]["message"]["text"]) == (ANNA, "two")
            assert await events(http, 1, headers={"Last-Event-ID": first[0]}) == [second]

            waiting = asyncio.create_task(events(http, 1))
            await asyncio.sleep(0.1)
            await http.post("/bot1:x/deleteMessage", json={"chat_id": ANNA, "message_id": sent})
            assert (await waiting)[0][2]["change"] == "deleted"

            for number in range(1001):
                server.say(ANNA, str(number)) if number < 900 else await bot_sends(http, text=str(number))
            assert (await events(http, 1, headers={"Last-Event-ID": first[0]}))[0][1] == "reset"
            assert (await events(http, 1, params={"after": "1"}))[0][1] == "reset"

    asyncio.run(story())
