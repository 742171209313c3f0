"""Membership as plugins see it: the kernel's cache over the store, with exact invalidation."""

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from balefire_hookspecs.messages import Conversation
from balefire_hookspecs.storage import Member, Role

if TYPE_CHECKING:
    from balefire_hookspecs.sessions import Signal


class Members(Protocol):
    """Who is in which conversation. Every change is durable when it returns, is announced to the members' sessions,
    written to the event log, and takes effect for the next message."""

    def get(self, conversation: Conversation, user: str) -> Member | None | Awaitable[Member | None]:
        """The member record (removed ones included): at once when cached, otherwise an awaitable of it."""

    async def add(
        self,
        conversation: Conversation,
        users: Sequence[str],
        *,
        role: Role = "member",
        visible_from_seq: int = 0,
        by: str = "",
    ) -> Sequence[Member]:
        """Enter users; those who are in already are left as they are. Returns the new ones.

        At most 10 000 users a call. ``by`` names the operator for the event log.
        """

    async def update(
        self,
        conversation: Conversation,
        user: str,
        *,
        role: Role | None = None,
        alias: str | None = None,
        settings: dict[str, Any] | None = None,
        by: str = "",
    ) -> Member:
        """Change a member's role or alias, or merge keys into their settings (a value of None deletes the key).

        :raises NotFound: no such member.
        """

    async def remove(self, conversation: Conversation, users: Sequence[str], *, by: str = "") -> Sequence[str]:
        """Take users out; returns those who were in. Their record stays, with role "removed" and ``left_at_seq``."""

    async def list(self, conversation: Conversation, *, after: str = "", limit: int = 1000) -> Sequence[Member]:
        """One page in user-id order, without removed ones."""

    async def count(self, conversation: Conversation) -> int:
        """How many are in."""

    async def mark(self, conversation: Conversation, user: str, *, read_seq: int = 0, delivered_seq: int = 0) -> Member:
        """Advance the user's cursors and tell the sessions concerned.

        :raises NotFound: not a member.
        """

    def tell(self, signal: "Signal", conversation: Conversation) -> None:
        """Send a signal live to the members of a conversation, whichever way its kind reaches them."""
