"""Several gateways beside one another on a broker that can share: the work is divided, and each thing is stored once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cloudfamily_platform.core import metrics

pytestmark = pytest.mark.skipif("CF_TEST_BROKER" not in os.environ, reason="the embedded broker cannot share: set CF_TEST_BROKER to a Mosquitto")


@pytest.fixture
def other(gateway: Any) -> Iterator[Any]:
    """A second gateway beside the first."""
    made = type(gateway)(gateway.database, gateway.broker)
    for one in (gateway, made):
        one.settings = one.settings.model_copy(update={"mqtt_shared": True})
    yield made
    made.close()


def test_two_gateways_share_readings_and_both_hear_a_press(gateway: Any, other: Any, town: Any, until: Callable[..., None]) -> None:
    town.home("th-1", "btn-1")
    bulks, presses = [one.lane("bulk") for one in (gateway, other)], [one.lane("press") for one in (gateway, other)]
    taken = metrics.frames.labels("bulk")
    before = taken._value.get()
    sensor, button = gateway.device("th-1"), gateway.device("btn-1")

    sensor.measure(200)
    until(lambda: town.readings("th-1") == 200, "every reading")
    assert taken._value.get() - before == 200, "each message went to one of the two"

    button.press()
    until(lambda: len(button.answers) == 2, "each gateway answers")
    assert town.signals() == [("btn-1", "sos", 1)]

    # One of them dies with its session still at the broker: a press does not notice.
    other.stop(bulks[1], presses[1])
    button.press()
    until(lambda: len(button.answers) == 3, "the living one answers")
    assert town.signals() == [("btn-1", "sos", 1), ("btn-1", "sos", 2)]
    gateway.stop(bulks[0], presses[0])
