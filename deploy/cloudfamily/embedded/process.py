"""Processes that may outlive us: find one again by what only ours has, and stop it in rising steps."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

CHILDREN_S = 2.0


def find(pid: int, mark: Path) -> psutil.Process | None:
    """The live process `pid` if `mark`, a path of ours, stands in its command line: ids are used again."""
    try:
        process = psutil.Process(pid)
        return process if any(str(mark) in word for word in process.cmdline()) else None
    except (psutil.Error, ValueError, OverflowError):
        return None


def alive(process: psutil.Process) -> bool:
    """Whether it still runs; a dead child that nobody has waited for does not."""
    with contextlib.suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def working_in(folder: Path) -> list[psutil.Process]:
    """Every process, as far as we may see it, whose working directory is `folder`."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()) == folder:
                found.append(process)
        except psutil.Error:
            continue
    return found


def stop(process: psutil.Process, *steps: tuple[int, float]) -> None:
    """Sends the signals in turn, each followed by a wait of at most so many seconds, until it is gone.

    Its children get a moment to follow and are killed after it: a log writer is the last to leave.
    """
    with contextlib.suppress(psutil.NoSuchProcess):
        children = process.children(recursive=True)
        for signal_number, wait_s in steps:
            process.send_signal(signal_number)
            if _ended([process], wait_s):
                break
        if not _ended(children, CHILDREN_S):
            for child in children:
                with contextlib.suppress(psutil.Error):
                    child.kill()


def stop_all(processes: Sequence[psutil.Process], *steps: tuple[int, float]) -> None:
    for process in processes:
        stop(process, *steps)


def _ended(processes: Sequence[psutil.Process], within_s: float) -> bool:
    """Not psutil's own wait: that waits for zombies too, which a lazy or missing init leaves for seconds."""
    deadline = time.monotonic() + within_s
    while any(alive(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
