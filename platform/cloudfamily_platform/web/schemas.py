"""The API's bodies, with examples: what OpenAPI shows."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

ALERT: JsonDict = {
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
OFFER = {"person": "测试·志愿者", "role": "volunteer", "state": "offered", "distance_m": 400, "offered_at": "2026-11-23T08:00:00.300Z"}
EVENT: JsonDict = {"id": 55, "alert_id": 7, "at": "2026-11-23T08:00:00.121Z", "kind": "opened", "actor": None, "params": {}}
DISTRICT: JsonDict = {"code": "wanxiu", "name_zh": "万秀", "name_en": "Wanxiu"}
CARD = {
    "elders": [
        {"name": "测试·李桂花", "age": 81, "sex": "female", "phone": "000", "conditions": ["高血压"], "medicines": [], "languages": ["粤语"],
         "hearing": None, "notes": None}
    ],
    "home": {"code": "WX-001", "address": "万秀区示例路1号", "key_code": "1234#", "lat": 23.47, "lon": 111.32, "district": DISTRICT},
    "contacts": [{"name": "测试·女儿", "relation": "女儿", "phone": "000", "rank": 1}],
    "devices": [{"code": "WX-001-button", "kind": "button", "battery": 93.0, "last_seen_at": "2026-11-23T07:59:30Z"}],
}  # fmt: skip
HOME = {
    "code": "WX-001", "address": "万秀区示例路1号", "lat": 23.47, "lon": 111.32, "elders": ["测试·李桂花"], "live_alerts": 0,
    "last_seen_at": "2026-11-23T07:59:30Z", "district": DISTRICT,
}  # fmt: skip
READING = {"at": "2026-11-23T07:59:30Z", "device": "WX-001-motion", "quantity": "motion", "value": 1.0}
FRAME = {
    "id": 3, "received_at": "2026-11-23T07:58:00Z", "first_at": "2026-11-23T07:50:00Z", "times": 2, "topic": "cf/v1/new-button-17/signal",
    "device": "new-button-17", "reason": "unknown_device", "detail": "device new-button-17 has no home yet", "size": 58, "sample": "{}", "cleared_at": None,
}  # fmt: skip
VISIT = {
    "id": 4, "person": "测试·志愿者", "home": "WX-001", "started_at": "2026-11-23T08:15:00Z", "ended_at": "2026-11-23T08:55:00Z",
    "verified_at": None, "minutes": 40, "credited": False,
}  # fmt: skip


def example(**fields: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [fields]})


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


class Unbind(Body):
    device: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$", examples=["new-button-17"])


class Binding(BaseModel):
    device: str = Field(examples=["new-button-17"])
    family: str = Field(examples=["own"])
    kind: str = Field(examples=["button"])
    vendor: str | None = Field(examples=["Yunfu"])
    model: str | None = Field(examples=["B2"])
    name: str | None = Field(examples=["bedside"])
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    #: None: it has none yet.
    home: str | None = Field(examples=[None])
    address: str | None = Field(examples=[None])


class Bound(BaseModel):
    device: str = Field(examples=["new-button-17"])
    home: str = Field(examples=["WX-001"])


class Code(Body):
    code: str = Field(min_length=1, max_length=40, examples=["7K3M-9QXA-B2ZT"])


class Enrolment(BaseModel):
    device: str = Field(examples=["new-button-17"])
    #: Shown once; it works once.
    code: str = Field(examples=["7K3M-9QXA-B2ZT"])
    expires_at: datetime


class Broker(BaseModel):
    host: str = Field(examples=["mqtt.example.org"])
    port: int = Field(examples=[8883])
    tls: bool = Field(examples=[True])


class Enrolled(BaseModel):
    #: User name, client id and device code in one.
    username: str = Field(examples=["new-button-17"])
    password: str = Field(examples=["lW4…"])
    broker: Broker
    #: What it may say and hear, as topic filters.
    publish: list[str] = Field(examples=[["cf/v1/new-button-17/signal"]])
    subscribe: list[str] = Field(examples=[["cf/v1/new-button-17/answer"]])


COMMAND: JsonDict = {
    "id": 7, "do": "siren", "params": {"seconds": 30}, "state": "delivered", "created_at": "2026-11-23T08:00:10Z", "sent_at": "2026-11-23T08:00:10Z",
    "delivered_at": "2026-11-23T08:00:11Z", "done_at": None, "expires_at": "2026-11-23T08:01:10Z", "error": None, "by": "测试·值班员", "alert_id": None,
}  # fmt: skip


class GiveCommand(Body):
    do: str = Field(max_length=40, examples=["siren"])
    params: dict[str, Any] = Field({}, max_length=10, examples=[{"seconds": 30}])
    #: The alert in which it is given: then its timeline says so.
    alert_id: int | None = Field(None, ge=1, le=2**62)


class Command(BaseModel):
    model_config = example(**COMMAND)
    id: int
    #: siren, light, voice, interval, test; answer: what the platform told a device that called.
    do: str
    params: dict[str, Any]
    state: Literal["queued", "sent", "delivered", "done", "failed", "expired"]
    created_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    #: When it ended, in whichever way.
    done_at: datetime | None
    expires_at: datetime
    error: str | None
    by: str | None
    alert_id: int | None


class Commands(BaseModel):
    model_config = example(commands=[COMMAND])
    #: Newest first.
    commands: list[Command]


class Homes(BaseModel):
    model_config = example(homes=[HOME])
    homes: list[dict[str, Any]]


class Home(BaseModel):
    model_config = example(**CARD, recent=[READING])
    elders: list[dict[str, Any]]
    home: dict[str, Any]
    contacts: list[dict[str, Any]]
    devices: list[dict[str, Any]]
    #: Newest first, of the last day.
    recent: list[dict[str, Any]]


UNBOUND = {
    "device": "new-button-17", "first_seen_at": "2026-11-23T07:50:00Z", "last_seen_at": "2026-11-23T07:59:00Z", "family": "own", "kind": "button",
    "vendor": "Yunfu", "model": "B2", "name": None, "live_alerts": 0,
}  # fmt: skip


class Quarantine(BaseModel):
    model_config = example(frames=[FRAME], unbound=[UNBOUND])
    frames: list[dict[str, Any]]
    unbound: list[dict[str, Any]]


DEVICE = {
    "code": "WX-001-button", "home": "WX-001", "district": DISTRICT, "kind": "button", "name": None, "family": "zigbee2mqtt", "vendor": "Tuya",
    "model": "TS0215A_sos", "hub": "WX-001-hub", "state": "silent", "promise": "regular", "report_minutes": 60, "mains": False,
    "last_seen_at": "2026-11-22T07:59:30Z", "silent_since": "2026-11-23T08:59:30Z", "offline_since": None, "battery": 12.0,
    "battery_empty_on": "2026-12-09",
}  # fmt: skip
BUTTON = {
    "code": "WX-001-button", "home": "WX-001", "district": DISTRICT, "gaps": 1, "last_at": "2026-11-10T02:10:00Z",
    "weeks": [
        {"week": "2026-11-23", "state": "due", "at": None},
        {"week": "2026-11-16", "state": "gap", "at": None},
        {"week": "2026-11-09", "state": "test", "at": "2026-11-10T02:10:00Z"},
    ],
}  # fmt: skip


class Devices(BaseModel):
    model_config = example(devices=[DEVICE], counts={"unbound": 0, "silent": 1, "offline": 0, "all": 420})
    devices: list[dict[str, Any]]
    #: Of everything that this operator sees, whatever was asked for.
    counts: dict[str, int]


class ButtonTests(BaseModel):
    model_config = example(buttons=[BUTTON])
    buttons: list[dict[str, Any]]


SHORTFALL: JsonDict = {
    "kind": "no_contact", "severity": "high", "count": 1,
    "texts": {
        "zh-CN": {"title": "没有联系人的家庭", "fix": "请询问老人出事时找谁，登记两位联系人。"},
        "en": {"title": "Homes without a contact", "fix": "Ask the elder whom to call, and enter two contacts."},
    },
    "problems": [
        {
            "what": {"zh-CN": "WX-001（万秀）没有登记联系人。", "en": "Home WX-001 (Wanxiu) has no contact."},
            "district": DISTRICT, "home": "WX-001", "person": None,
        }
    ],
}  # fmt: skip


class Coverage(BaseModel):
    model_config = example(groups=[SHORTFALL])
    #: Of one kind and severity each, gravest first. `problems` may be fewer than `count`.
    groups: list[dict[str, Any]]


UNANSWERED = {
    "code": "son-WX-001", "name": "测试·儿子", "phone": "000", "parts": ["family"], "channel": "telegram", "times": 2,
    "since": "2026-11-17T03:12:00Z", "is_dead": False, "district": DISTRICT, "homes": ["WX-001"],
}  # fmt: skip


class Reachability(BaseModel):
    model_config = example(people=[UNANSWERED], total=1)
    #: Most often first; `times` in a row.
    people: list[dict[str, Any]]
    total: int


class ReachTests(BaseModel):
    model_config = example(tests=[{"channel": "telegram", "asked_at": None, "due_at": "2026-11-23T08:00:00Z"}])
    #: Those that wait for an answer; asked_at None: just being sent.
    tests: list[dict[str, Any]]


class Visits(BaseModel):
    model_config = example(visits=[VISIT])
    visits: list[dict[str, Any]]


class Alerts(BaseModel):
    model_config = example(alerts=[ALERT], position=55)
    alerts: list[dict[str, Any]]
    #: Id of the last event contained: the stream goes on after it.
    position: int


class AlertOnly(BaseModel):
    model_config = example(alert=ALERT)
    alert: dict[str, Any]


class AlertDetail(BaseModel):
    model_config = example(alert=ALERT, card=CARD, timeline=[EVENT], offers=[OFFER])
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
