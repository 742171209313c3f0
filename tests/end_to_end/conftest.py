"""One demo and one browser for all tests; a fresh browser context, and so a fresh session, per person."""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.end_to_end.running import Command, run_demo

CHROMIUM_FLAGS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP: Final[dict[str, Any]] = {"viewport": {"width": 1200, "height": 800}, "locale": "en-US"}
PHONE: Final[dict[str, Any]] = {
    "viewport": {"width": 390, "height": 844},
    "locale": "zh-CN",
    "is_mobile": True,
    "has_touch": True,
    "color_scheme": "dark",
}

expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    with run_demo(tmp_path_factory.mktemp("demo") / "folder") as command:
        yield command


@pytest.fixture(scope="module")  # its event loop must be gone before other modules run theirs
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path, "these tests need a browser: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@dataclass
class Window:
    """Somebody's browser window, and everything it complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def open(self, conversation: str) -> None:
        """Open a conversation of the list."""
        self.page.locator(f'[data-key="{conversation}"]').click()
        expect(self.page.locator(f'[data-open="{conversation}"]')).to_be_visible()

    def say(self, text: str) -> None:
        """Write a message in the open conversation."""
        self.page.locator("textarea").fill(text)
        self.page.locator(".send").click()

    def bubble(self, text: str | re.Pattern[str]) -> Any:
        """Messages that contain this text."""
        return self.page.locator(".bubble").filter(has_text=text)

    @property
    def is_wider_than_screen(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth > innerWidth"))


Open = Callable[..., Window]


@pytest.fixture
def window(browser: Browser) -> Iterator[Open]:
    """Opens windows; afterwards none of them may have complained in its console."""
    windows: list[Window] = []

    def open_window(address: str, **options: Any) -> Window:
        page = browser.new_context(**(options or DESKTOP)).new_page()
        page.set_default_timeout(20_000)
        window = Window(page)
        page.on("console", lambda message: window.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: window.complaints.append(str(error)))
        windows.append(window)
        page.goto(address)
        return window

    yield open_window
    complaints = [complaint for window in windows for complaint in window.complaints]
    for opened in windows:
        opened.page.context.close()
    assert complaints == []


@pytest.fixture
def join(window: Open, demo: Command) -> Callable[..., Window]:
    """Opens the demo as one of its people."""

    def join_as(user: str, **options: Any) -> Window:
        opened = window(f"{demo.url}/?as={user}", **options)
        expect(opened.page.locator(".row").first).to_be_visible()
        return opened

    return join_as
