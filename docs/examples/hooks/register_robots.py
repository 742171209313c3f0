from balefire import Chat, Robot, hookimpl


class Parrot:
    id, display_name = "parrot", "Parrot"

    async def answer(self, chat: Chat) -> None:
        await chat.reply(f"{chat.message.payload.fields['text']}!")


@hookimpl
def register_robots() -> list[Robot]:
    return [Parrot()]
