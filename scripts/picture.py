"""Takes the README's picture of the demo: ``python -m scripts.picture``, after a change of the pages."""

import asyncio
import base64
import shutil
import tempfile
from pathlib import Path
from typing import Final

import httpx
from playwright.async_api import Browser, Page, async_playwright, expect
from tests.end_to_end.conftest import CHROMIUM_FLAGS
from tests.end_to_end.running import run_demo

from balefire.client import Client

PICTURE: Final = Path(__file__).parents[1] / "docs" / "pictures" / "demo.png"
FRAME: Final = """
body { margin: 0; height: 100vh; display: flex; align-items: center; justify-content: center; gap: 44px; }
body { background: #e9e2d9; }
img { border-radius: 16px; box-shadow: 0 12px 40px #3b2a1a40; }
img + img { border-radius: 42px; }
"""
GROUP: Final = "group/team"
TALK: Final = (
    ("bob", "2.3 is out. Who tells the harbour? 谁去通知港口？"),
    ("alice", "The channel has told them already."),
    ("bob", "Then all that is missing is fog. 就差一场雾了。"),
)


async def say(url: str, user: str, text: str) -> None:
    """One of the demo's people writes to the group."""
    async with httpx.AsyncClient(trust_env=False) as http:
        token = (await http.post(f"{url}/demo/accounts/{user}/token")).json()["token"]
    async with Client(url, token) as client:
        await client.send(GROUP, text)


async def play(page: Page, url: str) -> None:
    """Wait for what comes from outside, then let people talk."""
    await page.goto(f"{url}/?as=alice")
    await page.locator(f'[data-key="{GROUP}"]').click()
    bubbles = page.locator(".bubble")
    await expect(bubbles.filter(has_text="published Lighthouse 2.3").first).to_be_visible()
    for user, text in TALK:
        await say(url, user, text)
        await expect(bubbles.filter(has_text=text).last).to_be_visible()


async def photograph(browser: Browser, url: str) -> None:
    """The chat page, and beside it the phone of somebody who is away."""
    chat = await browser.new_page(viewport={"width": 1040, "height": 700}, locale="en-US")
    await play(chat, url)
    phone = await browser.new_page(viewport={"width": 400, "height": 820}, locale="en-US")
    await phone.goto(f"{url}/sandbox")
    await expect(phone.locator(".note").filter(has_text=TALK[-1][1]).first).to_be_visible()
    shots = (
        await chat.screenshot(animations="disabled"),
        await phone.locator(".phone").first.screenshot(animations="disabled", omit_background=True),
    )
    images = "".join(f'<img src="data:image/png;base64,{base64.b64encode(shot).decode()}">' for shot in shots)
    frame = await browser.new_page(viewport={"width": 1480, "height": 780})
    await frame.set_content(f"<style>{FRAME}</style>{images}")
    await frame.screenshot(path=PICTURE)


async def main() -> None:
    """Start the demo and a browser, play, and keep what is to be seen."""
    PICTURE.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, run_demo(Path(folder) / "demo") as demo:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS)
            expect.set_options(timeout=60_000)
            await photograph(browser, demo.url)
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
