"""A channel's record and the refusals that are about channels."""

from typing import Any, Final

import msgspec

from balefire import Conflict, Conversation, Forbidden, NotFound

KIND: Final = "channel"
MAX_PUBLISHERS: Final = 100


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a channel. Its subscribers are member records of the conversation ``channel/<id>``.

    ``is_private``: not found by searching, and only entered by operators. ``is_global``: every account receives it,
    there are no subscriptions. ``accepts_unsubscribed``: writes to and hears from people who do not subscribe.
    ``may_enrol``: owner and publishers may subscribe others. ``shows_history``: new subscribers may read older posts.
    Times are milliseconds since the epoch.
    """

    id: str
    name: str = ""
    portrait: str = ""
    description: str = ""
    extra: dict[str, Any] = {}
    owner: str = ""
    publishers: tuple[str, ...] = ()
    is_private: bool = False
    is_global: bool = False
    accepts_unsubscribed: bool = False
    may_enrol: bool = False
    shows_history: bool = False
    is_closed: bool = False
    created_at: int = 0
    updated_at: int = 0

    @property
    def conversation(self) -> Conversation:
        return Conversation(KIND, self.id)

    @property
    def staff(self) -> tuple[str, ...]:
        """Who speaks for the channel: the owner and the publishers."""
        return (self.owner, *self.publishers)

    def is_staff(self, user: str) -> bool:
        return user == self.owner or user in self.publishers


class NoSuchChannel(NotFound):
    """The channel never existed, was closed, or is not for the caller to know."""

    code = "no_such_channel"


class NotStaff(Forbidden):
    """Only the channel's owner, or its publishers, may do this."""

    code = "not_staff"


class NoSubscriptions(Conflict):
    """A global channel reaches everyone; nobody subscribes to it."""

    code = "no_subscriptions"
