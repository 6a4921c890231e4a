"""Dialects, one file per device family: pure functions from a frame to readings, signals and faults. Chosen by topic."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from cloudfamily_gateway import wire
from cloudfamily_gateway.dialects import own

log = structlog.get_logger()
Decoder = Callable[[wire.Frame], wire.Decoded]
#: First level of the topic → decoder. A new family adds its file and a line here.
BY_TOPIC: dict[str, Decoder] = {"cf": own.decode}


def decode(frame: wire.Frame) -> wire.Decoded:
    """Never raises: what cannot be understood comes back as a fault."""
    decoder = BY_TOPIC.get(frame.topic.partition("/")[0])
    if decoder is None:
        return wire.Decoded(None, faults=(wire.Fault("wrong_topic", f"no device family speaks on {frame.topic[:200]!r}"),))
    try:
        return decoder(frame)
    except Exception as error:  # a decoder's mistake costs its own frame, never the lane
        log.exception("decoder_failed", topic=frame.topic[:200])
        return wire.Decoded(None, faults=(wire.Fault("decoder_failed", f"{type(error).__name__}: {error}"[:300]),))
