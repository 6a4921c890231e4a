"""One running Cloud Family per data folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from types import TracebackType

from cloudfamily.embedded import errors
from cloudfamily.embedded.errors import StartError


class Lock:
    """An flock on `<folder>/lock`, which holds our process id. The kernel lets go of it however we die."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: int | None = None

    def acquire(self) -> None:
        """Raises StartError if another process holds it, or if the folder cannot be used. Does not wait."""
        with errors.about(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            file = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
            try:
                self._claim(file)
            except BaseException:
                os.close(file)
                raise
        self._file = file

    def release(self) -> None:
        """Lets go; the file stays, because removing it would race with the next one. May be called twice."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _claim(self, file: int) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(file, 20, 0).decode("ascii", "replace").strip() or "unknown"
            raise StartError(
                f"Cloud Family is already running on the data folder {self._folder} (pid {holder}). "
                "Stop it first, or set CF_DATA_DIR to another folder."
            ) from None
        with contextlib.suppress(PermissionError):  # so that the folder's owner can use it after root did
            owner = os.stat(self._folder)
            os.fchown(file, owner.st_uid, owner.st_gid)
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)

    def __enter__(self) -> Lock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
