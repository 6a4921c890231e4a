"""What docs/access.md tells EMQX to ask the database gives the passwords and topics that Mosquitto gets."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from cloudfamily_platform.people import credential

PAGE = (Path(__file__).parents[2] / "docs" / "access.md").read_text(encoding="utf-8")
LOGIN, RULES = (query.replace("${username}", "%s") for query in re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL))
PEOPLE: tuple[tuple[str, credential.Kind, tuple[str, ...]], ...] = (
    ("dev-1", "device", ()),
    ("hub-1", "edge", ()),
    ("z2m-1", "bridge", ("zigbee2mqtt", "homes/7")),
    ("gateway-1", "service", ()),
)


def test_the_queries(world: Any) -> None:
    iterations = int(re.search(r"iterations = (\d+)", PAGE)[1])  # type: ignore[index]
    for name, kind, bases in PEOPLE:
        secret = world.run(credential.issue(world.conn, name, kind, world.now, bases))
        (login,) = world.rows(LOGIN, name)
        assert login["password_hash"] == hashlib.pbkdf2_hmac("sha512", secret.encode(), login["salt"].encode(), iterations, 64).hex()
        assert login["is_superuser"] == (kind == "service")
        rules = world.rows(RULES, name)
        assert {rule["permission"] for rule in rules} <= {"allow"}
        if kind != "service":
            wanted = credential.topics(name, kind, bases)
            assert {rule["topic"] for rule in rules if rule["action"] in ("publish", "all")} == set(wanted.write)
            assert {rule["topic"] for rule in rules if rule["action"] in ("subscribe", "all")} == set(wanted.read)
        world.run(credential.revoke(world.conn, name, world.now))
        assert (world.rows(LOGIN, name), world.rows(RULES, name)) == ([], [])
