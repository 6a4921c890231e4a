"""What can be wrong with a device. Give a device another `Faults` at any moment: `button.faults = Faults(dead=True)`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True)
class Faults:
    #: How far the device's own clock is ahead of the true time (negative: behind).
    clock_offset: timedelta = timedelta(0)
    #: Nothing leaves it any more.
    dead: bool = False
    #: Percent that it reports instead of its real charge; at 0 it is as good as dead.
    battery: float | None = None
    #: Its readings are rubbish. A signal stays whole, as a device repeats the very same bytes.
    garbage: bool = False


NONE = Faults()

#: One kind of rubbish after the other; each must end in quarantine, none may stop a decoder.
RUBBISH = (
    b"",
    b"\xff\xfe\x00\x9c",
    b"{",
    b"null",
    b'{"values":{"motion":1}}',
    b'{"t":"yesterday","seq":1,"values":{"motion":1}}',
    b'{"t":"2026-11-23T08:00:00.000Z","seq":1,"values":{"motion":"yes"}}',
    b'{"t":"2026-11-23T08:00:00.000Z","seq":1,"values":{"temperature":4000}}',
    b'{"t":"2026-11-23T08:00:00.000Z","seq":1,"values":{"nonsense":1}}',
    b"[" * 5_000,
)


def spoil(payload: bytes, seq: int) -> bytes:
    """What a broken device sends instead of `payload`: the same for the same `seq`."""
    turn = seq % (len(RUBBISH) + 1)
    return payload[: len(payload) // 2] if turn == len(RUBBISH) else RUBBISH[turn]
