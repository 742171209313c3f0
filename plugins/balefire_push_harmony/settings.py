"""The table ``[plugins.push-harmony]`` and the service account that comes of it."""

from collections.abc import Mapping
from typing import Final

import msgspec
from pydantic import Field

from balefire import ServiceAccountSettings

HUAWEI: Final = "https://push-api.cloud.huawei.com"
CATEGORIES: Final[Mapping[str, str]] = {"message": "IM", "call": "VOIP", "bulk": "MARKETING"}


class Config(ServiceAccountSettings):
    """The table ``[plugins.push-harmony]``: a service account from Huawei's console, as text or as a file."""

    categories: Mapping[str, str] = Field(
        CATEGORIES,
        description="Huawei's message category for a notification's category, else for its urgency (message, call, "
        "bulk); without the right to classify yourself everything is MARKETING",
    )
    click_action: str = Field("", description="the ability's action that a tap opens; empty: it opens the app")
    sounds: bool = Field(False, description="pass the notification's sound on; needs Huawei's permission")
    is_test: bool = Field(False, description="mark as test messages: ten devices a call, 1000 a day")
    longest_title: int = Field(100, ge=1, description="characters that Huawei shows of a title")
    longest_body: int = Field(500, ge=1, description="characters that Huawei shows of a body")
    endpoint: str = Field(HUAWEI, pattern="^https?://", description="where Push Kit is; the sandbox has its own")


class ServiceAccount(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of Huawei's JSON key that sending needs. ``private_key`` is secret."""

    project_id: str
    key_id: str
    private_key: str
    sub_account: str
    token_uri: str = "https://oauth-login.cloud.huawei.com/oauth2/v3/token"  # noqa: S105 - an address

    def __repr__(self) -> str:
        return f"ServiceAccount({self.sub_account!r})"
