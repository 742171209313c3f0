"""Unread figures and the list: right whoever reads, recalls or writes, and wherever."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from playwright.sync_api import Page, expect
from tests.end_to_end.conftest import Open, Window
from tests.end_to_end.running import Command
from tests.end_to_end.test_chat_page import ALICE_AND_BOB, send_as, token_of

from balefire.client import Client

Join = Callable[..., Window]


def elsewhere(demo: Command, user: str, work: Callable[[Client], Any]) -> None:
    """Somebody does something with another client."""

    async def run() -> None:
        async with Client(demo.url, token_of(demo, user)) as client:
            await work(client)

    with ThreadPoolExecutor(1) as thread:  # the browser's own loop runs in this thread
        thread.submit(asyncio.run, run()).result()


def unread(page: Page, conversation: str) -> Any:
    return page.locator(f'[data-key="{conversation}"] .unread')


def test_what_was_read_in_one_window_is_read_in_the_other(join: Join, demo: Command) -> None:
    first, second = join("dave"), join("dave")
    send_as(demo, "carol", "private/dave", "one", "two")
    expect(unread(first.page, "private/carol,dave")).to_have_text("2")
    expect(unread(second.page, "private/carol,dave")).to_have_text("2")

    first.open("private/carol,dave")

    expect(unread(second.page, "private/carol,dave")).to_have_count(0)
    send_as(demo, "carol", "private/dave", "three")
    expect(first.bubble("three")).to_be_visible()
    expect(unread(second.page, "private/carol,dave")).to_have_count(0)


def test_a_recalled_message_leaves_the_figure_of_the_others_alone(join: Join, demo: Command) -> None:
    async def write_and_recall(client: Client) -> None:
        sent = [await client.send("private/dave", text) for text in ("stays", "goes", "stays too")]
        await client.recall(sent[1].message)

    elsewhere(demo, "bob", write_and_recall)
    dave = join("dave")  # has the figures from the list, and none of the messages
    before = unread(dave.page, "private/bob,dave").inner_text()

    async def recall_another(client: Client) -> None:
        sent = await client.send("private/dave", "goes too")
        await client.recall(sent.message)

    elsewhere(demo, "bob", recall_another)

    expect(dave.page.locator('[data-key="private/bob,dave"] .row-digest')).to_contain_text("took a message back")
    expect(unread(dave.page, "private/bob,dave")).to_have_text(str(int(before) + 1))
    dave.page.reload()
    expect(unread(dave.page, "private/bob,dave")).to_have_text(str(int(before) + 1))


def test_the_list_shows_the_newest_message_though_this_computers_clock_is_ahead(window: Open, demo: Command) -> None:
    alice = window(f"{demo.url}/sandbox")
    alice.page.add_init_script("const now = Date.now; Date.now = () => now() + 3600000;")
    alice.page.goto(f"{demo.url}/?as=alice")
    alice.open(ALICE_AND_BOB)
    alice.say("from the future")
    expect(alice.bubble("from the future").locator(".progress")).to_have_attribute("aria-label", "Sent")

    send_as(demo, "bob", ALICE_AND_BOB, "from now")

    expect(alice.page.locator(f'[data-key="{ALICE_AND_BOB}"] .row-digest')).to_have_text("from now")


def test_what_was_not_sent_survives_the_end_of_a_session(join: Join, demo: Command) -> None:
    alice = join("alice")
    alice.page.evaluate(
        """() => {
        const message = {id: "kept-1", from: "alice", in: "private/alice,bob", at: 1, seq: 0, type: "text"};
        sessionStorage.setItem("balefire-outbox", JSON.stringify([{...message, fields: {text: "written too late"}}]));
        sessionStorage.setItem("balefire-session", JSON.stringify({user: "alice", token: "expired"}));
        }"""
    )
    alice.page.goto(demo.url)
    expect(alice.page.locator("[role=alert]")).to_contain_text("Your session ended")

    alice.page.locator("[data-account=alice]").click()
    alice.open(ALICE_AND_BOB)

    expect(alice.bubble("written too late").locator(".progress")).to_have_attribute("aria-label", "Sent")
    alice.complaints[:] = [text for text in alice.complaints if "401" not in text]  # the browser notes them by itself


def test_an_address_that_leads_nowhere_leaves_no_conversation_behind(join: Join, demo: Command) -> None:
    alice = join("alice")

    for place in ("group/not-hers", "%", "nonsense"):
        alice.page.goto(f"{demo.url}/?as=alice#/{place}")
        expect(alice.page.locator(".nothing")).to_be_visible()
        expect(alice.page.locator(".row").first).to_be_visible()
        expect(alice.page.locator('[data-key="group/not-hers"]')).to_have_count(0)
    alice.complaints[:] = [text for text in alice.complaints if "403" not in text and "404" not in text]


def test_who_signs_in_next_does_not_see_where_the_last_one_was(join: Join, demo: Command) -> None:
    alice = join("alice")
    alice.open(ALICE_AND_BOB)

    alice.page.locator("[data-action=sign-out]").click()
    alice.page.locator("[data-account=dave]").click()

    expect(alice.page.locator(".who")).to_have_text("Dave")
    expect(alice.page.locator(".nothing")).to_be_visible()
    alice.page.goto(f"{demo.url}/?as=dave#/{ALICE_AND_BOB}")
    expect(alice.page.locator(".nothing")).to_be_visible()
    assert alice.page.locator(f'[data-key="{ALICE_AND_BOB}"]').count() == 0


def test_code_is_set_as_code_and_each_script_runs_its_own_way(join: Join, demo: Command) -> None:
    alice = join("alice")
    alice.open(ALICE_AND_BOB)

    send_as(demo, "bob", ALICE_AND_BOB, "look:\n```python\nif x < 1:\n    <b>y</b>\n```\nand `z`", "مرحبا")

    block = alice.bubble("look:").locator("code.block")
    expect(block).to_have_text("if x < 1:\n    <b>y</b>", use_inner_text=True)
    expect(alice.bubble("look:").locator("code")).to_have_count(2)
    expect(alice.bubble("مرحبا").locator(".text")).to_have_css("unicode-bidi", "plaintext")
