"""Named queries: `-- name: claim_alert` blocks in the `queries.sql` beside a module, loaded once."""

from __future__ import annotations

import re
from importlib import resources
from typing import LiteralString, cast

NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


def load(package: str, file: str = "queries.sql") -> dict[str, LiteralString]:
    """The queries of a package by name. The files are ours, so their text counts as literal for psycopg's typing.

    Raises ValueError when a name stands twice.
    """
    text = (resources.files(package) / file).read_text(encoding="utf-8")
    _, *parts = NAME.split(text)
    names, bodies = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{package}/{file}: a query name stands twice")
    return {name: cast(LiteralString, body.strip().rstrip(";")) for name, body in zip(names, bodies, strict=True)}
