from balefire import Notification, PushVendor, TokenRejected, hookimpl


class Pigeon:
    name = "pigeon"

    async def send(self, note: Notification) -> None:
        if note.token.startswith("flown"):
            raise TokenRejected("this pigeon does not come back")


@hookimpl
def register_push_vendors() -> list[PushVendor]:
    return [Pigeon()]
