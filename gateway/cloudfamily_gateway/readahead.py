"""Paho's session, with the two packets that come by the thousand read and written by us.

Paho keeps the session: it connects, signs in, subscribes, pings, publishes and notices what is lost. But it asks the socket for a
packet's first bytes one by one, builds a few dozen objects for each PUBLISH of MQTT 5, and sends each PUBACK alone: 70 to 120 µs a
message where this takes 5 (docs/performance.md). So PUBLISH is parsed here from what was read in one go, and PUBACKs are written
together; whatever else comes in is left to paho, byte by byte.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any, NamedTuple, cast

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

READ_BYTES = 262_144
PUBLISH, PUBACK = 0x30, 0x40


class Message(NamedTuple):
    """A PUBLISH of QoS 0 or 1 as it came."""

    topic: bytes
    payload: bytes
    qos: int
    retain: bool
    #: 0 with QoS 0.
    mid: int
    #: MQTT 5 properties, not decoded: hardly anybody asks.
    properties: bytes

    def user_properties(self) -> list[tuple[str, str]]:
        """Raises what paho raises on properties that are none."""
        found = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        found.unpack(length(len(self.properties)) + self.properties)  # type: ignore[no-untyped-call]
        return list(getattr(found, "UserProperty", ()))


class Client(mqtt.Client):
    """For whoever drives the loop by hand, `read` and `flush` taking the place of paho's `loop_read` and `loop_write`.

    The socket is paho's own doing: `_create_socket` is not part of its public face, but the pinned version and the lanes' tests hold it.
    """

    def _create_socket(self) -> Any:
        return ReadAhead(super()._create_socket())

    def read(self) -> list[Message]:
        """What has come in. Raises OSError when the connection is gone or what comes over it is not MQTT."""
        if (there := self.there()) is None:
            raise ConnectionError("no connection to the broker")
        there.fill()
        messages: list[Message] = []
        while (there := self.there()) is not None:
            there.take(messages)
            if not there.others or self.loop_read() != mqtt.MQTT_ERR_SUCCESS:
                break
        return messages

    def acknowledge(self, mids: Iterable[int]) -> None:
        """PUBACKs, in this order; they leave with `flush`."""
        if (there := self.there()) is not None:
            there.send(b"".join([struct.pack("!BBH", PUBACK, 2, mid) for mid in mids]))

    def flush(self) -> None:
        """Writes what the network takes now. Raises OSError when the connection is gone."""
        self.loop_write()
        if (there := self.there()) is not None:
            there.flush()

    def there(self) -> ReadAhead | None:
        return cast("ReadAhead | None", self.socket())


class ReadAhead:
    """A socket as paho uses it, that reads much at once and writes together. Belongs to one thread."""

    def __init__(self, there: Any) -> None:
        self.there = there
        self.ahead, self.position = b"", 0
        self.behind = bytearray()
        #: Where the packet that stands next, whole and no PUBLISH, ends: paho's to read, and nothing past it.
        self.others = 0

    def fill(self) -> None:
        """Reads what there is. Raises OSError when the connection is gone."""
        try:
            data = self.there.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            if type(error).__name__ in ("SSLWantReadError", "SSLWantWriteError"):
                return
            raise
        if not data:
            raise ConnectionError("the broker has closed the connection")
        self.ahead, self.position = self.ahead[self.position :] + data, 0

    def take(self, messages: list[Message]) -> None:
        """Moves the PUBLISH packets that stand next, whole, to `messages`. Raises ConnectionError for one that is none."""
        data, at, end = self.ahead, self.position, len(self.ahead)
        self.others = 0
        while at + 2 <= end:
            first, size, start = data[at], data[at + 1], at + 2
            if size > 127:
                try:
                    size, start = varint(data, at + 1)
                except IndexError:
                    break  # the length itself is not all there
            stop = start + size
            if stop > end:
                break
            if first & 0xF0 != PUBLISH:
                self.others = stop
                break
            try:
                messages.append(parse(data, first, start, stop))
            except IndexError:
                raise ConnectionError("the broker sends what is no MQTT") from None
            at = stop
        self.position = at

    def recv(self, size: int) -> bytes:
        """For paho: no more than the packet that is its own."""
        if self.position >= self.others:
            raise BlockingIOError
        piece = self.ahead[self.position : min(self.position + size, self.others)]
        self.position += len(piece)
        return piece

    def send(self, data: bytes) -> int:
        self.behind += data
        return len(data)

    def flush(self) -> None:
        """Writes what the network takes now; raises OSError when the connection is gone."""
        try:
            while self.behind:
                del self.behind[: self.there.send(self.behind)]
        except OSError as error:
            if not isinstance(error, BlockingIOError) and type(error).__name__ not in ("SSLWantReadError", "SSLWantWriteError"):
                raise

    def pending(self) -> int:
        return max(0, self.others - self.position)

    def fileno(self) -> int:
        return int(self.there.fileno())

    def setblocking(self, flag: bool) -> None:
        self.there.setblocking(flag)

    def close(self) -> None:
        try:
            self.flush()  # the last acknowledgements, and goodbye
        except OSError:
            pass
        self.there.close()


def parse(data: bytes, first: int, start: int, stop: int) -> Message:
    """The PUBLISH from `start` to `stop` (MQTT 5, 3.3). Raises ConnectionError when it is none."""
    qos = first >> 1 & 3
    name = start + 2
    at = name + (data[start] << 8 | data[start + 1])
    topic, mid = data[name:at], 0
    if qos:
        mid = data[at] << 8 | data[at + 1]
        at += 2
    size, at = (data[at], at + 1) if data[at] < 128 else varint(data, at)
    if qos > 1 or at + size > stop:
        raise ConnectionError("the broker sends what is no MQTT")
    return Message(topic, data[at + size : stop], qos, bool(first & 1), mid, data[at : at + size])


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A variable byte integer (MQTT 5, 1.5.5) and where it ends. Raises IndexError when it is cut off."""
    value = 0
    for number in range(4):
        byte = data[at + number]
        value |= (byte & 127) << 7 * number
        if byte < 128:
            return value, at + number + 1
    raise ConnectionError("the broker sends what is no MQTT")


def length(size: int) -> bytes:
    """`size` as a variable byte integer."""
    found = bytearray()
    while True:
        size, digit = divmod(size, 128)
        found.append(digit | 128 if size else digit)
        if not size:
            return bytes(found)
