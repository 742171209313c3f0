"""Keys of what robots say, and how far a message is from a person.

A robot's answer carries in its client message id which event it answers, and how many robots have spoken since a
person did. Repeating a delivery therefore repeats the key (the message is stored once), and two robots that answer
each other are cut off after a few turns.
"""

from typing import Final

from balefire import Message

PREFIX: Final = "robot:"


def answer_key(event_id: int, *, hops: int, round_: int, index: int) -> str:
    """The client message id of the ``index``-th answer to an event; the sender makes it unique to the robot."""
    return f"{PREFIX}{event_id}:{hops}:{round_}.{index}"


def hops_of(message: Message) -> int:
    """How many robots have spoken since a person or the outside world did; 0 for a person's own message."""
    if message.origin != "robot" or not message.client_message_id.startswith(PREFIX):
        return 0
    hops = message.client_message_id.split(":")[2:3]
    return int(hops[0]) if hops and hops[0].isdecimal() else 0
