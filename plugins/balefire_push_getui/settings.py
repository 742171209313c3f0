"""The table ``[plugins.push-getui]``."""

from typing import ClassVar, Final

from pydantic import Field, SecretStr

from balefire import VendorSettings

GETUI: Final = "https://restapi.getui.com"


class Config(VendorSettings):
    """The table ``[plugins.push-getui]``: one app in Getui's console."""

    needed: ClassVar[tuple[str, ...]] = ("app_id", "app_key", "master_secret")

    app_id: str = Field("", max_length=60, description="AppID from Getui's console")
    app_key: str = Field("", max_length=60, description="AppKey from Getui's console")
    master_secret: SecretStr = Field(SecretStr(""), description="MasterSecret, not AppSecret, from Getui's console")
    channel: str = Field("", max_length=100, description="the app's notification channel on Android")
    strategy: int = Field(
        1, ge=1, le=4, description="1 Getui first while the app runs, 2 maker's push only, 3 Getui only, 4 maker first"
    )
    endpoint: str = Field(GETUI, pattern="^https?://", description="where Getui is; answer 301 names another domain")
