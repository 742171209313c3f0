"""The token API."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from balefire import (
    SCOPES,
    USER_ID_PATTERN,
    USER_SCOPES,
    Conflict,
    Forbidden,
    Identity,
    InvalidInput,
    NotFound,
    Operation,
    PluginContext,
    Settings,
)
from balefire_auth_tokens.signing import LONGEST_TTL_SECONDS, user_of
from balefire_auth_tokens.tokens import SignedTokens

UserId = Annotated[str, Field(pattern=USER_ID_PATTERN, description="a user id")]
MOST_REVOKED: Final = 1_000
"""Tokens that people may revoke one by one, in the time that the longest-lived is valid."""

TokenId = Annotated[str, Field(min_length=1, max_length=96, description="a token's id")]

Scope = Annotated[str, Field(json_schema_extra={"enum": [*sorted(SCOPES), "*"]})]


class TokenRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    user: UserId
    scopes: list[str] | None = Field(
        None, max_length=32, description="what it allows; as a person who signs in if left out"
    )
    ttl_seconds: int = Field(86_400, ge=1, le=LONGEST_TTL_SECONDS, description="how long it lives")
    device_id: str = Field("", max_length=64, description="the installation it is for")


class IssuedToken(BaseModel):
    """A token. It is shown once and not kept."""

    token: str
    id: str = Field(description="names it for revoking; no secret")
    user: str
    scopes: list[str]
    expires_at: int = Field(description="milliseconds since the epoch")


class TokenApi:
    """Mints and revokes over HTTP.

    People may mint for themselves what they may do themselves; a caller with ``tokens:write`` what people may do, for
    anybody; an operator everything.
    """

    def __init__(self, ctx: PluginContext[Settings], tokens: SignedTokens) -> None:
        self._ctx = ctx
        self._tokens = tokens

    def operations(self) -> list[Operation]:
        """What is registered."""
        tags = ("tokens",)
        refused = {403: "Not your token", 409: "You revoked very many; revoke all that you have instead"}
        gone = {404: "There is no such user"}
        return [
            Operation("POST", "/v1/tokens", self.create_token, None, tags, 201, {403: "Too much was asked", **gone}),
            Operation("DELETE", "/v1/tokens/{id}", self.revoke_token, None, tags, 204, refused),
            Operation(
                "POST", "/v1/users/{id}/revoke-tokens", self.revoke_user_tokens, None, tags, 204, {403: "Not you"}
            ),
        ]

    async def create_token(self, request: TokenRequest, identity: Identity) -> IssuedToken:
        """Mint a token.

        For yourself: with scopes you have, living no longer than the credential you call with. For others:
        with the scope `tokens:write` (what people may do), or `admin` (everything).
        """
        scopes = frozenset(USER_SCOPES if request.scopes is None else request.scopes)
        if unknown := scopes - SCOPES - {"*"}:
            known = ", ".join(sorted(SCOPES))
            raise InvalidInput(f"unknown scope {min(unknown)!r}; there are {known}", where="body.scopes")
        ttl_seconds = self._allowed_ttl(request, scopes, identity)
        if request.user != identity.user and not await self._ctx.directory.get([request.user]):
            raise NotFound(f"there is no user {request.user!r}", where="body.user")
        token, issued = await self._tokens.issue(
            request.user, scopes=scopes, ttl_seconds=ttl_seconds, device_id=request.device_id
        )
        return IssuedToken(
            token=token, id=issued.credential_id, user=issued.user, scopes=sorted(scopes), expires_at=issued.expires_at
        )

    async def revoke_token(self, id: TokenId, identity: Identity) -> None:
        """Revoke a token: it is refused from now on, and sessions opened with it end.

        Your own, or anybody's with the scope `tokens:write` or `admin`.
        """
        user = user_of(id)
        self._insist(identity, user)
        known = self._tokens.revoked(user)
        if id not in known and len(known) >= MOST_REVOKED and not _may_manage(identity):
            raise Conflict(f"you have revoked {MOST_REVOKED} tokens one by one; revoke all that you have instead")
        await self._tokens.revoke(id)

    async def revoke_user_tokens(self, id: UserId, identity: Identity) -> None:
        """Revoke every token a user has, and end their sessions.

        Your own, or anybody's with the scope `tokens:write` or `admin`.
        """
        self._insist(identity, id)
        await self._tokens.revoke_user(id)

    def _allowed_ttl(self, request: TokenRequest, scopes: frozenset[str], identity: Identity) -> int:
        if identity.may("admin"):
            return request.ttl_seconds
        may_grant = identity.scopes | USER_SCOPES if identity.may("tokens:write") else identity.scopes
        if beyond := scopes - may_grant:
            raise Forbidden(f"you cannot grant {min(beyond)!r}, which you do not have", where="body.scopes")
        if identity.may("tokens:write"):
            return request.ttl_seconds
        self._insist(identity, request.user)
        left_ms = identity.expires_at - self._ctx.clock.now_ms() if identity.expires_at else request.ttl_seconds * 1000
        return max(1, min(request.ttl_seconds, left_ms // 1000))

    @staticmethod
    def _insist(identity: Identity, user: str) -> None:
        if identity.user != user and not _may_manage(identity):
            raise Forbidden("this is for your own tokens; others need the scope 'tokens:write' or 'admin'")


def _may_manage(identity: Identity) -> bool:
    return identity.may("tokens:write") or identity.may("admin")
