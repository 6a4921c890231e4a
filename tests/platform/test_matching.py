"""Whom to ask: the nearest first, those asked before last, nobody beyond their own reach."""

from __future__ import annotations

import pytest

from cloudfamily_platform.alerts import matching
from cloudfamily_platform.alerts.matching import Candidate, Match

LAT, LON = 23.47, 111.32


def at(person_id: int, km: float, *, reach_m: int = 5000, asked_before: bool = False) -> Candidate:
    return Candidate(person_id=person_id, lat=LAT + km / 111.195, lon=LON, reach_m=reach_m, asked_before=asked_before)


@pytest.mark.parametrize(
    ("candidates", "count", "chosen"),
    [
        ([at(1, 2), at(2, 0.4), at(3, 1)], 2, [Match(2, 400), Match(3, 1000)]),
        ([at(1, 0.4, asked_before=True), at(2, 3)], 2, [Match(2, 3000), Match(1, 400)]),
        ([at(1, 1, reach_m=999), at(2, 1, reach_m=1001)], 5, [Match(2, 1000)]),
        ([at(9, 1), at(8, 1)], 1, [Match(8, 1000)]),  # the same distance: always the same order
        ([at(1, 0)], 1, [Match(1, 0)]),
        ([at(1, 1)], 0, []),
        ([], 3, []),
    ],
)
def test_nearest(candidates: list[Candidate], count: int, chosen: list[Match]) -> None:
    assert matching.nearest(LAT, LON, candidates, count) == chosen


@pytest.mark.parametrize(
    ("here", "there", "metres"),
    [
        ((23.4729, 111.3205), (23.4857, 111.2745), 4900),  # Wanxiu to Changzhou
        ((0, 0), (0, 180), 20_015_087),  # half round the earth
        ((0, 179.5), (0, -179.5), 111_195),  # across the date line
        ((90, 0), (90, 123), 0),
    ],
)
def test_distance(here: tuple[float, float], there: tuple[float, float], metres: float) -> None:
    assert matching.distance_m(*here, *there) == pytest.approx(metres, rel=0.01, abs=0.01)
