"""How the platform's own MQTT clients sign in at the broker: in one place for lanes, commands and edges."""

from __future__ import annotations

from typing import TypeVar

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from cloudfamily_platform.core.settings import Settings

C = TypeVar("C", bound=mqtt.Client)


def make(settings: Settings, client_id: str, *, manual_ack: bool = False) -> mqtt.Client:
    """An MQTT 5 client that signs in as the settings say, not connected yet. Raises OSError for a PEM file that cannot be read."""
    return sign_in(settings, mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5, manual_ack=manual_ack))


def sign_in(settings: Settings, client: C) -> C:
    """Gives it the name, password and TLS of the settings. Raises OSError for a PEM file that cannot be read."""
    if settings.mqtt_username:
        password = settings.mqtt_password
        client.username_pw_set(settings.mqtt_username, password.get_secret_value() if password else None)
    if settings.mqtt_tls:
        authority, certificate, key = (str(file) if file else None for file in (settings.mqtt_ca, settings.mqtt_cert, settings.mqtt_key))
        client.tls_set(authority, certificate, key)
    return client
