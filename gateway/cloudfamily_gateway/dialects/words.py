"""What a name means that somebody else gave: `kitchen_motion`, `TempC_SHT`, `sos_button`. By whole words, docs/devices.md has them.

A name that could mean two things, or something of a machine rather than of a home, means nothing here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from cloudfamily_gateway.dialects import common

#: Trailing digits count instances (`temperature_2`), except in these.
WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+")
WITH_DIGITS = common.words("co2 spo2 pm25 pm10")

#: A name with one of these is not about the home, or not about now.
ELSEWHERE = common.words(
    "internal cpu chip board esp esp32 esp8266 core target setpoint set limit threshold min max minimum maximum calibration offset outdoor outside boiler"
    " freezer fridge oven pool dew count counter total times duration interval sensitivity delay timeout mode version factor energy consumption"
    " setting last f fahrenheit soil"
)
#: An alarm about a value is not the value.
ABOUT = common.words("alarm alert abnormal status state low high error fault")

#: The first line of which a word is in the name says what is measured.
MEASURES = (
    ("co2", common.words("co2 eco2")),
    ("spo2", common.words("spo2 oxygen")),
    ("heart_rate", common.words("heart heartrate hr bpm pulse")),
    ("respiration", common.words("respiration respiratory breath breathing")),
    ("systolic", common.words("systolic")),
    ("diastolic", common.words("diastolic")),
    ("glucose", common.words("glucose")),
    ("temperature", common.words("temperature temp tempc")),
    ("humidity", common.words("humidity hum")),
    ("pressure", common.words("pressure barometer barometric")),
    ("illuminance", common.words("illuminance illumination lux light")),
    ("voltage", common.words("voltage volt volts vdd batv")),
    ("battery", common.words("battery batt bat")),
    ("power", common.words("power apower watt watts")),
    ("rssi", common.words("rssi signal")),
    ("link_quality", common.words("linkquality lqi")),
    ("latitude", common.words("latitude lat")),
    ("longitude", common.words("longitude lon lng")),
)
#: The same for what is either so or not.
STATES = (
    ("battery_low", common.words("batterylow lowbattery lowbat")),
    ("sos", common.words("sos emergency panic help")),
    ("fall", common.words("fall fallen")),
    ("smoke", common.words("smoke fire")),
    ("co", common.words("co monoxide")),
    ("gas", common.words("gas lpg methane")),
    ("water_leak", common.words("leak leakage flood flooding waterleak wet water moisture")),
    ("tamper", common.words("tamper tampered")),
    ("bed", common.words("bed mattress")),
    ("door", common.words("door window contact magnet reed opening")),
    ("motion", common.words("motion occupancy occupied presence present pir movement vibration")),
    ("press", common.words("button press pressed click key")),
)
ALARMS = ("sos", "fall", "smoke", "co", "gas", "water_leak", "tamper")

Sort = Literal["measure", "state", "alarm", "battery_low", "press"]


class Meaning(NamedTuple):
    sort: Sort
    #: A quantity, or the kind of an alarm.
    name: str
    factor: float = 1.0


@lru_cache(4096)
def measure(name: str) -> Meaning | None:
    """What a number of this name measures."""
    said = split(name)
    if said & ELSEWHERE or said & ABOUT:
        return None
    found = next((quantity for quantity, known in MEASURES if said & known), None)
    if found == "temperature" and "body" in said:
        found = "body_temperature"
    if found == "temperature" and "water" in said:
        found = None
    if found == "rssi" and said & {"percent", "quality"}:
        found = "link_quality"
    if found == "rssi" and "rssi" not in said and "wifi" not in said:
        found = None
    if found == "link_quality" and "percent" not in said:
        found = None  # of which scale, the name does not say
    if found == "battery" and said & {"v", "mv"}:
        found = "voltage"
    return Meaning("measure", found, 0.001 if found == "voltage" and said & {"mv", "vdd"} else 1.0) if found else None


@lru_cache(4096)
def state(name: str) -> Meaning | None:
    """What a name says that is on or off."""
    said = split(name)
    if said & ELSEWHERE:
        return None
    if {"battery", "low"} <= said or {"bat", "low"} <= said:
        return Meaning("battery_low", "battery_low")
    found = next((kind for kind, known in STATES if said & known), None)
    if found is None or (found not in ("battery_low", "sos", "press") and said & {"battery", "bat", "fault", "error"}):
        return None
    sort: Sort = "alarm" if found in ALARMS else "battery_low" if found == "battery_low" else "press" if found == "press" else "state"
    return Meaning(sort, found)


def split(name: str) -> frozenset[str]:
    found = (word.lower() for word in WORD.findall(name))
    return frozenset(word if word in WITH_DIGITS or word.isdigit() else word.rstrip("0123456789") for word in found)


def tell(told: common.Told, meaning: Meaning, value: object, inverted: bool = False) -> None:
    """Adds what a state of this meaning says; a press is the family's own matter."""
    if meaning.sort == "alarm":
        told.level(meaning.name, value)
    elif meaning.sort == "state":
        told.state(meaning.name, value, inverted)
    elif meaning.sort == "battery_low":
        told.low(value)
