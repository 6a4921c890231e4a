"""models.toml: what a device promises, by family, vendor, model and kind; what cannot be meant is refused."""

from __future__ import annotations

import pytest

from cloudfamily_gateway import models


def device(**known: str | None) -> dict[str, str | None]:
    return {"family": "own", "vendor": None, "model": None, "kind": "other"} | known


@pytest.mark.parametrize(
    ("known", "promise", "silent_after_minutes"),
    [
        ({"family": "own"}, "regular", None),  # the device's row says: an hour, twice
        ({"family": "own", "kind": "hub"}, "regular", None),
        ({"family": "zigbee2mqtt", "kind": "button", "vendor": "Tuya", "model": "TS0215A_sos"}, "regular", 25 * 60),
        ({"family": "zigbee2mqtt", "kind": "hub"}, "events", None),
        ({"family": "own", "vendor": "TUNSTALL Group"}, "regular", 72 * 60),
        ({"family": "shelly", "model": "SNSW-001X16EU"}, "events", None),
        ({"family": "esphome"}, "events", None),
        ({"family": "tasmota"}, "regular", 10),
        ({"family": "homeassistant"}, "events", None),
        ({"family": "chirpstack", "kind": "button"}, "regular", 48 * 60),
        ({"family": "thingsboard"}, "events", None),
        ({"family": "a-dialect-of-next-year"}, "regular", 48 * 60),
    ],
)
def test_what_models_promise(known: dict[str, str], promise: str, silent_after_minutes: int | None) -> None:
    model = models.find(device(**known))
    assert model.promise == promise
    assert (model.report_minutes and model.report_minutes * model.missed) == silent_after_minutes


def test_the_first_that_fits_wins_and_the_last_fits_all() -> None:
    table = models.parse("""
        [[model]]
        vendor = "Yun*"
        model = "b?"
        promise = "regular"
        report_minutes = 720
        missed = 1.5
        battery = "coin"
        [[model]]
        vendor = "yun*"
        promise = "events"
        [[model]]
        promise = "regular"
        [battery.coin]
        curve = [[2.0, 0], [3.0, 100]]
    """)
    button = models.find(device(vendor="YUNFU", model="B2"), table)
    assert (button.report_minutes, button.missed, button.battery) == (720, 1.5, ((2.0, 0.0), (3.0, 100.0)))
    assert models.find(device(vendor="Yunfu", model="B22"), table).promise == "events"
    assert models.find(device(), table) == models.Model(promise="regular")


LAST = '\n[[model]]\npromise = "regular"'


@pytest.mark.parametrize(
    "text",
    [
        '[[model]]\nfamily = "own"\npromise = "regular"',  # nothing fits the others
        '[[model]]\nfamily = "x"\npromise = "perhaps"' + LAST,
        '[[model]]\nfamily = "x"' + LAST,
        '[[model]]\nfamily = "x"\npromise = "regular"\nreport_minute = 5' + LAST,  # a slip of the pen is not a default
        '[[model]]\nfamily = "x"\npromise = "regular"\nreport_minutes = 0' + LAST,
        '[[model]]\nfamily = "x"\npromise = "regular"\nmissed = 0.5' + LAST,
        '[[model]]\nfamily = "x"\npromise = "regular"\nbattery = "nuclear"' + LAST,
        '[battery.x]\ncurve = [[3.0, 0], [2.0, 100]]' + LAST,
        '[battery.x]\ncurve = [[2.0, 10], [3.0, 100]]' + LAST,
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        models.parse(text)
