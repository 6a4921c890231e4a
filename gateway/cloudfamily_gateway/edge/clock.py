"""The hub's clock. A Raspberry Pi has no battery for it: after a power cut it is wrong until the network sets it."""

from __future__ import annotations

import time
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
#: A clock that is drawn along slowly is right enough; one that is set jumps further than this.
JUMP_MS = 1000


class Clock:
    """Milliseconds since 1970, and how far they were set. `boot` names this start of the machine."""

    def __init__(self) -> None:
        try:
            self.boot = BOOT_ID.read_text(encoding="ascii").strip()
        except OSError:
            self.boot = f"process {time.time_ns()}"
        self.ahead = self.now_ms() - self.up_ms()

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def up_ms(self) -> int:
        """Goes on while the machine sleeps, and is never set."""
        return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) // 1_000_000

    def jumped_ms(self) -> int:
        """How far the clock was set since this was last asked; 0: it was not."""
        ahead = self.now_ms() - self.up_ms()
        jump, self.ahead = ahead - self.ahead, ahead
        return jump if abs(jump) > JUMP_MS else 0
