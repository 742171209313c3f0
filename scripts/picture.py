"""Takes the README's picture of the demo: ``python -m scripts.picture``, after a change of the chat page."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Final

import httpx
from playwright.async_api import Page, async_playwright, expect
from tests.end_to_end.conftest import CHROMIUM_FLAGS
from tests.end_to_end.running import run_demo

from balefire.client import Client

PICTURE: Final = Path(__file__).parents[1] / "docs" / "pictures" / "demo.png"
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


async def main() -> None:
    """Start the demo and a browser, play, and keep what is to be seen."""
    PICTURE.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, run_demo(Path(folder) / "demo") as demo:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS)
            page = await browser.new_page(viewport={"width": 1200, "height": 760}, locale="en-US")
            page.set_default_timeout(60_000)
            expect.set_options(timeout=60_000)
            await play(page, demo.url)
            await page.screenshot(path=PICTURE, animations="disabled")
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
