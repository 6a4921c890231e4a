"""watch: signals become alerts, once each, and one that cannot be judged stops no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from cloudfamily_platform.alerts import respond, watch
from cloudfamily_platform.alerts.rules import signals
from cloudfamily_platform.alerts.rules.hazard import Hazard


def test_a_press_opens_an_alert_once(world: Any, timeline: Callable[..., list[str]]) -> None:
    world.home()
    said = world.press()
    world.say("cf/v1/WX-001-button/signal", said)  # the device says it again until it is answered
    assert world.drain(*watch.STAGES) == 1
    assert world.drain(*watch.STAGES) == 0
    alert = world.rows("SELECT * FROM alert")[0]
    assert (alert["kind"], alert["severity"], alert["state"], alert["presses"], alert["seq"]) == ("sos", "critical", "open", 1, said["seq"])
    assert (alert["opened_at"], alert["due_at"], alert["canary"]) == (world.now, world.now, False)
    assert alert["why"] == {"key": "alert.why.sos", "params": {"device": "WX-001-button"}}
    assert timeline(alert["id"]) == ["opened"]


def test_a_second_press_adds_to_it(world: Any, timeline: Callable[..., list[str]]) -> None:
    world.home()
    world.press()
    world.wait(seconds=20)
    again = world.press()
    assert world.drain(*watch.STAGES) == 2
    alert = world.rows("SELECT id, presses, seq FROM alert")[0]
    assert (alert["presses"], alert["seq"]) == (2, again["seq"])
    assert timeline(alert["id"]) == ["opened", "pressed_again"]


def test_another_kind_is_another_alert_and_so_is_the_next_after_the_end(world: Any, alarm: Callable[..., int]) -> None:
    world.home()
    operator = world.person("operator", "operator")
    first = alarm()
    alarm(kind="smoke")
    assert world.value("SELECT count(*) FROM alert") == 2
    world.run(respond.resolve(world.conn, first, operator, "false_alarm", "", world.now))
    assert alarm() != first


def test_a_press_while_somebody_has_it_is_answered_at_once(world: Any, alarm: Callable[..., int]) -> None:
    world.home()
    alert_id = alarm()
    world.run(respond.accept(world.conn, alert_id, world.person("operator", "operator"), world.now))
    again = world.press()
    world.drain(*watch.STAGES)
    assert world.rows("SELECT device_code, answer, seq FROM command ORDER BY id DESC LIMIT 1") == [
        {"device_code": "WX-001-button", "answer": "help_is_coming", "seq": again["seq"]}
    ]


def test_a_device_that_nobody_knows_calls_for_help_too(world: Any, alarm: Callable[..., int]) -> None:
    alert_id = alarm(device="somebody-s-button")
    alert = world.rows("SELECT home_id, district_id, device_code, severity FROM alert WHERE id = %s", alert_id)[0]
    assert alert == {"home_id": None, "district_id": None, "device_code": "somebody-s-button", "severity": "critical"}
    assert alarm(device="another-button") != alert_id
    assert alarm(device="somebody-s-button") == alert_id


def test_a_canary_rings_for_canaries(world: Any, alarm: Callable[..., int]) -> None:
    world.home("CANARY", canary=True)
    assert world.rows("SELECT canary FROM alert WHERE id = %s", alarm(device="CANARY-button")) == [{"canary": True}]


def test_a_signal_that_cannot_be_judged_waits_alone(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world.home("WX-001")
    world.home("WX-002")
    broken, good = "WX-001-button", "WX-002-button"
    judge = signals.judge

    def judge_but_not_this(kind: str, detail: dict[str, object], device: str) -> Hazard:
        if device == broken:
            raise ZeroDivisionError("a broken rule")
        return judge(kind, detail, device)

    monkeypatch.setattr(signals, "judge", judge_but_not_this)
    world.press(broken)
    world.press(good)
    assert world.drain(*watch.STAGES) == 2
    assert [row["device_code"] for row in world.rows("SELECT device_code FROM alert")] == [good]

    for tries, wait in ((1, 30), (2, 60), (3, 90)):  # it is tried again, ever more patiently
        waiting = world.rows("SELECT tries, due_at FROM signal WHERE due_at IS NOT NULL")[0]
        assert (waiting["tries"], (waiting["due_at"] - world.now).total_seconds()) == (tries, wait)
        world.wait(seconds=wait)
        world.drain(*watch.STAGES)

    monkeypatch.undo()
    world.wait(minutes=2)
    world.drain(*watch.STAGES)
    assert [row["device_code"] for row in world.rows("SELECT device_code FROM alert ORDER BY id")] == [good, broken]


def test_the_databases_own_trouble_postpones_no_press(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadlock or a lock not got in time: the press stays due now, not in half a minute."""
    world.home()
    world.press()

    def unlucky(*_: object) -> Hazard:
        raise psycopg.errors.DeadlockDetected("try again")

    monkeypatch.setattr(signals, "judge", unlucky)
    with pytest.raises(psycopg.errors.DeadlockDetected):
        world.drain(*watch.STAGES)
    monkeypatch.undo()
    assert world.drain(*watch.STAGES) == 1
    assert world.value("SELECT count(*) FROM alert") == 1
