"""The webhook channel: a signed POST to an address that an operator has set. What it says back counts: 2xx is delivered.

Only operators set addresses (web/reach.py), so an address inside the operator's own network is allowed.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import aiohttp

from cloudfamily_platform.alerts.channel import ChannelError, Limits, Receipt
from cloudfamily_platform.alerts.message import Message
from cloudfamily_platform.core import signature

NAME = "webhook"
TIMEOUT = aiohttp.ClientTimeout(total=8)
#: Of the answer no more is read.
ANSWER_BYTES = 16_384
#: What says that this address will never take it (410 Gone, as the standard has it).
DEAD = (404, 410)


class Webhook:
    limits = Limits(per_second=200, burst=200)
    edits = False

    def __init__(self, http: aiohttp.ClientSession, secret: str) -> None:
        self.http, self.secret = http, secret

    async def send(self, address: str, what: Message, key: str) -> Receipt:
        """Delivered at a 2xx, and read when its JSON says {"read": true}. Raises ChannelError."""
        answer = await post(self.http, self.secret, address, key, "notification", told(what))
        return Receipt(delivered=True, read=answer.get("read") is True)

    async def edit(self, address: str, ref: str, what: Message) -> None:
        raise ChannelError("a webhook cannot be edited")


def told(what: Message) -> dict[str, Any]:
    actions = [{"label": button.label, "do": button.data} for line in what.buttons for button in line]
    return {"text": what.plain, "alert": what.alert_id, "actions": actions}


async def post(http: aiohttp.ClientSession, secret: str, url: str, key: str, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """Posts a signed event and returns the JSON of the answer, empty when it is none. Raises ChannelError."""
    now = datetime.now(UTC)
    body = json.dumps({"type": kind, "timestamp": now.isoformat(timespec="seconds"), "data": data}, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json", **signature.sign(secret, key, now, body)}
    try:
        async with http.post(url, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False) as answer:
            said = await answer.content.read(ANSWER_BYTES)
            if not 200 <= answer.status < 300:
                after = answer.headers.get("Retry-After", "")
                seconds = float(after) if after.isascii() and after.isdigit() and answer.status in (429, 503) else None
                raise ChannelError(f"HTTP {answer.status}", permanent=answer.status in DEAD, retry_after_s=seconds)
    except (aiohttp.InvalidURL, ValueError) as error:
        raise ChannelError(f"the address is not a URL: {error}", permanent=True) from error
    except TimeoutError as error:
        raise ChannelError("no answer in time", slow=True) from error
    except aiohttp.ClientError as error:
        raise ChannelError(f"{type(error).__name__}: {error}") from error
    try:
        found = json.loads(said or b"{}")
    except ValueError:
        found = {}
    return found if isinstance(found, dict) else {}
