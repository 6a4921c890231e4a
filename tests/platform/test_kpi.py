"""KPI clocks: how quickly somebody answered, came and got in, against what is asked."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cloudfamily_platform.alerts import escalate, respond
from cloudfamily_platform.core import errors
from cloudfamily_platform.insight import kpi, kpi_month
from cloudfamily_platform.people import person as people

T = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
BAR = {bar.name: bar for bar in kpi.BARS}


def row(**seconds: float) -> dict[str, Any]:
    """An alert's times, in seconds after it opened."""
    names = ("accepted_at", "sent_at", "there_at", "inside_at", "resolved_at")
    times = {name: T + timedelta(seconds=seconds[name]) if name in seconds else None for name in names}
    return {"severity": "critical", "outcome": "real" if "resolved_at" in seconds else None, "opened_at": T, **times}


@pytest.mark.parametrize(
    ("bar", "times", "after_s", "state"),
    [
        ("answered_60", {"accepted_at": 60}, 100, "met"),
        ("answered_60", {"accepted_at": 60.001}, 100, "breached"),
        ("answered_180", {"accepted_at": 61}, 100, "met"),
        ("answered_60", {}, 60, "running"),
        ("answered_60", {}, 60.001, "breached"),  # nobody yet, and the time is over
        ("answered_30", {"accepted_at": 31}, 100, "breached"),
        ("on_site_45", {"accepted_at": 5}, 9000, "none"),  # nobody was sent
        ("on_site_45", {"sent_at": 100, "there_at": 100 + 45 * 60}, 9000, "met"),
        ("on_site_45", {"sent_at": 100, "there_at": 101 + 45 * 60}, 9000, "breached"),
        ("on_site_60", {"sent_at": 100, "there_at": 101 + 45 * 60}, 9000, "met"),
        ("on_site_60", {"sent_at": 100}, 3700, "running"),
        ("on_site_60", {"sent_at": 100}, 3701, "breached"),
        ("on_site_60", {"sent_at": 100, "resolved_at": 600}, 9000, "none"),  # called off
        ("on_site_60", {"sent_at": 100, "resolved_at": 8000}, 9000, "breached"),
        ("entry_5", {"there_at": 900, "inside_at": 1200}, 9000, "met"),
        ("entry_5", {"there_at": 900, "inside_at": 1201}, 9000, "breached"),
        ("entry_5", {"there_at": 900}, 1201, "breached"),
        ("entry_5", {"there_at": 900, "resolved_at": 5000}, 9000, "none"),  # nobody said when
    ],
)
def test_a_clock(bar: str, times: dict[str, float], after_s: float, state: str) -> None:
    assert kpi.read(BAR[bar], row(**times), T + timedelta(seconds=after_s)).state == state


def test_what_is_asked() -> None:
    asked = {bar.name: (bar.limit.total_seconds(), bar.share) for bar in kpi.BARS if bar.framework}
    assert asked == {"answered_60": (60, 0.975), "answered_180": (180, 0.99), "on_site_45": (2700, 0.9), "on_site_60": (3600, 1.0), "entry_5": (300, 1.0)}


def test_shares_and_times() -> None:
    tally = kpi.Tally(T + timedelta(hours=1))
    for number in range(1, 201):
        late = number > 195
        tally.add(row(accepted_at=200 if late else number / 10) | {"id": number, "kind": "sos", "district": "a", "by_code": "op", "by_name": "Op"})
    found = tally.summary()
    bars = {one["name"]: (one["counted"], one["met"], one["reached"]) for one in found["bars"]}
    assert (bars["answered_60"], bars["answered_180"], bars["on_site_45"]) == ((200, 195, True), (200, 195, False), (0, 0, None))
    assert found["seconds"] == {"answered": {"p50": 10.0, "p90": 18.0, "p97.5": 19.5, "p99": 200.0, "max": 200.0}, "on_site": None, "entry": None}
    assert (found["breached"], found["breaches"][0]["alert_id"], found["breaches"][0]["seconds"]) == (5, 196, {"answered": 200})


@pytest.fixture
def month(world: Any, alarm: Callable[..., int]) -> Any:
    """Three calls of November in Shanghai: answered in time, too late, and by nobody. And much that does not count."""
    home = world.home()
    operator = world.person("operator", "operator")
    volunteer = world.responder("volunteer", chat=2)
    found = []
    for accept_s in (20, 90):
        alert_id = alarm()
        found.append(alert_id)
        world.drain(*escalate.STAGES)
        world.wait(seconds=accept_s)
        world.run(respond.accept(world.conn, alert_id, volunteer, world.now))
        world.wait(minutes=50 if accept_s == 90 else 10)
        world.run(respond.move(world.conn, alert_id, volunteer, "there", world.now))
        world.wait(minutes=5)
        world.run(respond.resolve(world.conn, alert_id, operator, "real", "", world.now))
    world.run(respond.resolve(world.conn, alarm(), operator, "test", "", world.now))
    alarm(kind="tamper")
    common = {"severity": "critical", "policy_id": 1, "opened_at": world.now, "due_at": world.now}
    world.insert("alert", device_code="platform.x", kind="platform_ill", **common)
    world.insert("alert", home_id=home, kind="fall", canary=True, **common)
    world.insert("alert", home_id=home, kind="smoke", **common | {"opened_at": datetime(2026, 11, 30, 16, 0, tzinfo=UTC)})  # December there
    found.append(alarm(kind="gas"))
    world.wait(minutes=4)
    return found


