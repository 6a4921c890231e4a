"""The API's bodies, with examples: what OpenAPI shows."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

ALERT = {
    "id": 7,
    "kind": "sos",
    "severity": "critical",
    "state": "open",
    "outcome": None,
    "presses": 1,
    "step": 1,
    "canary": False,
    "opened_at": "2026-11-23T08:00:00.120Z",
    "accepted_at": None,
    "on_the_way_at": None,
    "there_at": None,
    "resolved_at": None,
    "district": {"code": "wanxiu", "name_zh": "万秀", "name_en": "Wanxiu"},
    "home": "WX-001",
    "elder": "测试·李桂花",
    "address": "万秀区示例路1号",
    "device": "WX-001-button",
    "why": {"key": "alert.why.sos", "params": {"device": "WX-001-button"}},
    "handler": None,
}
EVENT = {"id": 55, "alert_id": 7, "at": "2026-11-23T08:00:00.121Z", "kind": "opened", "actor": None, "params": {}}


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Resolve(Body):
    outcome: Literal["real", "false_alarm", "test"] = Field(examples=["real"])
    note: str = Field("", max_length=2000, examples=["She slipped in the kitchen; not hurt."])


class Note(Body):
    text: str = Field(min_length=1, max_length=2000, examples=["Called her: she answers and is well."])


class Language(Body):
    language: Literal["zh-CN", "en"] = Field(examples=["en"])


class Bind(Body):
    device: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$", examples=["new-button-17"])
    kind: str = Field(max_length=40, examples=["button"])
    home: str = Field(max_length=40, examples=["WX-001"])


class Alerts(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"alerts": [ALERT], "position": 55}]})
    alerts: list[dict[str, Any]]
    #: Id of the last event contained: the stream goes on after it.
    position: int


class AlertOnly(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"alert": ALERT}]})
    alert: dict[str, Any]


class AlertDetail(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"alert": ALERT, "card": None, "timeline": [EVENT], "offers": []}]})
    alert: dict[str, Any]
    card: dict[str, Any] | None
    timeline: list[dict[str, Any]]
    offers: list[dict[str, Any]]


class Me(BaseModel):
    person: dict[str, Any] = Field(examples=[{"id": 1, "code": "op-1", "name": "测试·值班员", "language": "zh-CN"}])
    roles: list[str] = Field(examples=[["operator"]])
    role: str = Field(examples=["operator"])
    #: Ids of the districts that an operator looks after; None: the whole city.
    districts: list[int] | None
    csrf: str = Field(examples=["kH2…"])


class Figures(BaseModel):
    readings_per_s: float = Field(examples=[6.4])
    open_alerts: int = Field(examples=[1])
    deliveries: int = Field(examples=[12])
    waiting: int = Field(examples=[0])
    accepted_within_60_s: float | None = Field(examples=[0.98])
