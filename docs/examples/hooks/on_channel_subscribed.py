from balefire import Conversation, hookimpl

newcomers: list[str] = []


@hookimpl
async def on_channel_subscribed(conversation: Conversation, user: str) -> None:
    newcomers.append(f"{user} came to {conversation.key}")
