from collections import Counter

from balefire import Message, hookimpl

regrets: Counter[str] = Counter()


@hookimpl
async def on_message_recalled(message: Message, by: str) -> None:
    regrets[message.conversation.kind] += 1
