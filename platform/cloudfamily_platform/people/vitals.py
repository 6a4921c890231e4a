"""Vital signs: which value is past its limit, and the NEWS2 score of several. Pure.

The scores are NEWS2's (Royal College of Physicians, National Early Warning Score 2, London 2017, chart 1). What calls people by
default, and whose figure it is, stands at each limit below; an elder's own limits come before these.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from cloudfamily_platform.core import quantity

Side = Literal["low", "high"]
SIDES: tuple[Side, Side] = ("low", "high")
#: How far past: NOTED scores 2 in NEWS2 and calls nobody by itself; PAST is its limit; URGENT is a danger to life.
NOTED, PAST, URGENT = 1, 2, 3

NEWS2 = "NEWS2 (RCP 2017): a single parameter that scores 3"
SCALE_1 = "(scale 1: ≤ 91); urgent < 85: BTS guideline for oxygen use in adults (Thorax 2017; 72: i1)"
BODY = (
    "NEWS2 (RCP 2017): ≤ 35.0 (3 points), ≥ 39.1 (its outermost band, 2); urgent < 32 (ERC guidelines 2021, moderate hypothermia),"
    " > 40 (heat stroke, N Engl J Med 2002; 346: 1978)"
)
MERIT = "medical emergency team criteria (MERIT, Lancet 2005; 365: 2091)"
HYPO = "International Hypoglycaemia Study Group (Diabetes Care 2017; 40: 155), ADA Standards of Care: level 1 < 3.9, level 2 < 3.0 mmol/L"
HYPER = "Time in Range consensus (Diabetes Care 2019; 42: 1593): level 2 > 13.9 mmol/L; ADA: hyperosmolar state > 33.3 mmol/L"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The least and the most that is still all right, in the quantity's unit; None: there is none on this side."""

    low: float | None = None
    high: float | None = None
    urgent_low: float | None = None
    urgent_high: float | None = None
    noted_low: float | None = None
    noted_high: float | None = None
    #: So far back inside it must come before it counts as back.
    margin: float
    #: Digits after the point, to which a value is rounded as NEWS2's chart has it.
    digits: int = 0
    source: str

    def of(self, band: int, side: Side) -> float | None:
        if side == "low":
            return self.noted_low if band == NOTED else self.low if band == PAST else self.urgent_low
        return self.noted_high if band == NOTED else self.high if band == PAST else self.urgent_high


@dataclass(frozen=True, kw_only=True)
class Own:
    """What an elder has other than everybody; None: as everybody."""

    low: float | None = None
    high: float | None = None
    urgent_low: float | None = None
    urgent_high: float | None = None
    #: NEWS2's SpO2 scale: 2 for hypercapnic respiratory failure with a prescribed target of 88-92 %.
    scale: int = 1


#: Quantity → default limits. Of NEWS2, 3 points in one parameter; where it gives less, the edge of its outermost band.
DEFAULTS: dict[str, Limits] = {
    "respiration": Limits(low=9, high=24, urgent_low=5, urgent_high=36, noted_high=20, margin=2, source=f"{NEWS2} (≤ 8, ≥ 25); urgent < 5, > 36: {MERIT}"),
    "spo2": Limits(low=92, urgent_low=85, noted_low=94, margin=1, source=f"{NEWS2} {SCALE_1}"),
    "systolic": Limits(low=91, high=219, urgent_low=90, noted_low=101, margin=5, source=f"{NEWS2} (≤ 90, ≥ 220); urgent < 90: {MERIT}"),
    "diastolic": Limits(high=120, margin=5, source="hypertensive crisis > 120 mmHg (ACC/AHA guideline 2017, Hypertension 2018; 71: e13)"),
    "heart_rate": Limits(
        low=41, high=130, urgent_low=40, urgent_high=140, noted_high=110, margin=5, source=f"{NEWS2} (≤ 40, ≥ 131); urgent < 40, > 140: {MERIT}"
    ),
    "body_temperature": Limits(
        low=35.1,
        high=39.0,
        urgent_low=32,
        urgent_high=40,
        margin=0.3,
        digits=1,
        source=BODY,
    ),
    "glucose": Limits(low=3.9, high=13.9, urgent_low=3.0, urgent_high=33.3, margin=0.3, digits=1, source=f"{HYPO}; {HYPER}"),
}
#: NEWS2, SpO2 scale 2: ≤ 83 scores 3, 84-85 scores 2.
SCALE_2 = replace(DEFAULTS["spo2"], low=84, urgent_low=80, noted_low=86, source="NEWS2 (RCP 2017), SpO2 scale 2: ≤ 83; urgent < 80: ours, below every target")
#: What an alert of this quantity is called; a danger to life is that and `_urgent`.
KIND = {name: "blood_pressure" if name in ("systolic", "diastolic") else name for name in DEFAULTS}
KINDS = tuple(dict.fromkeys(KIND.values()))
BY_NUMBER = {quantity.BY_NAME[name].number: name for name in DEFAULTS}


