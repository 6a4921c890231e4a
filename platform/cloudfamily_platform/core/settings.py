"""Every setting, read once from the environment (`CF_…`); each may instead be read from the file named by `CF_…_FILE`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX = "CF_"


class Settings(BaseSettings):
    """The descriptions are the documentation: docs/settings.md is compared with them by a test."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    data_dir: Path = Field(Path(".cloudfamily"), description="Folder of the embedded database, broker and their keys.")
    database_url: SecretStr | None = Field(None, description="libpq URL of PostgreSQL or TimescaleDB; empty: embedded.")
    database_port: int = Field(54320, ge=1, le=65535, description="Loopback TCP port of the embedded database.")
    mqtt_host: str | None = Field(None, description="Host of the MQTT 5 broker; empty: embedded.")
    mqtt_port: int = Field(18830, ge=1, le=65535, description="Port of the MQTT broker, embedded or not.")
    mqtt_username: str | None = Field(None, description="User name at the broker; empty: none.")
    mqtt_password: SecretStr | None = Field(None, description="Password at the broker.")
    mqtt_shared: bool = Field(True, description="Share what devices say among all gateways; false: this one takes all of it. The embedded broker cannot share.")
    mqtt_tls: bool = Field(False, description="Speak TLS to the MQTT broker and check its certificate.")
    mqtt_ca: Path | None = Field(None, description="PEM file of the authority that signed the broker's certificate; empty: those of this machine.")
    mqtt_cert: Path | None = Field(None, description="PEM file of our own certificate, for a broker that asks for one; empty: none.")
    mqtt_key: Path | None = Field(None, description="PEM file of that certificate's key; empty: it stands in the same file.")
    gateway_name: str = Field("gateway-1", pattern=r"^[A-Za-z0-9_-]{1,40}$", description="Name of this gateway's MQTT session: one per running gateway.")
    mosquitto_dir: Path | None = Field(
        None, description="Folder made by `cloudfamily access broker`: the gateway keeps who may speak in it up to date; empty: it does not."
    )
    mosquitto_reload: str | None = Field(
        None, description="Command that makes Mosquitto read that folder again; empty: SIGHUP to the process named by its `data/mosquitto.pid`."
    )
    device_broker: str | None = Field(
        None,
        pattern=r"^mqtts?://[^/:@\s]+(:[0-9]{1,5})?$",
        description="Broker that a device is told at its enrolment, such as mqtts://mqtt.example.org:8883; empty: the one above.",
    )
    web_host: str = Field("127.0.0.1", description="Address that the console and the API listen on.")
    web_port: int = Field(8420, ge=1, le=65535, description="Port of the console and the API.")
    router_url: str | None = Field(
        None, pattern=r"^https?://\S+$", description="OSRM server for travel times, such as http://osrm-{profile}:5000 (car, bike, foot); empty: reckoned."
    )
    public_url: str | None = Field(None, description="Address under which people reach the console; empty: the one listened on.")
    telegram_token: SecretStr | None = Field(None, description="Bot token; empty: the local chat page takes Telegram's place.")
    telegram_api: str | None = Field(None, description="Base URL of a Bot API server; empty: Telegram's own.")
    services: SecretStr | None = Field(
        None, description='More channels, as JSON of apprise URLs: {"sms": "twilio://…/{address}", "email": "mailtos://…?to={address}"}; see docs/channels.md.'
    )
    webhook_secret: SecretStr | None = Field(None, description="Signs what goes to webhooks; empty: there is no webhook channel.")
    voice_url: str | None = Field(None, description="Where calls are ordered from a voice provider; empty: nobody is called up.")
    voice_secret: SecretStr | None = Field(None, description="Signs those orders, and what the provider says came of a call.")
    chat_port: int = Field(8421, ge=1, le=65535, description="Port of the local chat page, when there is no bot token.")
    demo: bool | None = Field(None, description="Seed the demo city into an empty database and let its devices live; empty: only on the embedded database.")
    timezone: str = Field("Asia/Shanghai", description="Time zone in which people read times.")
    canary: bool = Field(True, description="Press the canary home's button each minute, and follow it through the whole platform.")
    alarm_url: SecretStr | None = Field(None, description="Where the platform's alarms about itself are posted as JSON, without the database; empty: nowhere.")
    alarm_chat: str | None = Field(None, description="Telegram chat that gets them, by CF_TELEGRAM_TOKEN; empty: none.")
    heartbeat_url: SecretStr | None = Field(None, description="Asked for each minute, only while all is well: whoever misses it calls you; empty: none.")
    keep_days: int = Field(400, ge=1, le=36500, description="Readings older than this many days are deleted.")
    recover_minutes: int = Field(
        10, ge=1, le=1440, description="An alert that nobody has, of a device or a place that is heard again, is closed after so many minutes."
    )
    poll_seconds: float = Field(1.0, gt=0, le=60, description="How often a stage looks for due rows when nothing notified it.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")
    log_format: Literal["json", "console"] = Field("json", description="Logs as JSON lines, or coloured for a terminal.")
    edge_name: str | None = Field(None, pattern=r"^[A-Za-z0-9_.-]{1,40}$", description="Name and device code of this hub, for `run edge`.")
    edge_rules: Path | None = Field(None, description="TOML file of what the home does by itself on an alarm; empty: nothing.")
    uplink_host: str | None = Field(None, description="Host of the city's broker, for `run edge`; CF_MQTT_HOST is the hub's own.")
    uplink_port: int = Field(8883, ge=1, le=65535, description="Port of the city's broker.")
    uplink_username: str | None = Field(None, description="User name at the city's broker; empty: none.")
    uplink_password: SecretStr | None = Field(None, description="Password at the city's broker.")
    uplink_tls: bool = Field(True, description="Speak TLS to the city's broker and check its certificate.")
    uplink_ca: Path | None = Field(None, description="PEM file of the authority that signed its certificate; empty: those of this machine.")
    uplink_cert: Path | None = Field(None, description="PEM file of this edge's own certificate, for a broker that asks for one; empty: none.")
    uplink_key: Path | None = Field(None, description="PEM file of that certificate's key; empty: it stands in the same file.")
    spool_dir: Path | None = Field(None, description="Folder of what waits for the city; empty: `edge` in CF_DATA_DIR.")
    spool_rows: int = Field(1_000_000, ge=100, le=100_000_000, description="Routine messages that wait for the city at most; alarms are not counted.")
    spool_megabytes: int = Field(256, ge=1, le=100_000, description="Megabytes of routine that wait for the city at most.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, NamedFiles(settings_cls)


class NamedFiles(PydanticBaseSettingsSource):
    """Reads the value of `name` from the file that `CF_NAME_FILE` names; a missing file is an error, not a default."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        path = os.environ.get(f"{PREFIX}{field_name.upper()}_FILE")
        return (Path(path).read_text(encoding="utf-8").strip() if path else None), field_name, False

    def __call__(self) -> dict[str, Any]:
        values = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in values.items() if value is not None}
