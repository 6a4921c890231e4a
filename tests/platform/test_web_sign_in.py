"""Signing in by a link that works once, and what strangers and stale pages are told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from cloudfamily_platform.people import person as people

CODES = {"code", "message", "message_zh"}


def refused(answer: tuple[int, Any]) -> tuple[int, str]:
    """Status and code of a refusal, which has its sentence in both languages."""
    status, body = answer
    assert set(body) == {"error"}
    assert set(body["error"]) == CODES
    assert body["error"]["message"].isascii()
    assert not body["error"]["message_zh"].isascii()
    return status, body["error"]["code"]


def test_a_link_signs_in_once(world: Any, site: Callable[[], Any]) -> None:
    operator = world.person("operator", "operator", language="en")

    async def story() -> None:
        async with site() as here:
            ticket = await people.make_ticket(world.conn, operator.id, "sign_in", world.now)
            first, second = here.stranger(), here.stranger()
            for client, leads_to, cookies in ((first, "/", 1), (second, "/?signin=expired", 0), (first, "/?signin=expired", 0)):
                async with client.http.get(f"/signin/{ticket}", allow_redirects=False) as answer:
                    assert (answer.status, answer.headers["Location"]) == (303, leads_to)
                    assert len(answer.headers.getall("Set-Cookie", [])) == cookies
                    if cookies:
                        flags = answer.headers["Set-Cookie"].lower()
                        assert "httponly" in flags
                        assert "samesite=strict" in flags
            status, me = await first.get("/api/me")
            assert status == 200
            assert me | {"csrf": ""} == {
                "person": {"id": operator.id, "code": "operator", "name": "测试·operator", "language": "en"},
                "roles": ["operator"], "role": "operator", "districts": [world.district_id], "csrf": "",
            }  # fmt: skip
            assert refused(await second.get("/api/me")) == (401, "sign_in_first")

            first.csrf = me["csrf"]
            assert (await first.post("/api/sign-out"))[0] == 204
            assert refused(await first.get("/api/me")) == (401, "sign_in_first")

    world.run(story())


def test_links_that_do_not_work(world: Any, site: Callable[[], Any]) -> None:
    person = world.person("daughter", "family")

    async def story() -> None:
        async with site() as here:
            old = await people.make_ticket(world.conn, person.id, "sign_in", world.now - timedelta(days=1))
            for_a_chat = await people.make_ticket(world.conn, person.id, "chat", world.now)
            for ticket in (old, for_a_chat, "nonsense", "%00", "x" * 3000):
                async with here.stranger().http.get(f"/signin/{ticket}", allow_redirects=False) as answer:
                    assert (answer.status, answer.headers["Location"]) == (303, "/?signin=expired")

    world.run(story())


def test_a_session_ends_after_its_time(world: Any, site: Callable[[], Any]) -> None:
    daughter = world.person("daughter", "family")

    async def story() -> None:
        async with site() as here:
            client = await here.client(daughter)
            world.wait(days=29)
            assert (await client.get("/api/me"))[0] == 200
            world.wait(days=1)
            assert refused(await client.get("/api/me")) == (401, "sign_in_first")
            for cookie in ("nonsense", "x" * 300):
                client.http.cookie_jar.update_cookies({"cf_session": cookie})
                assert refused(await client.get("/api/me")) == (401, "sign_in_first")

    world.run(story())


def test_whole_city_main_role_and_no_role(world: Any, site: Callable[[], Any]) -> None:
    cast = (
        (world.person("boss", "supervisor", city=True), ["supervisor"], "supervisor", None),
        (world.person("both", "family", "caregiver"), ["caregiver", "family"], "caregiver", []),
        (world.person("nobody"), [], "none", []),
    )

    async def story() -> None:
        async with site() as here:
            for person, roles, role, districts in cast:
                _, me = await (await here.client(person)).get("/api/me")
                assert (me["roles"], me["role"], me["districts"]) == (roles, role, districts)

    world.run(story())


def test_refusals_have_a_status_a_code_and_two_sentences(world: Any, site: Callable[[], Any], alarm: Callable[..., int]) -> None:
    world.home()
    alert_id = alarm()
    cast = {code: world.person(code, role) for code, role in (("operator", "operator"), ("other", "operator"), ("family", "family"))}

    async def story() -> None:
        async with site() as here:
            stranger = here.stranger()
            for path in ("/api/me", "/api/alerts", f"/api/alerts/{alert_id}", "/api/stream", "/api/homes", "/api/figures", "/api/visits", "/api/timebank/me"):
                assert refused(await stranger.get(path)) == (401, "sign_in_first")
            assert refused(await stranger.post(f"/api/alerts/{alert_id}/accept")) == (401, "sign_in_first")

            operator = await here.client(cast["operator"])
            for path, refusal in {
                "/api/alerts/9999": (404, "not_found"),
                "/api/homes/nowhere": (404, "not_found"),
                "/api/nothing": (404, "not_found"),
                "/api/alerts/zero": (422, "invalid"),
                "/api/alerts/0": (422, "invalid"),
                f"/api/alerts/{10**30}": (422, "invalid"),
                "/api/alerts?limit=501": (422, "invalid"),
                "/api/alerts?state=all": (422, "invalid"),
                "/api/texts?language=fr": (422, "invalid"),
                "/api/homes?q=%00": (422, "invalid"),
                "/api/stream?after=-1": (422, "invalid"),
            }.items():
                assert refused(await operator.get(path)) == refusal, path
            for path, body, refusal in (
                (f"/api/alerts/{alert_id}/on-the-way", None, (409, "wrong_state")),
                (f"/api/alerts/{alert_id}/resolve", {"outcome": "fine"}, (422, "invalid")),
                (f"/api/alerts/{alert_id}/resolve", None, (422, "invalid")),
                (f"/api/alerts/{alert_id}/resolve", {"outcome": "real", "by": "me"}, (422, "invalid")),
                (f"/api/alerts/{alert_id}/note", {"text": " "}, (422, "invalid")),
                (f"/api/alerts/{alert_id}/note", {"text": "\0"}, (422, "invalid")),
                ("/api/devices/bind", {"device": "a/b", "kind": "button", "home": "WX-001"}, (422, "invalid")),
                ("/api/devices/bind", {"device": "b", "kind": "toaster", "home": "WX-001"}, (422, "invalid")),
                ("/api/devices/bind", {"device": "b", "kind": "button", "home": "nowhere"}, (404, "not_found")),
                ("/api/devices/bind", {"device": "WX-001-button", "kind": "button", "home": "WX-001"}, (409, "already_bound")),
                ("/api/quarantine/7/clear", None, (404, "not_found")),
                ("/api/visits/7/verify", None, (404, "not_found")),
                ("/api/me/language", {"language": "fr"}, (422, "invalid")),
                ("/api/nothing", None, (405, "refused")),
            ):
                assert refused(await operator.post(path, body)) == refusal, (path, body)

            family = await here.client(cast["family"])
            for path in ("/api/homes", "/api/homes/WX-001", "/api/quarantine", "/api/figures"):
                assert refused(await family.get(path)) == (403, "not_allowed")
            assert refused(await family.post("/api/devices/bind", {"device": "b", "kind": "button", "home": "WX-001"})) == (403, "not_allowed")

            assert (await operator.post(f"/api/alerts/{alert_id}/accept"))[0] == 200
            other = await here.client(cast["other"])
            assert refused(await other.post(f"/api/alerts/{alert_id}/accept")) == (409, "taken")

    world.run(story())


def test_a_write_without_the_sessions_token_is_refused(world: Any, site: Callable[[], Any], alarm: Callable[..., int]) -> None:
    world.home()
    alert_id = alarm()
    cast = [world.person(code, "operator") for code in ("operator", "other")]

    async def story() -> None:
        async with site() as here:
            operator, other = [await here.client(person) for person in cast]
            for token in ("", "nonsense", other.csrf, "é"):
                assert refused(await operator.post(f"/api/alerts/{alert_id}/accept", csrf=token)) == (403, "csrf")
                assert refused(await operator.post("/api/sign-out", csrf=token)) == (403, "csrf")
            async with operator.http.post(f"/api/alerts/{alert_id}/accept", data={"x": "from a form"}) as answer:
                assert answer.status == 403
            assert world.value("SELECT state FROM alert") == "open"
            assert (await operator.post(f"/api/alerts/{alert_id}/accept"))[0] == 200

    world.run(story())


def test_the_database_is_away(world: Any, site: Callable[[], Any]) -> None:
    person = world.person("operator", "operator")

    async def story() -> None:
        async with site() as here:
            operator = await here.client(person)
            await here.pool.close()
            assert refused(await operator.get("/api/alerts")) == (503, "busy")
            assert (await operator.text("/healthz"))[0] == 200

    world.run(story())


def test_language(world: Any, site: Callable[[], Any]) -> None:
    daughter = world.person("daughter", "family")

    async def story() -> None:
        async with site() as here:
            client = await here.client(daughter)
            assert await client.post("/api/me/language", {"language": "en"}) == (200, {"language": "en"})
            _, me = await client.get("/api/me")
            assert me["person"]["language"] == "en"
            for language, text in (("en", "Emergency call"), ("zh-CN", "紧急呼叫")):
                _, texts = await here.stranger().get(f"/api/texts?language={language}")
                assert texts["alert.kind.sos"] == text
                assert "{minutes}" in texts["alert.why.no_movement"]

    world.run(story())
