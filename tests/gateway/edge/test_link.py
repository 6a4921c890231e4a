"""The link to the city is cut, slow, or lies: nothing that a home says is lost, and an alarm goes first."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloudfamily_gateway.edge import alarms, forward

Until = Callable[..., None]


def test_the_link_is_cut_with_presses_in_flight_and_everything_arrives_in_order_with_its_own_time(hub: Any, until: Until) -> None:
    city, sensor, buttons = hub.city(), hub.device("th"), [hub.device(f"btn{number}") for number in range(3)]
    hub.start()
    began, pressed = datetime.now(UTC), []

    def cut_and_plug() -> None:
        for _ in range(4):
            time.sleep(0.15)
            hub.cable.cut()
            time.sleep(0.15)
            hub.cable.plugged = True

    trouble = threading.Thread(target=cut_and_plug)
    trouble.start()
    for _ in range(8):
        sensor.measure(50)
        pressed += [(button, button.press()) for button in buttons]
        time.sleep(0.1)
    trouble.join()

    until(lambda: len(city.payloads(f"cf/v1/{sensor.code}/reading")) == 400, "every reading")
    until(lambda: all(received(button) == set(range(1, 9)) for button in buttons), "every press is answered, at its button")
    arrived = datetime.now(UTC)
    times = [json.loads(payload)["t"] for payload in city.payloads(f"cf/v1/{sensor.code}/reading")]
    assert len(set(times)) == 400
    rounds = [times[start : start + 50] for start in range(0, 400, 50)]
    assert all(part == sorted(part) for part in rounds), "within each round as they were said"
    assert [min(part) for part in rounds] == sorted(min(part) for part in rounds)
    for button, said in pressed:
        came = [one for one in city.of(f"cf/v1/{button.code}/signal") if json.loads(one.payload) == said]
        assert came, said
        assert {one.at for one in came} == {came[0].at}, "the same time each time it is said"
        assert datetime.fromisoformat(said["t"]) <= came[0].at + timedelta(milliseconds=1) <= arrived
    for one in city.of(f"cf/v1/{sensor.code}/reading"):
        assert began <= one.at + timedelta(milliseconds=1) <= arrived
    until(lambda: hub.edge.spool.lost().rows == 0 and not hub.edge.spool.next(0, 10, alarms=True), "the spool is empty")


def test_what_was_under_way_when_the_link_died_is_said_again_in_its_place(hub: Any, until: Until) -> None:
    """Written to a socket, gone from there, and never come out at the other end."""
    city, sensor, button = hub.city(), hub.device("th"), hub.device("btn")
    edge = hub.start()
    sensor.measure(30)
    until(lambda: len(city.came) >= 30 and edge.spool.lost().rows == 0, "the link is alive")
    hub.cable.swallows = True
    button.press()
    sensor.measure(30)
    until(lambda: len([kept for kept in edge.routine.flying.values() if kept]) == 30 or edge.routine.held_back_at, "under way")
    edge.routine.ahead = None  # the press is under way as well, and nobody will ever take it
    until(lambda: len([kept for kept in edge.routine.flying.values() if kept]) == 30, "under way")
    assert [kept for kept in edge.alarms.flying.values() if kept]
    hub.cable.cut()
    sensor.measure(30)
    hub.cable.swallows, hub.cable.plugged = False, True
    until(lambda: received(button) == {1}, "the answer")
    until(lambda: len(city.payloads(f"cf/v1/{sensor.code}/reading")) == 90, "the readings")
    firsts = [json.loads(payload)["t"] for payload in city.payloads(f"cf/v1/{sensor.code}/reading")]
    assert [firsts[start : start + 30] for start in (0, 30, 60)] == [sorted(firsts[start : start + 30]) for start in (0, 30, 60)]
    assert firsts[0] < firsts[30] < firsts[60]


def test_a_press_overtakes_what_waits_and_keeps_its_time(hub: Any, until: Until) -> None:
    city, sensor, button = hub.city(), hub.device("th"), hub.device("btn")
    hub.cable.cut()
    hub.start(uplink=False)
    sensor.measure(2000)
    said = button.press()
    until(lambda: hub.edge.spool.lost().rows == 2000, "all of it is on disk")
    until(lambda: hub.edge.spool.next(0, 10, alarms=True))
    kept = datetime.now(UTC)
    assert city.came == []
    hub.cable.plugged = True
    until(lambda: received(button), "the answer")
    until(lambda: len(city.payloads(f"cf/v1/{sensor.code}/reading")) == 2000, "the readings")
    order = [one.topic for one in city.came]
    press = order.index(f"cf/v1/{button.code}/signal")
    assert order[:press].count(f"cf/v1/{sensor.code}/reading") == 0
    assert datetime.fromisoformat(said["t"]) <= city.came[press].at + timedelta(milliseconds=1) <= kept, "when it was pressed, not when it came"


def test_the_brokers_word_is_not_enough_for_a_press(hub: Any, until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    """The city's broker takes it and loses it, again and again; the edge keeps it until the platform answers."""
    monkeypatch.setattr(alarms, "REPEAT_SECONDS", 0.2)
    city, button, smoke = hub.city(answers=False), hub.device("btn"), hub.device("smk")
    edge = hub.start()
    said = button.press()
    until(lambda: len(city.of(f"cf/v1/{button.code}/signal")) >= 4, "it is said again")
    assert {one.payload for one in city.came if one.topic.endswith("/signal")} == {json.dumps(said, separators=(",", ":")).encode()}
    assert len(edge.spool.next(0, 10, alarms=True)) == 1
    city.answer(button.code, "received", said["seq"] + 1)
    city.answer(smoke.code, "received", said["seq"])
    city.answer(button.code, "help_is_coming", said["seq"])
    until(lambda: len(button.answers) == 2, "what the city says is handed down")
    assert len(edge.spool.next(0, 10, alarms=True)) == 1, "none of these was its answer"

    city.answer(button.code, "received", said["seq"])
    until(lambda: edge.spool.next(0, 10, alarms=True) == [], "it is answered")
    until(lambda: [answer["answer"] for answer in button.answers] == ["received", "help_is_coming", "received"])
    count = len(city.of(f"cf/v1/{button.code}/signal"))
    time.sleep(0.5)
    assert len(city.of(f"cf/v1/{button.code}/signal")) == count


