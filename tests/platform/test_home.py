"""A home's card."""

from __future__ import annotations

from datetime import date

import pytest

from cloudfamily_platform.people import home


@pytest.mark.parametrize(
    ("born", "today", "years"),
    [
        (date(1945, 11, 23), date(2026, 11, 23), 81),
        (date(1945, 11, 24), date(2026, 11, 23), 80),
        (date(1945, 12, 1), date(2026, 11, 30), 80),
        (date(1944, 2, 29), date(2026, 2, 28), 81),
        (date(1944, 2, 29), date(2026, 3, 1), 82),
        (date(2026, 11, 23), date(2026, 11, 23), 0),
        (None, date(2026, 11, 23), None),
    ],
)
def test_age_in_whole_years(born: date | None, today: date, years: int | None) -> None:
    assert home.age(born, today) == years
