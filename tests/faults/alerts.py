"""make faults, the alerts' part: hundreds of alerts in flight, three alert workers, and 200 faults: workers, gateway, chat server, broker
and database are killed (-9), paused and cut off at random, while people accept, go, arrive, give up and close.

In the end every press must be counted by one alert, every alert be closed once, every message that should reach a person have reached
them at least once, every visit be made once, and every timeline hold. Last line: one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import kills
import psutil
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from cloudfamily import check, composition
from cloudfamily.embedded import ports
from cloudfamily_platform.alerts import respond
from cloudfamily_platform.core import db, errors, logs
from cloudfamily_platform.people import person as people
from cloudfamily_sim.cable import Cable
from cloudfamily_sim.crowd import Crowd
from cloudfamily_sim.drive import Drive

SEED = 2026
FAULTS = int(os.environ.get("CF_FAULTS", "200"))
WORKERS = 3
HOMES = 300
PRESSES_PER_MINUTE = 120.0
READINGS_PER_S = 30.0
PAUSE_SECONDS = (0.2, 1.5)
FAULT_SECONDS = (0.5, 6.0)
PATIENCE_SECONDS = 240.0
HELPERS = 40
#: A night in fast motion: what takes minutes in a city takes seconds here.
PLAN = {
    "steps": [{"after_s": 0, "tell": ["family:1"], "offer": 2}, {"after_s": 5, "tell": ["family", "operators"], "offer": 2}],
    "repeat_s": 30, "repeats": 100, "offer_s": 10, "accepted_s": 20, "on_the_way_s": 20, "there_s": 60,
}  # fmt: skip


class Plant(kills.Parts):
    """Database, broker, gateway, alert workers and a chat server, with a cable to each worker that can be cut."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        super().__init__(folder)
        self.rng, self.stack = rng, ExitStack()
        self.chat_port, self.journal = ports.any_free(), folder / "journal"
        self.environment |= {
            "CF_TELEGRAM_TOKEN": "1:faults",
            "CF_TELEGRAM_API": f"http://127.0.0.1:{self.chat_port}",
            "CF_POLL_SECONDS": "0.5",
        }
        self.database_address = ("127.0.0.1", int(psycopg.conninfo.conninfo_to_dict(self.url)["port"]))  # type: ignore[arg-type]
        self.cables = [self.cable(self.database_address) for _ in range(WORKERS)]
        self.gateway_cable = self.cable(self.address)
        self.paused: list[psutil.Process] = []

    def cable(self, server: tuple[str, int]) -> Cable:
        made = Cable(server)
        self.stack.callback(made.close)
        return made

    def run_with(self, *roles: str, **settings: str) -> subprocess.Popen[bytes]:
        environment = {**self.environment, **settings}
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen([sys.executable, "-m", "cloudfamily", "run", *roles], env=environment, stdout=log, stderr=log)

    def worker(self, number: int) -> subprocess.Popen[bytes]:
        url = psycopg.conninfo.make_conninfo(self.url, host="127.0.0.1", port=self.cables[number].address[1])
        return self.run_with("alerts", "timebank", CF_DATABASE_URL=url)

    def run_gateway(self) -> subprocess.Popen[bytes]:
        return self.run_with("gateway", CF_MQTT_PORT=str(self.gateway_cable.address[1]))

    def run_chat(self) -> subprocess.Popen[bytes]:
        script = Path(__file__).with_name("chat_server.py")
        return subprocess.Popen([sys.executable, str(script), str(self.chat_port), str(self.journal), str(self.rng.random())])

    def start(self) -> None:
        self.gateway, self.chat = self.run_gateway(), self.run_chat()
        self.workers = [self.worker(number) for number in range(WORKERS)]

    def revive(self) -> None:
        """Whatever has died starts again, as a supervisor would see to."""
        if self.gateway.poll() is not None:
            self.gateway = self.run_gateway()
        if self.chat.poll() is not None:
            self.chat = self.run_chat()
        self.workers = [self.worker(number) if one.poll() is not None else one for number, one in enumerate(self.workers)]

    # The faults. Each returns what mends it, to be called after a while.

    def kill_worker(self) -> Callable[[], None]:
        return self.killed(self.rng.choice(self.workers))

    def kill_gateway(self) -> Callable[[], None]:
        return self.killed(self.gateway)

    def kill_chat(self) -> Callable[[], None]:
        return self.killed(self.chat)

    def killed(self, one: subprocess.Popen[bytes]) -> Callable[[], None]:
        one.kill()
        one.wait()
        return self.revive

    def kill_database(self) -> Callable[[], None]:
        return self.part_killed(self.database)

    def kill_broker(self) -> Callable[[], None]:
        return self.part_killed(self.broker)

    def part_killed(self, part: Any) -> Callable[[], None]:
        with suppress(ProcessLookupError):
            os.kill(part._server.pid, signal.SIGKILL)
        part.stop()
        self.again(part)
        return self.revive

    def pause_worker(self) -> Callable[[], None]:
        return self.pause(self.rng.choice(self.workers).pid)

    def pause_chat(self) -> Callable[[], None]:
        return self.pause(self.chat.pid)

    def pause_database(self) -> Callable[[], None]:
        assert self.database._server is not None
        return self.pause(self.database._server.pid)

    def pause(self, pid: int) -> Callable[[], None]:
        """It and its children stand still, as on a machine that swaps; or it is dead at the moment."""
        try:
            one = psutil.Process(pid)
            family = [one, *one.children(recursive=True)]
        except psutil.NoSuchProcess:
            return self.revive

        def all_of_them(number: signal.Signals) -> None:
            for process in family:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(number)

        all_of_them(signal.SIGSTOP)
        return lambda: all_of_them(signal.SIGCONT)

    def cut_worker(self) -> Callable[[], None]:
        return self.cut(self.rng.choice(self.cables))

    def cut_gateway(self) -> Callable[[], None]:
        return self.cut(self.gateway_cable)

    def cut(self, cable: Cable) -> Callable[[], None]:
        cable.cut()

        def mend() -> None:
            cable.plugged = True

        return mend

    def swallow_worker(self) -> Callable[[], None]:
        """The worker's connections to the database look alive and are not."""
        cable = self.rng.choice(self.cables)
        cable.swallows = True

        def mend() -> None:
            cable.cut()
            cable.swallows, cable.plugged = False, True

        return mend

    def stop(self) -> None:
        running = [self.gateway, self.chat, *self.workers]
        for process in running:
            process.terminate()
        for process in running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
        self.broker.stop()
        self.database.stop()
        self.stack.close()


