"""Which robots hear a message. Asked for every message of the platform, so the answer is a few look-ups.

A robot hears: everything in its private conversations; in groups what mentions it by name (a mention of everybody is
not meant for robots), or everything where the group's owner granted that; in channels that it owns or manages, what
followers write to the channel. It never hears itself, and messages of robots only for a few turns.
"""

from collections.abc import Iterable

from balefire import Conversation, Member, Message
from balefire_robots.hops import hops_of

HEARS_EVERYTHING = "hears_everything"
"""The member setting by which a group's owner lets a robot hear what is not addressed to it."""


class Listeners:
    """The places where robots listen, kept in memory."""

    def __init__(self, max_hops: int) -> None:
        self.max_hops = max_hops
        self.robots: frozenset[str] = frozenset()
        self.loops_cut = 0
        self._groups: dict[str, tuple[str, ...]] = {}
        self._channels: dict[str, tuple[str, ...]] = {}

    def place(self, conversation: Conversation, robot: str, member: Member | None) -> None:
        """Note what a robot hears in a group or channel now that its member record is this."""
        if conversation.kind == "channel":
            places, hears = self._channels, member is not None and member.role in ("owner", "manager")
        else:
            places = self._groups
            hears = member is not None and member.role != "removed" and bool(member.settings.get(HEARS_EVERYTHING))
        others = tuple(other for other in places.get(conversation.target, ()) if other != robot)
        if hears or others:
            places[conversation.target] = (*others, robot) if hears else others
        else:
            places.pop(conversation.target, None)

    def addressed(self, message: Message) -> Iterable[str]:
        """The robots that hear this message, membership not yet checked. Under a microsecond for most messages."""
        conversation = message.conversation
        if conversation.kind == "private":
            one, _, other = conversation.target.partition(",")
            if one not in self.robots and other not in self.robots:
                return ()
            hearing: Iterable[str] = (one, other)
        elif conversation.kind == "channel":
            channel, comma, _ = conversation.target.partition(",")
            if not comma or channel not in self._channels:
                return ()
            hearing = self._channels[channel]
        else:
            everything = self._groups.get(conversation.target, ())
            if not everything and self.robots.isdisjoint(message.payload.mentions):
                return ()
            hearing = dict.fromkeys((*everything, *message.payload.mentions))
        return self._narrow(message, hearing)

    def _narrow(self, message: Message, hearing: Iterable[str]) -> list[str]:
        robots = [r for r in hearing if r in self.robots and r != message.sender and message.is_for(r)]
        if robots and hops_of(message) >= self.max_hops:
            self.loops_cut += 1
            return []
        return robots
