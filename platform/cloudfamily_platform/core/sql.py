"""Named queries: `-- name: claim_alert` blocks in the `.sql` files beside a module, loaded once."""

from __future__ import annotations

import re
from importlib import resources
from typing import LiteralString, cast

NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


def load(package: str) -> dict[str, LiteralString]:
    """The queries of a package by name, from all its `.sql` files. The files are ours, so their text counts as literal for
    psycopg's typing.

    Raises ValueError when a name stands twice.
    """
    files = sorted((file for file in resources.files(package).iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    parts = [part for file in files for part in NAME.split(file.read_text(encoding="utf-8"))[1:]]
    names, bodies = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{package}: a query name stands twice")
    return {name: cast(LiteralString, body.strip().rstrip(";")) for name, body in zip(names, bodies, strict=True)}
