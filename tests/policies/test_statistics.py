"""The statistics plugin: what happens appears in ``/metrics``."""

import asyncio
from pathlib import Path

from balefire.testing import Platform, start_platform


async def metrics_show(platform: Platform, line: str) -> None:
    """Wait until a line of ``/metrics`` is there."""
    async with asyncio.timeout(10):
        while line not in (text := (await platform.http.get("/metrics")).text):
            assert "balefire" in text
            await asyncio.sleep(0.02)


async def test_messages_recalls_and_presence_are_counted(tmp_path: Path) -> None:
    async with start_platform(tmp_path, plugins={"statistics": {}}) as platform:
        await platform.add_user("bob")
        alice = await platform.client("alice")

        first = await alice.send("private/bob", "one")
        await alice.send("private/bob", "two")
        await alice.recall(first.message)
        await alice.close()

        await metrics_show(platform, 'balefire_messages_total{kind="private",origin="user"} 2')
        await metrics_show(platform, 'balefire_recalls_total{kind="private"} 1')
        await metrics_show(platform, 'balefire_presence_changes_total{change="online"} 1')
        await metrics_show(platform, 'balefire_presence_changes_total{change="offline"} 1')


async def test_subscriptions_are_counted(tmp_path: Path) -> None:
    async with start_platform(tmp_path, plugins={"statistics": {}}) as platform:
        await platform.add_user("alice")
        created = await platform.http.post("/v1/channels", json={"id": "news", "name": "News", "owner": "alice"})
        assert created.is_success, created.text
        bob = {"Authorization": f"Bearer {await platform.token('bob')}"}

        begun = await platform.http.put("/v1/channels/news/subscription", headers=bob)
        ended = await platform.http.delete("/v1/channels/news/subscription", headers=bob)

        assert (begun.is_success, ended.is_success) == (True, True), (begun.text, ended.text)
        await metrics_show(platform, 'balefire_subscriptions_total{change="begun"} 1')
        await metrics_show(platform, 'balefire_subscriptions_total{change="ended"} 1')


async def test_rejected_push_tokens_are_counted_by_vendor(tmp_path: Path) -> None:
    async with start_platform(tmp_path, plugins={"statistics": {}}) as platform:
        await platform.kernel.host.hooks.on_push_rejected("bob", "apns", "Unregistered")

        await metrics_show(platform, 'balefire_push_tokens_rejected_total{vendor="apns"} 1')
