"""The table ``[plugins.push-xiaomi]``."""

from typing import ClassVar, Final

from pydantic import Field, SecretStr

from balefire import VendorSettings

MAINLAND: Final = "https://api.xmpush.xiaomi.com"


class Config(VendorSettings):
    """The table ``[plugins.push-xiaomi]``: one app in Xiaomi's console."""

    needed: ClassVar[tuple[str, ...]] = ("app_secret", "package")

    app_secret: SecretStr = Field(SecretStr(""), description="AppSecret, not AppKey, from Xiaomi's console")
    package: str = Field("", max_length=200, description="the app's package name")
    channel: str = Field(
        "", max_length=100, description="id of an approved private notification channel; without one the quota is tiny"
    )
    template_id: str = Field(
        "", max_length=100, description="id of an approved template with the variables title and body, if required"
    )
    endpoint: str = Field(
        MAINLAND,
        pattern="^https?://",
        description="the region's server: mainland, or api.xmpush.global.xiaomi.com, fr.api…, ru.api…",
    )
