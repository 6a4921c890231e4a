"""Bought devices in a home: a restart raises nothing twice, and no press is lost, through the gateway's own store."""

from __future__ import annotations

import json
from typing import Any

from cloudfamily_gateway import ingest, wire
from cloudfamily_platform.alerts import watch
from cloudfamily_platform.core import texts

SOS, ACTION, LORA = "zigbee2mqtt/bath cord", "zigbee2mqtt/bath", "application/1/device/0101010101010101/event/up"


def frame(world: Any, topic: str, said: Any, retained: bool = False) -> wire.Frame:
    return wire.Frame(topic, json.dumps(said).encode(), world.now, None, retained)


def signals(world: Any) -> list[tuple[str, str]]:
    return [(row["device_code"], row["kind"]) for row in world.rows("SELECT device_code, kind FROM signal ORDER BY id")]


def presses(world: Any) -> int:
    world.drain(*watch.STAGES)
    return int(world.value("SELECT coalesce(sum(presses), 0) FROM alert WHERE kind = 'sos'"))


def test_a_bridge_that_restarts_says_sos_again_and_nobody_is_sent_twice(world: Any) -> None:
    state = {"sos": False, "battery_low": False, "tamper": False, "battery": 100, "linkquality": 90}
    world.store.store([frame(world, SOS, state)])
    world.wait(minutes=5)
    world.store.store([frame(world, SOS, state | {"sos": True})])
    for _ in range(5):  # battery reports, a restart of the bridge, one of ours; and kept by the broker
        world.wait(minutes=30)
        world.store.store([frame(world, SOS, state | {"sos": True, "battery": 99}), frame(world, SOS, state | {"sos": True}, retained=True)])
        world.store = ingest.Store(world.sync)
    (device,) = {code for code, _ in signals(world)}
    assert signals(world) == [(device, "sos")]
    world.wait(minutes=1)
    world.store.store([frame(world, SOS, state)])
    world.wait(minutes=1)
    world.store.store([frame(world, SOS, state | {"sos": True})])
    assert signals(world) == [(device, "sos")] * 2


def test_every_press_of_an_action_counts_and_its_echo_for_home_assistant_does_not(world: Any) -> None:
    for press in (1, 2):
        world.store.store([frame(world, ACTION, {"action": "emergency", "battery": 97}), wire.Frame(f"{ACTION}/action", b"emergency", world.now)])
        world.store.store([frame(world, ACTION, {"action": "", "battery": 97})])
        assert presses(world) == press
        world.wait(seconds=3)
    assert signals(world) == [("z2m.bath", "sos")] * 2


def test_an_alarm_of_a_device_that_nobody_has_bound_is_an_alert(world: Any) -> None:
    world.store.store([frame(world, "zigbee2mqtt/stray", {"smoke": True, "linkquality": 51}), frame(world, ACTION, {"action": "emergency"})])
    world.drain(*watch.STAGES)
    alerts = {(row["kind"], row["home_id"], row["device_code"]) for row in world.rows("SELECT kind, home_id, device_code FROM alert")}
    assert alerts == {("smoke", None, "z2m.stray"), ("sos", None, "z2m.bath")}
    assert {row["code"] for row in world.rows("SELECT code FROM device WHERE home_id IS NULL")} == {"z2m.stray", "z2m.bath"}


def test_an_uplink_that_comes_twice_is_one_press(world: Any) -> None:
    said = {"deduplicationId": "3ac7e3c4", "time": world.now.isoformat(), "deviceInfo": {"deviceName": "Cord"}, "object": {"sos": True, "battery": 88}}
    world.store.store([frame(world, LORA, said), frame(world, LORA, said)])
    world.wait(seconds=20)
    world.store.store([frame(world, LORA, said)])
    assert (signals(world), presses(world)) == ([("lora.0101010101010101", "sos")], 1)
    world.store.store([frame(world, LORA, said | {"deduplicationId": "4bd8f4d5"})])
    assert presses(world) == 2


