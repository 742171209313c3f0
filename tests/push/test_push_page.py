"""The sandbox's page in a browser: the phones, live, in both languages, and nothing from outside becomes markup."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright, expect

from balefire import Payload, Submission
from balefire.testing import Platform, start_platform

PLUGINS: dict[str, dict[str, Any]] = {
    "push-sandbox": {"phones": [{"user": "carol", "name": "Carol's phone"}], "is_open": True},
    "push-apns": {"account_file": "../push-sandbox/apns.json"},
}
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    async with start_platform(tmp_path, plugins=PLUGINS) as platform:
        for user in ("alice", "carol"):
            await platform.add_user(user)
        yield platform


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """A phone's browser; anything it complains about fails the test."""
    complaints: list[str] = []
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=shutil.which("chromium"), args=SWITCHES)
        page = await browser.new_page(viewport={"width": 390, "height": 844}, locale="zh-CN")
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        await browser.close()
    assert complaints == []


async def say(platform: Platform, text: str) -> None:
    await platform.kernel.path.submit(
        Submission(
            sender="alice",
            conversation=platform.kernel.resolve("private/carol", "alice"),
            payload=Payload("text", {"text": text}),
            client_message_id=text,
        )
    )


async def test_the_phones_show_what_arrives(platform: Platform, page: Page) -> None:
    hostile = "<img src=x onerror=document.title='broken'>"
    await page.goto(f"{platform.url}/sandbox")
    await expect(page.locator(".phone")).to_contain_text("还没有通知")

    await say(platform, hostile)

    await expect(page.locator(".note .body")).to_have_text(hostile)
    await expect(page.locator(".badge")).to_have_text("1")
    await expect(page.locator("#state")).to_have_text("● 实时")
    await page.click("#language")
    await expect(page.locator("#state")).to_have_text("● live")
    assert await page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    await expect(page).to_have_title("Balefire · Push sandbox")


async def test_a_phone_is_added_and_its_app_removed(platform: Platform, page: Page) -> None:
    await page.goto(f"{platform.url}/sandbox")
    await page.click("details:has(#add) summary")
    await page.fill("input[name=user]", "alice")
    await page.click("#add button")
    phone = page.locator(".phone[data-user=alice]")
    await expect(phone).to_be_visible()

    await phone.get_by_role("button").click()

    await expect(phone).to_contain_text("应用已卸载")
    [device] = (await platform.kernel.store.devices(["alice"]))["alice"]
    assert device.vendor == "apns"
