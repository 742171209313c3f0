"""The server goes away and comes back; the page notices, says so, and misses nothing."""

import socket
from pathlib import Path

import httpx
from playwright.sync_api import expect
from tests.end_to_end.conftest import Open
from tests.end_to_end.running import Command, run_demo
from tests.end_to_end.test_chat_page import ALICE_AND_BOB, send_as


def test_the_page_catches_up_after_a_restart_of_the_server(window: Open, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with run_demo(folder) as first:
        port, address = first.port, f"{first.url}/?as=alice"
        alice = window(address)
        alice.open(ALICE_AND_BOB)
        alice.say("Before the restart")
        expect(alice.bubble("Before the restart").locator(".progress")).to_have_attribute("aria-label", "Sent")
    assert first.exit_code == 0
    expect(alice.page.locator(".banner")).to_contain_text("Connection lost")
    alice.say("Written while the server is away")
    expect(alice.bubble("Written while").locator(".progress")).to_have_attribute("aria-label", "Sending")

    with run_demo(folder, port=port) as second:
        send_as(second, "bob", ALICE_AND_BOB, "Said while alice was away")

        expect(alice.bubble("Said while alice was away")).to_be_visible(timeout=60_000)
        expect(alice.page.locator(".banner")).to_have_count(0)
        expect(alice.bubble("Written while").locator(".progress")).to_have_attribute("aria-label", "Sent")
        alice.page.reload()
        expect(alice.bubble("Said while alice was away")).to_have_count(1)
        expect(alice.bubble("Written while the server is away")).to_have_count(1)
        expect(alice.bubble("Before the restart")).to_have_count(1)
    # Chromium has several names for a server that is away.
    alice.complaints[:] = [text for text in alice.complaints if "Error in connection establishment" not in text]


def test_a_taken_port_is_said_and_another_one_offered(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = Command("demo", "--port", port, "--folder", str(tmp_path))

        try:
            command.__enter__()
        except RuntimeError as refused:
            told = str(refused)
        else:
            raise AssertionError("it started on a port that is taken")

    assert f"port {port} is taken" in told
    assert "--port" in told
    assert "已被占用" in told


def test_the_second_run_goes_on_with_the_same_data(tmp_path: Path) -> None:
    for _ in range(2):
        with run_demo(tmp_path / "demo") as demo:
            token = httpx.post(f"{demo.url}/demo/accounts/alice/token", trust_env=False).json()["token"]
            answer = httpx.get(
                f"{demo.url}/v1/conversations/{ALICE_AND_BOB}/messages",
                headers={"Authorization": f"Bearer {token}"},
                trust_env=False,
            )
            texts = [message["fields"]["text"] for message in answer.json()["items"]]
        assert len([text for text in texts if text.startswith("Hi Alice")]) == 1
        assert demo.exit_code == 0
        assert "Traceback" not in demo.output
