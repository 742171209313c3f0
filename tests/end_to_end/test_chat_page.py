"""People at their browsers, from the demo as it is started by one command."""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect
from tests.end_to_end.conftest import PHONE, Open, Window
from tests.end_to_end.running import Command

from balefire.client import Client

ALICE_AND_BOB = "private/alice,bob"
Join = Callable[..., Window]

INJECTIONS = (
    "<script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "javascript:document.title='owned'",
    "<svg/onload=document.title='owned'>",
    "<a href=\"javascript:document.title='owned'\">click</a>",
    "${document.title='owned'} {{document.title='owned'}} <style>*{display:none}</style>",
    "https://example.com/\"onmouseover=\"document.title='owned'",
    "</div></main><h1>out of place</h1>",
)


def token_of(demo: Command, user: str) -> str:
    answer = httpx.post(f"{demo.url}/demo/accounts/{user}/token", trust_env=False)
    return str(answer.json()["token"])


def send_as(demo: Command, user: str, to: str, *texts: str) -> None:
    """Somebody elsewhere writes."""

    async def send() -> None:
        async with Client(demo.url, token_of(demo, user)) as client:
            for text in texts:
                await client.send(to, text)

    with ThreadPoolExecutor(1) as elsewhere:  # the browser's own loop runs in this thread
        elsewhere.submit(asyncio.run, send()).result()


def test_two_people_chat(join: Join) -> None:
    alice, bob = join("alice"), join("bob", **PHONE)
    alice.open(ALICE_AND_BOB)
    bob.open(ALICE_AND_BOB)

    alice.say("Is this lamp lit? 灯亮了吗？")
    expect(bob.bubble("Is this lamp lit? 灯亮了吗？")).to_be_visible()
    bob.page.locator("textarea").press_sequentially("Yes")
    expect(alice.page.locator(".chat-title")).to_contain_text("typing")
    bob.page.locator(".send").tap()

    expect(alice.bubble("Yes").last).to_be_visible()
    expect(alice.bubble("Is this lamp lit?").locator(".progress")).to_have_attribute("aria-label", "Read")
    expect(alice.page.locator(".chat-title")).to_contain_text("Online")


def test_the_robot_answers(join: Join) -> None:
    alice = join("alice")
    alice.open("private/alice,echo")

    alice.say("Say this back 请重复")

    expect(alice.page.locator(".theirs .bubble").filter(has_text="Say this back 请重复")).to_be_visible()
    expect(alice.page.locator(".chat-title .badge")).to_have_text("Robot")


def test_the_robot_answers_in_a_group_when_it_is_mentioned(join: Join) -> None:
    bob = join("bob")
    bob.open("group/team")

    bob.say("nobody mentions it here")
    bob.say("@echo are you awake? 醒着吗")

    expect(bob.page.locator(".theirs .bubble").filter(has_text="are you awake? 醒着吗")).to_be_visible()
    assert bob.page.locator(".theirs .bubble").filter(has_text="nobody mentions it").count() == 0


def test_github_events_arrive_in_the_group_and_in_the_channel(join: Join) -> None:
    alice, bob = join("alice"), join("bob")
    alice.open("group/team")
    bob.open("channel/news")

    for window in (alice, bob):
        expect(window.bubble("opened pull request #57").first).to_be_visible()
        expect(window.bubble("published Lighthouse 2.3").first).to_be_visible()
        link = window.bubble("opened pull request #57").first.locator("a")
        expect(link).to_have_attribute("href", "https://github.com/harbor-works/lighthouse/pull/57")
    expect(alice.page.locator(".sender").filter(has_text="GitHub").first).to_contain_text("Robot")
    expect(bob.page.locator(".read-only")).to_be_visible()
    count = alice.page.locator(".bubble").count()
    expect(alice.page.locator(".bubble").nth(count)).to_be_attached()  # and they go on arriving


