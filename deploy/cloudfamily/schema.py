"""schema.sql: what the migrations make of a plain PostgreSQL, one file to read; CI compares it."""

from __future__ import annotations

import subprocess
from importlib import resources
from pathlib import Path

from cloudfamily import scratch
from cloudfamily.embedded import binaries
from cloudfamily.embedded.errors import StartError

HEAD = "-- Made by `cloudfamily schema` from the migrations on plain PostgreSQL. Read it; never edit it.\n"
#: Lines of pg_dump that differ from run to run, or say nothing about us.
NOISE = ("--", "\\restrict", "\\unrestrict", "SET ", "SELECT pg_catalog.set_config")


def dump(server_url: str) -> str:
    """The schema of a freshly migrated database. Raises StartError when pg_dump fails."""
    with scratch.database(server_url, "schema") as url:
        program = Path(str(resources.files(binaries.PACKAGE))) / "pginstall" / "bin" / "pg_dump"
        done = subprocess.run([program, "--schema-only", "--no-owner", "--no-privileges", url], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise StartError(f"pg_dump failed: {done.stderr.strip()[:500]}")
    lines = [line for line in done.stdout.splitlines() if line.strip() and not line.startswith(NOISE)]
    return HEAD + "\n".join(lines).replace("\n);\n", "\n);\n\n") + "\n"


def write_or_check(server_url: str, file: Path, *, check: bool) -> None:
    """Raises StartError when `check` finds that the file is not what the migrations make."""
    made = dump(server_url)
    if not check:
        file.write_text(made, encoding="utf-8")
    elif not file.is_file() or file.read_text(encoding="utf-8") != made:
        raise StartError(f"{file} is not what the migrations make: run `cloudfamily schema` and commit it.")
