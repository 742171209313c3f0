"""``balefire check``: is the configuration right?"""

from pathlib import Path

import click

from balefire.cli import EXIT_FAILED, find_config, read_config
from balefire.commands.language import say


@click.command(
    help=say(
        None,
        """校验配置，不启动任何东西。

        \b
        一次列出全部问题：哪个键、错在哪里、怎样才对。
        一切正常时退出码为 0；配置有误为 2；配置无误但有插件无法加载为 1。

        \b
        示例：
          balefire check
          balefire -c production.toml check && systemctl restart balefire
        """,
    )
)
@click.pass_context
def check(ctx: click.Context) -> None:
    """Validate the configuration without starting anything.

    Lists every problem at once: the key, what is wrong, what would be right. Exits with 0 when all is well, 2 when the
    configuration is wrong, 1 when it is right but a plugin cannot be loaded.

    \b
    Examples:
      balefire check
      balefire -c production.toml check && systemctl restart balefire
    """
    from balefire.commands.plugins import examine

    path: Path | None = ctx.obj
    config = read_config(path)
    failed = [record for record in examine(config).records.values() if record.state == "failed"]
    for record in failed:
        click.echo(f"plugins.{record.name}: {record.reason}", err=True)
    if failed:
        ctx.exit(EXIT_FAILED)
    source = find_config(path) or say("the defaults", "默认配置")
    click.echo(say(f"{source}: all is well", f"{source}：一切正常"))
