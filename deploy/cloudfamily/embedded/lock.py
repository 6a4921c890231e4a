"""One running Cloud Family per data folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

from cloudfamily.embedded import errors
from cloudfamily.embedded.errors import StartError

WAIT_S = 1.0  # for one that is just about to end

_held: set[Lock] = set()


class Lock:
    """An flock on `<folder>/lock`, which holds our process id. The kernel lets go of it however we die."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: int | None = None

    def acquire(self) -> None:
        """Raises StartError if another process holds it, or if the folder cannot be used."""
        with errors.about(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            file = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
            try:
                self._claim(file)
            except BaseException:
                os.close(file)
                raise
        self._file = file
        _held.add(self)

    def release(self) -> None:
        """Lets go; the file stays, because removing it would race with the next one. May be called twice."""
        if self._file is not None:
            os.close(self._file)  # not LOCK_UN, which would take it from the parent of a forked child
            self._file = None
            _held.discard(self)

    def _claim(self, file: int) -> None:
        if not _locked_within(file, WAIT_S):
            holder = os.pread(file, 20, 0).decode("ascii", "replace").strip() or "unknown"
            raise StartError(
                f"Cloud Family is already running on the data folder {self._folder} (pid {holder}). Stop it first, or set CF_DATA_DIR to another folder."
            )
        with contextlib.suppress(PermissionError):  # so that the folder's owner can use it after root did
            owner = os.stat(self._folder)
            os.fchown(file, owner.st_uid, owner.st_gid)
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)

    def __enter__(self) -> Lock:
        self.acquire()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()


def _locked_within(file: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)


def _leave_to_the_parent() -> None:
    for lock in list(_held):
        lock.release()


# A forked child shares its parent's flock and would keep the folder locked after the parent's death.
os.register_at_fork(after_in_child=_leave_to_the_parent)
