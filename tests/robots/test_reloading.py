"""Reloading plugins while robots and hooks are at work."""

from pathlib import Path

from tests.robots.hearing import Listener, RobotPlugin, at_work, echo, next_message
from tests.robots.hooking import make_hook, make_places, post

from balefire.testing import start_platform


async def test_a_reloaded_robot_goes_on_answering(tmp_path: Path) -> None:
    async with start_platform(tmp_path, plugins={"robot-echo": {}}) as platform:
        await at_work(platform, "echo")
        alice = await platform.client("alice")

        await platform.kernel.reload_plugin("robot-echo")
        await alice.send("private/echo", "still there?")

        assert (await next_message(alice)).text == "still there?"


async def test_the_runtime_itself_can_be_reloaded(tmp_path: Path) -> None:
    async with start_platform(tmp_path, extra={"bots": RobotPlugin(Listener("bot", echo))}) as platform:
        await at_work(platform, "bot")
        alice = await platform.client("alice")
        await alice.send("private/bot", "one")
        before = (await next_message(alice)).text

        await platform.kernel.reload_plugin("robots")
        await alice.send("private/bot", "two")

        assert (before, (await next_message(alice)).text) == ("you said one", "you said two")


async def test_hooks_stay_when_their_plugin_is_reloaded(tmp_path: Path) -> None:
    async with start_platform(tmp_path) as platform:
        await make_places(platform)
        hook = await make_hook(platform)

        await platform.kernel.reload_plugin("incoming-hooks")

        assert (await post(platform, hook, {"text": "x"})).status_code == 200
