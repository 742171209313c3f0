"""The table ``[plugins.push-oppo]``."""

from typing import ClassVar, Final, Literal

from pydantic import Field, SecretStr

from balefire import VendorSettings

MAINLAND: Final = "https://api.push.oppomobile.com"


class Config(VendorSettings):
    """The table ``[plugins.push-oppo]``: one app in OPPO's console."""

    needed: ClassVar[tuple[str, ...]] = ("app_key", "master_secret")

    app_key: str = Field("", max_length=100, description="AppKey from OPPO's console")
    master_secret: SecretStr = Field(SecretStr(""), description="MasterSecret, not AppSecret, from OPPO's console")
    channel: str = Field("", max_length=100, description="channel id, made in the app and registered in the console")
    category: str = Field(
        "", max_length=40, description='the message category the console approved, such as "IM"; without one it is news'
    )
    notify_level: Literal[1, 2, 16] | None = Field(
        None, description="1 bar, 2 and lock screen, 16 and banner with sound; needs a category and OPPO's permission"
    )
    endpoint: str = Field(MAINLAND, pattern="^https?://", description="mainland, or api-intl.push.oppomobile.com")
