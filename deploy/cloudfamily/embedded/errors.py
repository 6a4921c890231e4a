"""Why an embedded part did not start, as one sentence for the person at the terminal."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_NO_FOLDER = (errno.ENOTDIR, errno.EEXIST)


class StartError(Exception):
    """An embedded part did not start. Its text says what failed, where, and what to do."""


def disk_full(folder: Path) -> StartError:
    return StartError(f"The disk that holds {folder} is full. Free some space there, or set CF_DATA_DIR to another disk.")


@contextlib.contextmanager
def about(folder: Path) -> Iterator[None]:
    """Turns an OSError that concerns the data folder `folder` into a StartError."""
    try:
        yield
    except OSError as error:
        where = error.filename or folder
        if error.errno in _FULL:
            raise disk_full(folder) from error
        if error.errno in _FORBIDDEN:
            reason = f"{where} cannot be read or written by this user ({error.strerror})"
        elif error.errno in _NO_FOLDER:
            reason = f"{where} is not a folder"
        else:
            reason = f"{where}: {error.strerror or error}"
        raise StartError(f"The data folder {folder} cannot be used: {reason}. Mend that, or set CF_DATA_DIR to another folder.") from error
