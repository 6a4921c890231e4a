"""The packets of MQTT 5 that a simulated device needs, as bytes. Nothing here does any I/O.

Section numbers are those of the OASIS standard MQTT 5.0.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP, DISCONNECT = 2, 3, 4, 9, 13, 14
PINGREQ = b"\xc0\x00"
GOODBYE = b"\xe0\x00"
#: From here on a reason code says that something was refused (2.4).
REFUSED = 0x80
MOST_IN_FLIGHT = 65_535
LARGEST_TOPIC = 65_535

SHORT_HEAD, MIDDLE_HEAD = struct.Struct(">BBH").pack, struct.Struct(">BBBH").pack
#: Reason codes that an operator meets (2.4).
REASONS = {
    0x80: "unspecified error",
    0x81: "malformed packet",
    0x82: "protocol error",
    0x85: "client identifier not valid",
    0x86: "bad user name or password",
    0x87: "not authorized",
    0x88: "server unavailable",
    0x8A: "banned",
    0x8B: "server shutting down",
    0x8D: "keep alive timeout",
    0x8E: "session taken over",
    0x90: "topic name invalid",
    0x93: "receive maximum exceeded",
    0x95: "packet too large",
    0x97: "quota exceeded",
    0x9B: "QoS not supported",
}
#: Properties by their size in bytes (2.2.2.2); 0: a string or bytes with a length before, -1: a pair of strings, -2: a variable integer.
PROPERTY_SIZES = {
    0x01: 1, 0x02: 4, 0x03: 0, 0x08: 0, 0x09: 0, 0x0B: -2, 0x11: 4, 0x12: 0, 0x13: 2, 0x15: 0, 0x16: 0, 0x17: 1, 0x18: 4, 0x19: 1, 0x1A: 0, 0x1C: 0,
    0x1F: 0, 0x21: 2, 0x22: 2, 0x23: 2, 0x24: 1, 0x25: 1, 0x26: -1, 0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1,
}  # fmt: skip
SESSION_EXPIRY, SERVER_KEEP_ALIVE, RECEIVE_MAXIMUM, MAXIMUM_PACKET_SIZE = 0x11, 0x13, 0x21, 0x27


class Will(NamedTuple):
    """What the broker says for a device that went without a word."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = True


class Welcome(NamedTuple):
    """CONNACK (3.2): the reason, and what the broker can take."""

    reason: int
    receive_maximum: int = MOST_IN_FLIGHT
    largest_packet: int | None = None
    keepalive_seconds: int | None = None


def connect(client_id: str, keepalive_seconds: int, username: str | None, password: str | None, will: Will | None, session_seconds: int = 0) -> bytes:
    """CONNECT (3.1); `session_seconds` 0: with a clean session that ends with the connection."""
    flags, payload = 0x00 if session_seconds else 0x02, text(client_id)
    properties = struct.pack(">BI", SESSION_EXPIRY, session_seconds) if session_seconds else b""
    if will is not None:
        flags |= 0x04 | will.qos << 3 | (0x20 if will.retain else 0)
        payload += b"\0" + text(will.topic) + binary(will.payload)
    if username is not None:
        flags, payload = flags | 0x80, payload + text(username)
    if password is not None:
        flags, payload = flags | 0x40, payload + text(password)
    body = text("MQTT") + bytes((5, flags)) + struct.pack(">H", keepalive_seconds) + variable(len(properties)) + properties + payload
    return b"\x10" + variable(len(body)) + body


def publish(topic: bytes, payload: bytes, packet_id: int, retain: bool) -> bytes:
    """PUBLISH (3.3) without properties; packet id 0: QoS 0."""
    first, size = (0x32, len(topic) + len(payload) + 5) if packet_id else (0x30, len(topic) + len(payload) + 3)
    first |= retain
    if size < 0x80:
        head = SHORT_HEAD(first, size, len(topic))
    elif size < 0x4000:
        head = MIDDLE_HEAD(first, size & 0x7F | 0x80, size >> 7, len(topic))
    else:
        head = bytes((first,)) + variable(size) + len(topic).to_bytes(2, "big")
    number = packet_id.to_bytes(2, "big") if packet_id else b""
    return b"".join((head, topic, number, b"\0", payload))


def subscribe(topic: str, qos: int, packet_id: int) -> bytes:
    body = struct.pack(">HB", packet_id, 0) + text(topic) + bytes((qos,))
    return b"\x82" + variable(len(body)) + body


def puback(packet_id: int) -> bytes:
    return b"\x40\x02" + packet_id.to_bytes(2, "big")


def read_length(data: bytes, begins: int) -> tuple[int, int] | None:
    """The variable integer at `begins` and where it ends; None when it is not all there. Raises ValueError past four bytes."""
    value = 0
    for number in range(4):
        if begins + number >= len(data):
            return None
        byte = data[begins + number]
        value |= (byte & 0x7F) << 7 * number
        if byte < 0x80:
            return value, begins + number + 1
    raise ValueError("a length of more than four bytes")


def read_connack(body: bytes) -> Welcome:
    """Raises ValueError or struct.error for what is no CONNACK."""
    if len(body) < 2:
        raise ValueError("too short a CONNACK")
    reason = body[1]
    found, _ = read_properties(body, 2) if len(body) > 2 else ({}, 2)
    return Welcome(
        reason,
        found.get(RECEIVE_MAXIMUM, MOST_IN_FLIGHT),
        found.get(MAXIMUM_PACKET_SIZE),
        found.get(SERVER_KEEP_ALIVE),
    )


def read_publish(first: int, body: bytes) -> tuple[str, bytes, int]:
    """Topic, payload and packet id (0 with QoS 0) of a PUBLISH."""
    ends = 2 + int.from_bytes(body[:2], "big")
    topic = body[2:ends].decode()
    packet_id = 0
    if first & 0x06:
        packet_id, ends = int.from_bytes(body[ends : ends + 2], "big"), ends + 2
    size, begins = read_length(body, ends) or (0, ends)
    return topic, body[begins + size :], packet_id


def read_properties(body: bytes, begins: int) -> tuple[dict[int, int], int]:
    """The properties that are numbers, and where they end."""
    size, at = read_length(body, begins) or (0, begins)
    ends, found = at + size, {}
    while at < ends:
        name, at = body[at], at + 1
        width = PROPERTY_SIZES.get(name)
        if width is None:
            raise ValueError(f"property {name:#x} is not of MQTT 5")
        if width > 0:
            found[name], at = int.from_bytes(body[at : at + width], "big"), at + width
        elif width == -2:
            found[name], at = read_length(body, at) or (0, ends)
        else:
            for _ in range(2 if width else 1):
                at += 2 + int.from_bytes(body[at : at + 2], "big")
    return found, ends


def reason_text(reason: int) -> str:
    return f"{REASONS.get(reason, 'refused')} (reason {reason:#04x})"


def text(value: str) -> bytes:
    return binary(value.encode())


def binary(value: bytes) -> bytes:
    return len(value).to_bytes(2, "big") + value


def variable(value: int) -> bytes:
    """A variable integer (1.5.5), up to 268,435,455."""
    found = bytearray()
    while True:
        value, byte = value >> 7, value & 0x7F
        found.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(found)
