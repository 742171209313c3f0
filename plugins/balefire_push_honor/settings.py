"""The table ``[plugins.push-honor]``."""

from typing import ClassVar, Final

from pydantic import Field, SecretStr

from balefire import VendorSettings

HONOR: Final = "https://push-api.cloud.honor.com"
TOKENS: Final = "https://iam.developer.honor.com/auth/token"


class Config(VendorSettings):
    """The table ``[plugins.push-honor]``: an app of Honor's developer platform."""

    needed: ClassVar[tuple[str, ...]] = ("app_id", "client_id", "client_secret")

    app_id: str = Field("", description="the app's id")
    client_id: str = Field("", description="the client id on the app's push service page")
    client_secret: SecretStr = Field(
        SecretStr(""), description="the client secret on the push service page; the app's own secret is another one"
    )
    category: str = Field("", description="message category; leave it empty unless Honor's console asks for one")
    badge_class: str = Field("", description="the app's launcher activity, which badges need; empty: no badges")
    click_intent: str = Field(
        "", description="intent URI that a tap opens, {data} being the app's data; empty: it opens the app"
    )
    is_test: bool = Field(False, description="mark as test messages")
    longest_title: int = Field(40, ge=1, description="characters that Honor shows of a title")
    longest_body: int = Field(256, ge=1, description="characters that Honor shows of a body")
    endpoint: str = Field(HONOR, pattern="^https?://", description="where Honor Push is; the sandbox has its own")
    token_url: str = Field(TOKENS, pattern="^https?://", description="where access tokens come from")
