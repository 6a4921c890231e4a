"""Credentials from the operator's side and the device's: a code works once, only hashes are kept, districts are respected."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cloudfamily_platform.core import db, errors
from cloudfamily_platform.people import credential
from cloudfamily_platform.web import access


def fits(secret: str, stored: str) -> bool:
    """As a broker checks it."""
    _, form, rounds, salt, key = stored.split("$")
    assert form == "7"
    return hashlib.pbkdf2_hmac("sha512", secret.encode(), base64.b64decode(salt), int(rounds)) == base64.b64decode(key)


def test_a_code_from_a_sticker_makes_a_secret_once(world: Any) -> None:
    code, expires_at = world.run(credential.make_enrolment(world.conn, "WX-001-button", world.now))
    assert [len(part) for part in code.split("-")] == [4, 4, 4]
    assert set(code) <= set(credential.LETTERS + "-")
    name, secret = world.run(credential.enrol(world.conn, code, world.now))
    assert name == "WX-001-button"
    assert fits(secret, world.value("SELECT hash FROM credential WHERE username = %s", name))
    kept = str(world.rows("SELECT * FROM credential")) + str(world.rows("SELECT * FROM enrolment"))
    assert secret not in kept
    assert code.replace("-", "") not in kept.replace("-", "")
    for late in (world.now, expires_at):
        with pytest.raises(credential.NoSuchCode):
            world.run(credential.enrol(world.conn, code, late))
    assert fits(secret, world.value("SELECT hash FROM credential WHERE username = %s", name))


def test_of_two_who_use_a_code_at_the_same_moment_one_gets_a_secret(world: Any) -> None:
    async def one(code: str) -> str | None:
        async with await db.connect(world.url) as conn:
            try:
                return (await credential.enrol(conn, code, world.now))[1]
            except credential.NoSuchCode:
                return None

    async def race(code: str) -> list[str | None]:
        return await asyncio.gather(*(one(code) for _ in range(5)))

    for device in ("dev-1", "dev-2", "dev-3"):
        code, _ = world.run(credential.make_enrolment(world.conn, device, world.now))
        (secret,) = [found for found in world.run(race(code)) if found]
        assert fits(secret, world.value("SELECT hash FROM credential WHERE username = %s", device))


def test_a_code_is_read_however_it_is_typed_and_dies_of_age_and_of_its_successor(world: Any) -> None:
    letters = "01AB-10CD-EFGH"
    assert credential.code_digest("oiab 1ocd efgh") == credential.code_digest(letters) == credential.code_digest("0LABL0CDEFGH")
    first, _ = world.run(credential.make_enrolment(world.conn, "dev-1", world.now))
    second, expires_at = world.run(credential.make_enrolment(world.conn, "dev-1", world.now))
    for code, now in ((first, world.now), (second, expires_at)):
        with pytest.raises(credential.NoSuchCode):
            world.run(credential.enrol(world.conn, code, now))
    assert world.run(credential.enrol(world.conn, second.lower(), expires_at - timedelta(seconds=1)))[0] == "dev-1"
    third, _ = world.run(credential.make_enrolment(world.conn, "dev-1", world.now))
    world.run(credential.revoke(world.conn, "dev-1", world.now))
    with pytest.raises(credential.NoSuchCode):
        world.run(credential.enrol(world.conn, third, world.now))


NO_CREDENTIAL: tuple[tuple[str, Any, list[str], type[errors.Refusal]], ...] = (
    ("dev/1", "device", [], errors.Invalid),
    ("#", "device", [], errors.Invalid),
    ("dev 1", "service", [], errors.Invalid),
    ("dev:1", "device", [], errors.Invalid),
    ("dev-1\n", "device", [], errors.Invalid),
    ("z2m-1", "bridge", [], errors.Invalid),
    ("z2m-1", "bridge", ["#"], errors.Invalid),
    ("z2m-1", "bridge", ["cf/v1/dev-1"], errors.Invalid),
    ("z2m-1", "bridge", ["edge"], errors.Invalid),
    ("z2m-1", "bridge", ["$SYS"], errors.Invalid),
    ("z2m-1", "bridge", ["zigbee2mqtt\ntopic readwrite"], errors.Invalid),
    ("z2m-1", "device", ["zigbee2mqtt"], errors.Invalid),
    ("z2m-1", "bridge", ["taken/below"], errors.Taken),
    ("z2m-1", "bridge", ["taken"], errors.Taken),
    ("hub-1", "device", [], errors.Taken),
)


def test_who_gets_no_credential(world: Any) -> None:
    world.run(credential.issue(world.conn, "hub-1", "edge", world.now))
    world.run(credential.issue(world.conn, "z2m-0", "bridge", world.now, ["taken"]))
    before = world.run(credential.everybody(world.conn))
    for name, kind, bases, refusal in NO_CREDENTIAL:
        with pytest.raises(refusal):
            world.run(credential.issue(world.conn, name, kind, world.now, bases))
    assert world.run(credential.everybody(world.conn)) == before


def test_the_stamp_changes_with_everything_that_the_broker_must_know(world: Any) -> None:
    seen = [world.run(credential.stamp(world.conn))]
    for change in (
        credential.issue(world.conn, "dev-1", "device", world.now),
        credential.issue(world.conn, "dev-1", "device", world.now),
        credential.issue(world.conn, "z2m-1", "bridge", world.now, ["zigbee2mqtt"]),
        credential.revoke(world.conn, "dev-1", world.now),
    ):
        world.run(change)
        seen.append(world.run(credential.stamp(world.conn)))
    assert len(set(seen)) == 5
    world.run(credential.revoke(world.conn, "dev-1", world.now + timedelta(hours=1)))
    assert world.run(credential.stamp(world.conn)) == seen[-1]
    assert world.value("SELECT revoked_at FROM credential WHERE username = 'dev-1'") == world.now


def test_an_operator_makes_a_code_and_the_device_makes_a_secret_of_it(world: Any, site: Callable[[], Any]) -> None:
    world.home()
    operator = world.person("operator", "operator")

    async def story() -> None:
        async with site() as here:
            desk, device = await here.client(operator), here.stranger()
            status, made = await desk.post("/api/devices/WX-001-button/enrolment")
            assert (status, made["device"]) == (201, "WX-001-button")
            status, got = await device.post("/api/enrol", {"code": made["code"]})
            assert status == 200
            assert got | {"password": ""} == {
                "username": "WX-001-button", "password": "", "broker": {"host": "127.0.0.1", "port": 1883, "tls": False},
                "publish": [*(f"cf/v1/WX-001-button/{word}" for word in credential.SAYS), "homeassistant/device/WX-001-button/config"],
                "subscribe": ["cf/v1/WX-001-button/answer", "cf/v1/WX-001-button/command"],
            }  # fmt: skip
            assert fits(got["password"], world.value("SELECT hash FROM credential"))
            # Used, unknown, too old: one and the same word.
            _, old = await desk.post("/api/devices/new-button-17/enrolment")
            world.wait(days=15)
            refusals = [await device.post("/api/enrol", {"code": code}) for code in (made["code"], "0000-0000-0000", old["code"])]
            assert refusals[0][0] == 404
            assert refusals[0][1]["error"]["code"] == "no_such_code"
            assert refusals == [refusals[0]] * 3

            assert (await desk.post("/api/devices/WX-001-button/revoke"))[0] == 204
            assert world.value("SELECT revoked_at FROM credential") == world.now
            assert (await desk.post("/api/devices/nobody-s/revoke"))[0] == 404

    world.run(story())


def test_only_operators_of_the_district_decide_about_a_device(world: Any, site: Callable[[], Any]) -> None:
    world.home("WX-001")
    world.home("CANARY", canary=True)
    other = world.insert("district", code="changzhou", name_zh="长洲", name_en="Changzhou")
    here_, elsewhere, family = world.person("here", "operator"), world.person("elsewhere"), world.person("daughter", "family")
    world.insert("role", person_id=elsewhere.id, role="operator", district_id=other)
    world.run(credential.issue(world.conn, "gateway-1", "service", world.now))

    async def story() -> None:
        async with site() as site_:
            mine, theirs, daughter = [await site_.client(person) for person in (here_, elsewhere, family)]
            for verb in ("enrolment", "revoke"):
                assert (await site_.stranger().post(f"/api/devices/WX-001-button/{verb}"))[0] == 401
                assert (await daughter.post(f"/api/devices/WX-001-button/{verb}"))[0] == 403
                assert (await theirs.post(f"/api/devices/WX-001-button/{verb}"))[0] == 404
                assert (await mine.post(f"/api/devices/CANARY-button/{verb}"))[0] == 404
                assert (await mine.post(f"/api/devices/gateway-1/{verb}"))[0] == 409
                assert (await mine.post(f"/api/devices/WX-001-button/{verb}", csrf="stale"))[0] == 403
            # A device without a home is everyone's.
            assert (await theirs.post("/api/devices/new-button-17/enrolment"))[0] == 201
            assert (await theirs.post("/api/devices/a%20b/enrolment"))[0] == 422

    world.run(story())
    assert world.rows("SELECT username FROM credential WHERE revoked_at IS NOT NULL") == []


def test_whoever_guesses_codes_is_told_to_wait(world: Any, site: Callable[[], Any]) -> None:
    code, _ = world.run(credential.make_enrolment(world.conn, "dev-1", world.now))

    async def story() -> None:
        async with site() as here:
            guesser = here.stranger()
            answers = [(await guesser.post("/api/enrol", {"code": f"0000-0000-00{number:02}"}))[0] for number in range(access.WRONG_CODES + 2)]
            assert answers == [404] * access.WRONG_CODES + [429, 429]
            assert (await guesser.post("/api/enrol", {"code": code}))[0] == 429
            world.wait(seconds=61)
            assert (await guesser.post("/api/enrol", {"code": code}))[0] == 200

    world.run(story())


def test_what_is_remembered_of_guesses_is_bounded(world: Any) -> None:
    guesses = access.Guesses()
    for number in range(access.MOST_ADDRESSES + 10):
        guesses.count(f"address {number}", world.now)
    assert len(guesses.wrong) == access.MOST_ADDRESSES
    for _ in range(100):
        guesses.count("busy", world.now)
    assert len(guesses.wrong["busy"]) == access.WRONG_CODES
    with pytest.raises(errors.TooMany):
        guesses.check("busy", world.now)
