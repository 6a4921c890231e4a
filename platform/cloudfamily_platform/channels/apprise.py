"""The channels of the apprise library: WeCom, DingTalk, Feishu, ServerChan, Bark, ntfy, SMS, e-mail and about 170 more.

apprise says "sent" also where the service refused in its answer's body (seen for DingTalk, Feishu, WeCom, ServerChan, Bark and
PushDeer), and knows no reasons. So what goes here is handed over, never delivered, and a call for help is followed by the
person's next channel. It blocks, so it runs in threads of its own; it is slow to load, so it is loaded there.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from cloudfamily_platform.alerts.channel import ChannelError, Limits, Receipt
from cloudfamily_platform.alerts.message import Message

#: Services that need nothing but the person's own address; {address} is what stands in `reach`. SMS and e-mail need an account:
#: CF_SERVICES names them.
SERVICES = {
    "apprise": "{address}",
    "wecom": "wecombot://{address}",
    "dingtalk": "dingtalk://{address}",
    "feishu": "feishu://{address}",
    "serverchan": "schan://{address}",
    "bark": "barks://{address}",
    "ntfy": "ntfys://{address}",
}
THREADS = 16


class Apprise:
    """One service. Raises ValueError for a template without {address}."""

    limits = Limits(per_second=20, burst=20)
    edits = False

    def __init__(self, template: str, public_url: str | None = None) -> None:
        if "{address}" not in template:
            raise ValueError(f"CF_SERVICES: {template!r} has no place for the person's {{address}}")
        self.template, self.public_url = template, public_url

    async def send(self, address: str, what: Message, key: str) -> Receipt:
        """Raises ChannelError: permanent for an address that apprise cannot read."""
        url = self.template.replace("{address}", address)
        await asyncio.get_running_loop().run_in_executor(threads(), notify, url, what.plain.split("\n", 1)[0], body(what, self.public_url))
        return Receipt()

    async def edit(self, address: str, ref: str, what: Message) -> None:
        raise ChannelError("apprise cannot edit")


def body(what: Message, public_url: str | None) -> str:
    """No markup and no buttons here: where to go to do something."""
    if what.alert_id is None or public_url is None or not what.buttons:
        return what.plain
    actions = " / ".join(button.label for line in what.buttons for button in line)
    return f"{what.plain}\n{actions}: {public_url.rstrip('/')}/#/queue/{what.alert_id}"


def notify(url: str, title: str, text: str) -> None:
    """In a thread. Raises ChannelError."""
    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it logs addresses
    # One object a message: between two of the same it would sleep for seconds.
    service = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    if service is None:
        raise ChannelError("apprise cannot read this address", permanent=True)
    if not service.notify(body=text, title=title, body_format=apprise.NotifyFormat.TEXT):
        raise ChannelError("apprise could not hand it over")


@cache
def threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="apprise")
