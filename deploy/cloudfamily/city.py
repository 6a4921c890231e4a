"""The demo city: Wuzhou's three urban districts, with people who plainly do not exist: they are all surnamed 云 (cloud)."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from cloudfamily_platform.alerts import policies
from cloudfamily_platform.core import db
from cloudfamily_platform.people import person as people
from cloudfamily_platform.people import room, roster

SEED = 2026
HOMES_PER_DISTRICT = 20
#: What every home has, as code suffix and kind.
DEVICES = ("button", "motion_bedroom", "motion_kitchen", "motion_bathroom", "motion_living", "door", "temperature")
REPORT_MINUTES = 15
FIRST_CHAT = 1001
#: Day, evening and night go round among three people, who change every Monday.
THREE_SHIFTS = [{"from": "08:00", "to": "16:00"}, {"from": "16:00", "to": "00:00", "place": 1}, {"from": "00:00", "to": "08:00", "place": 2}]
MONDAY = date(2026, 1, 5)


@dataclass(frozen=True)
class Place:
    code: str
    letters: str
    name_zh: str
    name_en: str
    lat: float
    lon: float
    stations: tuple[tuple[str, str], tuple[str, str]]


PLACES = (
    Place("wanxiu", "WX", "万秀", "Wanxiu", 23.4729, 111.3205, (("骑楼站", "Arcade station"), ("河东站", "East Bank station"))),
    Place("changzhou", "CZ", "长洲", "Changzhou", 23.4857, 111.2745, (("新兴站", "Xinxing station"), ("三龙站", "Sanlong station"))),
    Place("longxu", "LX", "龙圩", "Longxu", 23.4097, 111.2461, (("龙城站", "Longcheng station"), ("广平站", "Guangping station"))),
)
GIVEN = """
桂花 茉莉 海棠 玉兰 秋菊 春梅 青松 翠竹 银杏 石榴 木棉 紫荆 丁香 白杨 红枫
金橘 水仙 芙蓉 杜鹃 月季 青柏 莲子 香樟 合欢 蔷薇 山茶 垂柳 苍松 雪梅 朝霞
""".split()  # noqa: SIM905
PINYIN = """
Guihua Moli Haitang Yulan Qiuju Chunmei Qingsong Cuizhu Yinxing Shiliu Mumian Zijing Dingxiang Baiyang Hongfeng
Jinju Shuixian Furong Dujuan Yueji Qingbai Lianzi Xiangzhang Hehuan Qiangwei Shancha Chuiliu Cangsong Xuemei Zhaoxia
""".split()  # noqa: SIM905
CONDITIONS = ("高血压", "糖尿病", "冠心病", "骨质疏松", "轻度认知障碍", "白内障", "帕金森病")
MEDICINES = {"高血压": "氨氯地平 5 mg 早", "糖尿病": "二甲双胍 0.5 g 早晚", "冠心病": "阿司匹林 100 mg 早", "骨质疏松": "钙片 600 mg 晚"}
DIALECTS = ["粤语（梧州话）", "普通话"]
HEARING = (None, None, None, "左耳听力差，请大声", "佩戴助听器")


@dataclass
class Seeder:
    """Writes the city; everything comes from one seed, so that every demo is the same city."""

    conn: db.Connection
    now: datetime
    dice: random.Random
    chat: int = FIRST_CHAT
    people: int = 0

    async def insert(self, table: str, **values: Any) -> int:
        """One row; returns its id (0 for a table without one)."""
        names, marks = ", ".join(values), ", ".join(f"%({name})s" for name in values)
        returning = " RETURNING id" if table in ("district", "station", "person", "home", "device") else ""
        cursor = await self.conn.execute(f"INSERT INTO {table} ({names}) VALUES ({marks}){returning}".encode(), values)
        return int((await db.one(cursor))["id"]) if returning else 0

    async def person(self, code: str, what: str, role: str | None, district_id: int | None, language: str = "zh-CN", chat: bool = True) -> int:
        number = self.people % len(GIVEN)
        self.people += 1
        name = f"Yun {PINYIN[number]}" if language == "en" else f"云{GIVEN[number]}"
        name = f"{name} ({what})" if language == "en" else f"{name}（{what}）"
        person_id = await self.insert(
            "person", code=code, name=name, language=language, phone=f"000-{self.people:04d}-0000", sex=self.dice.choice(["female", "male"])
        )
        if role:
            await self.insert("role", person_id=person_id, role=role, district_id=district_id)
        if chat:
            await self.insert("reach", person_id=person_id, channel="telegram", address=str(self.chat))
            self.chat += 1
        return person_id


async def seed(conn: db.Connection, now: datetime) -> bool:
    """Fills an empty database with the demo city; False when there are homes already."""
    async with conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock(hashtext('demo city'))")
        if (await db.one(await conn.execute("SELECT EXISTS (SELECT FROM home WHERE NOT canary) AS there")))["there"]:
            return False
        seeder = Seeder(conn, now, random.Random(SEED))
        await seeder.person("supervisor-1", "主管", "supervisor", None)
        await seeder.person("operator-city", "全市值班", "operator", None)
        for place in PLACES:
            await seed_place(seeder, place)
        await seed_rosters(seeder)
    return True


async def seed_place(seeder: Seeder, place: Place) -> None:
    district_id = await seeder.insert("district", code=place.code, name_zh=place.name_zh, name_en=place.name_en)
    stations = [
        await seeder.insert(
            "station",
            district_id=district_id,
            code=f"{place.letters}-S{number}",
            name_zh=zh,
            name_en=en,
            lat=near(seeder, place.lat),
            lon=near(seeder, place.lon),
        )
        for number, (zh, en) in enumerate(place.stations, 1)
    ]
    await seeder.person(f"operator-{place.code}", f"{place.name_zh}值班", "operator", district_id)
    homes = [await seed_home(seeder, place, district_id, stations[number % 2], number) for number in range(1, HOMES_PER_DISTRICT + 1)]
    for number in range(1, 5):
        # Paid caregivers start from their station, by car or e-bike, and hold the keys of the homes that they look after.
        skills = ["first_aid", "visit", "device", "lifting"][: 3 + number % 2]
        travels = {"mode": ("ebike", "car")[number % 2], "station_id": stations[number % 2]}
        caregiver = await seed_responder(seeder, place, district_id, "caregiver", "护理员", number, skills, languages=DIALECTS, **travels)
        for home_id in homes[number - 1 :: 8]:
            await seeder.insert("key_holder", home_id=home_id, person_id=caregiver)
    for number in range(1, 11):
        skills, mode = ["visit", "first_aid"][: 1 + number % 2], ("ebike", "walk", "bicycle")[number % 3]
        await seed_responder(seeder, place, district_id, "volunteer", "志愿者", number, skills, languages=DIALECTS[: 1 + number % 2], mode=mode)


async def seed_rosters(seeder: Seeder) -> None:
    """The city's desk is never empty; each district has three shifts, which go round among its three operators every week."""
    for place in PLACES:
        row = await db.one(await seeder.conn.execute("SELECT id FROM district WHERE code = %s", [place.code]))
        for number in (2, 3):
            await seeder.person(f"operator-{place.code}-{number}", f"{place.name_zh}值班", "operator", row["id"])
        await policies.set_neighbours(seeder.conn, place.code, [one.code for one in PLACES if one is not place])
    boss = await db.one(await seeder.conn.execute("SELECT id FROM person WHERE code = 'supervisor-1'"))
    supervisor = await people.load(seeder.conn, boss["id"])
    always = {"role": "operator", "timezone": "Asia/Shanghai", "starts_on": MONDAY, "handover_days": 7, "holidays": None, "on_holidays": None}
    desk = {"name": "全市值班台", "district": None, "people": ["operator-city"], "shifts": [{"from": "00:00", "to": "00:00"}]}
    await roster.set_rotation(seeder.conn, supervisor, {**always, **desk}, seeder.now)
    for place in PLACES:
        turns = {"name": "三班倒", "district": place.code, "people": [f"operator-{place.code}{more}" for more in ("", "-2", "-3")], "shifts": THREE_SHIFTS}
        await roster.set_rotation(seeder.conn, supervisor, {**always, **turns}, seeder.now)


