"""Processes that may outlive us: find one again by what only ours has, and stop it in rising steps."""

from __future__ import annotations

import contextlib
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
    try:
        children = process.children(recursive=True)
    except psutil.NoSuchProcess:
        return
    for signal_number, wait_s in steps:
        try:
            process.send_signal(signal_number)
            process.wait(wait_s)
            break
        except psutil.NoSuchProcess:
            break
        except psutil.TimeoutExpired:
            continue
    for child in psutil.wait_procs(children, CHILDREN_S)[1]:
        with contextlib.suppress(psutil.Error):
            child.kill()


def stop_all(processes: Sequence[psutil.Process], *steps: tuple[int, float]) -> None:
    for process in processes:
        stop(process, *steps)
