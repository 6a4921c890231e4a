"""Where a server keeps its files and as whom it runs.

PostgreSQL refuses to run as root. Under root the servers run as `nobody`, who often cannot pass the folders
above the data folder (/root, a private home). No folder is opened up for that: the files then live in
/var/lib/cloudfamily and the data folder holds a symbolic link to them.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloudfamily.embedded import process
from cloudfamily.embedded.errors import StartError

OUTSIDE = Path("/var/lib/cloudfamily")


@dataclass(frozen=True)
class Place:
    """The folder (absolute, without links) of a server that runs as user `uid` and group `gid`."""

    folder: Path
    uid: int
    gid: int

    def as_server(self) -> dict[str, Any]:
        """Arguments for subprocess: the server's user, and a session that Ctrl-C does not reach."""
        # The working directory is set because a server stops at once when its user may not enter ours.
        common: dict[str, Any] = {"cwd": self.folder, "start_new_session": True}
        if os.geteuid() != 0:
            return common
        return common | {"user": self.uid, "group": self.gid, "extra_groups": []}

    def write(self, name: str, text: str, mode: int = 0o644) -> bool:
        """Replaces the server's file `name` in one step. False if it had this text already."""
        path, new = self.folder / name, self.folder / f"{name}.new"
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return False
        new.unlink(missing_ok=True)
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), mode)  # whatever the umask says
            self._give(new)
        self.rename(new, path)
        return True

    def rename(self, old: Path, new: Path) -> None:
        """Renames a file or folder of this place, in a way that a power cut does not undo."""
        old.replace(new)
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def server_folder(self, name: str) -> Path:
        """The folder `name`, created if need be, in which only the server may read and write."""
        path = self.folder / name
        if not path.is_dir():
            make_folder(path, 0o700)
            self._give(path)
        return path

    def _give(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def prepare(folder: Path, name: str) -> Place:
    """The place `name` under the data folder `folder`, created if need be. Raises StartError and OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    link = folder.resolve() / name
    if link.is_symlink() and not link.exists():
        raise StartError(f"{link} points to {link.readlink()}, which is gone. Bring it back, or delete the link to start with nothing.")
    if not link.exists():
        uid, gid = _server_user(os.geteuid(), os.getegid())
        if os.geteuid() == 0 and not reachable(folder.resolve(), uid, gid):
            link.symlink_to(_make_outside(link))
        else:
            make_folder(link, 0o711)
    owner = link.stat()
    if os.geteuid() not in (0, owner.st_uid):
        raise StartError(f"{link} belongs to user {_user_name(owner.st_uid)}. Run as that user, or set CF_DATA_DIR to another folder.")
    return Place(link.resolve(), *_server_user(owner.st_uid, owner.st_gid))


def reachable(path: Path, uid: int, gid: int) -> bool:
    """Whether that user may enter the folder, or run the program, `path`. Only root can ask."""
    test = ["test", "-x", str(path)]
    try:
        return subprocess.run(test, cwd="/", user=uid, group=gid, extra_groups=[], timeout=10).returncode == 0
    except PermissionError as error:
        raise StartError(
            "The embedded servers do not run as root, and this process may not change its user. "
            "Run as an ordinary user, or set CF_DATABASE_URL and CF_MQTT_HOST to servers of your own."
        ) from error


def make_folder(path: Path, mode: int) -> None:
    """Creates the folder with exactly this mode, whatever the umask says; an existing one stays as it is."""
    if not path.exists():
        path.mkdir(parents=True)
        path.chmod(mode)


def _server_user(uid: int, gid: int) -> tuple[int, int]:
    """Servers run as the owner of their place; `nobody` stands in for root."""
    if uid != 0:
        return uid, gid
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _make_outside(link: Path) -> Path:
    """An empty folder for `link`, outside. What an emptied data folder left there is kept once, as .old."""
    target = OUTSIDE / hashlib.sha256(bytes(link)).hexdigest()[:12]
    make_folder(OUTSIDE, 0o755)
    if target.exists() and any(target.iterdir()):
        for inside in (target, *target.iterdir()):
            process.stop_all(process.working_in(inside), (signal.SIGTERM, 1.0), (signal.SIGKILL, 2.0))
        old = target.with_suffix(".old")
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
    make_folder(target, 0o711)
    return target


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
