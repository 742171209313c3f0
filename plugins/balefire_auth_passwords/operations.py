"""Signing in, and setting passwords."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from balefire import (
    USER_ID_PATTERN,
    USER_SCOPES,
    BalefireError,
    Forbidden,
    Identity,
    NotFound,
    Operation,
    PluginContext,
    TokenIssuer,
)
from balefire_auth_passwords.accounts import Accounts
from balefire_auth_passwords.settings import Config

UserId = Annotated[str, Field(pattern=USER_ID_PATTERN, description="a user id")]
Password = Annotated[SecretStr, Field(min_length=1, max_length=256, description="a password")]
NewPassword = Annotated[SecretStr, Field(min_length=8, max_length=256, description="at least 8 characters")]


class LoginRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    user: UserId
    password: Password
    device_id: str = Field("", max_length=64, description="the installation that signs in; stays the same over time")


class SignedIn(BaseModel):
    """A token for the client protocol and for this API."""

    token: str
    user: str
    display_name: str
    expires_at: int = Field(description="milliseconds since the epoch")


class PasswordRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    user: UserId
    password: NewPassword


class ChangeRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    old_password: Password
    new_password: NewPassword


class PasswordApi:
    """Operations on passwords."""

    def __init__(self, ctx: PluginContext[Config], accounts: Accounts) -> None:
        self._ctx = ctx
        self._accounts = accounts

    def operations(self) -> list[Operation]:
        """What is registered."""
        tags = ("sign-in",)
        gone = {404: "There is no such user"}
        wrong = {401: "User or password is wrong", 403: "The user is banned"}
        return [
            Operation("POST", "/v1/login", self.sign_in, None, tags, 200, wrong, rate="login"),
            Operation("POST", "/v1/passwords", self.set_password, "admin", tags, 204, gone),
            Operation("POST", "/v1/passwords/me", self.change_password, None, tags, 204, rate="login"),
        ]

    async def sign_in(self, request: LoginRequest) -> SignedIn:
        """Sign in with a password.

        The token it gives is for the client protocol and for this API. After five wrong passwords for one user, each
        further try has to wait a minute.
        """
        await self._accounts.check(request.user, request.password.get_secret_value())
        profile = (await self._ctx.directory.get([request.user])).get(request.user)
        if profile is not None and profile.is_banned:
            raise Forbidden("this account is banned")
        token, identity = await self._issuer().issue(
            request.user, scopes=USER_SCOPES, ttl_seconds=self._ctx.config.ttl_seconds, device_id=request.device_id
        )
        name = profile.display_name if profile is not None else ""
        return SignedIn(
            token=token, user=request.user, display_name=name or request.user, expires_at=identity.expires_at
        )

    async def set_password(self, request: PasswordRequest) -> None:
        """Set a user's password. Their tokens are revoked: whoever knew the old one is out."""
        if not await self._ctx.directory.get([request.user]):
            raise NotFound(f"there is no user {request.user!r}", where="body.user")
        await self._accounts.put(request.user, request.password.get_secret_value())
        await self._issuer().revoke_user(request.user)

    async def change_password(self, request: ChangeRequest, identity: Identity) -> None:
        """Change your own password. Your tokens are revoked; sign in again."""
        await self._accounts.check(identity.user, request.old_password.get_secret_value())
        await self._accounts.put(identity.user, request.new_password.get_secret_value())
        await self._issuer().revoke_user(identity.user)

    def _issuer(self) -> TokenIssuer:
        issuers = self._ctx.providers.token_issuers
        name = self._ctx.config.issuer or next(iter(issuers), "")
        if name not in issuers:
            known = ", ".join(issuers) or "none"
            raise BalefireError(f"no plugin issues tokens as {name!r}; there are {known}")
        return issuers[name]
