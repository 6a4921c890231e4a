"""The channels themselves, against real HTTP servers: what goes over the wire, and what each answer counts for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from cloudfamily import channels as channel_parts
from cloudfamily.embedded.errors import StartError
from cloudfamily_platform.alerts.channel import ChannelError
from cloudfamily_platform.alerts.message import Button, Message
from cloudfamily_platform.channels import apprise, voice, webhook
from cloudfamily_platform.core import signature
from cloudfamily_platform.core.settings import Settings

SECRET = "whsec_Y2xvdWQtZmFtaWx5LXRlc3Qtc2VjcmV0"
WHAT = Message("<b>紧急呼叫：李 &amp; 王</b>\n16:05", ((Button("我来处理", "alert:7:accept"), Button("误报", "alert:7:false_alarm")),), 7)


class Server:
    """A small HTTP server that keeps what it got and answers as told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status, self.answer, self.headers = 200, "", dict[str, str]()
        self.hang = False

    async def take(self, request: web.Request) -> web.Response:
        self.got.append(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
        if self.hang:
            await asyncio.Event().wait()
        return web.Response(status=self.status, text=self.answer, headers=self.headers)

    @property
    def said(self) -> list[Any]:
        return [json.loads(body) for _, body in self.got]


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Server, str, aiohttp.ClientSession]]:
    made = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as http:
        try:
            yield made, f"http://127.0.0.1:{runner.addresses[0][1]}", http
        finally:
            await runner.cleanup()


def test_a_webhook_is_signed_and_a_2xx_is_delivered() -> None:
    async def story() -> None:
        async with serving() as (server, url, http):
            channel = webhook.Webhook(http, SECRET)
            receipt = await channel.send(url + "/hook", WHAT, "5.webhook")
            assert (receipt.delivered, receipt.read) == (True, False)
            server.answer = '{"read": true}'
            assert (await channel.send(url + "/hook", WHAT, "5.webhook")).read
            headers, body = server.got[0]
            assert signature.check(SECRET, headers, datetime.now(UTC), body) == "5.webhook"
            assert headers["webhook-id"] == server.got[1][0]["webhook-id"]
            data = {"text": "紧急呼叫：李 & 王\n16:05", "alert": 7}
            actions = [{"label": "我来处理", "do": "alert:7:accept"}, {"label": "误报", "do": "alert:7:false_alarm"}]
            assert server.said[0]["data"] == {**data, "actions": actions}

    asyncio.run(story())


def test_what_a_webhook_answers() -> None:
    async def story() -> None:
        async with serving() as (server, url, http):
            channel = webhook.Webhook(http, SECRET)
            cases = ((500, False, None), (302, False, None), (404, True, None), (410, True, None), (429, False, 7.0), (503, False, 7.0))
            for status, permanent, retry_after_s in cases:
                server.status, server.headers = status, {"Retry-After": "7", "Location": "http://127.0.0.1:1/"}
                with pytest.raises(ChannelError, match=f"HTTP {status}") as refusal:
                    await channel.send(url, WHAT, "1")
                assert (refusal.value.permanent, refusal.value.retry_after_s) == (permanent, retry_after_s)
            assert len(server.got) == len(cases)  # a redirect is not followed
            with pytest.raises(ChannelError) as refusal:
                await channel.send("http://127.0.0.1:1/", WHAT, "1")
            assert not refusal.value.permanent
            with pytest.raises(ChannelError) as refusal:
                await channel.send("nonsense", WHAT, "1")
            assert refusal.value.permanent

    asyncio.run(story())


def test_a_webhook_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "TIMEOUT", aiohttp.ClientTimeout(total=0.05))

    async def story() -> None:
        async with serving() as (server, url, http):
            server.hang = True
            with pytest.raises(ChannelError) as refusal:
                await webhook.Webhook(http, SECRET).send(url, WHAT, "1")
            assert refusal.value.slow

    asyncio.run(story())


