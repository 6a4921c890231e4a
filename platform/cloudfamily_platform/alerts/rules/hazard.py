"""A hazard: what a rule saw, how bad it is, and why in words that can be said to people."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["critical", "high", "low"]


@dataclass(frozen=True, kw_only=True)
class Hazard:
    #: Text key `alert.kind.<kind>`.
    kind: str
    severity: Severity
    #: Text key `alert.why.<why>`, filled with `params`.
    why: str
    params: dict[str, object] = field(default_factory=dict)
