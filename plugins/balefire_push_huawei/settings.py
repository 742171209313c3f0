"""The table ``[plugins.push-huawei]``."""

from collections.abc import Mapping
from typing import ClassVar, Final

from pydantic import Field, SecretStr

from balefire import VendorSettings

HUAWEI: Final = "https://push-api.cloud.huawei.com"
TOKENS: Final = "https://oauth-login.cloud.huawei.com/oauth2/v3/token"
CATEGORIES: Final[Mapping[str, str]] = {"message": "IM", "call": "VOIP", "bulk": "MARKETING"}


class Config(VendorSettings):
    """The table ``[plugins.push-huawei]``: an app of AppGallery Connect, or a project of it."""

    needed: ClassVar[tuple[str, ...]] = ("client_id", "client_secret")

    client_id: str = Field("", description="the app's id; with project_id, the project's OAuth 2.0 client id")
    client_secret: SecretStr = Field(SecretStr(""), description="the secret that goes with client_id")
    project_id: str = Field("", description="the project's id: uses version 2 of the API. Empty: version 1, per app")
    categories: Mapping[str, str] = Field(
        CATEGORIES,
        description="Huawei's message category for a notification's category, else for its urgency (message, call, "
        "bulk); heeded only if you have the right to classify yourself",
    )
    channel: str = Field("", description="the app's notification channel; custom ones need the right to classify")
    badge_class: str = Field("", description="the app's launcher activity, which badges need; empty: no badges")
    click_intent: str = Field(
        "", description="intent URI that a tap opens, {data} being the app's data; empty: it opens the app"
    )
    urgent_data: bool = Field(False, description="urgency HIGH for what shows nothing; needs Huawei's permission")
    is_test: bool = Field(False, description="mark as test messages: 500 a day, without a category's quota")
    longest_title: int = Field(40, ge=1, description="characters that Huawei shows of a title")
    longest_body: int = Field(256, ge=1, description="characters that Huawei shows of a body")
    endpoint: str = Field(HUAWEI, pattern="^https?://", description="where Push Kit is; the sandbox has its own")
    token_url: str = Field(TOKENS, pattern="^https?://", description="where access tokens come from")

    @property
    def send_url(self) -> str:
        """Where notifications go."""
        path = f"v2/{self.project_id}" if self.project_id else f"v1/{self.client_id}"
        return f"{self.endpoint}/{path}/messages:send"
