"""What a reading measures: a small number in the database, a word on the wire, a range that a real home can give."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Quantity:
    number: int
    name: str
    unit: str
    lowest: float
    highest: float


ALL = (
    Quantity(1, "motion", "", 0, 1),
    Quantity(2, "door", "1 = open", 0, 1),
    Quantity(3, "press", "", 0, 1),
    Quantity(10, "temperature", "°C", -40, 85),
    Quantity(11, "humidity", "%", 0, 100),
    Quantity(12, "power", "W", 0, 50_000),
    Quantity(13, "water", "L", 0, 100_000),
    Quantity(20, "heart_rate", "/min", 0, 300),
    Quantity(21, "spo2", "%", 0, 100),
    Quantity(30, "battery", "%", 0, 100),
)
BY_NAME = {quantity.name: quantity for quantity in ALL}
BY_NUMBER = {quantity.number: quantity for quantity in ALL}
MOTION, DOOR, PRESS, BATTERY = (BY_NAME[name].number for name in ("motion", "door", "press", "battery"))
#: What shows that somebody is moving about.
MOVEMENT = (MOTION, DOOR, PRESS)
