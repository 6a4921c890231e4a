"""From a device behind a hub to the platform's tables; and over the broker that hubs and cities really use."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cloudfamily.embedded import ports
from cloudfamily_gateway import wire
from cloudfamily_gateway.edge import alarms, forward
from cloudfamily_gateway.ingest import Store

Until = Callable[..., None]


def test_what_was_said_without_a_link_stands_in_the_tables_once_with_its_own_time_and_way(hub: Any, town: Any, until: Until) -> None:
    sensor, button = hub.device("th"), hub.device("btn")
    town.home(sensor.code, button.code)
    city = hub.city()
    hub.cable.cut()
    hub.start(uplink=False)
    sensor.measure(200)
    said = button.press()
    without_clock = {"kind": "sos", "seq": 77}
    button.say(f"cf/v1/{button.code}/signal", without_clock).wait_for_publish(5)
    pressed_by = time.time()
    time.sleep(0.6)
    hub.cable.plugged = True
    until(lambda: {answer["seq"] for answer in button.answers if answer["answer"] == "received"} == {1, 77}, "the answers")
    until(lambda: len(city.payloads(f"cf/v1/{sensor.code}/reading")) == 200, "the readings")

    with psycopg.connect(town.url, autocommit=True, options="-c timezone=UTC") as conn:
        store = Store(conn)
        for _ in range(2):  # the edge may say everything twice
            store.store([wire.Frame(one.topic, one.payload, one.at, hub.name, one.retained) for one in city.came])
    assert town.readings(sensor.code) == 200
    at = dict(town.rows("SELECT seq, at FROM signal WHERE device_code = %s", button.code))
    assert at[1] == datetime.fromisoformat(said["t"])
    assert pressed_by - 0.5 < at[77].timestamp() <= pressed_by + 0.3, "without a clock of its own: when the hub heard it, not when the city did"
    assert set(town.rows("SELECT code, edge FROM device")) == {(code, hub.name) for code in (sensor.code, button.code, hub.name)}
    assert town.rows("SELECT kind, report_minutes, mains FROM device WHERE code = %s", hub.name) == [("hub", 1, True)]
    assert town.rows("SELECT DISTINCT reason FROM quarantine") == []


def test_what_was_dropped_is_told_once_the_link_is_back(hub: Any, until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms, "HEARTBEAT_SECONDS", 0.2)
    hub.more["spool_rows"] = 100
    city, sensor, button = hub.city(), hub.device("th"), hub.device("btn")
    hub.cable.cut()
    hub.start(uplink=False)
    button.press()
    sensor.measure(300)
    until(lambda: hub.edge.spool.lost().lost == 200, "it is full")
    hub.cable.plugged = True
    until(lambda: city.of(f"cf/v1/{hub.name}/lost"), "the summary")
    told = json.loads(city.of(f"cf/v1/{hub.name}/lost")[0].payload)
    assert told["lost"] == 200
    assert datetime.fromisoformat(told["from"]) <= datetime.fromisoformat(told["until"])
    until(lambda: hub.edge.spool.lost().lost == 0, "the city knows")
    until(lambda: len(city.payloads(f"cf/v1/{sensor.code}/reading")) == 100, "the newest hundred")
    until(lambda: button.answers, "and the press, which was older than all of them")
    assert len(city.of(f"cf/v1/{hub.name}/lost")) == 1


# Mosquitto

CONFIGURATION = """
listener {port} 127.0.0.1
allow_anonymous true
persistence false
queue_qos0_messages true
log_dest none
"""


@pytest.fixture
def mosquittos(tmp_path: Path, until: Until) -> Iterator[list[tuple[str, int]]]:
    """Two of them: the hub's and the city's. The city's keeps Mosquitto's own limit of 20 messages under way."""
    program = os.environ.get("CF_TEST_MOSQUITTO") or shutil.which("mosquitto")
    if program is None:
        pytest.skip("no mosquitto on the PATH nor in CF_TEST_MOSQUITTO")
    addresses = list[tuple[str, int]]()
    with ExitStack() as stack:
        for name in ("home", "city"):
            port, file = ports.any_free(), tmp_path / f"{name}.conf"
            file.write_text(CONFIGURATION.format(port=port), encoding="ascii")
            process = stack.enter_context(subprocess.Popen([program, "-c", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            stack.callback(process.terminate)
            addresses.append(("127.0.0.1", port))
            until(lambda port=port: listens(port), "it listens")
        yield addresses


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def test_over_mosquitto_nothing_is_given_to_a_broker_that_has_nobody_for_it(
    mosquittos: list[tuple[str, int]], hub: Any, cable_to: Callable[..., Any], until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the platform's gateway has ever subscribed, a broker acknowledges and throws away: the spool keeps it."""
    monkeypatch.setattr(forward, "REFUSED_SECONDS", 0.3)
    hub.home, hub.city_broker = mosquittos
    hub.cable = cable_to(hub.city_broker)
    hub.rules('[[rule]]\nkinds = ["sos"]\ntopic = "zigbee2mqtt/siren/set"\npayload = "{}"\nwhen = "always"\n')
    edge = hub.start()
    assert edge.routine.window == 20
    sensor, button, siren = hub.device("th"), hub.device("btn"), hub.listen("zigbee2mqtt/#")
    sensor.measure(100)
    button.press()
    until(lambda: siren == [("zigbee2mqtt/siren/set", {})], "the siren of the home")
    until(lambda: edge.routine.refused_until and edge.alarms.refused_until, "the city's broker has nobody for them")
    assert (edge.spool.lost().rows, len(edge.spool.next(0, 10, alarms=True))) == (100, 1)

    city = hub.city()
    until(lambda: button.answers, "the answer")
    until(lambda: len(city.payloads(f"cf/v1/{sensor.code}/reading")) == 100 and edge.spool.lost().rows == 0, "the readings")
    city.say(f"edge/{hub.name}/zigbee2mqtt/siren/set", {"warning": {"mode": "stop"}})
    until(lambda: len(siren) == 2, "what the city tells a siren of another family comes down as well")
    hub.stop()
    hub.start()
    time.sleep(0.3)
    assert len(siren) == 2
    assert not [one for one in city.came if one.topic.startswith("zigbee2mqtt") and one.at], "what is said to devices does not go up"


