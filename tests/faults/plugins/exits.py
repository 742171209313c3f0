"""A plugin that tries to end the process."""

import sys

from balefire import Message, hookimpl


@hookimpl
async def on_message_stored(message: Message) -> None:
    sys.exit("goodbye")
