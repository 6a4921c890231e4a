"""command: answers and commands go out to devices over MQTT, many at a time; each stays due until nobody need wait for more.

An answer, or a command to a device that cannot report, is over once the broker has it. Any other is sent again, at longer and
longer intervals, until the device reports it (ingest) or its time is over.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from cloudfamily_gateway import client as clients
from cloudfamily_gateway import dialects, wire
from cloudfamily_gateway.ingest import QUERIES
from cloudfamily_platform.core import db
from cloudfamily_platform.core.settings import Settings
from cloudfamily_platform.core.stage import Stage

log = structlog.get_logger()
#: As long as all of a batch together may take. Shorter than the claim (10 s).
PUBLISH_SECONDS = 5.0
BATCH = 100
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)
LONGEST_TOPIC = 1000
CANNOT = "this device cannot do that"


class Message(NamedTuple):
    """One command on its way."""

    id: int
    topic: str
    payload: bytes
    #: How long the broker may keep it for a device that sleeps.
    lives: timedelta
    #: When it is sent again if the device says nothing; None: it will say nothing.
    again_at: datetime | None


class Publisher:
    """An MQTT connection for what we say to devices. Reconnects by itself."""

    def __init__(self, settings: Settings, broker: tuple[str, int]) -> None:
        self.settings, self.broker = settings, broker
        self.client = self.connect()

    def connect(self) -> mqtt.Client:
        client = clients.make(self.settings, f"{self.settings.gateway_name}-command")
        client.reconnect_delay_set(1, 5)
        client.max_inflight_messages_set(BATCH)
        client.max_queued_messages_set(1000)
        client.connect_async(*self.broker, keepalive=30)
        client.loop_start()
        return client

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def renew(self) -> None:
        """What the broker has not taken is forgotten with its connection: its row says it again, and never after its time."""
        self.close()
        self.client = self.connect()

    async def publish(self, messages: Sequence[Message]) -> list[Message]:
        """Those that the broker has acknowledged, within PUBLISH_SECONDS for all of them."""
        if not messages:
            return []
        if not self.client.is_connected():
            log.warning("commands_postponed", commands=len(messages), error="no connection to the broker")
            return []
        on_their_way = [(one, self.client.publish(one.topic, one.payload, qos=1, properties=expiry(one.lives))) for one in messages]
        await asyncio.to_thread(wait_for, [info for _, info in on_their_way])
        taken = [one for one, info in on_their_way if acknowledged(info)]
        if len(taken) < len(messages):
            log.warning("commands_postponed", commands=len(messages) - len(taken), error="the broker does not acknowledge")
            await asyncio.to_thread(self.renew)
        return taken

    async def step(self, conn: db.Connection, now: datetime) -> bool:
        """All due commands, up to a batch: claimed, published together, recorded."""
        rows = await (await conn.execute(QUERIES["claim_commands"], {"now": now, "most": BATCH})).fetchall()
        messages: list[Message] = []
        ended: list[tuple[int, str, str | None]] = []
        for row in sorted(rows, key=lambda one: int(one["id"])):
            if row["expires_at"] <= now:
                ended.append((row["id"], "expired", None))
                continue
            try:
                message = write(row, now)
            except Exception as error:  # one that cannot be written stops no other
                log.exception("command_failed", command=row["id"])
                ended.append((row["id"], "failed", f"{type(error).__name__}: {error}"[:200]))
                continue
            if message is None:
                ended.append((row["id"], "failed", CANNOT))
            else:
                messages.append(message)
        taken = await self.publish(messages)
        async with conn.transaction():
            if taken:
                values = {"ids": [one.id for one in taken], "dues": [one.again_at for one in taken], "now": now}
                await conn.execute(QUERIES["command_sent"], values)
            if ended:
                ids, states, whys = (list(column) for column in zip(*ended, strict=True))
                await conn.execute(QUERIES["commands_ended"], {"ids": ids, "states": states, "errors": whys, "now": now})
        return bool(rows)


def write(row: dict[str, Any], now: datetime) -> Message | None:
    """A claimed row as its device hears it; None when this family of devices has no words for it."""
    device, edge, lives = row["device_code"], row["edge"], row["expires_at"] - now
    if row["kind"] == "answer":
        answer = wire.Answer(row["answer"], row["seq"], row["params"].get("name"))
        return Message(row["id"], wire.answer_topic(device, edge), wire.encode(answer), lives, None)
    if row["family"] == "own":
        command = wire.Command(row["id"], row["kind"], row["params"], row["expires_at"])
        return Message(row["id"], wire.own_topic(device, "command", edge), wire.encode(command), lives, now + pause(row["tries"]))
    # Other families know a light that is on or off; to blink is to be on, so that the device is found.
    params = row["params"] | ({"on": row["params"]["mode"] != "off"} if row["kind"] == "light" else {})
    found = dialects.encode_command(row["family"], row["address"] or device, row["kind"], params)
    if found is None:
        return None
    topic, payload = found
    if not 0 < len(topic) <= LONGEST_TOPIC or set("+#\0") & set(topic):
        raise ValueError(f"{topic[:100]!r} is no topic to publish to")
    return Message(row["id"], f"{wire.EDGE}{edge}/{topic}" if edge else topic, payload, lives, None)


def pause(tries: int) -> timedelta:
    """How long a device has to report before a command is sent once more, after `tries` earlier sendings."""
    return min(FIRST_PAUSE * (1 << min(tries, 20)), LONGEST_PAUSE)


def expiry(lives: timedelta) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.MessageExpiryInterval = max(1, int(lives.total_seconds()))
    return properties


def wait_for(messages: Sequence[mqtt.MQTTMessageInfo]) -> None:
    until = time.monotonic() + PUBLISH_SECONDS
    for message in messages:
        try:
            message.wait_for_publish(max(0.0, until - time.monotonic()))
        except (RuntimeError, ValueError):  # the connection broke, or the queue was full
            continue


def acknowledged(message: mqtt.MQTTMessageInfo) -> bool:
    try:
        return message.is_published()
    except (RuntimeError, ValueError):
        return False


def stages(publisher: Publisher) -> tuple[Stage, ...]:
    due = "SELECT min(due_at) AS due_at FROM command WHERE due_at IS NOT NULL"
    return (Stage(name="command", step=publisher.step, hint="command", oldest_due=due),)
