"""The console in a real headless Chromium, against the whole running product."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        assert not os.environ.get("CI"), "CI must have a Chromium: .ci/run installs one"
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield made
        made.close()


@pytest.fixture
def foreign() -> list[str]:
    """Hosts other than ours that a page asked for."""
    return []


@pytest.fixture
def page(browser: Browser, system: Any, foreign: list[str]) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    made = context.new_page()
    made.set_default_timeout(60_000)
    made.on("request", lambda request: foreign.append(request.url) if not request.url.startswith((system.parts.web_url, "data:", "blob:")) else None)
    yield made
    context.close()
    assert foreign == []


def alert_of(system: Any, home: str) -> int:
    query = "SELECT a.id FROM alert a JOIN home h ON h.id = a.home_id WHERE h.code = %s AND a.state <> 'resolved' ORDER BY a.id DESC"
    return int(system.wait_for(query, home)["id"])


def row(page: Page, alert: int) -> Any:
    return page.get_by_test_id(f"alert-row-{alert}")


def test_a_press_appears_without_a_reload_and_is_taken_to_its_end(page: Page, system: Any) -> None:
    page.goto(system.link("operator-city"))
    expect(page.get_by_test_id("stream-state")).to_have_attribute("data-state", "up")
    page.evaluate("window.notReloaded = true")

    system.press("CZ-001")
    alert = alert_of(system, "CZ-001")
    expect(row(page, alert)).to_be_visible()
    elder = system.rows("SELECT elder, address FROM alert_view WHERE id = %s", alert)[0]
    expect(row(page, alert)).to_contain_text(elder["elder"])

    row(page, alert).click()
    card = page.get_by_test_id("card")
    key_code = system.rows("SELECT key_code FROM home WHERE code = 'CZ-001'")[0]["key_code"]
    for known in (elder["address"], key_code, "000-"):
        expect(card).to_contain_text(known)
    panel = page.get_by_test_id("alert-panel")
    panel.get_by_test_id("accept").click()
    expect(page.get_by_test_id("timeline")).to_contain_text("已接手")
    panel.get_by_test_id("there").click()
    expect(page.get_by_test_id("timeline")).to_contain_text("已到达现场")
    panel.get_by_test_id("resolve").click()
    page.get_by_test_id("outcome-false_alarm").click()
    system.wait_for("SELECT FROM alert WHERE id = %s AND outcome = 'false_alarm'", alert)
    assert page.evaluate("window.notReloaded") is True


def test_nothing_is_missed_over_a_lost_connection(page: Page, system: Any) -> None:
    page.goto(system.link("operator-city"))
    expect(page.get_by_test_id("stream-state")).to_have_attribute("data-state", "up")
    page.context.set_offline(True)
    expect(page.get_by_test_id("stream-state")).not_to_have_attribute("data-state", "up")
    system.press("CZ-002")
    alert = alert_of(system, "CZ-002")
    page.context.set_offline(False)
    expect(page.get_by_test_id("stream-state")).to_have_attribute("data-state", "up")
    expect(row(page, alert)).to_have_count(1)


def test_of_two_operators_the_first_to_accept_has_it(browser: Browser, page: Page, system: Any) -> None:
    other = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN").new_page()
    page.goto(system.link("operator-city"))
    other.goto(system.link("supervisor-1"))
    system.press("CZ-003")
    alert = alert_of(system, "CZ-003")
    for one in (page, other):
        expect(row(one, alert)).to_be_visible()
    row(page, alert).click()
    page.get_by_test_id("alert-panel").get_by_test_id("accept").click()
    name = system.rows("SELECT name FROM person WHERE code = 'operator-city'")[0]["name"]
    expect(row(other, alert)).to_contain_text(name)
    other.context.close()


def test_the_family_sees_its_own_and_nobody_elses(page: Page, system: Any) -> None:
    for home in ("CZ-005", "CZ-006"):
        system.press(home)
    mine, other = alert_of(system, "CZ-005"), alert_of(system, "CZ-006")
    page.goto(system.link("daughter-CZ-005"))
    expect(page.get_by_test_id(f"alert-row-{mine}")).to_be_visible()
    expect(page.get_by_test_id(f"alert-row-{other}")).to_have_count(0)


def test_devices_and_the_ledger_of_tests_by_keyboard(page: Page, system: Any) -> None:
    page.goto(system.link("operator-wanxiu"))
    page.get_by_role("link", name="设备", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("device-WX-001-button")).to_contain_text("正常")
    page.get_by_test_id("device-search").fill("wx-002")
    expect(page.get_by_test_id("device-WX-001-button")).to_have_count(0)
    expect(page.get_by_test_id("device-WX-002-door")).to_be_visible()
    page.get_by_role("radio", name="正常").focus()
    page.keyboard.press("ArrowLeft")  # the state beside it
    expect(page.get_by_test_id("device-WX-002-door")).to_have_count(0)
    expect(page.get_by_test_id("empty")).to_be_visible()

    system.press("WX-001")
    page.get_by_test_id("button-tests").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("tests-WX-001-button").locator("[data-state=open]")).to_contain_text("已按下，警报未结")
    expect(page.get_by_test_id("tests-WX-002-button").locator("[data-state=before]")).to_have_count(8)  # in service since this week
    expect(page.get_by_test_id("tests-CZ-001-button")).to_have_count(0)


def test_a_link_works_once(page: Page, system: Any) -> None:
    link = system.link("operator-city")
    page.goto(link)
    expect(page.get_by_test_id("stream-state")).to_have_attribute("data-state", "up")
    page.context.clear_cookies()
    page.goto(link)
    expect(page.get_by_test_id("signin")).to_be_visible()


def test_the_language_follows_the_person(page: Page, system: Any) -> None:
    page.goto(system.link("operator-wanxiu"))
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.get_by_test_id("language").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_what_is_missing_is_listed_with_what_to_do(page: Page, system: Any) -> None:
    home = system.rows("SELECT h.code FROM home h JOIN contact c ON c.home_id = h.id WHERE h.code LIKE 'LX-%' GROUP BY h.code HAVING count(*) = 1 LIMIT 1")
    with psycopg.connect(system.parts.database_url) as conn:
        conn.execute("UPDATE device SET kind = 'other' WHERE code = 'LX-020-button'")
        conn.execute(
            "INSERT INTO reach_test (person_id, channel, asked_at, result)"
            " SELECT person_id, channel, current_timestamp - interval '3 days', 'missed'"
            " FROM reach JOIN person p ON p.id = person_id WHERE p.code = 'daughter-LX-001'"
        )
    page.goto(system.link("operator-city"))
    page.get_by_role("link", name="保障", exact=True).click()
    group = page.get_by_test_id("coverage-one_contact-low")
    expect(group).to_contain_text(f"{home[0]['code']}（龙圩）只有一位联系人。")
    expect(group).to_contain_text("请再登记一位联系人")
    page.get_by_test_id("coverage-kind").click()
    page.get_by_title("无法呼救的家庭 1").click()
    expect(group).to_have_count(0)
    page.get_by_test_id("coverage-no_button-high").get_by_role("link", name="LX-020").click()
    expect(page.get_by_test_id("card")).to_be_visible()

    page.get_by_role("link", name="保障", exact=True).click()
    page.get_by_test_id("reach-tests").click()
    page.get_by_test_id("unanswered-daughter-LX-001").get_by_test_id("ask-now").click()
    system.wait_for("SELECT FROM notification WHERE message = 'reach_test' AND state = 'sent'")