def test_a_press_that_nobody_ever_answers_is_given_up_at_last(hub: Any, until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms, "REPEAT_SECONDS", 0.05)
    monkeypatch.setattr(alarms, "GIVE_UP_SECONDS", 0.3)
    city, button = hub.city(answers=False), hub.device("btn")
    edge = hub.start()
    button.press()
    until(lambda: city.came and edge.spool.next(0, 10, alarms=True), "it waits")
    until(lambda: edge.spool.next(0, 10, alarms=True) == [], "given up")


def test_a_button_that_repeats_for_hours_is_one_press(hub: Any, until: Until) -> None:
    city, button = hub.city(), hub.device("btn")
    hub.cable.cut()
    edge = hub.start(uplink=False)
    said = button.press()
    for _ in range(30):
        button.say(f"cf/v1/{button.code}/signal", said).wait_for_publish(5)
    button.press()
    until(lambda: len(edge.spool.next(0, 100, alarms=True)) == 2, "the other press")
    assert len(edge.spool.next(0, 100, alarms=True)) == 2
    hub.cable.plugged = True
    until(lambda: received(button) == {1, 2}, "both are answered")
    assert [json.loads(payload)["seq"] for payload in city.payloads(f"cf/v1/{button.code}/signal")] == [1, 2]


def test_what_the_city_says_while_the_hub_is_away_comes_down_later_in_order(hub: Any, until: Until) -> None:
    city, button, siren = hub.city(), hub.device("btn"), hub.listen(f"cf/v1/{hub.code('siren')}/command")
    hub.start()
    said = button.press()
    until(lambda: button.answers, "received")
    hub.cable.cut()
    until(lambda: not hub.edge.alarms.up, "the link is gone")
    for answer in ("help_is_coming", "on_the_way", "resolved"):
        city.answer(button.code, answer, said["seq"])
    city.say(f"edge/{hub.name}/cf/v1/{hub.code('siren')}/command", {"id": 7, "do": "siren", "params": {"seconds": 5}})
    hub.stop()
    hub.cable.plugged = True
    hub.start()
    until(lambda: siren, "the command")
    until(lambda: len(button.answers) == 4, "the answers")
    assert [answer["answer"] for answer in button.answers] == ["received", "help_is_coming", "on_the_way", "resolved"]
    assert siren == [(f"cf/v1/{hub.code('siren')}/command", {"id": 7, "do": "siren", "params": {"seconds": 5}})]
    assert not [one for one in city.came if one.topic.endswith(("/answer", "/command"))], "and it is not sent up again"


