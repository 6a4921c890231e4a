"""press: a home's emergency button, from the terminal; it repeats until the platform answers, as a real one does."""

from __future__ import annotations

import queue
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec
import paho.mqtt.client as mqtt

from cloudfamily_gateway import client as clients
from cloudfamily_gateway import wire
from cloudfamily_platform.core.settings import Settings

REPEAT_SECONDS = 5.0


@contextmanager
def button(broker: tuple[str, int], device: str, settings: Settings) -> Iterator[Button]:
    """A connected button that signs in as the settings say. Raises TimeoutError when the broker does not answer within 5 s."""
    made = Button(device, settings)
    made.client.connect(*broker, keepalive=30)
    made.client.loop_start()
    try:
        if not made.connected.get(timeout=5):
            raise TimeoutError("the broker refused")
        yield made
    except queue.Empty:
        raise TimeoutError("the broker does not answer") from None
    finally:
        made.client.disconnect()
        made.client.loop_stop()


class Button:
    def __init__(self, device: str, settings: Settings) -> None:
        self.device = device
        self.connected: queue.Queue[bool] = queue.Queue()
        self.answers: queue.Queue[wire.Answer] = queue.Queue(100)
        self.seq = int(time.time() * 1000)
        self.client = clients.make(settings, f"press-{uuid.uuid4().hex[:12]}")
        self.client.on_connect = lambda client, *_: client.subscribe(wire.answer_topic(device), qos=1)
        self.client.on_subscribe = lambda *_: self.connected.put(True)
        self.client.on_message = self.on_message

    def on_message(self, client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        answer = msgspec.json.decode(message.payload, type=wire.Answer)
        if answer.seq == self.seq and not self.answers.full():
            self.answers.put(answer)

    def press(self, kind: str = "sos", timeout_s: float = 30.0) -> float:
        """Presses, and again every few seconds, until "received" comes; returns the seconds it took. Raises TimeoutError."""
        self.seq += 1
        said = {"t": datetime.now(UTC).isoformat(timespec="milliseconds"), "seq": self.seq, "kind": kind}
        began = time.monotonic()
        while time.monotonic() - began < timeout_s:
            self.client.publish(f"cf/v1/{self.device}/signal", wire.encode(said), qos=1)
            if self.wait_for("received", REPEAT_SECONDS):
                return time.monotonic() - began
        raise TimeoutError(f"nobody answered the button within {timeout_s:g} s")

    def wait_for(self, answer: str, timeout_s: float) -> bool:
        """Whether the platform said so within the time."""
        until = time.monotonic() + timeout_s
        while (left := until - time.monotonic()) > 0:
            try:
                if self.answers.get(timeout=left).answer == answer:
                    return True
            except queue.Empty:
                break
        return False