async def seed_home(seeder: Seeder, place: Place, district_id: int, station_id: int, number: int) -> int:
    code, dice = f"{place.letters}-{number:03d}", seeder.dice
    home_id = await seeder.insert(
        "home",
        code=code,
        district_id=district_id,
        station_id=station_id,
        address=f"梧州市{place.name_zh}区示例路{number}号{dice.randint(1, 9)}栋{dice.randint(1, 6)}0{dice.randint(1, 4)}室",
        lat=near(seeder, place.lat),
        lon=near(seeder, place.lon),
        key_code=f"{dice.randint(0, 9999):04d}#",
        watched_from=seeder.now,
        due_at=seeder.now + timedelta(minutes=480),
    )
    elder = await seeder.person(f"elder-{code}", "老人", None, None, chat=False)
    born = date(dice.randint(1932, 1950), dice.randint(1, 12), dice.randint(1, 28))
    await seeder.conn.execute("UPDATE person SET birth_date = %s WHERE id = %s", [born, elder])
    conditions = dice.sample(CONDITIONS, dice.randint(0, 3))
    await seeder.insert(
        "resident",
        home_id=home_id,
        person_id=elder,
        conditions=conditions,
        medicines=[MEDICINES[name] for name in conditions if name in MEDICINES],
        languages=DIALECTS[: dice.randint(1, 2)],
        hearing=dice.choice(HEARING),
    )
    family = [("女儿", "daughter"), ("儿子", "son")][: 1 + number % 2]
    for rank, (relation, word) in enumerate(family, 1):
        language = "en" if number % 10 == 7 else "zh-CN"
        person_id = await seeder.person(f"{word}-{code}", word if language == "en" else relation, "family", None, language)
        await seeder.insert("contact", home_id=home_id, person_id=person_id, relation=relation, rank=rank)
    for device in DEVICES:
        await seeder.insert(
            "device",
            code=f"{code}-{device}",
            home_id=home_id,
            kind=device,
            room=room.infer(device),
            report_minutes=REPORT_MINUTES,
            watched_from=seeder.now,
            due_at=seeder.now + timedelta(minutes=2 * REPORT_MINUTES),
        )
    return home_id


