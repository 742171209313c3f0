from balefire import Conversation, hookimpl

leavers: list[str] = []


@hookimpl
async def on_channel_unsubscribed(conversation: Conversation, user: str) -> None:
    leavers.append(f"{user} left {conversation.key}")
