from balefire import Message, hookimpl

lengths: list[int] = []


@hookimpl
async def on_message_stored(message: Message) -> None:
    lengths.append(len(str(message.payload.fields.get("text", ""))))