def test_what_came_down_and_did_not_reach_the_hubs_broker_comes_down_again(hub: Any, home_broker: Any, cable_to: Callable[..., Any], until: Until) -> None:
    """The city is told only once the hub's broker has it: an edge that dies in between takes no answer with it."""
    city, button, indoors = hub.city(), hub.device("btn"), cable_to(home_broker)
    hub.more |= {"mqtt_host": indoors.address[0], "mqtt_port": indoors.address[1]}
    edge = hub.start()
    button.press()
    until(lambda: button.answers, "received")
    indoors.cut()
    until(lambda: not edge.local.up)
    city.answer(button.code, "help_is_coming", 1)
    until(lambda: edge.local.outbox, "it came down to the edge")
    hub.stop()
    indoors.plugged = True
    hub.start()
    until(lambda: [answer["answer"] for answer in button.answers] == ["received", "help_is_coming"], "and again, to the button")


def test_the_hub_speaks_for_itself(hub: Any, until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms, "HEARTBEAT_SECONDS", 0.2)
    city = hub.city()
    hub.start()
    own = f"cf/v1/{hub.name}"
    until(lambda: len(city.of(f"{own}/reading")) >= 3, "a heartbeat")
    assert city.payloads(f"{own}/status") == [b"online"]
    assert [json.loads(payload) for payload in city.payloads(f"{own}/info")] == [{"kind": "hub", "report_minutes": 1, "mains": True}]
    assert {json.loads(payload)["values"]["link_quality"] for payload in city.payloads(f"{own}/reading")} == {100.0}

    hub.cable.cut()
    until(lambda: not hub.edge.alarms.up)
    time.sleep(0.5)
    count = len(city.of(f"{own}/reading"))
    hub.cable.plugged = True
    until(lambda: len(city.of(f"{own}/reading")) > count, "it is back")
    assert json.loads(city.of(f"{own}/reading")[count].payload)["values"]["link_quality"] < 50
    hub.stop()
    until(lambda: city.of(f"{own}/status")[-1].payload == b"offline", "it says goodbye")


def test_a_refused_message_comes_again_and_keeps_nobody_else(hub: Any, until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker of the tests refuses nothing, so its word is changed on the way."""
    monkeypatch.setattr(forward, "REFUSED_SECONDS", 0.1)
    city, sensor = hub.city(), hub.device("th")
    edge, refused = hub.start(), list[int]()
    usual = edge.routine.published

    def published(mid: int, reason: Any) -> None:
        if len(refused) < 3:
            refused.append(mid)
            reason = type(reason)(reason.packetType, identifier=135)  # not authorized
        usual(mid, reason)

    monkeypatch.setattr(edge.routine, "published", published)
    sensor.measure(10)
    until(lambda: len(city.of(f"cf/v1/{sensor.code}/reading")) >= 13, "three of them twice")
    until(lambda: edge.spool.lost().rows == 0, "all are taken in the end")
    assert len(city.payloads(f"cf/v1/{sensor.code}/reading")) == 10


def test_a_connection_that_breaks_while_something_is_said_is_seen_at_once(hub: Any, until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms, "REPEAT_SECONDS", 600.0)
    city, button = hub.city(), hub.device("btn")
    edge, broken = hub.start(), list[bool]()
    usual = edge.alarms.say

    def say(*arguments: Any) -> int:
        if not broken:
            broken.append(True)
            edge.alarms.client.socket().shutdown(socket.SHUT_RDWR)
        return int(usual(*arguments))

    monkeypatch.setattr(edge.alarms, "say", say)
    button.press()
    until(lambda: received(button) == {1}, "the answer")
    assert broken
    assert len(city.payloads(f"cf/v1/{button.code}/signal")) == 1


def received(button: Any) -> set[int]:
    """The numbers of its presses that the platform has answered."""
    return {answer["seq"] for answer in button.answers if answer["answer"] == "received"}
