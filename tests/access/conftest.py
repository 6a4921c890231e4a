"""A real Mosquitto on the files that the product writes, certificates of our own, and people who speak at it."""

from __future__ import annotations

import os
import pwd
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
import trustme
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from cloudfamily import mosquitto
from cloudfamily.embedded import ports
from cloudfamily_platform.people import credential

SECONDS = 60.0
HOUR = 3600


def wait_until(condition: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.01)


@pytest.fixture(name="until")
def until_() -> Callable[..., None]:
    """until(condition, what): polls, and fails after a deadline."""
    return wait_until


class Papers:
    """Two authorities, the broker's certificate, and certificates for whoever asks; all as PEM files."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.authority, self.other = folder, trustme.CA(), trustme.CA()
        self.tls = mosquitto.Tls(
            certificate=self.pem("broker.crt", *self.broker().cert_chain_pems),
            key=self.pem("broker.key", self.made.private_key_pem),
            authority=self.pem("authority.crt", self.authority.cert_pem),
            service_authority=self.pem("other.crt", self.other.cert_pem),
        )

    def broker(self) -> trustme.LeafCert:
        self.made = self.authority.issue_cert("127.0.0.1", "localhost")
        return self.made

    def pem(self, name: str, *parts: trustme.Blob) -> Path:
        path = self.folder / name
        path.write_bytes(b"".join(part.bytes() for part in parts))
        path.chmod(0o644)
        return path

    def of(self, name: str, authority: trustme.CA | None = None) -> Path:
        """A file with a certificate on this name and its key."""
        made = (authority or self.authority).issue_cert(f"{name}.example", common_name=name)
        return self.pem(f"{name}-{time.monotonic_ns()}.pem", made.private_key_and_cert_chain_pem)


class Speaker:
    """Somebody connected, or refused: `reason` says which. Connects once; `gone` is set when the broker hangs up."""

    def __init__(
        self, port: int, client_id: str, *, login: tuple[str, str] | None = None, authority: Path | None = None, paper: Path | None = None,
        hears: Sequence[str] = (), keep: bool = False, will: str | None = None,
    ) -> None:  # fmt: skip
        self.heard: list[tuple[str, bytes]] = []
        self.reason, self.present, self.gone = "", False, threading.Event()
        self.answers: dict[int, str] = {}
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv5, reconnect_on_failure=False)
        if login:
            self.client.username_pw_set(*login)
        if authority:
            self.client.tls_set(str(authority), str(paper) if paper else None)
        if will:
            self.client.will_set(will, b"last will", qos=1)
        ready = threading.Event()

        def on_connect(client: mqtt.Client, userdata: object, flags: mqtt.ConnectFlags, reason: Any, properties: object) -> None:
            self.reason, self.present = str(reason), flags.session_present
            if reason.is_failure or not hears:
                ready.set()
            else:
                client.subscribe([(topic, mqtt.SubscribeOptions(qos=1)) for topic in hears])

        def on_disconnect(*_: object) -> None:
            self.gone.set()
            ready.set()

        self.client.on_connect, self.client.on_disconnect = on_connect, on_disconnect
        self.client.on_subscribe = lambda *_: ready.set()
        self.client.on_message = lambda _client, _data, message: self.heard.append((message.topic, message.payload))
        self.client.on_publish = lambda _client, _data, mid, reason, _properties: self.answers.__setitem__(mid, str(reason))
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = HOUR if keep else 0
        self.client.connect("127.0.0.1", port, clean_start=not keep, properties=properties)
        self.client.loop_start()
        assert ready.wait(SECONDS), f"{client_id}: no answer"

    def say(self, topic: str, payload: bytes = b"word") -> str:
        """What the broker answers to it."""
        mid = self.client.publish(topic, payload, qos=1).mid
        wait_until(lambda: mid in self.answers or self.gone.is_set(), f"an answer to {topic}")
        return self.answers.get(mid, "hung up")

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class Broker:
    """Mosquitto on a folder of the product's, its credentials from the world's database."""

    def __init__(self, program: str, world: Any, folder: Path, papers: Papers, plan: mosquitto.Plan) -> None:
        self.program, self.world, self.folder, self.papers, self.plan = program, world, folder, papers, plan
        self.keeper = mosquitto.Keeper(folder)
        self.speakers: list[Speaker] = []
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        mosquitto.prepare(self.plan, self.world.run(credential.everybody(self.world.conn)))
        with (self.folder / mosquitto.CONFIGURATION).open("a") as more:
            more.write("log_type information\n")  # it says when it reloads
        nobody = pwd.getpwnam("nobody")
        as_nobody: dict[str, Any] = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        with (self.folder.parent / "log").open("ab") as log:
            command = [self.program, "-c", str(self.folder / mosquitto.CONFIGURATION)]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, **as_nobody)
        wait_until(lambda: self.listens() or self.process.poll() is not None, "Mosquitto listens")
        assert self.process.poll() is None, self.log()

    def listens(self) -> bool:
        with suppress(OSError):
            Speaker(self.plan.service_port, "start", **({"authority": self.papers.tls.authority, "paper": self.gateway_paper} if self.mutual else {})).close()
            return True
        return False

    @property
    def mutual(self) -> bool:
        return self.plan.service_host != "127.0.0.1"

    @property
    def gateway_paper(self) -> Path:
        return self.papers.of("gateway", self.papers.other)

    def stop(self) -> None:
        for one in self.speakers:
            one.close()
        self.speakers.clear()
        if self.process is not None:
            self.process.terminate()
            self.process.wait(SECONDS)
            self.process = None

    def log(self) -> str:
        path = self.folder.parent / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def issue(self, name: str, kind: str = "device", *bases: str) -> tuple[str, str]:
        """User name and password."""
        return name, self.world.run(credential.issue(self.world.conn, name, kind, self.world.now, bases))

    def revoke(self, name: str) -> None:
        self.world.run(credential.revoke(self.world.conn, name, self.world.now))

    def revoke_now(self, name: str) -> None:
        """On a connection of its own: for a test that has a loop of its own."""
        self.world.sync.execute("UPDATE credential SET revoked_at = %s WHERE username = %s", [self.world.now, name])

    def keep(self, heard: bool = True) -> bool:
        """As the keeper's; returns when Mosquitto has read the files."""
        before = self.log().count("Reloading config.")
        told = bool(self.world.run(self.keeper.keep(self.world.conn, self.world.now, heard=heard)))
        if told and self.process is not None:
            wait_until(lambda: self.log().count("Reloading config.") > before, "Mosquitto reloads")
        return told

    def device(self, login: tuple[str, str], client_id: str = "", hears: Sequence[str] = (), keep: bool = False, will: str | None = None) -> Speaker:
        authority = self.papers.tls.authority if self.plan.tls else None
        return self.added(Speaker(self.plan.port, client_id or login[0], login=login, authority=authority, hears=hears, keep=keep, will=will))

    def by_certificate(self, paper: Path | None, hears: Sequence[str] = (), keep: bool = False) -> Speaker:
        return self.added(Speaker(self.plan.certificate_port, "any", authority=self.papers.tls.authority, paper=paper, hears=hears, keep=keep))

    def gateway(self, login: tuple[str, str], hears: Sequence[str] = (), client_id: str = "gateway-1-press", keep: bool = False) -> Speaker:
        return self.added(Speaker(self.plan.service_port, client_id, login=login, hears=hears, keep=keep))

    def added(self, speaker: Speaker) -> Speaker:
        self.speakers.append(speaker)
        return speaker


@pytest.fixture
def papers(passable: Path) -> Papers:
    return Papers(passable)


@pytest.fixture
def broker_of(mosquitto_program: str, world: Any, passable: Path, papers: Papers) -> Iterator[Callable[..., Broker]]:
    """broker_of(tls=…, service_host=…): a Mosquitto that is not started yet."""
    with ExitStack() as stack:

        def made(*, tls: bool = True, service_host: str = "127.0.0.1") -> Broker:
            folder = passable / "mosquitto"
            folder.mkdir()
            if os.geteuid() == 0:
                nobody = pwd.getpwnam("nobody")
                os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            one, two, three = ports.any_free(), ports.any_free(), ports.any_free()
            plan = mosquitto.Plan(folder=folder, tls=papers.tls if tls else None, port=one, certificate_port=two, service_host=service_host, service_port=three)
            broker = Broker(mosquitto_program, world, folder, papers, plan)
            stack.callback(broker.stop)
            return broker

        yield made


@pytest.fixture
def broker(broker_of: Callable[..., Broker]) -> Broker:
    """With TLS, for devices and certificates; not started yet, so that a test may issue credentials first."""
    return broker_of()
