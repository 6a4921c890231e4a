"""A policy pack: a city's figures in `packs/<city>.toml`, and what a visit gives by them. Pure functions."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, kw_only=True)
class Pack:
    """All figures are minutes; `packs/wuzhou.toml` says what each is for."""

    version: str
    step_minutes: int
    minimum_minutes: int
    maximum_minutes: int
    cap_minutes: int

    def __post_init__(self) -> None:
        rising = [1, self.step_minutes, self.minimum_minutes, self.maximum_minutes, self.cap_minutes]
        if rising != sorted(rising):
            raise ValueError(f"{self.version}: 1 ≤ step ≤ minimum ≤ maximum ≤ cap does not hold")
        if self.minimum_minutes % self.step_minutes or self.maximum_minutes % self.step_minutes:
            raise ValueError(f"{self.version}: minimum and maximum are whole steps")


@dataclass(frozen=True, kw_only=True)
class Credit:
    """What one visit gives, in minutes: to spend, to the public pool (past the cap), and in honour."""

    exchangeable: int = 0
    overflow: int = 0
    honour: int = 0


@cache
def load(name: str) -> Pack:
    """The pack of a city. Raises FileNotFoundError, ValueError (contradiction), TypeError (unknown figure)."""
    text = (resources.files("cloudfamily_timebank") / "packs" / f"{name}.toml").read_text(encoding="utf-8")
    return Pack(**tomllib.loads(text))


def credit(pack: Pack, minutes: int, room: int) -> Credit:
    """What a verified visit of `minutes` gives to somebody with `room` for so many exchangeable minutes."""
    if minutes < 1:
        return Credit()
    counted = min(minutes, pack.maximum_minutes)
    whole_steps = counted // pack.step_minutes * pack.step_minutes
    earned = max(whole_steps, pack.minimum_minutes)
    exchangeable = min(earned, max(0, room))
    return Credit(exchangeable=exchangeable, overflow=earned - exchangeable, honour=max(0, counted - earned))