def test_over_mosquitto_a_hub_that_was_away_gets_what_its_devices_said_meanwhile(mosquittos: Any, hub: Any, cable_to: Callable[..., Any], until: Until) -> None:
    hub.home, hub.city_broker = mosquittos
    hub.cable = cable_to(hub.city_broker)
    city, sensor, button = hub.city(), hub.device("th"), hub.device("btn")
    hub.start()
    hub.stop()
    began = datetime.now().astimezone()
    sensor.measure(50, qos=0)  # as Zigbee2MQTT does
    button.press()
    sensor.say("plant/1/moisture", b"7")
    sensor.client.publish(f"plant/{hub.name}/moisture", b"8", qos=1, retain=True).wait_for_publish(5)
    hub.start()
    until(lambda: button.answers, "the answer")
    until(lambda: len(city.payloads(f"cf/v1/{sensor.code}/reading")) == 50, "the readings")
    assert all(one.at >= began - timedelta(seconds=1) for one in city.came if one.at)
    until(lambda: city.of(f"plant/{hub.name}/moisture"))
    assert [one.retained for one in city.of(f"plant/{hub.name}/moisture")] == [False], "said while it listened, so it is news"

    hub.name = f"other-{hub.name}"  # a hub that comes new to this broker
    hub.stop()
    other = hub.city()
    hub.more["spool_dir"] = hub.folder / "other"
    hub.start()
    until(lambda: other.of(f"plant/{hub.name.removeprefix('other-')}/moisture"), "what the broker had kept")
    assert [one.retained for one in other.of(f"plant/{hub.name.removeprefix('other-')}/moisture")] == [True]
