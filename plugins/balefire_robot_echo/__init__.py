"""A robot in a few lines: says back what it hears, and answers "help" and "帮助"."""

from balefire import Chat, Manifest, PluginContext, Robot, Settings, hookimpl

HELP = "Say anything and I say it back. In a group, mention me: @echo hello"
HELP_ZH = "对我说什么，我就回什么。在群里请提到我：@echo 你好"


class Echo:
    """Implements ``Robot``: an id, a name, and an answer."""

    id = "echo"
    display_name = "Echo 回声"

    async def answer(self, chat: Chat) -> None:
        """Say it back; anything but text is met with the help."""
        text = str(chat.message.payload.fields.get("text", "")).removeprefix(f"@{self.id}").strip()
        if text in ("帮助", "?", "？"):
            await chat.reply(HELP_ZH)
        elif text.lower() in ("help", ""):
            await chat.reply(HELP)
        else:
            await chat.reply(text)


class Plugin:
    """Hands the robot over; the platform makes its account and brings it the messages."""

    @hookimpl
    def describe(self) -> Manifest:
        """Say what this is."""
        return Manifest(summary="The robot echo, an example", summary_zh="示例机器人：回声")

    @hookimpl
    def register_robots(self, ctx: PluginContext[Settings]) -> list[Robot]:
        """One robot."""
        return [Echo()]
