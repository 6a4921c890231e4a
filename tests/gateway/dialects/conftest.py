"""Recorded payloads go in; what a decoder made of them comes out in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from cloudfamily_gateway import dialects, wire
from cloudfamily_platform.core import quantity

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


class Heard:
    """What a frame says, in words that a test can compare."""

    def __init__(self, decoded: wire.Decoded) -> None:
        self.decoded = decoded
        self.device, self.announcements = decoded.device, decoded.announcements
        #: quantity → value; a press of 0 is a mere sign of life.
        self.values = {quantity.BY_NUMBER[one.quantity].name: one.value for one in decoded.readings}
        self.by_device = {(one.device, quantity.BY_NUMBER[one.quantity].name): one.value for one in decoded.readings}
        self.times = {one.time for one in decoded.readings}
        self.signals = [(one.device, one.kind) for one in decoded.signals]
        self.levels = {(one.kind, one.active) for one in decoded.levels}
        self.faults = [one.reason for one in decoded.faults]
        self.links = [(one.device, one.online) for one in decoded.links]
        #: Nothing at all: it is passed over.
        self.silent = not any(decoded[1:])


@pytest.fixture
def hear() -> Callable[..., Heard]:
    def hear(topic: str, payload: Any, *, retained: bool = False, hub: str | None = None) -> Heard:
        body = payload if isinstance(payload, bytes) else json.dumps(payload, ensure_ascii=False).encode()
        return Heard(dialects.decode(wire.Frame(topic, body, AT, hub, retained)))

    return hear
