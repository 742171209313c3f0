"""The table ``[plugins.push-fcm]`` and the service account that comes of it."""

import json
from pathlib import Path
from typing import ClassVar, Final

import msgspec
from pydantic import Field, SecretStr

from balefire import Misconfigured, VendorSettings

GOOGLE: Final = "https://fcm.googleapis.com"


class Config(VendorSettings):
    """The table ``[plugins.push-fcm]``: a service account from Firebase's console, as text or as a file."""

    needed: ClassVar[tuple[str, ...]] = ("service_account",)

    service_account: SecretStr = Field(SecretStr(""), description="the service account's JSON key, or use its file")
    service_account_file: Path | None = Field(None, description="path of the service account's JSON key")
    channel: str = Field("", max_length=128, description="the app's notification channel; Android's default if empty")
    endpoint: str = Field(GOOGLE, pattern="^https?://", description="where FCM is; the sandbox has its own")

    @property
    def has_account(self) -> bool:
        """A file will do too."""
        return super().has_account or self.service_account_file is not None


class ServiceAccount(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of Google's JSON key that sending needs. ``private_key`` is secret."""

    project_id: str
    client_email: str
    private_key: str
    private_key_id: str
    token_uri: str

    def __repr__(self) -> str:
        return f"ServiceAccount({self.client_email!r})"


def read_service_account(config: Config) -> ServiceAccount:
    """The service account of these settings.

    :raises Misconfigured: it is not there, or not a service account's key.
    """
    text = config.service_account.get_secret_value()
    if config.service_account_file is not None:
        try:
            text = config.service_account_file.read_text()
        except (OSError, UnicodeDecodeError):
            raise Misconfigured("plugins.push-fcm.service_account_file: cannot be read") from None
    try:
        return msgspec.convert(json.loads(text), ServiceAccount)
    except (ValueError, RecursionError):
        raise Misconfigured(
            "plugins.push-fcm.service_account: not the JSON key of a service account; make one in Firebase's console "
            "under project settings, service accounts"
        ) from None
