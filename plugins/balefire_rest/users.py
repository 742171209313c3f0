"""User profiles over REST."""

from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from balefire import Identity, NotFound, Operation, PluginContext, Settings, User, UserKind
from balefire_rest.fields import After, Cursor, Limit, UserId

Name = Annotated[str, Field(max_length=200)]
Address = Annotated[str, Field(max_length=2000)]
Tag = Annotated[str, Field(max_length=64)]


class Profile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    display_name: Name = ""
    portrait: Address = Field("", description="address of a picture")
    kind: UserKind = "person"
    language: Tag = Field("", description="BCP 47: zh-CN, en")
    timezone: Tag = Field("", description="IANA name: Asia/Shanghai")
    is_banned: bool = Field(
        False,
        description="may not sign in or speak; banning revokes every token, and API keys without admin stop working",
    )
    extra: dict[str, Any] = Field({}, description="anything an application keeps with its users")


class ProfileChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    display_name: Name | None = None
    portrait: Address | None = None
    language: Tag | None = None
    timezone: Tag | None = None


class UserView(Profile):
    """A user as others see them."""

    model_config = ConfigDict(extra="ignore")

    id: str
    updated_at: int = Field(description="milliseconds since the epoch")


class UserPage(Cursor):
    items: list[UserView]


class UserApi:
    """Operations on users."""

    def __init__(self, ctx: PluginContext[Settings]) -> None:
        self._ctx = ctx

    def operations(self) -> list[Operation]:
        """What is registered."""
        tags, gone = ("users",), {404: "There is no such user"}
        return [
            Operation("GET", "/v1/users/me", self.get_me, None, tags, errors=gone),
            Operation("PATCH", "/v1/users/me", self.change_me, None, tags, errors=gone),
            Operation("GET", "/v1/users", self.search_users, "users:read", tags),
            Operation("GET", "/v1/users/{id}", self.get_user, "users:read", tags, errors=gone),
            Operation("PUT", "/v1/users/{id}", self.put_user, "users:write", tags),
        ]

    async def get_me(self, identity: Identity) -> UserView:
        """Your own profile."""
        return user_view(await self._get(identity.user))

    async def change_me(self, request: ProfileChange, identity: Identity) -> UserView:
        """Change your own profile. What you leave out stays."""
        profile = await self._get(identity.user)
        changes = request.model_dump(exclude_none=True)
        return user_view(await self._ctx.directory.put(msgspec.structs.replace(profile, **changes)))

    async def search_users(
        self, q: Annotated[str, Field(max_length=100)] = "", after: After = "", limit: Limit = 50
    ) -> UserPage:
        """Find users whose id or name contains `q`, in the order of their ids. Without `q`: everybody."""
        found = await self._ctx.directory.search(q, after=after, limit=limit)
        return UserPage(items=[user_view(user) for user in found], next=found[-1].id if len(found) == limit else "")

    async def get_user(self, id: UserId) -> UserView:
        """A user's profile."""
        return user_view(await self._get(id))

    async def put_user(self, id: UserId, request: Profile) -> UserView:
        """Create a user, or replace their profile. Banning somebody revokes their tokens and ends their sessions."""
        stored = await self._ctx.directory.put(User(id=id, **request.model_dump()))
        if stored.is_banned:
            for issuer in self._ctx.providers.token_issuers.values():
                await issuer.revoke_user(id)
            self._ctx.sessions.disconnect(id, "banned", "this account is banned")
        return user_view(stored)

    async def _get(self, user: str) -> User:
        found = (await self._ctx.directory.get([user])).get(user)
        if found is None:
            raise NotFound(f"there is no user {user!r}")
        return found


def user_view(user: User) -> UserView:
    """A profile as the API shows it."""
    return UserView(**msgspec.structs.asdict(user))
