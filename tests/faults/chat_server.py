"""A small Bot API server that outlives being killed: every message that it took is a line of its journal before it is answered.

`python chat_server.py PORT JOURNAL SEED`. Now and then it answers 429 or 500, hangs, or takes a message and dies before the answer.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from pathlib import Path

from aiohttp import web


class ChatServer:
    def __init__(self, journal: Path, seed: str) -> None:
        self.journal, self.rng = journal.open("a", encoding="utf-8"), random.Random(seed)
        self.number = int(time.time() * 1000) % 1_000_000_000

    async def call(self, request: web.Request) -> web.Response:
        method = request.match_info["method"].lower()
        fields = {**request.query, **{key: str(value) for key, value in (await request.post()).items()}} if request.can_read_body else dict(request.query)
        if method == "getupdates":
            await asyncio.sleep(5)
            return self.ok([])
        if method == "getme":
            return self.ok({"id": 1, "is_bot": True, "first_name": "bot", "username": "bot"})
        if method not in ("sendmessage", "editmessagetext", "editmessagereplymarkup"):
            return self.ok(True)
        mood = self.rng.random()
        if mood < 0.03:
            return web.json_response({"ok": False, "error_code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 1}}, status=429)
        if mood < 0.06:
            return web.json_response({"ok": False, "error_code": 500, "description": "Internal Server Error"}, status=500)
        self.number += 1
        message_id = int(fields.get("message_id", self.number))
        self.journal.write(json.dumps({"at": time.time(), "method": method, "message_id": message_id, **fields}, ensure_ascii=False) + "\n")
        self.journal.flush()
        if mood < 0.08:
            await asyncio.sleep(20)  # taken, and the sender will never know
        return self.ok({"message_id": message_id, "date": int(time.time()), "chat": {"id": int(fields.get("chat_id", 0)), "type": "private"}, "text": "…"})

    def ok(self, result: object) -> web.Response:
        return web.json_response({"ok": True, "result": result})


def main() -> None:
    port, journal, seed = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    app = web.Application()
    app.router.add_route("*", "/bot{token}/{method}", ChatServer(journal, seed).call)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main()
