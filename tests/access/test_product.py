"""The product's own clients at a Mosquitto with TLS: the gateway's lanes, a button, and the keeper that runs beside them."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from typer.testing import CliRunner

from cloudfamily import cli, mosquitto, parts, press
from cloudfamily.embedded.errors import StartError
from cloudfamily.parts import Parts
from cloudfamily.runner import Runner
from cloudfamily_gateway.lane import lanes
from cloudfamily_platform.core import db
from cloudfamily_platform.core.settings import Settings


def test_a_press_over_tls_is_stored_and_answered(broker_of: Callable[..., Any], papers: Any, until: Callable[..., None]) -> None:
    """Mutual TLS: the gateway shows a certificate of its own, besides its password; the button has a password alone."""
    broker = broker_of(service_host="0.0.0.0")
    world = broker.world
    world.home()
    button_login, gateway_login = broker.issue("WX-001-button"), broker.issue("gateway-1", "service")
    broker.start()

    def settings(login: tuple[str, str], **more: Any) -> Settings:
        return Settings(mqtt_username=login[0], mqtt_password=SecretStr(login[1]), mqtt_tls=True, mqtt_ca=papers.tls.authority, **more)

    gateway = settings(gateway_login, mqtt_cert=broker.gateway_paper)
    lane, bulk = lanes(gateway, world.url, ("localhost", broker.plan.service_port))
    threads = [threading.Thread(target=one.run) for one in (lane, bulk)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: lane.ready and bulk.ready, "the lanes are ready")
        with press.button(("localhost", broker.plan.port), "WX-001-button", settings(button_login)) as button:
            button.press()
    finally:
        for one, thread in zip((lane, bulk), threads, strict=True):
            one.stop.set()
            thread.join(10)
    assert world.rows("SELECT device_code, kind FROM signal") == [{"device_code": "WX-001-button", "kind": "sos"}]


def test_the_gateway_s_clock_keeps_mosquitto_up_to_date(broker: Any, until: Callable[..., None]) -> None:
    """From an operator's word to a closed connection: less than a minute, whatever the clock's phase."""
    one = broker.issue("dev-1")
    broker.start()
    device = broker.device(one)

    async def story() -> float:
        there = Parts(broker.world.url, "127.0.0.1", broker.plan.service_port, "")
        runner = Runner(Settings(mosquitto_dir=broker.folder), there, ["gateway"])
        async with db.pool(broker.world.url, size=2) as runner.pool:
            seconds, job = runner.jobs()["access"]
            await job()
            await asyncio.to_thread(broker.revoke_now, "dev-1")
            began = time.monotonic()
            await job()
            assert await asyncio.to_thread(device.gone.wait, 10)
            return seconds + time.monotonic() - began

    assert asyncio.run(story()) < 60
    assert "access" not in Runner(Settings(), Parts(broker.world.url, "127.0.0.1", 1, ""), ["gateway"]).jobs()


def test_where_devices_are_told_to_go() -> None:
    there = Parts("", "10.0.0.5", 1883, "")
    assert parts.device_broker(Settings(), there) == ("10.0.0.5", 1883, False)
    assert parts.device_broker(Settings(device_broker="mqtts://mqtt.example.org"), there) == ("mqtt.example.org", 8883, True)
    assert parts.device_broker(Settings(device_broker="mqtt://mqtt.example.org:1884"), there) == ("mqtt.example.org", 1884, False)
    with pytest.raises(ValidationError, match="device_broker"):
        Settings(device_broker="mqtt.example.org")
    with pytest.raises(StartError, match="the embedded broker has no TLS"), parts.started(Settings(mqtt_tls=True)):
        pass


@pytest.fixture
def run(database: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """run("issue", "dev-1"): `cloudfamily access …` without the seconds of a process of its own; what it prints, or a StartError."""
    monkeypatch.setenv("CF_DATABASE_URL", database)

    def said(*arguments: str) -> str:
        done = CliRunner().invoke(cli.app, ["access", *arguments])
        if isinstance(done.exception, StartError):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.output

    return said


def test_from_the_terminal(broker: Any, papers: Any, run: Callable[..., str]) -> None:
    secret = run("issue", "dev-1").strip()
    run("issue", "z2m-1", "--kind", "bridge", "--base", "zigbee2mqtt/")
    assert len(run("enrol", "dev-2").split()[0]) == 14
    tls = ["--certificate", str(papers.tls.certificate), "--key", str(papers.tls.key)]
    ports = ["--port", str(broker.plan.port), "--service-port", str(broker.plan.service_port)]
    said = run("broker", str(broker.folder), *tls, *ports)
    assert f"mosquitto -c {broker.folder}/mosquitto.conf" in said
    broker.plan = mosquitto.Plan(
        folder=broker.folder,
        tls=mosquitto.Tls(certificate=papers.tls.certificate, key=papers.tls.key),
        port=broker.plan.port,
        service_port=broker.plan.service_port,
    )
    assert (broker.folder / mosquitto.CONFIGURATION).read_text() == mosquitto.configuration(broker.plan)
    broker.start()
    device = broker.device(("dev-1", secret))
    assert device.say("cf/v1/dev-1/signal") == "No matching subscribers"
    run("revoke", "dev-1")
    assert broker.keep()
    assert device.gone.wait(10)
    assert [line.split()[:3] for line in run("list").splitlines()] == [["dev-1", "device", "revoked"], ["z2m-1", "bridge", "since"]]


MENDED = (
    (["issue", "dev/1"], "username is not right: 1 to 64 of"),
    (["issue", "dev-1", "--kind", "king"], "--kind 'king': the kinds are device, edge, bridge, service."),
    (["issue", "z2m-1", "--kind", "bridge"], "bases is not right: a bridge has at least one topic"),
    (["revoke", "nobody-s"], "There is no such credential: "),
    (["broker", "folder"], "Give --certificate and --key for TLS, or --plain for loopback without it."),
    (["broker", "folder", "--plain", "--service-host", "0.0.0.0"], "--service-host 0.0.0.0 can be reached by others: "),
    (["broker", "/proc/no/folder", "--plain"], "/proc/no"),
)


def test_what_the_user_can_mend_is_one_sentence(run: Callable[..., str]) -> None:
    for arguments, sentence in MENDED:
        with pytest.raises(StartError, match=f"^{re.escape(sentence)}"):
            run(*arguments)
