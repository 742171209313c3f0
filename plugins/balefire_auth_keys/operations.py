"""The API of API keys: for operators."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from balefire import SCOPES, USER_ID_PATTERN, InvalidInput, Operation, PluginContext, Settings
from balefire_auth_keys.keys import ApiKey, ApiKeys

KeyId = Annotated[str, Field(pattern="^[a-z0-9]{1,16}$", description="a key's id")]

Scope = Annotated[str, Field(json_schema_extra={"enum": [*sorted(SCOPES), "*"]})]


class KeyRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    label: str = Field(min_length=1, max_length=200, description="what it is for")
    user: str = Field("operator", pattern=USER_ID_PATTERN, description="in whose name it acts")
    scopes: list[Scope] = Field(min_length=1, max_length=32, description="what it allows")
    ttl_seconds: int = Field(0, ge=0, le=10 * 366 * 86_400, description="how long it lives; 0 for ever")


class KeyView(BaseModel):
    """What is known of a key. Times are milliseconds since the epoch, 0 for never."""

    id: str
    user: str
    label: str
    scopes: list[str]
    created_at: int
    last_used_at: int
    expires_at: int
    revoked_at: int


class NewKey(KeyView):
    """A new key; ``key`` is shown once and not kept."""

    key: str


class KeyList(BaseModel):
    """Every key, the oldest first."""

    items: list[KeyView]


class KeyApi:
    """Operations on API keys."""

    def __init__(self, ctx: PluginContext[Settings], keys: ApiKeys) -> None:
        self._ctx = ctx
        self._keys = keys

    def operations(self) -> list[Operation]:
        """What is registered."""
        tags = ("keys",)
        return [
            Operation("GET", "/v1/keys", self.list_keys, "admin", tags),
            Operation("POST", "/v1/keys", self.create_key, "admin", tags, 201),
            Operation("DELETE", "/v1/keys/{id}", self.revoke_key, "admin", tags, 204, {404: "There is no such key"}),
        ]

    async def list_keys(self) -> KeyList:
        """List the API keys, without their secrets."""
        return KeyList(items=[KeyView(**_view(key)) for key in await self._keys.list()])

    async def create_key(self, request: KeyRequest) -> NewKey:
        """Make an API key. Its text is in the answer and nowhere else."""
        scopes = frozenset(request.scopes)
        if unknown := scopes - SCOPES - {"*"}:
            raise InvalidInput(
                f"unknown scope {min(unknown)!r}; there are {', '.join(sorted(SCOPES))}", where="body.scopes"
            )
        now = self._ctx.clock.now_ms()
        expires_at = now + request.ttl_seconds * 1000 if request.ttl_seconds else 0
        text, key = await self._keys.make(user=request.user, label=request.label, scopes=scopes, expires_at=expires_at)
        return NewKey(key=text, **_view(key))

    async def revoke_key(self, id: KeyId) -> None:
        """Revoke an API key; sessions opened with it end."""
        await self._keys.revoke(id)


def _view(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "user": key.user,
        "label": key.label,
        "scopes": sorted(key.scopes),
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    }