def test_the_phone_of_somebody_who_is_away_rings(join: Join, window: Open, demo: Command) -> None:
    phone = window(f"{demo.url}/sandbox")
    expect(phone.page.locator("body")).to_contain_text("Carol's iPhone")
    alice = join("alice")

    alice.page.locator("[data-action=new-chat]").click()
    alice.page.locator("dialog input").fill("carol")
    alice.page.locator("dialog [data-user=carol]").click()
    alice.say("Carol, the boat is here 船到了")

    expect(alice.bubble("the boat is here").locator(".progress")).to_have_attribute("aria-label", "Sent")
    expect(phone.page.locator("body")).to_contain_text("the boat is here 船到了")
    expect(phone.page.locator("body")).to_contain_text("Alice 爱丽丝")


def test_whoever_scrolls_on_a_phone_stays_there_when_it_rings(window: Open, demo: Command) -> None:
    page = window(f"{demo.url}/sandbox").page
    phone = page.locator(".phone[data-user=carol]")
    expect(phone.locator(".note").nth(6)).to_be_attached()
    phone.evaluate("box => { box.scrollTop = 200; }")

    send_as(demo, "dave", "private/carol", "It rings again")

    expect(phone.locator(".note").filter(has_text="It rings again")).to_be_attached()
    assert phone.evaluate("box => box.scrollTop") == 200


def test_what_others_write_is_only_ever_text(join: Join, demo: Command) -> None:
    alice = join("alice")
    alice.open(ALICE_AND_BOB)

    send_as(demo, "bob", ALICE_AND_BOB, *INJECTIONS)

    for text in INJECTIONS:
        expect(alice.bubble(text).last).to_be_visible()
    inside = alice.page.locator(".bubble :is(script, img, style, h1, svg:not(.icon))")
    assert inside.count() == 0
    assert "owned" not in alice.page.title()
    addresses = alice.page.locator(".bubble a").evaluate_all("links => links.map((link) => link.href)")
    assert all(address.startswith(("http://", "https://")) for address in addresses)
    assert alice.page.locator("[onmouseover], [onerror], [onload]").count() == 0


def test_a_message_can_be_taken_back(join: Join) -> None:
    alice, bob = join("alice"), join("bob")
    alice.open(ALICE_AND_BOB)
    bob.open(ALICE_AND_BOB)
    alice.say("I did not mean to say this")
    expect(bob.bubble("I did not mean to say this")).to_be_visible()

    alice.bubble("I did not mean to say this").hover()
    line = alice.page.locator(".bubble-line").filter(has_text="I did not mean to say this")
    line.get_by_label("Message actions").click()
    line.locator("[data-action=recall]").click()

    expect(alice.page.locator(".system").last).to_have_text("You took a message back")
    expect(bob.page.locator(".system").last).to_have_text("Alice 爱丽丝 took a message back")
    expect(bob.bubble("I did not mean to say this")).to_have_count(0)


def test_unread_messages_are_counted_until_they_are_read(join: Join, demo: Command) -> None:
    dave = join("bob")
    dave.open("group/team")
    row = dave.page.locator('[data-key="private/bob,carol"]')

    send_as(demo, "carol", "private/bob", "one", "two", "three")

    expect(row.locator(".unread")).to_have_text("3")
    row.click()
    expect(row.locator(".unread")).to_have_count(0)
    dave.page.reload()
    expect(row).to_contain_text("three")
    expect(row.locator(".unread")).to_have_count(0)


def test_a_refused_message_says_why_and_can_be_sent_again(join: Join, demo: Command) -> None:
    alice = join("alice")
    alice.page.goto(f"{demo.url}/?as=alice#/private/alice,nobody-here")
    expect(alice.page.locator("textarea")).to_be_visible()

    alice.say("Hello?")

    expect(alice.page.locator(".failure")).to_contain_text("Not sent")
    alice.page.get_by_text("Send again").click()
    expect(alice.page.locator(".failure")).to_contain_text("There is no user")
    alice.page.get_by_text("Discard").click()
    expect(alice.bubble("Hello?")).to_have_count(0)
    alice.complaints[:] = [text for text in alice.complaints if "404" not in text]  # of the unknown user's name