#: How often each fault, beside the others.
WEIGHTS = {
    Plant.kill_worker: 5, Plant.pause_worker: 4, Plant.cut_worker: 4, Plant.swallow_worker: 3, Plant.kill_chat: 3, Plant.pause_chat: 2,
    Plant.kill_database: 1, Plant.pause_database: 2, Plant.kill_broker: 1, Plant.kill_gateway: 1, Plant.cut_gateway: 1,
}  # fmt: skip


def settle_people(url: str) -> None:
    """A family of two for each home, people who can be sent, two operators; and a policy in fast motion."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("UPDATE policy SET active = false")
        for severity in ("critical", "high", "low"):
            conn.execute("INSERT INTO policy (code, version, severity, plan) VALUES (%s, 2, %s, %s)", [severity, severity, Jsonb(PLAN)])
        conn.execute("INSERT INTO person (code, name) SELECT 'family-' || h.id || '-' || n, '家人' || h.id FROM home h, generate_series(1, 2) n")
        conn.execute(
            "INSERT INTO contact (home_id, person_id, relation, rank) SELECT h.id, p.id, '女儿', n FROM home h, generate_series(1, 2) n"
            " JOIN person p ON true WHERE p.code = 'family-' || h.id || '-' || n"
        )
        conn.execute("INSERT INTO person (code, name) SELECT 'helper-' || n, '志愿者' || n FROM generate_series(1, %s) n", [HELPERS])
        conn.execute("INSERT INTO role (person_id, role, district_id) SELECT id, 'volunteer', 1 FROM person WHERE code LIKE 'helper-%'")
        conn.execute(
            "INSERT INTO responder (person_id, lat, lon, reach_m, skills)"
            " SELECT id, 23.47, 111.3, 50000, ARRAY['first_aid', 'visit', 'device'] FROM person WHERE code LIKE 'helper-%'"
        )
        conn.execute("INSERT INTO person (code, name) SELECT 'operator-' || n, '值班' || n FROM generate_series(1, 2) n")
        conn.execute("INSERT INTO role (person_id, role) SELECT id, 'operator' FROM person WHERE code LIKE 'operator-%'")
        conn.execute("INSERT INTO reach (person_id, channel, address) SELECT id, 'telegram', (100000 + id)::text FROM person")


class People:
    """Those who answer. They act through the product's own `respond`, on a connection that no fault touches but the database's own."""

    def __init__(self, url: str, rng: random.Random) -> None:
        self.url, self.rng = url, rng
        self.done: Counter[str] = Counter()
        self.both: list[int] = []

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                async with await db.connect(self.url) as conn, await db.connect(self.url) as other:
                    while not stop.is_set():
                        await self.round(conn, other)
                        await asyncio.sleep(0.3)
            except (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError):
                await asyncio.sleep(0.5)

    async def round(self, conn: db.Connection, other: db.Connection) -> None:
        rows = await (await conn.execute("SELECT id, state, handler_id, home_id FROM alert WHERE state <> 'resolved' ORDER BY random() LIMIT 20")).fetchall()
        for row in rows:
            with suppress(errors.Refusal):
                await self.act(conn, other, row)

    async def act(self, conn: db.Connection, other: db.Connection, row: dict[str, Any]) -> None:
        now, chance = datetime.now(UTC), self.rng.random()
        if row["home_id"] is None:  # the platform has missed a part of itself
            operator = await db.one(await conn.execute("SELECT id FROM person WHERE code = 'operator-1'"))
            await respond.resolve(conn, row["id"], await people.load(conn, operator["id"]), "real", "", now)
            self.done["about_ourselves"] += 1
        elif row["state"] == "open":
            offered = await (await conn.execute("SELECT person_id FROM offer WHERE alert_id = %s AND state = 'offered' ORDER BY id", [row["id"]])).fetchall()
            asked = [await people.load(conn, one["person_id"]) for one in offered]
            if len(asked) >= 2 and chance < 0.3:
                await self.race(conn, other, row["id"], asked[:2])
            elif asked and chance < 0.7:
                await respond.accept(conn, row["id"], asked[0], now)
                self.done["accepted"] += 1
            elif asked and chance < 0.85:
                await respond.decline(conn, row["id"], asked[0], now)
                self.done["declined"] += 1
        elif chance >= 0.1:  # else who has it sits still, and may lose it
            await self.go_on(conn, row, chance, now)

    async def go_on(self, conn: db.Connection, row: dict[str, Any], chance: float, now: datetime) -> None:
        handler = await people.load(conn, row["handler_id"])
        if row["state"] == "accepted":
            await respond.move(conn, row["id"], handler, "on_the_way", now)
        elif row["state"] == "on_the_way":
            await respond.move(conn, row["id"], handler, "there", now)
        elif row["state"] == "there" and chance < 0.6:
            await respond.move(conn, row["id"], handler, "inside", now)
        else:
            await respond.resolve(conn, row["id"], handler, "real", "", now)
            self.done["resolved"] += 1

    async def race(self, conn: db.Connection, other: db.Connection, alert_id: int, two: list[people.Person]) -> None:
        """Two accept at the same moment: at most one has it."""
        now = datetime.now(UTC)
        results = await asyncio.gather(*(respond.accept(one, alert_id, who, now) for one, who in zip((conn, other), two, strict=True)), return_exceptions=True)
        won = [one for one in results if isinstance(one, dict)]
        self.done["raced"] += 1
        if len(won) > 1:
            self.both.append(alert_id)
        for one in results:
            if isinstance(one, BaseException) and not isinstance(one, errors.Refusal):
                raise one


async def storm(plant: Plant, crowd: Crowd, rng: random.Random, answering: People) -> tuple[list[tuple[str, int]], Counter[str]]:
    """What was pressed, and which faults there were."""
    drive, stop = Drive(crowd, rate=READINGS_PER_S, presses_per_minute=PRESSES_PER_MINUTE), asyncio.Event()
    running = asyncio.create_task(drive.run(*plant.address, stop=stop))
    await asyncio.sleep(0)
    drive.calls = recorded = kills.Recorded(crowd, PRESSES_PER_MINUTE, datetime.now(UTC))
    recorded.pressed = []
    folk = asyncio.create_task(answering.run(stop))
    await asyncio.sleep(8)  # the workers have started
    faults: Counter[str] = Counter()
    mending: list[asyncio.Task[None]] = []

    async def mend_later(mend: Callable[[], None]) -> None:
        await asyncio.sleep(rng.uniform(*FAULT_SECONDS))
        await asyncio.to_thread(mend)

    for number in range(FAULTS):
        fault = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        mend = await asyncio.to_thread(fault, plant)
        faults[fault.__name__] += 1
        mending.append(asyncio.create_task(mend_later(mend)))
        print(f"fault {number + 1:3}: {fault.__name__:<15} {len(recorded.pressed):4} presses, {answering.done['resolved']:4} resolved", flush=True)
        await asyncio.sleep(rng.uniform(*PAUSE_SECONDS))
    await asyncio.gather(*mending)
    await asyncio.to_thread(plant.revive)
    recorded.pause = timedelta(days=1)  # nobody presses any more
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and (recorded.calling or await asyncio.to_thread(unsettled, plant.url)):
        await asyncio.sleep(1)
    stop.set()
    await running
    await folk
    return recorded.pressed, faults


UNSETTLED = """
SELECT (SELECT count(*) FROM signal WHERE due_at IS NOT NULL) + (SELECT count(*) FROM alert WHERE state <> 'resolved')
     + (SELECT count(*) FROM notification WHERE due_at IS NOT NULL) + (SELECT count(*) FROM response WHERE due_at IS NOT NULL) AS left
