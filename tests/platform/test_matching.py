"""Whom to ask: of those who may go, who would be inside soonest, and where each second comes from."""

from __future__ import annotations

from typing import Any

import pytest

from cloudfamily_platform.alerts import matching, travel
from cloudfamily_platform.alerts.matching import Candidate, Need, Rule
from cloudfamily_platform.alerts.travel import Place

HOME = Place(23.47, 111.32)
RULES = [
    Rule(role=role, severity=severity, kind=None, allowed=True, skills=[skill], trained=role == "volunteer")
    for role in ("caregiver", "volunteer")
    for severity, skill in (("critical", "first_aid"), ("high", "visit"), ("low", "device"))
] + [Rule(role="volunteer", severity=None, kind=kind, allowed=False, skills=[], trained=False) for kind in ("smoke", "gas", "co")]


def need(severity: str = "critical", kind: str = "sos", **more: Any) -> Need:
    return Need(place=HOME, severity=severity, kind=kind, **more)


def at(person_id: int, km: float, **more: Any) -> Candidate:
    usual: dict[str, Any] = {"mode": "ebike", "reach_m": 5000, "serving": ["volunteer"], "skills": ["first_aid", "visit"]}
    return Candidate(person_id=person_id, place=Place(HOME.lat + km / 111.195, HOME.lon), **usual | more)


def order(candidates: list[Candidate], about: Need | None = None, count: int = 9) -> list[int]:
    about = about or need(key_code=True)
    travel_s = [travel.estimate(travel.distance_m(one.place, HOME), one.mode) for one in candidates]
    return [match.person_id for match in matching.rank(about, candidates, travel_s, count)]


@pytest.mark.parametrize(
    ("candidates", "about", "chosen"),
    [
        ([at(1, 2), at(2, 0.4), at(3, 1)], {}, [2, 3, 1]),
        ([at(1, 0.4, asked_before=True), at(2, 3)], {}, [2, 1]),
        ([at(9, 1), at(8, 1)], {}, [8, 9]),  # the same: always the same order
        ([at(1, 1, mode="walk"), at(2, 4, mode="car")], {}, [2, 1]),  # who is further may be faster
        ([at(1, 0.5), at(2, 1.2, has_key=True)], {}, [2, 1]),  # 200 s further, and in at once
        ([at(1, 0.5), at(2, 1.2, has_key=True)], {"key_code": True}, [1, 2]),  # with the code, a key saves a minute only
        ([at(1, 1, recent=3), at(2, 2)], {}, [2, 1]),  # has gone three times today already
        ([at(1, 1, languages=["普通话"]), at(2, 1.5, languages=["粤语", "普通话"])], {"languages": ["粤语"]}, [2, 1]),
        ([at(1, 1), at(2, 1.5, languages=["粤语"])], {"languages": ["粤语"]}, [1, 2]),  # of who has said nothing we assume nothing
        ([at(1, 1), at(2, 2, skills=["first_aid", "lifting"])], {"needs": ["lifting"]}, [2, 1]),
        ([at(1, 1), at(2, 4, skills=["first_aid", "lifting"])], {"needs": ["lifting"]}, [1, 2]),  # there at once, if alone, is worth more
        ([at(1, 1, sex="male"), at(2, 2, sex="female")], {"sex": "female"}, [2, 1]),
        ([at(1, 0.1, sex="male"), at(2, 4.9, sex="female", recent=20)], {"sex": "female", "sex_only": True}, [2, 1]),
    ],
)
def test_who_is_inside_soonest(candidates: list[Candidate], about: dict[str, Any], chosen: list[int]) -> None:
    assert order(candidates, need(**about)) == chosen


def test_at_most_so_many() -> None:
    everybody = [at(number, number) for number in (1, 2, 3)]
    assert [order(everybody, count=count) for count in (0, 2, 9)] == [[], [1, 2], [1, 2, 3]]


def test_every_second_is_accounted_for() -> None:
    one = at(1, 1, recent=1, sex="male", languages=["普通话"])
    (match,) = matching.rank(need(needs=["lifting"], sex="female", languages=["粤语"]), [one], [288.9], 1)
    assert match.distance_m == 1000
    assert match.why == {
        "seconds": 289 + 300 + 120 + 300 + 600 + 600, "mode": "ebike", "key": False,
        "travel_s": 289, "entry_s": 300, "load_s": 120, "language_s": 300, "needs_s": 600, "sex_s": 600,
    }  # fmt: skip
    (match,) = matching.rank(need(), [at(1, 1, has_key=True)], [420.4], 1)
    assert match.why == {"seconds": 420, "mode": "ebike", "key": True, "travel_s": 420, "entry_s": 0}


@pytest.mark.parametrize(
    ("one", "about", "because"),
    [
        ({}, {}, None),
        ({"serving": []}, {}, "off_duty"),
        ({"busy": True}, {}, "responding"),
        ({"spent": True}, {}, "asked"),
        ({"reach_m": 999}, {}, "out_of_reach"),
        ({"reach_m": 1001}, {}, None),
        ({"skills": ["visit"]}, {}, "unqualified"),
        ({"skills": ["visit"]}, {"severity": "high", "kind": "water_leak"}, None),
        ({"trained": False}, {}, "untrained"),
        ({"trained": False, "serving": ["caregiver"]}, {}, None),
        ({}, {"kind": "smoke"}, "not_allowed"),  # a volunteer stays out of a fire
        ({"serving": ["caregiver"]}, {"kind": "smoke"}, None),
        ({"serving": ["volunteer", "caregiver"]}, {"kind": "gas"}, None),  # who is both goes as the one that may
        ({"sex": "male"}, {"severity": "high", "kind": "no_movement", "sex": "female", "sex_only": True}, "sex"),
        ({"sex": "male"}, {"severity": "high", "kind": "no_movement", "sex": "female"}, None),
        ({"sex": "male"}, {"sex": "female", "sex_only": True}, None),  # a life comes first
    ],
)
def test_who_may_go(one: dict[str, Any], about: dict[str, Any], because: str | None) -> None:
    assert matching.refusal(need(**about), at(1, 1, **one), RULES) == because


def test_a_role_without_a_rule_may_go() -> None:
    """Somebody who has deleted too many rows must not leave an elder alone."""
    assert matching.refusal(need(), at(1, 1, skills=[], trained=False), []) is None


def test_the_rule_that_says_most_counts() -> None:
    general = Rule(role="volunteer", severity=None, kind=None, allowed=False, skills=[], trained=False)
    both = Rule(role="volunteer", severity="critical", kind="fall", allowed=True, skills=["lifting"], trained=False)
    of_kind = Rule(role="volunteer", severity=None, kind="fall", allowed=True, skills=[], trained=False)
    assert [matching.rule_for(need(kind=kind), "volunteer", [general, of_kind, both, *RULES]) for kind in ("fall", "sos")] == [both, RULES[3]]
    assert matching.rule_for(need("high", "fall"), "volunteer", [general, both, of_kind]) == of_kind
    assert matching.rule_for(need("high", "tamper"), "volunteer", [general, both, of_kind]) == general