def test_scrolling_back_loads_what_was_said_before(join: Join, demo: Command) -> None:
    send_as(demo, "dave", "private/alice", *(f"line number {n:03}" for n in range(120)))
    alice = join("alice")
    alice.open("private/alice,dave")
    expect(alice.bubble("line number 119")).to_be_visible()
    assert alice.bubble("line number 000").count() == 0

    messages = alice.page.locator(".messages")
    for first in ("line number 020", "line number 000"):
        messages.evaluate("box => { box.scrollTop = 0; }")
        expect(alice.bubble(first)).to_be_attached()

    texts = alice.page.locator(".bubble .text").all_inner_texts()
    assert texts == [f"line number {n:03}" for n in range(120)]


def test_the_menu_of_a_message_stays_on_a_phones_screen(join: Join) -> None:
    alice = join("alice", **PHONE)
    alice.open("private/alice,echo")
    alice.say("long enough to reach over most of the screen's width")

    for bubble in (alice.page.locator(".mine .bubble").last, alice.page.locator(".theirs .bubble").last):
        bubble.tap()
        menu = alice.page.locator(".menu")
        expect(menu).to_be_in_viewport(ratio=1)
        alice.page.keyboard.press("Escape")
        expect(menu).to_have_count(0)


def test_a_phone_shows_one_thing_at_a_time(join: Join, tmp_path: Path) -> None:
    bob = join("bob", **PHONE)
    expect(bob.page.locator(".sidebar")).to_be_visible()
    expect(bob.page.locator("h1").first).to_be_visible()
    assert not bob.is_wider_than_screen

    bob.open("group/team")
    expect(bob.page.locator(".bubble").first).to_be_visible()
    expect(bob.page.locator(".sidebar")).to_be_hidden()
    assert not bob.is_wider_than_screen
    assert len(bob.page.screenshot(path=tmp_path / "phone.png")) > 10_000

    bob.page.go_back()
    expect(bob.page.locator(".sidebar")).to_be_visible()
    bob.open("group/team")
    bob.page.get_by_label("返回会话列表").click()
    expect(bob.page.locator(".sidebar")).to_be_visible()


def test_the_demo_shows_the_way_to_its_phone_and_its_api(window: Open, join: Join, demo: Command) -> None:
    places = window(demo.url).page.locator(".places a")
    expect(places).to_have_text(["Carol's phone", "REST API"])
    expect(join("bob").page.locator(".nothing .places a")).to_have_count(2)

    addresses = places.evaluate_all("links => links.map((link) => link.href)")
    assert [httpx.get(address, trust_env=False).status_code for address in addresses] == [200, 200]


def test_the_page_speaks_the_readers_language(window: Open, demo: Command) -> None:
    page = window(demo.url, **PHONE).page
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("body")).to_contain_text("选择账号")

    page.get_by_text("English").click()

    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("body")).to_contain_text("Continue as")
    page.reload()
    expect(page.locator("body")).to_contain_text("Continue as")


def test_signing_out_leaves_nothing_behind(join: Join) -> None:
    alice = join("alice")
    alice.open("group/team")
    expect(alice.page.locator(".bubble").first).to_be_visible()

    alice.page.locator("[data-action=sign-out]").click()

    expect(alice.page.locator(".sign-in")).to_be_visible()
    assert alice.page.evaluate("sessionStorage.length") == 0
    alice.page.wait_for_function("async () => (await indexedDB.databases()).length === 0")


def test_a_row_opens_from_the_keyboard(join: Join) -> None:
    alice = join("alice")
    row = alice.page.locator('[data-key="group/team"]')
    row.focus()

    alice.page.keyboard.press("Enter")

    expect(alice.page.locator('[data-open="group/team"]')).to_be_visible()
    expect(alice.page.locator("textarea")).to_be_focused()
    alice.page.keyboard.type("Written and sent from the keyboard")
    alice.page.keyboard.press("Enter")
    expect(alice.bubble("Written and sent from the keyboard").last).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/sandbox", "/docs"])
def test_the_places_of_the_panel_are_there(demo: Command, path: str) -> None:
    assert httpx.get(demo.url + path, trust_env=False).status_code == 200
    assert re.search(re.escape(demo.url), demo.output)
