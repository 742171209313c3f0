from balefire import hookimpl

online: set[str] = set()


@hookimpl
async def on_presence_changed(user: str, is_online: bool) -> None:
    (online.add if is_online else online.discard)(user)
