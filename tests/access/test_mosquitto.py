"""Who may speak at a real Mosquitto on our files: everybody as themselves, nobody as another, and not after being revoked."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cloudfamily import mosquitto

OTHERS = (
    "cf/v1/dev-2/signal", "cf/v1/dev-2/reading", "cf/v1/dev-2/status", "cf/v1/dev-1/answer", "cf/v1/dev-1/command", "cf/v1/dev-1/signal/more",
    "edge/dev-1/cf/v1/dev-2/signal", "edge/hub-1/cf/v1/dev-1/signal", "homeassistant/device/dev-2/config", "zigbee2mqtt/lamp", "$SYS/broker/uptime", "dev-1",
)  # fmt: skip
REFUSED = "Not authorized"


def test_a_device_speaks_as_itself_and_hears_what_is_its_own(broker: Any, until: Callable[..., None]) -> None:
    one, two, gateway = broker.issue("dev-1"), broker.issue("dev-2"), broker.issue("gateway-1", "service")
    broker.start()
    hearing = broker.gateway(gateway, hears=["#"])
    first = broker.device(one, hears=["cf/v1/dev-1/answer", "cf/v1/dev-1/command"])
    nosy = broker.device(two, hears=["#", "cf/v1/+/answer", "cf/v1/dev-1/answer", "$share/all/cf/v1/+/answer", "$SYS/#", "homeassistant/#"])

    said = [f"cf/v1/dev-1/{word}" for word in ("reading", "signal", "info", "status", "senml", "report")] + ["homeassistant/device/dev-1/config"]
    assert {topic: first.say(topic) for topic in said} == dict.fromkeys(said, "Success")
    assert {topic: first.say(topic, b"forged") for topic in OTHERS} == dict.fromkeys(OTHERS, REFUSED)
    hearing.say("cf/v1/dev-1/answer", b"for dev-1")
    hearing.say("cf/v1/dev-2/answer", b"for dev-2")
    until(lambda: first.heard and nosy.heard, "both hear their answer")
    assert first.heard == [("cf/v1/dev-1/answer", b"for dev-1")]
    assert set(nosy.heard) == {("cf/v1/dev-2/answer", b"for dev-2")}
    assert [topic for topic, payload in hearing.heard if payload != b"for dev-1" and payload != b"for dev-2"] == said


def test_strangers_stay_outside(broker: Any, papers: Any) -> None:
    broker.issue("dev-1")
    broker.start()
    assert broker.device(("dev-1", "a guess")).reason == REFUSED
    assert broker.device(("dev-9", "a guess")).reason == REFUSED
    assert broker.device(("", "")).reason == REFUSED
    another_s = ssl.create_default_context(cafile=papers.tls.service_authority)
    with socket.create_connection(("127.0.0.1", broker.plan.port)) as bare, pytest.raises(ssl.SSLCertVerificationError):
        another_s.wrap_socket(bare, server_hostname="127.0.0.1")  # as a device that meets somebody in between
    with socket.create_connection(("127.0.0.1", broker.plan.port)) as bare:
        bare.settimeout(60)
        bare.sendall(bytes.fromhex("101000044d5154540502003c0000036f6c64"))  # a CONNECT without TLS
        with suppress(ConnectionResetError):
            assert bare.recv(1) != b"\x20"  # no CONNACK


def test_an_edge_speaks_for_the_devices_behind_it_and_a_bridge_below_its_own_topics(broker: Any, until: Callable[..., None]) -> None:
    hub, bridge, gateway = broker.issue("hub-1", "edge"), broker.issue("z2m-1", "bridge", "zigbee2mqtt"), broker.issue("gateway-1", "service")
    broker.start()
    hearing = broker.gateway(gateway, hears=["#"])
    edge = broker.device(hub, hears=["edge/hub-1/cf/v1/+/answer", "edge/#"])
    zigbee = broker.device(bridge, hears=["#"])
    allowed = [(edge, "edge/hub-1/cf/v1/dev-1/signal"), (edge, "edge/hub-1/zigbee2mqtt/lamp"), (zigbee, "zigbee2mqtt/lamp"), (zigbee, "cf/v1/z2m-1/status")]
    assert [who.say(topic) for who, topic in allowed] == ["Success"] * 4
    forged = [(edge, "edge/hub-2/cf/v1/dev-1/signal"), (edge, "cf/v1/dev-1/signal"), (edge, "zigbee2mqtt/lamp"),
              (zigbee, "edge/z2m-1/cf/v1/dev-1/signal"), (zigbee, "cf/v1/dev-1/signal"), (zigbee, "zigbee2mqtt2/lamp")]  # fmt: skip
    assert [who.say(topic) for who, topic in forged] == [REFUSED] * 6
    for topic in ("edge/hub-1/cf/v1/dev-1/answer", "edge/hub-2/cf/v1/dev-1/answer", "zigbee2mqtt/lamp/set"):
        hearing.say(topic, b"ours")
    until(lambda: ("zigbee2mqtt/lamp/set", b"ours") in zigbee.heard, "the bridge hears a command")
    assert {topic for topic, payload in edge.heard if payload == b"ours"} == {"edge/hub-1/cf/v1/dev-1/answer"}
    assert {topic for topic, payload in zigbee.heard if payload == b"ours"} == {"zigbee2mqtt/lamp/set"}


def test_nobody_takes_over_the_session_of_a_gateway_or_another_device(broker: Any, until: Callable[..., None]) -> None:
    one, two, gateway = broker.issue("dev-1"), broker.issue("dev-2"), broker.issue("gateway-1", "service")
    broker.start()
    hearing = broker.gateway(gateway, hears=["cf/v1/+/signal"])
    first = broker.device(one)
    for name in ("gateway-1-press", "dev-1"):
        assert broker.device(two, client_id=name).reason == "Success"
    assert first.say("cf/v1/dev-1/signal", b"still here") == "Success"
    until(lambda: hearing.heard == [("cf/v1/dev-1/signal", b"still here")], "the gateway hears it")


def test_a_last_will_is_a_word_like_any_other(broker: Any, until: Callable[..., None]) -> None:
    one, two, gateway = broker.issue("dev-1"), broker.issue("dev-2"), broker.issue("gateway-1", "service")
    broker.start()
    hearing = broker.gateway(gateway, hears=["#"])
    for login, topic in ((two, "cf/v1/dev-1/signal"), (one, "cf/v1/dev-1/status")):
        speaker = broker.device(login, will=topic)
        sock = speaker.client.socket()
        if sock is not None:  # else it was not let in
            sock.shutdown(socket.SHUT_RDWR)
            assert speaker.gone.wait(10)
    until(lambda: hearing.heard, "the last will of dev-1")
    assert hearing.heard == [("cf/v1/dev-1/status", b"last will")]


def test_a_certificate_is_a_name(broker: Any, papers: Any, until: Callable[..., None]) -> None:
    one, gateway = broker.issue("dev-1"), broker.issue("gateway-1", "service")
    broker.world.insert("device", code="dev-7", kind="button", watched_from=broker.world.now)
    broker.start()
    hearing = broker.gateway(gateway, hears=["#"])
    paper = papers.of("dev-7")
    seventh = broker.by_certificate(paper, hears=["#"])
    assert seventh.say("cf/v1/dev-7/signal", b"by certificate") == "Success"
    assert seventh.say("cf/v1/dev-1/signal", b"forged") == REFUSED
    for wrong in (papers.of("dev-7", papers.other), None):
        assert broker.by_certificate(wrong).reason == ""  # hung up before any answer
    assert broker.device(one).reason == "Success"

    broker.revoke("dev-7")
    assert broker.keep()
    again = broker.by_certificate(paper, hears=["#"])
    for who in (seventh, again):
        assert who.say("cf/v1/dev-7/signal", b"revoked") in (REFUSED, "hung up")
    hearing.say("cf/v1/dev-7/answer", b"for nobody")
    hearing.say("fence")
    until(lambda: hearing.heard[-1][0] == "fence", "all of it has come")
    assert [payload for topic, payload in hearing.heard if topic.startswith("cf/v1/dev-7/signal")] == [b"by certificate"]
    assert again.heard == []


def test_a_revoked_device_is_thrown_out_within_a_minute_and_nobody_else(broker: Any, until: Callable[..., None]) -> None:
    one, two, gateway = broker.issue("dev-1"), broker.issue("dev-2"), broker.issue("gateway-1", "service")
    broker.start()
    hearing, first, second = broker.gateway(gateway, hears=["#"]), broker.device(one), broker.device(two)
    broker.keep()
    broker.revoke("dev-2")
    began = time.monotonic()
    assert broker.keep()
    assert second.gone.wait(10)
    assert mosquitto.KEEP_SECONDS + time.monotonic() - began < 60
    assert broker.device(two).reason == REFUSED
    assert first.say("cf/v1/dev-1/signal", b"well") == "Success"
    until(lambda: ("cf/v1/dev-1/signal", b"well") in hearing.heard, "the gateway is still there")
    assert not first.gone.is_set()

    # A new secret ends what was opened with the old one.
    fresh = broker.issue("dev-1")
    assert broker.keep()
    assert first.gone.wait(10)
    assert broker.device(one).reason == REFUSED
    assert broker.device(fresh).reason == "Success"
    assert not hearing.gone.is_set()


def test_what_waits_for_somebody_away_is_still_given_to_them_after_a_restart_and_a_reload(broker: Any, until: Callable[..., None]) -> None:
    one, hub, gateway = broker.issue("dev-1"), broker.issue("hub-1", "edge"), broker.issue("gateway-1", "service")
    broker.start()
    broker.gateway(gateway, hears=["cf/v1/+/signal"], keep=True)
    broker.device(one, hears=["cf/v1/dev-1/answer"], keep=True)
    broker.device(hub, hears=["edge/hub-1/cf/v1/+/answer"], keep=True)
    broker.stop()
    broker.start()
    hearing = broker.gateway(gateway, keep=True)
    assert hearing.present
    broker.issue("dev-2")
    assert broker.keep()
    for topic in ("cf/v1/dev-1/answer", "edge/hub-1/cf/v1/dev-5/answer"):
        assert hearing.say(topic, b"while away") == "Success"
    hearing.close()
    device, edge = broker.device(one, keep=True), broker.device(hub, keep=True)
    until(lambda: device.heard and edge.heard, "both get what waited")
    assert (device.heard, edge.heard) == ([("cf/v1/dev-1/answer", b"while away")], [("edge/hub-1/cf/v1/dev-5/answer", b"while away")])
    # The gateway has been here since the restart: a reload while it is away again costs nothing either.
    broker.issue("dev-3")
    assert broker.keep()
    assert device.say("cf/v1/dev-1/signal", b"to whom?") == "Success"
    back = broker.gateway(gateway, keep=True)
    until(lambda: back.heard == [("cf/v1/dev-1/signal", b"to whom?")], "the gateway gets what waited")


def test_the_keeper_writes_once_waits_for_a_gateway_and_never_forgets_a_reload(broker: Any) -> None:
    broker.issue("dev-1")
    broker.start()
    assert broker.keep()
    files = [broker.folder / name for name in (mosquitto.PASSWORDS, mosquitto.RULES)]
    before = [path.stat().st_mtime_ns for path in files]
    assert not broker.keep()
    broker.keeper = mosquitto.Keeper(broker.folder)  # another process, after a restart
    assert not broker.keep()
    assert [path.stat().st_mtime_ns for path in files] == before
    assert {path.stat().st_mode & 0o777 for path in files} == {0o640}

    two = broker.issue("dev-2")
    assert not broker.keep(heard=False)
    assert "dev-2:$7$" in files[0].read_text()
    assert broker.device(two).reason == REFUSED
    broker.keeper = mosquitto.Keeper(broker.folder)  # killed after writing, before telling
    assert broker.keep()
    assert broker.device(two).reason == "Success"

    three = broker.issue("dev-3")
    assert not broker.keep(heard=False)
    broker.world.now += mosquitto.PATIENCE - timedelta(seconds=1)
    assert not broker.keep(heard=False)
    broker.world.now += timedelta(seconds=1)
    assert broker.keep(heard=False)
    assert broker.device(three).reason == "Success"


def test_a_mosquitto_that_is_not_there_is_told_when_it_is(broker: Any, tmp_path: Path) -> None:
    one = broker.issue("dev-1")
    mosquitto.prepare(broker.plan, [])
    assert not broker.keep()
    told = tmp_path / "told"
    broker.keeper = mosquitto.Keeper(broker.folder, command="false")
    assert not broker.keep()
    broker.keeper = mosquitto.Keeper(broker.folder, command=f"touch {told}")
    assert broker.keep()
    assert told.exists()
    broker.start()
    assert broker.device(one).reason == "Success"


def test_the_configuration_says_what_was_found_necessary(papers: Any, passable: Path) -> None:
    lines = mosquitto.configuration(mosquitto.Plan(folder=passable, tls=papers.tls)).splitlines()
    for line in (
        "max_queued_messages 200000", "max_inflight_messages 1000", "set_tcp_nodelay true", "persistence true", "autosave_interval 5",
        "persistent_client_expiration 7d", "allow_anonymous false", "per_listener_settings false", "listener 1883 127.0.0.1", "listener 8883", "listener 8884",
    ):  # fmt: skip
        assert line in lines
    assert lines.count("use_username_as_clientid true") == 2
    plain = mosquitto.configuration(mosquitto.Plan(folder=passable, tls=None))
    assert {line for line in plain.splitlines() if line.startswith("listener")} == {"listener 8883 127.0.0.1", "listener 1883 127.0.0.1"}
    with pytest.raises(ValueError, match="service_authority"):
        mosquitto.configuration(mosquitto.Plan(folder=passable, tls=None, service_host="0.0.0.0"))
