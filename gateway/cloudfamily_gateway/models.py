"""Models: what a device of this family, vendor, model and kind promises. The table is models.toml; the rest is pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import Any, Literal, cast

Promise = Literal["regular", "events"]
#: Rising (volts, percent) points of a battery, with straight lines between them.
Curve = tuple[tuple[float, float], ...]
PATTERNS = ("family", "vendor", "model", "kind")
#: So many words in a row may be missing where an entry does not say.
USUALLY_MISSED = 2.0


@dataclass(frozen=True, kw_only=True)
class Model:
    promise: Promise
    #: None: what the device's row says.
    report_minutes: int | None = None
    #: Silent after this many times report_minutes.
    missed: float = USUALLY_MISSED
    battery: Curve | None = None


@dataclass(frozen=True)
class Entry:
    #: (field, pattern in lower case)
    patterns: tuple[tuple[str, str], ...]
    model: Model

    def fits(self, device: Mapping[str, Any]) -> bool:
        return all(fnmatchcase(str(device[field] or "").lower(), pattern) for field, pattern in self.patterns)


def find(device: Mapping[str, Any], table: Sequence[Entry] | None = None) -> Model:
    """The model of a device with `family`, `vendor`, `model` and `kind`; the last entry fits all."""
    return next(entry.model for entry in (table or known()) if entry.fits(device))


@cache
def known() -> tuple[Entry, ...]:
    return parse((resources.files("cloudfamily_gateway") / "models.toml").read_text(encoding="utf-8"))


def parse(text: str) -> tuple[Entry, ...]:
    """Raises ValueError for an entry that cannot be meant, and when nothing fits a device that nobody knows."""
    told = tomllib.loads(text)
    batteries = {name: curve(name, one["curve"]) for name, one in told.get("battery", {}).items()}
    table = tuple(entry(one, batteries) for one in told["model"])
    if not table or table[-1].patterns:
        raise ValueError("the last model must fit every device: name no pattern in it")
    return table


def entry(told: dict[str, Any], batteries: dict[str, Curve]) -> Entry:
    rest = dict(told)
    patterns = tuple((field, str(rest.pop(field)).lower()) for field in PATTERNS if field in rest)
    promise, battery = rest.pop("promise", None), rest.pop("battery", None)
    minutes, missed = rest.pop("report_minutes", None), float(rest.pop("missed", USUALLY_MISSED))
    if promise not in ("regular", "events") or rest or (battery and battery not in batteries):
        raise ValueError(f"a model that cannot be meant: {told}")
    if missed < 1 or not (minutes is None or 1 <= minutes <= 44_640):
        raise ValueError(f"report_minutes goes from 1 to 44640, missed from 1: {told}")
    return Entry(patterns, Model(promise=cast(Promise, promise), report_minutes=minutes, missed=missed, battery=batteries[battery] if battery else None))


def curve(name: str, points: list[list[float]]) -> Curve:
    found = tuple((float(volts), float(percent)) for volts, percent in points)
    if len(found) < 2 or list(found) != sorted(set(found)) or (found[0][1], found[-1][1]) != (0, 100):
        raise ValueError(f"battery {name}: volts must rise from 0 to 100 percent")
    return found
