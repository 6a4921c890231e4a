"""How the platform's own MQTT clients sign in at the broker: in one place for lanes, commands and edges."""

from __future__ import annotations

from typing import TypeVar

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from cloudfamily_platform.core.settings import Settings

C = TypeVar("C", bound=mqtt.Client)


def make(settings: Settings, client_id: str, *, manual_ack: bool = False, of: type[C] = mqtt.Client) -> C:  # type: ignore[assignment]
    """An MQTT 5 client with the user name and password of the settings, not connected yet."""
    client = of(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5, manual_ack=manual_ack)
    if settings.mqtt_username:
        password = settings.mqtt_password
        client.username_pw_set(settings.mqtt_username, password.get_secret_value() if password else None)
    return client
