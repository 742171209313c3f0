"""Who is asking: users, devices, identities, and the providers that know them."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Final, Literal, Protocol

import msgspec

USER_ID_PATTERN: Final = r"^[^\s,/#\x00-\x1f\x7f]{1,64}$"
"""What a user, group or channel id looks like: 1 to 64 characters, no white space, comma, slash or number sign."""

USER_SCOPES: Final = frozenset(
    {"messages:read", "messages:write", "users:read", "groups:write", "channels:write", "devices:write"}
)
"""What a person who signed in may do, unless told otherwise."""

SCOPES: Final = USER_SCOPES | {"users:write", "robots:write", "hooks:write", "push:write", "tokens:write", "admin"}
"""Every scope there is; ``admin`` and ``*`` include the others."""

UserKind = Literal["person", "robot", "device"]


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person, robot or device account. ``language`` is a BCP 47 tag, ``timezone`` an IANA name ("" = unknown)."""

    id: str
    display_name: str = ""
    portrait: str = ""
    kind: UserKind = "person"
    language: str = ""
    timezone: str = ""
    is_banned: bool = False
    extra: dict[str, Any] = {}
    updated_at: int = 0


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """The result of authentication: who is calling and what they may do.

    ``scopes`` are ``area:action`` names (``messages:write``); ``*`` grants all. ``expires_at`` is in milliseconds
    since the epoch, 0 for never; a gateway ends the session then. ``credential_id`` names the token or key for the
    audit log and for revocation; it is not a secret.
    """

    user: str
    scopes: frozenset[str] = frozenset()
    device_id: str = ""
    expires_at: int = 0
    credential_id: str = ""

    def may(self, scope: str) -> bool:
        return "*" in self.scopes or scope in self.scopes


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """An installation of a client program: a platform and perhaps a push token.

    ``vendor`` names the push vendor ("apns"), ``app`` the application package or bundle id, ``environment`` the
    vendor's environment ("production", "sandbox"). ``token`` rings, ``voip_token`` rings calls; both are secrets:
    never log them. ``last_seen_at`` and ``registered_at`` are milliseconds since the epoch.
    """

    user: str
    id: str
    platform: str = ""
    vendor: str = ""
    token: str = ""
    voip_token: str = ""
    app: str = ""
    environment: str = ""
    language: str = ""
    timezone: str = ""
    last_seen_at: int = 0
    registered_at: int = 0


class Authenticator(Protocol):
    """Turns credentials into an identity. Called concurrently; must answer within a second.

    All authenticators are asked in configuration order; ``None`` means "not my kind of credential".
    """

    name: str

    def authenticate(self, credential: str) -> Identity | None | Awaitable[Identity | None]:
        """Check one bearer credential.

        :param credential: the text after ``Bearer``; at most 4 KiB, otherwise arbitrary bytes from outside.
        :returns: the identity, or ``None`` if this authenticator does not know this sort of credential.
        :raises Unauthenticated: it is this sort, but wrong, expired or revoked.
        """


class TokenIssuer(Protocol):
    """Mints and revokes credentials for users, for log-in plugins and the token API."""

    name: str

    async def issue(
        self, user: str, *, scopes: frozenset[str], ttl_seconds: int, device_id: str = ""
    ) -> tuple[str, Identity]:
        """Return a new credential (shown once, never stored in clear) and the identity it stands for."""

    async def revoke(self, credential_id: str) -> None:
        """Refuse this credential from now on, also after a restart. Unknown ids are no error."""

    async def revoke_user(self, user: str) -> None:
        """Refuse every credential issued to this user up to now."""


class Directory(Protocol):
    """Knows user profiles: hosted here, or in the customer's own system. Called concurrently."""

    name: str

    async def get(self, user_ids: Sequence[str]) -> Mapping[str, User]:
        """The users that exist, by id; unknown ids are left out. At most 500 ids a call."""

    async def put(self, user: User) -> User:
        """Create or replace a profile; returns it with ``updated_at`` set.

        :raises Forbidden: this directory is read only.
        """

    async def search(self, text: str, *, after: str = "", limit: int = 50) -> Sequence[User]:
        """Users whose id or display name contains ``text`` (case-insensitive), in id order after ``after``."""
