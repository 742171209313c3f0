"""Hands the built-in content types and the application's own over to the kernel."""

from pydantic import BaseModel, ConfigDict, Field, field_validator

from balefire import ContentType, Manifest, PluginContext, Settings, hookimpl
from balefire_content.catalogue import BUILT_IN, DeclaredType

NAME_PATTERN = r"^(x-|[a-z0-9-]+\.)[a-z0-9][a-z0-9._-]{0,62}$"


class CustomType(BaseModel):
    """A content type of an application's own. Its fields are not looked into."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=NAME_PATTERN, max_length=64, description="such as acme.poll or x-poll")
    counted: bool = Field(True, description="raises the unread figure")
    stored: bool = Field(True, description="false: delivered live and never written")
    digest_zh: str = Field("[消息]", description="what stands for it in lists, in Chinese")
    digest_en: str = Field("[message]", description="what stands for it in lists, in English")


class Config(Settings):
    """The table ``[plugins.content]``."""

    custom: tuple[CustomType, ...] = Field(
        (), description="content types of your own: names, or tables with name, counted, stored, digest_zh, digest_en"
    )

    @field_validator("custom", mode="before")
    @classmethod
    def _names_are_enough(cls, value: object) -> object:
        if not isinstance(value, list | tuple):
            return value
        return [{"name": item} if isinstance(item, str) else item for item in value]

    @field_validator("custom")
    @classmethod
    def _names_are_free(cls, value: tuple[CustomType, ...]) -> tuple[CustomType, ...]:
        taken = {declared.name for declared in BUILT_IN}
        for custom in value:
            if custom.name in taken:
                raise ValueError(f"{custom.name} is declared already; choose another name")
            taken.add(custom.name)
        return value


def _declare(custom: CustomType) -> DeclaredType:
    words = tuple(text.replace("{", "{{").replace("}", "}}") for text in (custom.digest_zh, custom.digest_en))
    return DeclaredType(
        name=custom.name, digest_words=(words[0], words[1]), is_counted=custom.counted, is_stored=custom.stored
    )


class Plugin:
    """The content types every client knows."""

    @hookimpl
    def describe(self) -> Manifest:
        return Manifest(
            summary="Text, media, cards, articles, streaming text, recall and group notices",
            summary_zh="文本、媒体、名片、图文、流式文本、撤回与群通知",
            config=Config,
            provides=("content",),
        )

    @hookimpl
    def register_content_types(self, ctx: PluginContext[Config]) -> list[ContentType]:
        return [*BUILT_IN, *map(_declare, ctx.config.custom)]