def figures(world: Any, month: str = "2026-11", **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = world.run(kpi_month.figures(world.conn, month, SHANGHAI, world.now, **more))
    return found


def test_a_month(world: Any, month: list[int]) -> None:
    found = figures(world)
    assert found["alerts"] == 3
    bars = {one["name"]: (one["counted"], one["met"]) for one in found["bars"]}
    assert (bars["answered_60"], bars["answered_180"], bars["on_site_45"], bars["on_site_60"]) == ((3, 1), (3, 2), (2, 1), (2, 2))
    assert [(one["alert_id"], one["bars"][:2]) for one in found["breaches"]] == [
        (month[1], ["answered_60", "on_site_45"]), (month[2], ["answered_60", "answered_180"]),
    ]  # fmt: skip
    assert [(one["district"], one["alerts"]) for one in found["districts"]] == [("wanxiu", 3)]
    assert [(one["person"], one["alerts"]) for one in found["people"]] == [("volunteer", 2), (None, 1)]
    assert figures(world, "2026-12")["alerts"] == 1
    assert figures(world, district="wanxiu")["alerts"] == 3


def test_whose_figures_one_may_see(world: Any, month: list[int]) -> None:
    other = world.insert("district", code="changzhou", name_zh="长洲", name_en="Changzhou")
    elsewhere = world.person("elsewhere")
    world.insert("role", person_id=elsewhere.id, role="operator", district_id=other)
    elsewhere = world.run(people.load(world.conn, elsewhere.id))
    assert figures(world, person=elsewhere)["alerts"] == 0
    with pytest.raises(errors.NotFound):
        figures(world, person=elsewhere, district="wanxiu")
    with pytest.raises(errors.Invalid, match="2026-11"):
        figures(world, "2026-13")


def test_over_http(world: Any, month: list[int], site: Callable[..., Any]) -> None:
    world.sync.execute("UPDATE person SET name = '=HYPERLINK(1)' WHERE code = 'volunteer'")
    operator, daughter = world.person("op-2", "operator"), world.family(world.value("SELECT min(id) FROM home"), "daughter")

    async def story() -> None:
        async with site() as here:
            client = await here.client(operator)
            status, found = await client.get("/api/kpi?month=2026-11")
            assert (status, found["alerts"], found["breached"], len(found["bars"])) == (200, 3, 2, 8)
            assert (await client.get("/api/kpi?month=november"))[0] == 422
            assert (await client.get("/api/kpi?month=2026-11&district=nowhere"))[0] == 404
            status, text = await client.text("/api/kpi.csv?month=2026-11")
            lines = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
            assert (status, len(lines), lines[0]["answered_by"], lines[0]["answered_s"], lines[1]["on_site_s"]) == (200, 3, "'=HYPERLINK(1)", "20", "3000")
            assert lines[2]["breached"] == "answered_60 answered_180 answered_30"
            for path in ("/api/kpi?month=2026-11", "/api/kpi.csv?month=2026-11"):
                assert (await (await here.client(daughter)).get(path))[0] == 403

            status, detail = await client.get(f"/api/alerts/{month[2]}")
            clock = detail["clocks"]["answered_180"]
            assert (status, clock["state"], clock["limit_s"]) == (200, "breached", 180)
            assert datetime.fromisoformat(clock["due_at"]) - datetime.fromisoformat(clock["started_at"]) == timedelta(seconds=180)
            assert detail["clocks"]["on_site_45"]["state"] == "none"

    world.run(story())


def test_the_command(world: Any, month: list[int], tmp_path: Path) -> None:
    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "CF_DATABASE_URL": world.url, "CF_MQTT_HOST": "127.0.0.1", "CF_DATA_DIR": str(tmp_path)}
        words = [sys.executable, "-m", "cloudfamily", "report", "kpi", *arguments]
        return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=600, check=False)

    done = command("--month", "2026-11")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2026-11, the whole city: 3 calls\n  answered_60     33.3% of 3      asked: 97.5% within 60 s   NOT REACHED\n")
    assert f"  alert {month[1]}, sos, 2026-11-23 16:15: answered after 90 s, on_site after 3000 s" in done.stdout
    assert json.loads(command("--month", "2026-11", "--json").stdout)["alerts"] == 3
    assert "--month '11': write it like 2026-11." in command("--month", "11").stderr