async def seed_responder(seeder: Seeder, place: Place, district_id: int, role: str, what: str, number: int, skills: list[str], **more: Any) -> int:
    language = "en" if number == 2 else "zh-CN"
    person_id = await seeder.person(f"{role}-{place.letters}-{number:02d}", role if language == "en" else what, role, district_id, language)
    lat, lon = near(seeder, place.lat), near(seeder, place.lon)
    start = {} if "station_id" in more else {"lat": lat, "lon": lon}
    await seeder.insert("responder", person_id=person_id, reach_m=8000, skills=skills, **start, **more)
    return person_id


def near(seeder: Seeder, degrees: float) -> float:
    """Within about 2 km."""
    return round(degrees + seeder.dice.uniform(-0.018, 0.018), 5)


async def seed_canary(conn: db.Connection, now: datetime) -> None:
    """The canary: a home, its button, a volunteer and an operator, who never reach people nor figures. Idempotent."""
    async with conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock(hashtext('canary'))")
        if (await db.one(await conn.execute("SELECT EXISTS (SELECT FROM home WHERE canary) AS there")))["there"]:
            return
        seeder = Seeder(conn, now, random.Random(SEED))
        district_id = await seeder.insert("district", code="canary", name_zh="自检", name_en="Canary")
        home_id = await seeder.insert(
            "home", code="CANARY", district_id=district_id, address="自检 / canary", lat=23.47, lon=111.3, watched_from=now, canary=True
        )
        await seeder.insert("device", code="CANARY-button", home_id=home_id, kind="button", watched_from=now)
        for role in ("volunteer", "operator"):
            person_id = await seeder.insert("person", code=f"canary-{role}", name=f"canary {role}", language="en", canary=True)
            await seeder.insert("role", person_id=person_id, role=role, district_id=district_id)
            if role == "volunteer":
                await seeder.insert("responder", person_id=person_id, lat=23.47, lon=111.3, skills=["first_aid", "visit", "device"])


#: Whom a newcomer can be, in the order in which they are introduced: person code and what they are.
STORY = (
    ("operator-city", "operator"),
    ("supervisor-1", "supervisor"),
    ("daughter-WX-001", "family"),
    ("caregiver-WX-01", "caregiver"),
    ("volunteer-WX-01", "volunteer"),
)
