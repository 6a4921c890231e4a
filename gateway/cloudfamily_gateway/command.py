"""command: answers go out to devices over MQTT; each stays due until the broker has taken it, or it has expired."""

from __future__ import annotations

import asyncio
from datetime import datetime

import structlog

from cloudfamily_gateway import client as clients
from cloudfamily_gateway import wire
from cloudfamily_gateway.ingest import QUERIES
from cloudfamily_platform.core import db
from cloudfamily_platform.core.settings import Settings
from cloudfamily_platform.core.stage import Stage

log = structlog.get_logger()
PUBLISH_SECONDS = 5.0


class Publisher:
    """An MQTT connection for what we say to devices. Reconnects by itself."""

    def __init__(self, settings: Settings, broker: tuple[str, int]) -> None:
        self.client = clients.make(settings, f"{settings.gateway_name}-command")
        self.client.reconnect_delay_set(1, 5)
        self.client.max_queued_messages_set(1000)
        self.client.connect_async(*broker, keepalive=30)
        self.client.loop_start()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    async def publish(self, topic: str, payload: bytes) -> None:
        """Returns when the broker has acknowledged. Raises RuntimeError or TimeoutError when it does not."""
        if not self.client.is_connected():
            raise RuntimeError("no connection to the broker")
        message = self.client.publish(topic, payload, qos=1)
        await asyncio.to_thread(message.wait_for_publish, PUBLISH_SECONDS)
        if not message.is_published():
            raise TimeoutError(topic)

    async def step(self, conn: db.Connection, now: datetime) -> bool:
        """One due command."""
        row = await (await conn.execute(QUERIES["claim_command"], {"now": now})).fetchone()
        if row is None:
            return False
        if row["expires_at"] > now:
            try:
                await self.publish(wire.answer_topic(row["device_code"]), wire.encode(wire.Answer(row["answer"], row["seq"])))
            except (RuntimeError, TimeoutError, ValueError) as error:
                log.warning("command_postponed", device=row["device_code"], error=str(error))
                return True
        await conn.execute(QUERIES["command_done"], row)
        return True


def stages(publisher: Publisher) -> tuple[Stage, ...]:
    due = "SELECT min(due_at) AS due_at FROM command WHERE due_at IS NOT NULL"
    return (Stage(name="command", step=publisher.step, hint="command", oldest_due=due),)
