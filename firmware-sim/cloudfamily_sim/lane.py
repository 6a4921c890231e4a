"""One MQTT 5 connection of a fleet, in a paho thread of its own, with a bounded queue in front of it.

paho's callbacks run in its thread and only hand over to the event loop; the queue is touched by the loop alone.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from cloudfamily_sim.encode import Publish

#: Most messages handed to paho that the broker has not acknowledged; fewer when its Receive Maximum says so.
WINDOW = 100
KEEPALIVE_SECONDS = 15
CONNECT_SECONDS = 2.0
SLOWEST_RECONNECT_SECONDS = 5
#: What a clean stop may take: for the last acknowledgements, then for the thread.
FLUSH_SECONDS, STOP_SECONDS = 0.3, 0.5

Listener = Callable[[str, bytes], None]


class Lane:
    """`limit`: the oldest waiting message goes when more than so many wait (None: never; the sender is bounded).

    A message that is waiting already is not queued twice, so a repeated press waits once.
    """

    def __init__(self, name: str, *, limit: int | None, topics: Sequence[str] = (), on_message: Listener | None = None) -> None:
        self.name, self.limit, self.topics, self.on_message = name, limit, topics, on_message
        self.waiting: OrderedDict[Publish, None] = OrderedDict()
        self.connected = False
        self.connections = self.handed = self.acknowledged = self.refused = self.dropped = 0
        self.window = WINDOW
        self.nudged = False

    def start(self, host: str, port: int, username: str | None = None, password: str | None = None) -> None:
        """Returns at once; connects, and connects again, for as long as it runs. Needs a running event loop."""
        self.loop = asyncio.get_running_loop()
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"sim-{self.name}-{secrets.token_hex(4)}",
            protocol=mqtt.MQTTv5,
        )
        client.connect_timeout = CONNECT_SECONDS
        client.max_inflight_messages = WINDOW
        client.reconnect_delay_set(1, SLOWEST_RECONNECT_SECONDS)
        if username is not None:
            client.username_pw_set(username, password)
        client.on_connect, client.on_disconnect = self.on_connect, self.on_disconnect
        client.on_publish, client.on_message = self.on_publish, self.on_arrival
        client.connect_async(host, port, keepalive=KEEPALIVE_SECONDS)
        client.loop_start()
        self.client = client

    def send(self, publish: Publish) -> None:
        """Queues a message and lets go what may go."""
        self.waiting[publish] = None
        if self.limit is not None and len(self.waiting) > self.limit:
            self.waiting.popitem(last=False)
            self.dropped += 1
        self.pump()

    def pump(self) -> None:
        self.nudged = False
        while self.connected and self.waiting and self.unanswered < self.window:
            publish, _ = self.waiting.popitem(last=False)
            self.handed += 1
            # Whatever paho returns, it keeps the message and sends it again after a reconnect.
            self.client.publish(publish.topic, publish.payload, publish.qos)

    @property
    def unanswered(self) -> int:
        """Messages on the way to the broker."""
        return self.handed - self.acknowledged - self.refused

    @property
    def empty(self) -> bool:
        return not self.waiting and self.unanswered == 0

    async def stop(self) -> None:
        """Lets the last messages out if there is a connection, then ends the thread; under a second in any case."""
        deadline = time.monotonic() + FLUSH_SECONDS
        while self.connected and not self.empty and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        self.client.disconnect()
        # The thread may sit in a connection attempt; it is a daemon and ends by itself soon after.
        ending = threading.Thread(target=self.client.loop_stop, daemon=True)
        ending.start()
        deadline = time.monotonic() + STOP_SECONDS
        while ending.is_alive() and time.monotonic() < deadline:
            await asyncio.sleep(0.01)

    # In paho's thread. Publishing here could deadlock with the loop, so nothing is done here but hand over.

    def on_connect(self, client: mqtt.Client, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            return
        self.window = min(WINDOW, getattr(properties, "ReceiveMaximum", WINDOW))
        self.connected = True
        self.connections += 1
        for topic in self.topics:
            client.subscribe(topic, qos=1)
        self.tell(self.pump)

    def on_disconnect(self, client: mqtt.Client, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        self.connected = False

    def on_publish(self, client: mqtt.Client, userdata: Any, mid: int, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self.refused += 1
        else:
            self.acknowledged += 1
        if not self.nudged:
            self.nudged = True
            self.tell(self.pump)

    def on_arrival(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return  # an exception would end paho's thread
        if self.on_message is not None:
            self.tell(self.on_message, topic, message.payload)

    def tell(self, what: Callable[..., None], *arguments: Any) -> None:
        try:
            self.loop.call_soon_threadsafe(what, *arguments)
        except RuntimeError:
            pass  # the loop has gone; so has the fleet
