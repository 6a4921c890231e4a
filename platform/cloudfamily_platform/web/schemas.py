"""The API's bodies, with examples: what OpenAPI shows."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from cloudfamily_platform.alerts.window import Asked, Scope
from cloudfamily_platform.people.state import Kind

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
    "inside_at": None,
    "resolved_at": None,
    "district": {"code": "wanxiu", "name_zh": "万秀", "name_en": "Wanxiu"},
    "home": "WX-001",
    "elder": "测试·李桂花",
    "address": "万秀区示例路1号",
    "device": "WX-001-button",
    "why": {"key": "alert.why.sos", "params": {"device": "WX-001-button"}},
    "handler": None,
}
OFFER = {
    "person": "测试·志愿者", "role": "volunteer", "state": "offered", "distance_m": 400, "offered_at": "2026-11-23T08:00:00.300Z", "answered_at": None,
    "reason": None, "why": {"seconds": 116, "travel_s": 116, "entry_s": 0, "mode": "ebike", "key": True},
}  # fmt: skip
RESPONSE = {
    "person": "测试·志愿者", "accepted_at": "2026-11-23T08:00:20Z", "on_the_way_at": "2026-11-23T08:01:00Z", "there_at": None, "inside_at": None,
    "ended": None, "ended_at": None, "asked_at": None, "silent_at": None,
}  # fmt: skip
CIRCLE = {
    "home": "WX-001", "minutes": 15, "others": {"off_duty": 3, "responding": 1, "too_far": 6},
    "people": [{"person": "测试·志愿者", "roles": ["volunteer"], "mode": "ebike", "seconds": 116, "distance_m": 400, "key": True}],
}  # fmt: skip
CLOCK: JsonDict = {
    "clock": "answered", "limit_s": 60, "framework": True, "state": "running", "started_at": "2026-11-23T08:00:00.120Z",
    "due_at": "2026-11-23T08:01:00.120Z", "ended_at": None,
}  # fmt: skip
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
    "state": {"state": "away", "since": "2026-11-23T06:10:00Z", "by": "inferred"},
}  # fmt: skip
STATE = {
    "id": 7, "state": "hospital", "starts_at": "2026-11-23T08:00:00Z", "ends_at": "2026-11-30T08:00:00Z", "note": "", "set_by": "测试·女儿",
    "set_at": "2026-11-23T08:00:00Z", "ended_by": None, "holds": True,
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
    #: Also what is not life safety of the same incident and nobody else has.
    with_incident: bool = False


class CannotCome(Body):
    reason: Literal["busy", "too_far", "unwell", "other"] | None = Field(None, examples=["busy"])


class MyPlace(Body):
    lat: float = Field(ge=-90, le=90, examples=[23.4729])
    lon: float = Field(ge=-180, le=180, examples=[111.3205])


class Circle(BaseModel):
    model_config = example(**CIRCLE)
    home: str
    minutes: int
    #: Who could be at the door by then, the soonest first.
    people: list[dict[str, Any]]
    #: How many could not, by the reason.
    others: dict[str, int]


class Note(Body):
    text: str = Field(min_length=1, max_length=2000, examples=["Called her: she answers and is well."])


class Language(Body):
    language: Literal["zh-CN", "en"] = Field(examples=["en"])


class Bind(Body):
    device: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$", examples=["new-button-17"])
    kind: str = Field(max_length=40, examples=["button"])
    home: str = Field(max_length=40, examples=["WX-001"])
    #: living, bedroom, bathroom, kitchen, hall, balcony or other; None: as far as its name says it.
    room: str | None = Field(None, max_length=40, examples=["bedroom"])
    #: Code of the elder who wears it, where several live there.
    wearer: str | None = Field(None, max_length=40, examples=["elder-WX-001"])


class Unbind(Body):
    device: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$", examples=["new-button-17"])


class Binding(BaseModel):
    device: str = Field(examples=["new-button-17"])
    family: str = Field(examples=["own"])
    kind: str = Field(examples=["button"])
    vendor: str | None = Field(examples=["Yunfu"])
    model: str | None = Field(examples=["B2"])
    name: str | None = Field(examples=["bedside"])
    room: str | None = Field(None, examples=["bedroom"])
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
    #: home, away or asleep as the home's rhythm tells (`by`: "inferred"), or what people have said (`by`: who). None: nothing is known.
    state: dict[str, Any] | None
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


LIMIT = {
    "quantity": "heart_rate", "unit": "/min", "scale": 1, "source": "NEWS2 (RCP 2017)", "low": 41, "high": 120, "urgent_low": 40, "urgent_high": 140,
    "own": {"low": None, "high": 120, "urgent_low": None, "urgent_high": None}, "set_by": "测试·值班员", "set_at": "2026-11-23T08:00:00Z",
}  # fmt: skip
FENCE = {"name": "park", "elder": None, "lat": 23.47, "lon": 111.32, "radius_m": 500, "starts": None, "ends": None}
WATCH = {
    "kind": "bathroom_long", "on": True, "settings": {"minutes": 60, "night_minutes": 45, "night_from": "22:00", "night_to": "06:00"}, "missing": None,
    "set_by": None, "set_at": None, "looks_at": "2026-11-23T08:40:00Z",
}  # fmt: skip


class SetLimit(Body):
    quantity: str = Field(max_length=40, examples=["heart_rate"])
    #: The least and the most that still calls nobody; None: as everybody's.
    low: float | None = None
    high: float | None = Field(None, examples=[120])
    urgent_low: float | None = None
    urgent_high: float | None = None
    #: SpO2 only: NEWS2's scale 2, for a prescribed target of 88-92 %.
    scale: Literal[1, 2] = 1


class SetLimits(Body):
    #: Code of an elder; None: everybody in the home.
    elder: str | None = Field(None, max_length=40)
    limits: list[SetLimit] = Field(min_length=1, max_length=20)


class Limits(BaseModel):
    model_config = example(elder=None, elders=[{"code": "elder-WX-001", "name": "测试·李桂花"}], limits=[LIMIT])
    elder: str | None
    elders: list[dict[str, Any]]
    limits: list[dict[str, Any]]


class SetFence(Body):
    name: str = Field(min_length=1, max_length=60, examples=["park"])
    elder: str | None = Field(None, max_length=40)
    lat: float = Field(ge=-90, le=90, examples=[23.47])
    lon: float = Field(ge=-180, le=180, examples=[111.32])
    radius_m: int = Field(ge=50, le=100_000, examples=[500])
    #: Local hours in which leaving is told, HH:MM; None: always.
    starts: str | None = Field(None, pattern=r"^\d\d:\d\d$")
    ends: str | None = Field(None, pattern=r"^\d\d:\d\d$")


class SetFences(Body):
    fences: list[SetFence] = Field(max_length=100)


class Fences(BaseModel):
    model_config = example(fences=[FENCE | {"set_by": "测试·值班员", "set_at": "2026-11-23T08:00:00Z"}])
    fences: list[dict[str, Any]]


class SetWatch(Body):
    kind: str = Field(max_length=40, examples=["not_up"])
    on: bool = True
    settings: dict[str, Any] = Field({}, max_length=10, examples=[{"by": "08:30"}])


class SetWatches(Body):
    watches: list[SetWatch] = Field(min_length=1, max_length=20)


class Watches(BaseModel):
    model_config = example(watches=[WATCH])
    watches: list[dict[str, Any]]


class SetState(Body):
    state: Kind
    #: Now, if it is left out.
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime = Field(examples=["2026-11-30T08:00:00Z"])
    note: str = Field("", max_length=500)


class States(BaseModel):
    model_config = example(states=[STATE])
    states: list[dict[str, Any]]


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


class AlertClock(BaseModel):
    """How long somebody has: to answer, to be there, to be inside."""

    clock: Literal["answered", "on_site", "entry"]
    limit_s: int = Field(examples=[60])
    #: Of the framework that is reported on; the others are a city's own, shown beside it.
    framework: bool
    #: breached: too late, or not yet and the time is over; none: nothing to measure.
    state: Literal["met", "breached", "running", "none"]
    started_at: datetime | None
    due_at: datetime | None
    ended_at: datetime | None


class AlertDetail(BaseModel):
    model_config = example(
        alert=ALERT, card=CARD, timeline=[EVENT], offers=[OFFER], responses=[RESPONSE], incident=None, held=[], clocks={"answered_60": CLOCK}
    )
    alert: dict[str, Any]
    card: dict[str, Any] | None
    timeline: list[dict[str, Any]]
    offers: list[dict[str, Any]]
    #: Everybody who went, with the clock of each step.
    responses: list[dict[str, Any]]
    #: With what else is live, or was, in the same home: {"id", "alerts"}; None: it stands alone.
    incident: dict[str, Any] | None
    #: What was not said because of what this alert says: the alarms of a dark place, the rises of a device that flaps.
    held: list[dict[str, Any]]
    #: By name; empty for an alert on which no clock runs.
    clocks: dict[str, AlertClock]


WINDOW: JsonDict = {
    "id": 3, "scope": "building", "district": "wanxiu", "building": "示例路1号楼", "home": None, "device": None, "kinds": ["device_silent", "hub_silent"],
    "starts_at": "2026-11-24T06:00:00Z", "ends_at": "2026-11-24T10:00:00Z", "weekdays": None, "from_time": None, "to_time": None,
    "timezone": "Asia/Shanghai", "reason": "The grid changes the meters.", "quiet_until": "2026-11-24T10:00:00Z", "held": 4, "waiting": 4,
    "made_by": "测试·值班员", "made_at": "2026-11-23T08:00:00Z", "cancelled_at": None, "cancelled_by": None,
}  # fmt: skip
QUIETED: JsonDict = {
    "id": 9, "kind": "device_silent", "severity": "low", "why": {"key": "alert.why.device_silent", "params": {"device": "WX-001-door", "minutes": 120}},
    "home": "WX-001", "device": "WX-001-door", "times": 1, "first_at": "2026-11-24T07:12:00Z", "last_at": "2026-11-24T07:12:00Z",
    "due_at": "2026-11-24T10:00:00Z", "ended": None, "ended_at": None, "alert_id": None,
}  # fmt: skip


class MakeWindow(Body):
    """Once: starts_at and ends_at. Recurring: weekdays, from_time, to_time and until, by the clocks of the place."""

    scope: Scope = Field(examples=["building"])
    district: str | None = Field(None, max_length=40, examples=["wanxiu"])
    building: str | None = Field(None, min_length=1, max_length=100, examples=["示例路1号楼"])
    home: str | None = Field(None, max_length=40)
    device: str | None = Field(None, max_length=64)
    #: Empty: all that is not life safety.
    kinds: list[str] = Field([], max_length=50, examples=[["device_silent", "hub_silent"]])
    #: None: from now on.
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    #: 1 Monday … 7 Sunday.
    weekdays: list[int] | None = Field(None, min_length=1, max_length=7)
    from_time: time | None = None
    to_time: time | None = None
    #: The last day.
    until: date | None = None
    reason: str = Field(min_length=1, max_length=500, examples=["The grid changes the meters."])

    def asked(self) -> Asked:
        fields = self.model_dump()
        weekdays = None if self.weekdays is None else tuple(self.weekdays)
        return Asked(**{**fields, "kinds": tuple(self.kinds), "weekdays": weekdays})


class Window(BaseModel):
    model_config = example(window=WINDOW)
    window: dict[str, Any]


class Windows(BaseModel):
    model_config = example(windows=[WINDOW])
    windows: list[dict[str, Any]]


class HeldByWindow(BaseModel):
    model_config = example(held=[QUIETED])
    held: list[dict[str, Any]]


class WindowPreview(BaseModel):
    model_config = example(days=28, kinds=[{"kind": "device_silent", "alerts": 6, "signals": 9, "real": 0}], alerts=[], real=[], warning=None)
    days: int
    #: What it would have hidden, by kind: alerts, the signals that went into them, and how many were real.
    kinds: list[dict[str, Any]]
    #: The newest of them.
    alerts: list[dict[str, Any]]
    #: Ids of those that people closed as real emergencies.
    real: list[int]
    #: A sentence about these, in both languages; None: there are none.
    warning: dict[str, str] | None


class Me(BaseModel):
    person: dict[str, Any] = Field(examples=[{"id": 1, "code": "op-1", "name": "测试·值班员", "language": "zh-CN"}])
    roles: list[str] = Field(examples=[["operator"]])
    role: str = Field(examples=["operator"])
    #: Ids of the districts that an operator looks after; None: the whole city.
    districts: list[int] | None
    csrf: str = Field(examples=["kH2…"])


KPI_BAR: JsonDict = {
    "name": "answered_60", "clock": "answered", "limit_s": 60, "target": 0.975, "source": "TSA", "framework": True, "counted": 400, "met": 392,
    "share": 0.98, "reached": True,
}  # fmt: skip
KPI_SECONDS: JsonDict = {"answered": {"p50": 21.0, "p90": 44.0, "p97.5": 58.0, "p99": 95.0, "max": 180.0}, "on_site": None, "entry": None}


class Kpi(BaseModel):
    model_config = example(
        month="2026-11",
        district=None,
        timezone="Asia/Shanghai",
        alerts=412,
        bars=[KPI_BAR],
        seconds=KPI_SECONDS,
        districts=[],
        people=[],
        breached=8,
        breaches=[],
    )
    month: str
    district: str | None
    timezone: str
    alerts: int
    #: Each with clock, limit_s, target, source, counted, met, share and whether the target is reached.
    bars: list[dict[str, Any]]
    #: By clock: p50, p90, p97.5, p99 and max.
    seconds: dict[str, dict[str, float] | None]
    districts: list[dict[str, Any]]
    #: Who answered; nobody: person is null.
    people: list[dict[str, Any]]
    #: How many alerts breached a bar of the framework; the first 1,000 are listed.
    breached: int
    breaches: list[dict[str, Any]]


class Figures(BaseModel):
    readings_per_s: float = Field(examples=[6.4])
    open_alerts: int = Field(examples=[1])
    deliveries: int = Field(examples=[12])
    waiting: int = Field(examples=[0])
    accepted_within_60_s: float | None = Field(examples=[0.98])


PLAN: JsonDict = {
    "steps": [{"after_s": 0, "tell": ["family:1"], "offer": 2}, {"after_s": 30, "tell": ["family", "operators"], "offer": 3}],
    "repeat_s": 120, "repeats": 30, "offer_s": 45, "accepted_s": 600, "on_the_way_s": 2700, "there_s": 14400,
}  # fmt: skip
POLICY: JsonDict = {
    "code": "wanxiu/critical:sos", "version": 2, "district": "wanxiu", "kind": "sos", "severity": "critical", "plan": PLAN, "active": True,
    "readable": True, "created_at": "2026-11-23T08:00:00Z", "created_by": "测试·主管",
}  # fmt: skip
SHIFT = {
    "id": 7, "person": "operator-wanxiu", "name": "测试·值班员", "role": "operator", "district": "wanxiu", "starts_at": "2026-11-23T00:00:00Z",
    "ends_at": "2026-11-23T08:00:00Z", "rotation": "three shifts",
}  # fmt: skip
LINE = {
    "at": "2026-11-23T08:00:30Z", "after_s": 30, "step": 1, "what": "tell", "whom": "operators", "name": "测试·值班员", "channel": "telegram",
    "distance_m": None, "reason": None,
}  # fmt: skip


class SetPolicy(Body):
    #: None: everywhere that has no policy of its own.
    district: str | None = Field(None, max_length=40, examples=["wanxiu"])
    #: None: every kind of alarm of this severity.
    kind: str | None = Field(None, min_length=1, max_length=40, examples=["sos"])
    severity: Literal["critical", "high", "low"] = Field(examples=["critical"])
    #: docs/policies.md says what it may hold.
    plan: dict[str, Any] = Field(examples=[PLAN])


class PolicySet(BaseModel):
    code: str = Field(examples=["wanxiu/critical:sos"])
    version: int = Field(examples=[2])
    #: False: exactly this was in force already.
    changed: bool


class Policies(BaseModel):
    model_config = example(policies=[POLICY])
    policies: list[dict[str, Any]]


class Sentence(BaseModel):
    message: str
    message_zh: str


class Preview(BaseModel):
    model_config = example(home="WX-001", kind="sos", severity="critical", policy="critical", version=1, at="2026-11-23T08:00:00Z", lines=[LINE])
    home: str
    kind: str
    severity: str
    policy: str
    version: int
    at: datetime
    #: In order; `channel` None: they cannot be reached.
    lines: list[dict[str, Any]]
    #: After that: every so many seconds, so many times in all, then hourly.
    again: dict[str, int]
    #: What is not known.
    notes: list[Sentence]


class SetRotation(Body):
    name: str = Field(min_length=1, max_length=80, examples=["three shifts"])
    district: str | None = Field(None, max_length=40, examples=["wanxiu"])
    role: Literal["operator", "supervisor", "caregiver", "volunteer"] = Field(examples=["operator"])
    timezone: str = Field("Asia/Shanghai", max_length=60)
    starts_on: date
    handover_days: int = Field(ge=1, le=366, examples=[7])
    #: Person codes, in the order in which they take turns.
    people: list[str] = Field(min_length=1, max_length=200, examples=[["operator-a", "operator-b"]])
    shifts: list[dict[str, Any]] = Field(max_length=24, examples=[[{"from": "08:00", "to": "20:00"}, {"from": "20:00", "to": "08:00", "place": 1}]])
    holidays: str | None = Field(None, max_length=20, examples=["CN"])
    on_holidays: list[dict[str, Any]] | None = Field(None, max_length=24)


class AddShift(Body):
    person: str = Field(max_length=80, examples=["operator-wanxiu"])
    role: Literal["operator", "supervisor", "caregiver", "volunteer"] = Field(examples=["operator"])
    district: str | None = Field(None, max_length=40, examples=["wanxiu"])
    starts_at: AwareDatetime
    ends_at: AwareDatetime


class AddOverride(Body):
    instead_of: str = Field(max_length=80, examples=["operator-wang"])
    person: str = Field(max_length=80, examples=["operator-li"])
    starts_at: AwareDatetime
    ends_at: AwareDatetime


class Made(BaseModel):
    id: int


class Shifts(BaseModel):
    model_config = example(shifts=[SHIFT], rotations=[], overrides=[], notes=[])
    shifts: list[dict[str, Any]]
    rotations: list[dict[str, Any]]
    overrides: list[dict[str, Any]]
    notes: list[Sentence]


class ReachChannel(BaseModel):
    channel: str
    address: str
    rank: int
    #: Since when the channel says that nobody is there.
    dead_at: datetime | None
    #: The last trial: waiting, sending, sent (handed over), delivered, read or failed.
    trial_state: str | None
    trial_at: datetime | None
    trial_error: str | None


class Reach(BaseModel):
    channels: list[ReachChannel]
    quiet_from: time | None
    quiet_to: time | None


class Preference(BaseModel):
    model_config = example(order=["telegram", "ntfy"], quiet_from="22:00", quiet_to="07:00")

    order: list[str] = Field(max_length=20)
    quiet_from: time | None = None
    quiet_to: time | None = None


class SetChannel(BaseModel):
    channel: str = Field(max_length=30)
    address: str | None = Field(None, max_length=500)


class Channels(BaseModel):
    model_config = example(channels=[{"channel": "telegram"}, {"channel": "webhook", "address": "https://example.org/hook"}])

    channels: list[SetChannel] = Field(max_length=20)


class CameOfCall(BaseModel):
    outcome: Literal["answered", "digit", "no_answer"]
    digit: str | None = Field(None, max_length=1)
