"""Robots: accounts that a program answers for."""

from typing import Any, Protocol

from balefire_hookspecs.messages import Message, Payload


class Chat(Protocol):
    """Where a robot was spoken to. Everything sent through it is idempotent per event: a repeat after a crash
    yields the same message (I7)."""

    @property
    def message(self) -> Message:
        """What was said."""

    async def reply(self, text: str, **fields: Any) -> Message:
        """Answer with a text in the same conversation; ``fields`` are added to the payload's."""

    async def send(self, payload: Payload) -> Message:
        """Answer with any payload in the same conversation."""


class Robot(Protocol):
    """A robot and its handler.

    ``id`` is its user id: the account is created at start. In private conversations it hears everything; in groups
    what mentions it, unless ``hears_everything`` (granted by the group's owner).
    """

    id: str
    display_name: str

    async def answer(self, chat: Chat) -> None:
        """React to one message. May take as long as it likes; one call per conversation at a time, in order.

        An exception is logged with the robot's name, and the message counts as handled.
        """
