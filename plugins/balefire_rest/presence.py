"""Who is here, over REST."""

from typing import Annotated

from pydantic import BaseModel, Field

from balefire import Operation, PluginContext, Settings
from balefire_rest.fields import UserId


class PresenceView(BaseModel):
    """Whether a user has a live session on this node, and from where."""

    user: str
    is_online: bool
    platforms: list[str]


class PresenceList(BaseModel):
    items: list[PresenceView]


class PresenceApi:
    """Operations on live sessions."""

    def __init__(self, ctx: PluginContext[Settings]) -> None:
        self._ctx = ctx

    def operations(self) -> list[Operation]:
        """What is registered."""
        tags = ("sessions",)
        return [
            Operation("GET", "/v1/presence", self.get_presence, "users:read", tags),
            Operation("DELETE", "/v1/users/{id}/sessions", self.end_sessions, "admin", tags, 204),
        ]

    async def get_presence(self, users: Annotated[list[UserId], Field(min_length=1, max_length=500)]) -> PresenceList:
        """Who of these users is online. Repeat `users` for each."""
        sessions = self._ctx.sessions
        return PresenceList(
            items=[
                PresenceView(user=user, is_online=sessions.is_online(user), platforms=list(sessions.platforms(user)))
                for user in dict.fromkeys(users)
            ]
        )

    async def end_sessions(self, id: UserId) -> None:
        """End a user's live sessions. Their tokens stay valid, so clients may come back."""
        self._ctx.sessions.disconnect(id, "disconnected", "an operator ended this session")
