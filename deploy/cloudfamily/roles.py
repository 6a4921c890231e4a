"""The names of what `cloudfamily run` can run; without imports, so that the command starts at once."""

from __future__ import annotations

ROLES = ("gateway", "alerts", "timebank", "web", "bot")
#: On a hub, alone: needs no database and little memory.
EDGE = "edge"
