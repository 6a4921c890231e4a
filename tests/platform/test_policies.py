"""Policies as data: which one counts, how a new version is put in force by the API or from a city's file, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from cloudfamily import policies as command
from cloudfamily.embedded.errors import StartError
from cloudfamily_platform.alerts import escalate

PLAN: dict[str, Any] = {
    "steps": [{"after_s": 0, "tell": ["family"], "offer": 1}, {"after_s": 20, "tell": ["operators"], "offer": 1}],
    "repeat_s": 120, "repeats": 2, "offer_s": 45, "accepted_s": 600, "on_the_way_s": 2700, "there_s": 14400,
}  # fmt: skip


def policy_of(world: Any, alert_id: int) -> str:
    return str(world.value("SELECT p.code || ' ' || p.version FROM alert a JOIN policy p ON p.id = a.policy_id WHERE a.id = %s", alert_id))


def test_the_most_specific_policy_counts(world: Any) -> None:
    other = world.insert("district", code="changzhou", name_zh="长洲", name_en="Changzhou")
    for code, district_id, kind in (
        ("kind", None, "sos"),
        ("district", world.district_id, None),
        ("both", world.district_id, "sos"),
        ("other", other, "sos"),
    ):
        world.insert("policy", code=code, version=1, district_id=district_id, kind=kind, severity="critical", plan=Jsonb(PLAN))

    def chosen(district_id: int | None, kind: str) -> str:
        found = world.value("SELECT code FROM policy WHERE id = policy_for(%s::smallint, %s, 'critical')", district_id, kind)
        return str(found)

    assert [chosen(world.district_id, "sos"), chosen(world.district_id, "fall"), chosen(None, "sos"), chosen(None, "fall")] == [
        "both", "district", "kind", "critical"
    ]  # fmt: skip
    world.sync.execute("UPDATE policy SET active = false")
    assert chosen(world.district_id, "sos") == "critical"  # never none at all


def test_a_new_version_by_the_api(world: Any, alarm: Callable[..., int], site: Callable[..., AbstractAsyncContextManager[Any]]) -> None:
    world.home("WX-001")
    world.home("WX-002")
    boss, operator = world.person("boss", "supervisor", city=True), world.person("operator", "operator", chat=1)
    local = world.person("local", "supervisor")
    old = alarm()

    async def story() -> None:
        async with site() as here:
            client = await here.client(boss)
            assert (await (await here.client(operator)).post("/api/policies", {"severity": "critical", "plan": PLAN}))[0] == 403
            assert (await (await here.client(local)).post("/api/policies", {"severity": "critical", "plan": PLAN}))[0] == 403
            assert await client.post("/api/policies", {"severity": "critical", "plan": PLAN}) == (201, {"code": "critical", "version": 2, "changed": True})
            assert (await client.post("/api/policies", {"severity": "critical", "plan": PLAN}))[1]["changed"] is False
            own = {"severity": "critical", "district": "wanxiu", "kind": "sos", "plan": PLAN | {"repeat_s": 60}}
            made = {"code": "wanxiu/critical:sos", "version": 1, "changed": True}
            assert await (await here.client(local)).post("/api/policies", own) == (201, made)
            listed = (await (await here.client(operator)).get("/api/policies"))[1]["policies"]
            assert [(one["code"], one["version"]) for one in listed] == [("critical", 2), ("high", 1), ("low", 1), ("wanxiu/critical:sos", 1)]
            versions = (await client.get("/api/policies/critical"))[1]["policies"]
            assert [(one["version"], one["active"], one["created_by"]) for one in versions] == [(2, True, "测试·boss"), (1, False, None)]
            assert (await client.get("/api/policies/wanxiu/critical:sos"))[1]["policies"][0]["plan"]["repeat_s"] == 60
            assert (await client.get("/api/policies/tea"))[0] == 404

    world.run(story())
    assert policy_of(world, alarm("WX-002-button")) == "wanxiu/critical:sos 1"
    assert policy_of(world, alarm("WX-002-button", "fall")) == "critical 2"
    assert policy_of(world, old) == "critical 1"
    assert world.drain(*escalate.STAGES) == 6


def test_what_the_api_refuses_it_says_in_both_languages(world: Any, site: Callable[..., AbstractAsyncContextManager[Any]]) -> None:
    boss = world.person("boss", "supervisor", city=True)

    async def story() -> None:
        async with site() as here:
            client = await here.client(boss)
            wrong = PLAN | {"steps": [{"after_s": 3, "tell": ["grandma"], "offer": 1}]}
            status, body = await client.post("/api/policies", {"severity": "critical", "plan": wrong})
            assert status == 422
            assert body["error"]["message"] == (
                "plan is not right: Step 1 begins after 3 s: the first step begins at once, write after_s 0."
                ' Step 1 tells "grandma": write family, family:1 to family:20, operators, supervisors or neighbours.'
            )
            assert body["error"]["message_zh"].startswith("plan 不正确：第 1 步在 3 秒后开始；第一步必须立即开始，请写 after_s 0。 第 1 步通知“grandma”")
            status, body = await client.post("/api/policies", {"severity": "critical", "plan": {"steps": []}})
            assert (status, "repeat_s" in body["error"]["message"]) == (422, True)
            assert (await client.post("/api/policies", {"severity": "critical", "district": "atlantis", "plan": PLAN}))[0] == 404

    world.run(story())
    assert world.value("SELECT count(*) FROM policy") == 3


CITY = """
policies:
  - severity: critical
    steps:
      - {after_s: 0, tell: ["family:1"], offer: 2}
      - {after_s: 30, tell: [family, operators], offer: 3, by: [voice, sms]}
      - {after_s: 60, tell: [supervisors, neighbours], offer: 3}
    repeat_s: 120
    repeats: 30
    offer_s: 45
    accepted_s: 600
    on_the_way_s: 2700
    there_s: 14400
  - {severity: critical, kind: smoke, district: wanxiu, steps: [{after_s: 0, tell: [family, operators], offer: 3}], repeat_s: 60, repeats: 30,
     offer_s: 45, accepted_s: 600, on_the_way_s: 2700, there_s: 14400}
