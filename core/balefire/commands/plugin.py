"""``balefire plugin``: begin a plugin, check it, reload it."""

from pathlib import Path

import click

from balefire.cli import EXIT_FAILED, read_sections, silenced
from balefire.commands.language import say
from balefire.scaffold import KINDS, new_plugin


@click.group(help=say(None, "新建、检查自己的插件，在运行中的平台里重新加载。"))
def plugin() -> None:
    """Begin a plugin of your own, check it, reload it in a running platform."""


@plugin.command(
    help=say(
        None,
        """生成新插件的文件夹：可运行的代码、厂商替身、能通过的测试。

        \b
        示例：
          balefire plugin new push my_vendor
          balefire plugin new robot helper
        """,
    )
)
@click.argument("kind", type=click.Choice(sorted(KINDS)))
@click.argument("name")
@click.option(
    "--in",
    "parent",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help=say("Where to put it.", "放在哪个文件夹里。"),
)
def new(kind: str, name: str, parent: Path) -> None:
    """Write the folder of a new plugin: working code, a stand-in for its vendor, tests that pass.

    \b
    Examples:
      balefire plugin new push my_vendor
      balefire plugin new robot helper
    """
    folder = new_plugin(kind, name, parent)
    click.echo(say(f"{folder}: {KINDS[kind]}, ready to be changed", f"{folder}：已生成，可以开始修改"))
    click.echo(f"  balefire plugin check {folder}")


@plugin.command(
    help=say(
        None,
        """检查一个插件（文件或文件夹）：能加载、符合约定、有说明、测试通过。

        \b
        推送厂商插件的测试必须继承一致性测试套件
        balefire.testing.push_vendor.PushVendorContract。
        全部通过时退出码为 0，否则为 1。

        \b
        示例：
          balefire plugin check ./my_vendor
          balefire plugin check ./one_file.py --skip-tests
        """,
    )
)
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--skip-tests",
    is_flag=True,
    help=say("Only look at the plugin; do not run its tests.", "只检查插件本身，不运行它的测试。"),
)
@click.pass_context
def check(ctx: click.Context, path: Path, skip_tests: bool) -> None:
    """Check a plugin that is a file or folder: it loads, fits the contract, explains itself, passes its tests.

    A push vendor's tests must inherit the conformance kit, balefire.testing.push_vendor.PushVendorContract. Exits
    with 0 when everything passes, otherwise with 1.

    \b
    Examples:
      balefire plugin check ./my_vendor
      balefire plugin check ./one_file.py --skip-tests
    """
    from balefire.plugin_check import check_plugin

    has_failed = False
    with silenced():
        for finding in check_plugin(path.absolute(), run_tests=not skip_tests):
            mark = {"good": "✓", "advice": "·", "bad": "✗"}[finding.level]
            click.echo(f"{mark} {finding.text}")
            has_failed = has_failed or finding.level == "bad"
    ctx.exit(EXIT_FAILED if has_failed else 0)


@plugin.command(
    help=say(
        None,
        """在运行中的平台里重新加载插件的代码，不断开任何连接。

        \b
        新代码启动失败时，旧代码继续运行，并告诉你原因。

        \b
        示例：
          export BALEFIRE_TOKEN="$(balefire token --user me --admin)"
          balefire plugin reload push-my-vendor
        """,
    )
)
@click.argument("name")
@click.option(
    "--url",
    help=say(
        "Where the platform runs; where the configuration says, if not given.", "平台的地址；不给出则以配置为准。"
    ),
)
@click.option(
    "--token",
    envvar="BALEFIRE_TOKEN",
    help=say("A token or key with scope admin.", "权限范围含 admin 的令牌或密钥。"),
)
@click.pass_obj
def reload(path: Path | None, name: str, url: str | None, token: str | None) -> None:
    """Load a plugin's code again in a running platform, without dropping connections.

    If the new code does not start, the old keeps running and you are told why.

    \b
    Example:
      export BALEFIRE_TOKEN="$(balefire token --user me --admin)"
      balefire plugin reload push-my-vendor
    """
    from balefire.commands.running import call

    call(url or read_sections(path).address, "POST", f"/v1/plugins/{name}/reload", token)
    click.echo(say(f"plugin {name!r} was reloaded", f"插件 {name!r} 已重新加载"))
