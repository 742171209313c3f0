"""The table ``[plugins.push-vivo]``."""

from typing import ClassVar, Final, Literal

from pydantic import Field, SecretStr

from balefire import VendorSettings

VIVO: Final = "https://api-push.vivo.com.cn"


class Config(VendorSettings):
    """The table ``[plugins.push-vivo]``: one app in vivo's console."""

    needed: ClassVar[tuple[str, ...]] = ("app_id", "app_key", "app_secret")

    app_id: str = Field("", max_length=40, description="AppID from vivo's console")
    app_key: str = Field("", max_length=100, description="AppKey from vivo's console")
    app_secret: SecretStr = Field(SecretStr(""), description="AppSecret from vivo's console")
    classification: Literal["system", "operational"] = Field(
        "system", description="system for chat; operational messages have a small quota and quiet nights"
    )
    category: str = Field(
        "IM", max_length=40, description="the category the console approved; it must fit the classification"
    )
    token_hours: float = Field(2.0, gt=0, le=23, description="how long an access token is used; vivo advises 1 to 2")
    endpoint: str = Field(VIVO, pattern="^https?://", description="where vivo's API is; the sandbox has its own")