def test_what_a_bridge_announces_is_on_the_books_and_stays_when_less_is_said(world: Any) -> None:
    exposes = [{"name": "water_leak", "property": "water_leak", "type": "binary"}]
    listed = [
        {"type": "Coordinator", "friendly_name": "Coordinator"},
        {"type": "EndDevice", "friendly_name": "leak", "power_source": "Battery", "definition": {"vendor": "Tuya", "model": "TS0207", "exposes": exposes}},
    ]
    world.store.store([frame(world, "zigbee2mqtt/bridge/devices", listed, retained=True)])
    less = {"state_topic": "zigbee2mqtt/leak", "device_class": "battery", "device": {"identifiers": ["zigbee2mqtt_0x1"], "name": "leak"}}
    world.store.store([frame(world, "homeassistant/sensor/0x1/battery/config", less, retained=True), frame(world, "zigbee2mqtt/leak", {"water_leak": False})])
    books = world.rows(
        "SELECT v.code, v.family, v.kind, v.vendor, v.model, v.name, v.mains, v.address, h.code AS hub"
        " FROM device v LEFT JOIN device h ON h.id = v.hub_id WHERE v.family = 'zigbee2mqtt' ORDER BY v.code"
    )
    assert [(row["code"], row["kind"], row["hub"]) for row in books] == [("z2m.bridge", "hub", None), ("z2m.leak", "water", "z2m.bridge")]
    assert (books[1]["vendor"], books[1]["model"], books[1]["mains"], books[1]["address"]) == ("Tuya", "TS0207", False, "zigbee2mqtt/leak")
    assert world.value("SELECT count(*) FROM quarantine") == 0


def test_a_device_that_only_says_that_its_battery_is_low(world: Any) -> None:
    world.store.store([frame(world, "zigbee2mqtt/door", {"contact": True, "battery_low": True, "linkquality": 51})])
    world.drain(*watch.STAGES)
    (row,) = world.rows("SELECT kind, why FROM alert")
    assert row["kind"] == "battery_low"
    for language, sentence in (("en", "Device z2m.door says that its battery is low"), ("zh-CN", "设备 z2m.door 报告电量低")):
        assert texts.say(language, row["why"]["key"], **row["why"]["params"]) == sentence


def test_names_that_no_database_keeps_hold_up_nothing(world: Any) -> None:
    """Half a character, or a zero byte: one bad name of one hub must not stop the lane for everybody."""
    odd = (r"\ud800", r"a\u0000b", "x" * 5000)
    frames = [wire.Frame("zigbee2mqtt/good", b'{"contact":true}', world.now)]
    for name in odd:
        listed = f'[{{"type":"EndDevice","friendly_name":"{name}"}},{{"type":"EndDevice","friendly_name":"ok","definition":{{"vendor":"{name}"}}}}]'
        frames += [
            wire.Frame("zigbee2mqtt/bridge/devices", listed.encode(), world.now),
            wire.Frame("homeassistant/sensor/a/config", f'{{"stat_t":"zigbee2mqtt/{name}","dev":{{"ids":"{name}","name":"{name}"}}}}'.encode(), world.now),
            wire.Frame("tasmota/discovery/AA/config", f'{{"t":"{name}","dn":"{name}"}}'.encode(), world.now),
            wire.Frame("tele/zb/SENSOR", f'{{"ZbReceived":{{"{name}":{{"Temperature":21}}}}}}'.encode(), world.now),
            wire.Frame("zigbee2mqtt/sos", f'{{"action":"single {name}"}}'.encode(), world.now),
            wire.Frame("application/1/device/01/event/up", f'{{"deduplicationId":"{name}","object":{{"sos":true}}}}'.encode(), world.now),
            wire.Frame("cf/v1/hub/senml", f'[{{"n":"{name}/temperature","v":21}}]'.encode(), world.now),
        ]
        world.wait(seconds=2)
    world.store.store(frames)
    assert world.value("SELECT count(*) FROM reading r JOIN device v ON v.id = r.device_id WHERE v.code = 'z2m.good'") == 1
    assert world.value("SELECT count(*) FROM signal WHERE device_code = 'z2m.sos'") >= 1
