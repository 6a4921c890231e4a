"""The stages one after the other, rows in, `step(now)`, rows out: from a press to an hour in the time bank."""

from __future__ import annotations

from typing import Any

from cloudfamily_platform.alerts import escalate, respond, watch
from cloudfamily_platform.services import visits
from cloudfamily_timebank import credit


def test_a_press_becomes_an_alert_a_visit_and_an_hour(world: Any) -> None:
    home = world.home()
    world.family(home, "daughter", chat=11)
    volunteer = world.responder("near", km=0.4, chat=12)
    world.responder("far", km=2, chat=13)
    operator = world.person("operator", "operator")

    world.press()
    assert world.drain(*watch.STAGES) == 1
    alert = world.rows("SELECT * FROM alert")[0]
    assert (alert["kind"], alert["severity"], alert["state"]) == ("sos", "critical", "open")

    assert world.drain(*escalate.STAGES) == 1
    assert [row["message"] for row in world.rows("SELECT message FROM notification ORDER BY id")] == ["alert", "offer", "offer"]

    world.wait(seconds=20)
    world.run(respond.accept(world.conn, alert["id"], volunteer, world.now))
    world.wait(minutes=5)
    world.run(respond.move(world.conn, alert["id"], volunteer, "on_the_way", world.now))
    world.wait(minutes=10)
    world.run(respond.move(world.conn, alert["id"], volunteer, "there", world.now))
    world.wait(minutes=40)
    world.run(respond.resolve(world.conn, alert["id"], operator, "real", "", world.now))

    assert world.drain(*visits.STAGES) == 1
    assert world.drain(credit.STAGE) == 1
    assert world.drain(credit.STAGE) == 0
    assert world.rows("SELECT kind, minutes FROM transfer ORDER BY kind") == [{"kind": "credit", "minutes": 30}, {"kind": "honour", "minutes": 10}]
    assert [row["kind"] for row in world.rows("SELECT kind FROM alert_event ORDER BY id")] == [
        "opened", "offered", "offered", "accepted", "on_the_way", "there", "resolved",
    ]  # fmt: skip
