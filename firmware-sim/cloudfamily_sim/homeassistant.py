"""How a device of ours announces itself to Home Assistant: device-based MQTT discovery, one retained message. Pure.

docs/protocol.md, "Home Assistant sees it too", has an example to copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from cloudfamily_sim.encode import Publish, own_topic

PREFIX = "homeassistant"
ORIGIN = {"name": "Cloud Family"}
#: A component counts as unknown after so many report intervals without a word, as the platform counts it silent.
MISSED_REPORTS = 2


class Look(NamedTuple):
    """What Home Assistant makes of a quantity. `platform` binary_sensor: the value 1 is on."""

    platform: str
    device_class: str | None
    unit: str | None = None
    diagnostic: bool = False


#: By the quantities of docs/protocol.md; what Home Assistant has no class for is shown with its unit alone.
LOOKS: Mapping[str, Look] = {
    "motion": Look("binary_sensor", "motion"),
    "door": Look("binary_sensor", "door"),
    "bed": Look("binary_sensor", "occupancy"),
    "temperature": Look("sensor", "temperature", "°C"),
    "humidity": Look("sensor", "humidity", "%"),
    "power": Look("sensor", "power", "W"),
    "water": Look("sensor", "water", "L"),
    "illuminance": Look("sensor", "illuminance", "lx"),
    "pressure": Look("sensor", "atmospheric_pressure", "hPa"),
    "co2": Look("sensor", "carbon_dioxide", "ppm"),
    "heart_rate": Look("sensor", None, "/min"),
    "spo2": Look("sensor", None, "%"),
    "systolic": Look("sensor", None, "mmHg"),
    "diastolic": Look("sensor", None, "mmHg"),
    "body_temperature": Look("sensor", "temperature", "°C"),
    "glucose": Look("sensor", "blood_glucose_concentration", "mmol/L"),
    "respiration": Look("sensor", None, "/min"),
    "battery": Look("sensor", "battery", "%", diagnostic=True),
    "link_quality": Look("sensor", None, "%", diagnostic=True),
    "rssi": Look("sensor", "signal_strength", "dBm", diagnostic=True),
    "voltage": Look("sensor", "voltage", "V", diagnostic=True),
    "latitude": Look("sensor", None, "°"),
    "longitude": Look("sensor", None, "°"),
    "accuracy": Look("sensor", "distance", "m", diagnostic=True),
}


def discovery(
    code: str, *, quantities: Iterable[str], report_minutes: int, signals: Iterable[str] = (), name: str | None = None, model: str | None = None
) -> Publish:
    """`homeassistant/device/{code}/config`. `quantities`: what its readings may hold; `signals`: kinds that it may call with.

    Raises KeyError for a quantity that docs/protocol.md does not know.
    """
    seconds = report_minutes * 60 * MISSED_REPORTS
    components: dict[str, dict[str, object]] = {quantity: component(code, quantity, seconds) for quantity in quantities}
    if kinds := sorted(signals):
        components["signal"] = {
            "platform": "event",
            "unique_id": f"{code}_signal",
            "device_class": "button",
            "state_topic": own_topic(code, "signal"),
            "event_types": kinds,
            "value_template": '{"event_type": "{{ value_json.kind }}"}',
        }
    said = {
        "device": {"identifiers": [code], "name": name or code, "manufacturer": "Cloud Family"} | ({"model": model} if model else {}),
        "origin": ORIGIN,
        "components": components,
        "state_topic": own_topic(code, "reading"),
        "availability_topic": own_topic(code, "status"),
        "qos": 1,
    }
    return Publish(f"{PREFIX}/device/{code}/config", msgspec.json.encode(said), retain=True)


def component(code: str, quantity: str, expire_seconds: int) -> dict[str, object]:
    look = LOOKS[quantity]
    # A reading holds some of the quantities; an empty state is passed over. Not value_json.values: that is a method in templates.
    value = f"value_json['values']['{quantity}']"
    shown = f"'ON' if {value} else 'OFF'" if look.platform == "binary_sensor" else value
    found: dict[str, object] = {
        "platform": look.platform,
        "unique_id": f"{code}_{quantity}",
        "value_template": f"{{% if '{quantity}' in value_json['values'] %}}{{{{ {shown} }}}}{{% endif %}}",
        "expire_after": expire_seconds,
    }
    if look.device_class:
        found["device_class"] = look.device_class
    if look.unit:
        found |= {"unit_of_measurement": look.unit, "state_class": "measurement" if quantity != "water" else "total_increasing"}
    if look.diagnostic:
        found["entity_category"] = "diagnostic"
    return found
