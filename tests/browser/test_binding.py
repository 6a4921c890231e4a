"""A device without a home calls: the operator finds whose it is, in the console or by the label on it, and tells it to blink."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from cloudfamily import press
from cloudfamily_gateway import wire
from cloudfamily_platform.core.settings import Settings

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]
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
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    made = context.new_page()
    made.set_default_timeout(60_000)
    yield made
    context.close()


def call(system: Any, device: str) -> int:
    with press.button(system.parts.broker, device, Settings()) as button:
        button.client.publish(f"cf/v1/{device}/info", wire.encode({"kind": "fall", "vendor": "Yunfu", "model": "F1"}), qos=1)
        button.press()
    return int(system.wait_for("SELECT id FROM alert WHERE device_code = %s", device)["id"])


def choose_home(page: Page, query: str, code: str) -> None:
    """By keys alone, as somebody in a hurry does."""
    page.get_by_role("combobox").first.press_sequentially(query)
    expect(page.locator(".ant-select-item-option-active .home-option")).to_contain_text(code)
    page.keyboard.press("Enter")
    page.get_by_test_id("bind-submit").click()


def test_an_alert_without_a_home_gets_one_where_it_is_seen(page: Page, system: Any) -> None:
    alert = call(system, "stray-1")
    elder = system.rows("SELECT p.name, h.address FROM home h JOIN resident r ON r.home_id = h.id JOIN person p ON p.id = r.person_id WHERE h.code = 'CZ-008'")[
        0
    ]
    page.goto(system.link("operator-city"))
    page.get_by_test_id(f"alert-row-{alert}").click()
    panel = page.get_by_test_id("alert-panel")
    panel.get_by_test_id("bind").click()
    choose_home(page, elder["name"], "CZ-008")
    expect(panel.get_by_test_id("card")).to_contain_text(elder["address"])
    expect(page.get_by_test_id("timeline")).to_contain_text("绑定到 CZ-008")
    told = (
        "SELECT FROM notification n JOIN contact c ON c.person_id = n.person_id JOIN home h ON h.id = c.home_id"
        " WHERE h.code = 'CZ-008' AND n.alert_id = %s AND n.message = 'alert'"
    )
    system.wait_for(told, alert)
    assert system.rows("SELECT kind FROM device WHERE code = 'stray-1'") == [{"kind": "fall"}], "as the device says"

    with press.button(system.parts.broker, "stray-1", Settings()) as button:
        heard: list[bytes] = []
        button.client.on_message = lambda client, _data, message: heard.append(message.payload)
        button.client.subscribe(wire.own_topic("stray-1", "command"), qos=1)
        panel.get_by_test_id("device-stray-1").press("Enter")
        panel.get_by_test_id("tell-blink").press("Enter")
        expect(panel.get_by_test_id("command-sent")).to_contain_text("控制灯光")
        number = system.wait_for("SELECT id FROM command WHERE device_code = 'stray-1' AND kind = 'light'")["id"]
        button.client.publish("cf/v1/stray-1/report", wire.encode({"id": number, "state": "done"}), qos=1)
        expect(panel.get_by_test_id("command-done")).to_contain_text("已执行")
    expect(page.get_by_test_id("timeline")).to_contain_text("发出指令：控制灯光")


def test_a_label_leads_through_the_sign_in_to_the_bind_form(page: Page, system: Any) -> None:
    call(system, "stray-2")
    page.goto(f"{system.parts.web_url}/#/bind/stray-2")
    expect(page.get_by_test_id("signin")).to_be_visible()
    page.goto(system.link("operator-city"))
    expect(page.get_by_test_id("bind-page")).to_contain_text("Yunfu · F1")
    choose_home(page, "CZ-009", "CZ-009")
    expect(page.get_by_test_id("bound-home")).to_contain_text("CZ-009")
    assert page.request.get(f"{system.parts.web_url}/api/devices/stray-2/label.svg").text().startswith("<svg")
    page.get_by_test_id("unbind").click()
    page.get_by_role("dialog").get_by_role("button", name="解除绑定").click()
    expect(page.get_by_test_id("bound-home")).to_have_count(0)
    assert system.rows("SELECT home_id FROM device WHERE code = 'stray-2'") == [{"home_id": None}]


def test_a_hurried_enter_never_takes_what_an_earlier_word_found(page: Page, system: Any) -> None:
    call(system, "stray-4")
    page.goto(system.link("operator-city"))
    held: list[Route] = []
    page.route(lambda url: "/api/homes?q=CZ-011" in url, lambda route: route.continue_() if held else held.append(route))
    page.goto(f"{system.parts.web_url}/#/bind/stray-4")
    page.get_by_role("combobox").first.press("ArrowDown")
    expect(page.locator(".ant-select-item-option-active .home-option")).to_contain_text("CZ-001")
    with page.expect_request(lambda request: "/api/homes?q=CZ-011" in request.url):
        page.get_by_role("combobox").first.press_sequentially("CZ-011")
    page.keyboard.press("Enter")
    page.get_by_test_id("bind-submit").click()
    expect(page.get_by_role("dialog")).to_contain_text("请填写")
    held[0].continue_()
    choose_home(page, "CZ-011", "CZ-011")
    expect(page.get_by_test_id("bound-home")).to_contain_text("CZ-011")


def test_devices_that_call_stand_first_and_are_bound_from_the_list(page: Page, system: Any) -> None:
    call(system, "stray-3")
    with press.button(system.parts.broker, "quiet-1", Settings()) as quiet:
        quiet.client.publish("cf/v1/quiet-1/info", wire.encode({"kind": "motion"}), qos=1).wait_for_publish(5)
    system.wait_for("SELECT FROM device WHERE code = 'quiet-1'")
    page.goto(system.link("operator-city"))
    page.goto(f"{system.parts.web_url}/#/quarantine")
    row = page.get_by_test_id("unbound-stray-3")
    expect(row).to_contain_text("正在呼救")
    assert page.locator("[data-testid^=unbound-]").first.get_attribute("data-testid") != "unbound-quiet-1"
    row.get_by_test_id("bind").click()
    choose_home(page, "CZ-010", "CZ-010")
    expect(row).to_have_count(0)
