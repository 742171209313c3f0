"""The REST operations of the block list, under ``/v1/blocks``."""

from typing import Annotated

from pydantic import BaseModel, Field

from balefire import Clock, Forbidden, Identity, InvalidInput, LoadingCache, NotFound, Operation, User
from balefire_private.blocks import BlockTable

MAX_BLOCKS = 10_000

UserId = Annotated[str, Field(max_length=64)]
PageSize = Annotated[int, Field(ge=1, le=1000)]
Owner = Annotated[
    str,
    Field(
        pattern=r"^([^\s,/#\x00-\x1f\x7f]{1,64})?$",
        description="whose list, for callers with scope admin; your own if empty",
    ),
]


class BlockOut(BaseModel):
    user: str = Field(description="who is blocked")
    created_at: int = Field(description="when, in milliseconds since the epoch")


class BlockPage(BaseModel):
    items: list[BlockOut]
    next: str = Field(description="give it as `after` for the next page; empty on the last")


class BlockOperations:
    """Reads and changes block lists, and makes the next message see each change."""

    def __init__(
        self,
        table: BlockTable,
        blocks: LoadingCache[str, frozenset[str]],
        users: LoadingCache[str, User],
        clock: Clock,
    ) -> None:
        self._table = table
        self._blocks = blocks
        self._users = users
        self._clock = clock

    def operations(self) -> list[Operation]:
        tags = ("blocks",)
        return [
            Operation("GET", "/v1/blocks", self.list_blocks, "messages:read", tags=tags, errors={403: "not your list"}),
            Operation(
                "PUT",
                "/v1/blocks/{blocked}",
                self.block_user,
                "messages:write",
                tags=tags,
                status=204,
                errors={403: "not your list", 404: "no such user"},
            ),
            Operation(
                "DELETE",
                "/v1/blocks/{blocked}",
                self.unblock_user,
                "messages:write",
                tags=tags,
                status=204,
                errors={403: "not your list"},
            ),
        ]

    async def list_blocks(
        self,
        identity: Identity,
        user: Owner = "",
        after: UserId = "",
        limit: PageSize = 100,
    ) -> BlockPage:
        """Whom you have blocked, in the order of their ids."""
        found = await self._table.page(_owner(identity, user), after=after, limit=limit)
        items = [BlockOut(user=blocked, created_at=at) for blocked, at in found]
        return BlockPage(items=items, next=items[-1].user if len(items) == limit else "")

    async def block_user(self, identity: Identity, blocked: UserId, user: Owner = "") -> None:
        """Refuse private messages from a user. Blocking twice changes nothing."""
        owner = _owner(identity, user)
        if blocked == owner:
            raise InvalidInput("nobody can block themselves", where="path.blocked")
        if await self._users.fetch(blocked) is None:
            raise NotFound(f"there is no user {blocked}", where="path.blocked")
        if len((await self._table.blocked_by([owner]))[owner]) >= MAX_BLOCKS:
            raise Forbidden(f"at most {MAX_BLOCKS} users can be blocked")
        await self._table.add(owner, blocked, self._clock.now_ms())
        self._blocks.forget(owner)

    async def unblock_user(self, identity: Identity, blocked: UserId, user: Owner = "") -> None:
        """Take private messages from a user again. No error if they were not blocked."""
        owner = _owner(identity, user)
        await self._table.remove(owner, blocked)
        self._blocks.forget(owner)


def _owner(identity: Identity, user: str) -> str:
    if not user or user == identity.user:
        return identity.user
    if not identity.may("admin"):
        raise Forbidden("only callers with scope admin may change another user's list", where="query.user")
    return user
