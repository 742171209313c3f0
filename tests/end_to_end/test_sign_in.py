"""A platform of one's own, without the demo: signing in with a password, and what a channel can post."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect
from tests.end_to_end.conftest import Open, Window
from tests.end_to_end.running import Command

PASSWORD = "a lamp, a wick, a match"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("own") / "data"


@pytest.fixture(scope="module")
def server(data: Path) -> Iterator[Command]:
    with Command("serve", "--port", "0", "--data", str(data)) as command:
        yield command


@pytest.fixture(scope="module")
def operator(server: Command, data: Path) -> Iterator[httpx.Client]:
    """The REST API as an operator; Erin and Frank have accounts, and Erin a channel."""
    make = [sys.executable, "-m", "balefire", "token", "--user", "operator", "--admin", "--data", str(data)]
    token = subprocess.run(make, check=True, capture_output=True, text=True).stdout.strip()
    with httpx.Client(
        base_url=server.url, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=30
    ) as http:
        for user, name in (("erin", "Erin 艾琳"), ("frank", "Frank")):
            http.put(f"/v1/users/{user}", json={"display_name": name}).raise_for_status()
            http.post("/v1/passwords", json={"user": user, "password": PASSWORD}).raise_for_status()
        http.post("/v1/channels", json={"id": "tides", "name": "Tides 潮汐", "owner": "erin"}).raise_for_status()
        http.post("/v1/channels/tides/subscribers", json={"users": ["frank"]}).raise_for_status()
        yield http


def sign_in(window: Window, user: str, password: str) -> None:
    window.page.locator("[name=user]").fill(user)
    window.page.locator("[name=password]").fill(password)
    window.page.locator("[type=submit]").click()


def post(operator: httpx.Client, type_: str, **fields: object) -> None:
    body = {"sender": "erin", "type": type_, "fields": fields}
    operator.post("/v1/conversations/channel/tides/messages", json=body).raise_for_status()


def test_a_wrong_password_is_said_and_the_right_one_lets_in(
    window: Open, server: Command, operator: httpx.Client
) -> None:
    frank = window(server.url)
    assert frank.page.locator("[data-account]").count() == 0

    sign_in(frank, "frank", "not this one")
    expect(frank.page.locator("[role=alert]")).to_contain_text("User name or password is wrong")
    frank.complaints.clear()  # the browser notes the 401 by itself
    sign_in(frank, "frank", PASSWORD)

    expect(frank.page.locator(".sidebar .who")).to_have_text("Frank")
    assert frank.page.evaluate("Object.keys(localStorage).every((key) => !localStorage[key].includes('eyJ'))")


def test_a_channels_posts_are_shown_as_what_they_are(window: Open, server: Command, operator: httpx.Client) -> None:
    frank = window(server.url)
    sign_in(frank, "frank", PASSWORD)
    post(operator, "text", text="High water at noon 正午满潮")
    lead = {
        "title": "How the moon does it",
        "url": "https://example.com/moon",
        "digest": "And the sun helps. 太阳也出力。",
    }
    post(operator, "articles", articles=[lead, {"title": "Spring and neap", "url": "https://example.com/neap"}])
    rows = [{"key": "Height 高度", "value": "4.2 m"}]
    post(operator, "notification", title="Storm surge", rows=rows, url="https://example.com/surge")
    post(operator, "voice", url="/media/foghorn.ogg", duration_seconds=3)
    post(operator, "image", url="/favicon.ico", width=64, height=64)
    post(operator, "image", url="https://elsewhere.example/lamp.png")
    post(operator, "file", url="https://elsewhere.example/tides.pdf", name="tides.pdf", size_bytes=48_200)
    post(operator, "text", text="as you said", quote={"message": "1", "user": "erin", "digest": "High water"})

    frank.open("channel/tides")

    expect(frank.bubble("High water at noon 正午满潮")).to_be_visible()
    expect(frank.page.locator("a.article").first).to_have_attribute("href", "https://example.com/moon")
    expect(frank.page.locator("a.article").first).to_contain_text("太阳也出力")
    expect(frank.page.locator("a.article")).to_have_count(2)
    expect(frank.page.locator(".service")).to_contain_text("4.2 m")
    expect(frank.bubble("[voice]").locator("a")).to_have_attribute("href", "/media/foghorn.ogg")
    expect(frank.page.locator(".bubble img")).to_have_attribute("src", "/favicon.ico")  # and nothing from elsewhere
    assert frank.page.locator(".bubble img").evaluate("picture => picture.clientWidth") > 40
    expect(frank.bubble("[image]").locator("a")).to_have_attribute("href", "https://elsewhere.example/lamp.png")
    expect(frank.bubble("tides.pdf")).to_contain_text("48.2 KB")
    expect(frank.bubble("as you said").locator(".quote")).to_contain_text("Erin 艾琳")
    expect(frank.page.locator(".read-only")).to_be_visible()


def test_an_owner_posts_from_the_page(window: Open, server: Command, operator: httpx.Client) -> None:
    erin, frank = window(server.url), window(server.url)
    sign_in(erin, "erin", PASSWORD)
    sign_in(frank, "frank", PASSWORD)
    frank.open("channel/tides")
    erin.open("channel/tides")

    erin.say("The bridge is open 桥已开放")

    expect(frank.bubble("The bridge is open 桥已开放")).to_be_visible()


def test_a_session_that_was_revoked_asks_to_sign_in_again(
    window: Open, server: Command, operator: httpx.Client
) -> None:
    frank = window(server.url)
    sign_in(frank, "frank", PASSWORD)
    expect(frank.page.locator(".sidebar")).to_be_visible()
    expect(frank.page.locator(".row").first).to_be_visible()

    operator.post("/v1/users/frank/revoke-tokens").raise_for_status()

    expect(frank.page.locator("[role=alert]")).to_contain_text("Your session ended")
    assert frank.page.evaluate("sessionStorage.length") == 0
