"""The table ``[plugins.push-fcm]`` and the service account that comes of it."""

from typing import Final

import msgspec
from pydantic import Field

from balefire import ServiceAccountSettings

GOOGLE: Final = "https://fcm.googleapis.com"


class Config(ServiceAccountSettings):
    """The table ``[plugins.push-fcm]``: a service account from Firebase's console, as text or as a file."""

    channel: str = Field("", max_length=128, description="the app's notification channel; Android's default if empty")
    endpoint: str = Field(GOOGLE, pattern="^https?://", description="where FCM is; the sandbox has its own")


class ServiceAccount(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of Google's JSON key that sending needs. ``private_key`` is secret."""

    project_id: str
    client_email: str
    private_key: str
    private_key_id: str
    token_uri: str

    def __repr__(self) -> str:
        return f"ServiceAccount({self.client_email!r})"