def test_the_signature_is_the_standards() -> None:
    """The example of the Standard Webhooks libraries (secret, id, timestamp and body), and what must not pass."""
    now, body = datetime.fromtimestamp(1614265330, UTC), b'{"test": 2432232314}'
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    headers = signature.sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", now, body)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signature.check(secret, headers, now + timedelta(seconds=300), body) == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    two = headers | {"webhook-signature": "v1,AAAA " + headers["webhook-signature"]}
    assert signature.check(secret, two, now, body)
    bad: list[tuple[dict[str, str], datetime, bytes]] = [
        (headers, now + timedelta(seconds=301), body),
        (headers, now - timedelta(seconds=301), body),
        (headers, now, body + b" "),
        (headers | {"webhook-id": "msg_other"}, now, body),
        (headers | {"webhook-timestamp": "x"}, now, body),
        (headers | {"webhook-signature": "v1,é"}, now, body),
        ({}, now, body),
    ]
    for given, at, said in bad:
        with pytest.raises(signature.BadSignature):
            signature.check(secret, given, at, said)


def test_a_call_is_ordered_with_what_the_digits_mean() -> None:
    async def story() -> None:
        async with serving() as (server, url, http):
            channel = voice.Voice(voice.HttpProvider(http, url, SECRET))
            receipt = await channel.send("13800000000", WHAT, "5.voice")
            assert (receipt.delivered, receipt.read) == (False, False)
            (said,) = server.said
            assert said["data"] == {
                "call": "5.voice", "number": "13800000000", "text": "紧急呼叫：李 & 王\n16:05\n1: 我来处理\n2: 误报",
                "digits": {"1": "我来处理", "2": "误报"},
            }  # fmt: skip
            await channel.send("13800000000", Message("over"), "6.voice")
            assert server.said[1]["data"]["digits"] == {}
            server.status = 404
            with pytest.raises(ChannelError) as refusal:
                await channel.send("13800000000", WHAT, "7.voice")
            assert not refusal.value.permanent  # the provider is gone, not the person

    asyncio.run(story())


@pytest.mark.filterwarnings("ignore")  # of the library's own imports
def test_apprise_hands_over_plain_text_with_where_to_go() -> None:
    async def story() -> None:
        async with serving() as (server, url, _):
            channel = apprise.Apprise("json://{address}", "https://city.example/")
            receipt = await channel.send(url.removeprefix("http://"), WHAT, "1")
            assert (receipt.delivered, receipt.read) == (False, False)
            (said,) = server.said
            assert said["message"] == "紧急呼叫：李 & 王\n16:05\n我来处理 / 误报: https://city.example/#/queue/7"
            server.status = 500
            with pytest.raises(ChannelError, match="could not hand it over") as refusal:
                await channel.send(url.removeprefix("http://"), WHAT, "1")
            assert not refusal.value.permanent
            with pytest.raises(ChannelError, match="cannot read this address") as refusal:
                await apprise.Apprise("{address}").send("nonsense://", WHAT, "1")
            assert refusal.value.permanent

    asyncio.run(story())


@pytest.mark.filterwarnings("ignore")
def test_apprise_knows_the_services_that_we_name() -> None:
    import apprise as library

    examples = {
        "apprise": "json://localhost", "wecom": "693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa", "dingtalk": "secret@token",
        "feishu": "12345678-abcd-1234-abcd-123456789012", "serverchan": "SCT123", "bark": "api.day.app/devicekey", "ntfy": "ntfy.sh/topic",
    }  # fmt: skip
    assert examples.keys() == apprise.SERVICES.keys()
    for name, address in examples.items():
        assert library.Apprise.instantiate(apprise.SERVICES[name].replace("{address}", address), suppress_exceptions=True), name


def test_which_channels_there_are() -> None:
    async def names(**settings: Any) -> set[str]:
        async with channel_parts.opened(Settings(**settings)) as found:
            return set(found)

    run: Callable[..., set[str]] = lambda **settings: asyncio.run(names(**settings))  # noqa: E731
    assert run() == set(apprise.SERVICES)
    more = run(webhook_secret="x", voice_url="https://calls.example", voice_secret="y", services='{"sms": "twilio://a:b@c/{address}"}')
    assert more == {*apprise.SERVICES, "webhook", "voice", "sms"}
    for wrong in ('{"sms": "twilio://nobody"}', "sms", '{"sms": 1}'):
        with pytest.raises(StartError, match="CF_SERVICES"):
            run(services=wrong)