"""


def unsettled(url: str) -> bool:
    with suppress(psycopg.OperationalError), psycopg.connect(url) as conn:
        row = conn.execute(UNSETTLED).fetchone()
        return row is None or row[0] > 0
    return True


def judge(plant: Plant, pressed: list[tuple[str, int]], answering: People) -> dict[str, Any]:
    """What was pressed and done, against what is there and what the chat server has taken."""
    taken = [json.loads(line) for line in plant.journal.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
    handed: Counter[str] = Counter(one["chat_id"] for one in taken if one["method"] in ("sendmessage", "editmessagetext"))
    whole, found_in_timeline = asyncio.run(check.timeline(plant.url, None, None, as_json=True))
    with psycopg.connect(plant.url, autocommit=True, row_factory=dict_row) as conn:

        def rows(query: str) -> list[dict[str, Any]]:
            return conn.execute(query.encode()).fetchall()

        def value(query: str) -> int:
            return int(next(iter(rows(query)[0].values())))

        found = {(str(row["device_code"]), int(row["seq"])) for row in rows("SELECT device_code, seq FROM signal WHERE kind = 'sos' AND seq IS NOT NULL")}
        notified = rows(
            "SELECT n.person_id, x.address, count(*) FILTER (WHERE n.state = 'sent') AS sent, count(*) FILTER (WHERE n.state <> 'sent') AS other"
            " FROM notification n JOIN reach x USING (person_id) GROUP BY 1, 2"
        )
        told = rows("SELECT x.address, count(*) AS times FROM alert_event e JOIN reach x ON x.person_id = e.actor_id WHERE e.kind = 'told' GROUP BY 1")
        return {
            "presses": len(pressed),
            "counted": value("SELECT coalesce(sum(presses), 0) FROM alert WHERE kind = 'sos'"),
            "lost": len(set(pressed) - found),
            "alerts": value("SELECT count(*) FROM alert"),
            "open": value("SELECT count(*) FROM alert WHERE state <> 'resolved'"),
            "closed_not_once": value(
                "SELECT count(*) FROM alert a WHERE (SELECT count(*) FROM alert_event e WHERE e.alert_id = a.id AND e.kind = 'resolved') <> 1"
            ),
            "two_had_it": len(answering.both)
            + value("SELECT count(*) FROM (SELECT FROM response WHERE ended = 'resolved' GROUP BY alert_id HAVING count(*) > 1) AS twice"),
            "visits_missing": value(
                "SELECT count(*) FROM response WHERE ended = 'resolved' AND there_at IS NOT NULL AND id NOT IN (SELECT response_id FROM visit)"
            ),
            "messages": sum(row["sent"] for row in notified),
            "not_sent": sum(row["other"] for row in notified),
            "told": sum(row["times"] for row in told),
            "not_reached": sum(max(0, row["times"] - handed[row["address"]]) for row in told),
            "handed_over": sum(handed.values()),
            "timelines_broken": 0 if whole else found_in_timeline,
            "reopened": value("SELECT count(*) FROM alert_event WHERE kind = 'reopened'"),
        }


def main() -> None:
    logs.configure("error", "console")
    composition.speak()
    crowd, rng = Crowd(HOMES, seed=SEED), random.Random(SEED)
    with tempfile.TemporaryDirectory(prefix="cf-faults-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        plant = Plant(folder, rng)
        stack.callback(plant.stop)
        plant.settle(crowd)
        settle_people(plant.url)
        plant.start()
        answering = People(plant.url, random.Random(SEED + 1))
        pressed, faults = asyncio.run(storm(plant, crowd, rng, answering))
        found = judge(plant, pressed, answering)
        found |= {"done": dict(answering.done), "faults": sum(faults.values()), "by_fault": dict(faults)}
    print(json.dumps(found))
    wrong = [key for key in ("lost", "open", "closed_not_once", "two_had_it", "visits_missing", "not_sent", "not_reached", "timelines_broken") if found[key]]
    if found["counted"] != found["presses"]:
        wrong.append("counted")
    if wrong:
        raise SystemExit(f"wrong: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