neighbours:
  wanxiu: [changzhou]
"""


@pytest.fixture
def apply(world: Any, tmp_path: Path) -> Callable[..., list[str]]:
    def applied(text: str, *, check: bool = False) -> list[str]:
        (tmp_path / "city.yaml").write_text(text, encoding="utf-8")
        said: str = world.run(command.apply(world.url, tmp_path / "city.yaml", world.now, check=check))
        return said.splitlines()

    return applied


def test_a_citys_file(world: Any, apply: Callable[..., list[str]]) -> None:
    world.insert("district", code="changzhou", name_zh="长洲", name_en="Changzhou")
    changes = ["critical: version 2", "wanxiu/critical:smoke: version 1", "neighbours of wanxiu: changzhou"]
    assert apply(CITY, check=True) == [*changes, "nothing of this was done: leave --check away"]
    assert world.value("SELECT count(*) FROM policy") == 3
    assert apply(CITY) == changes
    assert apply(CITY) == ["nothing to change"]
    retired = "policies: [{severity: critical, kind: smoke, district: wanxiu, retire: true}]"
    assert apply(retired) == ["wanxiu/critical:smoke: retired"]
    assert apply(retired) == ["nothing to change"]
    assert world.value("SELECT code FROM policy WHERE id = policy_for(%s::smallint, 'smoke', 'critical')", world.district_id) == "critical"


MISTAKES = (
    ("policies: [", "city.yaml cannot be read: "),
    ("tea: 3", "city.yaml holds tea: it may hold policies and neighbours."),
    ("policies: [{kind: sos}]", "each of them says its severity"),
    ("neighbours: {wanxiu: changzhou}", "neighbours names a list"),
    ("neighbours: {wanxiu: [atlantis]}", 'neighbours of wanxiu: there is no district "atlantis".'),
    (CITY.replace("after_s: 60", "after_s: 31"), "city.yaml, policy 1 (critical): Step 3 begins after 31 s: write 35 or more"),
    (CITY.replace("repeat_s: 60", "repaet_s: 60"), "city.yaml, policy 2 (wanxiu/critical:smoke): it is not of the form of a plan: "),
    ("policies: [{severity: high, retire: true}]", "policy 1 (high): the general policy of a severity is only replaced"),
    ("policies: [{severity: dire}]", "policy 1 (dire): "),
)


def test_a_file_with_a_mistake_changes_nothing(world: Any, apply: Callable[..., list[str]]) -> None:
    for text, sentence in MISTAKES:
        with pytest.raises(StartError) as refused:
            apply(text)
        assert sentence in str(refused.value)
    assert world.value("SELECT count(*) FROM policy") == 3
    assert world.value("SELECT count(*) FROM neighbour") == 0
