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
    Quantity(4, "bed", "1 = somebody in it", 0, 1),
    Quantity(10, "temperature", "°C", -40, 85),
    Quantity(11, "humidity", "%", 0, 100),
    Quantity(12, "power", "W", 0, 50_000),
    Quantity(13, "water", "L", 0, 10_000_000),
    Quantity(14, "illuminance", "lx", 0, 200_000),
    Quantity(15, "pressure", "hPa", 300, 1_100),
    Quantity(16, "co2", "ppm", 0, 40_000),
    Quantity(20, "heart_rate", "/min", 0, 300),
    Quantity(21, "spo2", "%", 0, 100),
    Quantity(22, "systolic", "mmHg", 0, 350),
    Quantity(23, "diastolic", "mmHg", 0, 250),
    Quantity(24, "body_temperature", "°C", 20, 45),
    Quantity(25, "glucose", "mmol/L", 0, 60),
    Quantity(26, "respiration", "/min", 0, 100),
    Quantity(30, "battery", "%", 0, 100),
    Quantity(31, "link_quality", "%", 0, 100),
    Quantity(32, "rssi", "dBm", -200, 20),
    Quantity(33, "voltage", "V", 0, 500),
    Quantity(40, "latitude", "°", -90, 90),
    Quantity(41, "longitude", "°", -180, 180),
    Quantity(42, "accuracy", "m", 0, 100_000),
)
BY_NAME = {quantity.name: quantity for quantity in ALL}
BY_NUMBER = {quantity.number: quantity for quantity in ALL}
MOTION, DOOR, PRESS, BED, WATER = (BY_NAME[name].number for name in ("motion", "door", "press", "bed", "water"))
BATTERY, VOLTAGE = BY_NAME["battery"].number, BY_NAME["voltage"].number
#: What shows that somebody is moving about.
MOVEMENT = (MOTION, DOOR, PRESS)
