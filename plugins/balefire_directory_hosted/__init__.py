"""User profiles kept in the platform's own database."""

from balefire import Directory, Manifest, PluginContext, Settings, hookimpl
from balefire_directory_hosted.directory import HostedDirectory


class Plugin:
    @hookimpl
    def describe(self) -> Manifest:
        return Manifest(
            summary="User profiles in the platform's own database",
            summary_zh="用户资料存放在平台自己的数据库里",
            requires=("database",),
            provides=("directory",),
            migrations="balefire_directory_hosted.migrations",
        )

    @hookimpl
    def register_directories(self, ctx: PluginContext[Settings]) -> list[Directory]:
        return [HostedDirectory(ctx.database, ctx.clock)]
