"""A task that is to end ends, whatever goes wrong on its way out."""

from __future__ import annotations

import asyncio


def told_to_stop() -> bool:
    """Whether the present task has been cancelled. Every endless loop asks at each turn: the CancelledError itself can be lost on
    its way, where a cancelled query meets a broken connection (psycopg raises OperationalError), or where Python 3.11's `wait_for`
    is cancelled in the very moment in which it has its answer."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
