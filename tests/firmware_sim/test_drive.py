"""A crowd on a real broker, which comes and goes; and the command that starts one."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from cloudfamily import simulate
from cloudfamily.embedded.errors import StartError
from cloudfamily.parts import Parts
from cloudfamily_platform.core.settings import Settings
from cloudfamily_sim import scenario
from cloudfamily_sim.crowd import Crowd
from cloudfamily_sim.drive import Drive
from cloudfamily_sim.pipe import Pipe

Broker = tuple[str, int]
Until = Callable[..., Awaitable[None]]


async def ear(broker: Broker, topic: str, heard: list[tuple[str, bytes]]) -> Pipe:
    pipe = Pipe(f"ear-{uuid.uuid4().hex[:8]}", on_message=lambda *message: heard.append(message))
    await pipe.connect(*broker)
    await pipe.subscribe(topic)
    return pipe


def test_all_that_is_due_arrives_once_and_presses_are_answered(any_broker: Broker, until: Until) -> None:
    async def story() -> None:
        readings: list[tuple[str, bytes]] = []
        listener = await ear(any_broker, "cf/v1/+/reading", readings)
        answering = Pipe(f"platform-{uuid.uuid4().hex[:8]}", on_message=lambda topic, payload: answer(topic, payload))

        def answer(topic: str, payload: bytes) -> None:
            said = json.dumps({"seq": json.loads(payload)["seq"], "answer": "received"}).encode()
            answering.publish(topic.replace("/signal", "/answer"), said)

        await answering.connect(*any_broker)
        await answering.subscribe("cf/v1/+/signal")
        drive, stop = Drive(Crowd(300, seed=5), rate=2000, presses_per_minute=1200), asyncio.Event()
        running = asyncio.create_task(drive.run(*any_broker, stop=stop))
        await until(lambda: drive.calls and drive.calls.received >= 5 and drive.messages >= 1000)
        stop.set()
        await running
        counters = drive.counters()
        assert counters["acknowledged"] == counters["messages"] == counters["words"]
        assert counters["received_p50_ms"] < 1000
        await until(lambda: len(readings) >= counters["messages"])
        assert len({*readings}) == len(readings) == counters["messages"]
        await listener.close()
        await answering.close()

    asyncio.run(story())


def test_a_broken_way_costs_nothing_but_time(broker: Broker, until: Until) -> None:
    async def story() -> None:
        heard: list[tuple[str, bytes]] = []
        listener = await ear(broker, "cf/v1/+/reading", heard)
        drive, stop = Drive(Crowd(50, seed=6), rate=1000), asyncio.Event()
        running = asyncio.create_task(drive.run(*broker, stop=stop))
        await until(lambda: len(heard) > 200)
        for lane in drive.lanes:
            assert lane.pipe
            lane.pipe.abort()
        await until(lambda: sum(lane.connections for lane in drive.lanes) >= 8)
        await until(lambda: drive.stream and drive.stream.due(datetime.now(UTC)) < 50)
        stop.set()
        await running
        await until(lambda: len({*heard}) >= drive.messages)
        assert len({*heard}) == drive.messages
        await listener.close()

    asyncio.run(story())


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "cloudfamily", "simulate", *words]


def test_the_command_says_its_counters_and_stops_cleanly_at_ctrl_c(broker: Broker, until: Until, tmp_path: Any) -> None:
    async def story() -> None:
        heard: list[tuple[str, bytes]] = []
        listener = await ear(broker, "cf/v1/+/reading", heard)
        environment = {**os.environ, "CF_DATA_DIR": str(tmp_path)}
        words = ("--homes", "100000", "--rate", "500", "--faults", "drop=0.1", "--broker", f"{broker[0]}:{broker[1]}")
        child = await asyncio.create_subprocess_exec(*command(*words), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            await until(lambda: len(heard) > 100, 30)
        finally:
            child.send_signal(signal.SIGINT)
            out, err = await asyncio.wait_for(child.communicate(), 10)
        assert (child.returncode, err) == (0, b"")
        counters = json.loads(out.splitlines()[-1])
        assert counters["devices"] == 500_000
        assert counters["messages"] == counters["acknowledged"] == counters["words"] - counters["faults"]["drop"] > 100
        await listener.close()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--broker", "127.0.0.1:1"), "No broker answers at 127.0.0.1:1"),
        (("--broker", "nowhere:x"), "--broker 'nowhere:x'"),
        (("--broker", "127.0.0.1:1", "--homes", "0"), "a crowd has 1 to"),
        (("--broker", "127.0.0.1:1", "--faults", "drp=1"), "there is no fault 'drp': the faults are drop,"),
        (("--broker", "127.0.0.1:1", "--scenario", "fall"), "the stories at hand are fall-at-night"),
        (("--broker", "127.0.0.1:1", "--rate", "-1"), "a rate of -1"),
        ((), "Nothing runs on the data folder"),
    ],
)
def test_what_a_user_can_mend_is_one_sentence(words: tuple[str, ...], sentence: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from cloudfamily import cli

    monkeypatch.setenv("CF_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("CF_DATABASE_URL", raising=False)
    monkeypatch.setattr(sys, "argv", ["cloudfamily", "simulate", *words])
    said: list[str] = []
    monkeypatch.setattr(cli, "fail", said.append)
    cli.main()
    assert len(said) == 1
    assert sentence in said[0]
    assert "\n" not in said[0]


def test_a_story_takes_homes_of_the_running_system_that_have_what_it_needs(world: Any, broker: Broker) -> None:
    story = scenario.read("title: x\nbegins: 03:10\nsteps:\n - {at: 03:12, do: call, device: button}\n")
    there = Parts(world.url, *broker, "http://127.0.0.1:1")
    with pytest.raises(StartError, match="1 homes with button; the running system has 0"):
        asyncio.run(simulate.story_homes(story, there))
    world.home("WX-002")
    (home,) = asyncio.run(simulate.story_homes(story, there))
    assert home.code == "WX-002"
    assert ("WX-002-button", "button") in [(device.code, device.kind) for device in home.devices]


def test_a_story_is_told_on_a_broker_and_counted(broker: Broker, until: Until, tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "Quick.yaml"
    path.write_text("title: Quick\nbegins: 03:12\nsteps:\n - {at: 03:12, do: call, device: button, kind: fall}\n")
    wanted = simulate.Wanted(None, None, 0, 1.2, 0.0, "", 4, str(path), False)
    simulate.simulate(Settings(), f"{broker[0]}:{broker[1]}", wanted)
    head, step, counters = capsys.readouterr().out.splitlines()
    assert head == "Quick: sim-000000"
    assert step == "03:12:00 home 1: button, call fall"
    assert json.loads(counters)["story"]["signals"] == 1