def kind(name: str, band: int) -> str:
    return f"{KIND[name]}_urgent" if band == URGENT else KIND[name]


def limits(name: str, own: Own | None = None) -> Limits:
    """Everybody's, with this elder's own before them. An own limit that is wider moves the urgent one with it."""
    usual = SCALE_2 if own and own.scale == 2 and name == "spo2" else DEFAULTS[name]
    if own is None:
        return usual
    low = usual.low if own.low is None else own.low
    high = usual.high if own.high is None else own.high
    urgent_low, urgent_high = own.urgent_low, own.urgent_high
    if urgent_low is None and usual.urgent_low is not None:
        urgent_low = usual.urgent_low if low is None else min(usual.urgent_low, low)
    if urgent_high is None and usual.urgent_high is not None:
        urgent_high = usual.urgent_high if high is None else max(usual.urgent_high, high)
    return replace(usual, low=low, high=high, urgent_low=urgent_low, urgent_high=urgent_high)


def reached(value: float, bounds: Limits, side: Side, standing: int = 0) -> int:
    """How far past its limits a value is on this side: 0 (not), NOTED, PAST or URGENT. What stands (`standing`) falls only when the
    value has come back inside by the margin, so that one that hovers at a limit is one episode."""
    said = rounded(value, bounds.digits)
    for band in (URGENT, PAST, NOTED):
        limit = bounds.of(band, side)
        if limit is None:
            continue
        back = bounds.margin if band <= standing else 0.0
        if said < limit + back if side == "low" else said > limit - back:
            return band
    return 0


def calm(bounds: Limits) -> tuple[float, float]:
    """Between these, both included, a value is past nothing, if nothing stands."""
    lows = [limit for limit in (bounds.noted_low, bounds.low, bounds.urgent_low) if limit is not None]
    highs = [limit for limit in (bounds.noted_high, bounds.high, bounds.urgent_high) if limit is not None]
    return max(lows, default=-math.inf), min(highs, default=math.inf)


def rounded(value: float, digits: int) -> float:
    """Half up, as people round."""
    scale = 10.0**digits
    return math.floor(value * scale + 0.5) / scale


# NEWS2: points by (lowest value of the band, points), from the top down, of values rounded as on its chart.
RESPIRATION = ((25, 3), (21, 2), (12, 0), (9, 1), (-math.inf, 3))
SPO2 = ((96, 0), (94, 1), (92, 2), (-math.inf, 3))
#: On air; with oxygen 93 and more would score, and we do not know of oxygen.
SPO2_SCALE_2 = ((88, 0), (86, 1), (84, 2), (-math.inf, 3))
SYSTOLIC = ((220, 3), (111, 0), (101, 1), (91, 2), (-math.inf, 3))
HEART_RATE = ((131, 3), (111, 2), (91, 1), (51, 0), (41, 1), (-math.inf, 3))
TEMPERATURE = ((39.1, 2), (38.1, 1), (36.1, 0), (35.1, 1), (-math.inf, 3))
SCORED = {"respiration": RESPIRATION, "spo2": SPO2, "systolic": SYSTOLIC, "heart_rate": HEART_RATE, "body_temperature": TEMPERATURE}
#: RCP 2017, chart 2: 5 to 6 asks for an urgent response, 7 and more for an emergency response.
AGGREGATE_URGENT, AGGREGATE_EMERGENCY = 5, 7


def points(name: str, value: float, scale: int = 1) -> int:
    """NEWS2 points of one parameter, 0 to 3. Raises KeyError for one that it does not score."""
    bands = SPO2_SCALE_2 if name == "spo2" and scale == 2 else SCORED[name]
    said = rounded(value, 1 if name == "body_temperature" else 0)
    return next(score for least, score in bands if said >= least)


def news2(values: Mapping[str, float], scale: int = 1) -> int:
    """The sum over what is known of the five measured parameters. Consciousness and oxygen are not known and add nothing, so that
    the true score is this or more."""
    return sum(points(name, value, scale) for name, value in values.items() if name in SCORED)
