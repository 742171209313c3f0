"""The page that shows the API document, in a real browser."""

import shutil

import pytest

from balefire.testing import Platform

CHROMIUM = shutil.which("chromium")
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


@pytest.mark.parametrize("width", [390, 1280])
async def test_operations_can_be_found_read_and_tried(platform: Platform, width: int) -> None:
    from playwright.async_api import async_playwright

    token = await platform.token("alice")
    troubles: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        page = await browser.new_page(viewport={"width": width, "height": 800}, locale="en-US")
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))

        await page.goto(f"{platform.url}/docs")
        await page.get_by_placeholder("Search").fill("your own profile")
        await page.locator("#get_me summary").click()
        await page.get_by_placeholder("Token or API key").fill(token)
        await page.locator("#get_me button.go").click()
        await page.locator("#get_me pre:not([hidden])").wait_for()
        answer = await page.locator("#get_me pre").inner_text()
        is_too_wide = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
        await page.get_by_role("button", name="中文").click()
        placeholder = await page.locator("#search").get_attribute("placeholder")
        await browser.close()

    assert answer.startswith("200 OK") and '"id": "alice"' in answer
    assert not is_too_wide
    assert placeholder == "搜索"
    assert troubles == []
