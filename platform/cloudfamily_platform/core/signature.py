"""Signed HTTP bodies as in Standard Webhooks (github.com/standard-webhooks/standard-webhooks, spec 1.0.0), symmetric `v1`:
base64(HMAC-SHA256(secret, "<id>.<timestamp>.<body>")) in `webhook-signature`, beside `webhook-id` and `webhook-timestamp`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

#: A body that was signed longer ago, or in the future, is a replay or a wrong clock.
TOLERANCE_SECONDS = 300


class BadSignature(Exception):
    """The body is not from who knows the secret, or is not of now."""


def key(secret: str) -> bytes:
    """`whsec_` and base64, as the standard writes secrets; anything else is taken as it stands. Raises ValueError."""
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise ValueError("a secret that begins with whsec_ goes on in base64") from error


def sign(secret: str, message_id: str, now: datetime, body: bytes) -> dict[str, str]:
    """The three headers."""
    timestamp = str(int(now.timestamp()))
    return {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": f"v1,{digest(secret, message_id, timestamp, body)}"}


def check(secret: str, headers: Mapping[str, str], now: datetime, body: bytes) -> str:
    """The message's id. Raises BadSignature."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 15:
        raise BadSignature("webhook-id or webhook-timestamp is missing")
    if abs(int(timestamp) - now.timestamp()) > TOLERANCE_SECONDS:
        raise BadSignature("webhook-timestamp is not of now")
    right = digest(secret, message_id, timestamp, body).encode()
    given = (one.removeprefix("v1,").encode() for one in headers.get("webhook-signature", "").split()[:10] if one.startswith("v1,"))
    if not any(hmac.compare_digest(right, one) for one in given):
        raise BadSignature("webhook-signature does not fit")
    return message_id


def digest(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.new(key(secret), signed, hashlib.sha256).digest()).decode()
