"""The robot Acme."""

from pydantic import Field

from balefire import Chat, Manifest, PluginContext, Robot, Settings, hookimpl


class Config(Settings):
    """The table ``[plugins.robot-acme]``."""

    greeting: str = Field("Hello", description="how it greets people")


class Acme:
    """Answers whoever speaks to it: in private everything, in groups what mentions it."""

    id = "acme"
    display_name = "Acme"

    def __init__(self, config: Config) -> None:
        self._config = config

    async def answer(self, chat: Chat) -> None:
        """React to one message. It may take as long as it likes, and what it sends survives a crash exactly once."""
        said = str(chat.message.payload.fields.get("text", ""))
        await chat.reply(f"{self._config.greeting}, {chat.message.sender}! You said: {said}")


class Plugin:
    """Hands the robot over; the platform makes its account and brings it the messages."""

    @hookimpl
    def describe(self) -> Manifest:
        """Say what this plugin is and how it is configured."""
        return Manifest(summary="The robot Acme", summary_zh="机器人 Acme", config=Config)

    @hookimpl
    def register_robots(self, ctx: PluginContext[Config]) -> list[Robot]:
        """One robot."""
        return [Acme(ctx.config)]
