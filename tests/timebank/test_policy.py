"""What a visit gives under a pack: tables."""

from __future__ import annotations

import pytest

from cloudfamily_timebank import policy

ROOM = 90_000


@pytest.mark.parametrize(
    ("minutes", "exchangeable", "honour"),
    [
        (0, 0, 0),
        (1, 30, 0),
        (29, 30, 0),
        (30, 30, 0),
        (31, 30, 1),
        (59, 30, 29),
        (60, 60, 0),
        (100, 90, 10),
        (239, 210, 29),
        (240, 240, 0),
        (241, 240, 0),
        (1440, 240, 0),
    ],
)
def test_what_a_visit_gives_in_wuzhou(minutes: int, exchangeable: int, honour: int) -> None:
    given = policy.credit(policy.load("wuzhou"), minutes, ROOM)
    assert given == policy.Credit(exchangeable=exchangeable, honour=honour)


@pytest.mark.parametrize(("room", "exchangeable", "overflow"), [(60, 60, 0), (59, 59, 1), (1, 1, 59), (0, 0, 60), (-5, 0, 60)])
def test_what_goes_past_the_cap_flows_into_the_pool(room: int, exchangeable: int, overflow: int) -> None:
    given = policy.credit(policy.load("wuzhou"), 65, room)
    assert given == policy.Credit(exchangeable=exchangeable, overflow=overflow, honour=5)


def test_the_figures_of_wuzhou() -> None:
    pack = policy.load("wuzhou")
    assert (pack.version, pack.step_minutes, pack.minimum_minutes) == ("wuzhou-1", 30, 30)
    assert (pack.maximum_minutes, pack.cap_minutes) == (240, 1500 * 60)


@pytest.mark.parametrize(
    "figures",
    [
        (0, 30, 240, 90_000),
        (30, 20, 240, 90_000),
        (30, 60, 40, 90_000),
        (30, 30, 250, 90_000),
        (30, 30, 240, 200),
    ],
)
def test_a_pack_that_contradicts_itself_is_refused(figures: tuple[int, int, int, int]) -> None:
    step, minimum, maximum, cap = figures
    with pytest.raises(ValueError, match="broken-1"):
        policy.Pack(
            version="broken-1",
            step_minutes=step,
            minimum_minutes=minimum,
            maximum_minutes=maximum,
            cap_minutes=cap,
        )


def test_an_unknown_pack_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        policy.load("atlantis")
